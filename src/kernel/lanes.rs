//! Sixteen numbers at a time, in whatever registers there are.
//!
//! This is one of the places of the crate with `unsafe`: plain loops over arrays reach the same speed on some shapes
//! and a fiftieth of it on others, as the compiler pleases.

use crate::scalar::Scalar;

/// Numbers in a vector. Part of the definition of a [`dot`](super::dot), and what rows are padded to.
pub const LANES: usize = 16;

/// A number type with the vectors that each instruction set has for it.
pub trait Element: Scalar {
    /// In AVX2's registers.
    type Avx2: Lanes<Self>;
    /// In AVX-512's.
    type Avx512: Lanes<Self>;
}

impl Element for f32 {
    #[cfg(target_arch = "x86_64")]
    type Avx2 = x86::Avx2;
    #[cfg(target_arch = "x86_64")]
    type Avx512 = x86::Avx512;
    #[cfg(not(target_arch = "x86_64"))]
    type Avx2 = Portable<f32>;
    #[cfg(not(target_arch = "x86_64"))]
    type Avx512 = Portable<f32>;
}

/// f64 is what is checked: it has no registers of its own, the compiler makes what it can of plain arrays.
impl Element for f64 {
    type Avx2 = Portable<f64>;
    type Avx512 = Portable<f64>;
}

/// Some numbers at a time.
pub trait Vector<T: Scalar>: Copy {
    /// How many.
    const COUNT: usize;

    /// As often the same.
    fn splat(value: T) -> Self;

    /// `self·b + c`, rounded once.
    fn mul_add(self, b: Self, c: Self) -> Self;

    /// Reads them.
    ///
    /// # Safety
    /// As many numbers can be read from there; the processor has what this type stands for.
    unsafe fn load(from: *const T) -> Self;

    /// Writes them.
    ///
    /// # Safety
    /// As many numbers can be written there; the processor has what this type stands for.
    unsafe fn store(self, to: *mut T);
}

/// Sixteen numbers.
pub trait Lanes<T: Scalar>: Vector<T> {
    /// Four of them, for a product's last columns.
    type Quarter: Vector<T>;

    /// Rows of a tile that its registers hold.
    const TILE_ROWS: usize;
    /// Vectors in a row of that tile.
    const TILE_VECTORS: usize;

    /// Rows of the left operand in a tile of dot products.
    const DOT_ROWS: usize;
    /// Rows of the right one.
    const DOT_COLUMNS: usize;

    /// A block on its side.
    #[inline(always)]
    fn transpose(block: [[T; 8]; 8]) -> [[T; 8]; 8] {
        std::array::from_fn(|i| std::array::from_fn(|j| block[j][i]))
    }

    /// Of each pair of values, each with a companion, the larger: `other` only where it is larger than `self`, or NaN
    /// where `self` is not.
    fn larger(self, other: Self, companions: [Self; 2]) -> [Self; 2];

    /// 0 in place of what is below `zero`, which is 0; a NaN stays.
    fn or_zero_below(self, zero: Self) -> Self;

    /// 0 where `by` is not positive.
    fn where_positive(self, by: Self) -> Self;

    /// Their sum, in a tree.
    #[inline(always)]
    fn fold(self) -> T {
        let mut lanes = [T::zero(); LANES];
        self.write(&mut lanes, 0);
        super::elements::fold(lanes)
    }

    /// Reads them from a slice.
    #[inline(always)]
    fn of(from: &[T], at: usize) -> Self {
        let from = &from[at..at + LANES];
        // SAFETY: `from` holds sixteen numbers; code of this type runs only where its instructions are.
        unsafe { Self::load(from.as_ptr()) }
    }

    /// Writes them to a slice.
    #[inline(always)]
    fn write(self, to: &mut [T], at: usize) {
        let to = &mut to[at..at + LANES];
        // SAFETY: `to` holds sixteen numbers; code of this type runs only where its instructions are.
        unsafe { self.store(to.as_mut_ptr()) }
    }
}

/// Sixteen numbers in an array: for any processor.
#[derive(Debug, Clone, Copy)]
pub struct Portable<T>([T; LANES]);

impl<T: Scalar> Vector<T> for Portable<T> {
    const COUNT: usize = LANES;

