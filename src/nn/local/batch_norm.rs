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
//! one for the sums and one for the values; a rectifier behind it comes along in both, and so does a pool behind that
//! which takes each value once: then neither the normalised values nor their errors are ever written.

use super::pool::Tiles;
use super::{Channel, Mode};
use crate::kernel::{Element, Gauge, LANES, Lanes, Measure, Work};
use crate::nn::backward::note;
use crate::nn::model::{Activation, Kind, Network, Node, Pooling};

/// Numbers of a channel: those of the batch, what is remembered, and the gradient by γ and β.
const MEAN: usize = 0;
const INVERSE: usize = 1;
pub(crate) const RUNNING_MEAN: usize = 2;
pub(crate) const RUNNING_VARIANCE: usize = 3;
pub(crate) const SCALE_GRADIENT: usize = 4;
pub(crate) const SHIFT_GRADIENT: usize = 5;

/// What follows in the same walks.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Then<'a> {
    Nothing,
    /// max(y, 0), in place.
    Relu,
    /// That, and the largest of disjoint windows that cover the image: the pool.
    ReluAndPool(&'a Node, Tiles),
}

/// What is computed along with a batch normalisation.
pub(super) fn then<'a>(network: &'a Network, norm: &Node) -> Then<'a> {
    let nodes = &network.nodes;
    let alone = |node: &Node, next: &Node| {
        next.stage == node.stage
            && next.source == node.index
            && node.sums.is_empty()
            && nodes[node.index + 1..].iter().filter(|other| other.source == node.index).count() == 1
    };
    let Some(relu) = nodes.get(norm.index + 1) else { return Then::Nothing };
    let in_place = relu.at == norm.at && relu.error == norm.error;
    if relu.kind != Kind::Activation(Activation::Relu) || !in_place || !alone(norm, relu) {
        return Then::Nothing;
    }
    match nodes.get(relu.index + 1) {
        Some(pool) if alone(relu, pool) => match pool.kind {
            Kind::Pool(window, Pooling::Max) => match Tiles::new(relu.shape, window) {
                Some(tiles) => Then::ReluAndPool(pool, tiles),
                None => Then::Relu,
            },
            _ => Then::Relu,
        },
        _ => Then::Relu,
    }
}

/// Whether the batch normalisation before an operation computes it.
pub(super) fn comes_along(network: &Network, node: &Node) -> bool {
    let source = network.source(node);
    match (node.kind, source.kind) {
        (Kind::Activation(Activation::Relu), Kind::BatchNorm { .. }) => then(network, source) != Then::Nothing,
        (Kind::Pool(..), Kind::Activation(Activation::Relu)) => {
            let norm = network.source(source);
            matches!(norm.kind, Kind::BatchNorm { .. })
                && matches!(then(network, norm), Then::ReluAndPool(pool, _) if pool.index == node.index)
        }
        _ => false,
    }
}

/// The gradient by γ and β, from an operation's numbers.
pub(crate) fn gradients<T: Copy>(numbers: &[T]) -> [T; 2] {
    [numbers[SCALE_GRADIENT], numbers[SHIFT_GRADIENT]]
}

