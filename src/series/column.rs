//! A column of values under a pyramid of extents.

use std::ops::Range;

/// Entries of one level that an entry of the next sums up.
const FAN: usize = 16;

/// An append-only column of f32 that finds the extent of any stretch without walking it.
///
/// Level 0 of the pyramid has one [`Extent`] for every 16 values, each further level one for every 16 below. Only
/// complete blocks are summed up, so an append touches the pyramid once in 16 times.
///
/// ```
/// use wdtop::series::Column;
///
/// let column: Column = [1.0, 5.0, f32::NAN, 2.0].into_iter().collect();
/// let halves: Vec<_> = column.query(0..4, 2).collect();
/// assert_eq!((halves[0].min, halves[0].max, halves[0].gaps), (1.0, 5.0, 0));
/// assert_eq!((halves[1].min, halves[1].max, halves[1].gaps), (2.0, 2.0, 1));
/// ```
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Column {
    values: Vec<f32>,
    levels: Vec<Vec<Extent>>,
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
        Extent {
            min: self.min.min(other.min),
            max: self.max.max(other.max),
            gaps: self.gaps.saturating_add(other.gaps),
        }
    }

    /// Whether there is a finite value in it.
    pub fn has_values(&self) -> bool {
        self.min <= self.max
    }
}

impl Column {
    /// An empty column.
    pub fn new() -> Self {
        Column::default()
    }

    /// Adds a value at the end.
    pub fn push(&mut self, value: f32) {
        self.values.push(value);
        let (mut level, mut block) = (0, FAN);
        while self.values.len().is_multiple_of(block) {
            let extent = match level {
                0 => last_block(&self.values).iter().fold(Extent::EMPTY, |all, &value| all.join(Extent::of(value))),
                _ => last_block(&self.levels[level - 1]).iter().copied().fold(Extent::EMPTY, Extent::join),
            };
            if level == self.levels.len() {
                self.levels.push(Vec::new());
            }
            self.levels[level].push(extent);
            level += 1;
            block *= FAN;
        }
    }

    /// Number of values.
    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// Whether there is no value.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// The value at a position.
    pub fn get(&self, at: usize) -> Option<f32> {
        self.values.get(at).copied()
    }

    /// The value at the end.
    pub fn last(&self) -> Option<f32> {
        self.values.last().copied()
    }

    /// All values in order.
    pub fn values(&self) -> &[f32] {
        &self.values
    }

    /// The extent of the values at these positions; positions beyond the end count for nothing.
    pub fn extent(&self, range: Range<usize>) -> Extent {
        let mut to = range.end.min(self.values.len());
        let mut from = range.start.min(to);
        let mut all = Extent::EMPTY;
        let entry = |level: usize, at: usize| match level {
            0 => Extent::of(self.values[at]),
            _ => self.levels[level - 1][at],
        };
        // At each level the ragged ends are taken one by one, what lies between them from the level above.
        for level in 0.. {
            while from < to && !from.is_multiple_of(FAN) {
                all = all.join(entry(level, from));
                from += 1;
            }
            while from < to && !to.is_multiple_of(FAN) {
                to -= 1;
                all = all.join(entry(level, to));
            }
            if from == to {
                break;
            }
            (from, to) = (from / FAN, to / FAN);
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
