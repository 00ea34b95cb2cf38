//! Samples in memory, and how a network sees them.

use ndarray::{Array2, ArrayViewMut2};
use sha2::{Digest, Sha256};

use super::augment::{Augment, Frame};
use crate::kernel::{Element, Instructions, prefetch, shades};
use crate::scalar::Scalar;

/// Samples with their targets.
///
/// Pixels stay bytes in memory and windows stay one series: what a network sees is written out sample by sample.
#[derive(Debug, Clone)]
pub struct Samples {
    inputs: Inputs,
    /// Sizes of a stored sample, `[width]` or `[channels, height, width]`.
    stored: Vec<usize>,
    /// The same as a network sees it.
    shape: Vec<usize>,
    targets: Targets,
    augment: Augment,
}

/// What is to be predicted of each sample.
#[derive(Debug, Clone, PartialEq)]
pub enum Targets {
    /// The class of each sample.
    Classes(Vec<u32>),
    /// One row of values for each sample.
    Values(Array2<f32>),
}

/// The inputs of samples, row behind row.
#[derive(Debug, Clone)]
pub(super) enum Inputs {
    /// Pixels, which networks see divided by 255, then scaled by channel; an empty list leaves them.
    Bytes(Vec<u8>, Vec<Scale>),
    /// Values as networks see them. The list holds what 0 has become in each channel of an image.
    Floats(Vec<f32>, Vec<f32>),
    /// Windows of a series that begin at these positions.
    Windows(Vec<f32>, Vec<usize>),
}

/// `(value - mean)/deviation`
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Scale {
    pub mean: f64,
    /// Standard deviation; 1 where it would be 0.
    pub deviation: f64,
}

impl Scale {
    /// Leaves values as they are.
    pub const NONE: Scale = Scale { mean: 0.0, deviation: 1.0 };

    pub fn of(self, value: f64) -> f64 {
        (value - self.mean) / self.deviation
    }
}

