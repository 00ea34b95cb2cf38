//! Data sets: where samples come from, what is done to them, and the order in which training sees them.

mod embedded;
mod idx;
mod noise;
mod order;

use std::path::Path;

use ndarray::{Array2, ArrayViewMut2};
use sha2::{Digest, Sha256};
use thiserror::Error;

pub use idx::IdxError;
pub use order::BatchOrder;

use crate::scalar::Scalar;
use crate::stream::{DataConfig, DataInfo};

/// What can be wrong with the data of a run.
#[derive(Debug, Error)]
pub enum DataError {
    /// The source is neither an embedded set nor a folder.
    #[error("data `{0}` is neither an embedded set (fashion-mnist-12k) nor a folder of IDX files")]
    UnknownSource(String),
    /// A file of an IDX folder.
    #[error(transparent)]
    Idx(#[from] IdxError),
    /// A slice larger than what there is.
    #[error("train-samples must be from 1 to {have}, the size of the training set, got {asked}")]
    TooManySamples {
        /// What was asked for.
        asked: usize,
        /// What there is.
        have: usize,
    },
    /// Training and validation do not fit together.
    #[error("the training samples have {train} values each, the validation samples {validation}: they must agree")]
    Widths {
        /// Values in a training sample.
        train: usize,
        /// Values in a validation sample.
        validation: usize,
    },
}

/// Samples with their labels.
#[derive(Debug, Clone)]
pub struct Samples {
    /// One row for each sample, each value 0 to 255; networks see it divided by 255.
    pixels: Array2<u8>,
    /// The class of each sample.
    labels: Vec<u8>,
}

impl Samples {
    /// Samples of one row each.
    ///
    /// # Panics
    /// Where the numbers of rows and labels differ.
    pub fn new(pixels: Array2<u8>, labels: Vec<u8>) -> Self {
        assert_eq!(pixels.nrows(), labels.len(), "a label for each sample");
        Samples { pixels, labels }
    }

    /// Number of samples.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// Values in a sample.
    pub fn width(&self) -> usize {
        self.pixels.ncols()
    }

    /// The class of each sample.
    pub fn labels(&self) -> &[u8] {
        &self.labels
    }

    /// Writes sample `index` as the network sees it.
    pub fn write<T: Scalar>(&self, index: usize, row: &mut [T]) {
        let shades = T::shades();
        row.iter_mut().zip(self.pixels.row(index)).for_each(|(value, &pixel)| *value = shades[usize::from(pixel)]);
    }

