//! The sums with vectors of 32 bytes, for f32.
//!
//! By hand: for several sums in one loop the compiler shuffles lanes, and a loop for each takes twice the time. With
//! loops in place of the arrays' methods: a closure that such a method calls is compiled for the baseline, unless
//! inlining happens to mend it.

use std::arch::x86_64::{
    __m256, __m256d, _CMP_GT_OQ, _CMP_LE_OQ, _CMP_LT_OQ, _mm256_add_pd, _mm256_and_pd, _mm256_and_ps,
    _mm256_castps256_ps128, _mm256_cmp_pd, _mm256_cmp_ps, _mm256_cvtps_pd, _mm256_extractf128_ps, _mm256_fmadd_pd,
    _mm256_loadu_pd, _mm256_loadu_ps, _mm256_max_ps, _mm256_min_ps, _mm256_movemask_ps, _mm256_mul_pd,
    _mm256_setzero_pd, _mm256_setzero_ps, _mm256_storeu_pd,
};

use super::{CAUTIOUS, LANES};
use crate::optim::sweep::CHUNK;

/// Lanes in a vector.
const HALF: usize = LANES / 2;

/// Adds the terms of a chunk to the lanes, and how often w and Δ differ in sign to `agree`.
#[expect(clippy::needless_range_loop, reason = "sums and their lanes are indexed alike")]
#[target_feature(enable = "avx2,fma,popcnt")]
pub(super) fn add<const SUMS: usize>(
    lanes: &mut [[f64; LANES]; SUMS],
    agree: &mut u64,
    w: &[f32; CHUNK],
    g: &[f32; CHUNK],
    d: &[f32; CHUNK],
) {
    let mut sums = [[_mm256_setzero_pd(); 2]; SUMS];
    for sum in 0..SUMS {
        for half in 0..2 {
            // SAFETY: each half of the lanes is as long as the vector that is read.
            sums[sum][half] = unsafe { _mm256_loadu_pd(lanes[sum].as_ptr().add(half * HALF)) };
        }
    }
    for at in (0..CHUNK).step_by(LANES) {
        // SAFETY: a chunk is a number of whole lanes.
        let (w, g, d) = unsafe {
            let load = [w.as_ptr().add(at), g.as_ptr().add(at), d.as_ptr().add(at)];
            (_mm256_loadu_ps(load[0]), _mm256_loadu_ps(load[1]), _mm256_loadu_ps(load[2]))
        };
        for half in 0..2 {
            let (w, g, d) = (widen(w, half), widen(g, half), widen(d, half));
            let terms = [(w, w), (g, g), (w, g), (d, d), (w, d)];
            for sum in 0..terms.len() {
                sums[sum][half] = _mm256_fmadd_pd(terms[sum].0, terms[sum].1, sums[sum][half]);
            }
            if SUMS == CAUTIOUS {
                let product = _mm256_mul_pd(w, d);
                let decays = _mm256_cmp_pd::<_CMP_LE_OQ>(product, _mm256_setzero_pd());
                sums[5][half] = _mm256_add_pd(sums[5][half], _mm256_and_pd(decays, _mm256_mul_pd(w, w)));
                sums[6][half] = _mm256_add_pd(sums[6][half], _mm256_and_pd(decays, product));
            }
        }
        // Of different signs, and neither is 0.
        let apart = _mm256_and_ps(
            _mm256_cmp_ps::<_CMP_LT_OQ>(_mm256_min_ps(w, d), _mm256_setzero_ps()),
            _mm256_cmp_ps::<_CMP_GT_OQ>(_mm256_max_ps(w, d), _mm256_setzero_ps()),
        );
        *agree += u64::from(_mm256_movemask_ps(apart).count_ones());
    }
    for sum in 0..SUMS {
        for half in 0..2 {
            // SAFETY: each half of the lanes is as long as the vector that is written.
            unsafe { _mm256_storeu_pd(lanes[sum].as_mut_ptr().add(half * HALF), sums[sum][half]) };
        }
    }
}

/// Four of the numbers in f64: the first ones, or those of the other half.
#[inline]
#[target_feature(enable = "avx2")]
fn widen(x: __m256, half: usize) -> __m256d {
    _mm256_cvtps_pd(if half == 0 { _mm256_castps256_ps128(x) } else { _mm256_extractf128_ps::<1>(x) })
}
