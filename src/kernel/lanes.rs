//! Sixteen numbers at a time, in whatever registers there are.
//!
//! This is one of the places of the crate with `unsafe`: plain loops over arrays reach the same speed on some shapes
//! and a fiftieth of it on others, as the compiler pleases.

#[cfg(target_arch = "x86_64")]
mod x86;

use super::instructions::Instructions;
use super::product::Checked;
use crate::scalar::Scalar;

/// Numbers in a vector. Part of the definition of a [`dot`](super::dot), and what rows are padded to.
pub const LANES: usize = 16;

/// A number type with the vectors that each instruction set has for it.
pub trait Element: Scalar {
    /// In AVX2's registers.
    type Avx2: Lanes<Self>;
    /// In AVX-512's.
    type Avx512: Lanes<Self>;

    /// Computes a product whose operands have been checked. For each type of its own, so that it is compiled once, with this
    /// crate, and not again with every crate that trains a network.
    #[doc(hidden)]
    fn multiply(instructions: Instructions, checked: Checked<'_, '_, Self>);
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

    fn multiply(instructions: Instructions, checked: Checked<'_, '_, f32>) {
        instructions.run(checked);
    }
}

/// f64 is what is checked: it has no registers of its own, the compiler makes what it can of plain arrays.
impl Element for f64 {
    type Avx2 = Portable<f64>;
    type Avx512 = Portable<f64>;

    fn multiply(instructions: Instructions, checked: Checked<'_, '_, f64>) {
        instructions.run(checked);
    }
}

/// Some numbers at a time.
pub trait Vector<T: Scalar>: Copy {
    /// How many.
    const COUNT: usize;

    /// Terms of a product that a turn of its loop adds up. Of a tile in few registers the instructions that count and go
    /// on are more than a quarter, and where two threads share a core they are what it has too few slots for.
    const TERMS: usize;

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

    /// Writes a block of eight by eight on its side, with rows `from_row` and `to_row` apart.
    ///
    /// # Safety
    /// All rows can be read and written; the processor has what this type stands for.
    #[inline(always)]
    unsafe fn transpose((from, from_row): (*const T, usize), (to, to_row): (*mut T, usize)) {
        for i in 0..8 {
            for j in 0..8 {
                // SAFETY: the caller's promise.
                unsafe { *to.add(j * to_row + i) = *from.add(i * from_row + j) };
            }
        }
    }

    /// Of each pair of values the larger magnitude; NaN is larger than all.
    fn larger_magnitude(self, other: Self) -> Self;

    /// Of each pair of values, each with a companion, the larger: `other` only where it is larger than `self`, or NaN
    /// where `self` is not.
    fn larger(self, other: Self, companions: [Self; 2]) -> [Self; 2];

    /// 0 in place of what is below `zero`, which is 0; a NaN stays.
    fn or_zero_below(self, zero: Self) -> Self;

    /// 0 where `by` is not positive.
    fn where_positive(self, by: Self) -> Self;

    /// 0 where `a` and `b` differ.
    fn where_equal(self, a: Self, b: Self) -> Self;

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
    const TERMS: usize = 1;

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
    fn larger_magnitude(mut self, other: Self) -> Self {
        for lane in 0..LANES {
            let (a, b) = (self.0[lane].magnitude_bits(), other.0[lane].magnitude_bits());
            self.0[lane] = T::from_magnitude(a.max(b));
        }
        self
    }

    #[inline(always)]
    fn where_equal(mut self, a: Self, b: Self) -> Self {
        for lane in 0..LANES {
            self.0[lane] = if a.0[lane] == b.0[lane] { self.0[lane] } else { T::zero() };
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
    const TERMS: usize = 1;

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