impl<T: Element> Channel<'_, T> {
    /// Computes the output, and what follows.
    pub(super) fn normalise(&self, node: &Node, [eps, momentum]: [f64; 2], values: &mut [T], numbers: &mut [T]) {
        let network = self.setting.network;
        let numbers = &mut numbers[node.numbers..];
        let source = network.source(node);
        let (from, to) = (self.rows(source.at, source), self.rows(node.at, node));
        let (input, output) = values.split_at_mut(to.start);
        let input = &input[from];
        let (mean, variance) = if matches!(self.mode, Mode::Evaluation) {
            (numbers[RUNNING_MEAN], numbers[RUNNING_VARIANCE])
        } else {
            self.measure(node, momentum, input, numbers)
        };
        let inverse = T::one() / (variance + T::of(eps)).sqrt();
        (numbers[MEAN], numbers[INVERSE]) = (mean, inverse);
        let affine = Affine { mean, scale: self.parameter(node, 0) * inverse, shift: self.parameter(node, 1) };
        match then(network, node) {
            Then::ReluAndPool(pool, tiles) => {
                let (pooled, kept) = (self.rows(pool.at, pool), self.rows(pool.kept, pool));
                // What would be the normalised values' place takes the inputs of those that were the largest.
                let (chosen, rest) = output.split_at_mut(pooled.start - to.start);
                let (output, kept_and_more) = rest.split_at_mut(kept.start - pooled.start);
                let (chosen, output) = (&mut chosen[..pooled.len()], &mut output[..pooled.len()]);
                let kept = &mut kept_and_more[..kept.len()];
                let stride = self.stride;
                self.instructions().run(NormaliseAndPool { tiles, stride, input, affine, output, kept, chosen });
            }
            then => {
                let output = &mut output[..to.len()];
                self.instructions().run(Normalise { input, output, affine, rectified: then == Then::Relu });
            }
        }
    }

    /// Mean and variance of the batch, which it remembers.
    fn measure(&self, node: &Node, momentum: f64, input: &[T], numbers: &mut [T]) -> (T, T) {
        let (stride, used) = (self.stride, self.used);
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
    }

    /// Overwrites the errors of the output with those of the input.
    pub(super) fn normalise_back(&self, node: &Node, values: &[T], errors: &mut [T], all_numbers: &mut [T]) {
        let network = self.setting.network;
        let numbers = &mut all_numbers[node.numbers..];
        let (mean, inverse) = (numbers[MEAN], numbers[INVERSE]);
        let (stride, used) = (self.stride, self.used);
        let source = network.source(node);
        let input = &values[self.rows(source.at, source)];
        let (own, output) = (self.rows(node.error, node), self.rows(node.at, node));
        let then = then(network, node);
        let [all, along] = match then {
            Then::ReluAndPool(pool, _) => {
                let (chosen, output) = (&values[self.rows(node.at, pool)], &values[self.rows(pool.at, pool)]);
                let errors = &mut errors[self.rows(pool.error, pool)];
                let rectified = true;
                self.instructions().run(SumsBack { input: chosen, output, errors, mean, stride, used, rectified })
            }
            then => {
                let (output, errors, rectified) = (&values[output], &mut errors[own.clone()], then == Then::Relu);
                self.instructions().run(SumsBack { input, output, errors, mean, stride, used, rectified })
            }
        };
        let along = along * inverse;
        (numbers[SCALE_GRADIENT], numbers[SHIFT_GRADIENT]) = (along, all);
        let count = T::of((used * node.shape.pixels()) as f64);
        let factor = self.parameter(node, 0) * inverse;
        let way = WayBack { mean, factor, all: all / count, along: along / count * inverse };
        let measure = match then {
            Then::ReluAndPool(pool, tiles) => {
                let kept = &values[self.rows(pool.kept, pool)];
                let (errors, below) = super::apart(errors, self.rows(pool.error, pool), own);
                self.instructions().run(NormaliseAndPoolBack { tiles, stride, used, input, kept, errors, below, way })
            }
            _ => {
                let errors = &mut errors[own];
                self.instructions().run(NormaliseBack { input, errors, way, stride, used })
            }
        };
        if let Kind::Conv(_) = source.kind {
            note(all_numbers, measure);
        }
    }
}

/// `(x - mean)*scale + shift`
#[derive(Clone, Copy)]
struct Affine<T> {
    mean: T,
    scale: T,
    shift: T,
}

impl<T: Element> Affine<T> {
    #[inline(always)]
    fn splat<V: Lanes<T>>(self) -> impl Fn(V) -> V {
        let one = V::splat(T::one());
        let (mean, scale, shift) = (V::splat(-self.mean), V::splat(self.scale), V::splat(self.shift));
        move |x| x.mul_add(one, mean).mul_add(scale, shift)
    }
}

/// `factor*(error - all - (x - mean)*along)`
#[derive(Clone, Copy)]
struct WayBack<T> {
    mean: T,
    factor: T,
    all: T,
    along: T,
}

impl<T: Element> WayBack<T> {
    #[inline(always)]
    fn splat<V: Lanes<T>>(self) -> impl Fn(V, V) -> V {
        let (one, zero) = (V::splat(T::one()), V::splat(T::zero()));
        let (mean, factor) = (V::splat(-self.mean), V::splat(self.factor));
        let (all, along) = (V::splat(-self.all), V::splat(-self.along));
        move |x, error| x.mul_add(one, mean).mul_add(along, error.mul_add(one, all)).mul_add(factor, zero)
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
    affine: Affine<T>,
    rectified: bool,
}

impl<T: Element> Work<T> for Normalise<'_, T> {
    type Outcome = ();

    #[inline(always)]
    fn run<V: Lanes<T>>(self) {
        let Normalise { input, output, affine, rectified } = self;
        let (zero, affine) = (V::splat(T::zero()), affine.splat::<V>());
        for at in (0..input.len()).step_by(LANES) {
            let y = affine(V::of(input, at));
            // A NaN stays one: the sentinel must find it.
            let y = if rectified { y.or_zero_below(zero) } else { y };
            y.write(output, at);
        }
    }
}

/// Of each window the largest normalised value, or 0 where that is below it; its place in the window and its input.
struct NormaliseAndPool<'a, T> {
    tiles: Tiles,
    stride: usize,
    input: &'a [T],
    affine: Affine<T>,
    output: &'a mut [T],
    kept: &'a mut [T],
    chosen: &'a mut [T],
}

