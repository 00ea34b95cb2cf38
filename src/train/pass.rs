//! The update of all parameters: cut into blocks, shared out, with the sums of every tensor.
//!
//! This is the code that trains. The fixtures that other libraries computed run through it too, in f64, with their
//! gradients in place of a network's.
//!
//! An element-wise rule takes one walk over memory: a block's gradient, its hooks, decay, update and sums at once. A hook
//! that needs a norm takes one walk more, after all gradients are there; a rule that needs whole tensors sees each of
//! them, on one thread, before the blocks. Between such phases the team meets; partial sums are combined in block order.

mod census;
mod moment;
mod snapshot;

use std::ops::Range;

pub use census::Census;
pub use snapshot::{PassState, RestoreError};

use moment::{Moment, collect, needed};

use super::team::{Cuts, MOST_ARENAS, Team};
use crate::kernel::Buffer;
use crate::optim::{Block, Hooked, Instructions, Knobs, Norms, Op, Optimizer, Pulls, Start, Whole};
use crate::scalar::{Scalar, is_finite};
use crate::stream::{DecayMode, TensorSums};

/// Elements that a block aims at. Large enough to make a task worth its price, small enough to cut a layer into
/// several.
const BLOCK: usize = 16 * 1024;

/// A parameter tensor, as far as an update cares.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PassTensor {
    /// Sizes, outermost first. A block does not cut a row, which is all that shares the first index.
    pub shape: Vec<usize>,
    /// Rows of a block; where there is none, as many as [`PassOptions::block`] says.
    pub block_rows: Option<usize>,
}

impl PassTensor {
    fn rows(&self) -> usize {
        self.shape.first().copied().unwrap_or(1)
    }

    fn row_len(&self) -> usize {
        self.shape.iter().skip(1).product()
    }
}

/// A block of a tensor's rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Task {
    /// Index of the tensor.
    pub tensor: usize,
    /// Its rows.
    pub rows: Range<usize>,
    /// Place of its first element in the tensor.
    first: usize,
}

/// Weights, gradient, state and sums, and how to update them.
pub struct Pass<T: Scalar> {
    optimizer: Optimizer<T>,
    instructions: Instructions,
    tensors: Vec<PassTensor>,
    tasks: Vec<Task>,
    cuts: Cuts,
    /// Whole tensors.
    tensor_cuts: Cuts,
    weights: Buffer<T>,
    /// The whole gradient, where a hook, the rule or the sentinel must see it before an update; else empty.
    gradient: Buffer<T>,
    /// For each thread the gradient of the block that it updates, which so stays in its nearest cache.
    block_gradients: Vec<Vec<T>>,
    /// What the rule made of whole tensors' gradients; empty where it makes nothing of any.
    prepared: Buffer<T>,
    /// For each of the rule's state tensors all its elements, or none while it was never needed.
    state: Vec<Buffer<T>>,
    /// What each of them starts from.
    starts: Vec<f64>,
    /// Each tensor's numbers, tensor behind tensor.
    scalars: Vec<f64>,
    /// What is done to each tensor's gradient in this update.
    chains: Vec<Vec<Op<T>>>,
    block_sums: Vec<TensorSums>,
    block_finite: Vec<bool>,
    block_norms: Vec<Norms>,
    norms: Vec<Norms>,
    sums: Vec<TensorSums>,
    updates: u64,
}

/// Where the blocks' gradients come from.
enum Gradient<'a, T, F> {
    /// All of it was found before.
    Found(&'a [T]),
    /// Each block's is computed just before its update.
    Computed(F),
}

/// What may be chosen about a pass without changing what it computes, but for the last bits of sums.
#[derive(Debug, Clone, Copy)]
pub struct PassOptions {
    /// Elements that a block aims at.
    pub block: usize,
    /// What the walk over the weights is compiled for.
    pub instructions: Instructions,
}

impl Default for PassOptions {
    fn default() -> Self {
        PassOptions { block: BLOCK, instructions: Instructions::best() }
    }
}

