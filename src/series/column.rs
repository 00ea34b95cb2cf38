//! A column of values under a pyramid of extents.

use std::ops::Range;

/// Entries of one level that an entry of the next sums up.
const FAN: usize = 16;

/// An append-only column of f32 that finds the extent of any stretch without walking it.
///
/// Level 0 of the pyramid has one block for every 16 values, each further level one for every 16 below. Only complete
/// blocks are summed up, so an append touches the pyramid once in 16 times.
///
/// ```
/// use wdtop::series::Column;
///
/// let column: Column = [1.0, 5.0, f32::NAN, 2.0].into_iter().collect();
/// let halves: Vec<_> = column.query(0..4, 2).collect();
/// assert_eq!((halves[0].min, halves[0].max, halves[0].gaps), (1.0, 5.0, 0));
/// assert_eq!((halves[1].min, halves[1].max, halves[1].gaps), (2.0, 2.0, 1));
/// ```
///
/// A column that is to stay small [forgets](Self::forgetful): of each level it keeps the last entries, so that what is
/// older is known in blocks of 16, what is older still in blocks of 256, and no spike is ever lost.
#[derive(Debug, Clone, PartialEq)]
pub struct Column {
    values: Level<f32>,
    levels: Vec<Level<Block>>,
    /// Entries that each level keeps at least; a multiple of [`FAN`].
    kept: usize,
}

/// One level of the pyramid: all its entries, or the last ones.
#[derive(Debug, Clone, PartialEq)]
struct Level<T> {
    /// Entries that were forgotten; a multiple of [`FAN`], so that the blocks above know them all.
    gone: usize,
    entries: Vec<T>,
}

/// What is known of 16 entries of the level below.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Block {
    extent: Extent,
    /// Of the finite values; not a number where there is none.
    mean: f32,
}

/// Smallest and largest finite value of a stretch, and how many were not finite.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Extent {
    /// The smallest finite value; +∞ where there is none.
    pub min: f32,
    /// The largest finite value; −∞ where there is none.
    pub max: f32,
    /// Number of values that are not finite.
    pub gaps: u32,
}

impl Extent {
    /// The extent of no value at all.
    pub const EMPTY: Extent = Extent { min: f32::INFINITY, max: f32::NEG_INFINITY, gaps: 0 };

    /// The extent of one value.
    pub fn of(value: f32) -> Self {
        if value.is_finite() { Extent { min: value, max: value, gaps: 0 } } else { Extent { gaps: 1, ..Extent::EMPTY } }
    }

    /// The extent of both stretches together.
    pub fn join(self, other: Extent) -> Self {
        // Neither end is ever NaN: one instruction each, where `f32::min` takes care of that in four.
        Extent {
            min: if other.min < self.min { other.min } else { self.min },
            max: if other.max > self.max { other.max } else { self.max },
            gaps: self.gaps.saturating_add(other.gaps),
        }
    }

    /// Whether there is a finite value in it.
    pub fn has_values(&self) -> bool {
        self.min <= self.max
    }
}

impl Default for Column {
    fn default() -> Self {
        Column::forgetful(usize::MAX)
    }
}

impl Column {
    /// An empty column that keeps every value.
    pub fn new() -> Self {
        Column::default()
    }

    /// An empty column that keeps at least the last `kept` values one by one, and as many blocks of each size.
    pub fn forgetful(kept: usize) -> Self {
        let kept = kept.clamp(FAN, usize::MAX / 4).next_multiple_of(FAN);
        Column { values: Level::default(), levels: Vec::new(), kept }
    }

    /// Adds a value at the end.
    pub fn push(&mut self, value: f32) {
        self.values.entries.push(value);
        let (mut level, mut block) = (0, FAN);
        while self.len().is_multiple_of(block) {
            let sum = match level {
                0 => Block::of(last_block(&self.values.entries).iter().map(|value| (Extent::of(*value), *value))),
                _ => {
                    let below = last_block(&self.levels[level - 1].entries);
                    Block::of(below.iter().map(|block| (block.extent, block.mean)))
                }
            };
            if level == self.levels.len() {
                self.levels.push(Level::default());
            }
            self.levels[level].entries.push(sum);
            self.levels[level].forget(self.kept);
            level += 1;
            block *= FAN;
        }
        self.values.forget(self.kept);
    }

