//! Windows over the last updates, at constant cost for each.

use std::collections::VecDeque;

/// The largest of the values that are not older than a span, found without looking at all of them.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct RecentMax {
    /// Falling values with their steps: one that a later, larger value follows can never be the largest again.
    falling: VecDeque<(u64, f64)>,
}

impl RecentMax {
    /// Takes in the value of a step and gives the largest of the last `span` steps, this one included.
    pub(super) fn push(&mut self, step: u64, value: f64, span: u64) -> f64 {
        while self.falling.back().is_some_and(|(_, last)| *last <= value) {
            self.falling.pop_back();
        }
        self.falling.push_back((step, value));
        while self.falling.front().is_some_and(|(then, _)| then + span <= step) {
            self.falling.pop_front();
        }
        self.falling.front().map_or(value, |(_, largest)| *largest)
    }

    pub(super) fn clear(&mut self) {
        self.falling.clear();
    }
}

/// The mean of the last values, once there are so many.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct RecentMean {
    values: VecDeque<f64>,
    length: usize,
}

impl RecentMean {
    pub(super) fn new(length: usize) -> Self {
        RecentMean { values: VecDeque::with_capacity(length), length }
    }

    /// Takes in a value.
    pub(super) fn push(&mut self, value: f64) {
        if self.values.len() == self.length {
            self.values.pop_front();
        }
        self.values.push_back(value);
    }

    /// `None` while there are too few. Summed anew, or what rounding leaves behind would outlive large values.
    pub(super) fn mean(&self) -> Option<f64> {
        (self.values.len() == self.length).then(|| self.values.iter().sum::<f64>() / self.length as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_recent_value_is_that_of_brute_force() {
        let value = |step: u64| ((step * 7919) % 101) as f64;
        for span in [1, 2, 17, 60] {
            let mut recent = RecentMax::default();
            for step in 0..300u64 {
                let first = (step + 1).saturating_sub(span);
                let wanted = (first..=step).map(value).fold(f64::MIN, f64::max);
                assert_eq!(recent.push(step, value(step), span), wanted, "span {span}, step {step}");
            }
        }
    }

    #[test]
    fn a_mean_waits_until_its_window_is_full() {
        let mut recent = RecentMean::new(3);
        [10.0, 1.0].iter().for_each(|&value| recent.push(value));
        assert_eq!(recent.mean(), None);
        [2.0, 3.0].iter().for_each(|&value| recent.push(value));
        assert_eq!(recent.mean(), Some(2.0));
    }
}
