//! How memory is cut into tasks, and in which order threads share them out.

use std::ops::Range;

/// Ranges that do not overlap, in ascending order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cuts {
    pub(super) ranges: Vec<Range<usize>>,
    pub(super) end: usize,
    /// The cuts in the order in which threads share them out.
    pub(super) turns: Vec<usize>,
    /// Elements before each turn, and all of them.
    before: Vec<usize>,
}

impl Cuts {
    /// Checks that each range begins where the one before ends, or later.
    ///
    /// # Panics
    /// Where one does not.
    pub fn new(ranges: Vec<Range<usize>>) -> Self {
        let places = (0..ranges.len()).map(|index| index as f64).collect();
        Cuts::placed(ranges, places)
    }

    /// The same, with the place of each cut in what it is a part of, the middle of a tensor's rows being 0.5. Cuts at
    /// equal places come to the same thread: for a thread that has the first half of a layer's rows in its cache from
    /// one phase, the update of these rows comes cheapest.
    ///
    /// # Panics
    /// As [`Cuts::new`], and where there are not as many places as ranges.
    pub fn placed(ranges: Vec<Range<usize>>, places: Vec<f64>) -> Self {
        assert_eq!(ranges.len(), places.len(), "a place for each range");
        let mut end = 0;
        for range in &ranges {
            assert!(
                end <= range.start && range.start <= range.end,
                "{range:?} begins before {end} or ends before it begins"
            );
            end = range.end;
        }
        let mut turns: Vec<usize> = (0..ranges.len()).collect();
        turns.sort_by(|&a, &b| places[a].total_cmp(&places[b]));
        let mut before = vec![0];
        before.extend(turns.iter().scan(0, |sum, &index| {
            *sum += ranges[index].len();
            Some(*sum)
        }));
        Cuts { ranges, end, turns, before }
    }

    /// The ranges.
    pub fn ranges(&self) -> &[Range<usize>] {
        &self.ranges
    }

    /// The turn before which this part of the elements lies, as nearly as cuts allow.
    pub(super) fn turn_at(&self, part: f64) -> usize {
        let wanted = part * self.before[self.turns.len()] as f64;
        let turn = self.before.partition_point(|&before| (before as f64) < wanted);
        let distance = |turn: usize| (self.before[turn] as f64 - wanted).abs();
        if turn > 0 && distance(turn - 1) < distance(turn) { turn - 1 } else { turn }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cuts_at_the_same_place_of_their_tensors_come_to_the_same_thread() {
        // Two tensors of four cuts, the second one's half as long, and a small one.
        let ends = [0, 8, 16, 24, 32, 36, 40, 44, 48, 49];
        let ranges: Vec<_> = ends.windows(2).map(|ends| ends[0]..ends[1]).collect();
        let places = [0.125, 0.375, 0.625, 0.875, 0.125, 0.375, 0.625, 0.875, 0.5];
        let cuts = Cuts::placed(ranges, places.to_vec());
        assert_eq!(cuts.turns, [0, 4, 1, 5, 8, 2, 6, 3, 7]);
        assert_eq!([0.0, 0.25, 0.5, 0.75, 1.0].map(|part| cuts.turn_at(part)), [0, 2, 5, 7, 9]);
    }

    #[test]
    #[should_panic(expected = "begins before")]
    fn overlapping_cuts_are_refused() {
        Cuts::new(vec![0..3, 2..4]);
    }
}