    /// Number of values.
    pub fn len(&self) -> usize {
        self.values.gone + self.values.entries.len()
    }

    /// Whether there is no value.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The value at a position; where it was forgotten, the mean of the smallest block that is known.
    pub fn get(&self, at: usize) -> Option<f32> {
        if at >= self.values.gone {
            return self.values.entries.get(at - self.values.gone).copied();
        }
        let mut at = at;
        self.levels.iter().find_map(|level| {
            at /= FAN;
            Some(level.entries.get(at.checked_sub(level.gone)?)?.mean)
        })
    }

    /// The value at the end.
    pub fn last(&self) -> Option<f32> {
        self.values.entries.last().copied()
    }

    /// All values in order, as [`get`](Self::get) tells them.
    pub fn iter(&self) -> impl Iterator<Item = f32> {
        (0..self.len()).map_while(|at| self.get(at))
    }

    /// The extent of the values at these positions; positions beyond the end count for nothing. Where values were
    /// forgotten, it is that of the whole blocks around them.
    pub fn extent(&self, range: Range<usize>) -> Extent {
        let mut to = range.end.min(self.len());
        let mut from = range.start.min(to);
        let mut all = Extent::EMPTY;
        // At each level the ragged ends are taken one by one, what lies between them from the level above.
        for level in 0.. {
            let above = usize::checked_sub(level, 1).and_then(|level| self.levels.get(level));
            let gone = if level == 0 { self.values.gone } else { above.map_or(0, |level| level.gone) };
            if from < to && from < gone {
                from -= from % FAN;
            }
            if from < to && to < gone {
                to = to.next_multiple_of(FAN);
            }
            let head = from.next_multiple_of(FAN).min(to);
            let tail = (to - to % FAN).max(head);
            for ragged in [from..head, tail..to].into_iter().filter(|ragged| !ragged.is_empty()) {
                let ragged = ragged.start - gone..ragged.end - gone;
                all = match above {
                    None => self.values.entries[ragged].iter().fold(all, |all, value| all.join(Extent::of(*value))),
                    Some(level) => level.entries[ragged].iter().fold(all, |all, block| all.join(block.extent)),
                };
            }
            if head == tail {
                break;
            }
            (from, to) = (head / FAN, tail / FAN);
        }
        all
    }

    /// Cuts a stretch into `width` equal parts and gives the extent of each; a part that no value falls into is empty.
    pub fn query(&self, range: Range<usize>, width: usize) -> impl Iterator<Item = Extent> {
        let count = range.end.saturating_sub(range.start);
        // Rounded up: fewer values than parts begin with the first part.
        let cut =
            move |part: usize| range.start + (count as u128 * part as u128).div_ceil(width.max(1) as u128) as usize;
        (0..width).map(move |part| self.extent(cut(part)..cut(part + 1)))
    }
}

impl FromIterator<f32> for Column {
    fn from_iter<I: IntoIterator<Item = f32>>(values: I) -> Self {
        let mut column = Column::new();
        values.into_iter().for_each(|value| column.push(value));
        column
    }
}

impl<T> Default for Level<T> {
    fn default() -> Self {
        Level { gone: 0, entries: Vec::new() }
    }
}

impl<T> Level<T> {
    /// Once twice as many are there, the older half goes: not one with every entry, that would move them all each time.
    fn forget(&mut self, kept: usize) {
        if self.entries.len() == 2 * kept {
            self.entries.drain(..kept);
            self.gone += kept;
        }
    }
}

impl Block {
    fn of(parts: impl Iterator<Item = (Extent, f32)>) -> Self {
        let (mut extent, mut sum, mut count) = (Extent::EMPTY, 0.0, 0.0);
        for (part, mean) in parts {
            extent = extent.join(part);
            if mean.is_finite() {
                sum += f64::from(mean);
                count += 1.0;
            }
        }
        Block { extent, mean: (sum / count) as f32 }
    }
}

