//! The hyperparameters of one update as each tensor has them, and the slices that its tasks get.

use crate::kernel::Buffer;
use crate::optim::{Decay, Instructions, Knobs, Now, Optimizer, StateSpec};
use crate::scalar::Scalar;
use crate::stream::DecayMode;
use crate::train::team::MOST_ARENAS;

/// One update: what all its tasks look at.
pub(super) struct Moment<'a, T> {
    optimizer: &'a Optimizer<T>,
    knobs: &'a Knobs,
    t: u64,
    /// Each tensor's numbers; none before they are moved on.
    scalars: &'a [f64],
    instructions: Instructions,
}

impl<'a, T: Scalar> Moment<'a, T> {
    pub(super) fn new(
        optimizer: &'a Optimizer<T>,
        knobs: &'a Knobs,
        t: u64,
        scalars: &'a [f64],
        instructions: Instructions,
    ) -> Self {
        Moment { optimizer, knobs, t, scalars, instructions }
    }

    /// The rule's own hyperparameters.
    pub(super) fn own(&self) -> &'a [f64] {
        &self.knobs.hyper()[..self.optimizer.own]
    }

    /// The hyperparameters of one tensor.
    pub(super) fn now(&self, tensor: usize, shape: &'a [usize]) -> Now<'a> {
        let Moment { optimizer, knobs, t, scalars, instructions } = *self;
        let rule = &optimizer.rule;
        let each = if scalars.is_empty() { 0 } else { rule.scalars().len() };
        let mut now = Now {
            t,
            lr: knobs.lr(),
            lr_factor: knobs.lr_factor(),
            decay: Decay::Plain(0.0),
            hyper: self.own(),
            scalars: &scalars[tensor * each..(tensor + 1) * each],
            shape,
            instructions,
        };
        let share = rule.decay_factor(&now) * knobs.tensor_decay(tensor);
        now.decay = match optimizer.mode(knobs) {
            DecayMode::L2 | DecayMode::None => Decay::Plain(0.0),
            DecayMode::Decoupled => Decay::Plain(share),
            DecayMode::Cautious => Decay::Cautious(share),
            // lr^2*wd/lr_max: the schedule's factor is lr/lr_max.
            DecayMode::Corrected => Decay::Plain(share * now.lr_factor),
        };
        now
    }
}

/// Of the rule's state tensors, those that are needed.
pub(super) fn needed<'a, T>(
    state: &'a mut [Buffer<T>],
    specs: &'static [StateSpec],
    own: &'a [f64],
) -> impl Iterator<Item = &'a mut [T]> {
    state.iter_mut().zip(specs).filter(|(_, spec)| (spec.needed)(own)).map(|(state, _)| &mut state[..])
}

/// The slices in an array, and how many there are; an update asks for no memory.
pub(super) fn collect<'a, T>(slices: impl Iterator<Item = &'a mut [T]>) -> ([&'a mut [T]; MOST_ARENAS], usize) {
    let mut array: [&mut [T]; MOST_ARENAS] = Default::default();
    let mut count = 0;
    for (place, slice) in array.iter_mut().zip(slices) {
        *place = slice;
        count += 1;
    }
    (array, count)
}
