//! What an experiment keeps to go on from a step, and going on from it.

use super::experiment::Experiment;
use super::learner::LearnerState;
use super::pass::{PassState, RestoreError};
use crate::stream::{Checkpoint, Event, KnobState};

/// A run that goes on where another one stood.
pub struct Continuation {
    /// Where it stood.
    pub checkpoint: Checkpoint,
    /// Planned edits that it had made by then.
    pub edits_made: usize,
    /// What it had told by then, but for its beginning; it is told again.
    pub past: Box<dyn Iterator<Item = Event> + Send>,
}

impl Experiment {
    /// The same run, to go on where another one of its configuration stood.
    ///
    /// # Errors
    /// [`RestoreError`] where the checkpoint is of another network or rule.
    pub fn going_on(mut self, continuation: Continuation) -> Result<Experiment, RestoreError> {
        let Continuation { checkpoint, .. } = &continuation;
        self.go_back(checkpoint)?;
        let KnobState { own, hyper, .. } = self.knobs.save();
        for (name, got, wanted) in [
            ("weight decay of tensors", checkpoint.knobs.own.len(), own.len()),
            ("hyperparameters", checkpoint.knobs.hyper.len(), hyper.len()),
        ] {
            if got != wanted {
                return Err(RestoreError::Length { name: name.into(), got, wanted });
            }
        }
        self.knobs.restore(checkpoint.knobs.clone());
        self.knobs.move_to(checkpoint.step);
        self.continuation = Some(continuation);
        Ok(self)
    }

    /// The run as it stands before the update with this index.
    pub(super) fn save(&self, step: u64, seconds: f64) -> Checkpoint {
        let LearnerState { pass, buffers } = self.learner.save();
        let PassState { updates, weights, state, scalars } = pass;
        Checkpoint { step, seconds, updates, knobs: self.knobs.save(), weights, state, scalars, buffers }
    }

    /// Makes weights, the rule's state and running statistics those of a checkpoint; hyperparameters stay.
    pub(super) fn go_back(&mut self, to: &Checkpoint) -> Result<(), RestoreError> {
        let Checkpoint { updates, weights, state, scalars, buffers, .. } = to.clone();
        self.learner.restore(LearnerState { pass: PassState { updates, weights, state, scalars }, buffers })
    }
}
