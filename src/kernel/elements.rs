//! Loops over rows: element by element, sums, and the transposition of blocks.

use super::instructions::{Instructions, Work};
use super::lanes::{Element, LANES, Lanes};
use crate::scalar::Scalar;

/// The sum of sixteen numbers, in a tree.
#[inline(always)]
pub(super) fn fold<T: Scalar>(mut lanes: [T; LANES]) -> T {
    let mut half = LANES / 2;
    while half > 0 {
        for lane in 0..half {
            lanes[lane] = lanes[lane] + lanes[lane + half];
        }
        half /= 2;
    }
    lanes[0]
}

/// `to[i] = f(to[i])`
pub fn map<T: Element>(instructions: Instructions, to: &mut [T], f: impl Fn(T) -> T) {
    instructions.run(Map { to, f });
}

struct Map<'a, T, F> {
    to: &'a mut [T],
    f: F,
}

impl<T: Element, F: Fn(T) -> T> Work<T> for Map<'_, T, F> {
    type Outcome = ();

    #[inline(always)]
    fn run<V: Lanes<T>>(self) {
        self.to.iter_mut().for_each(|to| *to = (self.f)(*to));
    }
}

/// `to[i] = f(to[i], from[i])`
///
/// # Panics
/// Where they differ in length.
pub fn zip<T: Element>(instructions: Instructions, to: &mut [T], from: &[T], f: impl Fn(T, T) -> T) {
    assert_eq!(to.len(), from.len(), "rows of one length");
    instructions.run(Zip { to, from, f });
}

struct Zip<'a, T, F> {
    to: &'a mut [T],
    from: &'a [T],
    f: F,
}

impl<T: Element, F: Fn(T, T) -> T> Work<T> for Zip<'_, T, F> {
    type Outcome = ();

    #[inline(always)]
    fn run<V: Lanes<T>>(self) {
        self.to.iter_mut().zip(self.from).for_each(|(to, &from)| *to = (self.f)(*to, from));
    }
}

/// `to[i] = f(to[i], a[i], b[i])`
///
/// # Panics
/// Where they differ in length.
pub fn zip_from_two<T: Element>(instructions: Instructions, to: &mut [T], a: &[T], b: &[T], f: impl Fn(T, T, T) -> T) {
    assert!(to.len() == a.len() && to.len() == b.len(), "rows of one length");
    instructions.run(ZipFromTwo { to, a, b, f });
}

struct ZipFromTwo<'a, T, F> {
    to: &'a mut [T],
    a: &'a [T],
    b: &'a [T],
    f: F,
}

impl<T: Element, F: Fn(T, T, T) -> T> Work<T> for ZipFromTwo<'_, T, F> {
    type Outcome = ();

    #[inline(always)]
    fn run<V: Lanes<T>>(self) {
        for ((to, &a), &b) in self.to.iter_mut().zip(self.a).zip(self.b) {
            *to = (self.f)(*to, a, b);
        }
    }
}

/// `Σ f(a[i], b[i])`: sixteen sums, element i in sum i mod 16, added up in a tree.
///
/// # Panics
/// Where they differ in length.
pub fn sum<T: Element>(instructions: Instructions, a: &[T], b: &[T], f: impl Fn(T, T) -> T) -> T {
    assert_eq!(a.len(), b.len(), "rows of one length");
    instructions.run(Sum { a, b, f })
}

struct Sum<'a, T, F> {
    a: &'a [T],
    b: &'a [T],
    f: F,
}

impl<T: Element, F: Fn(T, T) -> T> Work<T> for Sum<'_, T, F> {
    type Outcome = T;

    #[inline(always)]
    fn run<V: Lanes<T>>(self) -> T {
        let mut lanes = [T::zero(); LANES];
        let (a, a_rest) = self.a.as_chunks::<LANES>();
        let (b, b_rest) = self.b.as_chunks::<LANES>();
        for (a, b) in a.iter().zip(b) {
            for lane in 0..LANES {
                lanes[lane] = lanes[lane] + (self.f)(a[lane], b[lane]);
            }
        }
        for (lane, (&a, &b)) in lanes.iter_mut().zip(a_rest.iter().zip(b_rest)) {
            *lane = *lane + (self.f)(a, b);
        }
        fold(lanes)
    }
}

