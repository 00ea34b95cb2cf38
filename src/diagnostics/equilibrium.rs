//! Where a random walk with decay settles, and how fast.

use super::forces::Forces;
use super::regime::{Family, Form, Momentum};
use super::unknown::Unknown;
use crate::stream::DecayMode;

/// Weights count as settled within this share of ‖w‖*.
pub const SETTLED: f64 = 0.05;

/// The band around a predicted norm begins with this share of it.
const BAND: f64 = 0.02;

/// How far off a random walk is at most, as a share.
const ERROR: f64 = 0.15;

impl Forces {
    /// θ*, the angle by which scale-invariant weights turn in each update once growth and decay balance.
    ///
    /// ```text
    /// AdamW: sqrt( 2d*(1-b1)/(1+b1) )        SGD with momentum and L2: sqrt( 2*eta*wd/(1+mu) )
    /// Lion: sqrt(pi/2)*sqrt(2d)*kappa,  kappa^2 = (1-b1)^2 + b1^2*(1-b2)/(1+b2)
    /// ```
    ///
    /// Kosson, Messmer, Jaggi 2024 (arXiv 2305.17212) and its authors' code; a random walk agrees to 1.3 %, 0.1 % and
    /// 4.5 %.
    ///
    /// # Errors
    /// [`Unknown`]
    pub fn equilibrium_rotation(&self) -> Result<f64, Unknown> {
        Ok(match self.walk()? {
            Walk::Adam { d, beta1 } => (2.0 * d * (1.0 - beta1) / (1.0 + beta1)).sqrt(),
            Walk::Lion { d, kappa } => (std::f64::consts::PI * d).sqrt() * kappa,
            Walk::Sgd { pull, momentum } => (2.0 * pull / (1.0 + momentum)).sqrt(),
        })
    }

    /// ‖w‖*, the norm at which growth and decay balance, of a tensor of so many weights.
    ///
    /// ```text
    /// AdamW: s*sqrt( C/(2d) )        Lion: s*sqrt(C) / ( sqrt(pi*d)*kappa )
    /// SGD with momentum and L2: ( eta*E[|g|^2*|w|^2] / (2*wd*(1-mu)) )^(1/4)
    /// ```
    ///
    /// `pressure` is E\[‖g‖²·‖w‖²\], which SGD's needs ([`Track::pressure`](super::Track::pressure)); it is taken to stay as
    /// it is, which across an edit of λ it need not ([`Course`](super::Course)). Derived from the balance of the norm's
    /// budget; a random walk agrees to 7 %, 6 % and 0.2 %.
    ///
    /// What updates remember is taken to be what a walk's do. Where the norm has settled, √((D2 + 2·WD)/(2d)) is what they
    /// do remember, and the way by trend has it ([`Forces::trend`]): of Lion, whose memory depends on how gradients follow
    /// each other, 23 % less was measured, for the reason that `examples/equilibrium` tells.
    ///
    /// # Errors
    /// [`Unknown`]
    pub fn equilibrium_norm(&self, weights: usize, pressure: Option<f64>) -> Result<f64, Unknown> {
        let count = weights as f64;
        Ok(match self.walk()? {
            Walk::Adam { d, .. } => self.scale() * (count / (2.0 * d)).sqrt(),
            Walk::Lion { d, kappa } => self.scale() * count.sqrt() / ((std::f64::consts::PI * d).sqrt() * kappa),
            Walk::Sgd { momentum, .. } => {
                let pressure = pressure.filter(|it| it.is_finite() && *it > 0.0).ok_or(Unknown::NotMeasured)?;
                (self.lr * pressure / (2.0 * self.weight_decay * (1.0 - momentum))).powf(0.25)
            }
        })
    }

    /// Whether E\[‖g‖²·‖w‖²\] stands in ‖w‖*, which is measured and may change.
    pub fn needs_gradients(&self) -> bool {
        matches!(self.walk(), Ok(Walk::Sgd { .. }))
    }

    /// ‖g‖/‖w‖ that SGD with L2 tends to on scale-invariant weights, √(2λ(1−μ)/η): why gradients grow when η is
    /// annealed (Defazio 2025, arXiv 2506.02285).
    ///
    /// # Errors
    /// [`Unknown`]
    pub fn equilibrium_gradient_ratio(&self) -> Result<f64, Unknown> {
        match self.walk()? {
            Walk::Sgd { momentum, .. } => Ok((2.0 * self.weight_decay * (1.0 - momentum) / self.lr).sqrt()),
            _ => Err(Unknown::NoFormula),
        }
    }

