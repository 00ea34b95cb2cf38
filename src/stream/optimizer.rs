//! Which update rule trains, how weight decay enters it, and what changes η and λ by themselves.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

/// An update rule by name, with the values of the hyperparameters that are its own.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OptimizerConfig {
    /// The rule's name, for example `sgd` or `adamw`.
    pub name: String,
    /// Whose arithmetic the name means.
    #[serde(default)]
    pub convention: Convention,
    /// How λ enters the update.
    pub decay_mode: DecayMode,
    /// What is done to the gradient before the rule sees it, in this order over all tensors.
    #[serde(default)]
    pub hooks: Vec<Hook>,
    /// The rule's own hyperparameters and those of the hooks by key, all of them. A flag is 0 or 1, a name its place
    /// in the list of names.
    pub hyper: BTreeMap<String, f64>,
}

/// Whose arithmetic a rule's name means: the same name is another formula elsewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Convention {
    /// PyTorch 2.
    #[default]
    Torch,
    /// Chainer 7.
    Chainer,
}

impl fmt::Display for Convention {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Convention::Torch => "torch",
            Convention::Chainer => "chainer",
        })
    }
}

/// How weight decay enters an update.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DecayMode {
    /// λ·w is added to the gradient, at the hooks' place `weight_decay`.
    L2,
    /// The weights shrink by ηλ beside the update, which never sees λ; by Chainer's own factor in its convention.
    Decoupled,
    /// Decoupled, and only of the weights that the update does not push the other way (arXiv 2510.12402).
    Cautious,
    /// Decoupled by η²λ/η_max (arXiv 2506.02285).
    Corrected,
    /// λ does nothing.
    None,
}

impl DecayMode {
    /// All, in the order of their numbers: where a mode is a value among others, that is its place here.
    pub const ALL: [DecayMode; 5] =
        [DecayMode::L2, DecayMode::Decoupled, DecayMode::Cautious, DecayMode::Corrected, DecayMode::None];

    /// The mode as a number.
    pub fn number(self) -> f64 {
        DecayMode::ALL.iter().position(|mode| *mode == self).unwrap_or(0) as f64
    }

    /// The mode that a number stands for.
    pub fn numbered(number: f64) -> Option<DecayMode> {
        DecayMode::ALL.into_iter().find(|mode| mode.number() == number)
    }

    /// The mode with this name.
    pub fn named(name: &str) -> Option<DecayMode> {
        DecayMode::ALL.into_iter().find(|mode| mode.to_string() == name)
    }
}

impl fmt::Display for DecayMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            DecayMode::L2 => "l2",
            DecayMode::Decoupled => "decoupled",
            DecayMode::Cautious => "cautious",
            DecayMode::Corrected => "corrected",
            DecayMode::None => "none",
        })
    }
}

/// A change of the gradient before the rule sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Hook {
    /// g + λ·w, of the tensors that decay: the place of coupled L2 among the others.
    WeightDecay,
    /// g + rate·sign(w)
    Lasso,
    /// The gradient of all tensors together is scaled down to a largest 2-norm.
    ClipNorm,
    /// Each value is brought between two bounds.
    ClipValue,
    /// Each tensor's gradient is scaled by ‖w‖/‖g‖ (You, Gitman, Ginsburg 2017).
    Lars,
    /// Gaussian noise that fades (Neelakantan et al. 2015).
    Noise,
}

impl fmt::Display for Hook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Hook::WeightDecay => "weight_decay",
            Hook::Lasso => "lasso",
            Hook::ClipNorm => "clip_norm",
            Hook::ClipValue => "clip_value",
            Hook::Lars => "lars",
            Hook::Noise => "noise",
        })
    }
}

/// Which tensors decay. Written as `weights`, `all`, or a pattern over tensor names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub enum DecayMask {
    /// Weight matrices and kernels; not biases.
    Weights,
    /// Every parameter, as Chainer's hook does.
    All,
    /// The tensors whose name matches: `*` stands for any characters, `?` for one.
    Glob(String),
}

impl From<String> for DecayMask {
    fn from(text: String) -> Self {
        match text.as_str() {
            "weights" => DecayMask::Weights,
            "all" => DecayMask::All,
            _ => DecayMask::Glob(text),
        }
    }
}

impl From<DecayMask> for String {
    fn from(mask: DecayMask) -> Self {
        mask.to_string()
    }
}

impl fmt::Display for DecayMask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            DecayMask::Weights => "weights",
            DecayMask::All => "all",
            DecayMask::Glob(pattern) => pattern,
        })
    }
}

/// How a hyperparameter moves by itself: a factor for each update, times a base value.
///
/// `steps` that are `None` are the run's own.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Schedule {
    /// It does not.
    #[default]
    Constant,
    /// Times `factor` after every so many updates.
    Step {
        /// Updates between two changes.
        every: u64,
        /// What the value is multiplied with.
        factor: f64,
    },
    /// Down half a cosine, to `end` times the base.
    Cosine {
        /// Updates until the end.
        steps: Option<u64>,
        /// Share of the base at the end.
        end: f64,
    },
    /// Up in a straight line from 0, then constant.
    Warmup {
        /// Updates on the way up.
        steps: u64,
    },
    /// Up from 1/25 over the first 30 %, then down to 1/250000, each half a cosine (Smith 2018).
    OneCycle {
        /// Updates until the end.
        steps: Option<u64>,
    },
    /// Up in a straight line from 0, then down as 1/√t (Vaswani et al. 2017).
    InverseSqrt {
        /// Updates on the way up.
        warmup: u64,
    },
}
