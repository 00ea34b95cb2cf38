//! The order in which training sees its samples: a new one each epoch, determined by seed and epoch alone.

use std::ops::Range;

use crate::random::{Generator, Purpose};

/// Cuts each epoch's order into batches. The last batch of an epoch is smaller where the sizes do not divide.
#[derive(Debug, Clone)]
pub struct BatchOrder {
    seed: u64,
    batch: usize,
    epoch: Option<u64>,
    order: Vec<u32>,
}

/// The samples of an update.
#[derive(Debug, Clone, Copy)]
pub struct Batch<'a> {
    /// Their places in the training set.
    pub indices: &'a [u32],
    /// The pass over the set that they are drawn in; what augmentation does to a sample differs from pass to pass.
    pub epoch: u64,
}

impl BatchOrder {
    /// For `samples` training samples in batches of `batch`.
    ///
    /// # Panics
    /// Where one of them is 0.
    pub fn new(samples: usize, batch: usize, seed: u64) -> Self {
        assert!(samples > 0 && batch > 0, "samples and batch are at least 1");
        BatchOrder { seed, batch, epoch: None, order: (0..samples as u32).collect() }
    }

    /// Batches in an epoch.
    pub fn per_epoch(&self) -> u64 {
        self.order.len().div_ceil(self.batch) as u64
    }

    /// Training samples seen after so many updates.
    pub fn samples_after(&self, steps: u64) -> u64 {
        let within = (steps % self.per_epoch()) * self.batch as u64;
        steps / self.per_epoch() * self.order.len() as u64 + within
    }

    /// The samples of the update with this 0-based index.
    pub fn batch(&mut self, step: u64) -> Batch<'_> {
        let epoch = step / self.per_epoch();
        if self.epoch != Some(epoch) {
            // From the sorted order each time, so that an epoch's order needs no other epoch's.
            self.order.iter_mut().zip(0..).for_each(|(entry, index)| *entry = index);
            Generator::new(self.seed, Purpose::Order, epoch).shuffle(&mut self.order);
            self.epoch = Some(epoch);
        }
        let range = self.range(step % self.per_epoch());
        Batch { indices: &self.order[range], epoch }
    }

    fn range(&self, within: u64) -> Range<usize> {
        let start = within as usize * self.batch;
        start..(start + self.batch).min(self.order.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_epoch_visits_every_sample_once_in_a_new_order() {
        let mut order = BatchOrder::new(10, 4, 1);
        assert_eq!(order.per_epoch(), 3);
        let mut epoch =
            |number: u64| (0..3).flat_map(|at| order.batch(3 * number + at).indices.to_vec()).collect::<Vec<u32>>();
        let (first, second) = (epoch(0), epoch(1));
        assert_ne!(first, second);
        for mut seen in [first, second] {
            seen.sort_unstable();
            assert_eq!(seen, (0..10).collect::<Vec<_>>());
        }
        assert_eq!(order.batch(2).indices.len(), 2);
        assert_eq!(order.samples_after(5), 18);
    }

    #[test]
    fn a_step_has_its_batch_wherever_one_begins() {
        let mut from_start = BatchOrder::new(10, 4, 1);
        let all: Vec<Vec<u32>> = (0..9).map(|step| from_start.batch(step).indices.to_vec()).collect();
        let mut later = BatchOrder::new(10, 4, 1);
        assert_eq!(later.batch(7).indices, all[7]);
        assert_eq!(later.batch(2).indices, all[2]);
    }
}