/// `to[i] = pixels[i]/255`
///
/// # Panics
/// Where they differ in length.
pub fn shades<T: Element>(instructions: Instructions, to: &mut [T], pixels: &[u8]) {
    assert_eq!(to.len(), pixels.len(), "rows of one length");
    instructions.run(Shades { to, pixels });
}

struct Shades<'a, T> {
    to: &'a mut [T],
    pixels: &'a [u8],
}

impl<T: Element> Work<T> for Shades<'_, T> {
    type Outcome = ();

    #[inline(always)]
    fn run<V: Lanes<T>>(self) {
        self.to.iter_mut().zip(self.pixels).for_each(|(to, &pixel)| *to = T::of_pixel(pixel));
    }
}

/// Asks for values to be brought into the nearest cache, so that reading them soon need not wait for memory.
#[inline(always)]
pub fn prefetch<T>(values: &[T]) {
    #[cfg(target_arch = "x86_64")]
    for line in values.chunks(64 / size_of::<T>().max(1)) {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        // SAFETY: a hint, which changes nothing but time; every processor of this kind takes it.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(line.as_ptr().cast()) };
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = values;
}

/// The largest magnitude, as its bit pattern: a NaN is larger than all.
pub fn largest<T: Element>(instructions: Instructions, values: &[T]) -> T::Bits {
    instructions.run(Largest(values))
}

struct Largest<'a, T>(&'a [T]);

impl<T: Element> Work<T> for Largest<'_, T> {
    type Outcome = T::Bits;

    #[inline(always)]
    fn run<V: Lanes<T>>(self) -> T::Bits {
        let mut most = [V::splat(T::zero()); 4];
        let whole = self.0.len() / LANES * LANES;
        for (turn, at) in (0..whole).step_by(LANES).enumerate() {
            most[turn % 4] = V::of(self.0, at).larger_magnitude(most[turn % 4]);
        }
        let most = most[0].larger_magnitude(most[1]).larger_magnitude(most[2].larger_magnitude(most[3]));
        let mut lanes = [T::zero(); LANES];
        most.write(&mut lanes, 0);
        let mut bits = T::Bits::default();
        for value in lanes.iter().chain(&self.0[whole..]) {
            bits = bits.max(value.magnitude_bits());
        }
        bits
    }
}

/// What the errors of a channel are measured by, while they are at hand.
#[derive(Debug, Clone, Copy)]
pub struct Measure<T: Scalar> {
    /// The largest magnitude, as its bit pattern: a NaN is larger than all.
    pub largest: T::Bits,
    /// The sum: in two times sixteen chains, a row's vectors in turn, and then in a tree.
    pub sum: T,
}

/// Measures rows of whole vectors.
///
/// # Panics
/// Where `row`, the length of one, is not a number of whole vectors.
pub fn measure<T: Element>(instructions: Instructions, values: &[T], row: usize) -> Measure<T> {
    assert!(row.is_multiple_of(LANES), "whole vectors");
    instructions.run(Measured(values, row))
}

struct Measured<'a, T>(&'a [T], usize);

impl<T: Element> Work<T> for Measured<'_, T> {
    type Outcome = Measure<T>;

    #[inline(always)]
    fn run<V: Lanes<T>>(self) -> Measure<T> {
        let mut gauge = Gauge::<V>::new::<T>();
        for row in self.0.chunks_exact(self.1) {
            for (turn, at) in (0..row.len()).step_by(LANES).enumerate() {
                gauge.take(turn, V::of(row, at));
            }
        }
        gauge.measure()
    }
}

/// A measure in the making.
#[derive(Debug, Clone, Copy)]
pub struct Gauge<V> {
    most: [V; 2],
    sums: [V; 2],
    one: V,
}

impl<V: Copy> Gauge<V> {
    /// Of nothing yet.
    #[inline(always)]
    pub fn new<T: Element>() -> Self
    where
        V: Lanes<T>,
    {
        let zero = V::splat(T::zero());
        Gauge { most: [zero; 2], sums: [zero; 2], one: V::splat(T::one()) }
    }

    /// Takes a vector, of which even and odd ones have chains of their own.
    #[inline(always)]
    pub fn take<T: Element>(&mut self, turn: usize, values: V)
    where
        V: Lanes<T>,
    {
        self.most[turn % 2] = values.larger_magnitude(self.most[turn % 2]);
        self.sums[turn % 2] = values.mul_add(self.one, self.sums[turn % 2]);
    }

