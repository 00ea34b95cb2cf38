//! How long the weights remember.

use super::forces::Forces;
use super::regime::{Factor, Family, Form, Momentum};
use super::unknown::Unknown;
use crate::stream::DecayMode;

/// τ, the number of past updates that the weights average over.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Timescale {
    /// τ in updates; infinite without decay.
    pub steps: f64,
    form: Shrinking,
}

/// How decay acts on the weights.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Shrinking {
    /// By a share of itself in each update.
    Share(f64),
    /// Through momentum, which spreads a pull over many updates.
    Spread,
}

/// In how many updates decay alone halves the weights.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum HalfLife {
    /// In so many; infinite without decay.
    Steps(f64),
    /// Each update throws the weights past zero.
    Overshoots,
}

impl Forces {
    /// τ (Wang & Aitchison 2024, arXiv 2405.13698). Below one epoch is too short, far above the run is no decay.
    ///
    /// ```text
    /// decoupled, or plain gradient descent with L2: 1/d
    /// SGD with momentum and L2: (1-mu)/(eta*wd*(1-dampening))
    /// ```
    ///
    /// # Errors
    /// [`Unknown`]: Adam with L2 has none.
    pub fn timescale(&self) -> Result<Timescale, Unknown> {
        let regime = self.regime;
        match (regime.decay_mode, regime.family) {
            (DecayMode::L2, _) if regime.hooks > 0 => Err(Unknown::Hooked),
            (DecayMode::L2, Family::Sgd(Momentum { momentum, dampening, form })) if momentum != 0.0 => {
                // What a constant gradient moves the weights by in the long run, in units of η.
                let gain = match form {
                    Form::Heavy => (1.0 - dampening) / (1.0 - momentum),
                    Form::Nesterov => 1.0 + momentum * (1.0 - dampening) / (1.0 - momentum),
                };
                match 1.0 / (self.lr * self.weight_decay * gain) {
                    steps if steps > 0.0 => Ok(Timescale { steps, form: Shrinking::Spread }),
                    _ => Err(Unknown::NoFormula),
                }
            }
            _ => self.share().map(|d| Timescale { steps: 1.0 / d, form: Shrinking::Share(d) }),
        }
    }

    /// The λ whose τ is this many updates.
    ///
    /// # Errors
    /// [`Unknown`] where no λ has one: η is 0, or the rule has no τ.
    pub fn weight_decay_for(&self, steps: f64) -> Result<f64, Unknown> {
        // τ is inversely proportional to λ in every form.
        let one = Forces { weight_decay: 1.0, ..*self }.timescale()?;
        if one.steps.is_finite() { Ok(one.steps / steps) } else { Err(Unknown::NoDecay) }
    }

    /// d as an update in f32 applies it; in f64 where decay is no factor of its own.
    pub fn applied_share(&self) -> Result<f64, Unknown> {
        let d = self.share()?;
        Ok(if self.regime.decay_mode == DecayMode::L2 { d } else { applied_in_f32(d) })
    }

    /// Whether λ does nothing although it is not 0: the factor 1 − d is 1 in f32.
    pub fn is_lost_in_f32(&self) -> bool {
        self.share().is_ok_and(|d| d > 0.0) && self.applied_share() == Ok(0.0)
    }

    /// λ normalised by the length of training, `d / sqrt(b/(B·T))` with batch size b, B training samples and T epochs:
    /// `root_batches` is √(B·T/b). 0.025 to 0.05 was best there (Loshchilov & Hutter 2019, arXiv 1711.05101, appendix
    /// B.1).
    ///
    /// # Errors
    /// [`Unknown`] where there is no d.
    pub fn normalised(&self, root_batches: f64) -> Result<f64, Unknown> {
        Ok(self.share()? * root_batches)
    }

    /// Whether λ acts without η: Chainer's decoupled decay.
    pub fn decays_without_lr(&self) -> bool {
        self.regime.decay_mode == DecayMode::Decoupled && matches!(self.regime.factor, Factor::Eta(_))
    }
}

/// 1 − d rounded to f32, as a share again: below about 3e-8 nothing decays at all.
pub fn applied_in_f32(share: f64) -> f64 {
    1.0 - f64::from((1.0 - share) as f32)
}

impl Timescale {
    /// `ln 2 / −ln|1 − d|` updates; `τ·ln 2` with momentum.
    pub fn half_life(&self) -> HalfLife {
        match self.form {
            Shrinking::Share(d) if d >= 1.0 => HalfLife::Overshoots,
            Shrinking::Share(d) => HalfLife::Steps(std::f64::consts::LN_2 / -f64::ln_1p(-d)),
            Shrinking::Spread => HalfLife::Steps(self.steps * std::f64::consts::LN_2),
        }
    }

    /// The share of the weights that is left after one update: 1 − d, e^(−1/τ) with momentum.
    pub fn kept(&self) -> f64 {
        match self.form {
            Shrinking::Share(d) => 1.0 - d,
            Shrinking::Spread => (-1.0 / self.steps).exp(),
        }
    }

    /// τ/M in epochs of M updates.
    pub fn epochs(&self, steps_per_epoch: u64) -> f64 {
        self.steps / steps_per_epoch as f64
    }
}
