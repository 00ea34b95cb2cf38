//! One training step, and evaluation: the network, the data's samples and the update, on a team of threads.
//!
//! A step goes forward and backward stage by stage. Then each block of each tensor's rows gets its gradient, its
//! update and its sums at once. Before that it is certain that every gradient is finite: the largest |input| and
//! |error| of each layer, times the number of terms, bound every sum; only where that bound is not finite are all
//! gradients computed and looked at before the first weight is written.

use thiserror::Error;

use super::clock::Laps;
use super::pass::{Census, Pass, PassOptions, PassState, PassTensor, RestoreError, Task};
use super::spectrometer::Spectrometer;
use super::team::Team;
use crate::data::{self, Batch, Samples};
use crate::kernel::{Element, Instructions};
use crate::nn::{self, Mode, Network, Passage, Targets, initialise};
use crate::optim::{Knobs, Optimizer};
use crate::random::{Generator, Purpose};
use crate::scalar::is_finite;
use crate::stream::{Init, LossConfig, Phase, Score, Spending, TensorInfo, TensorSpectrum, TensorSums, Weights};

/// Samples of an evaluation that are in memory at once.
pub(super) const EVALUATION_SAMPLES: usize = 128;

/// A network, its weights and what it takes to train them.
pub struct Learner<T: Element> {
    network: Network,
    loss: LossConfig,
    seed: u64,
    instructions: Instructions,
    team: Team,
    pass: Pass<T>,
    training: Passage<T>,
    evaluation: Passage<T>,
    /// Running statistics as they were before the step.
    numbers: Vec<T>,
    laps: Laps,
}

/// What a step tells of its batch: loss and accuracy before the update.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Progress {
    /// Mean data loss, without the penalty.
    pub loss: f64,
    /// Correct share; NaN where there are no classes.
    pub accuracy: f64,
}

/// How a learner is made.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LearnerOptions {
    /// How weights start.
    pub init: Init,
    /// Determines the initial weights, and what dropout drops.
    pub seed: u64,
    /// What is minimised.
    pub loss: LossConfig,
    /// The largest batch.
    pub batch: usize,
    /// Threads that compute, the calling one among them. They change no bit.
    pub threads: usize,
    /// What loops are compiled for. It changes no bit.
    pub instructions: Instructions,
}

impl Default for LearnerOptions {
    /// PyTorch's initialisation, cross-entropy, batches of 100, all cores.
    fn default() -> Self {
        LearnerOptions {
            init: Init::Torch,
            seed: 1,
            loss: LossConfig::default(),
            batch: 100,
            threads: std::thread::available_parallelism().map_or(1, usize::from),
            instructions: Instructions::best(),
        }
    }
}

/// What a learner keeps from update to update, as plain data.
#[derive(Debug, Clone, PartialEq)]
pub struct LearnerState<T> {
    /// Weights and the rule's state.
    pub pass: PassState<T>,
    /// What batch normalisation remembers, by name.
    pub buffers: Vec<(String, Vec<T>)>,
}

/// A step that was not made, or that went wrong.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{what} is not finite")]
pub struct NotFinite {
    /// The first that is not: `the input`, `the output of` a layer, `the statistics of` one, `the loss`, `the gradient of` a tensor, `the squared
    /// gradient of` one, or `the update of` one.
    pub what: String,
    /// What became of the weights.
    pub weights: Weights,
}

impl NotFinite {
    fn of(part: &str, tensor: &str, weights: Weights) -> Self {
        NotFinite { what: format!("the {part} of {tensor}"), weights }
    }
}

impl<T: Element> Learner<T> {
    /// Fresh weights; `knobs` as they are at the start.
    pub fn new(network: Network, options: LearnerOptions, optimizer: Optimizer<T>, knobs: &Knobs) -> Self {
        let LearnerOptions { init, seed, loss, batch, threads, instructions } = options;
        let tensors: Vec<PassTensor> = network
            .tensors()
            .iter()
            .map(|tensor| {
                let block_rows = Some(network.rows_in_task(tensor, batch));
                PassTensor { shape: tensor.shape.clone(), block_rows }
            })
            .collect();
        let weights = initialise(&network, init, seed);
        Learner {
            pass: Pass::with(
                PassOptions { instructions: instructions.into(), ..PassOptions::default() },
                optimizer,
                knobs,
                &tensors,
                weights,
            ),
            team: Team::new(threads),
            training: Passage::shared_by(threads, &network, batch, nn::Purpose::Training),
            evaluation: Passage::shared_by(threads, &network, EVALUATION_SAMPLES, nn::Purpose::Evaluation),
            numbers: Vec::new(),
            laps: Laps::default(),
            network,
            loss,
            seed,
            instructions,
        }
    }

