//! Update rules, how decay enters them, and the hyperparameters that are turned while they run.
//!
//! A rule is a pure update of one stretch of one tensor: weights, gradient and state are passed in, and so is every
//! hyperparameter, which is what makes it live. Hooks stand between the raw gradient and the rule. The pass over the
//! weights ([`sweep`]) does both, decays, and yields the sums that all diagnostics derive from, so that memory is walked
//! once.
//!
//! [`RULES`] is the table of rules by name and convention; each family of them has a file.

mod adafactor;
mod adagrad;
mod adam;
mod hooks;
mod hyper;
mod instructions;
mod knobs;
mod lion;
pub mod mask;
mod msvag;
mod muon;
mod registry;
mod rmsprop;
mod rule;
pub mod schedule;
mod sgd;
mod sums;
mod sweep;

pub use adafactor::Adafactor;
pub use adagrad::{AdaDelta, AdaGrad};
pub use adam::{AdaBound, Adamax, ChainerAdam, NAdam, RAdam, Squares, TorchAdam};
pub use hooks::{HOOKS, Hooked, Hooks, Norms, Op, Pulls, about as about_hook, table as hook_table};
pub use hyper::{Allowed, HyperSpec};
pub use instructions::Instructions;
pub use knobs::{Change, KnobError, Knobs};
pub use lion::Lion;
pub use msvag::Msvag;
pub use muon::Muon;
pub use registry::{Choice, OptimError, Optimizer, Precision, RULES, RuleInfo, find};
pub use rmsprop::{Graves, RmsProp, Smorms3};
pub use rule::{Block, Decay, Now, Rule, ScalarSpec, Start, StateSpec, Whole};
pub use sgd::{PlainSgd, TorchSgd, Velocity};
pub use sweep::{descend, sweep};