    /// Of all that was taken.
    #[inline(always)]
    pub fn measure<T: Element>(self) -> Measure<T>
    where
        V: Lanes<T>,
    {
        let mut lanes = [T::zero(); LANES];
        self.most[0].larger_magnitude(self.most[1]).write(&mut lanes, 0);
        let mut largest = T::Bits::default();
        for value in lanes {
            largest = largest.max(value.magnitude_bits());
        }
        Measure { largest, sum: self.sums[0].mul_add(self.one, self.sums[1]).fold() }
    }
}

/// Writes the transpose of `from`, `[rows, columns]` with rows `from_row` apart, into `to`, with rows `to_row` apart.
///
/// # Panics
/// Where one of them is too short.
pub fn transpose<T: Element>(
    instructions: Instructions,
    from: (&[T], usize),
    (to, to_row): (&mut [T], usize),
    [rows, columns]: [usize; 2],
) {
    if rows == 0 || columns == 0 {
        return;
    }
    assert!((columns - 1).saturating_mul(to_row).saturating_add(rows) <= to.len(), "all columns have a place");
    // SAFETY: they have.
    unsafe { transpose_to(instructions, from, (to.as_mut_ptr(), to_row), [rows, columns]) }
}

/// The same, to where a pointer shows. There is at least one row and one column.
///
/// # Panics
/// Where `from` is too short.
///
/// # Safety
/// All of what is written may be.
pub(super) unsafe fn transpose_to<T: Element>(
    instructions: Instructions,
    (from, from_row): (&[T], usize),
    (to, to_row): (*mut T, usize),
    [rows, columns]: [usize; 2],
) {
    assert!((rows - 1).saturating_mul(from_row).saturating_add(columns) <= from.len(), "all rows are there");
    instructions.run(Transpose { from, from_row, to, to_row, rows, columns });
}

/// Rows and columns are there, in both: see [`transpose_to`].
struct Transpose<'a, T> {
    from: &'a [T],
    from_row: usize,
    to: *mut T,
    to_row: usize,
    rows: usize,
    columns: usize,
}

impl<T: Element> Work<T> for Transpose<'_, T> {
    type Outcome = ();

    #[inline(always)]
    fn run<V: Lanes<T>>(self) {
        const SIDE: usize = 8;
        let Transpose { from, from_row, to, to_row, rows, columns } = self;
        // The rows that are written are completed one after the other.
        for column in (0..columns).step_by(SIDE) {
            for row in (0..rows).step_by(SIDE) {
                // SAFETY: `transpose_to` was promised that all rows and columns are there, in both.
                unsafe {
                    if row + SIDE <= rows && column + SIDE <= columns {
                        let from = from.as_ptr().add(row * from_row + column);
                        V::transpose((from, from_row), (to.add(column * to_row + row), to_row));
                    } else {
                        for i in row..rows.min(row + SIDE) {
                            for j in column..columns.min(column + SIDE) {
                                *to.add(j * to_row + i) = from[i * from_row + j];
                            }
                        }
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_transpose_has_every_element_in_its_place() {
        for (rows, columns) in [(1, 1), (8, 8), (17, 35), (100, 9)] {
            let from: Vec<f32> = (0..rows * (columns + 2)).map(|at| at as f32).collect();
            for instructions in Instructions::all() {
                let mut to = vec![-1.0; columns * (rows + 3)];
                transpose(instructions, (&from, columns + 2), (&mut to, rows + 3), [rows, columns]);
                let right = |(at, &value): (usize, &f32)| {
                    let (j, i) = (at / (rows + 3), at % (rows + 3));
                    value == if i < rows { from[i * (columns + 2) + j] } else { -1.0 }
                };
                assert!(to.iter().enumerate().all(right), "{rows}x{columns} with {instructions}");
            }
        }
    }

    #[test]
    fn sums_and_maxima_have_the_same_bits_everywhere() {
        let values: Vec<f32> = (0..1003).map(|at| (at as f32 * 0.7).sin()).collect();
        let sums = |set| sum(set, &values, &values, |a, b| a.mul_add(b, 1.0)).to_bits();
        let all = Instructions::all();
        assert!(all.iter().all(|&set| sums(set) == sums(all[0])));
        assert!(all.iter().all(|&set| largest(set, &[1.0f32, -3.0, 2.0]) == 3.0f32.to_bits()));
        assert!(all.iter().all(|&set| largest(set, &[1.0f32, f32::NAN, 2.0]) > f32::INFINITY.to_bits()));
    }
}
