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

/// The largest magnitude, as its bit pattern: a NaN is larger than all.
pub fn largest<T: Element>(instructions: Instructions, values: &[T]) -> T::Bits {
    instructions.run(Largest(values))
}

struct Largest<'a, T>(&'a [T]);

impl<T: Element> Work<T> for Largest<'_, T> {
    type Outcome = T::Bits;

    #[inline(always)]
    fn run<V: Lanes<T>>(self) -> T::Bits {
        let mut lanes = [T::Bits::default(); LANES];
        let (chunks, rest) = self.0.as_chunks::<LANES>();
        for chunk in chunks {
            for lane in 0..LANES {
                lanes[lane] = lanes[lane].max(chunk[lane].magnitude_bits());
            }
        }
        rest.iter().map(|value| value.magnitude_bits()).chain(lanes).max().unwrap_or_default()
    }
}

/// Writes the transpose of `from`, `[rows, columns]` with rows `from_row` apart, into `to`, with rows `to_row` apart.
///
/// # Panics
/// Where one of them is too short.
pub fn transpose<T: Element>(
    instructions: Instructions,
    (from, from_row): (&[T], usize),
    (to, to_row): (&mut [T], usize),
    [rows, columns]: [usize; 2],
) {
    if rows == 0 || columns == 0 {
        return;
    }
    assert!((rows - 1) * from_row + columns <= from.len(), "all rows are there");
    assert!((columns - 1) * to_row + rows <= to.len(), "all columns have a place");
    instructions.run(Transpose { from, from_row, to, to_row, rows, columns });
}

struct Transpose<'a, T> {
    from: &'a [T],
    from_row: usize,
    to: &'a mut [T],
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
                if row + SIDE <= rows && column + SIDE <= columns {
                    let mut block = [[T::zero(); SIDE]; SIDE];
                    for (i, line) in block.iter_mut().enumerate() {
                        let start = (row + i) * from_row + column;
                        line.copy_from_slice(&from[start..start + SIDE]);
                    }
                    let block = V::transpose(block);
                    for (j, line) in block.iter().enumerate() {
                        let start = (column + j) * to_row + row;
                        to[start..start + SIDE].copy_from_slice(line);
                    }
                } else {
                    for i in row..rows.min(row + SIDE) {
                        for j in column..columns.min(column + SIDE) {
                            to[j * to_row + i] = from[i * from_row + j];
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
