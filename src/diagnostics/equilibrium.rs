//! Where a random walk with decay settles, and how fast.

use super::forces::Forces;
use super::regime::{Family, Form, Momentum};
use super::track::Track;
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
    /// What updates remember is taken to be what those of a walk do that remembers its weights for longer than its
    /// momentum. Of AdamW that is so however gradients follow each other; of Lion it is not, and [`Forces::approach`] has
    /// what was measured instead. Nor is the memory of Lion's momentum, 100 updates, short beside every τ. For normally
    /// distributed gradients the paper's 2/(πκ²) is the limit for d → 0 of
    ///
    /// ```text
    /// memory = 1 + 2*sum (1-d)^k*corr_k(sign c) = (2/pi)*(1 + (1/kappa^2 - 1)*f),  f = (1-d)*(1-b2)/(1 - (1-d)*b2)
    /// ```
    ///
    /// which makes ‖w‖* 5 % shorter at τ = 1,000 and 12 % at 333; a simulation has 4 % and 11 %, and with the gradients of
    /// batches of 16, which are sums of too few products for a normal distribution, 2 % and 9 % (`examples/equilibrium`).
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

    /// The way from a norm to where it settles with what was measured of a tensor: ‖w‖*, of Lion times √m.
    ///
    /// ```text
    /// AdamW, Lion: |w|^2 - |end|^2 falls as e^(-2dt)        SGD with momentum and L2: |w|^4 - |end|^4 as e^(-4*eta*wd*t/(1-mu))
    /// Lion: |end| = |w*|*sqrt(m),  m = R/(s^2*C) / (2/(pi*kappa^2)),  R = 2(1-d)*WD + D2        otherwise |end| = |w*|
    /// ```
    ///
    /// m is what updates add to ‖w‖² in multiples of a walk's ([`Track::memory_of_updates`]), and taken to stay as it is: in
    /// it are κ, s and C, but neither λ nor the norm, so that it foretells what another λ, η or β would do, settled or not.
    /// wdtop's own: the balance 2d·‖w‖² = R of the same paper with R as measured. Until m is known it is 1.
    ///
    /// Gradients grow as the norm falls; where the memory of Adam's v, 1/(1−β2) updates, is longer than τ, v lags behind
    /// that, and the norm arrives later than predicted.
    ///
    /// # Errors
    /// [`Unknown`]
    pub fn approach(&self, norm: f64, track: &Track) -> Result<Approach, Unknown> {
        self.approach_by(norm, track.weights(), track.pressure(), track.memory_of_updates())
    }

    /// The same by E\[‖g‖²·‖w‖²\] and m, where they stand in it.
    pub(super) fn approach_by(
        &self,
        norm: f64,
        weights: usize,
        pressure: Option<f64>,
        memory: Option<f64>,
    ) -> Result<Approach, Unknown> {
        let ideal = self.equilibrium_norm(weights, pressure)?;
        let (target, rate, power) = match self.walk()? {
            Walk::Adam { d, .. } => (ideal, 2.0 * d, 2.0),
            Walk::Lion { d, .. } => (ideal * memory.unwrap_or(1.0).sqrt(), 2.0 * d, 2.0),
            Walk::Sgd { pull, momentum } => (ideal, 4.0 * pull / (1.0 - momentum), 4.0),
        };
        Ok(Approach { from: norm, target, rate, power, error: ERROR })
    }

    /// What an update of Lion's adds to ‖w‖² in a walk, apart from decay, of a tensor of so many weights: s²·C·2/(πκ²).
    /// `None` for rules whose updates add the same however gradients follow each other, or that have no formula.
    pub(super) fn gain_of_walk(&self, weights: usize) -> Option<f64> {
        match self.regime.family {
            Family::Lion { beta1, beta2 } => {
                let step = self.scale() / kappa(beta1, beta2);
                Some(step * step * weights as f64 * 2.0 / std::f64::consts::PI)
            }
            Family::Sgd(_) | Family::Adam { .. } | Family::Other => None,
        }
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
            Family::Lion { beta1, beta2 } if decoupled => Walk::Lion { d: self.share()?, kappa: kappa(beta1, beta2) },
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

/// κ, how long Lion's direction c is where gradients without correlation have length 1.
fn kappa(beta1: f64, beta2: f64) -> f64 {
    ((1.0 - beta1).powi(2) + beta1.powi(2) * (1.0 - beta2) / (1.0 + beta2)).sqrt()
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
    /// Where it settles.
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

    /// Updates until the norm is within [`SETTLED`] of where it settles; 0 where it is.
    pub fn time(&self) -> f64 {
        let Approach { from, target, rate, power, .. } = *self;
        let edge = if from > target { 1.0 + SETTLED } else { 1.0 - SETTLED };
        let (start, end) = ((from / target).powf(power) - 1.0, edge.powf(power) - 1.0);
        if start.abs() <= end.abs() { 0.0 } else { (start / end).ln() / rate }
    }
}
