//! Matrix products, of which a convolution is one with a list of places.

mod tile;

use std::mem::MaybeUninit;
use std::ops::Range;

use super::instructions::{Instructions, Work};
use super::lanes::{Element, LANES, Lanes, Vector};
use tile::{MOST_ROWS, Tile, quarter_of, tile_of};

/// Terms that all tiles of a group of rows add up before any adds the next ones, so that the columns of B that they share
/// stay in the nearest cache, beside the group's part of A. An output waits in C meanwhile, which changes no bit.
const BLOCK: usize = 128;
/// Rows of a group: whole tiles of every instruction set. B comes from a farther cache once for each group.
const GROUP: usize = 48;
/// What the terms of a run's block are a multiple of, where it is not the last: turns of any loop over them are whole.
const TURN: usize = 4;
/// Values of A that a group takes in at once: fewer terms than [`BLOCK`] where there are many rows.
const PART: usize = 36 * BLOCK;

/// `C[m][n] = start + Σ_k A(m, k)·B(k)[n]`
///
/// A's values are read one by one, from anywhere where terms are [listed](Terms::Listed), and otherwise from rows whose
/// values are neighbours, or columns; B's and C's rows lie in one piece.
#[derive(Debug)]
pub struct Product<'a, T> {
    /// Where A's values are: that of row m and term k is `a.values[m*a.row + its place]`.
    pub a: Factor<'a, T>,
    /// Where B's rows are: that of term k begins at `b[its place]`, and can be read up to a whole number of
    /// [`LANES`] (beyond the columns it holds anything).
    pub b: &'a [T],
    /// The terms, in the order in which they are added up.
    pub terms: Terms<'a>,
    /// C, row behind row.
    pub c: &'a mut [T],
    /// From one row of C to the next.
    pub c_row: usize,
    /// C's rows.
    pub rows: usize,
    /// C's columns.
    pub columns: usize,
    /// What the sums start from.
    pub start: Start<'a, T>,
}

/// The factor whose values are read one by one.
#[derive(Debug, Clone, Copy)]
pub struct Factor<'a, T> {
    /// Its values.
    pub values: &'a [T],
    /// From one row to the next.
    pub row: usize,
}

/// What an output starts from.
#[derive(Debug, Clone, Copy)]
pub enum Start<'a, T> {
    /// 0
    Zero,
    /// A value for each row.
    Bias(&'a [T]),
    /// What C holds.
    Sum,
}

impl<T> Start<'_, T> {
    /// For the rows from this one on.
    #[inline(always)]
    fn from(self, row: usize) -> Self {
        match self {
            Start::Bias(bias) => Start::Bias(&bias[row..]),
            other => other,
        }
    }
}

/// The terms of a product's sums: a place in A and one in B for each.
#[derive(Debug, Clone, Copy)]
pub enum Terms<'a> {
    /// Runs of terms at even distances.
    Even {
        /// Number of runs.
        runs: usize,
        /// From one run to the next, in A and in B.
        run_step: [usize; 2],
        /// Terms in a run.
        terms: usize,
        /// From one term to the next, in A and in B.
        step: [usize; 2],
    },
    /// Any places.
    Listed(&'a Places),
}

/// Places of terms, in A and in B.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Places {
    places: Vec<[u32; 2]>,
    ends: Option<[usize; 2]>,
}

impl Places {
    /// In the order in which terms are added up.
    pub fn new(places: Vec<[u32; 2]>) -> Self {
        let largest = |of: usize| places.iter().map(|place| place[of] as usize).max();
        let ends = largest(0).zip(largest(1)).map(|(a, b)| [a, b]);
        Places { places, ends }
    }
}

impl<'a> Terms<'a> {
    /// One run, where each has one term; of no term or one no distance matters.
    fn flat(self) -> Self {
        match self {
            Terms::Even { runs: 0, .. } | Terms::Even { terms: 0, .. } => {
                Terms::Even { runs: 1, run_step: [0, 0], terms: 0, step: [1, 1] }
            }
            Terms::Even { runs: 1, terms: 1, .. } => Terms::Even { runs: 1, run_step: [0, 0], terms: 1, step: [1, 1] },
            Terms::Even { runs, run_step, terms: 1, .. } => {
                Terms::Even { runs: 1, run_step: [0, 0], terms: runs, step: run_step }
            }
            other => other,
        }
    }

