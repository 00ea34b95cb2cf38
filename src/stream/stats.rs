//! The statistics of updates, batched: one row for each update and, for each row, one entry for each tensor.

use super::spending::Spending;

/// What an update tells of the whole network. The loss is that of the update's own batch, before the update.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct StepRow {
    /// 0-based index of the update.
    pub step: u64,
    /// Epochs made when it was done.
    pub epoch: f64,
    /// Wall time of the run in seconds when it was done.
    pub seconds: f64,
    /// Mean data loss of the batch, without the penalty.
    pub loss: f64,
    /// Correct share of the batch, 0 to 1.
    pub accuracy: f64,
    /// ½·Σ λ_t·‖w_t‖² over the tensors that decay, before the update.
    pub penalty: f64,
    /// η of this update.
    pub lr: f64,
    /// λ of this update, for tensors that have none of their own.
    pub weight_decay: f64,
}

/// The six sums over one tensor in one update, the decay share that was applied, and two sums more over the weights
/// that it was applied to.
///
/// With w the weights before the update, g the raw data gradient, d the decay share and w' = (1 − d)·w + Δ the
/// weights after it; every per-tensor curve derives from these. Cautious decay leaves out the weights with w·Δ > 0.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct TensorSums {
    /// d, the share of the weights that decay removed, as applied in the training type.
    pub decay: f64,
    /// Σ w²
    pub w2: f64,
    /// Σ g²
    pub g2: f64,
    /// Σ Δ²
    pub d2: f64,
    /// Σ w·Δ
    pub wd: f64,
    /// Σ w·g
    pub wg: f64,
    /// Number of weights with w ≠ 0, Δ ≠ 0 and opposite signs: those that the update pushes where decay does.
    pub agree: f64,
    /// Σ w² over the weights that decay shrank: those with w·Δ ≤ 0 where decay is cautious, all of them elsewhere.
    pub decayed_w2: f64,
    /// Σ w·Δ over the same.
    pub decayed_wd: f64,
}

impl TensorSums {
    /// Adds the sums over another part of the same tensor, in the same update.
    pub fn add(&mut self, part: &TensorSums) {
        self.decay = part.decay;
        self.w2 += part.w2;
        self.g2 += part.g2;
        self.d2 += part.d2;
        self.wd += part.wd;
        self.wg += part.wg;
        self.agree += part.agree;
        self.decayed_w2 += part.decayed_w2;
        self.decayed_wd += part.decayed_wd;
    }

    /// What the update made of ‖w‖², in three parts whose sum is ‖w'‖² − ‖w‖²: what decay removed, what Δ did along
    /// the weights, and what it added across them.
    ///
    /// ```text
    /// -(2d - d^2)*DW2    2*WD - 2*d*DWD    D2
    /// ```
    pub fn budget(&self) -> [f64; 3] {
        let d = self.decay;
        [-(2.0 * d - d * d) * self.decayed_w2, 2.0 * self.wd - 2.0 * d * self.decayed_wd, self.d2]
    }

    /// ‖w‖ before the update.
    pub fn norm(&self) -> f64 {
        self.w2.sqrt()
    }

    /// ‖g‖ of the raw gradient.
    pub fn grad_norm(&self) -> f64 {
        self.g2.sqrt()
    }

    /// ‖w' − w‖ / ‖w‖ = √(D2 − 2d·DWD + d²·DW2) / √W2; not a number where the weights are all 0.
    pub fn update_ratio(&self) -> f64 {
        let d = self.decay;
        let change = self.d2 - 2.0 * d * self.decayed_wd + d * d * self.decayed_w2;
        (change.max(0.0) / self.w2).sqrt()
    }
}

/// Consecutive updates: `rows.len()` of them, with `tensors` sums each.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct StepBatch {
    tensors: usize,
    rows: Vec<StepRow>,
    sums: Vec<TensorSums>,
    spent: Spending,
}

impl StepBatch {
    /// An empty batch for a network of so many tensors.
    pub fn new(tensors: usize) -> Self {
        StepBatch { tensors, ..StepBatch::default() }
    }

    /// Adds an update.
    ///
    /// # Panics
    /// Where `sums` does not hold one entry for each tensor.
    pub fn push(&mut self, row: StepRow, sums: &[TensorSums]) {
        assert_eq!(sums.len(), self.tensors, "one entry for each tensor");
        self.rows.push(row);
        self.sums.extend_from_slice(sums);
    }

