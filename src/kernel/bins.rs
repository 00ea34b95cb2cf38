//! How far values reach, and how many of them lie in each of some bins of equal width.
//!
//! Adding one to a counter in memory takes five cycles where the next value may want the same counter. So values are
//! counted in registers: each becomes a word with one bit set, that of its bin, and words are added up bit by bit in
//! eight planes, as a table of full adders does. Counts are whole numbers, so their order does not matter.

#![expect(clippy::needless_range_loop, reason = "the loops that the compiler turns into vectors are those over bounds")]

use super::instructions::{Instructions, Work};
use super::lanes::{Element, LANES, Lanes};
use crate::scalar::{Scalar, is_finite};

/// How far values reach.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Extent<T> {
    /// The lowest finite one; infinity where there is none.
    pub lowest: T,
    /// The highest finite one; −infinity where there is none.
    pub highest: T,
    /// Σx² of all, in f64: sixteen sums, element i in sum i mod 16, added up in a tree.
    pub square: f64,
}

impl<T: Scalar> Extent<T> {
    /// Of no values.
    pub fn none() -> Self {
        Extent { lowest: T::of(f64::INFINITY), highest: T::of(f64::NEG_INFINITY), square: 0.0 }
    }

    /// With the values of another part.
    pub fn and(self, part: Extent<T>) -> Self {
        Extent {
            lowest: if part.lowest < self.lowest { part.lowest } else { self.lowest },
            highest: if part.highest > self.highest { part.highest } else { self.highest },
            square: self.square + part.square,
        }
    }
}

/// Measures how far values reach.
pub fn extent<T: Element>(instructions: Instructions, values: &[T]) -> Extent<T> {
    instructions.run(Reach(values))
}

struct Reach<'a, T>(&'a [T]);

impl<T: Element> Work<T> for Reach<'_, T> {
    type Outcome = Extent<T>;

    #[inline(always)]
    fn run<V: Lanes<T>>(self) -> Extent<T> {
        let none = Extent::none();
        let (mut low, mut high, mut squares) = ([none.lowest; LANES], [none.highest; LANES], [0.0; LANES]);
        let (whole, rest) = self.0.as_chunks::<LANES>();
        for values in whole {
            for lane in 0..LANES {
                (low[lane], high[lane]) = reach(values[lane], low[lane], high[lane]);
            }
            for lane in 0..LANES {
                squares[lane] += values[lane].wide() * values[lane].wide();
            }
        }
        for (lane, &value) in rest.iter().enumerate() {
            (low[lane], high[lane]) = reach(value, low[lane], high[lane]);
            squares[lane] += value.wide() * value.wide();
        }
        let lanes = low.iter().zip(&high).map(|(&lowest, &highest)| Extent { lowest, highest, square: 0.0 });
        Extent { square: super::elements::fold(squares), ..lanes.fold(none, Extent::and) }
    }
}

/// The range that also holds `value`, if that is finite. Infinite values are compared away, a NaN is neither lower nor
/// higher than anything.
#[inline(always)]
fn reach<T: Scalar>(value: T, low: T, high: T) -> (T, T) {
    let (lower, higher) = (value < low, value > high);
    let finite = is_finite(value);
    (if lower & finite { value } else { low }, if higher & finite { value } else { high })
}

/// The most bins that [`count`] has.
pub const MOST_BINS: usize = 32;

/// Adds to each of `counts` how many of the finite values lie in its bin, of which all are equally wide, the first
/// beginning at `lowest`, the last ending with `highest`. All values lie between the two; where they are equal, all are in the
/// first bin.
///
/// ```text
/// bin = min( floor( (x/2 - lowest/2) * bins/(highest/2 - lowest/2) ), bins - 1 )        in f64
/// ```
///
/// Halves, because the difference of two finite numbers may be none.
///
/// # Panics
/// Where there are more than [`MOST_BINS`] bins, or none.
pub fn count<T: Element, const BINS: usize>(
    instructions: Instructions,
    values: &[T],
    (lowest, highest): (f64, f64),
    counts: &mut [u64; BINS],
) {
    assert!((1..=MOST_BINS).contains(&BINS), "from 1 to {MOST_BINS} bins");
    let width = highest / 2.0 - lowest / 2.0;
    let to_bin = if width > 0.0 { BINS as f64 / width } else { 0.0 };
    let bins = Bins { half: lowest / 2.0, to_bin, last: (BINS - 1) as f64 };
    instructions.run(Count { values, bins, counts });
}

/// Where bins lie.
#[derive(Debug, Clone, Copy)]
struct Bins {
    /// Half the lowest value.
    half: f64,
    to_bin: f64,
    last: f64,
}

impl Bins {
    /// The word with the bit of a value's bin set, or none.
    #[inline(always)]
    fn word<T: Scalar>(self, value: T) -> u32 {
        let place = (value.wide() * 0.5 - self.half) * self.to_bin;
        let place = if place < self.last { place } else { self.last };
        let place = if place > 0.0 { place } else { 0.0 };
        // SAFETY: between 0 and 31, whatever the value is. A checked conversion takes four times as long: it keeps the
        // loop from being one over vectors.
        let bin = unsafe { place.to_int_unchecked::<i32>() } as u32;
        // All bits or none: a condition is another thing that a loop over vectors does not have.
        let kept = 0u32.wrapping_sub(u32::from(is_finite(value)));
        (1 << (bin % u32::BITS)) & kept
    }
}

