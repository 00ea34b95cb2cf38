//! Values that not every update has, by the update they belong to.

use std::ops::Range;

use super::column::{Column, Extent};

/// The update each entry of a column belongs to, in ascending order.
///
/// Most updates follow one another: what is kept is where each run of them begins.
///
/// One of these serves any number of columns: cut it into pixel columns once, then ask each column for the extents.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Positions {
    runs: Vec<Run>,
    len: usize,
}

/// Entries whose positions follow one another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Run {
    /// The first one's position.
    at: u64,
    /// The first one's entry.
    entry: usize,
}

impl Positions {
    /// Adds the position of the next entry.
    ///
    /// # Panics
    /// Where it lies before the last one.
    pub fn push(&mut self, at: u64) {
        assert!(self.last().is_none_or(|last| last <= at), "positions ascend");
        if self.last().and_then(|last| last.checked_add(1)) != Some(at) {
            self.runs.push(Run { at, entry: self.len });
        }
        self.len += 1;
    }

    /// Number of entries.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there is no entry.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The last entry's position.
    pub fn last(&self) -> Option<u64> {
        self.runs.last().map(|run| run.at + (self.len - 1 - run.entry) as u64)
    }

    /// The first entry at or after a position; the number of entries where there is none.
    pub fn entry(&self, at: u64) -> usize {
        self.entry_before(self.runs.partition_point(|run| run.at < at), at)
    }

    /// The same where the first run that begins at the position or after it is known.
    fn entry_before(&self, next: usize, at: u64) -> usize {
        let Some(run) = next.checked_sub(1).map(|before| self.runs[before]) else { return 0 };
        let end = self.runs.get(next).map_or(self.len, |next| next.entry);
        usize::try_from(at - run.at).map_or(end, |inside| run.entry.saturating_add(inside).min(end))
    }

    /// The entries between each edge and the next.
    pub fn between(&self, edges: &[u64]) -> impl Iterator<Item = Range<usize>> {
        let first = edges.first().copied().unwrap_or(0);
        let mut next = self.runs.partition_point(|run| run.at < first);
        let (mut stride, mut from) = (0, self.entry_before(next, first));
        edges.iter().skip(1).map(move |edge| {
            // Edges mostly lie as far apart as the last two did: of many runs few have to be looked at.
            let found = self.next_run(*edge, next + stride);
            (stride, next) = (found.saturating_sub(next), found);
            let to = self.entry_before(next, *edge).max(from);
            std::mem::replace(&mut from, to)..to
        })
    }

    /// The first run that begins at a position or after it, looked for in ever longer strides from a guess.
    fn next_run(&self, at: u64, guess: usize) -> usize {
        let is_before = |run: &Run| run.at < at;
        let guess = guess.min(self.runs.len());
        // Every run below `low` begins before the position, none from `high` on.
        let (mut low, mut high, mut reach) = (guess, guess, 1);
        while low > 0 && !is_before(&self.runs[low - 1]) {
            (high, low) = (low - 1, low.saturating_sub(reach));
            reach *= 2;
        }
        while self.runs.get(high).is_some_and(is_before) {
            (low, high) = (high + 1, (high + reach).min(self.runs.len()));
            reach *= 2;
        }
        low + self.runs[low..high].partition_point(is_before)
    }
}

/// A sparse series: values with the update each belongs to.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Points {
    at: Positions,
    values: Column,
}

impl FromIterator<(u64, f32)> for Points {
    fn from_iter<I: IntoIterator<Item = (u64, f32)>>(values: I) -> Self {
        let mut points = Points::default();
        values.into_iter().for_each(|(at, value)| points.push(at, value));
        points
    }
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

    /// The extent of the values between each edge and the next.
    pub fn between(&self, edges: &[u64]) -> impl Iterator<Item = Extent> {
        self.at.between(edges).map(|entries| self.values.extent(entries))
    }

    /// The update each value belongs to.
    pub fn at(&self) -> &Positions {
        &self.at
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
        let parts: Vec<_> = points.between(&[0, 20, 40, 60, 80, 100]).map(|extent| (extent.min, extent.max)).collect();
        assert_eq!(parts, [0.0, 20.0, 40.0, 60.0, 80.0].map(|value| (value, value)));
        let edges: Vec<u64> = (0..=100).collect();
        assert_eq!(points.between(&edges).filter(Extent::has_values).count(), 5);
    }

    proptest! {
        #[test]
        fn an_entry_is_found_as_in_the_list_of_all(
            steps in prop::collection::vec(prop_oneof![3 => Just(1u64), 1 => 0u64..5], 0..200),
            edges in prop::collection::vec(0u64..500, 0..50),
        ) {
            let mut at = Positions::default();
            let mut all = Vec::new();
            let mut now = 0;
            for step in steps {
                now += step;
                at.push(now);
                all.push(now);
            }
            prop_assert_eq!((at.len(), at.last()), (all.len(), all.last().copied()));
            let mut edges = edges;
            edges.sort_unstable();
            let entry = |edge: u64| all.partition_point(|before| *before < edge);
            let found: Vec<_> = at.between(&edges).collect();
            let wanted: Vec<_> = edges.windows(2).map(|pair| entry(pair[0])..entry(pair[1])).collect();
            prop_assert_eq!(found, wanted);
        }
    }
}
