//! λ in other units: what is typed, and what is shown beside it.

use std::str::FromStr;

use thiserror::Error;

use super::forces::Forces;
use super::timescale::HalfLife;
use super::unknown::Unknown;

/// An amount of weight decay in the unit it was typed in: `0.01`, `tau=500`, `tau=2ep`, `half=500`, `half=2ep`,
/// `d=1e-5`, `lambda_norm=0.05`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Amount {
    /// λ itself.
    WeightDecay(f64),
    /// d, the share that one update removes.
    Share(f64),
    /// τ in updates.
    Steps(f64),
    /// τ in epochs.
    Epochs(f64),
    /// The half-life in updates.
    HalfLife(f64),
    /// The half-life in epochs.
    HalfLifeEpochs(f64),
    /// λ normalised by the length of the run.
    Normalised(f64),
}

/// Why an amount is none, or has no λ.
#[derive(Debug, Error, PartialEq)]
pub enum AmountError {
    /// Neither a number nor a unit with one.
    #[error("`{0}` is no amount of weight decay: a number, or tau=500, tau=2ep, half=500, d=1e-5, lambda_norm=0.05")]
    Unreadable(String),
    /// A time that is none.
    #[error("{unit} must be finite and above 0, got {value}")]
    NoTime {
        /// `tau`, `half`
        unit: &'static str,
        /// What was typed.
        value: f64,
    },
    /// The rule has no such measure.
    #[error("{unit} has no meaning here: {reason}")]
    Unknown {
        /// `tau`, `half`, `d`, `lambda_norm`
        unit: &'static str,
        /// Why.
        reason: Unknown,
    },
    /// Every λ gives the same.
    #[error("no λ gives {unit}={value} while η is 0")]
    Standing {
        /// `tau`, `half`, `d`, `lambda_norm`
        unit: &'static str,
        /// What was typed.
        value: f64,
    },
    /// The run has no end.
    #[error("lambda_norm needs a run with an end; this one runs until it is stopped")]
    Endless,
}

/// What one unit is in another: the forces and the run's measures of time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Exchange {
    /// The optimizer and η; its λ does not matter.
    pub forces: Forces,
    /// Updates in an epoch.
    pub steps_per_epoch: u64,
    /// √(B·T/b): the root of the run's length in batches; `None` while it has no end.
    pub root_batches: Option<f64>,
}

impl FromStr for Amount {
    type Err = AmountError;

    fn from_str(text: &str) -> Result<Amount, AmountError> {
        let unreadable = || AmountError::Unreadable(text.trim().to_owned());
        let Some((unit, value)) = text.split_once('=') else {
            return text.trim().parse().map(Amount::WeightDecay).map_err(|_| unreadable());
        };
        let (value, epochs) = match value.trim().strip_suffix("ep") {
            Some(value) => (value.trim(), true),
            None => (value.trim(), false),
        };
        let value: f64 = value.parse().map_err(|_| unreadable())?;
        let time = |unit, amount: fn(f64) -> Amount| {
            if value > 0.0 && value.is_finite() { Ok(amount(value)) } else { Err(AmountError::NoTime { unit, value }) }
        };
        match (unit.trim(), epochs) {
            ("tau" | "τ", false) => time("tau", Amount::Steps),
            ("tau" | "τ", true) => time("tau", Amount::Epochs),
            ("half", false) => time("half", Amount::HalfLife),
            ("half", true) => time("half", Amount::HalfLifeEpochs),
            ("d", false) => Ok(Amount::Share(value)),
            ("lambda_norm", false) => Ok(Amount::Normalised(value)),
            ("lambda" | "wd" | "λ", false) => Ok(Amount::WeightDecay(value)),
            _ => Err(unreadable()),
        }
    }
}

impl Exchange {
    /// λ of an amount.
    ///
    /// # Errors
    /// [`AmountError`] where the rule has no such measure.
    pub fn weight_decay(&self, amount: Amount) -> Result<f64, AmountError> {
        let epoch = self.steps_per_epoch as f64;
        match amount {
            Amount::WeightDecay(value) => Ok(value),
            Amount::Share(value) => self.of_share("d", value, value),
            Amount::Steps(steps) => self.of_time("tau", steps),
            Amount::Epochs(epochs) => self.of_time("tau", epochs * epoch),
            Amount::HalfLife(steps) => self.of_half_life(steps),
            Amount::HalfLifeEpochs(epochs) => self.of_half_life(epochs * epoch),
            Amount::Normalised(value) => {
                let root = self.root_batches.ok_or(AmountError::Endless)?;
                self.of_share("lambda_norm", value, value / root)
            }
        }
    }

    fn of_share(&self, unit: &'static str, value: f64, share: f64) -> Result<f64, AmountError> {
        // d is proportional to λ in every form.
        let one = Forces { weight_decay: 1.0, ..self.forces }.share();
        match one.map_err(|reason| AmountError::Unknown { unit, reason })? {
            0.0 => Err(AmountError::Standing { unit, value }),
            one => Ok(share / one),
        }
    }

    fn of_time(&self, unit: &'static str, steps: f64) -> Result<f64, AmountError> {
        self.forces.weight_decay_for(steps).map_err(|reason| match reason {
            Unknown::NoDecay => AmountError::Standing { unit, value: steps },
            reason => AmountError::Unknown { unit, reason },
        })
    }

    fn of_half_life(&self, steps: f64) -> Result<f64, AmountError> {
        // With momentum τ·ln 2; otherwise the share that leaves a half after so many updates.
        match self.forces.share() {
            Ok(_) => self.of_share("half", steps, 1.0 - (-std::f64::consts::LN_2 / steps).exp()),
            Err(_) => self.of_time("half", steps / std::f64::consts::LN_2),
        }
    }

    /// λ in every unit that has a meaning, as `number` writes numbers: `d 5e-5`, `τ 20000 steps`, …
    pub fn describe(&self, weight_decay: f64, number: impl Fn(f64) -> String) -> Vec<String> {
        let forces = Forces { weight_decay, ..self.forces };
        let time = |steps: f64| if steps.is_finite() { number(steps) } else { "∞".into() };
        let mut parts = vec![format!("λ {}", number(weight_decay))];
        if let Ok(share) = forces.share() {
            let lost = if forces.is_lost_in_f32() { " (no effect in f32)" } else { "" };
            parts.push(format!("d {}{lost}", number(share)));
        }
        if let Ok(timescale) = forces.timescale() {
            parts.push(format!("τ {} steps", time(timescale.steps)));
            parts.push(format!("τ {} epochs", time(timescale.epochs(self.steps_per_epoch))));
            parts.push(match timescale.half_life() {
                HalfLife::Steps(steps) => format!("half-life {}", time(steps)),
                HalfLife::Overshoots => "overshoots".into(),
            });
        }
        if let Some(Ok(normalised)) = self.root_batches.map(|root| forces.normalised(root)) {
            parts.push(format!("λ_norm {}", number(normalised)));
        }
        parts
    }
}
