//! Data sets: where samples come from, what is done to them, and the order in which training sees them.
//!
//! A source is read into drafts (`source` tells its kind, each format has a file); here a draft is held out, filled
//! in and standardised, by the training samples alone; [`Samples`] writes it out as a network sees it.

mod arrays;
mod augment;
mod cifar;
mod draft;
mod embedded;
mod error;
mod file;
mod idx;
mod noise;
mod npy;
mod npz;
mod order;
mod samples;
mod source;
mod split;
mod standardise;
mod table;
mod windows;

use sha2::{Digest, Sha256};

pub use arrays::ArrayError;
pub use cifar::CifarError;
pub use error::DataError;
pub use file::FileError;
pub use idx::IdxError;
pub use npy::NpyError;
pub use npz::NpzError;
pub use order::{Batch, BatchOrder};
pub use samples::{Samples, Targets};
pub use table::TableError;
pub use windows::SeriesError;

use augment::Augment;
use draft::{Draft, DraftInputs, DraftTargets, Loaded};
use source::Source;
use windows::Windows;

use crate::stream::{Augmentation, DataConfig, DataInfo, Missing, Standardise};

/// More classes than this are taken for a number that is none; it is also the widest layer there can be.
const MOST_CLASSES: usize = 1 << 16;
/// More values than this in one set are taken for a slip: they are 2 GiB on their way into memory.
const MOST_VALUES: usize = 1 << 28;
/// More channels than this are taken for a slip.
const MOST_CHANNELS: usize = 64;

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
    /// Loads the data of a run: source, validation samples, slice, gaps, label noise, standardisation.
    ///
    /// # Errors
    /// [`DataError`]: an unknown source, an unreadable or inconsistent file, a setting that does not fit.
    pub fn load(config: &DataConfig) -> Result<Dataset, DataError> {
        if config.validation.is_some() && config.validation_fraction.is_some() {
            return Err(DataError::TwoValidations);
        }
        if !(0.0..=1.0).contains(&config.label_noise) {
            return Err(DataError::LabelNoise(config.label_noise));
        }
        match source::read(config)? {
            Source::Samples(loaded) => prepare(loaded, config),
            Source::Series { title, how, series, validation } => {
                check_images(config, &[how.window])?;
                check_noise(config, &format!("rows of {} values", how.horizon))?;
                let Windows { train, validation, left_out } = windows::cut(series, validation, config, how)?;
                Ok(describe(title, train, validation, Vec::new(), 0, left_out))
            }
        }
    }

    /// The same, its images augmented as this seed determines, where the configuration asks for that.
    pub fn seeded(mut self, seed: u64) -> Self {
        self.train = self.train.seeded(seed);
        self
    }
}

fn prepare(loaded: Loaded, config: &DataConfig) -> Result<Dataset, DataError> {
    let Loaded { title, mut train, validation, mut classes, left_out } = loaded;
    let mut validation = match validation {
        Some(validation) => validation,
        None => {
            let fraction = config.validation_fraction.unwrap_or(split::DEFAULT_FRACTION);
            let (kept, held_out) = split::draw(train.len(), fraction, config.split_seed)?;
            let validation = train.select(&held_out);
            train = train.select(&kept);
            validation
        }
    };
    if describe_draft(&train) != describe_draft(&validation) {
        return Err(DataError::Shapes { train: describe_draft(&train), validation: describe_draft(&validation) });
    }
    check_images(config, &train.sizes)?;
    if let Some(count) = config.train_samples {
        if count == 0 || count > train.len() {
            return Err(DataError::TooManySamples { asked: count, have: train.len() });
        }
        train.truncate(count);
    }
    if classes.is_empty() {
        // Classes that have no names are called by their numbers, up to the largest.
        classes = (0..train.classes().max(validation.classes())).map(|class| class.to_string()).collect();
    }
    let mut noisy_labels = 0;
    match &mut train.targets {
        DraftTargets::Classes(labels) => {
            noisy_labels = noise::redraw_labels(labels, config.label_noise, classes.len(), config.label_noise_seed);
        }
        DraftTargets::Values(columns, _) => check_noise(config, &format!("rows of {columns} values"))?,
    }
    if config.missing == Missing::Mean {
        let means = standardise::input_means(&train);
        standardise::fill_in(&mut train, &means);
        standardise::fill_in(&mut validation, &means);
    }
    let what = config.standardise.unwrap_or_else(|| standardise::default_for(&train));
    let inputs = if what == Standardise::None { Vec::new() } else { standardise::input_scales(&train) };
    let targets = if what == Standardise::All { standardise::target_scales(&train) } else { Vec::new() };
    let [train, validation] = [train, validation].map(|draft| draft.finish(&inputs, &targets, config));
    if !(train.is_finite() && validation.is_finite()) {
        return Err(DataError::Overflow);
    }
    let train = train.with_augmentation(Augment::new(&config.augment));
    Ok(describe(title, train, validation, classes, noisy_labels, left_out))
}

