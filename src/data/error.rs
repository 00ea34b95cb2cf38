//! What can be wrong with the data of a run.

use std::path::PathBuf;

use thiserror::Error;

use super::arrays::ArrayError;
use super::cifar::CifarError;
use super::embedded;
use super::file::FileError;
use super::idx::IdxError;
use super::table::TableError;
use super::windows::SeriesError;

/// What can be wrong with the data of a run.
#[derive(Debug, Error)]
pub enum DataError {
    /// The source is neither an embedded set nor a file or folder that is there.
    #[error(
        "data `{0}` is neither an embedded set ({names}) nor a file (.csv, .tsv, .npy, .npz, CIFAR .bin, IDX) nor a folder of IDX files, CIFAR .bin files or .npy arrays",
        names = embedded::NAMES.map(|(name, _)| name).join(", ")
    )]
    UnknownSource(String),
    /// A folder without anything that is read.
    #[error(
        "{} has none of train-images-idx3-ubyte (IDX), data_batch_1.bin or train.bin (CIFAR), x_train.npy or x.npy (NumPy)",
        .0.display()
    )]
    UnknownFolder(PathBuf),
    /// A file that is nothing that is read.
    #[error("{} is none of .csv, .tsv, .npy, .npz, CIFAR .bin and IDX, by its name or by how it starts", .0.display())]
    UnknownFile(PathBuf),
    /// A file.
    #[error(transparent)]
    File(#[from] FileError),
    /// An IDX file.
    #[error(transparent)]
    Idx(#[from] IdxError),
    /// A CIFAR file.
    #[error(transparent)]
    Cifar(#[from] CifarError),
    /// A table.
    #[error(transparent)]
    Table(#[from] TableError),
    /// NumPy arrays.
    #[error(transparent)]
    Array(#[from] ArrayError),
    /// A series.
    #[error(transparent)]
    Series(#[from] SeriesError),
    /// A series that nobody said how to cut.
    #[error(
        "data `{0}` is a series: give --window N (past values in a sample) and --horizon N (next values to predict)"
    )]
    NeedsWindow(String),
    /// A setting that means nothing for this source.
    #[error("{key} needs {needs}, and data `{source_name}` is none")]
    Unfit {
        /// The setting.
        key: &'static str,
        /// What it needs.
        needs: &'static str,
        /// The source.
        source_name: String,
    },
    /// A setting that means nothing for samples like these.
    #[error("{key} needs {needs}, and the samples of `{source_name}` are {have}")]
    UnfitSamples {
        /// The setting.
        key: &'static str,
        /// What it needs.
        needs: String,
        /// The source.
        source_name: String,
        /// What they are.
        have: String,
    },
    /// Validation samples of another kind.
    #[error("validation `{validation}` is of another kind than data `{source_name}`")]
    OtherKind {
        /// The validation samples.
        validation: String,
        /// The source.
        source_name: String,
    },
    /// Validation samples twice.
    #[error(
        "validation samples are those of --validation or a share of the training samples, --validation-fraction, not both"
    )]
    TwoValidations,
    /// A share that is none.
    #[error("validation-fraction must be above 0 and below 1, got {0}")]
    Fraction(f64),
    /// A share that leaves one side without a sample.
    #[error("validation-fraction {fraction} of {samples} samples leaves none to train on or none to validate with")]
    TooFewToSplit {
        /// Samples there are.
        samples: usize,
        /// The share.
        fraction: f64,
    },
    /// A slice larger than what there is.
    #[error("train-samples must be from 1 to {have}, the size of the training set, got {asked}")]
    TooManySamples {
        /// What was asked for.
        asked: usize,
        /// What there is.
        have: usize,
    },
    /// Training and validation do not fit together.
    #[error("the training samples are {train}, the validation samples {validation}: they must agree")]
    Shapes {
        /// The sizes of a training sample and what is to be predicted of it.
        train: String,
        /// The same of a validation sample.
        validation: String,
    },
    /// A share of labels that is none.
    #[error("label-noise must be a share from 0 to 1, got {0}")]
    LabelNoise(f64),
    /// More channels than can be meant.
    #[error("repeat-channels must be from 1 to {most}, got {0}", most = super::MOST_CHANNELS)]
    RepeatChannels(usize),
    /// An augmentation twice.
    #[error("augment has {0} twice")]
    AugmentTwice(&'static str),
    /// A validation value that f32 does not hold once it is standardised.
    #[error("a validation value lies so far from the training samples that f32 cannot hold it once it is standardised")]
    Overflow,
}
