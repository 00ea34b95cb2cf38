//! Dot products of rows with rows, for sums that run along both operands' rows.

#![expect(clippy::needless_range_loop, reason = "tiles are indexed alike on both sides, and must stay in registers")]

use super::elements::fold;
use super::instructions::{Instructions, Work};
use super::lanes::{Element, LANES, Lanes};

/// `C[m][n] = Σ_segments Σ_i a[segment + m*row + i]·b[segment + n*row + i]`
///
/// Sixteen chains of fused multiply-adds, element i of a segment in chain i mod 16, in the order of the segments; then
/// their sum in a tree.
#[derive(Debug)]
pub struct Dot<'a, T> {
    /// The left operand.
    pub a: &'a [T],
    /// From one of its rows to the next.
    pub a_row: usize,
    /// The right operand.
    pub b: &'a [T],
    /// From one of its rows to the next.
    pub b_row: usize,
    /// Where each segment begins, in row 0 of `a` and of `b`.
    pub segments: &'a [[u32; 2]],
    /// Elements in a segment, a multiple of [`LANES`].
    pub len: usize,
    /// Where the result goes.
    pub c: &'a mut [T],
    /// From one row of C to the next.
    pub c_row: usize,
    /// From one column of C to the next.
    pub c_column: usize,
    /// C's rows, as many of `a`.
    pub rows: usize,
    /// C's columns, rows of `b`.
    pub columns: usize,
}

/// Computes dot products.
///
/// # Panics
/// Where an operand does not reach as far as the segments and sizes say.
pub fn dot<T: Element>(instructions: Instructions, dot: Dot<'_, T>) {
    let Dot { rows, columns, len, .. } = dot;
    if rows == 0 || columns == 0 {
        return;
    }
    assert!(len % LANES == 0, "segments of whole vectors");
    assert!((rows - 1) * dot.c_row + (columns - 1) * dot.c_column < dot.c.len(), "C has all rows and columns");
    for (of, operand, last) in [(0, dot.a, (rows - 1) * dot.a_row), (1, dot.b, (columns - 1) * dot.b_row)] {
        let end = dot.segments.iter().map(|segment| segment[of] as usize + last + len).max();
        assert!(end.unwrap_or(0) <= operand.len(), "operand {of} has all rows and segments");
    }
    instructions.run(dot);
}

impl<T: Element> Work<T> for Dot<'_, T> {
    type Outcome = ();

    #[inline(always)]
    fn run<V: Lanes<T>>(mut self) {
        let mut row = 0;
        while row < self.rows {
            let rows = if self.rows - row >= V::DOT_ROWS { V::DOT_ROWS } else { 1 };
            let mut column = 0;
            while column < self.columns {
                let columns = match self.columns - column {
                    left if left >= V::DOT_COLUMNS => V::DOT_COLUMNS,
                    left if left >= 3 => 3,
                    _ => 1,
                };
                // SAFETY: `dot` has checked that every place lies within its operand.
                unsafe {
                    match (rows, columns) {
                        (4, 6) if V::DOT_ROWS == 4 => self.tile::<V, 4, 6>(row, column),
                        (4, 3) if V::DOT_ROWS == 4 => self.tile::<V, 4, 3>(row, column),
                        (4, _) if V::DOT_ROWS == 4 => self.tile::<V, 4, 1>(row, column),
                        (2, 3) => self.tile::<V, 2, 3>(row, column),
                        (2, _) => self.tile::<V, 2, 1>(row, column),
                        (_, 6) if V::DOT_COLUMNS == 6 => self.tile::<V, 1, 6>(row, column),
                        (_, 3) => self.tile::<V, 1, 3>(row, column),
                        _ => self.tile::<V, 1, 1>(row, column),
                    }
                }
                column += columns;
            }
            row += rows;
        }
    }
}

impl<T: Element> Dot<'_, T> {
    /// A tile of `M` rows of `a` and `N` of `b`, whose sums stay in registers.
    ///
    /// # Safety
    /// Operands reach as far as `dot` checks, and the tile lies within C.
    #[inline(always)]
    unsafe fn tile<V: Lanes<T>, const M: usize, const N: usize>(&mut self, row: usize, column: usize) {
        let mut sums = [[V::splat(T::zero()); N]; M];
        // SAFETY: `dot` has checked the operands' sizes against rows, columns and segments.
        unsafe {
            let a = self.a.as_ptr().add(row * self.a_row);
            let b = self.b.as_ptr().add(column * self.b_row);
            for segment in self.segments {
                let (a, b) = (a.add(segment[0] as usize), b.add(segment[1] as usize));
                let mut at = 0;
                while at < self.len {
                    let mut left = [V::splat(T::zero()); M];
                    for m in 0..M {
                        left[m] = V::load(a.add(m * self.a_row + at));
                    }
                    for n in 0..N {
                        let right = V::load(b.add(n * self.b_row + at));
                        for m in 0..M {
                            sums[m][n] = left[m].mul_add(right, sums[m][n]);
                        }
                    }
                    at += LANES;
                }
            }
            for m in 0..M {
                for n in 0..N {
                    let mut lanes = [T::zero(); LANES];
                    sums[m][n].store(lanes.as_mut_ptr());
                    self.c[(row + m) * self.c_row + (column + n) * self.c_column] = fold(lanes);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{Generator, Purpose};

    #[test]
    fn every_instruction_set_computes_the_definition_to_the_bit() {
        let mut generator = Generator::new(1, Purpose::Init, 0);
        let mut values = |count: usize| (0..count).map(|_| generator.unit() as f32 - 0.5).collect::<Vec<f32>>();
        let (a, b) = (values(9 * 100), values(11 * 120));
        let segments = [[0, 3], [40, 60]];
        for (rows, columns) in [(1, 1), (9, 11), (4, 6), (2, 3), (5, 8)] {
            let mut want = vec![0.0; rows * columns];
            for (at, want) in want.iter_mut().enumerate() {
                let (m, n) = (at / columns, at % columns);
                let mut lanes = [0.0f32; LANES];
                for [in_a, in_b] in segments {
                    for i in 0..48 {
                        let (a, b) = (a[m * 100 + in_a as usize + i], b[n * 120 + in_b as usize + i]);
                        lanes[i % LANES] = a.mul_add(b, lanes[i % LANES]);
                    }
                }
                *want = fold(lanes);
            }
            for instructions in Instructions::all() {
                let mut got = vec![0.0; rows * columns];
                let (c, c_row) = (&mut got[..], columns);
                let shapes = Dot {
                    a: &a,
                    a_row: 100,
                    b: &b,
                    b_row: 120,
                    segments: &segments,
                    len: 48,
                    c,
                    c_row,
                    c_column: 1,
                    rows,
                    columns,
                };
                dot(instructions, shapes);
                assert!(got == want, "{rows}x{columns} with {instructions}");
            }
        }
    }
}
