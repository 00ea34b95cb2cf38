//! The update of all parameters: cut into blocks, shared out, with the six sums of every tensor.
//!
//! This is the code that trains. The fixtures that other libraries computed run through it too, in f64, with their
//! gradients in place of a network's.

use std::ops::Range;

use super::team::{Cuts, Team};
use crate::optim::{Block, Decay, Knobs, Now, Rule};
use crate::scalar::{Scalar, is_finite};
use crate::stream::{DecayMode, TensorSums};

/// Elements that a block aims at. Large enough to make a task worth its price, small enough to cut a layer into
/// several.
const BLOCK: usize = 16 * 1024;

/// A parameter tensor, as far as an update cares.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PassTensor {
    /// Rows, which a block does not cut.
    pub rows: usize,
    /// Elements in a row.
    pub row_len: usize,
}

/// A block of a tensor's rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Task {
    /// Index of the tensor.
    pub tensor: usize,
    /// Its rows.
    pub rows: Range<usize>,
}

/// Weights, gradient, state and sums, and how to update them.
pub struct Pass<T: Scalar> {
    rule: Box<dyn Rule<T>>,
    mode: DecayMode,
    tasks: Vec<Task>,
    cuts: Cuts,
    weights: Vec<T>,
    gradient: Vec<T>,
    state: Vec<Vec<T>>,
    block_sums: Vec<TensorSums>,
    block_finite: Vec<bool>,
    sums: Vec<TensorSums>,
    updates: u64,
}

impl<T: Scalar> Pass<T> {
    /// For tensors that lie one behind the other in `weights`.
    ///
    /// # Panics
    /// Where the tensors and the weights differ in size.
    pub fn new(rule: Box<dyn Rule<T>>, mode: DecayMode, tensors: &[PassTensor], weights: Vec<T>) -> Self {
        Pass::with_block(rule, mode, tensors, weights, BLOCK)
    }

    /// The same with blocks of about `block` elements. Element-wise rules give the same weights for any size; the
    /// sums' last bits depend on it.
    ///
    /// # Panics
    /// Where the tensors and the weights differ in size.
    pub fn with_block(
        rule: Box<dyn Rule<T>>,
        mode: DecayMode,
        tensors: &[PassTensor],
        weights: Vec<T>,
        block: usize,
    ) -> Self {
        let (mut tasks, mut ranges, mut end) = (Vec::new(), Vec::new(), 0);
        for (index, tensor) in tensors.iter().enumerate() {
            let blocks = (tensor.rows * tensor.row_len).div_ceil(block.max(1)).clamp(1, tensor.rows);
            for rows in (0..blocks).map(|index| part(tensor.rows, blocks, index)) {
                ranges.push(end..end + rows.len() * tensor.row_len);
                end += rows.len() * tensor.row_len;
                tasks.push(Task { tensor: index, rows });
            }
        }
        assert_eq!(end, weights.len(), "tensors and weights of the same size");
        let state = rule.state().iter().map(|spec| vec![T::of(spec.initial); end]).collect();
        Pass {
            rule,
            mode,
            cuts: Cuts::new(ranges),
            gradient: vec![T::zero(); end],
            state,
            block_sums: vec![TensorSums::default(); tasks.len()],
            block_finite: vec![true; tasks.len()],
            sums: vec![TensorSums::default(); tensors.len()],
            updates: 0,
            tasks,
            weights,
        }
    }

    /// The weights, tensor behind tensor.
    pub fn weights(&self) -> &[T] {
        &self.weights
    }

    /// The sums of the last update, one entry for each tensor.
    pub fn sums(&self) -> &[TensorSums] {
        &self.sums
    }

    /// Updates made so far.
    pub fn updates(&self) -> u64 {
        self.updates
    }

    /// Computes the whole gradient without touching a weight.
    ///
    /// # Errors
    /// The index of the first tensor whose gradient is not finite.
    pub fn find_gradient(&mut self, team: &mut Team, gradient: impl Fn(&Task, &mut [T]) + Sync) -> Result<(), usize> {
        let tasks = &self.tasks;
        team.for_each_cut(
            &self.cuts,
            &mut [&mut self.gradient],
            &mut self.block_finite,
            |index, mut pieces, finite| {
                let piece = pieces.next().unwrap_or_default();
                gradient(&tasks[index], piece);
                *finite = piece.iter().all(|&g| is_finite(g));
            },
        );
        match self.block_finite.iter().position(|finite| !finite) {
            Some(task) => Err(self.tasks[task].tensor),
            None => Ok(()),
        }
    }

    /// Updates every block with the gradient that [`Pass::find_gradient`] found.
    pub fn update_with_found(&mut self, team: &mut Team, knobs: &Knobs) {
        self.update(team, knobs, |_, _| {});
    }

    /// Computes each block's gradient and updates it at once, while it is in the cache.
    pub fn update(&mut self, team: &mut Team, knobs: &Knobs, gradient: impl Fn(&Task, &mut [T]) + Sync) {
        self.updates += 1;
        let (t, mode, tasks, rule) = (self.updates, self.mode, &self.tasks, &self.rule);
        let states = self.state.len();
        let mut arenas: [&mut [T]; super::team::MOST_ARENAS] = Default::default();
        let whole = [&mut self.weights, &mut self.gradient].into_iter().chain(&mut self.state);
        arenas.iter_mut().zip(whole).for_each(|(arena, whole)| *arena = whole);
        team.for_each_cut(&self.cuts, &mut arenas[..2 + states], &mut self.block_sums, |index, mut pieces, sums| {
            let (weights, piece) = (pieces.next().unwrap_or_default(), pieces.next().unwrap_or_default());
            let mut state: [&mut [T]; super::team::MOST_ARENAS] = Default::default();
            state.iter_mut().zip(pieces).for_each(|(state, piece)| *state = piece);
            gradient(&tasks[index], piece);
            let lambda = knobs.tensor_decay(tasks[index].tensor);
            let decay = match mode {
                DecayMode::L2 => Decay::L2(lambda),
                DecayMode::Decoupled => Decay::Decoupled(lambda),
                DecayMode::None => Decay::None,
            };
            let now = Now { t, lr: knobs.lr, decay, hyper: knobs.hyper() };
            *sums = rule.update(Block { weights, gradient: piece, state: &mut state[..states] }, &now);
        });
        self.sums.fill(TensorSums::default());
        for (task, block) in self.tasks.iter().zip(&self.block_sums) {
            let sums = &mut self.sums[task.tensor];
            sums.decay = block.decay;
            sums.w2 += block.w2;
            sums.g2 += block.g2;
            sums.d2 += block.d2;
            sums.wd += block.wd;
            sums.wg += block.wg;
            sums.agree += block.agree;
        }
    }
}

/// The range of 0..len that is part `index` of `parts`, whose lengths differ by at most 1.
pub fn part(len: usize, parts: usize, index: usize) -> Range<usize> {
    index * len / parts..(index + 1) * len / parts
}