    /// The same in their order, at most so many at a time, or a whole run where that is longer; one block without terms
    /// where there is none.
    #[inline(always)]
    fn blocks(self, most: usize) -> impl Iterator<Item = Block<'a>> {
        let (parts, most) = match self {
            Terms::Even { runs: 1, terms, .. } => (terms, most),
            Terms::Even { runs, terms, .. } => (runs, (most / terms.max(1)).max(1)),
            Terms::Listed(places) => (places.places.len(), most),
        };
        let each = match self {
            Terms::Even { runs: 1, .. } => even_part(parts, most).next_multiple_of(TURN),
            _ => even_part(parts, most),
        };
        let each = each.min(most).max(1);
        (0..parts.max(1)).step_by(each).map(move |first| {
            let parts = each.min(parts - first);
            match self {
                Terms::Even { runs: 1, run_step, step, .. } => {
                    Block::Even { at: step.map(|step| step * first), runs: 1, run_step, terms: parts, step }
                }
                Terms::Even { run_step, terms, step, .. } => {
                    Block::Even { at: run_step.map(|step| step * first), runs: parts, run_step, terms, step }
                }
                Terms::Listed(places) => Block::Listed(&places.places[first..first + parts]),
            }
        })
    }

    /// The largest places in A and in B, or none where there is no term.
    fn ends(&self) -> Option<[usize; 2]> {
        match self {
            Terms::Even { runs: 0, .. } | Terms::Even { terms: 0, .. } => None,
            Terms::Even { runs, run_step, terms, step } => {
                Some(std::array::from_fn(|of| (runs - 1) * run_step[of] + (terms - 1) * step[of]))
            }
            Terms::Listed(places) => places.ends,
        }
    }
}

/// Some of a product's terms.
#[derive(Clone, Copy)]
enum Block<'a> {
    /// As of [`Terms::Even`], from a place in A and one in B.
    Even {
        at: [usize; 2],
        runs: usize,
        run_step: [usize; 2],
        terms: usize,
        step: [usize; 2],
    },
    Listed(&'a [[u32; 2]]),
}

/// How large parts are where `len` is cut into as few of at most `most` as there can be, all alike but the last: six rows
/// and two would take longer than four and four, for a tile of two waits for its own sums.
#[inline(always)]
fn even_part(len: usize, most: usize) -> usize {
    if len <= most { len } else { len.div_ceil(len.div_ceil(most)) }
}

/// Copies a few values, too few for a library's copy.
///
/// # Safety
/// All can be read and written; the processor has what `V` stands for.
#[inline(always)]
unsafe fn copy<T: Element, V: Lanes<T>>(from: *const T, to: *mut T, len: usize) {
    let mut at = 0;
    // SAFETY: the caller's promise.
    unsafe {
        while at + V::COUNT <= len {
            V::load(from.add(at)).store(to.add(at));
            at += V::COUNT;
        }
        while at + V::Quarter::COUNT <= len {
            V::Quarter::load(from.add(at)).store(to.add(at));
            at += V::Quarter::COUNT;
        }
        while at < len {
            *to.add(at) = *from.add(at);
            at += 1;
        }
    }
}

