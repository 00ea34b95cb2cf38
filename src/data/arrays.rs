//! NumPy arrays as samples: `x` holds the inputs, `y` the targets, in one NPZ file or in NPY files side by side.

use std::path::{Path, PathBuf};

use thiserror::Error;

use super::draft::{Draft, DraftInputs, DraftTargets, Loaded};
use super::file::{self, FileError};
use super::npy::{self, Array, Element, NpyError};
use super::npz::{Archive, NpzError};
use super::{DataError, MOST_CLASSES};
use crate::stream::{DataConfig, Missing, Task};

/// What can be wrong with arrays as samples.
#[derive(Debug, Error)]
pub enum ArrayError {
    /// Not there, or not readable.
    #[error(transparent)]
    File(#[from] FileError),
    /// An NPY file.
    #[error(transparent)]
    Npy(#[from] NpyError),
    /// An NPZ file.
    #[error(transparent)]
    Npz(#[from] NpzError),
    /// An archive with other names.
    #[error("{} has no array x (or X, x_train) with its y: it has {}", path.display(), listed(names))]
    Names {
        /// The file.
        path: PathBuf,
        /// The arrays' names.
        names: Vec<String>,
    },
    /// An NPY file that is no inputs.
    #[error(
        "{}: the name of a file of inputs starts with x, like x.npy or x_train.npy, and that of its targets with y; a series needs --window",
        .0.display()
    )]
    Name(PathBuf),
    /// Inputs without targets.
    #[error("{} has no {} beside it for the targets", path.display(), targets.display())]
    NoTargets {
        /// The inputs.
        path: PathBuf,
        /// The name that the targets should have.
        targets: PathBuf,
    },
    /// Of inputs that are neither rows nor images.
    #[error(
        "{name}: inputs of shape ({shape}) are neither rows [n, width] nor images [n, height, width] or [n, channels, height, width]"
    )]
    InputShape {
        /// The array.
        name: String,
        /// Its sizes.
        shape: String,
    },
    /// Of targets that are neither a number nor a row for each sample.
    #[error("{name}: targets of shape ({shape}) are neither one number for each sample, [n], nor rows, [n, values]")]
    TargetShape {
        /// The array.
        name: String,
        /// Its sizes.
        shape: String,
    },
    /// As many targets as inputs.
    #[error("{name} has {inputs} samples, {targets} are in its targets: they must agree")]
    Mismatch {
        /// The inputs.
        name: String,
        /// Samples in them.
        inputs: usize,
        /// Samples in the targets.
        targets: usize,
    },
    /// A number that is the number of no class.
    #[error("{name}: sample {sample} has the class {value}, classes are whole numbers from 0 to {}", MOST_CLASSES - 1)]
    Class {
        /// The targets.
        name: String,
        /// The sample, from 0.
        sample: usize,
        /// What it has.
        value: f64,
    },
    /// Something missing.
    #[error(
        "{name}: sample {sample} has a value that is missing (NaN): --missing drop leaves such samples out, --missing mean fills in the mean"
    )]
    Missing {
        /// The array.
        name: String,
        /// The sample, from 0.
        sample: usize,
    },
    /// Every sample has a gap.
    #[error("{0}: every sample has a missing value, none is left")]
    AllMissing(String),
    /// A number that f32 does not hold.
    #[error("{name}: sample {sample} has {value}, which is not a finite number below 3.4e38")]
    Number {
        /// The array.
        name: String,
        /// The sample, from 0.
        sample: usize,
        /// What it has.
        value: f64,
    },
    /// A series has one dimension.
    #[error("{name}: a series is an array of one dimension, this has the shape ({shape})")]
    Series {
        /// The array.
        name: String,
        /// Its sizes.
        shape: String,
    },
}

fn join(shape: &[usize]) -> String {
    shape.iter().map(usize::to_string).collect::<Vec<_>>().join(", ")
}

fn listed(names: &[String]) -> String {
    if names.is_empty() { "none".to_owned() } else { names.iter().take(20).cloned().collect::<Vec<_>>().join(", ") }
}

/// Inputs and targets with what to call them in a message.
struct Pair {
    name: String,
    inputs: Array,
    target_name: String,
    targets: Array,
}

/// Reads an NPZ file: `x` and `y`, or `x_train`, `y_train`, `x_test` and `y_test`; capital letters do as well.
///
/// # Errors
/// [`DataError`]
pub fn read_npz(path: &Path, config: &DataConfig) -> Result<Loaded, DataError> {
    Ok(read_archive(path, config)?)
}