impl<T: Element> Work<T> for NormaliseAndPool<'_, T> {
    type Outcome = ();

    #[inline(always)]
    fn run<V: Lanes<T>>(self) {
        let NormaliseAndPool { tiles, stride, input, affine, output, kept, chosen } = self;
        let (zero, affine) = (V::splat(T::zero()), affine.splat::<V>());
        tiles.each(stride, |to, corner| {
            let x = V::of(input, corner);
            let (mut most, mut place, mut its_x) = (affine(x), zero, x);
            tiles.each_place(stride, |number, from| {
                if number > 0 {
                    let x = V::of(input, corner + from);
                    let y = affine(x);
                    its_x = most.larger(y, [its_x, x])[1];
                    [most, place] = most.larger(y, [place, V::splat(T::of(number as f64))]);
                }
            });
            most.or_zero_below(zero).write(output, to);
            place.write(kept, to);
            its_x.write(chosen, to);
        });
    }
}

/// Sums of the errors and of the errors times x − mean; the errors are those behind the rectifier, if
/// there is one, and become those before it.
struct SumsBack<'a, T> {
    input: &'a [T],
    output: &'a [T],
    errors: &'a mut [T],
    mean: T,
    stride: usize,
    used: usize,
    rectified: bool,
}

impl<T: Element> Work<T> for SumsBack<'_, T> {
    type Outcome = [T; 2];

    #[inline(always)]
    fn run<V: Lanes<T>>(self) -> [T; 2] {
        let SumsBack { input, output, errors, mean, stride, used, rectified } = self;
        let (one, zero) = (V::splat(T::one()), V::splat(T::zero()));
        let mean = V::splat(-mean);
        let mut sums = [[zero; 2]; 2];
        for start in (0..input.len()).step_by(stride) {
            // Errors beyond the batch are 0, and add nothing; whole vectors of them are left out.
            for (turn, at) in (start..start + used).step_by(LANES).enumerate() {
                let mut error = V::of(errors, at);
                if rectified {
                    error = error.where_positive(V::of(output, at));
                    error.write(errors, at);
                }
                let off = V::of(input, at).mul_add(one, mean);
                let [all, along] = &mut sums[turn % 2];
                *all = error.mul_add(one, *all);
                *along = error.mul_add(off, *along);
            }
        }
        std::array::from_fn(|of| sums[0][of].mul_add(one, sums[1][of]).fold())
    }
}

struct NormaliseBack<'a, T> {
    input: &'a [T],
    errors: &'a mut [T],
    way: WayBack<T>,
    stride: usize,
    used: usize,
}

impl<T: Element> Work<T> for NormaliseBack<'_, T> {
    type Outcome = Measure<T>;

    #[inline(always)]
    fn run<V: Lanes<T>>(self) -> Measure<T> {
        let NormaliseBack { input, errors, way, stride, used } = self;
        let back = way.splat::<V>();
        let mut gauge = Gauge::<V>::new::<T>();
        for (input, errors) in input.chunks_exact(stride).zip(errors.chunks_exact_mut(stride)) {
            for (turn, at) in (0..stride).step_by(LANES).enumerate() {
                let error = back(V::of(input, at), V::of(errors, at));
                error.write(errors, at);
                gauge.take(turn, error);
            }
        }
        if used < stride {
            clear_beyond(errors, stride, used);
            gauge = Gauge::new();
            for errors in errors.chunks_exact(stride) {
                (0..stride).step_by(LANES).enumerate().for_each(|(turn, at)| gauge.take(turn, V::of(errors, at)));
            }
        }
        gauge.measure()
    }
}

/// The same where errors belong to windows, and in each to the place that is kept.
struct NormaliseAndPoolBack<'a, T> {
    tiles: Tiles,
    stride: usize,
    used: usize,
    input: &'a [T],
    kept: &'a [T],
    errors: &'a [T],
    below: &'a mut [T],
    way: WayBack<T>,
}

impl<T: Element> Work<T> for NormaliseAndPoolBack<'_, T> {
    type Outcome = Measure<T>;

    #[inline(always)]
    fn run<V: Lanes<T>>(self) -> Measure<T> {
        let NormaliseAndPoolBack { tiles, stride, used, input, kept, errors, below, way } = self;
        let back = way.splat::<V>();
        let mut gauge = Gauge::<V>::new::<T>();
        tiles.each(stride, |at, corner| {
            let (error, kept) = (V::of(errors, at), V::of(kept, at));
            tiles.each_place(stride, |number, to| {
                let to = corner + to;
                let error = error.where_equal(kept, V::splat(T::of(number as f64)));
                let error = back(V::of(input, to), error);
                error.write(below, to);
                gauge.take(number, error);
            });
        });
        if used < stride {
            clear_beyond(below, stride, used);
            gauge = Gauge::new();
            tiles.each(stride, |_, corner| {
                tiles.each_place(stride, |number, to| gauge.take(number, V::of(below, corner + to)));
            });
        }
        gauge.measure()
    }
}

/// Errors of samples that are not there become 0.
fn clear_beyond<T: Element>(errors: &mut [T], stride: usize, used: usize) {
    errors.chunks_exact_mut(stride).for_each(|row| row[used..].fill(T::zero()));
}
