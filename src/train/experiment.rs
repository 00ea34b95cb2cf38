//! A run made ready: everything that can be wrong with its configuration is found here, before anything starts.

use jiff::Zoned;
use thiserror::Error;

use super::checkpoint::Continuation;
use super::learner::{EVALUATION_SAMPLES, Learner, LearnerOptions};
use super::machine;
use crate::data::{BatchOrder, DataError, Dataset, Targets};
use crate::kernel::{Instructions, UnknownInstructions};
use crate::nn::{ModelError, Needs, Network, Role, Shape};
use crate::optim::schedule::{self, ScheduleError};
use crate::optim::{Choice, HyperSpec, KnobError, Knobs, OptimError, mask};
use crate::stream::{
    Author, DecayMask, Description, Hyper, Knob, Length, LossConfig, RunConfig, RunOptions, Scope, Script, Setting,
    TensorInfo,
};

/// What can be wrong with the configuration of a run.
#[derive(Debug, Error)]
pub enum PrepareError {
    /// The data.
    #[error(transparent)]
    Data(#[from] DataError),
    /// Smoothing of what are no classes.
    #[error("label-smoothing needs classes, but the data has {0} values to predict")]
    Smoothing(usize),
    /// Instructions that this processor does not have.
    #[error(transparent)]
    Instructions(#[from] UnknownInstructions),
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
    /// The data are not those that an earlier run was trained on.
    #[error("the data have changed: {recorded} was recorded, {} is {found} now", crate::stream::printable(title))]
    DataChanged {
        /// The data set.
        title: String,
        /// The recorded fingerprint.
        recorded: String,
        /// The fingerprint of what was read.
        found: String,
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
    pub(super) script: Script,
    pub(super) continuation: Option<Continuation>,
    pub(super) sentinel: Sentinel,
}

/// What a run does when a loss or gradient is not finite.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Sentinel {
    /// It ends: nobody is there to ask.
    #[default]
    Stops,
    /// It pauses with the weights of the step before, and waits for a command.
    Asks,
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
        let data = Dataset::load(&config.data)?;
        Experiment::on(data, config, options)
    }

    /// The same for a run that repeats an earlier one, whose data had this fingerprint.
    ///
    /// # Errors
    /// [`PrepareError`]; that the data are others is found before anything is made of them.
    ///
    /// # Panics
    /// Where `config.batch` or `options.threads` is 0.
    pub fn prepare_again(
        config: RunConfig,
        options: RunOptions,
        fingerprint: &str,
        script: Script,
    ) -> Result<Experiment, PrepareError> {
        let data = Dataset::load(&config.data)?;
        if data.info.fingerprint != fingerprint {
            let (title, found) = (data.info.title, data.info.fingerprint);
            return Err(PrepareError::DataChanged { title, recorded: fingerprint.to_owned(), found });
        }
        Ok(Experiment { script, ..Experiment::on(data, config, options)? })
    }

    fn on(data: Dataset, config: RunConfig, options: RunOptions) -> Result<Experiment, PrepareError> {
        let choice = Choice::of(&config.optimizer)?;
        let data = data.seeded(config.seed);
        let network = build_network(&config, &data)?;
        let loss = match data.train.targets() {
            Targets::Classes(_) => LossConfig::SoftmaxCrossEntropy { label_smoothing: config.label_smoothing },
            Targets::Values(_) if config.label_smoothing > 0.0 => {
                return Err(PrepareError::Smoothing(data.info.outputs));
            }
            Targets::Values(_) => LossConfig::Mse,
        };
        let instructions = match &options.instructions {
            Some(name) => name.parse()?,
            None => Instructions::best(),
        };
        let tensors = describe_tensors(&network, &config.decay)?;
        let knobs = knobs_of(&config, &choice, tensors.clone())?;
        check_edits(&config, knobs.clone())?;

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
            hyper: describe_hyper(&choice, knobs.hyper()),
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
            loss,
            batch: config.batch.min(data.train.len()),
            threads: options.threads,
            instructions,
        };
        let learner = Learner::new(network, learner_options, choice.build(config.seed), &knobs);
        Ok(Experiment {
            learner,
            data,
            knobs,
            order,
            description,
            script: Script::default(),
            continuation: None,
            sentinel: Sentinel::default(),
        })
    }

    /// The same run with another answer to what is not finite.
    pub fn with_sentinel(self, sentinel: Sentinel) -> Experiment {
        Experiment { sentinel, ..self }
    }

    /// All there is to know of the run before its first update.
    pub fn description(&self) -> &Description {
        &self.description
    }
}

/// The network of the configuration, for samples as the data has them.
fn build_network(config: &RunConfig, data: &Dataset) -> Result<Network, ModelError> {
    let (width, convention) = (data.train.width(), config.optimizer.convention);
    let image = match *data.train.shape() {
        [channels, height, width] => Some(Shape { channels, height, width }),
        _ => None,
    };
    let network = if config.layers.is_empty() {
        Network::parse_for(&config.model, image, convention)?
    } else {
        Network::new(image.unwrap_or(Shape::row(width)), &config.layers, convention)?
    };
    let needs = match data.train.targets() {
        Targets::Classes(_) => Needs::Classes(data.info.outputs),
        Targets::Values(_) => Needs::Values(data.info.outputs),
    };
    network.check_fit(&config.model, width, needs)?;
    network.check_batch(config.batch.min(data.train.len()).max(EVALUATION_SAMPLES))?;
    Ok(network)
}

/// What the configuration sets, for these tensors.
fn knobs_of(config: &RunConfig, choice: &Choice, tensors: Vec<TensorInfo>) -> Result<Knobs, PrepareError> {
    let specs = choice.hyper();
    let hyper = specs
        .iter()
        .map(|spec| config.optimizer.hyper.get(spec.key).copied().ok_or(PrepareError::MissingHyper(spec.key)))
        .collect::<Result<Vec<f64>, _>>()?;
    let knobs = Knobs::new(config.lr, config.weight_decay, specs, hyper, tensors)?;
    Ok(knobs.with_lr_allowed(choice.rule.lr_allowed)?.with_decay_mode(choice.decay_mode, choice.rule.decay_modes))
}

fn describe_tensors(network: &Network, mask: &DecayMask) -> Result<Vec<TensorInfo>, PrepareError> {
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

/// What can be turned beside η and λ: those of the rule and its hooks, then how λ enters, where there is a choice.
fn describe_hyper(choice: &Choice, values: &[f64]) -> Vec<Hyper> {
    let describe =
        |(spec, &value): (&HyperSpec, &f64)| Hyper { key: spec.key.into(), value, allowed: spec.allowed.words() };
    let modes = choice.rule.decay_modes;
    let names: Vec<String> = modes.iter().map(|mode| format!("{mode} ({})", mode.number())).collect();
    let mode = Hyper {
        key: Knob::DecayMode.key().into(),
        value: choice.decay_mode.number(),
        allowed: format!("one of {}", names.join(", ")),
    };
    let specs = choice.hyper();
    specs.iter().zip(values).map(describe).chain((modes.len() > 1).then_some(mode)).collect()
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
