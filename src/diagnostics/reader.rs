//! A run read from its events: every measure and prediction of every tensor, update by update.

use super::course::{Course, Courses};
use super::forces::Forces;
use super::measured;
use super::regime::Regime;
use super::track::{Invariance, Tracks};
use crate::stream::{
    DecayMode, Description, Edit, Knob, OptimizerConfig, Scope, StepRow, TensorInfo, TensorSums, What,
};

/// Follows the edits of a run, so that what acts on a tensor is known at every update.
#[derive(Debug, Clone)]
pub struct Reader {
    optimizer: OptimizerConfig,
    tensors: Vec<TensorInfo>,
    regime: Regime,
    /// λ of tensors that have one of their own.
    own: Vec<Option<f64>>,
    /// λ of all, as the last update told it.
    all: f64,
    tracks: Tracks,
    courses: Courses,
}

/// What diagnostics says of one tensor in one update. What there is not is not a number.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Reading {
    /// θ, in radians.
    pub rotation: f64,
    /// θ*, in radians.
    pub equilibrium_rotation: f64,
    /// ‖w‖*
    pub equilibrium_norm: f64,
    /// Where ‖w‖ settles as it is foretold: ‖w‖*, of Lion with what its updates were measured to remember.
    pub foretold_norm: f64,
    /// Updates until ‖w‖ is there.
    pub equilibrium_time: f64,
    /// Where ‖w‖ should be behind this update, foretold since the last edit with the gradients that came.
    pub expected_norm: f64,
    /// Where ‖w‖ settles by its own budget.
    pub trend_norm: f64,
    /// Updates until ‖w‖ is there.
    pub trend_time: f64,
    /// How hard decay pulls beside the gradient.
    pub decay_pull: f64,
    /// What decay did to ‖w‖².
    pub budget_decay: f64,
    /// What the update did to it along the weights.
    pub budget_radial: f64,
    /// What it added across them.
    pub budget_growth: f64,
    /// τ in updates; infinite without decay.
    pub timescale: f64,
    /// The share of the initial weights that is still inside.
    pub memory_of_start: f64,
    /// The effective learning rate.
    pub effective_lr: f64,
    /// ‖g‖/‖w‖
    pub gradient_ratio: f64,
    /// The share of weights whose update points the way decay does.
    pub agreement: f64,
    /// 1 where the predictions hold, 0 where the tensor's length matters to the loss; not a number until it is known.
    pub scale_invariant: f64,
}

