//! How the weights of a tensor lie between the smallest and the largest of them.

use serde::{Deserialize, Serialize};

use super::number;

/// Bins of a distribution: one for each column of a narrow panel.
pub const BINS: usize = 24;

/// A tensor's weights, counted in [`BINS`] bins of equal width between the lowest and the highest.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Distribution {
    /// The lowest weight.
    #[serde(with = "number")]
    pub lowest: f64,
    /// The highest weight.
    #[serde(with = "number")]
    pub highest: f64,
    /// How many weights lie in each bin, from the lowest on.
    pub counts: Vec<u64>,
}

impl Distribution {
    /// Of these weights; those that are not finite are in no bin. All of equal weights are in the first. Training counts
    /// with vectors and on many threads; this is what that is checked against.
    pub fn of(weights: impl Iterator<Item = f64> + Clone) -> Distribution {
        let finite = || weights.clone().filter(|weight| weight.is_finite());
        let (lowest, highest) = finite()
            .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), weight| (low.min(weight), high.max(weight)));
        let mut counts = vec![0; BINS];
        // Halves: the difference of two finite numbers may be none.
        let width = highest / 2.0 - lowest / 2.0;
        let to_bin = if width > 0.0 { BINS as f64 / width } else { 0.0 };
        for weight in finite() {
            counts[(((weight / 2.0 - lowest / 2.0) * to_bin) as usize).min(BINS - 1)] += 1;
        }
        Distribution { lowest, highest, counts }
    }

    /// Weights that are counted.
    pub fn total(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// The value below which this share of the weights lies, as if they were spread evenly in each bin; `None` where
    /// there are none.
    pub fn quantile(&self, share: f64) -> Option<f64> {
        let (total, bins) = (self.total(), self.counts.len());
        let mut wanted = share.clamp(0.0, 1.0) * total as f64;
        let end = |bin: f64| self.lowest + (self.highest - self.lowest) * bin / bins as f64;
        for (bin, count) in self.counts.iter().enumerate().filter(|(_, count)| **count > 0) {
            if wanted <= *count as f64 {
                return Some(end(bin as f64 + wanted / *count as f64));
            }
            wanted -= *count as f64;
        }
        (total > 0).then_some(self.highest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_finite_weight_is_in_one_bin() {
        let weights: Vec<f64> = (0..=240).map(|at| f64::from(at) / 10.0 - 12.0).collect();
        let found = Distribution::of(weights.iter().copied().chain([f64::NAN, f64::INFINITY]));
        assert_eq!((found.lowest, found.highest, found.total()), (-12.0, 12.0, 241));
        assert!(found.counts.iter().all(|count| (10..=11).contains(count)), "{found:?}");
        for (share, value) in [(0.0, -12.0), (0.5, 0.0), (1.0, 12.0)] {
            assert!((found.quantile(share).unwrap() - value).abs() < 0.1, "{share}");
        }
    }

    #[test]
    fn equal_weights_and_none_at_all_have_a_distribution() {
        let same = Distribution::of([0.5; 7].into_iter());
        assert_eq!((same.lowest, same.highest, same.counts[0]), (0.5, 0.5, 7));
        assert_eq!(same.quantile(0.3), Some(0.5));
        assert_eq!(Distribution::of([f64::NAN].into_iter()).quantile(0.5), None);
        let far = Distribution::of([f64::MIN, 0.0, f64::MAX].into_iter());
        assert_eq!((far.counts[0], far.counts[BINS / 2], far.counts[BINS - 1]), (1, 1, 1));
    }
}