    /// Adds the updates of a later batch of the same network.
    ///
    /// # Panics
    /// Where the networks' numbers of tensors differ.
    pub fn append(&mut self, later: &StepBatch) {
        assert_eq!(self.tensors, later.tensors, "batches of the same network");
        self.rows.extend_from_slice(&later.rows);
        self.sums.extend_from_slice(&later.sums);
        self.spent = self.spent.plus(later.spent);
    }

    /// Where the time went until these updates were sent, which were made since those before.
    pub fn spent(&self) -> Spending {
        self.spent
    }

    /// Tells where the time went.
    pub fn tell_spent(&mut self, spent: Spending) {
        self.spent = spent;
    }

    /// Takes away the updates from position `row` on, and gives them. Where the time went stays with the others.
    ///
    /// # Panics
    /// Where there are fewer.
    pub fn split_off(&mut self, row: usize) -> StepBatch {
        StepBatch {
            tensors: self.tensors,
            rows: self.rows.split_off(row),
            sums: self.sums.split_off(row * self.tensors),
            spent: Spending::default(),
        }
    }

    /// Keeps every second update, the last one always.
    pub fn thin(&mut self) {
        let rows = self.rows.len();
        let kept = |row: usize| (rows - 1 - row).is_multiple_of(2);
        let mut row = 0..;
        self.rows.retain(|_| row.next().is_some_and(kept));
        let (mut entry, tensors) = (0.., self.tensors);
        self.sums.retain(|_| entry.next().is_some_and(|entry: usize| kept(entry / tensors)));
    }

    /// Empties it for another use of its memory.
    pub fn clear(&mut self) {
        self.rows.clear();
        self.sums.clear();
        self.spent = Spending::default();
    }

    /// Number of tensors that each update has an entry for.
    pub fn tensors(&self) -> usize {
        self.tensors
    }

    /// Number of updates.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there is no update.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The updates' rows, in order.
    pub fn rows(&self) -> &[StepRow] {
        &self.rows
    }

    /// One entry for each tensor, of the update at position `row`.
    pub fn sums(&self, row: usize) -> &[TensorSums] {
        &self.sums[row * self.tensors..(row + 1) * self.tensors]
    }

    /// The updates in order, each with its entries.
    pub fn iter(&self) -> impl Iterator<Item = (&StepRow, &[TensorSums])> {
        self.rows.iter().enumerate().map(|(at, row)| (row, self.sums(at)))
    }
}

#[cfg(test)]
mod tests {
    use super::super::spending::Phase;
    use super::*;

    fn batch(steps: std::ops::Range<u64>) -> StepBatch {
        let mut batch = StepBatch::new(2);
        for step in steps {
            let sums = [step as f64, -(step as f64)].map(|w2| TensorSums { w2, ..Default::default() });
            batch.push(StepRow { step, ..Default::default() }, &sums);
        }
        batch
    }

    #[test]
    fn thinning_keeps_every_second_update_and_the_last() {
        for (steps, left) in [(0..5, vec![0, 2, 4]), (0..4, vec![1, 3]), (0..1, vec![0]), (0..0, vec![])] {
            let mut batch = batch(steps);
            batch.thin();
            assert_eq!(batch.rows().iter().map(|row| row.step).collect::<Vec<_>>(), left);
            for (row, sums) in batch.iter() {
                assert_eq!((sums[0].w2, sums[1].w2), (row.step as f64, -(row.step as f64)));
            }
        }
    }

    #[test]
    fn appending_joins_rows_and_sums_and_splitting_parts_them() {
        let mut first = batch(0..2);
        first.append(&batch(2..5));
        assert_eq!(first, batch(0..5));
        assert_eq!(first.split_off(2), batch(2..5));
        assert_eq!(first, batch(0..2));
    }

    #[test]
    fn where_the_time_went_is_joined_and_forgotten_with_the_rows() {
        let spent = |seconds| {
            let mut spent = Spending::default();
            spent.add(Phase::Pace, seconds);
            spent
        };
        let (mut first, mut second) = (batch(0..2), batch(2..3));
        first.tell_spent(spent(1.0));
        second.tell_spent(spent(2.0));
        first.append(&second);
        assert_eq!(first.spent(), spent(3.0));
        assert_eq!(first.split_off(1).spent(), Spending::default());
        first.clear();
        assert_eq!(first, StepBatch::new(2));
    }
}
