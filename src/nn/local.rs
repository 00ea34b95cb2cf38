//! Operations that need one channel only, forward and backward.
//!
//! A channel's values are a piece of its stage's memory, in which every operation's rows have their place.

mod batch_norm;
mod pool;

pub(super) use batch_norm::{RUNNING_MEAN, RUNNING_VARIANCE, SCALE_GRADIENT, SHIFT_GRADIENT, gradients};

use batch_norm::comes_along;

use super::model::{Activation, Kind, Node};
use super::passage::{Band, Setting};
use crate::kernel::{Element, Instructions, map, zip};
use crate::random::unit_at;

/// What dropout does, and where batch normalisation's statistics come from.
#[derive(Debug, Clone, Copy)]
pub enum Mode<'a, T> {
    /// Statistics of the batch; values are dropped as this number, of which each update has its own, determines.
    Training(u64),
    /// Statistics of the batch, and what is kept in dropout's place, `[sample][value]`, 0 or 1, for each dropout in
    /// turn.
    Masked(&'a [Vec<T>]),
    /// What was learnt of past batches; nothing is dropped.
    Evaluation,
}

/// What the operations of a channel are computed with.
#[derive(Debug, Clone, Copy)]
pub(super) struct Channel<'a, T> {
    pub(super) setting: Setting<'a, T>,
    pub(super) mode: Mode<'a, T>,
    pub(super) stride: usize,
    pub(super) used: usize,
    /// Its number.
    pub(super) channel: usize,
    /// The stages before.
    pub(super) earlier: &'a [Band<T>],
}

impl<'a, T: Element> Channel<'a, T> {
    pub(super) fn instructions(&self) -> Instructions {
        self.setting.instructions
    }

    /// A parameter of the channel.
    fn parameter(&self, node: &Node, which: usize) -> T {
        self.setting.weights[self.setting.network.tensors()[node.tensors[which]].place.start + self.channel]
    }

    /// An operation's rows in a piece.
    fn rows(&self, at: usize, node: &Node) -> std::ops::Range<usize> {
        at * self.stride..(at + node.shape.pixels()) * self.stride
    }

    /// Computes a stage's operations but the first, in their order.
    pub(super) fn forward_all(&self, nodes: &[Node], values: &mut [T], numbers: &mut [T]) {
        for node in nodes {
            self.forward(node, values, numbers);
        }
    }

    /// Computes an operation's output from its source's.
    fn forward(&self, node: &Node, values: &mut [T], numbers: &mut [T]) {
        let network = self.setting.network;
        let source = network.source(node);
        let (from, to) = (self.rows(source.at, source), self.rows(node.at, node));
        match node.kind {
            _ if comes_along(network, node) => {}
            Kind::Activation(activation) => {
                if from != to {
                    values.copy_within(from, to.start);
                }
                activate(self.instructions(), activation, &mut values[to]);
            }
            Kind::BatchNorm { eps, momentum } => {
                self.normalise(node, [eps, momentum], values, numbers);
            }
            Kind::Pool(window, pooling) => {
                let (input, output) = values.split_at_mut(to.start);
                // A largest value's place is kept behind the output.
                let (output, kept) = output.split_at_mut(to.len());
                self.pool([source, node], window, pooling, &input[from], output, kept);
            }
            Kind::Dropout(p) => {
                let kept = self.rows(node.kept, node);
                values.copy_within(from, to.start);
                if matches!(self.mode, Mode::Evaluation) {
                    return;
                }
                let (output, mask) = values.split_at_mut(kept.start);
                let (output, mask) = (&mut output[to], &mut mask[..kept.len()]);
                self.draw_mask(node, p, mask);
                zip(self.instructions(), output, mask, |x, keep| x * keep);
            }
            Kind::Sum(other) => {
                let other = &network.nodes[other];
                let theirs = self.rows(other.at, other);
                values.copy_within(from, to.start);
                let (before, output) = values.split_at_mut(to.start);
                let theirs = if other.stage == node.stage {
                    &before[theirs]
                } else {
                    let piece = network.stages[other.stage].values_step(self.stride);
                    &self.earlier[other.stage].values[self.channel * piece..][theirs]
                };
                zip(self.instructions(), &mut output[..to.len()], theirs, |x, y| x + y);
            }
            Kind::Input | Kind::Linear | Kind::Conv(_) | Kind::LayerNorm(_) | Kind::Flatten => {
                unreachable!("a stage begins with it")
            }
        }
    }