    #[inline(always)]
    fn splat(value: T) -> Self {
        Portable([value; LANES])
    }
    #[inline(always)]
    fn mul_add(mut self, b: Self, c: Self) -> Self {
        for lane in 0..LANES {
            self.0[lane] = self.0[lane].mul_add(b.0[lane], c.0[lane]);
        }
        self
    }
    #[inline(always)]
    unsafe fn load(from: *const T) -> Self {
        // SAFETY: the caller's promise.
        Portable(unsafe { from.cast::<[T; LANES]>().read_unaligned() })
    }
    #[inline(always)]
    unsafe fn store(self, to: *mut T) {
        // SAFETY: the caller's promise.
        unsafe { to.cast::<[T; LANES]>().write_unaligned(self.0) }
    }
}

impl<T: Scalar> Lanes<T> for Portable<T> {
    type Quarter = PortableQuarter<T>;
    const TILE_ROWS: usize = 4;
    const TILE_VECTORS: usize = 1;
    const DOT_ROWS: usize = 2;
    const DOT_COLUMNS: usize = 3;

    #[inline(always)]
    fn or_zero_below(mut self, _: Self) -> Self {
        self.0.iter_mut().for_each(|x| *x = if *x < T::zero() { T::zero() } else { *x });
        self
    }

    #[inline(always)]
    fn where_positive(mut self, by: Self) -> Self {
        for lane in 0..LANES {
            self.0[lane] = if by.0[lane] <= T::zero() { T::zero() } else { self.0[lane] };
        }
        self
    }

    #[inline(always)]
    fn larger(mut self, other: Self, [mut own, others]: [Self; 2]) -> [Self; 2] {
        for lane in 0..LANES {
            let (a, b) = (self.0[lane], other.0[lane]);
            let is_nan = |x: T| x.partial_cmp(&x).is_none();
            if !is_nan(a) && (b > a || is_nan(b)) {
                (self.0[lane], own.0[lane]) = (b, others.0[lane]);
            }
        }
        [self, own]
    }
}

/// Four numbers in an array.
#[derive(Debug, Clone, Copy)]
pub struct PortableQuarter<T>([T; 4]);

impl<T: Scalar> Vector<T> for PortableQuarter<T> {
    const COUNT: usize = 4;

    #[inline(always)]
    fn splat(value: T) -> Self {
        PortableQuarter([value; 4])
    }

    #[inline(always)]
    fn mul_add(mut self, b: Self, c: Self) -> Self {
        for lane in 0..4 {
            self.0[lane] = self.0[lane].mul_add(b.0[lane], c.0[lane]);
        }
        self
    }

    #[inline(always)]
    unsafe fn load(from: *const T) -> Self {
        // SAFETY: the caller's promise.
        PortableQuarter(unsafe { from.cast::<[T; 4]>().read_unaligned() })
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut T) {
        // SAFETY: the caller's promise.
        unsafe { to.cast::<[T; 4]>().write_unaligned(self.0) }
    }
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::{
        __m128, __m256, __m512, _CMP_NLE_UQ, _CMP_ORD_Q, _mm_fmadd_ps, _mm_loadu_ps, _mm_set1_ps, _mm_storeu_ps,
        _mm256_and_ps, _mm256_blendv_ps, _mm256_cmp_ps, _mm256_fmadd_ps, _mm256_loadu_ps, _mm256_max_ps,
        _mm256_permute2f128_ps, _mm256_set1_ps, _mm256_shuffle_ps, _mm256_storeu_ps, _mm256_unpackhi_ps,
        _mm256_unpacklo_ps, _mm512_cmp_ps_mask, _mm512_fmadd_ps, _mm512_loadu_ps, _mm512_mask_blend_ps,
        _mm512_maskz_mov_ps, _mm512_max_ps, _mm512_set1_ps, _mm512_storeu_ps,
    };

    use super::{LANES, Lanes, Vector};

    /// A register of four.
    #[derive(Debug, Clone, Copy)]
    pub struct Quarter(__m128);

