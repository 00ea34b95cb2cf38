//! Products of a matrix with one vector.
//!
//! Defined as all of `kernel` is: a row's product with a vector is sixteen chains of fused multiply-adds, element i in
//! chain i mod 16, and then their sum in a tree; what a column sums up is one chain over the rows in their order.

#![expect(clippy::needless_range_loop, reason = "sums are indexed alike on both sides, and must stay in registers")]

use super::instructions::{Instructions, Work};
use super::lanes::{Element, LANES, Lanes};

/// `to[m] = Σ_i rows[m][i]·vector[i]`
///
/// # Panics
/// Where `rows` are not as many rows of the vector's length as `to` has places.
pub fn rows_by_vector<T: Element>(instructions: Instructions, rows: &[T], vector: &[T], to: &mut [T]) {
    assert_eq!(rows.len(), to.len() * vector.len(), "a row of the vector's length for each result");
    if !vector.is_empty() {
        instructions.run(RowsByVector { rows, vector, to });
    }
}

struct RowsByVector<'a, T> {
    rows: &'a [T],
    vector: &'a [T],
    to: &'a mut [T],
}

/// Rows that go along the vector together.
const TOGETHER: usize = 4;

impl<T: Element> Work<T> for RowsByVector<'_, T> {
    type Outcome = ();

    #[inline(always)]
    fn run<V: Lanes<T>>(self) {
        let RowsByVector { rows, vector, to } = self;
        let len = vector.len();
        for (rows, to) in rows.chunks(TOGETHER * len).zip(to.chunks_mut(TOGETHER)) {
            // The last rows may be fewer: the first of them stands in.
            let mut each = [&rows[..len]; TOGETHER];
            each.iter_mut().zip(rows.chunks_exact(len)).for_each(|(row, there)| *row = there);
            let mut sums = [V::splat(T::zero()); TOGETHER];
            let whole = len / LANES * LANES;
            for at in (0..whole).step_by(LANES) {
                let vector = V::of(vector, at);
                for row in 0..TOGETHER {
                    sums[row] = V::of(each[row], at).mul_add(vector, sums[row]);
                }
            }
            for ((row, sum), to) in each.iter().zip(sums).zip(to) {
                let mut lanes = [T::zero(); LANES];
                sum.write(&mut lanes, 0);
                for ((lane, &a), &b) in lanes.iter_mut().zip(&row[whole..]).zip(&vector[whole..]) {
                    *lane = a.mul_add(b, *lane);
                }
                *to = super::elements::fold(lanes);
            }
        }
    }
}

/// `to[j] = Σ_m vector[m]·rows[m][first + j]`, where the rows of the matrix are `row` long.
///
/// # Panics
/// Where a row ends before the last of these columns, or there are not as many rows as the vector has elements.
pub fn columns_by_vector<T: Element>(
    instructions: Instructions,
    (rows, row): (&[T], usize),
    first: usize,
    vector: &[T],
    to: &mut [T],
) {
    assert!(first + to.len() <= row && rows.len() == row * vector.len(), "all rows and columns are there");
    if !to.is_empty() {
        instructions.run(ColumnsByVector { rows, row, first, vector, to });
    }
}

struct ColumnsByVector<'a, T> {
    rows: &'a [T],
    row: usize,
    first: usize,
    vector: &'a [T],
    to: &'a mut [T],
}

/// Vectors of columns whose sums stay in registers.
const ABREAST: usize = 4;

impl<T: Element> Work<T> for ColumnsByVector<'_, T> {
    type Outcome = ();

    #[inline(always)]
    fn run<V: Lanes<T>>(self) {
        let ColumnsByVector { rows, row, first, vector, to } = self;
        let mut at = 0;
        while at + ABREAST * LANES <= to.len() {
            let mut sums = [V::splat(T::zero()); ABREAST];
            for (values, &factor) in rows.chunks_exact(row).zip(vector) {
                let (values, factor) = (&values[first + at..][..ABREAST * LANES], V::splat(factor));
                for place in 0..ABREAST {
                    sums[place] = V::of(values, place * LANES).mul_add(factor, sums[place]);
                }
            }
            for (place, sum) in sums.into_iter().enumerate() {
                sum.write(to, at + place * LANES);
            }
            at += ABREAST * LANES;
        }
        let rest = &mut to[at..];
        rest.fill(T::zero());
        for (values, &factor) in rows.chunks_exact(row).zip(vector) {
            for (to, &value) in rest.iter_mut().zip(&values[first + at..]) {
                *to = value.mul_add(factor, *to);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_instruction_set_computes_the_definition_to_the_bit() {
        let values = |count: usize, turn: f32| (0..count).map(|at| (at as f32 * turn).sin()).collect::<Vec<f32>>();
        for (rows, columns) in [(1, 1), (3, 17), (9, 150), (6, 64)] {
            let (matrix, right, left) = (values(rows * columns, 0.7), values(columns, 0.3), values(rows, 1.1));
            let by_right: Vec<f32> = matrix
                .chunks_exact(columns)
                .map(|row| {
                    let mut lanes = [0.0f32; LANES];
                    for (at, (a, b)) in row.iter().zip(&right).enumerate() {
                        lanes[at % LANES] = a.mul_add(*b, lanes[at % LANES]);
                    }
                    super::super::elements::fold(lanes)
                })
                .collect();
            let by_left: Vec<f32> = (0..columns)
                .map(|column| {
                    let terms = left.iter().zip(matrix.chunks_exact(columns));
                    terms.fold(0.0, |sum, (factor, row)| row[column].mul_add(*factor, sum))
                })
                .collect();
            for set in Instructions::all() {
                let mut to = vec![0.0; rows];
                rows_by_vector(set, &matrix, &right, &mut to);
                assert!(to == by_right, "{rows}x{columns} with {set}");
                for first in [0, columns / 2] {
                    let mut to = vec![0.0; columns - first];
                    columns_by_vector(set, (&matrix, columns), first, &left, &mut to);
                    assert!(to == by_left[first..], "{rows}x{columns} from {first} with {set}");
                }
            }
        }
    }
}