/// Asks for so many values to be brought into the second cache. They need not be there: it is but a hint.
#[inline(always)]
fn ask_for<T>(from: *const T, len: usize) {
    #[cfg(target_arch = "x86_64")]
    for at in (0..len).step_by(64 / size_of::<T>()) {
        use std::arch::x86_64::{_MM_HINT_T1, _mm_prefetch};
        // SAFETY: it changes nothing but time; every processor of this kind takes it.
        unsafe { _mm_prefetch::<_MM_HINT_T1>(from.wrapping_add(at).cast()) };
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = (from, len);
}

/// Computes a product.
///
/// # Panics
/// Where an operand does not reach as far as the terms and sizes say, or where A's terms are at even distances and no
/// neighbours, unless its rows are and there is one run of terms.
pub fn product<T: Element>(instructions: Instructions, product: Product<'_, T>) {
    product_before(instructions, product, &[]);
}

/// Computes a product before a walk over C and over `next`, slices that lie as C does: they are asked for meanwhile, a
/// few lines with each tile, for a product leaves memory idle, and a walk waits for little else.
///
/// # Panics
/// As [`product`].
pub fn product_before<T: Element>(instructions: Instructions, mut product: Product<'_, T>, next: &[&[T]]) {
    let Product { rows, columns, c_row, .. } = product;
    if rows == 0 || columns == 0 {
        return;
    }
    assert!((rows - 1) * c_row + columns <= product.c.len(), "C has all rows");
    if let Some([a, b]) = product.terms.ends() {
        assert!((rows - 1) * product.a.row + a < product.a.values.len(), "A has all rows and terms");
        assert!(b + columns.next_multiple_of(LANES) <= product.b.len(), "B has all terms, up to whole vectors");
    }
    if let Start::Bias(bias) = product.start {
        assert!(rows <= bias.len(), "a bias for each row");
    }
    product.terms = product.terms.flat();
    if let Terms::Even { runs, step, .. } = product.terms {
        let is_turned = product.a.row == 1 && runs == 1;
        assert!(step[0] == 1 || is_turned, "A's terms are neighbours, or its rows");
    }
    T::multiply(instructions, Checked { product, next });
}

/// A product whose operands reach as far as it reads, and what lies as C does.
#[derive(Debug)]
pub struct Checked<'a, 'n, T> {
    product: Product<'a, T>,
    next: &'n [&'n [T]],
}

impl<T: Element> Work<T> for Checked<'_, '_, T> {
    type Outcome = ();

    #[inline(always)]
    fn run<V: Lanes<T>>(self) {
        let Checked { product, next } = self;
        let c = product.c.as_mut_ptr();
        // A few columns at the end are not worth a whole vector.
        let rest = product.columns % LANES;
        let quarter = rest > 0 && rest <= LANES / 4;
        let vectors = if quarter { product.columns / LANES } else { product.columns.div_ceil(LANES) };
        let mut edge = [T::zero(); _];
        let mut pack = [const { MaybeUninit::uninit() }; PART];
        let height = even_part(product.rows, GROUP);
        for first in (0..product.rows).step_by(height) {
            let group = first..product.rows.min(first + height);
            let [tile_rows, quarter_rows] = [V::TILE_ROWS, MOST_ROWS].map(|most| even_part(group.len(), most));
            for (turn, block) in product.terms.blocks(BLOCK.min(PART / group.len() / TURN * TURN)).enumerate() {
                let start = if turn == 0 { product.start } else { Start::Sum };
                // SAFETY: `product` has checked that every place lies within its operand.
                let (a, a_row, block) = unsafe { product.packed::<V>(block, group.clone(), &mut pack) };
                let tile = |row: usize, column: usize| Tile {
                    a: a.wrapping_add(row * a_row),
                    a_row,
                    block,
                    b: product.b.as_ptr().wrapping_add(column),
                    start: start.from(group.start + row),
                    c: c.wrapping_add((group.start + row) * product.c_row + column),
                    there: product.columns - column,
                    c_row: product.c_row,
                };
                let mut vector = 0;
                while vector < vectors {
                    let left = vectors - vector;
                    let take = match (V::TILE_VECTORS, left) {
                        // A few rows leave registers for a fourth.
                        (3, 4) if tile_rows <= 4 => 4,
                        // Four are two and two rather than three and one, which would wait for its loads.
                        (3, 4) => 2,
                        (most, left) => left.min(most),
                    };
                    for row in (0..group.len()).step_by(tile_rows) {
                        let rows = tile_rows.min(group.len() - row);
                        if turn == 0 {
                            for row in group.start + row..group.start + row + rows {
                                let place = row * product.c_row + vector * LANES;
                                // The columns of the last tile may go on beyond the row.
                                next.iter().for_each(|slice| ask_for(slice.as_ptr().wrapping_add(place), take * LANES));
                            }
                        }
                        // SAFETY: as above.
                        unsafe {
                            let mut tile = tile(row, vector * LANES);
                            let place = tile.enter(&mut edge, rows, take * LANES);
                            tile_of::<T, V>(&tile, rows, take);
                            tile.leave(place, rows, take * LANES);
                        }
                    }
                    vector += take;
                }
                if quarter {
                    for row in (0..group.len()).step_by(quarter_rows) {
                        let rows = quarter_rows.min(group.len() - row);
                        // SAFETY: as above.
                        unsafe {
                            let mut tile = tile(row, vectors * LANES);
                            let place = tile.enter(&mut edge, rows, LANES / 4);
                            quarter_of::<T, V::Quarter>(&tile, rows);
                            tile.leave(place, rows, LANES / 4);
                        }
                    }
                }
            }
        }
    }
}