    /// Writes the samples at `indices` into the rows of `inputs`, `[count, width]`, as value/255, and their classes
    /// into `labels`.
    pub fn gather<T: Scalar>(
        &self,
        indices: impl IntoIterator<Item = usize>,
        mut inputs: ArrayViewMut2<'_, T>,
        labels: &mut [u8],
    ) {
        let full = T::of(255.0);
        for ((mut row, label), index) in inputs.rows_mut().into_iter().zip(labels).zip(indices) {
            row.zip_mut_with(&self.pixels.row(index), |value, &pixel| *value = T::of(f64::from(pixel)) / full);
            *label = self.labels[index];
        }
    }
}

/// A training and a validation set.
#[derive(Debug, Clone)]
pub struct Dataset {
    /// What the network learns from.
    pub train: Samples,
    /// What it is judged by.
    pub validation: Samples,
    /// What to say of it.
    pub info: DataInfo,
}

impl Dataset {
    /// Loads the data of a run: source, slice, label noise.
    ///
    /// # Errors
    /// [`DataError`]: an unknown source, an unreadable or inconsistent file, a slice larger than the set.
    pub fn load(config: &DataConfig) -> Result<Dataset, DataError> {
        let (mut train, validation, title, classes) = match config.source.as_str() {
            embedded::FASHION_MNIST_12K => embedded::fashion_mnist_12k()?,
            path if Path::new(path).is_dir() => {
                let folder = Path::new(path);
                let train = idx::read_pair(folder, "train")?;
                let validation = idx::read_pair(folder, "t10k")?;
                let title = folder.file_name().map_or_else(|| path.to_owned(), |name| name.to_string_lossy().into());
                (train, validation, title, Vec::new())
            }
            unknown => return Err(DataError::UnknownSource(unknown.to_owned())),
        };
        if train.width() != validation.width() {
            return Err(DataError::Widths { train: train.width(), validation: validation.width() });
        }
        let classes = if classes.is_empty() { number_classes(&train, &validation) } else { classes };
        if let Some(count) = config.train_samples {
            if count == 0 || count > train.len() {
                return Err(DataError::TooManySamples { asked: count, have: train.len() });
            }
            train.pixels = train.pixels.slice(ndarray::s![..count, ..]).to_owned();
            train.labels.truncate(count);
        }
        let noisy_labels =
            noise::redraw_labels(&mut train.labels, config.label_noise, classes.len(), config.label_noise_seed);
        let info = DataInfo {
            title,
            train: train.len(),
            validation: validation.len(),
            noisy_labels,
            classes,
            fingerprint: fingerprint([&train, &validation]),
        };
        Ok(Dataset { train, validation, info })
    }
}

/// Names for classes that have none: their numbers, up to the largest.
fn number_classes(train: &Samples, validation: &Samples) -> Vec<String> {
    let most = train.labels.iter().chain(&validation.labels).max();
    (0..=most.copied().unwrap_or(0)).map(|class| class.to_string()).collect()
}

/// A hash over sizes, samples and labels.
fn fingerprint(sets: [&Samples; 2]) -> String {
    let mut hash = Sha256::new();
    for set in sets {
        hash.update((set.len() as u64).to_le_bytes());
        hash.update((set.width() as u64).to_le_bytes());
        set.pixels.rows().into_iter().for_each(|row| match row.as_slice() {
            Some(row) => hash.update(row),
            None => row.iter().for_each(|&value| hash.update([value])),
        });
        hash.update(&set.labels);
    }
    format!("sha256:{:x}", hash.finalize())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(samples: Option<usize>, label_noise: f64) -> DataConfig {
        let source = embedded::FASHION_MNIST_12K.into();
        DataConfig { source, train_samples: samples, label_noise, label_noise_seed: 3 }
    }

    #[test]
    fn the_embedded_set_is_the_documented_one() {
        let data = Dataset::load(&config(None, 0.0)).unwrap();
        assert_eq!((data.train.len(), data.validation.len(), data.train.width()), (12_000, 2_000, 784));
        assert_eq!(data.train.labels[..10], [9, 0, 0, 3, 0, 2, 7, 2, 5, 5]);
        let mut classes = [0; 10];
        data.train.labels.iter().for_each(|&label| classes[label as usize] += 1);
        assert_eq!(classes, [1200; 10]);
        let mean = data.train.pixels.iter().map(|&pixel| f64::from(pixel) / 255.0).sum::<f64>() / (12_000.0 * 784.0);
        assert!((mean - 0.28653).abs() < 1e-5, "{mean}");
        assert_eq!(data.info.classes[9], "Ankle boot");
    }

    #[test]
    fn a_slice_keeps_the_first_samples_and_noise_its_share_of_labels() {
        let clean = Dataset::load(&config(Some(2000), 0.0)).unwrap();
        let noisy = Dataset::load(&config(Some(2000), 0.2)).unwrap();
        assert_eq!((clean.info.noisy_labels, noisy.info.noisy_labels), (0, 400));
        let differ = clean.train.labels.iter().zip(&noisy.train.labels).filter(|(a, b)| a != b).count();
        // A redrawn label is the old one again in one case of ten.
        assert!((330..400).contains(&differ), "{differ}");
        assert_ne!(clean.info.fingerprint, noisy.info.fingerprint);
        assert_eq!(noisy.info.fingerprint, Dataset::load(&config(Some(2000), 0.2)).unwrap().info.fingerprint);
    }

    #[test]
    fn wrong_slices_and_sources_are_refused_by_name() {
        let error = Dataset::load(&config(Some(12_001), 0.0)).unwrap_err().to_string();
        assert_eq!(error, "train-samples must be from 1 to 12000, the size of the training set, got 12001");
        let unknown = DataConfig { source: "no-such-set".into(), train_samples: None, ..config(None, 0.0) };
        assert!(Dataset::load(&unknown).unwrap_err().to_string().contains("`no-such-set`"));
    }

    #[test]
    fn gathered_pixels_are_divided_by_255() {
        let pixels = Array2::from_shape_vec((2, 2), vec![0, 255, 51, 102]).unwrap();
        let samples = Samples::new(pixels, vec![3, 4]);
        let mut inputs = Array2::<f32>::zeros((2, 2));
        let mut labels = [0; 2];
        samples.gather([1, 0], inputs.view_mut(), &mut labels);
        assert_eq!(inputs.as_slice().unwrap(), [0.2, 0.4, 0.0, 1.0]);
        assert_eq!(labels, [4, 3]);
    }
}
