//! What acts on one tensor, from which every prediction is made.

use super::regime::{Factor, Family, Regime};
use super::unknown::Unknown;
use crate::stream::DecayMode;

/// Optimizer, η and λ as they act on one tensor, in force or only asked for: the same functions make a preview.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Forces {
    /// The optimizer.
    pub regime: Regime,
    /// η
    pub lr: f64,
    /// The factor of η's schedule that η contains, η/η_max.
    pub lr_factor: f64,
    /// λ of the tensor.
    pub weight_decay: f64,
}

impl Forces {
    /// d, the share of the weights that decay removes in one update, before any rounding.
    ///
    /// ```text
    /// decoupled: eta*wd (Chainer's Adam family: its own eta times rate)    corrected: eta^2*wd/eta_max
    /// coupled L2 in plain gradient descent: eta*wd
    /// ```
    ///
    /// # Errors
    /// [`Unknown`] where decay cannot be told from the rest of an update.
    pub fn share(&self) -> Result<f64, Unknown> {
        let Forces { regime, lr, lr_factor, weight_decay } = *self;
        let decoupled = match regime.factor {
            Factor::Lr => lr * weight_decay,
            Factor::Eta(eta) => eta * weight_decay,
        };
        match (regime.decay_mode, regime.family) {
            (DecayMode::None, _) => Ok(0.0),
            (DecayMode::Decoupled, _) => Ok(decoupled),
            (DecayMode::Corrected, _) => Ok(decoupled * lr_factor),
            (DecayMode::Cautious, _) => Err(Unknown::Cautious),
            (DecayMode::L2, _) if regime.hooks > 0 => Err(Unknown::Hooked),
            (DecayMode::L2, Family::Sgd(momentum)) if momentum.momentum == 0.0 => Ok(lr * weight_decay),
            (DecayMode::L2, _) => Err(Unknown::Mixed),
        }
    }

    /// s, the scale of a step: η, in Chainer's Adam family eta·alpha.
    pub fn scale(&self) -> f64 {
        match self.regime.factor {
            Factor::Lr => self.lr,
            Factor::Eta(eta) => eta * self.lr,
        }
    }

    /// Whether there is no decay at all.
    pub fn is_free(&self) -> bool {
        self.regime.decay_mode == DecayMode::None || self.weight_decay == 0.0 || self.share() == Ok(0.0)
    }

    /// The effective learning rate at a squared norm: what a step is, seen from weights of length 1.
    ///
    /// ```text
    /// SGD: eta/((1-mu)*W2)        Adam family and Lion: s/sqrt(W2)
    /// ```
    ///
    /// Meaningful for scale-invariant tensors (van Laarhoven 2017, arXiv 1706.05350).
    pub fn effective_lr(&self, w2: f64) -> f64 {
        match self.regime.family {
            Family::Sgd(momentum) => self.lr / ((1.0 - momentum.momentum) * w2),
            Family::Adam { .. } | Family::Lion { .. } | Family::Other => self.scale() / w2.sqrt(),
        }
    }
}
