//! Settings of the data: which set, how it is split, cut and scaled.

use anyhow::{Result, anyhow};
use clap::Args;
use serde::{Deserialize, Deserializer, Serialize};
use toml::Table;

use super::{at_least_one, number, whole};
use crate::stream::{DataConfig, Missing, SeriesConfig, Standardise, Task};

/// Options that are also the keys of a recipe.
#[derive(Debug, Default, Args, Serialize)]
pub struct DataSettings {
    /// An embedded set (fashion-mnist-12k, co2-weekly, sunspots-monthly), a file (.csv, .tsv, .npy, .npz, CIFAR .bin,
    /// IDX) or a folder of IDX files, CIFAR .bin files or .npy arrays
    #[arg(long, value_name = "SET|PATH")]
    data: Option<String>,

    /// Validate with the samples of this file or folder
    #[arg(long, value_name = "PATH", conflicts_with = "validation_fraction")]
    validation: Option<String>,

    /// Hold out this share of the training samples to validate with; of a series its last part in time [default: 0.2
    /// where the data has no validation samples of its own]
    #[arg(long, value_name = "SHARE", value_parser = number, allow_negative_numbers = true)]
    validation_fraction: Option<f64>,

    /// Which samples are held out; apart from --seed, so that runs of different seeds are judged by the same samples
    #[arg(long, value_name = "N", value_parser = whole)]
    split_seed: Option<i64>,

    /// The column of a table that is to be predicted, or several of them; of a series the one that is read
    #[arg(long, value_name = "COLUMN,…", value_delimiter = ',')]
    target: Option<Vec<String>>,

    /// Columns of a table that are left out
    #[arg(long, value_name = "COLUMN,…", value_delimiter = ',')]
    ignore: Option<Vec<String>>,

    /// What the target is: classes, or values to come close to [default: by what it looks like]
    #[arg(long, value_name = "NAME", value_parser = ["classes", "values"])]
    task: Option<String>,

    /// What becomes of samples with a missing value: an error, left out, or filled in with the training samples' mean
    #[arg(long, value_name = "NAME", value_parser = ["error", "drop", "mean"])]
    missing: Option<String>,

    /// Cut a series into samples of N past values
    #[arg(long, value_name = "N", value_parser = at_least_one)]
    window: Option<i64>,

    /// Predict the next N values of a series [default: 1]
    #[arg(long, value_name = "N", value_parser = at_least_one)]
    horizon: Option<i64>,

    /// Take the value before off each value of a series
    #[arg(long, value_name = "true|false", num_args = 0..=1, default_missing_value = "true", require_equals = true)]
    difference: Option<bool>,

    /// Bring to mean 0 and standard deviation 1, by the training samples: nothing, inputs (of images by channel), or
    /// all, target values too [default: none for images, all otherwise]
    #[arg(long, value_name = "NAME", value_parser = ["none", "inputs", "all"])]
    standardise: Option<String>,

    /// Show a grey image N times, as channels, to a network that takes N
    #[arg(long, value_name = "N", value_parser = at_least_one)]
    repeat_channels: Option<i64>,

    /// Change training images each time they are shown: flip mirrors every other one, shift=2 moves by up to 2 pixels
    #[arg(long, value_name = "flip,shift=N", value_delimiter = ',')]
    augment: Option<Vec<String>>,

    /// Train on the first N samples only
    #[arg(long, value_name = "N", value_parser = at_least_one)]
    train_samples: Option<i64>,

    /// Redraw this share of the training labels uniformly over all classes
    #[arg(long, value_name = "SHARE", value_parser = number, allow_negative_numbers = true)]
    label_noise: Option<f64>,

    /// Which labels are redrawn, and to what; apart from --seed, so that runs of different seeds learn the same labels
    #[arg(long, value_name = "N", value_parser = whole)]
    label_noise_seed: Option<i64>,
}

