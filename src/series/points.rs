//! Values that not every update has, by the update they belong to.

use std::ops::Range;

use super::column::{Column, Extent};

/// The update each entry of a column belongs to, in ascending order.
///
/// One of these serves any number of columns: cut it into pixel columns once, then ask each column for the extents.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Positions(Vec<u64>);

impl Positions {
    /// Adds the position of the next entry.
    ///
    /// # Panics
    /// Where it lies before the last one.
    pub fn push(&mut self, at: u64) {
        assert!(self.last().is_none_or(|last| last <= at), "positions ascend");
        self.0.push(at);
    }

    /// Number of entries.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is no entry.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The last entry's position.
    pub fn last(&self) -> Option<u64> {
        self.0.last().copied()
    }

    /// The first entry at or after a position; the number of entries where there is none.
    pub fn entry(&self, at: u64) -> usize {
        self.0.partition_point(|&before| before < at)
    }

    /// Cuts a stretch into `width` equal parts and gives the entries of each.
    pub fn cuts(&self, range: Range<u64>, width: usize) -> impl Iterator<Item = Range<usize>> {
        let length = u128::from(range.end.saturating_sub(range.start));
        // The part that `at` falls into is ⌊(at − start)·width / length⌋; a part begins at the first such position.
        let cut = move |part: usize| {
            range.start + u64::try_from((length * part as u128).div_ceil(width.max(1) as u128)).unwrap_or(u64::MAX)
        };
        (0..width).map(move |part| self.entry(cut(part))..self.entry(cut(part + 1)))
    }
}

/// A sparse series: values with the update each belongs to.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Points {
    at: Positions,
    values: Column,
}

impl Points {
    /// Adds a value.
    ///
    /// # Panics
    /// Where it belongs before the last one.
    pub fn push(&mut self, at: u64, value: f32) {
        self.at.push(at);
        self.values.push(value);
    }

    /// The values in order.
    pub fn values(&self) -> &Column {
        &self.values
    }

    /// The last value that belongs before `end`.
    pub fn last_before(&self, end: u64) -> Option<f32> {
        self.at.entry(end).checked_sub(1).and_then(|entry| self.values.get(entry))
    }

    /// The extent of the values in a stretch.
    pub fn extent(&self, range: Range<u64>) -> Extent {
        self.values.extent(self.at.entry(range.start)..self.at.entry(range.end))
    }

    /// Cuts a stretch into `width` equal parts and gives the extent of each; a part that no value falls into is empty.
    pub fn query(&self, range: Range<u64>, width: usize) -> impl Iterator<Item = Extent> {
        self.at.cuts(range, width).map(|entries| self.values.extent(entries))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn every_value_of_a_stretch_falls_into_one_part() {
        let mut points = Points::default();
        for at in (0..100).step_by(20) {
            points.push(at, at as f32);
        }
        let parts: Vec<_> = points.query(0..100, 5).map(|extent| (extent.min, extent.max)).collect();
        assert_eq!(parts, [0.0, 20.0, 40.0, 60.0, 80.0].map(|value| (value, value)));
        let wide: Vec<_> = points.query(0..100, 1000).filter(Extent::has_values).collect();
        assert_eq!(wide.len(), 5);
    }

    proptest! {
        #[test]
        fn cuts_leave_no_entry_out_and_take_none_twice(
            steps in prop::collection::vec(0u64..5, 0..200),
            ends in (0u64..500, 0u64..500),
            width in 1usize..120,
        ) {
            let mut at = Positions::default();
            let mut now = 0;
            for step in steps {
                now += step;
                at.push(now);
            }
            let (from, to) = (ends.0.min(ends.1), ends.0.max(ends.1));
            let cuts: Vec<_> = at.cuts(from..to, width).collect();
            prop_assert_eq!(cuts[0].start, at.entry(from));
            prop_assert_eq!(cuts[width - 1].end, at.entry(to));
            for pair in cuts.windows(2) {
                prop_assert_eq!(pair[0].end, pair[1].start);
            }
        }
    }
}
