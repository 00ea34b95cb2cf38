//! A run as the screen knows it: what it said, and what was asked of it.

use super::dial::{Dial, Pending, Reversible, Which};
use super::effect::Effect;
use super::growth::Growth;
use super::history::History;
use super::hyper::Turning;
use super::journal::Journal;
use crate::diagnostics::{Courses, Forces, Tracks, Unknown};
use crate::stream::{Columns, Command, DecayMode, Description, Schedule, Scope, StepBatch, TensorInfo, Weights};
use crate::tui::coach::Coach;

/// A run as the screen knows it.
#[derive(Debug)]
pub(in crate::tui) struct Run {
    pub(in crate::tui) description: Box<Description>,
    pub(in crate::tui) history: History,
    pub(in crate::tui) journal: Journal,
    /// What diagnostics keeps of every tensor.
    pub(in crate::tui) tracks: Tracks,
    /// Where norms should be since the last edit.
    pub(in crate::tui) courses: Courses,
    pub(in crate::tui) coach: Coach,
    pub(in crate::tui) weight_decay: Dial,
    pub(in crate::tui) learning_rate: Dial,
    /// The rule's own hyperparameters as they stand.
    pub(in crate::tui) hyper: Vec<(String, f64)>,
    /// The one that keys are turning.
    pub(in crate::tui) turning: Option<Turning>,
    /// Edits that were asked for and are not confirmed.
    pub(in crate::tui) pending: Vec<Pending>,
    /// Edits that `z` takes back, the last one last.
    pub(in crate::tui) done: Vec<Reversible>,
    /// Edits that `Z` repeats, the next one last.
    pub(in crate::tui) undone: Vec<Reversible>,
    /// The next update's index.
    pub(in crate::tui) step: u64,
    /// Wall time of the run, as far as it was told.
    pub(in crate::tui) seconds: f64,
    /// Updates a second to aim at; 0 is as fast as it goes.
    pub(in crate::tui) pace: f64,
    /// Paces that were asked for and are not confirmed, in order.
    pub(in crate::tui) paces: Vec<f64>,
    /// Commands to go on or to stand still that will be answered, in order.
    pub(in crate::tui) moves: Vec<Command>,
    /// The step of the last snapshot.
    pub(in crate::tui) snapshot: Option<u64>,
    /// What was not finite and what became of the weights, until that is settled.
    pub(in crate::tui) trouble: Option<(String, Weights)>,
    /// Bytes recorded.
    pub(in crate::tui) recorded: Option<u64>,
    /// How fast they become more.
    pub(in crate::tui) growth: Growth,
    /// Whether updates' columns are recorded.
    pub(in crate::tui) columns: Columns,
    /// Why recording stopped.
    pub(in crate::tui) unrecorded: Option<String>,
}

impl Run {
    pub(in crate::tui) fn new(description: Box<Description>, beta: f64) -> Self {
        let tensors = description.tensors.len();
        let config = &description.config;
        let weight_decay = Dial::new(Which::WeightDecay, config.weight_decay, config.weight_decay_start, tensors);
        let learning_rate = Dial::new(Which::LearningRate, config.lr, 1e-3, tensors);
        Run {
            history: History::new(tensors, beta),
            journal: Journal::default(),
            tracks: Tracks::new(description.tensors.iter().map(TensorInfo::len)),
            courses: Courses::new(tensors),
            coach: Coach::default(),
            weight_decay,
            learning_rate,
            hyper: description.hyper.iter().map(|hyper| (hyper.key.clone(), hyper.value)).collect(),
            turning: None,
            pending: Vec::new(),
            done: Vec::new(),
            undone: Vec::new(),
            step: 0,
            seconds: 0.0,
            pace: description.options.pace,
            paces: Vec::new(),
            moves: Vec::new(),
            snapshot: None,
            trouble: None,
            recorded: None,
            growth: Growth::default(),
            columns: Columns::Kept,
            unrecorded: None,
            description,
        }
    }

    pub(in crate::tui) fn dial(&self, which: Which) -> &Dial {
        match which {
            Which::WeightDecay => &self.weight_decay,
            Which::LearningRate => &self.learning_rate,
        }
    }

    pub(in crate::tui) fn dial_mut(&mut self, which: Which) -> &mut Dial {
        match which {
            Which::WeightDecay => &mut self.weight_decay,
            Which::LearningRate => &mut self.learning_rate,
        }
    }

    pub(in crate::tui) fn extend(&mut self, batch: &StepBatch) {
        let before = self.history.last.map(|row| row.step);
        self.track(batch, before);
        self.history.extend(batch);
        if let Some(row) = self.history.last.filter(|row| Some(row.step) != before) {
            self.step = self.step.max(row.step + 1);
            self.seconds = row.seconds;
            // Edits come between the updates: the last one was made with what is in force.
            self.weight_decay.follow(row.weight_decay);
            self.learning_rate.follow(row.lr);
        }
    }