/// The same with every value in place.
#[derive(Debug, Deserialize)]
pub struct CompleteData {
    data: String,
    validation: Option<String>,
    validation_fraction: Option<f64>,
    split_seed: u64,
    #[serde(deserialize_with = "one_or_more")]
    target: Vec<String>,
    #[serde(deserialize_with = "one_or_more")]
    ignore: Vec<String>,
    task: Option<Task>,
    missing: Missing,
    window: Option<u64>,
    horizon: Option<u64>,
    difference: bool,
    standardise: Option<Standardise>,
    repeat_channels: u64,
    #[serde(deserialize_with = "one_or_more")]
    augment: Vec<String>,
    train_samples: Option<u64>,
    label_noise: f64,
    label_noise_seed: u64,
    /// The keys that are none of these. They are not read from the same table at once: a nested struct's errors would
    /// not name their key.
    #[serde(flatten)]
    pub rest: Table,
}

/// What holds where nobody says otherwise.
pub const DEFAULTS: &str = r#"
data = "fashion-mnist-12k"
split_seed = 3
target = []
ignore = []
missing = "error"
difference = false
repeat_channels = 1
augment = []
label_noise = 0.0
label_noise_seed = 3
"#;

impl CompleteData {
    /// What the run is given; whether it fits the data shows when that is read.
    ///
    /// # Errors
    /// A setting that needs another, or a word that is none.
    pub fn check(self) -> Result<DataConfig> {
        Ok(DataConfig {
            source: self.data,
            validation: self.validation,
            validation_fraction: self.validation_fraction,
            split_seed: self.split_seed,
            train_samples: self.train_samples.map(|count| count as usize),
            label_noise: self.label_noise,
            label_noise_seed: self.label_noise_seed,
            target: self.target,
            ignore: self.ignore,
            task: self.task,
            missing: self.missing,
            series: read_series(self.window, self.horizon, self.difference)?,
            standardise: self.standardise,
            repeat_channels: self.repeat_channels as usize,
            augment: self.augment.iter().map(|word| word.parse()).collect::<Result<_, _>>()?,
        })
    }
}

/// What a recipe says of its own data means something else, or nothing, for another set that was asked for.
pub fn forget_other(recipe: &mut Table, flags: &Table, defaults: &Table) {
    const OF_DATA: [&str; 13] = [
        "validation",
        "validation_fraction",
        "target",
        "ignore",
        "task",
        "missing",
        "window",
        "horizon",
        "difference",
        "standardise",
        "train_samples",
        "label_noise",
        "label_noise_seed",
    ];
    if flags.contains_key("validation") || flags.contains_key("validation_fraction") {
        // One way to validate takes the place of another.
        recipe.retain(|key, _| !matches!(key, "validation" | "validation_fraction"));
    }
    if flags.get("data").is_some_and(|asked| Some(asked) != recipe.get("data").or(defaults.get("data"))) {
        recipe.retain(|key, _| !OF_DATA.contains(&key));
    }
}

/// How a series is cut: a window makes the data one.
fn read_series(window: Option<u64>, horizon: Option<u64>, difference: bool) -> Result<Option<SeriesConfig>> {
    let Some(window) = window else {
        return match (horizon, difference) {
            (None, false) => Ok(None),
            (Some(_), _) => Err(anyhow!("horizon needs window, the number of past values in a sample")),
            (None, true) => Err(anyhow!("difference needs window, the number of past values in a sample")),
        };
    };
    Ok(Some(SeriesConfig { window: window as usize, horizon: horizon.unwrap_or(1) as usize, difference }))
}

/// A list, or one of its items alone, or several of them with commas between.
fn one_or_more<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged, expecting = "a word or a list of words")]
    enum OneOrMore {
        One(String),
        More(Vec<String>),
    }

    Ok(match OneOrMore::deserialize(deserializer)? {
        OneOrMore::One(words) => words.split(',').map(|word| word.trim().to_owned()).collect(),
        OneOrMore::More(words) => words,
    })
}
