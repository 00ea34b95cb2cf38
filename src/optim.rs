//! Update rules, how decay enters them, and the hyperparameters that are turned while they run.
//!
//! A rule is a pure update of one stretch of one tensor: weights, gradient and state are passed in, and so is every
//! hyperparameter, which is what makes it live. The pass over the weights also yields the six sums that all
//! diagnostics derive from, so that memory is walked once.

mod adam;
mod knobs;
mod rule;
mod sgd;

use thiserror::Error;

pub use adam::Adam;
pub use knobs::{Allowed, Change, HyperSpec, KnobError, Knobs};
pub use rule::{Block, Decay, Now, Response, Rule, StateSpec, sweep};
pub use sgd::Sgd;

use crate::scalar::Scalar;
use crate::stream::DecayMode;

/// A rule as it can be named: what it is called, how it decays unless told otherwise, and its table.
#[derive(Debug, Clone, Copy)]
pub struct RuleInfo {
    /// Its name on the command line and in recipes.
    pub name: &'static str,
    /// What it is, in a line.
    pub about: &'static str,
    /// How λ enters unless the user says otherwise.
    pub decay_mode: DecayMode,
    /// η unless the user says otherwise.
    pub lr: f64,
    /// λ unless the user says otherwise.
    pub weight_decay: f64,
    /// Its own hyperparameters.
    pub hyper: &'static [HyperSpec],
}

/// Every rule by name, with PyTorch's defaults.
pub const RULES: &[RuleInfo] = &[
    RuleInfo {
        name: "sgd",
        about: "w -= lr*g",
        decay_mode: DecayMode::L2,
        lr: 1e-3,
        weight_decay: 0.0,
        hyper: sgd::HYPER,
    },
    RuleInfo {
        name: "adam",
        about: "Adam (Kingma & Ba 2015); its decay is coupled L2",
        decay_mode: DecayMode::L2,
        lr: 1e-3,
        weight_decay: 0.0,
        hyper: adam::HYPER,
    },
    RuleInfo {
        name: "adamw",
        about: "Adam with decoupled decay (Loshchilov & Hutter 2019)",
        decay_mode: DecayMode::Decoupled,
        lr: 1e-3,
        weight_decay: 1e-2,
        hyper: adam::HYPER,
    },
];

/// What can be wrong with the choice of a rule.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum OptimError {
    /// No rule has that name.
    #[error("unknown optimizer `{name}`: choose one of {}", RULES.iter().map(|rule| rule.name).collect::<Vec<_>>().join(", "))]
    UnknownRule {
        /// What was asked for.
        name: String,
    },
}

/// Looks a rule up by its name.
///
/// # Errors
/// [`OptimError::UnknownRule`], listing those there are.
pub fn find(name: &str) -> Result<&'static RuleInfo, OptimError> {
    RULES.iter().find(|rule| rule.name == name).ok_or_else(|| OptimError::UnknownRule { name: name.to_owned() })
}

/// The rule of that name, ready to run.
///
/// # Errors
/// [`OptimError::UnknownRule`], listing those there are.
pub fn build<T: Scalar>(name: &str) -> Result<Box<dyn Rule<T>>, OptimError> {
    match find(name)?.name {
        "sgd" => Ok(Box::new(Sgd)),
        _ => Ok(Box::new(Adam)),
    }
}
