//! A tile of a product's outputs, which stays in registers.

#![expect(clippy::needless_range_loop, reason = "tiles are indexed alike on both sides, and must stay in registers")]

use super::{Block, Start, TURN};
use crate::kernel::lanes::{Element, LANES, Lanes, Vector};

/// Rows of the largest tile.
pub(super) const MOST_ROWS: usize = 8;
/// Its vectors, of [`LANES`].
const MOST_VECTORS: usize = 4;

/// What is added up in a tile of outputs, and where.
pub(super) struct Tile<'a, T> {
    /// A's place 0 in the tile's first row.
    pub(super) a: *const T,
    /// From one of A's rows to the next.
    pub(super) a_row: usize,
    pub(super) block: Block<'a>,
    /// B's place 0 in the tile's first column.
    pub(super) b: *const T,
    /// For the tile's rows.
    pub(super) start: Start<'a, T>,
    /// Where its outputs go.
    pub(super) c: *mut T,
    /// Columns of C from its first one on.
    pub(super) there: usize,
    /// From one row of its outputs to the next.
    pub(super) c_row: usize,
}

/// Where the outputs of a tile are that goes on beyond C's columns, while it is computed.
type Edge<T> = [T; MOST_ROWS * MOST_VECTORS * LANES];

/// Copies rows of outputs. Of both places there is the first row and how far it is to the next.
///
/// # Safety
/// Both places have so many rows and columns.
#[cold]
unsafe fn copy_rows<T: Element>(from: (*mut T, usize), to: (*mut T, usize), rows: usize, columns: usize) {
    for row in 0..rows {
        // SAFETY: the caller's promise.
        unsafe { std::ptr::copy_nonoverlapping(from.0.add(row * from.1), to.0.add(row * to.1), columns) };
    }
}

/// A tile of so many rows and vectors.
///
/// # Safety
/// As of `Tile::compute`.
#[inline(always)]
pub(super) unsafe fn tile_of<T: Element, V: Lanes<T>>(tile: &Tile<'_, T>, rows: usize, vectors: usize) {
    macro_rules! sizes {
        ($($m:literal),*; $($few:literal),*) => {
            // SAFETY: the caller's promise.
            unsafe {
                match (rows, vectors) {
                    $(
                        ($m, 1) if const { $m <= V::TILE_ROWS } => tile.compute::<V, $m, 1>(),
                        ($m, 2) if const { $m <= V::TILE_ROWS && V::TILE_VECTORS >= 2 } => tile.compute::<V, $m, 2>(),
                        ($m, 3) if const { $m <= V::TILE_ROWS && V::TILE_VECTORS >= 3 } => tile.compute::<V, $m, 3>(),
                    )*
                    $(($few, 4) if const { V::TILE_VECTORS >= 3 } => tile.compute::<V, $few, 4>(),)*
                    _ => unreachable!("no tile is larger than a vector type's"),
                }
            }
        };
    }
    sizes!(8, 7, 6, 5, 4, 3, 2, 1; 4, 3, 2, 1);
}

/// A tile of so many rows and a quarter of a vector.
///
/// # Safety
/// As of `Tile::compute`.
#[inline(always)]
pub(super) unsafe fn quarter_of<T: Element, Q: Vector<T>>(tile: &Tile<'_, T>, rows: usize) {
    macro_rules! sizes {
        ($($m:literal),*) => {
            // SAFETY: the caller's promise.
            unsafe {
                match rows {
                    $($m => tile.compute::<Q, $m, 1>(),)*
                    _ => unreachable!("no tile has more rows"),
                }
            }
        };
    }
    sizes!(8, 7, 6, 5, 4, 3, 2, 1);
}

