//! What acts on a tensor, in force or only about to be, and what is predicted from it.

use super::dial::Which;
use super::{App, Mode, Run};
use crate::diagnostics::{Amount, Approach, Course, Exchange, Forces, Invariance, Regime, Unknown};
use crate::stream::{DecayMode, Knob, Length, Scope, TensorInfo};

/// A prediction for a tensor, and why it may not hold.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Prediction {
    /// From which step on.
    pub since: u64,
    /// The way of the norm.
    pub approach: Approach,
    /// What it is made from.
    pub basis: Basis,
    /// Why it is not to be believed; `None` where it holds.
    pub doubt: Option<Unknown>,
}

/// What a prediction is made from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Basis {
    /// The formula for scale-invariant weights.
    Formula,
    /// The same, with gradients in it that are taken to stay as they are.
    Gradients,
    /// The same, with what updates remember as it was measured, which is taken to stay as it is.
    Memory,
    /// The norm's own budget.
    Trend,
}

/// What λ and η are being turned to.
#[derive(Debug, Clone, PartialEq)]
struct Coming {
    which: Which,
    scope: Scope,
    value: f64,
}

impl Run {
    /// The optimizer as the formulas see it, with the hyperparameters in force.
    pub fn regime(&self) -> Regime {
        self.regime_with(None)
    }

    /// The same with another value of one of them.
    pub fn regime_with(&self, changed: Option<(&str, f64)>) -> Regime {
        let own = |key: &str| self.hyper.iter().find(|(its, _)| its == key).map(|(_, value)| *value);
        let hyper = |key: &str| changed.filter(|(its, _)| *its == key).map(|(_, value)| value).or_else(|| own(key));
        let regime = Regime::of(&self.description.config.optimizer, hyper);
        let mode = hyper(Knob::DecayMode.key()).and_then(DecayMode::numbered);
        Regime { decay_mode: mode.unwrap_or(regime.decay_mode), ..regime }
    }

    /// What acts on a tensor.
    pub fn forces(&self, tensor: usize) -> Forces {
        let weight_decay = self.weight_decay.of_tensor(tensor, &self.description.tensors).unwrap_or(0.0);
        let lr = self.learning_rate.all;
        let regime = self.regime();
        // Corrected decay follows a factor of η's schedule, which the decay that was applied tells.
        let applied = self.tracks.get(tensor).map_or(0.0, |track| track.decay());
        let plain = lr * weight_decay;
        let lr_factor = if regime.decay_mode == DecayMode::Corrected && applied > 0.0 && plain > 0.0 {
            applied / plain
        } else {
            1.0
        };
        Forces { regime, lr, lr_factor, weight_decay }
    }

    /// Where a tensor's norm goes under these forces: by the formula where it holds, otherwise by trend, and where there
    /// is none by the formula all the same, with its doubt.
    ///
    /// # Errors
    /// Why there is no prediction.
    pub fn predict(&self, tensor: usize, forces: &Forces) -> Result<Prediction, Unknown> {
        match self.by_formula(tensor, forces) {
            Ok(formula) if formula.doubt.is_none() => Ok(formula),
            formula => self.by_trend(tensor, forces).or(formula),
        }
    }

    /// The same by its budget.
    ///
    /// # Errors
    /// Why there is none.
    pub fn by_trend(&self, tensor: usize, forces: &Forces) -> Result<Prediction, Unknown> {
        let track = self.tracks.get(tensor).ok_or(Unknown::NotMeasured)?;
        // A handful of weights follows no law.
        let doubt = track.invariance().doubt().filter(|doubt| *doubt == Unknown::TooSmall);
        if forces.lr != self.forces(tensor).lr {
            return Err(Unknown::OtherSteps);
        }
        Ok(Prediction { since: self.step, approach: forces.trend(track)?, basis: Basis::Trend, doubt })
    }

    /// The same by the formula.
    ///
    /// # Errors
    /// Why there is none.
    pub fn by_formula(&self, tensor: usize, forces: &Forces) -> Result<Prediction, Unknown> {
        let track = self.tracks.get(tensor).ok_or(Unknown::NotMeasured)?;
        let norm = track.norm().ok_or(Unknown::NotMeasured)?;
        let approach = forces.approach(norm, track)?;
        let basis = match track.memory_of_updates() {
            _ if forces.needs_gradients() => Basis::Gradients,
            Some(_) => Basis::Memory,
            None => Basis::Formula,
        };
        Ok(Prediction { since: self.step, approach, basis, doubt: track.invariance().doubt() })
    }