impl Targets {
    /// Number of samples.
    pub fn len(&self) -> usize {
        match self {
            Targets::Classes(classes) => classes.len(),
            Targets::Values(values) => values.nrows(),
        }
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl Samples {
    /// Rows as a network sees them.
    ///
    /// # Panics
    /// Where the numbers of rows and targets differ.
    pub fn of_rows(rows: Array2<f32>, targets: Targets) -> Self {
        assert_eq!(rows.nrows(), targets.len(), "a target for each row");
        let width = rows.ncols();
        Samples::new(Inputs::Floats(rows.iter().copied().collect(), Vec::new()), vec![width], 1, targets)
    }

    /// Images of `[channels, height, width]` pixels, one behind the other.
    ///
    /// # Panics
    /// Where the pixels are not those of as many images as there are targets.
    pub fn of_images(pixels: Vec<u8>, sizes: [usize; 3], targets: Targets) -> Self {
        assert_eq!(pixels.len(), sizes.iter().product::<usize>() * targets.len(), "a target for each image");
        Samples::new(Inputs::Bytes(pixels, Vec::new()), sizes.to_vec(), 1, targets)
    }

    /// Samples of these sizes, `[width]` or `[channels, height, width]`, shown with each grey channel `repeat` times.
    pub(super) fn new(inputs: Inputs, stored: Vec<usize>, repeat: usize, targets: Targets) -> Self {
        let mut shape = stored.clone();
        shape[0] *= repeat;
        Samples { inputs, stored, shape, targets, augment: Augment::default() }
    }

    pub(super) fn with_augmentation(self, augment: Augment) -> Self {
        Samples { augment, ..self }
    }

    pub(super) fn seeded(self, seed: u64) -> Self {
        Samples { augment: self.augment.seeded(seed), ..self }
    }

    pub(super) fn is_finite(&self) -> bool {
        let inputs = match &self.inputs {
            Inputs::Bytes(..) => true,
            Inputs::Floats(values, _) | Inputs::Windows(values, _) => values.iter().all(|value| value.is_finite()),
        };
        let targets = match &self.targets {
            Targets::Classes(_) => true,
            Targets::Values(values) => values.iter().all(|value| value.is_finite()),
        };
        inputs && targets
    }

    /// Number of samples.
    pub fn len(&self) -> usize {
        self.targets.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.targets.is_empty()
    }

    /// Values in a sample as a network sees it.
    pub fn width(&self) -> usize {
        self.shape.iter().product()
    }

    /// Sizes of a sample as a network sees it, `[width]` or `[channels, height, width]`.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// What is to be predicted.
    pub fn targets(&self) -> &Targets {
        &self.targets
    }

    /// Writes the sample at `index` as a network sees it: scaled, and an image channel by channel.
    ///
    /// # Panics
    /// Where there is no such sample, or `row` is not [`width`](Self::width) values long.
    pub fn write<T: Element>(&self, index: usize, row: &mut [T]) {
        let stored = self.stored_width();
        let (first, copies) = row.split_at_mut(stored);
        match &self.inputs {
            Inputs::Bytes(values, scales) => {
                let pixels = &values[index * stored..][..stored];
                shades(Instructions::best(), first, pixels);
                self.scale(first, scales);
            }
            Inputs::Floats(values, _) => copy(&values[index * stored..][..stored], first),
            Inputs::Windows(series, starts) => copy(&series[starts[index]..][..stored], first),
        }
        self.repeat(first, copies);
    }

    /// Asks for a sample's memory, so that writing it soon need not wait.
    pub fn fetch(&self, index: usize) {
        let stored = self.stored_width();
        match &self.inputs {
            Inputs::Bytes(values, _) => prefetch(&values[index * stored..][..stored]),
            Inputs::Floats(values, _) => prefetch(&values[index * stored..][..stored]),
            Inputs::Windows(series, starts) => prefetch(&series[starts[index]..][..stored]),
        }
    }

    /// As [`write`](Self::write), with the sample changed as the run's seed, the epoch and the index determine, where
    /// the configuration asks for that.
    ///
    /// # Panics
    /// As [`write`](Self::write).
    pub fn write_augmented<T: Element>(&self, index: usize, epoch: u64, row: &mut [T]) {
        let (Some(moved), &[_, height, width]) = (self.augment.draw(index, epoch), self.stored.as_slice()) else {
            return self.write(index, row);
        };
        let frame = Frame { height, width };
        let stored = self.stored_width();
        let (first, copies) = row.split_at_mut(stored);
        match &self.inputs {
            Inputs::Bytes(values, scales) => {
                let pixels = &values[index * stored..][..stored];
                frame.place(moved, first, pixels, |_| T::zero(), |pixel| T::of_pixel(pixel));
                self.scale(first, scales);
            }
            Inputs::Floats(values, zeros) => {
                let pixels = &values[index * stored..][..stored];
                let zero = |channel: usize| T::of(f64::from(zeros.get(channel).copied().unwrap_or(0.0)));
                frame.place(moved, first, pixels, zero, |value| T::of(f64::from(value)));
            }
            // A series is no image, and an augmentation of it was refused.
            Inputs::Windows(..) => return self.write(index, row),
        }
        self.repeat(first, copies);
    }

    /// Writes the samples at `indices` into the rows of `inputs`, `[count, width]`, and their classes into `labels`.
    ///
    /// # Panics
    /// Where the targets are no classes, or one of them is above 255.
    pub fn gather<T: Element>(
        &self,
        indices: impl IntoIterator<Item = usize>,
        mut inputs: ArrayViewMut2<'_, T>,
        labels: &mut [u8],
    ) {
        let Targets::Classes(classes) = &self.targets else { panic!("values were asked for as classes") };
        for ((mut row, label), index) in inputs.rows_mut().into_iter().zip(labels).zip(indices) {
            self.write(index, row.as_slice_mut().expect("rows are contiguous"));
            *label = classes[index].try_into().expect("a class below 256");
        }
    }

    /// Puts into a hash whatever determines the samples.
    ///
    /// Plain pixels are hashed without their sizes and scales, as they were before there was anything else.
    pub(super) fn hash(&self, hash: &mut Sha256) {
        let len = |hash: &mut Sha256, len: usize| hash.update((len as u64).to_le_bytes());
        let floats =
            |hash: &mut Sha256, values: &[f32]| values.iter().for_each(|value| hash.update(value.to_le_bytes()));
        len(hash, self.len());
        len(hash, self.width());
        match &self.inputs {
            Inputs::Bytes(values, _) => hash.update(values),
            Inputs::Floats(values, _) => floats(hash, values),
            Inputs::Windows(series, starts) => {
                floats(hash, series);
                starts.iter().for_each(|&start| len(hash, start));
            }
        }
        match &self.targets {
            Targets::Classes(classes) => {
                match classes.iter().map(|&class| u8::try_from(class)).collect::<Result<Vec<u8>, _>>() {
                    Ok(bytes) => hash.update(bytes),
                    Err(_) => classes.iter().for_each(|class| hash.update(class.to_le_bytes())),
                }
            }
            Targets::Values(values) => {
                len(hash, values.ncols());
                values.iter().for_each(|value| hash.update(value.to_le_bytes()));
            }
        }
        match &self.inputs {
            Inputs::Bytes(_, scales) if scales.is_empty() && self.shape == self.stored && self.stored[0] <= 1 => {}
            inputs => {
                hash.update(b"shape");
                self.shape.iter().chain(&self.stored).for_each(|&size| len(hash, size));
                match inputs {
                    Inputs::Bytes(_, scales) => scales.iter().for_each(|scale| {
                        hash.update(scale.mean.to_le_bytes());
                        hash.update(scale.deviation.to_le_bytes());
                    }),
                    Inputs::Floats(_, zeros) => floats(hash, zeros),
                    Inputs::Windows(..) => {}
                }
            }
        }
        self.augment.hash(hash);
    }

    fn stored_width(&self) -> usize {
        self.stored.iter().product()
    }

    fn scale<T: Scalar>(&self, values: &mut [T], scales: &[Scale]) {
        let plane = values.len() / scales.len().max(1);
        for (channel, scale) in values.chunks_exact_mut(plane.max(1)).zip(scales) {
            let (mean, deviation) = (T::of(scale.mean), T::of(scale.deviation));
            channel.iter_mut().for_each(|value| *value = (*value - mean) / deviation);
        }
    }

    fn repeat<T: Scalar>(&self, first: &[T], copies: &mut [T]) {
        let whole = copies.chunks_exact_mut(first.len());
        whole.for_each(|copy| copy.copy_from_slice(first));
    }
}

fn copy<T: Scalar>(values: &[f32], row: &mut [T]) {
    row.iter_mut().zip(values).for_each(|(place, &value)| *place = T::of(f64::from(value)));
}