    /// What it would need to go on from here.
    pub fn save(&self) -> LearnerState<T> {
        let names = self.network.buffers().into_iter().map(|(name, _)| name);
        LearnerState { pass: self.pass.save(), buffers: names.zip(self.training.buffers(&self.network)).collect() }
    }

    /// Goes on from there.
    ///
    /// # Errors
    /// [`RestoreError`]; nothing has changed then.
    pub fn restore(&mut self, saved: LearnerState<T>) -> Result<(), RestoreError> {
        let mut buffers = Vec::new();
        for (name, wanted) in self.network.buffers() {
            let found = saved.buffers.iter().find(|(its, _)| *its == name).map(|(_, values)| values.clone());
            let values = found.unwrap_or_default();
            if values.len() != wanted {
                return Err(RestoreError::Length { name, got: values.len(), wanted });
            }
            buffers.push(values);
        }
        self.pass.restore(saved.pass)?;
        self.training.set_buffers(&self.network, &buffers);
        Ok(())
    }

    /// The weights, tensor behind tensor.
    pub fn weights(&self) -> &[T] {
        self.pass.weights()
    }

    /// Multiply-adds that a step needs for each sample.
    pub fn multiply_adds(&self) -> usize {
        self.network.multiply_adds()
    }

    /// ‖w‖² of every tensor as it is now.
    pub fn weight_norms_squared(&self) -> Vec<f64> {
        let square = |range: std::ops::Range<usize>| self.weights()[range].iter().map(|w| w.wide() * w.wide()).sum();
        self.network.tensors().iter().map(|tensor| square(tensor.place.clone())).collect()
    }

    /// How the weights of every tensor lie as they are now.
    pub fn census(&mut self) -> Census {
        self.pass.census(&mut self.team, self.instructions)
    }

    /// The spectra of the matrices as they are now, after so many updates; `squares` has each tensor's ‖w‖².
    pub fn spectra(
        &mut self,
        spectrometer: &mut Spectrometer<T>,
        step: u64,
        tensors: &[TensorInfo],
        squares: &[f64],
    ) -> Vec<TensorSpectrum> {
        spectrometer.look((&mut self.team, self.instructions), step, tensors, (self.pass.weights(), squares))
    }

    /// The six sums of the last update, one entry for each tensor.
    pub fn sums(&self) -> &[TensorSums] {
        self.pass.sums()
    }

    /// Has the next step timed phase by phase.
    pub(super) fn time_next_step(&mut self) {
        self.laps.start();
    }

    /// What the step took that was timed, up to now.
    pub(super) fn take_laps(&mut self) -> Option<Spending> {
        self.laps.stop()
    }

    /// One update on a batch, with the hyperparameters in force.
    ///
    /// # Errors
    /// [`NotFinite`]: before any weight was written where the loss or a gradient is not finite, and with running
    /// statistics as they were before the step; afterwards where all gradients are, but hyperparameters near the end
    /// of f32's range made an update that is not.
    ///
    /// # Panics
    /// Where there are more samples than a batch may have, or none.
    pub fn step(&mut self, samples: &Samples, batch: Batch<'_>, knobs: &Knobs) -> Result<Progress, NotFinite> {
        self.training.save_numbers(&mut self.numbers);
        let made = self.try_step(samples, batch, knobs);
        if matches!(made, Err(NotFinite { weights: Weights::Kept, .. })) {
            self.training.take_back_numbers(&self.numbers);
        }
        made
    }