    /// The way from a norm to ‖w‖*. Gradients grow as the norm falls; where the memory of Adam's v, 1/(1−β2) updates, is
    /// longer than τ, v lags behind that, and the norm arrives later than predicted.
    ///
    /// ```text
    /// AdamW, Lion: |w|^2 - |w*|^2 falls as e^(-2dt)        SGD with momentum and L2: |w|^4 - |w*|^4 as e^(-4*eta*wd*t/(1-mu))
    /// ```
    ///
    /// # Errors
    /// [`Unknown`]
    pub fn approach(&self, norm: f64, weights: usize, pressure: Option<f64>) -> Result<Approach, Unknown> {
        let target = self.equilibrium_norm(weights, pressure)?;
        let (rate, power) = match self.walk()? {
            Walk::Adam { d, .. } | Walk::Lion { d, .. } => (2.0 * d, 2.0),
            Walk::Sgd { pull, momentum } => (4.0 * pull / (1.0 - momentum), 4.0),
        };
        Ok(Approach { from: norm, target, rate, power, error: ERROR })
    }

    /// Which formulas hold.
    fn walk(&self) -> Result<Walk, Unknown> {
        let Forces { regime, lr, weight_decay, .. } = *self;
        if self.is_free() {
            return Err(Unknown::NoDecay);
        }
        if regime.decay_mode == DecayMode::Cautious {
            return Err(Unknown::Cautious);
        }
        let decoupled = regime.decay_mode != DecayMode::L2;
        let walk = match regime.family {
            Family::Adam { beta1 } if decoupled => Walk::Adam { d: self.share()?, beta1 },
            Family::Lion { beta1, beta2 } if decoupled => {
                let kappa = (1.0 - beta1).powi(2) + beta1.powi(2) * (1.0 - beta2) / (1.0 + beta2);
                Walk::Lion { d: self.share()?, kappa: kappa.sqrt() }
            }
            Family::Sgd(Momentum { momentum, dampening, form: Form::Heavy })
                if !decoupled && momentum < 1.0 && (dampening == 0.0 || momentum == 0.0) =>
            {
                Walk::Sgd { pull: lr * weight_decay, momentum }
            }
            Family::Sgd(_) | Family::Other => return Err(Unknown::NoFormula),
            Family::Adam { .. } | Family::Lion { .. } => return Err(Unknown::Mixed),
        };
        let whole = match walk {
            Walk::Adam { d, .. } | Walk::Lion { d, .. } => d,
            Walk::Sgd { pull, momentum } => pull / (1.0 - momentum),
        };
        match whole {
            _ if regime.hooks > 0 => Err(Unknown::Hooked),
            whole if whole >= 1.0 => Err(Unknown::Overshoots),
            _ => Ok(walk),
        }
    }
}

/// A rule and decay mode that have formulas, with what stands in them.
enum Walk {
    Adam { d: f64, beta1: f64 },
    Lion { d: f64, kappa: f64 },
    Sgd { pull: f64, momentum: f64 },
}

/// The predicted way of a norm to where it settles.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Approach {
    /// ‖w‖ now.
    pub from: f64,
    /// ‖w‖*
    pub target: f64,
    /// The rate, for each update, at which the difference of the powers falls.
    pub rate: f64,
    /// Of which power of the norm it is.
    pub power: f64,
    /// How far off the prediction may be in the end, as a share.
    pub error: f64,
}

impl Approach {
    /// ‖w‖ after so many updates more.
    pub fn after(&self, steps: f64) -> f64 {
        let Approach { from, target, rate, power, .. } = *self;
        let (from, target) = (from.powf(power), target.powf(power));
        (target + (from - target) * (-rate * steps).exp()).powf(1.0 / power)
    }

    /// The lower and the upper end of the band around it: 2 % off at first, later as far as its error goes.
    pub fn band(&self, steps: f64) -> (f64, f64) {
        let (middle, width) = (self.after(steps), self.width((-self.rate * steps).exp()));
        (middle * (1.0 - width), middle * (1.0 + width))
    }

    /// Half the width of the band as a share, where so much of the start is left.
    pub(super) fn width(&self, left: f64) -> f64 {
        self.error + (BAND - self.error) * left
    }

    /// Updates until the norm is within [`SETTLED`] of ‖w‖*; 0 where it is.
    pub fn time(&self) -> f64 {
        let Approach { from, target, rate, power, .. } = *self;
        let edge = if from > target { 1.0 + SETTLED } else { 1.0 - SETTLED };
        let (start, end) = ((from / target).powf(power) - 1.0, edge.powf(power) - 1.0);
        if start.abs() <= end.abs() { 0.0 } else { (start / end).ln() / rate }
    }
}