    // SAFETY (of every block): `Instructions` runs code of this type only where it has found AVX2 and FMA.
    impl Vector<f32> for Quarter {
        const COUNT: usize = 4;

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
        fn transpose(block: [[f32; 8]; 8]) -> [[f32; 8]; 8] {
            // SAFETY: see above.
            unsafe { turn(block) }
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
        fn larger(self, other: Self, [own, others]: [Self; 2]) -> [Self; 2] {
            // SAFETY: see above.
            unsafe {
                let larger =
                    [_mm256_cmp_ps::<_CMP_NLE_UQ>(other.0, self.0), _mm256_cmp_ps::<_CMP_NLE_UQ>(other.1, self.1)];
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
    unsafe fn turn(block: [[f32; 8]; 8]) -> [[f32; 8]; 8] {
        // SAFETY: the caller runs where AVX2 is; all loads and stores are within the blocks.
        unsafe {
            // Written out: closures would not be compiled for these instructions.
            let [r0, r1, r2, r3, r4, r5, r6, r7] = [
                _mm256_loadu_ps(block[0].as_ptr()),
                _mm256_loadu_ps(block[1].as_ptr()),
                _mm256_loadu_ps(block[2].as_ptr()),
                _mm256_loadu_ps(block[3].as_ptr()),
                _mm256_loadu_ps(block[4].as_ptr()),
                _mm256_loadu_ps(block[5].as_ptr()),
                _mm256_loadu_ps(block[6].as_ptr()),
                _mm256_loadu_ps(block[7].as_ptr()),
            ];
            let (p0, p1) = (_mm256_unpacklo_ps(r0, r1), _mm256_unpackhi_ps(r0, r1));
            let (p2, p3) = (_mm256_unpacklo_ps(r2, r3), _mm256_unpackhi_ps(r2, r3));
            let (p4, p5) = (_mm256_unpacklo_ps(r4, r5), _mm256_unpackhi_ps(r4, r5));
            let (p6, p7) = (_mm256_unpacklo_ps(r6, r7), _mm256_unpackhi_ps(r6, r7));
            let (f0, f1) = (_mm256_shuffle_ps::<0x44>(p0, p2), _mm256_shuffle_ps::<0xee>(p0, p2));
            let (f2, f3) = (_mm256_shuffle_ps::<0x44>(p1, p3), _mm256_shuffle_ps::<0xee>(p1, p3));
            let (f4, f5) = (_mm256_shuffle_ps::<0x44>(p4, p6), _mm256_shuffle_ps::<0xee>(p4, p6));
            let (f6, f7) = (_mm256_shuffle_ps::<0x44>(p5, p7), _mm256_shuffle_ps::<0xee>(p5, p7));
            let mut out = [[0.0; 8]; 8];
            _mm256_storeu_ps(out[0].as_mut_ptr(), _mm256_permute2f128_ps::<0x20>(f0, f4));
            _mm256_storeu_ps(out[1].as_mut_ptr(), _mm256_permute2f128_ps::<0x20>(f1, f5));
            _mm256_storeu_ps(out[2].as_mut_ptr(), _mm256_permute2f128_ps::<0x20>(f2, f6));
            _mm256_storeu_ps(out[3].as_mut_ptr(), _mm256_permute2f128_ps::<0x20>(f3, f7));
            _mm256_storeu_ps(out[4].as_mut_ptr(), _mm256_permute2f128_ps::<0x31>(f0, f4));
            _mm256_storeu_ps(out[5].as_mut_ptr(), _mm256_permute2f128_ps::<0x31>(f1, f5));
            _mm256_storeu_ps(out[6].as_mut_ptr(), _mm256_permute2f128_ps::<0x31>(f2, f6));
            _mm256_storeu_ps(out[7].as_mut_ptr(), _mm256_permute2f128_ps::<0x31>(f3, f7));
            out
        }
    }

    /// One register.
    #[derive(Debug, Clone, Copy)]
    pub struct Avx512(__m512);

    // SAFETY (of every block): `Instructions` runs code of this type only where it has found AVX-512.
    impl Vector<f32> for Avx512 {
        const COUNT: usize = LANES;

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
        fn transpose(block: [[f32; 8]; 8]) -> [[f32; 8]; 8] {
            // SAFETY: see above; AVX-512 contains AVX2.
            unsafe { turn(block) }
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
        fn larger(self, other: Self, [own, others]: [Self; 2]) -> [Self; 2] {
            // SAFETY: see above.
            unsafe {
                let larger = _mm512_cmp_ps_mask::<_CMP_NLE_UQ>(other.0, self.0);
                let take = larger & _mm512_cmp_ps_mask::<_CMP_ORD_Q>(self.0, self.0);
                [
                    Avx512(_mm512_mask_blend_ps(take, self.0, other.0)),
                    Avx512(_mm512_mask_blend_ps(take, own.0, others.0)),
                ]
            }
        }
    }
}
