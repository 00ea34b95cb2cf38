//! Sixteen numbers in the registers of x86-64.

use std::arch::x86_64::{
    __m128, __m256, __m512, _CMP_EQ_OQ, _CMP_NLE_UQ, _CMP_ORD_Q, _mm_fmadd_ps, _mm_loadu_ps, _mm_set1_ps,
    _mm_storeu_ps, _mm256_and_ps, _mm256_and_si256, _mm256_blendv_ps, _mm256_castps_si256, _mm256_castsi256_ps,
    _mm256_cmp_ps, _mm256_fmadd_ps, _mm256_loadu_ps, _mm256_max_epu32, _mm256_max_ps, _mm256_permute2f128_ps,
    _mm256_set1_epi32, _mm256_set1_ps, _mm256_shuffle_ps, _mm256_storeu_ps, _mm256_unpackhi_ps, _mm256_unpacklo_ps,
    _mm512_and_si512, _mm512_castps_si512, _mm512_castsi512_ps, _mm512_cmp_ps_mask, _mm512_fmadd_ps, _mm512_loadu_ps,
    _mm512_mask_blend_ps, _mm512_maskz_mov_ps, _mm512_max_epu32, _mm512_max_ps, _mm512_set1_epi32, _mm512_set1_ps,
    _mm512_storeu_ps,
};

use super::{LANES, Lanes, Vector};

/// A register of four.
#[derive(Debug, Clone, Copy)]
pub struct Quarter(__m128);

// SAFETY (of every block): `Instructions` runs code of this type only where it has found AVX2 and FMA.
impl Vector<f32> for Quarter {
    const COUNT: usize = 4;
    const TERMS: usize = 1;

    #[inline(always)]
    fn splat(value: f32) -> Self {
        // SAFETY: see above.
        Quarter(unsafe { _mm_set1_ps(value) })
    }

    #[inline(always)]
    fn mul_add(self, b: Self, c: Self) -> Self {
        // SAFETY: see above.
        Quarter(unsafe { _mm_fmadd_ps(self.0, b.0, c.0) })
    }

    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        // SAFETY: see above, and the caller's promise.
        Quarter(unsafe { _mm_loadu_ps(from) })
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        // SAFETY: see above, and the caller's promise.
        unsafe { _mm_storeu_ps(to, self.0) }
    }
}

/// Two registers of eight.
#[derive(Debug, Clone, Copy)]
pub struct Avx2(__m256, __m256);

// SAFETY (of every block): `Instructions` runs code of this type only where it has found AVX2 and FMA.
impl Vector<f32> for Avx2 {
    const COUNT: usize = LANES;
    const TERMS: usize = 4;

    #[inline(always)]
    fn splat(value: f32) -> Self {
        // SAFETY: see above.
        let half = unsafe { _mm256_set1_ps(value) };
        Avx2(half, half)
    }
    #[inline(always)]
    fn mul_add(self, b: Self, c: Self) -> Self {
        // SAFETY: see above.
        unsafe { Avx2(_mm256_fmadd_ps(self.0, b.0, c.0), _mm256_fmadd_ps(self.1, b.1, c.1)) }
    }
    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        // SAFETY: see above, and the caller's promise.
        unsafe { Avx2(_mm256_loadu_ps(from), _mm256_loadu_ps(from.add(8))) }
    }
    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        // SAFETY: see above, and the caller's promise.
        unsafe {
            _mm256_storeu_ps(to, self.0);
            _mm256_storeu_ps(to.add(8), self.1);
        }
    }
}

impl Lanes<f32> for Avx2 {
    type Quarter = Quarter;
    const TILE_ROWS: usize = 6;
    const TILE_VECTORS: usize = 1;
    const DOT_ROWS: usize = 2;
    const DOT_COLUMNS: usize = 3;

    #[inline(always)]
    unsafe fn transpose((from, from_row): (*const f32, usize), (to, to_row): (*mut f32, usize)) {
        // SAFETY: see above, and the caller's promise.
        unsafe { turn((from, from_row), (to, to_row)) }
    }

    #[inline(always)]
    fn larger_magnitude(self, other: Self) -> Self {
        // SAFETY: see above.
        unsafe {
            let magnitude = _mm256_set1_epi32(i32::MAX);
            let (a, b) = (_mm256_castps_si256(self.0), _mm256_castps_si256(other.0));
            let low = _mm256_max_epu32(_mm256_and_si256(a, magnitude), _mm256_and_si256(b, magnitude));
            let (a, b) = (_mm256_castps_si256(self.1), _mm256_castps_si256(other.1));
            let high = _mm256_max_epu32(_mm256_and_si256(a, magnitude), _mm256_and_si256(b, magnitude));
            Avx2(_mm256_castsi256_ps(low), _mm256_castsi256_ps(high))
        }
    }

