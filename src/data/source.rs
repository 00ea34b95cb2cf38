//! From what `--data` says to samples: which kind of source it is, and which files belong to it.

use std::io::Read;
use std::path::{Path, PathBuf};

use super::draft::{Draft, Loaded};
use super::embedded::{self, Embedded};
use super::table::{self, Table, read_series};
use super::{DataError, arrays, cifar, file, idx};
use crate::stream::{DataConfig, SeriesConfig};

/// What a source holds.
pub enum Source {
    /// Samples.
    Samples(Loaded),
    /// A series, and one of its own to validate with.
    Series { title: String, how: SeriesConfig, series: Vec<f64>, validation: Option<Vec<f64>> },
}

/// What a source can be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Embedded(Embedded),
    IdxFolder,
    IdxFile,
    CifarFolder,
    CifarFile,
    ArrayFolder,
    Npz,
    Npy,
    Table,
}

const CIFAR_TRAIN: [&str; 6] =
    ["data_batch_1.bin", "data_batch_2.bin", "data_batch_3.bin", "data_batch_4.bin", "data_batch_5.bin", "train.bin"];
const CIFAR_TEST: [&str; 2] = ["test_batch.bin", "test.bin"];

/// Reads the source of a run.
///
/// # Errors
/// [`DataError`]
pub fn read(config: &DataConfig) -> Result<Source, DataError> {
    let kind = kind_of(&config.source)?;
    check_fit(kind, config)?;
    let path = Path::new(&config.source);
    let series = |read: &dyn Fn(&Path) -> Result<Vec<f64>, DataError>, how| {
        let validation = config.validation.as_deref().map(|path| read(Path::new(path))).transpose()?;
        Ok(Source::Series { title: file::title(path), how, series: read(path)?, validation })
    };
    match (kind, config.series) {
        (Kind::Embedded(Embedded::FashionMnist12k), _) => {
            let mut loaded = embedded::fashion_mnist_12k()?;
            if config.validation_fraction.is_some() {
                loaded.validation = None;
            }
            Ok(Source::Samples(with_validation(loaded, config)?))
        }
        (Kind::Embedded(set), how) => {
            let how = how.ok_or_else(|| DataError::NeedsWindow(config.source.clone()))?;
            let (title, series) = match set {
                Embedded::SunspotsMonthly => ("sunspots, monthly", embedded::sunspots_monthly()?),
                _ => ("CO₂ at Mauna Loa, weekly", embedded::co2_weekly()?),
            };
            let validation =
                config.validation.as_deref().map(|path| series_file(Path::new(path), config)).transpose()?;
            Ok(Source::Series { title: title.into(), how, series, validation })
        }
        (Kind::Table | Kind::Npy, Some(how)) => series(&|path| series_file(path, config), how),
        (Kind::Table, None) => {
            let validation = config.validation.as_deref().map(|path| Table::open(Path::new(path))).transpose()?;
            Ok(Source::Samples(table::encode(&Table::open(path)?, validation.as_ref(), config)?))
        }
        (kind, _) => Ok(Source::Samples(with_validation(read_samples(kind, path, config)?, config)?)),
    }
}

/// The kind of a source: an embedded set by its name, a folder by the files in it, a file by its ending, and where
/// that says nothing by how it starts.
fn kind_of(source: &str) -> Result<Kind, DataError> {
    if let Some(set) = embedded::named(source) {
        return Ok(Kind::Embedded(set));
    }
    let path = Path::new(source);
    let has = |name: &str| path.join(name).exists();
    if path.is_dir() {
        let prefixes = ["train", "t10k"].map(idx::images_name);
        return if prefixes.iter().any(|name| has(name) || has(&format!("{name}.gz"))) {
            Ok(Kind::IdxFolder)
        } else if CIFAR_TRAIN.iter().chain(&CIFAR_TEST).any(|name| has(name)) {
            Ok(Kind::CifarFolder)
        } else if has("x_train.npy") || has("x.npy") {
            Ok(Kind::ArrayFolder)
        } else {
            Err(DataError::UnknownFolder(path.into()))
        };
    }
    if !path.exists() {
        return Err(DataError::UnknownSource(source.to_owned()));
    }
    match file::ending(path).as_str() {
        "csv" | "tsv" => return Ok(Kind::Table),
        "npz" => return Ok(Kind::Npz),
        "npy" => return Ok(Kind::Npy),
        "bin" => return Ok(Kind::CifarFile),
        _ => {}
    }
    let mut start = Vec::new();
    file::open(path)?.take(6).read_to_end(&mut start).map_err(|source| file::FileError::new(path, source))?;
    match start.as_slice() {
        b"\x93NUMPY" => Ok(Kind::Npy),
        [b'P', b'K', 3 | 5, ..] => Ok(Kind::Npz),
        [0, 0, 8, 1 | 3, ..] => Ok(Kind::IdxFile),
        _ if source.contains("idx3-ubyte") => Ok(Kind::IdxFile),
        _ => Err(DataError::UnknownFile(path.into())),
    }
}