    /// Computes the error of an operation's source from its own.
    pub(super) fn backward(&self, node: &Node, values: &[T], errors: &mut [T], numbers: &mut [T]) {
        let network = self.setting.network;
        let source = network.source(node);
        let (own, theirs) = (self.rows(node.error, node), self.rows(source.error, source));
        let input = &values[self.rows(source.at, source)];
        match node.kind {
            _ if comes_along(network, node) => {}
            Kind::Activation(activation) => {
                let output = &values[self.rows(node.at, node)];
                let errors = &mut errors[own];
                slope(self.instructions(), activation, errors, input, output);
            }
            Kind::BatchNorm { .. } => self.normalise_back(node, values, errors, numbers),
            Kind::Pool(window, pooling) => {
                let kept =
                    if pooling == super::model::Pooling::Max { &values[self.rows(node.kept, node)] } else { &[] };
                let (own, theirs) = apart(errors, own, theirs);
                self.pool_back([source, node], window, pooling, kept, own, theirs);
            }
            Kind::Dropout(_) => {
                let mask = &values[self.rows(node.kept, node)];
                zip(self.instructions(), &mut errors[own], mask, |error, keep| error * keep);
            }
            Kind::Sum(_) => errors.copy_within(own, theirs.start),
            Kind::Input | Kind::Linear | Kind::Conv(_) | Kind::LayerNorm(_) | Kind::Flatten => {
                unreachable!("a stage begins with it")
            }
        }
    }

    /// 0 where a value is dropped, 1/(1 − p) elsewhere.
    fn draw_mask(&self, node: &Node, p: f64, mask: &mut [T]) {
        let keep = T::of(1.0 / (1.0 - p));
        let nodes = &self.setting.network.nodes;
        let number =
            nodes.iter().filter(|other| matches!(other.kind, Kind::Dropout(_))).position(|other| other == node);
        let number = number.unwrap_or(0);
        for (pixel, row) in mask.chunks_exact_mut(self.stride).enumerate() {
            let value = self.channel * node.shape.pixels() + pixel;
            for (sample, mask) in row.iter_mut().enumerate() {
                let kept = match self.mode {
                    Mode::Masked(masks) if sample < self.used => {
                        masks[number][sample * node.shape.values() + value] != T::zero()
                    }
                    Mode::Training(key) => {
                        let key = key.wrapping_add((number as u64) << 32);
                        unit_at(key, (value as u64) << 24 | sample as u64) >= p
                    }
                    _ => true,
                };
                *mask = if kept { keep } else { T::zero() };
            }
        }
    }
}

/// Two parts of a piece, the first to read and the second to write.
fn apart<T>(piece: &mut [T], read: std::ops::Range<usize>, write: std::ops::Range<usize>) -> (&[T], &mut [T]) {
    if read.start < write.start {
        let (low, high) = piece.split_at_mut(write.start);
        (&low[read], &mut high[..write.len()])
    } else {
        let (low, high) = piece.split_at_mut(read.start);
        (&high[..read.len()], &mut low[write])
    }
}

/// Applies an activation to each value.
fn activate<T: Element>(instructions: Instructions, activation: Activation, values: &mut [T]) {
    let (zero, one) = (T::zero(), T::one());
    match activation {
        // Written so that a NaN stays one: the sentinel must find it.
        Activation::Relu => map(instructions, values, |x| if x < zero { zero } else { x }),
        Activation::LeakyRelu(slope) => {
            let slope = T::of(slope);
            map(instructions, values, |x| if x > zero { x } else { slope * x });
        }
        Activation::Gelu => map(instructions, values, |x| x * normal_share(x)),
        Activation::Silu => map(instructions, values, |x| x / (one + (-x).exp())),
        Activation::Tanh => map(instructions, values, |x| x.tanh()),
        Activation::Sigmoid => map(instructions, values, |x| one / (one + (-x).exp())),
    }
}

/// Multiplies errors with an activation's slope.
fn slope<T: Element>(instructions: Instructions, activation: Activation, errors: &mut [T], input: &[T], output: &[T]) {
    let (zero, one) = (T::zero(), T::one());
    match activation {
        Activation::Relu => zip(instructions, errors, output, |error, y| if y <= zero { zero } else { error }),
        Activation::LeakyRelu(slope) => {
            // Where the slope is 0 the input is still there; else the output has its sign.
            let slope = T::of(slope);
            let side = if slope > zero { output } else { input };
            zip(instructions, errors, side, |error, x| if x > zero { error } else { slope * error });
        }
        Activation::Gelu => zip(instructions, errors, input, |error, x| {
            let density = (-(x * x) / T::of(2.0)).exp() * T::of(0.398_942_280_401_432_7);
            error * (normal_share(x) + x * density)
        }),
        Activation::Silu => zip(instructions, errors, input, |error, x| {
            let share = one / (one + (-x).exp());
            error * (share * (one + x * (one - share)))
        }),
        Activation::Tanh => zip(instructions, errors, output, |error, y| error * (one - y * y)),
        Activation::Sigmoid => zip(instructions, errors, output, |error, y| error * (y * (one - y))),
    }
}

/// Φ(x), the share of a normal distribution below x.
#[inline(always)]
fn normal_share<T: Element>(x: T) -> T {
    T::of(0.5) * (T::one() + (x * T::of(std::f64::consts::FRAC_1_SQRT_2)).erf())
}