fn read_archive(path: &Path, config: &DataConfig) -> Result<Loaded, ArrayError> {
    let archive = Archive::open(path)?;
    let pair = |ending: &str| -> Result<Option<Pair>, ArrayError> {
        for (x, y) in [("x", "y"), ("X", "y"), ("X", "Y")] {
            let (x, y) = (format!("{x}{ending}"), format!("{y}{ending}"));
            if !archive.names.contains(&x) || !archive.names.contains(&y) {
                continue;
            }
            if let (Some(inputs), Some(targets)) = (archive.read(&x)?, archive.read(&y)?) {
                let name = |own: &str| format!("{}/{own}.npy", path.display());
                return Ok(Some(Pair { name: name(&x), inputs, target_name: name(&y), targets }));
            }
        }
        Ok(None)
    };
    let train = match pair("_train")? {
        Some(train) => Some(train),
        None => pair("")?,
    };
    let train = train.ok_or_else(|| ArrayError::Names { path: path.into(), names: archive.names.clone() })?;
    let validation = if config.uses_own_validation() { pair("_test")? } else { None };
    load(file::title(path), train, validation, config)
}

/// Reads an NPY file of inputs, `x….npy`, with its targets, `y….npy`, beside it.
///
/// # Errors
/// [`DataError`]
pub fn read_npy(path: &Path, config: &DataConfig) -> Result<Loaded, DataError> {
    Ok(load(file::title(path), read_pair(path)?, None, config)?)
}

/// Reads a folder with `x_train.npy` and `y_train.npy`, and `x_test.npy` and `y_test.npy` where they are there.
///
/// # Errors
/// [`DataError`]
pub fn read_folder(folder: &Path, title: String, config: &DataConfig) -> Result<Loaded, DataError> {
    let train = ["x_train.npy", "x.npy"].map(|name| folder.join(name));
    let train = train.iter().find(|path| path.exists()).unwrap_or(&train[0]);
    let test = folder.join("x_test.npy");
    let validation = (config.uses_own_validation() && test.exists()).then(|| read_pair(&test)).transpose()?;
    Ok(load(title, read_pair(train)?, validation, config)?)
}

/// Reads an NPY file of one dimension.
///
/// # Errors
/// [`DataError`]
pub fn read_series(path: &Path) -> Result<Vec<f64>, DataError> {
    Ok(series(path)?)
}

fn series(path: &Path) -> Result<Vec<f64>, ArrayError> {
    let array = npy::read(path, file::open(path)?)?;
    let name = path.display().to_string();
    if array.shape.len() != 1 {
        return Err(ArrayError::Series { name, shape: join(&array.shape) });
    }
    let values = array.values();
    check_range(&name, &values, 1)?;
    Ok(values)
}

fn read_pair(path: &Path) -> Result<Pair, ArrayError> {
    let own = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let targets = match own.split_at_checked(1) {
        Some(("x", rest)) => path.with_file_name(format!("y{rest}")),
        Some(("X", rest)) => {
            let capital = path.with_file_name(format!("Y{rest}"));
            if capital.exists() { capital } else { path.with_file_name(format!("y{rest}")) }
        }
        _ => return Err(ArrayError::Name(path.into())),
    };
    let inputs = npy::read(path, file::open(path)?)?;
    if !targets.exists() {
        return Err(ArrayError::NoTargets {
            path: path.into(),
            targets: targets.file_name().unwrap_or_default().into(),
        });
    }
    let target_name = targets.display().to_string();
    Ok(Pair {
        name: path.display().to_string(),
        inputs,
        target_name,
        targets: npy::read(&targets, file::open(&targets)?)?,
    })
}

fn load(title: String, train: Pair, validation: Option<Pair>, config: &DataConfig) -> Result<Loaded, ArrayError> {
    let (train, mut left_out) = draft(&train, config)?;
    let validation = match validation {
        Some(pair) => {
            let (draft, dropped) = draft(&pair, config)?;
            left_out += dropped;
            Some(draft)
        }
        None => None,
    };
    Ok(Loaded { title, train, validation, classes: Vec::new(), left_out })
}