/// Refuses settings that mean nothing for a kind of source.
fn check_fit(kind: Kind, config: &DataConfig) -> Result<(), DataError> {
    let is_series = matches!(kind, Kind::Embedded(Embedded::Co2Weekly | Embedded::SunspotsMonthly));
    let is_array = matches!(kind, Kind::Npy | Kind::Npz | Kind::ArrayFolder);
    let unfit = |key, needs| Err(DataError::Unfit { key, needs, source_name: config.source.clone() });
    if config.series.is_some() && !(is_series || matches!(kind, Kind::Table | Kind::Npy)) {
        return unfit("window", "a series: an embedded one, a .csv, a .tsv or a .npy file");
    }
    if !config.target.is_empty() && kind != Kind::Table {
        return unfit("target", "a .csv or .tsv file");
    }
    if !config.ignore.is_empty() && (kind != Kind::Table || config.series.is_some()) {
        return unfit("ignore", "a .csv or .tsv file that is no series");
    }
    if config.task.is_some() && (!(kind == Kind::Table || is_array) || config.series.is_some()) {
        return unfit("task", "a table or NumPy arrays");
    }
    Ok(())
}

fn series_file(path: &Path, config: &DataConfig) -> Result<Vec<f64>, DataError> {
    if file::ending(path) == "npy" {
        return arrays::read_series(path);
    }
    Ok(read_series(&Table::open(path)?, &config.target)?)
}

/// Puts the samples of `--validation` in the place of the source's own.
fn with_validation(mut loaded: Loaded, config: &DataConfig) -> Result<Loaded, DataError> {
    if let Some(source) = &config.validation {
        let (validation, left_out) = read_validation(source, config)?;
        loaded.validation = Some(validation);
        loaded.left_out += left_out;
    }
    Ok(loaded)
}

/// The samples of a source that is read to validate with: of a folder with a test part that part.
fn read_validation(source: &str, config: &DataConfig) -> Result<(Draft, usize), DataError> {
    let kind = kind_of(source)?;
    if matches!(kind, Kind::Embedded(Embedded::Co2Weekly | Embedded::SunspotsMonthly) | Kind::Table) {
        return Err(DataError::OtherKind { validation: source.to_owned(), source_name: config.source.clone() });
    }
    let own = DataConfig { validation: None, validation_fraction: None, ..config.clone() };
    let loaded = match kind {
        Kind::Embedded(_) => embedded::fashion_mnist_12k()?,
        kind => read_samples(kind, Path::new(source), &own)?,
    };
    Ok((loaded.validation.unwrap_or(loaded.train), loaded.left_out))
}

/// Reads files of images or arrays.
fn read_samples(kind: Kind, path: &Path, config: &DataConfig) -> Result<Loaded, DataError> {
    let title = path.file_name().map_or_else(|| path.display().to_string(), |name| name.to_string_lossy().into());
    let images = |title: String, train: Draft, validation: Option<Draft>, classes: Vec<String>| Loaded {
        title,
        train,
        validation,
        classes,
        left_out: 0,
    };
    let own = config.uses_own_validation();
    match kind {
        Kind::IdxFolder => {
            let has = |prefix| {
                let name = idx::images_name(prefix);
                path.join(&name).exists() || path.join(format!("{name}.gz")).exists()
            };
            match (has("train"), has("t10k")) {
                // A folder of test images alone: to validate with.
                (false, true) => Ok(images(title, idx::read_pair(path, "t10k")?, None, Vec::new())),
                (_, test) => {
                    let validation = (own && test).then(|| idx::read_pair(path, "t10k")).transpose()?;
                    Ok(images(title, idx::read_pair(path, "train")?, validation, Vec::new()))
                }
            }
        }
        Kind::IdxFile => Ok(images(title, idx::read_images(path)?, None, Vec::new())),
        Kind::CifarFolder => {
            let there = |names: &[&str]| -> Vec<PathBuf> {
                names.iter().map(|name| path.join(name)).filter(|path| path.exists()).collect()
            };
            let (train, test) = (there(&CIFAR_TRAIN), there(&CIFAR_TEST));
            if train.is_empty() {
                let (kind, test) = cifar::read(&test)?;
                return Ok(images(kind.title().into(), test, None, kind.classes(path)));
            }
            let (kind, train) = cifar::read(&train)?;
            let validation = if own && !test.is_empty() {
                let (other, validation) = cifar::read(&test)?;
                if other != kind {
                    let (validation, source_name) = (test[0].display().to_string(), path.display().to_string());
                    return Err(DataError::OtherKind { validation, source_name });
                }
                Some(validation)
            } else {
                None
            };
            Ok(images(kind.title().into(), train, validation, kind.classes(path)))
        }
        Kind::CifarFile => {
            let (kind, train) = cifar::read(&[path.to_owned()])?;
            let classes = kind.classes(path.parent().unwrap_or(Path::new("")));
            Ok(images(kind.title().into(), train, None, classes))
        }
        Kind::ArrayFolder => arrays::read_folder(path, title, config),
        Kind::Npz => arrays::read_npz(path, config),
        Kind::Npy => arrays::read_npy(path, config),
        Kind::Table | Kind::Embedded(_) => Err(DataError::UnknownFile(path.into())),
    }
}
