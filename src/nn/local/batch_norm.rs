//! Batch normalisation of a channel (Ioffe & Szegedy 2015, arXiv 1502.03167).
//!
//! ```text
//! y = gamma*(x - mean)/sqrt(var + eps) + beta        over samples and pixels, the variance without correction
//! running <- (1-momentum)*running + momentum*batch   the variance with correction, n/(n-1)
//! ```
//!
//! PyTorch and Chainer agree in this; they differ in eps.

use super::{Channel, Mode};
use crate::kernel::{Element, map, sum, zip};
use crate::nn::model::Node;

/// Numbers of a channel: those of the batch, what is remembered, and the gradient by γ and β.
const MEAN: usize = 0;
const INVERSE: usize = 1;
pub(crate) const RUNNING_MEAN: usize = 2;
pub(crate) const RUNNING_VARIANCE: usize = 3;
pub(crate) const SCALE_GRADIENT: usize = 4;
pub(crate) const SHIFT_GRADIENT: usize = 5;

/// The gradient by γ and β, from an operation's numbers.
pub(crate) fn gradients<T: Copy>(numbers: &[T]) -> [T; 2] {
    [numbers[SCALE_GRADIENT], numbers[SHIFT_GRADIENT]]
}

impl<T: Element> Channel<'_, T> {
    /// A sum over the batch's samples of all rows; the columns beyond count for nothing.
    fn sum(&self, a: &[T], b: &[T], f: impl Fn(T, T) -> T + Copy) -> T {
        if self.used == self.stride {
            return sum(self.instructions(), a, b, f);
        }
        let rows = a.chunks_exact(self.stride).zip(b.chunks_exact(self.stride));
        let sums = rows.map(|(a, b)| sum(self.instructions(), &a[..self.used], &b[..self.used], f));
        sums.fold(T::zero(), |all, row| all + row)
    }

    pub(super) fn normalise(
        &self,
        node: &Node,
        [eps, momentum]: [f64; 2],
        input: &[T],
        output: &mut [T],
        numbers: &mut [T],
    ) {
        let numbers = &mut numbers[node.numbers..];
        let (mean, variance) = if matches!(self.mode, Mode::Evaluation) {
            (numbers[RUNNING_MEAN], numbers[RUNNING_VARIANCE])
        } else {
            let count = (self.used * node.shape.pixels()) as f64;
            let mean = self.sum(input, input, |x, _| x) / T::of(count);
            let variance = self.sum(input, input, |x, _| (x - mean) * (x - mean)) / T::of(count);
            let (old, new) = (T::of(1.0 - momentum), T::of(momentum));
            let corrected = variance * T::of(count / (count - 1.0).max(1.0));
            numbers[RUNNING_MEAN] = old * numbers[RUNNING_MEAN] + new * mean;
            numbers[RUNNING_VARIANCE] = old * numbers[RUNNING_VARIANCE] + new * corrected;
            (mean, variance)
        };
        let inverse = T::one() / (variance + T::of(eps)).sqrt();
        (numbers[MEAN], numbers[INVERSE]) = (mean, inverse);
        let (scale, shift) = (self.parameter(node, 0) * inverse, self.parameter(node, 1));
        zip(self.instructions(), output, input, |_, x| (x - mean).mul_add(scale, shift));
    }

    /// Overwrites the errors of the output with those of the input.
    pub(super) fn normalise_back(&self, node: &Node, input: &[T], errors: &mut [T], numbers: &mut [T]) {
        let numbers = &mut numbers[node.numbers..];
        let (mean, inverse) = (numbers[MEAN], numbers[INVERSE]);
        let count = T::of((self.used * node.shape.pixels()) as f64);
        let all = self.sum(errors, errors, |error, _| error);
        let along = self.sum(errors, input, |error, x| error * ((x - mean) * inverse));
        (numbers[SCALE_GRADIENT], numbers[SHIFT_GRADIENT]) = (along, all);
        let factor = self.parameter(node, 0) * inverse;
        let (all, along) = (all / count, along / count * inverse);
        zip(self.instructions(), errors, input, |error, x| factor * (error - all - (x - mean) * along));
        if self.used < self.stride {
            for row in errors.chunks_exact_mut(self.stride) {
                map(self.instructions(), &mut row[self.used..], |_| T::zero());
            }
        }
    }
}