struct Count<'a, T, const BINS: usize> {
    values: &'a [T],
    bins: Bins,
    counts: &'a mut [u64; BINS],
}

/// Words that are added up side by side.
const SIDE: usize = 8;
/// Binary digits of a count.
const PLANES: usize = 8;
/// Words that are added up in one turn, four side by side in each place.
const TURN: usize = 4 * SIDE;
/// Values whose counts the planes can hold: less than 2⁸ in each place.
const FULL: usize = TURN * (((1 << PLANES) - 1) / 4);

impl<T: Element, const BINS: usize> Work<T> for Count<'_, T, BINS> {
    type Outcome = ();

    #[inline(always)]
    fn run<V: Lanes<T>>(self) {
        let Count { values, bins, counts } = self;
        let mut sums = [0; BINS];
        for values in values.chunks(FULL) {
            let mut planes = [[0u32; SIDE]; PLANES];
            let (turns, rest) = values.as_chunks::<TURN>();
            for values in turns {
                let words = |at: usize| {
                    let mut words = [0; SIDE];
                    for place in 0..SIDE {
                        words[place] = bins.word(values[at * SIDE + place]);
                    }
                    words
                };
                let [ones, twos, higher @ ..] = &mut planes;
                let (first, second) = (add(ones, words(0), words(1)), add(ones, words(2), words(3)));
                let mut carry = add(twos, first, second);
                for plane in higher {
                    for place in 0..SIDE {
                        let next = plane[place] & carry[place];
                        plane[place] ^= carry[place];
                        carry[place] = next;
                    }
                }
            }
            // Bounds that are known and no iterators: written otherwise it takes as long as all that is above.
            for digit in 0..PLANES {
                for bin in 0..BINS {
                    let mut set = 0;
                    for place in 0..SIDE {
                        set += planes[digit][place] >> bin & 1;
                    }
                    sums[bin] += u64::from(set) << digit;
                }
            }
            for &value in rest {
                let word = bins.word(value);
                for bin in 0..BINS {
                    sums[bin] += u64::from(word >> bin & 1);
                }
            }
        }
        counts.iter_mut().zip(sums).for_each(|(count, sum)| *count += sum);
    }
}

/// Adds two words to a plane, bit by bit; what is carried over.
#[inline(always)]
fn add(plane: &mut [u32; SIDE], a: [u32; SIDE], b: [u32; SIDE]) -> [u32; SIDE] {
    let mut carry = [0; SIDE];
    for place in 0..SIDE {
        let either = plane[place] ^ a[place];
        carry[place] = (plane[place] & a[place]) | (either & b[place]);
        plane[place] = either ^ b[place];
    }
    carry
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_instruction_set_counts_each_finite_value_once() {
        for len in [0, 1, 31, 33, 5000] {
            let mut values: Vec<f32> = (0..len).map(|at| ((at * 7919 % 5003) as f32 * 0.37).sin() - 0.2).collect();
            let odd = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY];
            values.iter_mut().skip(3).step_by(997).zip(odd).for_each(|(value, odd)| *value = odd);
            let finite = || values.iter().copied().filter(|value| value.is_finite()).map(f64::from);
            let (lowest, highest) =
                (finite().fold(f64::INFINITY, f64::min), finite().fold(f64::NEG_INFINITY, f64::max));
            let mut want = [0; 24];
            for value in finite() {
                let place = (value / 2.0 - lowest / 2.0) * (24.0 / (highest / 2.0 - lowest / 2.0));
                want[(place as usize).min(23)] += 1;
            }
            for set in Instructions::all() {
                let found = extent(set, &values);
                assert_eq!((f64::from(found.lowest), f64::from(found.highest)), (lowest, highest), "{len} with {set}");
                let mut counts = [0; 24];
                count(set, &values, (lowest, highest), &mut counts);
                assert_eq!(counts, want, "{len} with {set}");
            }
        }
    }

    #[test]
    fn planes_hold_as_many_as_they_are_given() {
        let same = vec![0.5f32; 3 * FULL + 17];
        for set in Instructions::all() {
            let mut counts = [0; MOST_BINS];
            count(set, &same, (0.5, 0.5), &mut counts);
            count(set, &same, (-0.5, 0.5), &mut counts);
            assert_eq!((counts[0], counts[31]), (same.len() as u64, same.len() as u64), "{set}");
        }
    }

    #[test]
    fn sums_of_squares_have_the_same_bits_everywhere() {
        let values: Vec<f32> = (0..1003).map(|at| (at as f32 * 0.7).sin()).collect();
        let all = Instructions::all();
        let squares = |set| extent(set, &values).square.to_bits();
        assert!(all.iter().all(|&set| squares(set) == squares(all[0])));
        let plain: f64 = values.iter().map(|&x| f64::from(x) * f64::from(x)).sum();
        assert!((f64::from_bits(squares(all[0])) / plain - 1.0).abs() < 1e-12);
    }
}
