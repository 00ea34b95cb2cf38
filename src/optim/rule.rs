//! What an update rule is: state, hyperparameters and gradient are passed in, and it owns none of them.

use super::hooks::Hooked;
use super::instructions::Instructions;
use crate::scalar::Scalar;
use crate::stream::TensorSums;

/// An update rule. It owns no state and no hyperparameter: both are passed in.
///
/// A rule of your own implements [`Rule::update`], usually in terms of [`sweep`](super::sweep); the rest is for rules
/// that keep state or look at more than one element.
pub trait Rule<T: Scalar>: Send + Sync {
    /// The state tensors that it may keep for each parameter, as large as the parameter.
    fn state(&self) -> &'static [StateSpec] {
        &[]
    }

    /// The numbers that it keeps for each tensor.
    fn scalars(&self) -> &'static [ScalarSpec] {
        &[]
    }

    /// Moves the tensor's numbers on, once before its blocks are updated; the blocks find them in [`Now::scalars`].
    fn advance(&self, _scalars: &mut [f64], _now: &Now<'_>) {}

    /// What λ is multiplied with where decay is decoupled: η, unless the rule has a factor of its own.
    fn decay_factor(&self, now: &Now<'_>) -> f64 {
        now.lr
    }

    /// Whether a tensor of this shape must be seen as a whole before its blocks are updated.
    fn prepares(&self, _shape: &[usize]) -> bool {
        false
    }

    /// Sees a tensor as a whole and turns its gradient into what [`Rule::update`] gets in the gradient's place.
    fn prepare(&self, _whole: Whole<'_, T>, _now: &Now<'_>) {}

    /// Updates one block of a tensor and returns the block's sums.
    ///
    /// Blocks of one tensor are updated in any order and by any thread; the result may depend on nothing but the
    /// arguments.
    fn update(&self, block: Block<'_, T>, now: &Now<'_>) -> TensorSums;
}

/// A state tensor of a rule.
#[derive(Debug, Clone, Copy)]
pub struct StateSpec {
    /// Its name in snapshots.
    pub name: &'static str,
    /// What every element starts from.
    pub start: Start,
    /// Whether the rule needs it with these hyperparameters. It is given memory at the first update that does, and
    /// what it holds then is left alone by updates that do not.
    pub needed: fn(&[f64]) -> bool,
}

impl StateSpec {
    /// One that is always needed and starts from 0.
    pub const fn zeros(name: &'static str) -> Self {
        StateSpec { name, start: Start::At(0.0), needed: |_| true }
    }

    /// One that starts from 0 when it is first needed.
    pub const fn where_needed(name: &'static str, needed: fn(&[f64]) -> bool) -> Self {
        StateSpec { name, start: Start::At(0.0), needed }
    }
}

/// A number that a rule keeps for each tensor.
#[derive(Debug, Clone, Copy)]
pub struct ScalarSpec {
    /// Its name in snapshots.
    pub name: &'static str,
    /// What it starts from.
    pub start: Start,
}

/// What state starts from.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Start {
    /// This value.
    At(f64),
    /// The hyperparameter at this place of the table, as it is at the run's start.
    Hyper(usize),
    /// η, as it is at the run's start.
    LearningRate,
}

/// A block of consecutive elements of one tensor: all slices have the same length.
#[derive(Debug)]
pub struct Block<'a, T> {
    /// The weights; overwritten.
    pub weights: &'a mut [T],
    /// The raw gradient of the data loss.
    pub gradient: &'a [T],
    /// What stands for the gradient in the rule.
    pub hooked: Hooked<'a, T>,
    /// The rule's state: of [`Rule::state`] those that are needed, in that order; overwritten. Empty for a tensor that
    /// was prepared, whose state moved on then.
    pub state: &'a mut [&'a mut [T]],
}

/// A whole tensor, before any of its weights is written.
#[derive(Debug)]
pub struct Whole<'a, T> {
    /// Its weights.
    pub weights: &'a [T],
    /// Its gradient after the hooks; overwritten with what [`Rule::update`] is to get.
    pub gradient: &'a mut [T],
    /// The rule's state: of [`Rule::state`] those that are needed, in that order; overwritten.
    pub state: &'a mut [&'a mut [T]],
}

/// The hyperparameters of one update of one tensor.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Now<'a> {
    /// Number of this update of the tensor, from 1.
    pub t: u64,
    /// η
    pub lr: f64,
    /// The factor of η's schedule in this update, which η contains.
    pub lr_factor: f64,
    /// What decoupled decay removes.
    pub decay: Decay,
    /// The rule's own, in the order of its table.
    pub hyper: &'a [f64],
    /// The tensor's numbers, in the order of [`Rule::scalars`], after [`Rule::advance`].
    pub scalars: &'a [f64],
    /// The tensor's sizes, outermost first.
    pub shape: &'a [usize],
    /// What the pass over the weights is to be compiled for.
    pub instructions: Instructions,
}

impl Now<'_> {
    /// The rule's own hyperparameters, by name: `let [beta1, beta2] = now.hyper();`
    ///
    /// # Panics
    /// Where the table has another length.
    #[inline]
    pub fn hyper<const N: usize>(&self) -> [f64; N] {
        self.hyper.try_into().expect("as many names as the rule's table has rows")
    }

    /// The tensor's numbers, by name.
    ///
    /// # Panics
    /// Where the rule keeps another number of them.
    #[inline]
    pub fn scalars<const N: usize>(&self) -> [f64; N] {
        self.scalars.try_into().expect("as many names as the rule keeps numbers")
    }

    /// 1 − βᵗ, what an exponential average that started from 0 has seen of its total weight. An edit of β acts on the
    /// whole past.
    #[inline]
    pub fn correction(&self, beta: f64) -> f64 {
        1.0 - libm::pow(beta, self.t as f64)
    }
}

/// What decay removes beside the update: a share of the weights as they were before it. Coupled decay is a hook.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Decay {
    /// w' = (1 − d)·w + Δ
    Plain(f64),
    /// w' = w − d·\[w·Δ ≤ 0\]·w + Δ
    Cautious(f64),
}
