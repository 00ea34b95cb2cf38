//! What is minimised: softmax cross-entropy, or mean squared error.

use crate::kernel::{Element, LANES, Lanes, Work};
use crate::scalar::Scalar;

/// What a batch's outputs ought to be.
#[derive(Debug, Clone, PartialEq)]
pub enum Targets<T> {
    /// The class of each sample.
    Classes(Vec<u32>),
    /// Each sample's values, sample behind sample.
    Values(Vec<T>),
}

impl<T> Default for Targets<T> {
    fn default() -> Self {
        Targets::Classes(Vec::new())
    }
}

impl<T> Targets<T> {
    /// Samples, where each has so many outputs.
    pub fn samples(&self, outputs: usize) -> usize {
        match self {
            Targets::Classes(classes) => classes.len(),
            Targets::Values(values) => values.len() / outputs,
        }
    }
}

/// Softmax cross-entropy with label smoothing ε (arXiv 1512.00567): per sample
///
/// ```text
/// loss = ln Σ e^z - (1-ε)*z[class] - ε*mean z        slope = softmax - (1-ε)*one-hot - ε/classes
/// ```
///
/// The result is the number of correct predictions, the first of several largest logits counting. The largest logit is
/// taken off first, so that nothing overflows that need not.
pub(super) struct CrossEntropy<'t, T, L, E> {
    pub(super) outputs: usize,
    pub(super) classes: &'t [u32],
    /// ε
    pub(super) smoothing: f64,
    /// What slopes are multiplied with.
    pub(super) share: T,
    /// The row of a class's logits: a column for each sample, and as many more as make whole vectors.
    pub(super) logits: L,
    /// Takes sixteen slopes of a class; those of columns that are no samples are 0.
    pub(super) errors: E,
    pub(super) losses: &'t mut [T],
}

impl<'a, T, L, E> Work<T> for CrossEntropy<'_, T, L, E>
where
    T: Element + 'a,
    L: Fn(usize) -> &'a [T],
    E: FnMut(usize, usize, [T; LANES]),
{
    type Outcome = usize;

    #[inline(always)]
    fn run<V: Lanes<T>>(self) -> usize {
        let CrossEntropy { outputs, classes, smoothing, share, logits, mut errors, losses } = self;
        let (rest, each) = (T::of(1.0 - smoothing), T::of(smoothing / outputs as f64));
        let mut correct = 0;
        for first in (0..classes.len()).step_by(LANES) {
            let block = |class: usize| -> [T; LANES] {
                let mut lanes = [T::zero(); LANES];
                lanes.copy_from_slice(&logits(class)[first..first + LANES]);
                lanes
            };
            let there = LANES.min(classes.len() - first);
            // Classes as a vector of their own, so that lanes are compared at once.
            let mut wanted = [NONE; LANES];
            wanted[..there].copy_from_slice(&classes[first..first + there]);
            let (mut most, mut best, mut all) = (block(0), [0; LANES], [T::zero(); LANES]);
            for class in 0..outputs {
                let z = block(class);
                for lane in 0..LANES {
                    all[lane] = all[lane] + z[lane];
                    let more = z[lane] > most[lane];
                    most[lane] = if more { z[lane] } else { most[lane] };
                    best[lane] = if more { class as u32 } else { best[lane] };
                }
            }
            let mut sums = [T::zero(); LANES];
            for class in 0..outputs {
                let z = block(class);
                for lane in 0..LANES {
                    sums[lane] = sums[lane] + (z[lane] - most[lane]).exp();
                }
            }
            for class in 0..outputs {
                let mut z = block(class);
                for lane in 0..LANES {
                    z[lane] = (z[lane] - most[lane]).exp() / sums[lane];
                }
                for lane in 0..LANES {
                    let target = if wanted[lane] == class as u32 { rest } else { T::zero() };
                    let slope = (z[lane] - target - each) * share;
                    z[lane] = if wanted[lane] == NONE { T::zero() } else { slope };
                }
                errors(class, first, z);
            }
            for lane in 0..there {
                let at_class = logits(wanted[lane] as usize)[first + lane] - most[lane];
                let mean = all[lane] / T::of(outputs as f64) - most[lane];
                // Apart, for 0 times a logit that is not finite is no 0.
                let smooth = if smoothing > 0.0 { T::of(smoothing) * mean } else { T::zero() };
                losses[first + lane] = sums[lane].ln() - rest * at_class - smooth;
                correct += usize::from(best[lane] == wanted[lane]);
            }
        }
        correct
    }
}

/// The class of a column that is no sample.
const NONE: u32 = u32::MAX;

/// Squared error: per sample the sum over its values; the slope is `2·(y − target)`, times `share`.
#[inline(always)]
pub(super) fn squared_error<'a, T>(
    outputs: usize,
    targets: &[T],
    share: T,
    values: impl Fn(usize) -> &'a [T],
    mut errors: impl FnMut(usize, usize, [T; LANES]),
    losses: &mut [T],
) where
    T: Scalar + 'a,
{
    let samples = targets.len() / outputs;
    losses.fill(T::zero());
    let twice = share + share;
    for output in 0..outputs {
        let row = values(output);
        for first in (0..samples).step_by(LANES) {
            let mut slopes = [T::zero(); LANES];
            for lane in 0..LANES.min(samples - first) {
                let difference = row[first + lane] - targets[(first + lane) * outputs + output];
                losses[first + lane] = losses[first + lane] + difference * difference;
                slopes[lane] = twice * difference;
            }
            errors(output, first, slopes);
        }
    }
}
