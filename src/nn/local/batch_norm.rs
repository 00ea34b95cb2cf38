//! Batch normalisation of a channel (Ioffe & Szegedy 2015, arXiv 1502.03167).
//!
//! ```text
//! y = gamma*(x - mean)/sqrt(var + eps) + beta        over samples and pixels, the variance without correction
//! running <- (1-momentum)*running + momentum*batch   the variance with correction, n/(n-1)
//! ```
//!
//! PyTorch and Chainer agree in this; they differ in eps.
//!
//! Memory is what limits it: a channel of a batch of images does not fit the nearest cache. So each way is two walks,
//! one for the sums and one for the values, and a rectifier behind it comes along in both.

use super::{Channel, Mode};
use crate::kernel::{Element, LANES, Lanes, Work};
use crate::nn::model::Node;

/// Numbers of a channel: those of the batch, what is remembered, and the gradient by γ and β.
const MEAN: usize = 0;
const INVERSE: usize = 1;
pub(crate) const RUNNING_MEAN: usize = 2;
pub(crate) const RUNNING_VARIANCE: usize = 3;
pub(crate) const SCALE_GRADIENT: usize = 4;
pub(crate) const SHIFT_GRADIENT: usize = 5;

/// What follows in the same walk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Then {
    Nothing,
    /// max(y, 0), in place.
    Relu,
}

/// The gradient by γ and β, from an operation's numbers.
pub(crate) fn gradients<T: Copy>(numbers: &[T]) -> [T; 2] {
    [numbers[SCALE_GRADIENT], numbers[SHIFT_GRADIENT]]
}

impl<T: Element> Channel<'_, T> {
    pub(super) fn normalise(
        &self,
        node: &Node,
        [eps, momentum]: [f64; 2],
        input: &[T],
        output: &mut [T],
        numbers: &mut [T],
        then: Then,
    ) {
        let numbers = &mut numbers[node.numbers..];
        let (stride, used) = (self.stride, self.used);
        let (mean, variance) = if matches!(self.mode, Mode::Evaluation) {
            (numbers[RUNNING_MEAN], numbers[RUNNING_VARIANCE])
        } else {
            // Sums of distances from a value near the mean lose no digits, as sums of the values would.
            let origin = self.instructions().run(Sums { input: &input[..stride], origin: T::zero(), stride, used })[0]
                / T::of(used as f64);
            let [sum, squares] = self.instructions().run(Sums { input, origin, stride, used });
            let count = (used * node.shape.pixels()) as f64;
            let off = sum / T::of(count);
            let (mean, variance) = (origin + off, squares / T::of(count) - off * off);
            let variance = if variance < T::zero() { T::zero() } else { variance };
            let (old, new) = (T::of(1.0 - momentum), T::of(momentum));
            let corrected = variance * T::of(count / (count - 1.0).max(1.0));
            numbers[RUNNING_MEAN] = old * numbers[RUNNING_MEAN] + new * mean;
            numbers[RUNNING_VARIANCE] = old * numbers[RUNNING_VARIANCE] + new * corrected;
            (mean, variance)
        };
        let inverse = T::one() / (variance + T::of(eps)).sqrt();
        (numbers[MEAN], numbers[INVERSE]) = (mean, inverse);
        let (scale, shift) = (self.parameter(node, 0) * inverse, self.parameter(node, 1));
        self.instructions().run(Normalise { input, output, mean, scale, shift, then });
    }

    /// Overwrites the errors of the output with those of the input.
    pub(super) fn normalise_back(
        &self,
        node: &Node,
        input: &[T],
        output: &[T],
        errors: &mut [T],
        numbers: &mut [T],
        then: Then,
    ) {
        let numbers = &mut numbers[node.numbers..];
        let (mean, inverse) = (numbers[MEAN], numbers[INVERSE]);
        let (stride, used) = (self.stride, self.used);
        let sums = SumsBack { input, output, errors, mean, inverse, stride, used, then };
        let [all, along] = self.instructions().run(sums);
        (numbers[SCALE_GRADIENT], numbers[SHIFT_GRADIENT]) = (along, all);
        let count = T::of((used * node.shape.pixels()) as f64);
        let factor = self.parameter(node, 0) * inverse;
        let (all, along) = (all / count, along / count * inverse);
        self.instructions().run(NormaliseBack { input, errors, mean, factor, all, along, stride, used });
    }
}

/// Sums of x − origin and its square, over the batch's samples of all rows: sixteen each, added up in a tree.
struct Sums<'a, T> {
    input: &'a [T],
    origin: T,
    stride: usize,
    used: usize,
}

