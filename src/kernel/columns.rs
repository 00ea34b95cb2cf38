//! Some columns of matrices, or of some rows of them, while others write the rest.

use std::marker::PhantomData;
use std::ops::Range;

use super::elements::transpose_to;
use super::instructions::Instructions;
use super::lanes::Element;

/// A range of the columns of matrices that lie one behind the other, in all of their rows or in the same few of each.
#[derive(Debug)]
pub struct Columns<'a, T> {
    start: *mut T,
    layout: Matrices,
    rows: Range<usize>,
    columns: Range<usize>,
    lives: PhantomData<&'a mut [T]>,
}

/// How matrices lie one behind the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Matrices {
    /// Their number.
    pub count: usize,
    /// From one to the next.
    pub step: usize,
    /// Rows of each.
    pub rows: usize,
    /// From one row to the next.
    pub row: usize,
}

impl Matrices {
    /// Values from the first matrix's start to the last one's end.
    fn len(self) -> usize {
        let before_last = self.count.saturating_sub(1).saturating_mul(self.step);
        before_last.saturating_add(self.rows.saturating_mul(self.row))
    }
}

// SAFETY: it stands for a `&mut` to its columns.
unsafe impl<T: Send> Send for Columns<'_, T> {}

impl<'a, T> Columns<'a, T> {
    /// Columns of the matrices that `values` are.
    ///
    /// # Panics
    /// As [`Columns::part`].
    pub fn of(values: &'a mut [T], layout: Matrices, columns: Range<usize>) -> Self {
        Columns::in_rows(values, layout, 0..layout.rows, columns)
    }

    /// Columns of some of their rows.
    ///
    /// # Panics
    /// As [`Columns::part`].
    pub fn in_rows(values: &'a mut [T], layout: Matrices, rows: Range<usize>, columns: Range<usize>) -> Self {
        // SAFETY: nobody else has a part of `values` while this lives.
        unsafe { Columns::part((values.as_mut_ptr(), values.len()), layout, rows, columns) }
    }

    /// The same of values that begin at a pointer, so many of them.
    ///
    /// # Panics
    /// Where a matrix has fewer rows or a row fewer columns, or matrices overlap or are not all there.
    ///
    /// # Safety
    /// The values can be read and written for as long as this lives, and nobody else touches these columns of these rows
    /// meanwhile.
    pub unsafe fn part(
        (start, len): (*mut T, usize),
        layout: Matrices,
        rows: Range<usize>,
        columns: Range<usize>,
    ) -> Self {
        assert!(rows.start <= rows.end && rows.end <= layout.rows, "rows {rows:?} within {layout:?}");
        assert!(columns.start <= columns.end && columns.end <= layout.row, "{columns:?} within {layout:?}");
        assert!(
            layout.rows.saturating_mul(layout.row) <= layout.step && layout.len() <= len,
            "{layout:?} within {len} values"
        );
        Columns { start, layout, rows, columns, lives: PhantomData }
    }

    /// What of a row of a matrix is in these columns.
    ///
    /// # Panics
    /// Where there is no such matrix, or the row is not among these.
    #[inline(always)]
    pub fn row(&mut self, matrix: usize, row: usize) -> &mut [T] {
        let Matrices { count, step, row: to_next, .. } = self.layout;
        assert!(matrix < count && self.rows.contains(&row), "row {row} of matrix {matrix} within {:?}", self.layout);
        // SAFETY: the matrix and the row are there, and these columns of it are ours.
        unsafe {
            let first = self.start.add(matrix * step + row * to_next + self.columns.start);
            std::slice::from_raw_parts_mut(first, self.columns.len())
        }
    }

    /// Writes into these rows of a matrix the transpose of `from`, which has a row for each column, `from_row` values
    /// apart.
    ///
    /// # Panics
    /// Where there is no such matrix, or `from` is too short.
    pub fn write_transposed(&mut self, instructions: Instructions, (from, from_row): (&[T], usize), matrix: usize)
    where
        T: Element,
    {
        let (Matrices { count, step, row, .. }, rows) = (self.layout, self.rows.len());
        assert!(matrix < count, "matrix {matrix} of {count}");
        if rows == 0 || self.columns.is_empty() {
            return;
        }
        // SAFETY: the matrix is there, a row ends where the next begins or before, and these columns are ours.
        unsafe {
            let to = self.start.add(matrix * step + self.rows.start * row + self.columns.start);
            transpose_to(instructions, (from, from_row), (to, row), [self.columns.len(), rows]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_written_and_nothing_beside_them() {
        // Two matrices of three rows of five, with two values between them.
        let layout = Matrices { count: 2, step: 17, rows: 3, row: 5 };
        let mut values = vec![0.0; 34];
        let from = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0f32];
        Columns::of(&mut values, layout, 1..3).write_transposed(Instructions::best(), (&from, 3), 1);
        let mut wanted = vec![0.0; 34];
        for (row, pair) in [[1.0, 4.0], [2.0, 5.0], [3.0, 6.0]].into_iter().enumerate() {
            wanted[17 + row * 5 + 1..][..2].copy_from_slice(&pair);
        }
        assert_eq!(values, wanted);
    }

    #[test]
    fn a_row_of_a_patch_is_its_columns() {
        let layout = Matrices { count: 2, step: 17, rows: 3, row: 5 };
        let mut values = vec![0; 34];
        let mut patch = Columns::in_rows(&mut values, layout, 1..3, 2..4);
        patch.row(0, 2).fill(1);
        patch.row(1, 1).fill(2);
        let mut wanted = vec![0; 34];
        wanted[12..14].fill(1);
        wanted[24..26].fill(2);
        assert_eq!(values, wanted);
    }

    #[test]
    #[should_panic(expected = "row 0 of matrix 0")]
    fn a_row_beside_the_patch_is_refused() {
        let layout = Matrices { count: 1, step: 15, rows: 3, row: 5 };
        Columns::in_rows(&mut [0; 15], layout, 1..3, 2..4).row(0, 0);
    }

    #[test]
    #[should_panic(expected = "within 31 values")]
    fn matrices_that_are_not_all_there_are_refused() {
        Columns::of(&mut [0.0f32; 31], Matrices { count: 2, step: 17, rows: 3, row: 5 }, 0..1);
    }
}