    /// Shows every update to diagnostics; rows that do not come after all others are passed over.
    fn track(&mut self, batch: &StepBatch, mut before: Option<u64>) {
        if batch.tensors() != self.description.tensors.len() {
            return;
        }
        let forces: Vec<Forces> = (0..batch.tensors()).map(|tensor| self.forces(tensor)).collect();
        for (row, sums) in batch.iter() {
            if before.is_none_or(|before| row.step > before) {
                before = Some(row.step);
                let tensors = || sums.iter().zip(forces.iter().copied());
                self.courses.update(row.step, tensors(), &self.tracks);
                self.tracks.update(row.step, tensors());
            }
        }
    }

    /// What the edit with this number, counted from 1, did until the next one; None where nothing was evaluated before.
    pub(in crate::tui) fn effect(&self, number: usize) -> Option<Effect> {
        let edits = &self.journal.edits;
        let step = |number: usize| number.checked_sub(1).and_then(|at| edits.get(at)).map(|edit| edit.step);
        let before = step(number - 1).unwrap_or(0);
        Effect::of(&self.history.evaluations, before, step(number)?, step(number + 1).unwrap_or(u64::MAX))
    }

    /// Updates until so many more evaluations are made, where none is asked for.
    pub(in crate::tui) fn steps_until(&self, evaluations: usize) -> u64 {
        let period = self.description.evaluation_period().max(1);
        evaluations as u64 * period - self.step % period
    }

    /// The pace that was last asked for.
    pub(in crate::tui) fn asked_pace(&self) -> f64 {
        self.paces.last().copied().unwrap_or(self.pace)
    }

    /// The value in force, or the one that was last asked for and is about to be.
    pub(in crate::tui) fn asked(&self, which: Which, scope: &Scope) -> f64 {
        let knob = which.knob();
        let pending = self.pending.iter().rev().map(|pending| &pending.setting);
        let mut same = pending.filter(|setting| setting.knob == knob && setting.scope == *scope);
        same.find_map(|setting| setting.value)
            .unwrap_or_else(|| self.dial(which).value(scope, &self.description.tensors))
    }

    /// Whether a value is in force already and nothing else was asked for. Where a schedule moves the value, setting it
    /// is an edit all the same: it holds it.
    pub(in crate::tui) fn stands_at(&self, which: Which, scope: &Scope, value: f64) -> bool {
        let config = &self.description.config;
        let schedule = match which {
            Which::WeightDecay => &config.weight_decay_schedule,
            Which::LearningRate => &config.lr_schedule,
        };
        let knob = which.knob();
        *schedule == Schedule::Constant
            && !self.pending.iter().any(|pending| pending.setting.knob == knob)
            && self.dial(which).stands_at(scope, value, &self.description.tensors)
    }

    /// ηλ with a dial at this value, where it is so large that each update throws the weights past zero.
    pub(in crate::tui) fn overshoot_at(&self, which: Which, value: f64, scope: &Scope) -> Option<f64> {
        match which {
            Which::WeightDecay => self.overshoot(self.asked(Which::LearningRate, &Scope::All), value),
            Which::LearningRate => self.overshoot(value, self.asked(Which::WeightDecay, scope)),
        }
    }

    /// ηλ where one update takes all of a weight and more. With momentum no such product tells it.
    pub(in crate::tui) fn overshoot(&self, lr: f64, weight_decay: f64) -> Option<f64> {
        let optimizer = &self.description.config.optimizer;
        let momentum = self.hyper.iter().any(|(key, value)| key == "momentum" && *value != 0.0);
        if optimizer.decay_mode == DecayMode::L2 && momentum {
            return None;
        }
        self.decay_rate(lr, weight_decay).ok().filter(|product| *product >= 1.0)
    }

    /// The key that turns λ up by what can be seen, and where it leads; `None` where λ does nothing.
    pub(in crate::tui) fn remedy(&self) -> Option<(char, f64)> {
        let now = self.asked(Which::WeightDecay, &Scope::All);
        // From 0 any key leads to the remembered value.
        let (key, tenths) = if now == 0.0 { (']', 1) } else { ('}', 5) };
        let then = self.weight_decay.turned(now, tenths);
        (self.description.config.optimizer.decay_mode != DecayMode::None && then > now).then_some((key, then))
    }

    /// The rate 1/τ, for each update, at which decay alone shrinks the weights.
    ///
    /// # Errors
    /// Why there is none: the update rule mixes decay with the gradient, or has no decay.
    pub(in crate::tui) fn decay_rate(&self, lr: f64, weight_decay: f64) -> Result<f64, Unknown> {
        let regime = self.regime();
        let forces = Forces { regime, lr, lr_factor: 1.0, weight_decay };
        match regime.decay_mode {
            DecayMode::None => Err(Unknown::NoDecay),
            _ => Ok(1.0 / forces.timescale()?.steps),
        }
    }
}