/// A value of a reading by its name.
pub type NamedReading = (&'static str, fn(&Reading) -> f64);

impl Reading {
    /// Every value by the name that columns and curves have.
    pub const ALL: [NamedReading; 18] = [
        ("rotation", |it| it.rotation),
        ("equilibrium_rotation", |it| it.equilibrium_rotation),
        ("equilibrium_norm", |it| it.equilibrium_norm),
        ("foretold_norm", |it| it.foretold_norm),
        ("equilibrium_time", |it| it.equilibrium_time),
        ("expected_norm", |it| it.expected_norm),
        ("trend_norm", |it| it.trend_norm),
        ("trend_time", |it| it.trend_time),
        ("decay_pull", |it| it.decay_pull),
        ("budget_decay", |it| it.budget_decay),
        ("budget_radial", |it| it.budget_radial),
        ("budget_growth", |it| it.budget_growth),
        ("timescale", |it| it.timescale),
        ("memory_of_start", |it| it.memory_of_start),
        ("effective_lr", |it| it.effective_lr),
        ("gradient_ratio", |it| it.gradient_ratio),
        ("agreement", |it| it.agreement),
        ("scale_invariant", |it| it.scale_invariant),
    ];
}

impl Reader {
    /// For a run that begins.
    pub fn new(run: &Description) -> Self {
        let optimizer = run.config.optimizer.clone();
        Reader {
            regime: regime(&optimizer),
            optimizer,
            own: vec![None; run.tensors.len()],
            all: run.config.weight_decay,
            tracks: Tracks::new(run.tensors.iter().map(TensorInfo::len)),
            courses: Courses::new(run.tensors.len()),
            tensors: run.tensors.clone(),
        }
    }

    /// Takes in an event other than statistics, in its place among them.
    pub fn take(&mut self, what: &What) {
        match what {
            What::Edited(edit) => self.edited(edit),
            What::Restored { .. } => {
                self.tracks.restored();
                self.courses.restored();
            }
            _ => {}
        }
    }

    fn edited(&mut self, edit: &Edit) {
        self.tracks.edited();
        self.courses.edited();
        match (&edit.knob, &edit.scope) {
            (Knob::Hyper(key), _) => {
                self.optimizer.hyper.insert(key.clone(), edit.to);
                self.regime = regime(&self.optimizer);
            }
            (Knob::DecayMode, _) => {
                self.optimizer.decay_mode = DecayMode::numbered(edit.to).unwrap_or(self.optimizer.decay_mode);
                self.regime = regime(&self.optimizer);
            }
            (Knob::WeightDecay, Scope::All) => self.all = edit.to,
            (Knob::WeightDecay, scope) => {
                for (own, tensor) in self.own.iter_mut().zip(&self.tensors) {
                    let inside = match scope {
                        Scope::All => true,
                        Scope::Layer(layer) => tensor.layer == *layer,
                        Scope::Tensor(name) => tensor.name == *name,
                    };
                    if inside {
                        *own = (!edit.inherits).then_some(edit.to);
                    }
                }
            }
            (Knob::LearningRate, _) => {}
        }
    }

    /// What acted on each tensor in an update.
    pub fn all_forces(&mut self, row: &StepRow, sums: &[TensorSums]) -> Vec<Forces> {
        // A schedule of λ moves the values of tensors' own by the same share.
        let share = row.weight_decay / self.all;
        if share.is_finite() && share != 1.0 {
            self.own.iter_mut().for_each(|own| *own = own.map(|value| value * share));
        }
        self.all = row.weight_decay;
        (0..sums.len()).map(|tensor| self.forces(tensor, row, &sums[tensor])).collect()
    }

    /// What an update says of each tensor.
    pub fn read(&mut self, row: &StepRow, sums: &[TensorSums]) -> Vec<Reading> {
        let forces = self.all_forces(row, sums);
        let tensors = || sums.iter().zip(forces.iter().copied());
        self.courses.update(row.step, tensors(), &self.tracks);
        self.tracks.update(row.step, tensors());
        let all = sums.iter().zip(&forces).zip(self.tracks.iter()).enumerate();
        all.map(|(tensor, ((sums, forces), track))| {
            let [budget_decay, budget_radial, budget_growth] = sums.budget();
            let (weights, pressure) = (track.weights(), track.pressure());
            let (foretold, trend) = (forces.approach(sums.norm(), track), forces.trend(track));
            let known = |value: Result<f64, super::Unknown>| value.unwrap_or(f64::NAN);
            Reading {
                rotation: measured::rotation(sums),
                equilibrium_rotation: known(forces.equilibrium_rotation()),
                equilibrium_norm: known(forces.equilibrium_norm(weights, pressure)),
                foretold_norm: known(foretold.map(|way| way.target)),
                equilibrium_time: known(foretold.map(|way| way.time())),
                expected_norm: self.courses.get(tensor).map_or(f64::NAN, Course::norm),
                trend_norm: known(trend.map(|way| way.target)),
                trend_time: known(trend.map(|way| way.time())),
                decay_pull: measured::decay_pull(sums, forces.regime.decay_mode, forces.weight_decay),
                // Not −0, which nobody should have to read.
                budget_decay: budget_decay + 0.0,
                budget_radial,
                budget_growth,
                timescale: known(forces.timescale().map(|timescale| timescale.steps)),
                memory_of_start: track.memory_of_start(),
                effective_lr: forces.effective_lr(sums.w2),
                gradient_ratio: measured::gradient_ratio(sums),
                agreement: measured::agreement(sums, weights),
                scale_invariant: match track.invariance() {
                    Invariance::Holds => 1.0,
                    Invariance::Broken { .. } => 0.0,
                    Invariance::Untested | Invariance::TooSmall => f64::NAN,
                },
            }
        })
        .collect()
    }

    fn forces(&self, tensor: usize, row: &StepRow, sums: &TensorSums) -> Forces {
        let decays = self.tensors.get(tensor).is_some_and(|tensor| tensor.decays);
        let all = if decays { self.all } else { 0.0 };
        let weight_decay = self.own.get(tensor).copied().flatten().unwrap_or(all);
        let plain = row.lr * weight_decay;
        let corrected = self.regime.decay_mode == DecayMode::Corrected && plain > 0.0;
        let lr_factor = if corrected { sums.decay / plain } else { 1.0 };
        Forces { regime: self.regime, lr: row.lr, lr_factor, weight_decay }
    }
}

fn regime(optimizer: &OptimizerConfig) -> Regime {
    Regime::of(optimizer, |key| optimizer.hyper.get(key).copied())
}