    #[inline(always)]
    fn or_zero_below(self, zero: Self) -> Self {
        // SAFETY: see above. The second operand is what a comparison with NaN gives.
        unsafe { Avx2(_mm256_max_ps(zero.0, self.0), _mm256_max_ps(zero.1, self.1)) }
    }

    #[inline(always)]
    fn where_positive(self, by: Self) -> Self {
        // SAFETY: see above.
        unsafe {
            let zero = _mm256_set1_ps(0.0);
            let low = _mm256_and_ps(self.0, _mm256_cmp_ps::<_CMP_NLE_UQ>(by.0, zero));
            Avx2(low, _mm256_and_ps(self.1, _mm256_cmp_ps::<_CMP_NLE_UQ>(by.1, zero)))
        }
    }

    #[inline(always)]
    fn where_equal(self, a: Self, b: Self) -> Self {
        // SAFETY: see above.
        unsafe {
            let low = _mm256_and_ps(self.0, _mm256_cmp_ps::<_CMP_EQ_OQ>(a.0, b.0));
            Avx2(low, _mm256_and_ps(self.1, _mm256_cmp_ps::<_CMP_EQ_OQ>(a.1, b.1)))
        }
    }

    #[inline(always)]
    fn larger(self, other: Self, [own, others]: [Self; 2]) -> [Self; 2] {
        // SAFETY: see above.
        unsafe {
            let larger = [_mm256_cmp_ps::<_CMP_NLE_UQ>(other.0, self.0), _mm256_cmp_ps::<_CMP_NLE_UQ>(other.1, self.1)];
            let low = _mm256_and_ps(larger[0], _mm256_cmp_ps::<_CMP_ORD_Q>(self.0, self.0));
            let high = _mm256_and_ps(larger[1], _mm256_cmp_ps::<_CMP_ORD_Q>(self.1, self.1));
            [
                Avx2(_mm256_blendv_ps(self.0, other.0, low), _mm256_blendv_ps(self.1, other.1, high)),
                Avx2(_mm256_blendv_ps(own.0, others.0, low), _mm256_blendv_ps(own.1, others.1, high)),
            ]
        }
    }
}

/// Pairs, fours, eights.
#[inline(always)]
unsafe fn turn((from, from_row): (*const f32, usize), (to, to_row): (*mut f32, usize)) {
    // SAFETY: the caller runs where AVX2 is, and all rows are there.
    unsafe {
        // Written out: closures would not be compiled for these instructions.
        let [r0, r1, r2, r3, r4, r5, r6, r7] = [
            _mm256_loadu_ps(from),
            _mm256_loadu_ps(from.add(from_row)),
            _mm256_loadu_ps(from.add(2 * from_row)),
            _mm256_loadu_ps(from.add(3 * from_row)),
            _mm256_loadu_ps(from.add(4 * from_row)),
            _mm256_loadu_ps(from.add(5 * from_row)),
            _mm256_loadu_ps(from.add(6 * from_row)),
            _mm256_loadu_ps(from.add(7 * from_row)),
        ];
        let (p0, p1) = (_mm256_unpacklo_ps(r0, r1), _mm256_unpackhi_ps(r0, r1));
        let (p2, p3) = (_mm256_unpacklo_ps(r2, r3), _mm256_unpackhi_ps(r2, r3));
        let (p4, p5) = (_mm256_unpacklo_ps(r4, r5), _mm256_unpackhi_ps(r4, r5));
        let (p6, p7) = (_mm256_unpacklo_ps(r6, r7), _mm256_unpackhi_ps(r6, r7));
        let (f0, f1) = (_mm256_shuffle_ps::<0x44>(p0, p2), _mm256_shuffle_ps::<0xee>(p0, p2));
        let (f2, f3) = (_mm256_shuffle_ps::<0x44>(p1, p3), _mm256_shuffle_ps::<0xee>(p1, p3));
        let (f4, f5) = (_mm256_shuffle_ps::<0x44>(p4, p6), _mm256_shuffle_ps::<0xee>(p4, p6));
        let (f6, f7) = (_mm256_shuffle_ps::<0x44>(p5, p7), _mm256_shuffle_ps::<0xee>(p5, p7));
        _mm256_storeu_ps(to, _mm256_permute2f128_ps::<0x20>(f0, f4));
        _mm256_storeu_ps(to.add(to_row), _mm256_permute2f128_ps::<0x20>(f1, f5));
        _mm256_storeu_ps(to.add(2 * to_row), _mm256_permute2f128_ps::<0x20>(f2, f6));
        _mm256_storeu_ps(to.add(3 * to_row), _mm256_permute2f128_ps::<0x20>(f3, f7));
        _mm256_storeu_ps(to.add(4 * to_row), _mm256_permute2f128_ps::<0x31>(f0, f4));
        _mm256_storeu_ps(to.add(5 * to_row), _mm256_permute2f128_ps::<0x31>(f1, f5));
        _mm256_storeu_ps(to.add(6 * to_row), _mm256_permute2f128_ps::<0x31>(f2, f6));
        _mm256_storeu_ps(to.add(7 * to_row), _mm256_permute2f128_ps::<0x31>(f3, f7));
    }
}

