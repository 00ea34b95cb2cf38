//! The sums with vectors of 32 bytes, for f32.
//!
//! By hand: for several sums in one loop the compiler shuffles lanes, and a loop for each takes twice the time.

use std::arch::x86_64::{
    __m256d, _CMP_GT_OQ, _CMP_LE_OQ, _CMP_LT_OQ, _mm256_add_pd, _mm256_and_pd, _mm256_and_ps, _mm256_castps256_ps128,
    _mm256_cmp_pd, _mm256_cmp_ps, _mm256_cvtps_pd, _mm256_extractf128_ps, _mm256_fmadd_pd, _mm256_loadu_pd,
    _mm256_loadu_ps, _mm256_max_ps, _mm256_min_ps, _mm256_movemask_ps, _mm256_mul_pd, _mm256_setzero_pd,
    _mm256_setzero_ps, _mm256_storeu_pd,
};

use super::{CAUTIOUS, LANES};
use crate::optim::sweep::CHUNK;

/// Lanes in a vector.
const HALF: usize = LANES / 2;

/// Adds the terms of a chunk to the lanes, and how often w and Δ differ in sign to `agree`.
#[expect(clippy::needless_range_loop, reason = "a half is one of the gradient and Δ too, not only of the sums")]
#[target_feature(enable = "avx2,fma,popcnt")]
pub(super) fn add<const SUMS: usize>(
    lanes: &mut [[f64; LANES]; SUMS],
    agree: &mut u64,
    w: &[f32; CHUNK],
    g: &[f32; CHUNK],
    d: &[f32; CHUNK],
) {
    let mut sums: [[__m256d; 2]; SUMS] = std::array::from_fn(|sum| {
        let (halves, _) = lanes[sum].as_chunks::<HALF>();
        // SAFETY: each half is as long as the vector that is read.
        std::array::from_fn(|half| unsafe { _mm256_loadu_pd(halves[half].as_ptr()) })
    });
    for at in (0..CHUNK).step_by(LANES) {
        // SAFETY: a chunk is a number of whole lanes.
        let [w, g, d] = [w, g, d].map(|values| unsafe { _mm256_loadu_ps(values.as_ptr().add(at)) });
        for half in 0..2 {
            let [w, g, d] = [w, g, d].map(|x| {
                _mm256_cvtps_pd(if half == 0 { _mm256_castps256_ps128(x) } else { _mm256_extractf128_ps::<1>(x) })
            });
            for (sum, (a, b)) in [(w, w), (g, g), (w, g), (d, d), (w, d)].into_iter().enumerate() {
                sums[sum][half] = _mm256_fmadd_pd(a, b, sums[sum][half]);
            }
            if SUMS == CAUTIOUS {
                let product = _mm256_mul_pd(w, d);
                let decays = _mm256_cmp_pd::<_CMP_LE_OQ>(product, _mm256_setzero_pd());
                for (sum, term) in [(5, _mm256_mul_pd(w, w)), (6, product)] {
                    sums[sum][half] = _mm256_add_pd(sums[sum][half], _mm256_and_pd(decays, term));
                }
            }
        }
        // Of different signs, and neither is 0.
        let apart = _mm256_and_ps(
            _mm256_cmp_ps::<_CMP_LT_OQ>(_mm256_min_ps(w, d), _mm256_setzero_ps()),
            _mm256_cmp_ps::<_CMP_GT_OQ>(_mm256_max_ps(w, d), _mm256_setzero_ps()),
        );
        *agree += u64::from(_mm256_movemask_ps(apart).count_ones());
    }
    for (lanes, sums) in lanes.iter_mut().zip(&sums) {
        for (lanes, sum) in lanes.as_chunks_mut::<HALF>().0.iter_mut().zip(sums) {
            // SAFETY: a half is as long as the vector that is written.
            unsafe { _mm256_storeu_pd(lanes.as_mut_ptr(), *sum) };
        }
    }
}