impl<T: Scalar> Pass<T> {
    /// For tensors that lie one behind the other in `weights`; state starts from the hyperparameters as they are.
    ///
    /// # Panics
    /// Where the tensors and the weights differ in size.
    pub fn new(optimizer: Optimizer<T>, knobs: &Knobs, tensors: &[PassTensor], weights: Vec<T>) -> Self {
        Pass::with(PassOptions::default(), optimizer, knobs, tensors, weights)
    }

    /// The same, otherwise cut or compiled. Element-wise rules give the same weights for any size of a block.
    ///
    /// # Panics
    /// Where the tensors and the weights differ in size.
    pub fn with(
        options: PassOptions,
        optimizer: Optimizer<T>,
        knobs: &Knobs,
        tensors: &[PassTensor],
        weights: Vec<T>,
    ) -> Self {
        let (mut tasks, mut ranges, mut places, mut whole, mut end) = (vec![], vec![], vec![], vec![], 0);
        for (index, tensor) in tensors.iter().enumerate() {
            let (first, row_len) = (end, tensor.row_len());
            let blocks = match tensor.block_rows {
                // With one block left over, one of two cores waits.
                Some(rows) => match tensor.rows().div_ceil(rows.max(1)) {
                    blocks @ 0..=1 => blocks.max(1),
                    blocks => blocks.next_multiple_of(2).min(tensor.rows()),
                },
                None => (tensor.rows() * row_len).div_ceil(options.block.max(1)).clamp(1, tensor.rows()),
            };
            for rows in (0..blocks).map(|index| part(tensor.rows(), blocks, index)) {
                ranges.push(end..end + rows.len() * row_len);
                places.push((rows.start + rows.end) as f64 / (2 * tensor.rows()) as f64);
                tasks.push(Task { tensor: index, rows: rows.clone(), first: end - first });
                end += rows.len() * row_len;
            }
            whole.push(first..end);
        }
        assert_eq!(end, weights.len(), "tensors and weights of the same size");
        let start = |start: Start| match start {
            Start::At(value) => value,
            Start::Hyper(place) => knobs.hyper()[place],
            Start::LearningRate => knobs.base_lr(),
        };
        let rule = &optimizer.rule;
        let starts: Vec<f64> = rule.state().iter().map(|spec| start(spec.start)).collect();
        let scalars = tensors.iter().flat_map(|_| rule.scalars()).map(|spec| start(spec.start)).collect();
        let prepares = tensors.iter().any(|tensor| rule.prepares(&tensor.shape));
        Pass {
            instructions: options.instructions,
            cuts: Cuts::placed(ranges, places),
            tensor_cuts: Cuts::new(whole),
            gradient: Buffer::default(),
            block_gradients: Vec::new(),
            prepared: Buffer::filled(if prepares { end } else { 0 }, T::zero()),
            state: vec![Buffer::default(); starts.len()],
            starts,
            scalars,
            // A hook adds two operations at most, and not in each update.
            chains: tensors.iter().map(|_| Vec::with_capacity(2 * optimizer.hooks.len())).collect(),
            block_sums: vec![TensorSums::default(); tasks.len()],
            block_finite: vec![true; tasks.len()],
            block_norms: vec![Norms::default(); tasks.len()],
            norms: vec![Norms::default(); tensors.len()],
            sums: vec![TensorSums::default(); tensors.len()],
            updates: 0,
            tensors: tensors.to_vec(),
            tasks,
            weights: Buffer::from(&weights[..]),
            optimizer,
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
    /// The index of the first tensor whose gradient is not finite, or whose square is not: an adaptive rule would
    /// remember the square for good, and its weights would never move again.
    pub fn find_gradient(
        &mut self,
        team: &mut Team,
        gradient: impl Fn(&Task, &mut [T], &[&[T]]) + Sync,
    ) -> Result<(), usize> {
        let tasks = &self.tasks;
        if self.gradient.is_empty() {
            self.gradient = Buffer::filled(self.weights.len(), T::zero());
        }
        team.for_each_cut(
            &self.cuts,
            &mut [&mut self.gradient],
            &mut self.block_finite,
            |index, mut pieces, finite| {
                let piece = pieces.next().unwrap_or_default();
                gradient(&tasks[index], piece, &[]);
                *finite = piece.iter().all(|&g| is_finite(g * g));
            },
        );
        match self.block_finite.iter().position(|finite| !finite) {
            Some(task) => Err(self.tasks[task].tensor),
            None => Ok(()),
        }
    }

    /// Whether the gradient of a tensor that [`Pass::find_gradient`] found is finite, whatever its square is.
    pub fn found_is_finite(&self, tensor: usize) -> bool {
        self.gradient[self.tensor_cuts.ranges()[tensor].clone()].iter().all(|&g| is_finite(g))
    }

    /// Updates every block with the gradient that [`Pass::find_gradient`] found.
    pub fn update_with_found(&mut self, team: &mut Team, knobs: &Knobs) {
        self.prepare(team, knobs);
        let whole = std::mem::take(&mut self.gradient);
        self.update_blocks(team, knobs, Gradient::<T, fn(&Task, &mut [T], &[&[T]])>::Found(&whole));
        self.gradient = whole;
    }

    /// Computes each block's gradient and updates it at once, while it is in the cache; where a hook or the rule must
    /// see more than a block, computes all of them first. Every gradient must be finite. `gradient` writes that of a task,
    /// and gets the weights and the state that are read next: it can ask for their memory meanwhile.
    pub fn update(&mut self, team: &mut Team, knobs: &Knobs, gradient: impl Fn(&Task, &mut [T], &[&[T]]) + Sync) {
        if self.prepared.is_empty() && !self.optimizer.hooks.measure() {
            self.prepare(team, knobs);
            self.update_blocks(team, knobs, Gradient::Computed(gradient));
        } else {
            let found = self.find_gradient(team, gradient);
            debug_assert_eq!(found, Ok(()), "a finite gradient");
            self.update_with_found(team, knobs);
        }
    }

    /// All that comes before the blocks: state, the tensors' numbers, hooks, whole tensors.
    fn prepare(&mut self, team: &mut Team, knobs: &Knobs) {
        self.updates += 1;
        let own = &knobs.hyper()[..self.optimizer.own];
        let specs = self.optimizer.rule.state();
        for ((state, spec), &start) in self.state.iter_mut().zip(specs).zip(&self.starts) {
            if state.is_empty() && (spec.needed)(own) {
                *state = Buffer::filled(self.weights.len(), T::of(start));
            }
        }
        let each = self.optimizer.rule.scalars().len();
        let moment = Moment::new(&self.optimizer, knobs, self.updates, &[], self.instructions);
        for (index, tensor) in self.tensors.iter().enumerate() {
            let scalars = &mut self.scalars[index * each..(index + 1) * each];
            self.optimizer.rule.advance(scalars, &moment.now(index, &tensor.shape));
        }
        self.resolve_hooks(team, knobs);
        if !self.prepared.is_empty() {
            self.prepare_tensors(team, knobs);
        }
    }

    /// Hook by hook, with a walk over the gradient before one that needs norms.
    fn resolve_hooks(&mut self, team: &mut Team, knobs: &Knobs) {
        self.chains.iter_mut().for_each(Vec::clear);
        let coupled = self.optimizer.mode(knobs) == DecayMode::L2;
        for place in 0..self.optimizer.hooks.len() {
            if self.optimizer.hooks.needs_norms(place) {
                self.measure(team);
            }
            let decay = |tensor| if coupled { knobs.tensor_decay(tensor) } else { 0.0 };
            let hooks = &self.optimizer.hooks;
            hooks.resolve(place, self.updates, knobs.hyper(), decay, &self.norms, &mut self.chains);
        }
    }

    /// Norms of the weights, and of the gradient after the hooks that are resolved so far.
    fn measure(&mut self, team: &mut Team) {
        let (tasks, chains) = (&self.tasks, &self.chains);
        let mut arenas = [&mut self.weights[..], &mut self.gradient];
        team.for_each_cut(&self.cuts, &mut arenas, &mut self.block_norms, |index, mut pieces, norms| {
            let (weights, gradient) = (pieces.next().unwrap_or_default(), pieces.next().unwrap_or_default());
            let task = &tasks[index];
            *norms = Hooked::Chain(&chains[task.tensor], task.first).measure(weights, gradient);
        });
        self.norms.fill(Norms::default());
        for (task, block) in tasks.iter().zip(&self.block_norms) {
            let norms = &mut self.norms[task.tensor];
            norms.g2 += block.g2;
            norms.w2 += block.w2;
        }
    }

    /// Lets the rule see the tensors that it must see as a whole.
    fn prepare_tensors(&mut self, team: &mut Team, knobs: &Knobs) {
        let (rule, chains, tensors) = (&self.optimizer.rule, &self.chains, &self.tensors);
        let moment = Moment::new(&self.optimizer, knobs, self.updates, &self.scalars, self.instructions);
        let state = needed(&mut self.state, rule.state(), moment.own());
        let arenas = [&mut self.weights[..], &mut self.gradient, &mut self.prepared];
        let (mut arenas, count) = collect(arenas.into_iter().chain(state));
        let mut done = vec![(); tensors.len()];
        team.for_each_cut(&self.tensor_cuts, &mut arenas[..count], &mut done, |tensor, mut pieces, ()| {
            let shape = &tensors[tensor].shape;
            if !rule.prepares(shape) {
                return;
            }
            let [weights, raw, gradient] = std::array::from_fn(|_| pieces.next().unwrap_or_default());
            Hooked::Chain(&chains[tensor], 0).write(weights, raw, 0, Pulls::Kept, gradient);
            let (mut state, count) = collect(pieces);
            let whole = Whole { weights, gradient, state: &mut state[..count] };
            rule.prepare(whole, &moment.now(tensor, shape));
        });
    }

    /// The walk that writes the weights.
    fn update_blocks<F: Fn(&Task, &mut [T], &[&[T]]) + Sync>(
        &mut self,
        team: &mut Team,
        knobs: &Knobs,
        source: Gradient<'_, T, F>,
    ) {
        let (rule, chains, tensors, tasks) = (&self.optimizer.rule, &self.chains, &self.tensors, &self.tasks);
        let moment = Moment::new(&self.optimizer, knobs, self.updates, &self.scalars, self.instructions);
        let prepared = &self.prepared;
        let places = self.tensor_cuts.ranges();
        let state = needed(&mut self.state, rule.state(), moment.own());
        let (mut arenas, count) = collect([&mut self.weights[..]].into_iter().chain(state));
        let largest = self.cuts.ranges().iter().map(ExactSizeIterator::len).max().unwrap_or(0);
        self.block_gradients.resize_with(team.threads(), || Vec::with_capacity(largest));
        let (cuts, scratch) = (&self.cuts, &mut self.block_gradients);
        team.for_each_cut_with(
            cuts,
            &mut arenas[..count],
            &mut self.block_sums,
            scratch,
            |index, mut pieces, sums, block| {
                let weights = pieces.next().unwrap_or_default();
                let (mut state, mut count) = collect(pieces);
                let task = &tasks[index];
                let piece: &[T] = match &source {
                    Gradient::Found(whole) => &whole[places[task.tensor].start + task.first..][..weights.len()],
                    Gradient::Computed(compute) => {
                        // What it holds is overwritten; only its length matters.
                        block.resize(weights.len(), T::zero());
                        let mut next: [&[T]; MOST_ARENAS] = Default::default();
                        let read = std::iter::once(&*weights).chain(state[..count].iter().map(|state| &**state));
                        next.iter_mut().zip(read).for_each(|(place, slice)| *place = slice);
                        compute(task, block, &next[..=count]);
                        block
                    }
                };
                let shape = &tensors[task.tensor].shape;
                let hooked = if rule.prepares(shape) {
                    count = 0;
                    let first = places[task.tensor].start + task.first;
                    Hooked::Prepared(&prepared[first..first + weights.len()])
                } else {
                    Hooked::Chain(&chains[task.tensor], task.first)
                };
                let now = moment.now(task.tensor, shape);
                *sums = rule.update(Block { weights, gradient: piece, hooked, state: &mut state[..count] }, &now);
            },
        );
        self.sums.fill(TensorSums::default());
        for (task, block) in self.tasks.iter().zip(&self.block_sums) {
            self.sums[task.tensor].add(block);
        }
    }
}

/// The range of 0..len that is part `index` of `parts`, whose lengths differ by at most 1.
pub fn part(len: usize, parts: usize, index: usize) -> Range<usize> {
    index * len / parts..(index + 1) * len / parts
}