/// One pair's samples, and how many were left out.
fn draft(pair: &Pair, config: &DataConfig) -> Result<(Draft, usize), ArrayError> {
    let (samples, targets) = (pair.inputs.shape[0], pair.targets.shape[0]);
    if samples != targets {
        return Err(ArrayError::Mismatch { name: pair.name.clone(), inputs: samples, targets });
    }
    let (sizes, layout) = match pair.inputs.shape[1..] {
        [width] => (vec![width], Layout::AsIs),
        [height, width] => (vec![1, height, width], Layout::AsIs),
        // Few channels first, as PyTorch has them, or last, as Keras does.
        [height, width, channels @ (1 | 3)] if !matches!(height, 1 | 3) => {
            (vec![channels, height, width], Layout::ChannelsLast)
        }
        [channels, height, width] => (vec![channels, height, width], Layout::AsIs),
        _ => {
            let (name, shape) = (pair.name.clone(), join(&pair.inputs.shape));
            return Err(ArrayError::InputShape { name, shape });
        }
    };
    let inputs = match pair.inputs.bytes() {
        Some(bytes) => DraftInputs::Bytes(layout.channels_first(bytes, &sizes)),
        None => {
            let values = pair.inputs.values();
            check_range(&pair.name, &values, values.len() / samples)?;
            DraftInputs::Floats(layout.channels_first(values, &sizes), Vec::new())
        }
    };
    let targets = read_targets(pair, config)?;
    let draft = Draft { inputs, sizes, targets };
    let kept = without_gaps(pair, &draft, config.missing)?;
    let left_out = samples - kept.len();
    Ok((if left_out > 0 { draft.select(&kept) } else { draft }, left_out))
}

/// Where an image's channels are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Layout {
    AsIs,
    ChannelsLast,
}

impl Layout {
    fn channels_first<V: Copy>(self, values: Vec<V>, sizes: &[usize]) -> Vec<V> {
        match (self, sizes) {
            (Layout::ChannelsLast, &[channels, height, width]) => values
                .chunks_exact(channels * height * width)
                .flat_map(|image| (0..channels).flat_map(move |at| image[at..].iter().step_by(channels).copied()))
                .collect(),
            _ => values,
        }
    }
}

fn read_targets(pair: &Pair, config: &DataConfig) -> Result<DraftTargets, ArrayError> {
    let array = &pair.targets;
    let columns = match array.shape[1..] {
        [] => 1,
        [columns] => columns,
        _ => {
            let (name, shape) = (pair.target_name.clone(), join(&array.shape));
            return Err(ArrayError::TargetShape { name, shape });
        }
    };
    let values = array.values();
    check_range(&pair.target_name, &values, columns)?;
    let task = config.task.unwrap_or(match array.element {
        Element::Float => Task::Values,
        _ if columns > 1 => Task::Values,
        Element::Byte | Element::Bool | Element::Signed | Element::Unsigned => Task::Classes,
    });
    match task {
        Task::Values => Ok(DraftTargets::Values(columns, values)),
        Task::Classes if columns > 1 => {
            let (name, shape) = (pair.target_name.clone(), join(&array.shape));
            Err(ArrayError::TargetShape { name, shape })
        }
        Task::Classes => {
            let is_class = |value: f64| value.fract() == 0.0 && (0.0..MOST_CLASSES as f64).contains(&value);
            let class = |(sample, &value): (usize, &f64)| {
                let name = || pair.target_name.clone();
                if is_class(value) { Ok(value as u32) } else { Err(ArrayError::Class { name: name(), sample, value }) }
            };
            Ok(DraftTargets::Classes(values.iter().enumerate().map(class).collect::<Result<_, _>>()?))
        }
    }
}

/// NaN is a missing value; what is infinite in f32 is an error.
fn check_range(name: &str, values: &[f64], width: usize) -> Result<(), ArrayError> {
    match values.iter().position(|value| (*value as f32).is_infinite()) {
        Some(at) => Err(ArrayError::Number { name: name.to_owned(), sample: at / width.max(1), value: values[at] }),
        None => Ok(()),
    }
}

/// The samples that stay.
fn without_gaps(pair: &Pair, draft: &Draft, missing: Missing) -> Result<Vec<usize>, ArrayError> {
    let width = draft.width();
    let gap =
        |values: &[f64], width: usize, sample: usize| values[sample * width..][..width].iter().any(|v| v.is_nan());
    let input_gap = |sample: usize| match &draft.inputs {
        DraftInputs::Bytes(_) => false,
        DraftInputs::Floats(values, _) => gap(values, width, sample),
    };
    let target_gap = |sample: usize| match &draft.targets {
        DraftTargets::Classes(_) => false,
        DraftTargets::Values(columns, values) => gap(values, *columns, sample),
    };
    let samples = 0..draft.len();
    if missing == Missing::Error {
        let error = |name: &String, sample| Err(ArrayError::Missing { name: name.clone(), sample });
        return match samples.clone().find(|&sample| input_gap(sample) || target_gap(sample)) {
            Some(sample) if input_gap(sample) => error(&pair.name, sample),
            Some(sample) => error(&pair.target_name, sample),
            None => Ok(samples.collect()),
        };
    }
    let stays = |&sample: &usize| !target_gap(sample) && (missing == Missing::Mean || !input_gap(sample));
    let kept: Vec<usize> = samples.filter(stays).collect();
    if kept.is_empty() { Err(ArrayError::AllMissing(pair.name.clone())) } else { Ok(kept) }
}