/// One register.
#[derive(Debug, Clone, Copy)]
pub struct Avx512(__m512);

// SAFETY (of every block): `Instructions` runs code of this type only where it has found AVX-512.
impl Vector<f32> for Avx512 {
    const COUNT: usize = LANES;
    const TERMS: usize = 1;

    #[inline(always)]
    fn splat(value: f32) -> Self {
        // SAFETY: see above.
        Avx512(unsafe { _mm512_set1_ps(value) })
    }
    #[inline(always)]
    fn mul_add(self, b: Self, c: Self) -> Self {
        // SAFETY: see above.
        Avx512(unsafe { _mm512_fmadd_ps(self.0, b.0, c.0) })
    }
    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        // SAFETY: see above, and the caller's promise.
        Avx512(unsafe { _mm512_loadu_ps(from) })
    }
    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        // SAFETY: see above, and the caller's promise.
        unsafe { _mm512_storeu_ps(to, self.0) }
    }
}

impl Lanes<f32> for Avx512 {
    type Quarter = Quarter;
    const TILE_ROWS: usize = 8;
    const TILE_VECTORS: usize = 3;
    const DOT_ROWS: usize = 4;
    const DOT_COLUMNS: usize = 6;

    #[inline(always)]
    unsafe fn transpose((from, from_row): (*const f32, usize), (to, to_row): (*mut f32, usize)) {
        // SAFETY: see above, and the caller's promise; AVX-512 contains AVX2.
        unsafe { turn((from, from_row), (to, to_row)) }
    }

    #[inline(always)]
    fn larger_magnitude(self, other: Self) -> Self {
        // SAFETY: see above.
        unsafe {
            let magnitude = _mm512_set1_epi32(i32::MAX);
            let (a, b) = (_mm512_castps_si512(self.0), _mm512_castps_si512(other.0));
            let most = _mm512_max_epu32(_mm512_and_si512(a, magnitude), _mm512_and_si512(b, magnitude));
            Avx512(_mm512_castsi512_ps(most))
        }
    }

    #[inline(always)]
    fn or_zero_below(self, zero: Self) -> Self {
        // SAFETY: see above. The second operand is what a comparison with NaN gives.
        Avx512(unsafe { _mm512_max_ps(zero.0, self.0) })
    }

    #[inline(always)]
    fn where_positive(self, by: Self) -> Self {
        // SAFETY: see above.
        unsafe {
            let take = _mm512_cmp_ps_mask::<_CMP_NLE_UQ>(by.0, _mm512_set1_ps(0.0));
            Avx512(_mm512_maskz_mov_ps(take, self.0))
        }
    }

    #[inline(always)]
    fn where_equal(self, a: Self, b: Self) -> Self {
        // SAFETY: see above.
        unsafe {
            let take = _mm512_cmp_ps_mask::<_CMP_EQ_OQ>(a.0, b.0);
            Avx512(_mm512_maskz_mov_ps(take, self.0))
        }
    }

    #[inline(always)]
    fn larger(self, other: Self, [own, others]: [Self; 2]) -> [Self; 2] {
        // SAFETY: see above.
        unsafe {
            let larger = _mm512_cmp_ps_mask::<_CMP_NLE_UQ>(other.0, self.0);
            let take = larger & _mm512_cmp_ps_mask::<_CMP_ORD_Q>(self.0, self.0);
            [Avx512(_mm512_mask_blend_ps(take, self.0, other.0)), Avx512(_mm512_mask_blend_ps(take, own.0, others.0))]
        }
    }
}