impl<T: Element> Work<T> for Sums<'_, T> {
    type Outcome = [T; 2];

    #[inline(always)]
    fn run<V: Lanes<T>>(self) -> [T; 2] {
        let (origin, one) = (V::splat(-self.origin), V::splat(T::one()));
        let zero = V::splat(T::zero());
        let mut sums = [[zero; 2]; 2];
        let whole = self.used / LANES * LANES;
        let mut edge = [[T::zero(); LANES]; 2];
        for row in self.input.chunks_exact(self.stride) {
            for (turn, at) in (0..whole).step_by(LANES).enumerate() {
                let x = V::of(row, at).mul_add(one, origin);
                let [sum, squares] = &mut sums[turn % 2];
                *sum = x.mul_add(one, *sum);
                *squares = x.mul_add(x, *squares);
            }
            for (lane, &x) in row[whole..self.used].iter().enumerate() {
                let x = x - self.origin;
                edge[0][lane] = edge[0][lane] + x;
                edge[1][lane] = x.mul_add(x, edge[1][lane]);
            }
        }
        std::array::from_fn(|of| {
            let both = sums[0][of].mul_add(one, sums[1][of]);
            both.mul_add(one, V::of(&edge[of], 0)).fold()
        })
    }
}

struct Normalise<'a, T> {
    input: &'a [T],
    output: &'a mut [T],
    mean: T,
    scale: T,
    shift: T,
    then: Then,
}

impl<T: Element> Work<T> for Normalise<'_, T> {
    type Outcome = ();

    #[inline(always)]
    fn run<V: Lanes<T>>(self) {
        let Normalise { input, output, mean, scale, shift, then } = self;
        let one = V::splat(T::one());
        let (mean, scale, shift, zero) = (V::splat(-mean), V::splat(scale), V::splat(shift), V::splat(T::zero()));
        for at in (0..input.len()).step_by(LANES) {
            let y = V::of(input, at).mul_add(one, mean).mul_add(scale, shift);
            // A NaN stays one: the sentinel must find it.
            let y = if then == Then::Relu { y.or_zero_below(zero) } else { y };
            y.write(output, at);
        }
    }
}

/// Sums of the errors and of the errors times the normalised values; the errors are those behind the rectifier, if
/// there is one, and become those before it.
struct SumsBack<'a, T> {
    input: &'a [T],
    output: &'a [T],
    errors: &'a mut [T],
    mean: T,
    inverse: T,
    stride: usize,
    used: usize,
    then: Then,
}

impl<T: Element> Work<T> for SumsBack<'_, T> {
    type Outcome = [T; 2];

    #[inline(always)]
    fn run<V: Lanes<T>>(self) -> [T; 2] {
        let SumsBack { input, output, errors, mean, inverse, stride, used, then } = self;
        let (one, zero) = (V::splat(T::one()), V::splat(T::zero()));
        let mean = V::splat(-mean);
        let mut sums = [[zero; 2]; 2];
        for start in (0..input.len()).step_by(stride) {
            // Errors beyond the batch are 0, and add nothing; whole vectors of them are left out.
            for (turn, at) in (start..start + used).step_by(LANES).enumerate() {
                let mut error = V::of(errors, at);
                if then == Then::Relu {
                    error = error.where_positive(V::of(output, at));
                    error.write(errors, at);
                }
                let off = V::of(input, at).mul_add(one, mean);
                let [all, along] = &mut sums[turn % 2];
                *all = error.mul_add(one, *all);
                *along = error.mul_add(off, *along);
            }
        }
        let [all, along] = std::array::from_fn(|of| sums[0][of].mul_add(one, sums[1][of]).fold());
        [all, along * inverse]
    }
}

struct NormaliseBack<'a, T> {
    input: &'a [T],
    errors: &'a mut [T],
    mean: T,
    factor: T,
    all: T,
    along: T,
    stride: usize,
    used: usize,
}

impl<T: Element> Work<T> for NormaliseBack<'_, T> {
    type Outcome = ();

    #[inline(always)]
    fn run<V: Lanes<T>>(self) {
        let NormaliseBack { input, errors, mean, factor, all, along, stride, used } = self;
        // factor*(error - all - (x - mean)*along)
        let one = V::splat(T::one());
        let (mean, factor, all, along) = (V::splat(-mean), V::splat(factor), V::splat(-all), V::splat(-along));
        let zero = V::splat(T::zero());
        for at in (0..input.len()).step_by(LANES) {
            let off = V::of(input, at).mul_add(one, mean);
            let error = off.mul_add(along, V::of(errors, at).mul_add(one, all));
            error.mul_add(factor, zero).write(errors, at);
        }
        if used < stride {
            errors.chunks_exact_mut(stride).for_each(|row| row[used..].fill(T::zero()));
        }
    }
}