    fn try_step(
        &mut self,
        samples: &Samples,
        Batch { indices, epoch }: Batch<'_>,
        knobs: &Knobs,
    ) -> Result<Progress, NotFinite> {
        let Learner { network, team, pass, training, laps, .. } = self;
        let key = Generator::new(self.seed, Purpose::Dropout, pass.updates()).key();
        let setting = nn::Setting { network, weights: pass.weights(), instructions: self.instructions };
        let pick = |at: usize| indices[at] as usize;
        take_targets(training.targets(), samples, indices.len(), pick);
        training.fill(team, setting, |at, row| {
            // A batch is drawn from all over the data: its next samples come from memory while this one is written.
            if at + AHEAD < indices.len() {
                samples.fetch(pick(at + AHEAD));
            }
            samples.write_augmented(pick(at), epoch, row);
        });
        laps.end(Phase::Data);
        training.forward(team, setting, Mode::Training(key));
        laps.end(Phase::Forward);
        training.judge(setting, self.loss);
        let progress = progress(training, setting, indices.len());
        if !is_finite(progress.loss) {
            let what = training.first_not_finite(network).unwrap_or_else(|| "the loss".into());
            return Err(NotFinite { what, weights: Weights::Kept });
        }
        if let Some(layer) = training.first_odd_memory(network) {
            return Err(NotFinite { what: format!("the statistics of {layer}"), weights: Weights::Kept });
        }
        laps.end(Phase::Loss);
        training.backward(team, setting);
        let bounded = training.gradients_are_bounded(setting);
        let (network, training) = (&*network, &*training);
        let instructions = self.instructions;
        let gradient = |task: &Task, gradient: &mut [T], next: &[&[T]]| {
            let setting = nn::Setting { network, weights: &[], instructions };
            training.gradient(setting, &network.tensors()[task.tensor], task.rows.clone(), gradient, next);
        };
        if bounded {
            pass.update(team, knobs, gradient);
        } else {
            pass.find_gradient(team, gradient).map_err(|tensor| {
                let part = if pass.found_is_finite(tensor) { "squared gradient" } else { "gradient" };
                NotFinite::of(part, &network.tensors()[tensor].name, Weights::Kept)
            })?;
            pass.update_with_found(team, knobs);
        }
        laps.end(Phase::Backward);
        if let Some(tensor) = pass.sums().iter().position(|sums| !sums.d2.is_finite()) {
            return Err(NotFinite::of("update", &network.tensors()[tensor].name, Weights::Lost));
        }
        Ok(progress)
    }

    /// Mean loss and accuracy over the first `count` samples, with the weights as they are.
    pub fn evaluate(&mut self, samples: &Samples, count: usize) -> Score {
        let Learner { network, team, pass, training, evaluation, .. } = self;
        let setting = nn::Setting { network, weights: pass.weights(), instructions: self.instructions };
        evaluation.remember_as(training);
        let (mut loss, mut correct) = (0.0, Some(0));
        for start in (0..count).step_by(evaluation.capacity()) {
            let there = evaluation.capacity().min(count - start);
            take_targets(evaluation.targets(), samples, there, |at| start + at);
            evaluation.fill(team, setting, |at, row| samples.write(start + at, row));
            evaluation.forward(team, setting, Mode::Evaluation);
            evaluation.judge(setting, self.loss);
            loss += evaluation.loss(setting);
            correct = correct.zip(evaluation.correct()).map(|(all, these)| all + these);
        }
        let accuracy = correct.map_or(f64::NAN, |correct| correct as f64 / count as f64);
        Score { loss: loss / count as f64, accuracy }
    }
}

fn progress<T: Element>(passage: &Passage<T>, setting: nn::Setting<'_, T>, samples: usize) -> Progress {
    let accuracy = passage.correct().map_or(f64::NAN, |correct| correct as f64 / samples as f64);
    Progress { loss: passage.loss(setting) / samples as f64, accuracy }
}

/// Samples whose memory is asked for before it is their turn.
const AHEAD: usize = 3;

/// Puts the targets of `count` samples where the last batch's were.
fn take_targets<T: Element>(to: &mut Targets<T>, samples: &Samples, count: usize, pick: impl Fn(usize) -> usize) {
    match samples.targets() {
        data::Targets::Classes(all) => {
            if !matches!(to, Targets::Classes(_)) {
                *to = Targets::Classes(Vec::new());
            }
            if let Targets::Classes(classes) = to {
                classes.clear();
                classes.extend((0..count).map(|at| all[pick(at)]));
            }
        }
        data::Targets::Values(all) => {
            if !matches!(to, Targets::Values(_)) {
                *to = Targets::Values(Vec::new());
            }
            if let Targets::Values(values) = to {
                values.clear();
                (0..count).for_each(|at| values.extend(all.row(pick(at)).iter().map(|&value| T::of(f64::from(value)))));
            }
        }
    }
}
