//! What a run warns of by itself.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::number;

/// Something that should not go on like this, with the number that raised it and what to do about it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Alert {
    /// The next update's index.
    pub step: u64,
    /// Wall time of the run in seconds.
    #[serde(with = "number")]
    pub seconds: f64,
    /// How bad it is.
    pub level: Level,
    /// What was seen.
    pub kind: AlertKind,
    /// The tensor it was seen at; none where it is about the whole network.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tensor: Option<String>,
    /// The number that raised it.
    #[serde(with = "number")]
    pub number: f64,
    /// What that number must not pass.
    #[serde(with = "number")]
    pub bound: f64,
    /// What it means, and what to do.
    pub hint: String,
}

/// How bad something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// Worth knowing.
    Info,
    /// It will end badly unless something is done.
    Warning,
    /// It has ended badly.
    Critical,
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Level::Info => "info",
            Level::Warning => "warning",
            Level::Critical => "critical",
        })
    }
}

/// What can be warned of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AlertKind {
    /// Decay pulls harder than the gradient steps.
    DecayWins,
    /// A norm halved within a short time.
    NormHalved,
    /// A norm is below a hundredth of what it was at the start.
    NormLost,
    /// Weights turn much faster than in equilibrium.
    RotationFast,
    /// Weights turn much slower than in equilibrium.
    RotationSlow,
    /// Layers turn at very different speeds.
    Imbalance,
    /// Validation gets worse while training gets better.
    Overfitting,
    /// The loss is far above what it was.
    LossSpike,
    /// A loss is not a finite number.
    NotFinite,
}

impl AlertKind {
    /// In a few words.
    pub fn words(self) -> &'static str {
        match self {
            AlertKind::DecayWins => "decay wins",
            AlertKind::NormHalved => "norm halved",
            AlertKind::NormLost => "norm lost",
            AlertKind::RotationFast => "turns fast",
            AlertKind::RotationSlow => "turns slowly",
            AlertKind::Imbalance => "layers out of balance",
            AlertKind::Overfitting => "overfitting",
            AlertKind::LossSpike => "loss spike",
            AlertKind::NotFinite => "not finite",
        }
    }

    /// What the number is.
    pub fn measure(self) -> &'static str {
        match self {
            AlertKind::DecayWins => "pull",
            AlertKind::NormHalved | AlertKind::NormLost => "‖w‖",
            AlertKind::RotationFast | AlertKind::RotationSlow => "θ",
            AlertKind::Imbalance => "fastest/slowest",
            AlertKind::Overfitting => "val",
            AlertKind::LossSpike | AlertKind::NotFinite => "loss",
        }
    }
}

impl Alert {
    /// In a line without its step, values as `digits` writes them: `warning: decay wins at fc1.weight (pull 1.3 > 1)`.
    pub fn describe(&self, digits: impl Fn(f64) -> String) -> String {
        let Alert { level, kind, tensor, number, bound, .. } = self;
        let at = tensor.as_ref().map_or(String::new(), |tensor| format!(" at {tensor}"));
        let sign = if number < bound { "<" } else { ">" };
        let numbers = match kind {
            AlertKind::NotFinite => digits(*number),
            _ => format!("{} {} {sign} {}", kind.measure(), digits(*number), digits(*bound)),
        };
        format!("{level}: {}{at} ({numbers})", kind.words())
    }
}