/// Checks what is asked of images.
fn check_images(config: &DataConfig, sizes: &[usize]) -> Result<(), DataError> {
    let unfit = |key, needs: String| {
        let (source_name, have) = (config.source.clone(), describe_sizes(sizes));
        Err(DataError::UnfitSamples { key, needs, source_name, have })
    };
    if !(1..=MOST_CHANNELS).contains(&config.repeat_channels) {
        return Err(DataError::RepeatChannels(config.repeat_channels));
    }
    match (sizes, config.repeat_channels) {
        (_, 1) => {}
        (&[channels, _, _], repeat) if channels == 1 || channels == repeat => {}
        (_, repeat) => return unfit("repeat-channels", format!("images of 1 or {repeat} channels")),
    }
    for (at, augmentation) in config.augment.iter().enumerate() {
        let name = |augmentation: &Augmentation| match augmentation {
            Augmentation::Flip => "flip",
            Augmentation::Shift(_) => "shift",
        };
        if config.augment[..at].iter().any(|other| name(other) == name(augmentation)) {
            return Err(DataError::AugmentTwice(name(augmentation)));
        }
        match (augmentation, sizes) {
            (Augmentation::Flip, [_, _, _]) => {}
            (Augmentation::Shift(pixels), &[_, height, width]) if usize::from(*pixels) < height.min(width) => {}
            (Augmentation::Flip, _) => return unfit("augment", "images".into()),
            (Augmentation::Shift(pixels), _) => {
                return unfit("augment", format!("images of more than {pixels}×{pixels} pixels for {augmentation}"));
            }
        }
    }
    Ok(())
}

fn check_noise(config: &DataConfig, have: &str) -> Result<(), DataError> {
    if config.label_noise == 0.0 {
        return Ok(());
    }
    let (source_name, have) = (config.source.clone(), have.to_owned());
    Err(DataError::UnfitSamples { key: "label-noise", needs: "classes".into(), source_name, have })
}

fn describe_sizes(sizes: &[usize]) -> String {
    match sizes {
        [channels, height, width] => format!("images of {channels}×{height}×{width}"),
        sizes => format!("rows of {} values", sizes.iter().product::<usize>()),
    }
}

fn describe_draft(draft: &Draft) -> String {
    let element = match draft.inputs {
        DraftInputs::Bytes(_) => "pixels",
        DraftInputs::Floats(..) => "numbers",
    };
    let targets = match draft.targets {
        DraftTargets::Classes(_) => "classes".to_owned(),
        DraftTargets::Values(columns, _) => format!("{columns} values to predict"),
    };
    format!("{} ({element}) with {targets}", describe_sizes(&draft.sizes))
}

fn describe(
    title: String,
    train: Samples,
    validation: Samples,
    classes: Vec<String>,
    noisy_labels: usize,
    left_out: usize,
) -> Dataset {
    let mut hash = Sha256::new();
    train.hash(&mut hash);
    validation.hash(&mut hash);
    let outputs = match train.targets() {
        Targets::Classes(_) => classes.len(),
        Targets::Values(values) => values.ncols(),
    };
    let info = DataInfo {
        title,
        train: train.len(),
        validation: validation.len(),
        noisy_labels,
        classes,
        outputs,
        shape: train.shape().to_vec(),
        left_out,
        fingerprint: format!("sha256:{:x}", hash.finalize()),
    };
    Dataset { train, validation, info }
}

#[cfg(test)]
mod tests;
