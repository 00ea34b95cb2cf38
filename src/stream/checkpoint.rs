//! All that a run needs to go on from a step, beside its configuration.

use serde::{Deserialize, Serialize};

use super::DecayMode;

/// A run between two updates. What is random (batch order, dropout, augmentation, noise) derives from the seed and
/// the counters here: there is no state of a generator to keep.
#[derive(Debug, Clone, PartialEq)]
pub struct Checkpoint {
    /// Updates that the run has made: the next one's index.
    pub step: u64,
    /// Wall time of the run in seconds.
    pub seconds: f64,
    /// Updates behind these weights; fewer than `step` where the run went back to an earlier snapshot.
    pub updates: u64,
    /// The hyperparameters in force.
    pub knobs: KnobState,
    /// The weights, tensor behind tensor.
    pub weights: Vec<f32>,
    /// The update rule's state tensors by name, each as long as the weights.
    pub state: Vec<(String, Vec<f32>)>,
    /// The numbers that the rule keeps for each tensor, by name.
    pub scalars: Vec<(String, Vec<f64>)>,
    /// What batch normalisation remembers, by name.
    pub buffers: Vec<(String, Vec<f32>)>,
}

/// The hyperparameters in force.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct KnobState {
    /// η
    pub lr: Dial,
    /// λ of all
    pub weight_decay: Dial,
    /// For each tensor its own λ, where it has one.
    pub own: Vec<Option<Dial>>,
    /// The others, in the order of the rule's table.
    pub hyper: Vec<f64>,
    /// How λ enters; snapshots from before it could be turned do not say, it is the configuration's then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decay_mode: Option<DecayMode>,
}

/// A value that a schedule moves.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Dial {
    /// It was this value when the factor was `at`; so an edit gives the value asked for to the last bit.
    Scheduled {
        /// The value.
        value: f64,
        /// The factor, never 0.
        at: f64,
    },
    /// It stays.
    Constant(f64),
}
