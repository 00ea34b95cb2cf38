//! What determines a run. Two runs with equal [`RunConfig`]s and equal live edits have equal weights, bit for bit;
//! [`RunOptions`] hold what may differ between them without changing a weight.

use std::fmt;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::command::{Knob, Scope};
use super::data::DataConfig;
use super::network::LayerConfig;
use super::optimizer::{DecayMask, OptimizerConfig, Schedule};

/// Everything that determines the weights of a run, validated and complete.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunConfig {
    /// The recipe it started from.
    pub recipe: String,
    /// The data set and what is done to it.
    pub data: DataConfig,
    /// The network as a string, for example `mlp:784-256-128-10`; where it is a list of layers, what to call it.
    pub model: String,
    /// The network's layers where `model` is no more than a name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub layers: Vec<LayerConfig>,
    /// The share of a sample's target that is spread over all classes.
    #[serde(default)]
    pub label_smoothing: f64,
    /// How weights and biases start.
    pub init: Init,
    /// The update rule and its own hyperparameters.
    pub optimizer: OptimizerConfig,
    /// η, the learning rate: at the start, or what its schedule multiplies.
    pub lr: f64,
    /// λ, the weight decay: at the start, or what its schedule multiplies.
    pub weight_decay: f64,
    /// The λ that the keys switch to from 0 before any other was set.
    pub weight_decay_start: f64,
    /// How η moves by itself.
    #[serde(default)]
    pub lr_schedule: Schedule,
    /// How λ moves by itself.
    #[serde(default)]
    pub weight_decay_schedule: Schedule,
    /// Which tensors decay.
    pub decay: DecayMask,
    /// Samples in a batch.
    pub batch: usize,
    /// When it ends by itself.
    pub length: Length,
    /// Evaluate after every so many updates; 0 is after every epoch.
    pub evaluate_every: u64,
    /// The seed of the run's random choices: initial weights and batch order.
    pub seed: u64,
    /// Edits that were planned on the command line, in the order of their steps.
    #[serde(default)]
    pub edits: Vec<PlannedEdit>,
}

/// What may differ between two runs of the same bits.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunOptions {
    /// Threads that compute, the training thread included; at least 1.
    pub threads: usize,
    /// Updates a second to aim at; 0 is as fast as it goes.
    pub pace: f64,
    /// The vector instructions to compute with; the widest where none are named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instructions: Option<String>,
    /// Keep a snapshot after every so many updates; 0 keeps none that was not asked for.
    #[serde(default)]
    pub snapshot_every: u64,
}

/// A pace that cannot be kept.
#[derive(Debug, Error, PartialEq)]
#[error("pace must be 0 (as fast as it goes) or from 0.001 to 1000000 steps a second, got {0}")]
pub struct PaceError(f64);

impl RunOptions {
    /// Checks a pace: slower than a step in a quarter of an hour is a pause, faster than a million a second no pace.
    ///
    /// # Errors
    /// [`PaceError`] with the range.
    pub fn check_pace(pace: f64) -> Result<(), PaceError> {
        if pace == 0.0 || (1e-3..=1e6).contains(&pace) { Ok(()) } else { Err(PaceError(pace)) }
    }
}

/// How parameters start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Init {
    /// Weights and biases uniform in ±1/√fan_in, as PyTorch's `nn.Linear`.
    Torch,
    /// Weights normal with variance 1/fan_in, biases 0, as Chainer's links.
    Lecun,
    /// Weights normal with variance 2/fan_in, biases 0.
    He,
    /// Weights uniform in ±√(6/(fan_in + fan_out)), biases 0.
    Glorot,
}

impl fmt::Display for Init {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Init::Torch => "torch",
            Init::Lecun => "lecun",
            Init::He => "he",
            Init::Glorot => "glorot",
        })
    }
}

/// When a run ends by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Length {
    /// After this many passes over the training set.
    Epochs(u64),
    /// After this many updates.
    Steps(u64),
    /// Never: it runs until it is stopped.
    Unbounded,
}

/// An edit that was planned before the run: it acts like a key press before the update with that index.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PlannedEdit {
    /// 0-based index of the first update that uses the value.
    pub step: u64,
    /// What is turned.
    pub knob: Knob,
    /// Whose value is turned.
    pub scope: Scope,
    /// The new value; `None` makes the scope follow "all" again.
    pub value: Option<f64>,
}
