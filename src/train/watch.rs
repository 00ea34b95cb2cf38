//! Alerts while a run trains: what diagnostics makes of every update.

use crate::diagnostics::{Alarms, Forces, Reader, Regime};
use crate::optim::Knobs;
use crate::stream::{Alert, Description, Edit, Evaluation, StepRow, TensorSums, What};

/// Watches the updates of a run.
pub(super) struct Watch {
    alarms: Alarms,
    regime: Regime,
    raised: Vec<Alert>,
}

impl Watch {
    pub(super) fn new(description: &Description, knobs: &Knobs) -> Self {
        let alarms = Alarms::new(&description.tensors);
        Watch { alarms, regime: regime(description, knobs), raised: Vec::new() }
    }

    /// Takes in an update that was made with these hyperparameters.
    pub(super) fn update(&mut self, row: &StepRow, sums: &[TensorSums], knobs: &Knobs) {
        let (regime, lr, lr_factor) = (self.regime, knobs.lr(), knobs.lr_factor());
        let tensors = sums
            .iter()
            .enumerate()
            .map(|(tensor, sums)| (sums, Forces { regime, lr, lr_factor, weight_decay: knobs.tensor_decay(tensor) }));
        self.alarms.update(row, tensors, &mut self.raised);
    }

    /// Takes in an evaluation.
    pub(super) fn evaluated(&mut self, evaluation: &Evaluation) {
        self.alarms.evaluated(evaluation, &mut self.raised);
    }

    /// Takes in an edit; the knobs are as it left them.
    pub(super) fn edited(&mut self, edit: &Edit, description: &Description, knobs: &Knobs) {
        self.regime = regime(description, knobs);
        self.alarms.edited(edit.step);
    }

    /// The weights are those of a snapshot again.
    pub(super) fn restored(&mut self, step: u64) {
        self.alarms.restored(step);
    }

    /// Takes in what another run had told, which this one goes on from; `reader` follows its edits. What it raises was
    /// raised then.
    pub(super) fn relive(&mut self, what: &What, reader: &mut Reader) {
        reader.take(what);
        match what {
            What::Steps(batch) => {
                // Where the columns of tensors were left out there is nothing to watch.
                let known = |sums: &[TensorSums]| sums.iter().all(|sums| sums.decay.is_finite());
                for (row, sums) in batch.iter().filter(|(_, sums)| known(sums)) {
                    let forces = reader.all_forces(row, sums);
                    self.alarms.update(row, sums.iter().zip(forces), &mut self.raised);
                }
            }
            What::Evaluated(evaluation) => self.evaluated(evaluation),
            What::Edited(edit) => self.alarms.edited(edit.step),
            What::Restored { step, .. } => self.restored(*step),
            _ => {}
        }
        self.raised.clear();
    }

    /// What was raised since the last time.
    pub(super) fn take(&mut self) -> Vec<Alert> {
        std::mem::take(&mut self.raised)
    }
}

fn regime(description: &Description, knobs: &Knobs) -> Regime {
    let value = |key: &str| {
        let place = description.hyper.iter().position(|hyper| hyper.key == key)?;
        knobs.hyper().get(place).copied()
    };
    let regime = Regime::of(&description.config.optimizer, value);
    Regime { decay_mode: knobs.decay_mode().unwrap_or(regime.decay_mode), ..regime }
}
