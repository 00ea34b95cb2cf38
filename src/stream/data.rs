//! The data set of a run, and what is done to it before training.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// The data set and what is done to it before training.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DataConfig {
    /// The name of an embedded set, a file or a folder.
    pub source: String,
    /// A file or folder of validation samples, in place of those that come with the source.
    #[serde(default)]
    pub validation: Option<String>,
    /// The share of the samples that is held out for validation, in place of those that come with the source.
    #[serde(default)]
    pub validation_fraction: Option<f64>,
    /// Which samples are held out. It is not the run's seed: runs of different seeds are compared on the same ones.
    #[serde(default = "first_split")]
    pub split_seed: u64,
    /// Keep only the first so many training samples.
    pub train_samples: Option<usize>,
    /// The share of the kept training labels that is redrawn uniformly over all classes, 0 to 1.
    pub label_noise: f64,
    /// Which labels are redrawn, and to what. It is not the run's seed: runs of different seeds are compared on the
    /// same labels.
    pub label_noise_seed: u64,
    /// The columns of a table that are to be predicted; of a series the one that is read.
    #[serde(default)]
    pub target: Vec<String>,
    /// The columns of a table that are left out.
    #[serde(default)]
    pub ignore: Vec<String>,
    /// What the targets are; `None` tells it by what they look like.
    #[serde(default)]
    pub task: Option<Task>,
    /// What becomes of samples with a gap.
    #[serde(default)]
    pub missing: Missing,
    /// How a series is cut; `None` where the data is none.
    #[serde(default)]
    pub series: Option<SeriesConfig>,
    /// What is brought to mean 0 and standard deviation 1; `None` leaves it to the kind of data.
    #[serde(default)]
    pub standardise: Option<Standardise>,
    /// Show a grey image so many times, as channels.
    #[serde(default = "once")]
    pub repeat_channels: usize,
    /// What is done to a training image each time it is shown.
    #[serde(default)]
    pub augment: Vec<Augmentation>,
}

/// The split seed where nobody says otherwise.
pub const SPLIT_SEED: u64 = 3;

fn first_split() -> u64 {
    SPLIT_SEED
}

fn once() -> usize {
    1
}

impl DataConfig {
    /// A source as it is.
    pub fn new(source: impl Into<String>) -> Self {
        DataConfig {
            source: source.into(),
            validation: None,
            validation_fraction: None,
            split_seed: SPLIT_SEED,
            train_samples: None,
            label_noise: 0.0,
            label_noise_seed: 3,
            target: Vec::new(),
            ignore: Vec::new(),
            task: None,
            missing: Missing::default(),
            series: None,
            standardise: None,
            repeat_channels: 1,
            augment: Vec::new(),
        }
    }

    /// Whether the validation samples are those that come with the source, where it has some.
    pub fn uses_own_validation(&self) -> bool {
        self.validation.is_none() && self.validation_fraction.is_none()
    }
}

/// What a target is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Task {
    /// One of several classes.
    Classes,
    /// Numbers.
    Values,
}

/// What becomes of samples with a missing value.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Missing {
    /// There must be none.
    #[default]
    Error,
    /// They are left out.
    Drop,
    /// A missing input is its mean over the training samples; samples whose target is missing are left out.
    Mean,
}

/// What is brought to mean 0 and standard deviation 1 over the training samples.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Standardise {
    /// Nothing.
    None,
    /// Each input column, or each channel of images.
    Inputs,
    /// These, and the values that are to be predicted.
    All,
}

/// How a series becomes samples.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeriesConfig {
    /// Past values in a sample.
    pub window: usize,
    /// Next values that are to be predicted.
    pub horizon: usize,
    /// Whether each value has the one before it taken off first.
    pub difference: bool,
}

/// What is done to a training image each time it is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Augmentation {
    /// Mirrored left to right, every other time.
    Flip,
    /// Moved by up to so many pixels each way, 0 where nothing comes in.
    Shift(u8),
}

/// A word that is no augmentation.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("augment takes flip and shift=PIXELS with 1 to 255 pixels, like flip,shift=2, got `{0}`")]
pub struct AugmentationError(String);

impl FromStr for Augmentation {
    type Err = AugmentationError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.trim().split_once('=') {
            None if text.trim() == "flip" => Ok(Augmentation::Flip),
            Some(("shift", pixels)) => match pixels.parse() {
                Ok(pixels @ 1..) => Ok(Augmentation::Shift(pixels)),
                _ => Err(AugmentationError(text.to_owned())),
            },
            _ => Err(AugmentationError(text.to_owned())),
        }
    }
}

impl TryFrom<String> for Augmentation {
    type Error = AugmentationError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Augmentation> for String {
    fn from(augmentation: Augmentation) -> String {
        augmentation.to_string()
    }
}

impl fmt::Display for Augmentation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Augmentation::Flip => f.write_str("flip"),
            Augmentation::Shift(pixels) => write!(f, "shift={pixels}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_older_session_reads_with_what_held_then() {
        let old = r#"{"source":"fashion-mnist-12k","train_samples":null,"label_noise":0.0,"label_noise_seed":3}"#;
        assert_eq!(serde_json::from_str::<DataConfig>(old).unwrap(), DataConfig::new("fashion-mnist-12k"));
    }

    #[test]
    fn an_augmentation_reads_as_it_is_written() {
        for augmentation in [Augmentation::Flip, Augmentation::Shift(2), Augmentation::Shift(255)] {
            let text = serde_json::to_string(&augmentation).unwrap();
            assert_eq!(serde_json::from_str::<Augmentation>(&text).unwrap(), augmentation);
        }
        for wrong in ["", "flop", "shift", "shift=0", "shift=256", "shift=-1", "flip=2"] {
            let error = wrong.parse::<Augmentation>().unwrap_err().to_string();
            assert!(error.contains("flip,shift=2") && error.ends_with(&format!("got `{wrong}`")), "{error}");
        }
    }
}