impl<T: Element> Product<'_, T> {
    /// Where A's values of some rows and terms are, how far one row is from the next, and the terms as they lie there.
    /// Where rows are neighbours and terms are not, as in a transposed matrix, they are copied: each term would otherwise
    /// cost every tile a line of its own, and often a page.
    ///
    /// # Safety
    /// A reaches as far as `product` checks; there are at most [`PART`] of its values in these rows and terms.
    #[inline(always)]
    unsafe fn packed<'b, V: Lanes<T>>(
        &self,
        block: Block<'b>,
        rows: Range<usize>,
        pack: &mut [MaybeUninit<T>; PART],
    ) -> (*const T, usize, Block<'b>) {
        // SAFETY: the caller's promise.
        unsafe {
            // Without terms A may hold nothing.
            let a = self.a.values.as_ptr().wrapping_add(rows.start * self.a.row);
            match block {
                Block::Even { at, runs: 1, run_step, terms, step } if step[0] != 1 => {
                    debug_assert!(self.a.row == 1, "`product` has seen to it");
                    let pack = pack.as_mut_ptr().cast::<T>();
                    for term in 0..terms {
                        copy::<T, V>(a.add(at[0] + term * step[0]), pack.add(term * rows.len()), rows.len());
                    }
                    let step = [rows.len(), step[1]];
                    (pack, 1, Block::Even { at: [0, at[1]], runs: 1, run_step, terms, step })
                }
                block => (a, self.a.row, block),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{Generator, Purpose};

    fn values<T: Element>(count: usize, seed: u64) -> Vec<T> {
        let mut generator = Generator::new(seed, Purpose::Init, 0);
        (0..count).map(|_| T::of(generator.unit() - 0.5)).collect()
    }

    /// The definition.
    fn chain<T: Element>(a: &[T], b: &[T], c: &[T], [rows, columns, terms]: [usize; 3], b_row: usize) -> Vec<T> {
        let mut out = c.to_vec();
        for m in 0..rows {
            for n in 0..columns {
                for k in 0..terms {
                    out[m * columns + n] = a[m * terms + k].mul_add(b[k * b_row + n], out[m * columns + n]);
                }
            }
        }
        out
    }

    fn compare<T: Element>() {
        for sizes @ [rows, columns, terms] in
            [[1usize, 1, 1], [3, 5, 2], [8, 48, 7], [13, 100, 9], [17, 65, 33], [2, 16, 0], [9, 129, 4], [50, 36, 300]]
        {
            let b_row = columns.next_multiple_of(LANES) + 3;
            let (a, b, c) = (values(rows * terms, 1), values(terms * b_row + LANES, 2), values(rows * columns, 3));
            let want = chain::<T>(&a, &b, &c, sizes, b_row);
            let listed = Places::new((0..terms as u32).map(|k| [k, k * b_row as u32]).collect());
            let even = Terms::Even { runs: 1, run_step: [0, 0], terms, step: [1, b_row] };
            let runs = Terms::Even { runs: terms, run_step: [1, b_row], terms: 1, step: [0, 0] };
            for instructions in Instructions::all() {
                for terms in [even, runs, Terms::Listed(&listed)] {
                    let mut got = c.clone();
                    let factor = Factor { values: &a, row: sizes[2] };
                    let c = &mut got;
                    let start = Start::Sum;
                    product(instructions, Product { a: factor, b: &b, terms, c, c_row: columns, rows, columns, start });
                    assert!(got == want, "{sizes:?} with {instructions} and {terms:?}");
                }
                let turned: Vec<T> = (0..terms * rows).map(|at| a[at % rows * terms + at / rows]).collect();
                let factor = Factor { values: &turned, row: 1 };
                let terms = Terms::Even { runs: 1, run_step: [0, 0], terms, step: [rows, b_row] };
                let (mut got, start) = (c.clone(), Start::Sum);
                let c = &mut got;
                product(instructions, Product { a: factor, b: &b, terms, c, c_row: columns, rows, columns, start });
                assert!(got == want, "{sizes:?}, A transposed, with {instructions}");
            }
        }
    }

    #[test]
    fn every_instruction_set_computes_the_definition_to_the_bit() {
        compare::<f32>();
        compare::<f64>();
    }

    /// Runs of more than one term, and blocks of a transposed A that are not as long as they could be.
    #[test]
    fn terms_in_runs_and_many_turned_rows_are_the_same_chain() {
        let [rows, columns, runs, len] = [7usize, 20, 3, 5];
        let (b_row, terms) = (columns.next_multiple_of(LANES), runs * len);
        let (a, b, c) = (values::<f32>(rows * terms, 1), values(terms * b_row, 2), values(rows * columns, 3));
        let want = chain(&a, &b, &c, [rows, columns, terms], b_row);
        for instructions in Instructions::all() {
            let terms = Terms::Even { runs, run_step: [len, len * b_row], terms: len, step: [1, b_row] };
            let (mut got, a) = (c.clone(), Factor { values: &a, row: runs * len });
            let (c, start) = (&mut got, Start::Sum);
            product(instructions, Product { a, b: &b, terms, c, c_row: columns, rows, columns, start });
            assert!(got == want, "runs with {instructions}");
        }
        for [rows, columns, terms] in [[43usize, 17, 214], [1, 17, 130], [48, 100, 1]] {
            let b_row = columns.next_multiple_of(LANES);
            let (a, b, c) = (values::<f32>(rows * terms, 1), values(terms * b_row, 2), values(rows * columns, 3));
            let want = chain(&a, &b, &c, [rows, columns, terms], b_row);
            let turned: Vec<f32> = (0..terms * rows).map(|at| a[at % rows * terms + at / rows]).collect();
            for instructions in Instructions::all() {
                let terms = Terms::Even { runs: 1, run_step: [0, 0], terms, step: [rows, b_row] };
                let (mut got, a) = (c.clone(), Factor { values: &turned, row: 1 });
                let (c, start) = (&mut got, Start::Sum);
                product(instructions, Product { a, b: &b, terms, c, c_row: columns, rows, columns, start });
                assert!(got == want, "{rows} rows and {columns} columns with {instructions}");
            }
        }
        let (a, b, mut c) = ([0.0f32; 0], [0.0; 0], [1.0; 32]);
        let terms = Terms::Even { runs: 2, run_step: [3, 3], terms: 0, step: [1, 16] };
        let (a, start) = (Factor { values: &a[..], row: 1 }, Start::Sum);
        product(Instructions::best(), Product { a, b: &b, terms, c: &mut c, c_row: 16, rows: 2, columns: 16, start });
        assert_eq!(c, [1.0; 32]);
    }

    #[test]
    #[should_panic(expected = "A has all rows and terms")]
    fn an_operand_that_is_too_short_is_refused() {
        let (a, b, mut c) = ([0.0f32; 5], [0.0; 64], [0.0; 32]);
        let terms = Terms::Even { runs: 1, run_step: [0, 0], terms: 3, step: [1, 16] };
        let (a, c) = (Factor { values: &a[..], row: 3 }, &mut c[..]);
        let start = Start::Zero;
        product(Instructions::best(), Product { a, b: &b, terms, c, c_row: 16, rows: 2, columns: 16, start });
    }

    #[test]
    #[should_panic(expected = "A's terms are neighbours, or its rows")]
    fn a_factor_that_jumps_both_ways_is_refused() {
        let (a, b, mut c) = ([0.0f32; 16], [0.0; 64], [0.0; 32]);
        let terms = Terms::Even { runs: 1, run_step: [0, 0], terms: 2, step: [2, 16] };
        let (a, c) = (Factor { values: &a[..], row: 5 }, &mut c[..]);
        let start = Start::Zero;
        product(Instructions::best(), Product { a, b: &b, terms, c, c_row: 16, rows: 2, columns: 16, start });
    }
}
