//! A run made ready: everything that can be wrong with its configuration is found here, before anything starts.

use jiff::Zoned;
use thiserror::Error;

use super::learner::{Learner, LearnerOptions};
use super::machine;
use crate::data::{BatchOrder, DataError, Dataset};
use crate::kernel::Instructions;
use crate::nn::{ModelError, Needs, Network, Role};
use crate::optim::schedule::{self, ScheduleError};
use crate::optim::{Choice, HyperSpec, KnobError, Knobs, OptimError, mask};
use crate::stream::{
    Author, DecayMask, Description, Hyper, Knob, Length, LossConfig, RunConfig, RunOptions, Scope, Setting, TensorInfo,
};

/// What can be wrong with the configuration of a run.
#[derive(Debug, Error)]
pub enum PrepareError {
    /// The data.
    #[error(transparent)]
    Data(#[from] DataError),
    /// The network, or its fit with the data.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// The update rule.
    #[error(transparent)]
    Optim(#[from] OptimError),
    /// A schedule.
    #[error(transparent)]
    Schedule(#[from] ScheduleError),
    /// The mask leaves every tensor out.
    #[error("no tensor's name matches `{pattern}`: there are {}", names.join(", "))]
    NothingDecays {
        /// The pattern.
        pattern: String,
        /// The tensors.
        names: Vec<String>,
    },
    /// A hyperparameter.
    #[error(transparent)]
    Knob(#[from] KnobError),
    /// A planned edit.
    #[error("edit at step {step}: {source}")]
    Edit {
        /// Its step.
        step: u64,
        /// What is wrong with it.
        source: KnobError,
    },
    /// A planned edit that the run would not live to see.
    #[error("edit at step {step}: the run ends after {total} steps, its last edit can be at step {}", total.saturating_sub(1))]
    EditTooLate {
        /// Its step.
        step: u64,
        /// Updates of the run.
        total: u64,
    },
    /// The rule needs a hyperparameter that the configuration does not have.
    #[error("the configuration has no value for {0}")]
    MissingHyper(&'static str),
}

/// A run that can start.
pub struct Experiment {
    pub(super) description: Description,
    pub(super) data: Dataset,
    pub(super) learner: Learner<f32>,
    pub(super) knobs: Knobs,
    pub(super) order: BatchOrder,
}

impl Experiment {
    /// Loads the data, builds the network and checks every setting and planned edit.
    ///
    /// # Errors
    /// [`PrepareError`]
    ///
    /// # Panics
    /// Where `config.batch` or `options.threads` is 0.
    pub fn prepare(config: RunConfig, options: RunOptions) -> Result<Experiment, PrepareError> {
        let choice = Choice::of(&config.optimizer)?;
        let network = Network::parse(&config.model)?;
        let tensors = describe_tensors(&network, &config.decay)?;
        let knobs = knobs_of(&config, &choice, tensors.clone())?;
        check_edits(&config, knobs.clone())?;

        let data = Dataset::load(&config.data)?;
        network.check_fit(&config.model, data.train.width(), Needs::Classes(data.info.classes.len()))?;
        let order = BatchOrder::new(data.train.len(), config.batch, config.seed);
        let total_steps = match config.length {
            Length::Epochs(epochs) => Some(epochs.saturating_mul(order.per_epoch())),
            Length::Steps(steps) => Some(steps),
            Length::Unbounded => None,
        };
        if let (Some(total), Some(last)) = (total_steps, config.edits.last())
            && last.step >= total
        {
            return Err(PrepareError::EditTooLate { step: last.step, total });
        }
        let knobs = knobs.with_schedules(
            schedule::complete(config.lr_schedule, total_steps)?,
            schedule::complete(config.weight_decay_schedule, total_steps)?,
        );
        let description = Description {
            data: data.info.clone(),
            tensors,
            hyper: describe_hyper(&choice.hyper(), knobs.hyper()),
            steps_per_epoch: order.per_epoch(),
            total_steps,
            machine: machine::describe(),
            started: Zoned::now().strftime("%Y-%m-%dT%H:%M:%S%:z").to_string(),
            config,
            options,
        };
        let Description { config, options, .. } = &description;
        let learner_options = LearnerOptions {
            init: config.init,
            seed: config.seed,
            loss: LossConfig::default(),
            batch: config.batch.min(data.train.len()),
            threads: options.threads,
            instructions: Instructions::best(),
        };
        let learner = Learner::new(network, learner_options, choice.build(config.seed), &knobs);
        Ok(Experiment { learner, data, knobs, order, description })
    }

    /// All there is to know of the run before its first update.
    pub fn description(&self) -> &Description {
        &self.description
    }
}

/// What the configuration sets, for these tensors.
pub(super) fn knobs_of(config: &RunConfig, choice: &Choice, tensors: Vec<TensorInfo>) -> Result<Knobs, PrepareError> {
    let specs = choice.hyper();
    let hyper = specs
        .iter()
        .map(|spec| config.optimizer.hyper.get(spec.key).copied().ok_or(PrepareError::MissingHyper(spec.key)))
        .collect::<Result<Vec<f64>, _>>()?;
    let knobs = Knobs::new(config.lr, config.weight_decay, specs, hyper, tensors)?;
    Ok(knobs.with_lr_allowed(choice.rule.lr_allowed)?)
}

pub(super) fn describe_tensors(network: &Network, mask: &DecayMask) -> Result<Vec<TensorInfo>, PrepareError> {
    let kind = |role: Role| if role == Role::Weight { mask::Kind::Weight } else { mask::Kind::Other };
    let info = |tensor: &crate::nn::Tensor| TensorInfo {
        name: tensor.name.clone(),
        layer: network.layers()[tensor.layer].name.clone(),
        shape: tensor.shape.clone(),
        decays: mask::covers(mask, &tensor.name, kind(tensor.role)),
    };
    let tensors: Vec<TensorInfo> = network.tensors().iter().map(info).collect();
    if tensors.iter().any(|tensor| tensor.decays) {
        Ok(tensors)
    } else {
        let names = tensors.into_iter().map(|tensor| tensor.name).collect();
        Err(PrepareError::NothingDecays { pattern: mask.to_string(), names })
    }
}

fn describe_hyper(specs: &[HyperSpec], values: &[f64]) -> Vec<Hyper> {
    let describe =
        |(spec, &value): (&HyperSpec, &f64)| Hyper { key: spec.key.into(), value, allowed: spec.allowed.words() };
    specs.iter().zip(values).map(describe).collect()
}

/// Tries the planned edits in their order.
fn check_edits(config: &RunConfig, mut knobs: Knobs) -> Result<(), PrepareError> {
    knobs.set(&Setting {
        knob: Knob::WeightDecay,
        scope: Scope::All,
        value: Some(config.weight_decay_start),
        by: Author::CommandLine,
    })?;
    for edit in &config.edits {
        knobs.set(&planned(edit)).map_err(|source| PrepareError::Edit { step: edit.step, source })?;
    }
    Ok(())
}

/// A planned edit as the setting that a key press would send.
pub(super) fn planned(edit: &crate::stream::PlannedEdit) -> Setting {
    Setting { knob: edit.knob.clone(), scope: edit.scope.clone(), value: edit.value, by: Author::CommandLine }
}