/// The last complete block of a level that just got complete.
fn last_block<T>(level: &[T]) -> &[T] {
    &level[level.len() - FAN..]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn brute(values: &[f32]) -> Extent {
        values.iter().fold(Extent::EMPTY, |all, &value| all.join(Extent::of(value)))
    }

    fn value() -> impl Strategy<Value = f32> {
        prop_oneof![8 => -1e3f32..1e3, 1 => Just(f32::NAN), 1 => Just(f32::INFINITY), 1 => Just(f32::NEG_INFINITY)]
    }

    proptest! {
        #[test]
        fn a_query_equals_brute_force(
            values in prop::collection::vec(value(), 0..5000),
            ends in (0usize..6000, 0usize..6000),
            width in 0usize..300,
        ) {
            let column: Column = values.iter().copied().collect();
            let (from, to) = (ends.0.min(ends.1), ends.0.max(ends.1));
            let found: Vec<Extent> = column.query(from..to, width).collect();
            prop_assert_eq!(found.len(), width);
            for (part, extent) in found.into_iter().enumerate() {
                let cut = |part: usize| (from + ((to - from) * part).div_ceil(width)).min(values.len());
                prop_assert_eq!(extent, brute(&values[cut(part)..cut(part + 1)]));
            }
        }
    }

    proptest! {
        #[test]
        fn what_was_forgotten_is_known_in_blocks(
            values in prop::collection::vec(value(), 0..20_000),
            ends in (0usize..20_000, 0usize..20_000),
        ) {
            let mut column = Column::forgetful(32);
            values.iter().for_each(|value| column.push(*value));
            prop_assert!(column.values.entries.len() <= 64 && column.levels.iter().all(|level| level.entries.len() <= 64));
            prop_assert_eq!(column.len(), values.len());
            let (from, to) = (ends.0.min(ends.1).min(values.len()), ends.0.max(ends.1).min(values.len()));
            let found = column.extent(from..to);
            // All that is there, and nothing that is not near it.
            let inside = brute(&values[from..to]);
            let block = 4096;
            let around = match from == to {
                true => Extent::EMPTY,
                false => brute(&values[from / block * block..to.next_multiple_of(block).min(values.len())]),
            };
            prop_assert_eq!(found.join(inside), Extent { gaps: found.gaps + inside.gaps, ..found });
            prop_assert_eq!(found.join(around), Extent { gaps: found.gaps + around.gaps, ..around });
            prop_assert!((inside.gaps..=around.gaps).contains(&found.gaps));
            let recent = values.len().saturating_sub(32);
            prop_assert_eq!(column.extent(recent..values.len()), brute(&values[recent..]));
            prop_assert_eq!(column.iter().count(), values.len());
        }
    }

    #[test]
    fn a_forgotten_value_is_the_mean_of_its_block() {
        let mut column = Column::forgetful(16);
        (0..64).for_each(|value| column.push(value as f32));
        assert_eq!(
            (column.get(0), column.get(15), column.get(63), column.get(64)),
            (Some(7.5), Some(7.5), Some(63.0), None)
        );
    }

    #[test]
    fn a_single_spike_among_a_million_is_seen() {
        let mut column: Column = (0..1_000_000).map(|_| 1.0).collect();
        column.push(1e6);
        (0..1000).for_each(|_| column.push(1.0));
        let columns: Vec<_> = column.query(0..column.len(), 100).collect();
        assert_eq!(columns.iter().filter(|extent| extent.max == 1e6).count(), 1);
    }

    #[test]
    fn an_empty_stretch_has_no_values() {
        let column: Column = [1.0].into_iter().collect();
        assert!(!column.extent(0..0).has_values());
        #[expect(clippy::reversed_empty_ranges, reason = "a caller's slip must not panic")]
        let backwards = column.extent(3..1);
        assert!(!backwards.has_values());
    }
}