    /// Where a tensor's norm should be since the last edit; `None` where the formula does not hold.
    pub fn course(&self, tensor: usize) -> Option<&Course> {
        let holds = self.tracks.get(tensor)?.invariance() == Invariance::Holds;
        self.courses.get(tensor).filter(|_| holds)
    }

    /// What one unit of λ is in another, for a tensor.
    pub fn exchange(&self, tensor: usize) -> Exchange {
        let run = &self.description;
        let samples = match run.config.length {
            Length::Epochs(epochs) => Some(epochs as f64 * run.data.train as f64),
            Length::Steps(steps) => Some(steps as f64 * run.config.batch.min(run.data.train) as f64),
            Length::Unbounded => None,
        };
        let samples = samples.filter(|_| run.total_steps.is_some());
        let root_batches = samples.map(|samples| (samples / run.config.batch as f64).sqrt());
        Exchange { forces: self.forces(tensor), steps_per_epoch: run.steps_per_epoch, root_batches }
    }

    /// λ of a typed amount: a number, or a unit with one.
    ///
    /// # Errors
    /// What is wrong with it, in words.
    pub fn weight_decay_of(&self, scope: &Scope, text: &str) -> Result<f64, String> {
        let amount: Amount = text.parse().map_err(|error: crate::diagnostics::AmountError| error.to_string())?;
        let first = self.description.tensors.iter().position(|tensor| inside(scope, tensor)).unwrap_or(0);
        self.exchange(first).weight_decay(amount).map_err(|error| error.to_string())
    }
}

impl App {
    /// What would act on a tensor if what is being changed were in force; `None` while nothing is, or where it is about
    /// another tensor.
    pub(in crate::tui) fn coming(&self, run: &Run, tensor: usize) -> Option<Forces> {
        let info = run.description.tensors.get(tensor)?;
        let mut forces = run.forces(tensor);
        let mut changed = false;
        let previews = [&run.weight_decay, &run.learning_rate].into_iter().filter_map(|dial| {
            let preview = dial.preview.as_ref()?;
            Some(Coming { which: dial.which, scope: preview.scope.clone(), value: preview.value })
        });
        for coming in previews.chain(self.typed(run)) {
            match coming.which {
                Which::LearningRate => forces.lr = coming.value,
                Which::WeightDecay if !reaches(run, &coming.scope, tensor, info) => continue,
                Which::WeightDecay => forces.weight_decay = coming.value,
            }
            changed = true;
        }
        let regime = run.regime_with(self.coming_hyper(run));
        // What stands in no formula changes no prediction.
        changed |= regime != forces.regime;
        forces.regime = regime;
        changed.then_some(forces)
    }

    /// The value that is being typed, as far as it is one.
    fn typed(&self, run: &Run) -> Option<Coming> {
        let (which, scope, text) = match &self.mode {
            Mode::Typing { which, scope, input, .. } => (*which, scope.clone(), input.value().trim()),
            _ => {
                let (key, scope, text) = self.commanded()?;
                (Which::BOTH.into_iter().find(|which| which.knob().key() == key)?, scope, text)
            }
        };
        let value = match which {
            Which::WeightDecay => run.weight_decay_of(&scope, text).ok()?,
            Which::LearningRate => text.parse().ok()?,
        };
        (value.is_finite() && value >= 0.0).then_some(Coming { which, scope, value })
    }
}

fn inside(scope: &Scope, tensor: &TensorInfo) -> bool {
    match scope {
        Scope::All => tensor.decays,
        Scope::Layer(layer) => tensor.layer == *layer,
        Scope::Tensor(name) => tensor.name == *name,
    }
}

/// Whether an edit of λ in a scope reaches a tensor: one with a λ of its own does not follow "all".
fn reaches(run: &Run, scope: &Scope, at: usize, tensor: &TensorInfo) -> bool {
    inside(scope, tensor) && (*scope != Scope::All || run.weight_decay.own.get(at).copied().flatten().is_none())
}
