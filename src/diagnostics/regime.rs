//! An optimizer as the formulas see it.

use crate::stream::{Convention, DecayMode, OptimizerConfig};

/// What the formulas need to know of an optimizer: its family, how λ enters, and whether hooks change the gradient.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Regime {
    /// Which formulas hold.
    pub family: Family,
    /// How λ enters.
    pub decay_mode: DecayMode,
    /// What decoupled decay and the step are multiplied with beside η, or in η's place.
    pub factor: Factor,
    /// Hooks other than coupled decay.
    pub hooks: usize,
}

/// Rules that share their formulas, with the hyperparameters that stand in them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Family {
    /// Gradient descent, with momentum or without.
    Sgd(Momentum),
    /// Adam and AdamW, of either convention.
    Adam {
        /// β1
        beta1: f64,
    },
    /// Lion.
    Lion {
        /// β1
        beta1: f64,
        /// β2
        beta2: f64,
    },
    /// Rules that divide by a memory of gradients, or otherwise have no formula here.
    Other,
}

/// Momentum of gradient descent.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Momentum {
    /// μ
    pub momentum: f64,
    /// What a gradient loses on its way into the buffer.
    pub dampening: f64,
    /// Whose buffer is followed.
    pub form: Form,
}

/// How the buffer of momentum becomes a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// The step is the buffer.
    Heavy,
    /// Nesterov's: the step looks ahead.
    Nesterov,
}

/// Where the decay share and the step scale come from.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Factor {
    /// d = ηλ, s = η
    Lr,
    /// Chainer's Adam family: d = eta·rate, s = eta·alpha.
    Eta(f64),
}

impl Regime {
    /// Of a configuration, with the hyperparameters as they stand.
    pub fn of(config: &OptimizerConfig, hyper: impl Fn(&str) -> Option<f64>) -> Regime {
        let value = |key: &str, default: f64| hyper(key).unwrap_or(default);
        let flagged = |key: &str| value(key, 0.0) != 0.0;
        let chainer = config.convention == Convention::Chainer;
        let family = match config.name.as_str() {
            "adam" | "adamw" if !flagged("amsgrad") => Family::Adam { beta1: value("beta1", 0.9) },
            "lion" => Family::Lion { beta1: value("beta1", 0.9), beta2: value("beta2", 0.99) },
            "sgd" | "article_sgd" | "momentum_sgd" | "corrected_momentum_sgd" | "nesterov_ag" => {
                let ahead = flagged("nesterov") || config.name == "nesterov_ag";
                Family::Sgd(Momentum {
                    momentum: value("momentum", 0.0),
                    dampening: value("dampening", 0.0),
                    form: if ahead { Form::Nesterov } else { Form::Heavy },
                })
            }
            _ => Family::Other,
        };
        // Only the rules with decoupled decay have an eta, and MSVAG, whose step has no scale here.
        let factor = match hyper("eta") {
            Some(eta) if chainer => Factor::Eta(eta),
            _ => Factor::Lr,
        };
        let pulls = usize::from(config.hooks.contains(&crate::stream::Hook::WeightDecay));
        Regime { family, decay_mode: config.decay_mode, factor, hooks: config.hooks.len() - pulls }
    }

    /// Whether the data's part of an update can be told from the part of decay; where it cannot, d is 0 in all sums and
    /// Δ is the whole change.
    pub fn is_separable(&self) -> bool {
        match self.decay_mode {
            DecayMode::L2 => match self.family {
                Family::Sgd(momentum) => momentum.momentum == 0.0,
                _ => false,
            },
            DecayMode::Decoupled | DecayMode::Cautious | DecayMode::Corrected | DecayMode::None => true,
        }
    }
}