impl<T: Element> Tile<'_, T> {
    /// Puts the outputs where whole vectors have room, if they go on beyond C's columns. Returns where they belong.
    ///
    /// # Safety
    /// C has so many rows.
    #[inline(always)]
    pub(super) unsafe fn enter(&mut self, edge: &mut Edge<T>, rows: usize, width: usize) -> (*mut T, usize) {
        let place = (self.c, self.c_row);
        if self.there < width {
            (self.c, self.c_row) = (edge.as_mut_ptr(), width);
            if let Start::Sum = self.start {
                // SAFETY: the caller's promise.
                unsafe { copy_rows(place, (self.c, width), rows, self.there) };
            }
        }
        place
    }

    /// Brings the outputs to where they belong.
    ///
    /// # Safety
    /// As of `enter`.
    #[inline(always)]
    pub(super) unsafe fn leave(&self, place: (*mut T, usize), rows: usize, width: usize) {
        if self.there < width {
            // SAFETY: the caller's promise.
            unsafe { copy_rows((self.c, width), place, rows, self.there) };
        }
    }

    /// `M` rows and `N` vectors that stay in registers while all terms go by.
    ///
    /// # Safety
    /// Operands reach as far as `product` checks; outputs have `M` rows of `N` whole vectors.
    #[inline(always)]
    unsafe fn compute<V: Vector<T>, const M: usize, const N: usize>(&self) {
        let &Tile { a, a_row, block, b, start, c, c_row, .. } = self;
        // SAFETY: `product` has checked the operands' sizes against rows, columns and terms; columns beyond C's are
        // read from B, which has whole vectors.
        unsafe {
            let mut sums = [[V::splat(T::zero()); N]; M];
            match start {
                Start::Zero => {}
                Start::Bias(bias) => {
                    for m in 0..M {
                        sums[m] = [V::splat(bias[m]); N];
                    }
                }
                Start::Sum => {
                    for m in 0..M {
                        for n in 0..N {
                            sums[m][n] = V::load(c.add(m * c_row + n * V::COUNT));
                        }
                    }
                }
            }
            match block {
                Block::Even { at, runs, run_step, terms, step } => {
                    debug_assert!(step[0] == 1 || a_row == 1, "`product` has seen to it");
                    for run in 0..runs {
                        let [a, b] = [a.add(at[0] + run * run_step[0]), b.add(at[1] + run * run_step[1])];
                        // Of one of the two distances in A the compiler knows that it is 1.
                        if step[0] == 1 {
                            add_run(&mut sums, (a, a_row, 1), (b, step[1]), terms);
                        } else {
                            add_run(&mut sums, (a, 1, step[0]), (b, step[1]), terms);
                        }
                    }
                }
                Block::Listed(places) => {
                    for place in places {
                        add_term(&mut sums, (a.add(place[0] as usize), a_row), b.add(place[1] as usize));
                    }
                }
            }
            for m in 0..M {
                for n in 0..N {
                    sums[m][n].store(c.add(m * c_row + n * V::COUNT));
                }
            }
        }
    }
}

/// Adds up a run of terms. Of A and of B there is the first term's place and how far it is to the next; in A it is
/// `a_row` from one row to the next.
///
/// # Safety
/// As of `Tile::compute`.
#[inline(always)]
unsafe fn add_run<T: Element, V: Vector<T>, const M: usize, const N: usize>(
    sums: &mut [[V; N]; M],
    (mut a, a_row, a_step): (*const T, usize, usize),
    (mut b, b_step): (*const T, usize),
    terms: usize,
) {
    // Tiles of few rows wait for their own sums, not for instructions.
    let each = const {
        assert!(TURN.is_multiple_of(V::TERMS), "blocks hold whole turns");
        if M >= 4 { V::TERMS } else { 1 }
    };
    // SAFETY: the caller's promise.
    unsafe {
        for _ in 0..terms / each {
            for term in 0..each {
                add_term(sums, (a.add(term * a_step), a_row), b.add(term * b_step));
            }
            // Behind the last turn they may lie beyond their operands.
            (a, b) = (a.wrapping_add(each * a_step), b.wrapping_add(each * b_step));
        }
        for term in 0..terms % each {
            add_term(sums, (a.add(term * a_step), a_row), b.add(term * b_step));
        }
    }
}

/// Adds up a term. Of A there is its place in the first row and how far it is to the next row.
///
/// # Safety
/// As of `Tile::compute`.
#[inline(always)]
unsafe fn add_term<T: Element, V: Vector<T>, const M: usize, const N: usize>(
    sums: &mut [[V; N]; M],
    (a, a_row): (*const T, usize),
    b: *const T,
) {
    // SAFETY: the caller's promise.
    unsafe {
        let mut values = [V::splat(T::zero()); N];
        for n in 0..N {
            values[n] = V::load(b.add(n * V::COUNT));
        }
        for m in 0..M {
            let factor = V::splat(*a.add(m * a_row));
            for n in 0..N {
                sums[m][n] = factor.mul_add(values[n], sums[m][n]);
            }
        }
    }
}
