//! The median of the last values.

use std::collections::VecDeque;

/// The median over a window that slides: the values once in their order of time and once sorted.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct RecentMedian {
    values: VecDeque<f64>,
    sorted: Vec<f64>,
    length: usize,
}

impl RecentMedian {
    pub(super) fn new(length: usize) -> Self {
        RecentMedian { values: VecDeque::with_capacity(length), sorted: Vec::with_capacity(length), length }
    }

    /// Takes in a value; one that is not a number is passed over.
    pub(super) fn push(&mut self, value: f64) {
        if value.is_nan() {
            return;
        }
        if self.values.len() == self.length
            && let Some(oldest) = self.values.pop_front()
        {
            self.sorted.remove(self.place(oldest));
        }
        self.values.push_back(value);
        self.sorted.insert(self.place(value), value);
    }

    /// `None` while the window is not full.
    pub(super) fn median(&self) -> Option<f64> {
        let half = self.length / 2;
        (self.values.len() == self.length).then(|| match self.length % 2 {
            1 => self.sorted[half],
            _ => 0.5 * (self.sorted[half - 1] + self.sorted[half]),
        })
    }

    /// The first place of a value among those sorted, or where it would stand.
    fn place(&self, value: f64) -> usize {
        self.sorted.partition_point(|&other| other < value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_that_of_the_sorted_window() {
        let value = |at: usize| if at == 40 { f64::NAN } else { ((at * 7919) % 31) as f64 };
        for length in [3, 4, 20] {
            let mut recent = RecentMedian::new(length);
            let mut all = Vec::new();
            for at in 0..100 {
                recent.push(value(at));
                all.extend(Some(value(at)).filter(|value| !value.is_nan()));
                let Some(first) = all.len().checked_sub(length) else {
                    assert_eq!(recent.median(), None);
                    continue;
                };
                let mut window = all[first..].to_vec();
                window.sort_by(f64::total_cmp);
                let wanted = (window[(length - 1) / 2] + window[length / 2]) / 2.0;
                assert_eq!(recent.median(), Some(wanted), "{at}");
            }
        }
    }
}
