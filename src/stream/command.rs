//! What a user (or a script, or a rerun) asks of a running source.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::DecayMode;

/// A wish sent to a source. What comes of it arrives as an [`Event`](super::Event): a setting that was taken as
/// `Edited` with the step of the first update that used it, one that was not as `Refused`.
#[derive(Debug, Clone, PartialEq)]
pub enum Command {
    /// Change a hyperparameter before the next update.
    Set(Setting),
    /// Stop before the next update and wait.
    Pause,
    /// Go on after a pause.
    Resume,
    /// Make one update, then pause.
    StepOnce,
    /// Go on and pause before the update with this 0-based index.
    RunUntil(u64),
    /// Evaluate both data sets before the next update.
    Evaluate,
    /// Keep a line of text with the current step.
    Note(String),
    /// Keep a snapshot before the next update.
    Snapshot,
    /// Go back to the snapshot of this step, the last there is: its weights, the rule's state and running statistics.
    /// Steps count on, and hyperparameters stay as they are.
    Restore(u64),
    /// Go on without the batch of the next update; steps count it, and nothing is learned from it.
    SkipBatch,
    /// Aim at this many updates a second; 0 is as fast as it goes.
    Pace(f64),
    /// Of a recording: stand before the update with this 0-based index.
    Seek(u64),
    /// Of a recording: stand at the next edit.
    NextEdit,
    /// Keep each update's columns in the recording from here on, after a snapshot, or leave them out.
    Columns(Columns),
    /// Finish: evaluate, report, end.
    Stop,
}

/// Whether a recording keeps the columns of each update. Edits, evaluations and all other events it always keeps.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Columns {
    /// It does.
    #[default]
    Kept,
    /// It does not.
    LeftOut,
}

impl Columns {
    /// The other one.
    pub fn switched(self) -> Columns {
        match self {
            Columns::Kept => Columns::LeftOut,
            Columns::LeftOut => Columns::Kept,
        }
    }
}

/// One change of one hyperparameter.
#[derive(Debug, Clone, PartialEq)]
pub struct Setting {
    /// What is turned.
    pub knob: Knob,
    /// Whose value is turned.
    pub scope: Scope,
    /// The new value; `None` makes a tensor or layer that had a value of its own follow "all" again.
    pub value: Option<f64>,
    /// Who asked for it.
    pub by: Author,
}

/// Who asked for an edit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Author {
    /// A key of the terminal program.
    Keys,
    /// `--edit` on the command line.
    CommandLine,
}

/// A hyperparameter that can be turned while the network trains.
///
/// It is written as its key: `lr`, `weight_decay`, `decay_mode`, or the key of one of the rule's own hyperparameters (`beta1`).
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub enum Knob {
    /// η, `lr`.
    LearningRate,
    /// λ, `weight_decay`.
    WeightDecay,
    /// How λ enters the update, `decay_mode`; its values are those of [`DecayMode::number`].
    DecayMode,
    /// One of the update rule's own, by its key.
    Hyper(String),
}

impl Knob {
    /// The key under which the knob stands in recipes, options and records.
    pub fn key(&self) -> &str {
        match self {
            Knob::LearningRate => "lr",
            Knob::WeightDecay => "weight_decay",
            Knob::DecayMode => "decay_mode",
            Knob::Hyper(key) => key,
        }
    }

    /// A value of it in words: a mode by its name, a number as `number` writes it.
    pub fn show(&self, value: f64, number: impl Fn(f64) -> String) -> String {
        let mode = DecayMode::numbered(value).filter(|_| *self == Knob::DecayMode);
        mode.map_or_else(|| number(value), |mode| mode.to_string())
    }

    /// The sign under which the field knows it: η, λ, or the key itself.
    pub fn symbol(&self) -> &str {
        match self {
            Knob::LearningRate => "η",
            Knob::WeightDecay => "λ",
            Knob::DecayMode => "decay",
            Knob::Hyper(key) => match key.as_str() {
                "beta1" => "β1",
                "beta2" => "β2",
                "eps" => "ε",
                "momentum" => "μ",
                other => other,
            },
        }
    }
}

impl From<String> for Knob {
    fn from(key: String) -> Self {
        match key.as_str() {
            "lr" => Knob::LearningRate,
            "weight_decay" => Knob::WeightDecay,
            "decay_mode" => Knob::DecayMode,
            _ => Knob::Hyper(key),
        }
    }
}

impl From<Knob> for String {
    fn from(knob: Knob) -> Self {
        knob.key().to_owned()
    }
}

/// Whose value an edit changes. Written as `all`, a layer's name (`fc1`) or a tensor's (`fc1.weight`).
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub enum Scope {
    /// Every tensor inside the decay mask that has no value of its own.
    All,
    /// The tensors of one layer.
    Layer(String),
    /// One tensor.
    Tensor(String),
}

impl From<String> for Scope {
    fn from(text: String) -> Self {
        if text == "all" {
            Scope::All
        } else if text.contains('.') {
            Scope::Tensor(text)
        } else {
            Scope::Layer(text)
        }
    }
}

impl From<Scope> for String {
    fn from(scope: Scope) -> Self {
        scope.to_string()
    }
}

impl FromStr for Scope {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(Scope::from(text.to_owned()))
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Scope::All => f.write_str("all"),
            Scope::Layer(name) | Scope::Tensor(name) => f.write_str(name),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knobs_and_scopes_read_back_what_they_write() {
        for key in ["lr", "weight_decay", "decay_mode", "beta1"] {
            assert_eq!(Knob::from(key.to_owned()).key(), key);
        }
        for text in ["all", "fc1", "fc1.weight"] {
            assert_eq!(Scope::from(text.to_owned()).to_string(), text);
        }
        assert_eq!(Scope::from("fc1.weight".to_owned()), Scope::Tensor("fc1.weight".into()));
    }
}
