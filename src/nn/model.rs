//! What a network is made of: layers, their shapes and tensors, and the stages in which it is computed.
//!
//! A *stage* begins with an operation that mixes channels (a product, a convolution, layer normalisation) and goes on
//! with all that follow it and need one channel only (batch normalisation, activations, pooling, dropout, a residual
//! sum). A task computes some channels of a stage from its beginning to its end, while they are in the nearest cache.

use std::ops::Range;

use super::model_error::ModelError;
use crate::kernel::LANES;

/// The shape of a sample's values at some place of a network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shape {
    /// Channels of an image; the values of a row.
    pub channels: usize,
    /// Height of an image, or 1.
    pub height: usize,
    /// Width of an image, or 1.
    pub width: usize,
}

impl Shape {
    /// A row of values.
    pub fn row(values: usize) -> Shape {
        Shape { channels: values, height: 1, width: 1 }
    }

    /// Places of a channel. Like [`values`](Self::values) no more than a `usize` holds; no network has as many.
    pub fn pixels(self) -> usize {
        self.height.saturating_mul(self.width)
    }

    /// All values of a sample.
    pub fn values(self) -> usize {
        self.channels.saturating_mul(self.pixels())
    }
}

impl std::fmt::Display for Shape {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.pixels() == 1 {
            write!(f, "{}", self.channels)
        } else {
            write!(f, "{}x{}x{}", self.channels, self.height, self.width)
        }
    }
}

/// A network.
#[derive(Debug, Clone, PartialEq)]
pub struct Network {
    pub(super) nodes: Vec<Node>,
    pub(super) stages: Vec<Stage>,
    pub(super) layers: Vec<Layer>,
    pub(super) tensors: Vec<Tensor>,
}

/// A layer that has parameters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layer {
    /// Its name, `fc1`, `conv1`, `bn1`, …
    pub name: String,
}

/// What a tensor is to its layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// A matrix or kernel.
    Weight,
    /// Added to each output.
    Bias,
    /// What a normalised value is multiplied with, γ.
    Scale,
    /// What is added to a normalised value, β.
    Shift,
}

/// A parameter tensor and its place among the network's weights.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tensor {
    /// Index of its layer.
    pub layer: usize,
    /// What it is to the layer.
    pub role: Role,
    /// `layer.role`, for example `fc1.weight`.
    pub name: String,
    /// Sizes, outermost first.
    pub shape: Vec<usize>,
    /// Inputs of one output value of its layer.
    pub fan_in: usize,
    /// Output values that one input value of its layer has a part in.
    pub fan_out: usize,
    /// Its elements' place among the network's weights, row-major.
    pub place: Range<usize>,
    /// The operation that it belongs to.
    pub(super) node: usize,
}

impl Tensor {
    /// Elements in a row: those that share the first index.
    pub fn row_len(&self) -> usize {
        self.shape[1..].iter().product()
    }
}

/// An operation. Places of its values are counted in pixels, within a channel's piece of its stage's memory.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Node {
    pub(super) kind: Kind,
    /// Its own.
    pub(super) index: usize,
    /// The operation whose output it takes; its own index for the network's input.
    pub(super) source: usize,
    pub(super) stage: usize,
    pub(super) shape: Shape,
    /// Its parameters, as many as it has.
    pub(super) tensors: [usize; 2],
    /// Where its output is.
    pub(super) at: usize,
    /// Where what it keeps beside that is: a pool's choices, a dropout's mask.
    pub(super) kept: usize,
    /// Where the loss's gradient by its output is.
    pub(super) error: usize,
    /// Where its numbers are in a channel's statistics.
    pub(super) numbers: usize,
    /// Residual sums that add its output to theirs.
    pub(super) sums: Vec<usize>,
}

/// What an operation does.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Kind {
    Input,
    Linear,
    Conv(Window),
    /// Number of the layer normalisation, and eps.
    LayerNorm(f64),
    Flatten,
    BatchNorm {
        eps: f64,
        momentum: f64,
    },
    /// The largest or the mean of windows.
    Pool(Window, Pooling),
    Dropout(f64),
    Activation(Activation),
    /// The sum of the source's output and that of the operation named.
    Sum(usize),
}

/// A window that moves over an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Window {
    pub(super) height: usize,
    pub(super) width: usize,
    pub(super) stride: usize,
    pub(super) pad: usize,
}

/// What a pool makes of a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pooling {
    Max,
    Mean,
}

/// What is applied to each value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Activation {
    /// max(x, 0), a NaN kept.
    Relu,
    /// x where it is positive, slope·x elsewhere.
    LeakyRelu(f64),
    /// x·Φ(x)
    Gelu,
    /// x·σ(x)
    Silu,
    /// Hyperbolic tangent.
    Tanh,
    /// 1/(1 + e⁻ˣ)
    Sigmoid,
}

impl Activation {
    /// Whether its slope follows from its output, so that it may overwrite its input.
    pub(super) fn keeps_no_input(self) -> bool {
        match self {
            Activation::Relu | Activation::Tanh | Activation::Sigmoid => true,
            Activation::LeakyRelu(slope) => slope > 0.0,
            Activation::Gelu | Activation::Silu => false,
        }
    }
}

/// A part of the network that tasks compute channel by channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Stage {
    /// Its operations, the first of which mixes channels.
    pub(super) nodes: Range<usize>,
    pub(super) channels: usize,
    /// Pixels of values that a channel takes.
    pub(super) values: usize,
    /// Pixels of errors that a channel takes.
    pub(super) errors: usize,
    /// Numbers of a channel: first [`STAGE_NUMBERS`], then those of its operations.
    pub(super) numbers: usize,
    /// Whether it or a stage before it has parameters.
    pub(super) learns: bool,
}

impl Stage {
    /// From one channel's values to the next one's.
    pub(super) fn values_step(&self, stride: usize) -> usize {
        odd_lines(self.values * stride)
    }

    /// From one channel's errors to the next one's.
    pub(super) fn errors_step(&self, stride: usize) -> usize {
        odd_lines(self.errors * stride)
    }
}

/// An odd number of cache lines: steps of a power of two would put all channels in the same few places of a cache.
pub(super) fn odd_lines(values: usize) -> usize {
    ((values / LANES) | 1) * LANES
}

/// A channel's number that holds the largest magnitude among a stage's outputs.
pub(super) const LARGEST_VALUE: usize = 0;
/// The one that holds the largest magnitude among the errors of its first operation.
pub(super) const LARGEST_ERROR: usize = 1;
/// The one that holds the sum of the errors of a convolution, the gradient by its bias.
pub(super) const ERROR_SUM: usize = 2;
/// Numbers of a channel before those of its operations.
pub(super) const STAGE_NUMBERS: usize = 3;

/// Numbers that batch normalisation keeps for a channel: see `local::batch_norm`.
pub(super) const BATCH_NORM_NUMBERS: usize = 6;

impl Network {
    /// The layers that have parameters, in the order of the forward pass.
    pub fn layers(&self) -> &[Layer] {
        &self.layers
    }

    /// The parameters, in the order of every per-tensor statistic.
    pub fn tensors(&self) -> &[Tensor] {
        &self.tensors
    }

    /// Number of all parameters.
    pub fn parameters(&self) -> usize {
        self.tensors.last().map_or(0, |tensor| tensor.place.end)
    }

    /// What a sample looks like.
    pub fn input(&self) -> Shape {
        self.nodes[0].shape
    }

    /// Values in an output.
    pub fn outputs(&self) -> usize {
        self.nodes[self.nodes.len() - 1].shape.values()
    }

    /// Names and lengths of what batch normalisation remembers of past batches.
    pub fn buffers(&self) -> Vec<(String, usize)> {
        let norms = self.nodes.iter().filter(|node| matches!(node.kind, Kind::BatchNorm { .. }));
        let buffers = norms.flat_map(|node| {
            let layer = &self.layers[self.tensors[node.tensors[0]].layer].name;
            ["running_mean", "running_var"].map(|name| (format!("{layer}.{name}"), node.shape.channels))
        });
        buffers.collect()
    }

    /// The multiply-adds that a step really needs for each sample: forward, the gradient by the weights, and the
    /// gradient by the input except in the first layer; of a convolution those of its definition.
    pub fn multiply_adds(&self) -> usize {
        let mut first = true;
        let products = self.nodes.iter().filter(|node| matches!(node.kind, Kind::Linear | Kind::Conv(_)));
        let each = products.map(|node| {
            let weights: usize = self.tensors[node.tensors[0]].shape.iter().product();
            let once = weights * node.shape.pixels();
            let passes = if std::mem::take(&mut first) { 2 } else { 3 };
            passes * once
        });
        each.sum()
    }

    /// Rows of a tensor whose gradient is a task of its own, for batches of so many samples: enough to be worth a
    /// task's price, and whole tiles of products.
    pub fn rows_in_task(&self, tensor: &Tensor, batch: usize) -> usize {
        /// Multiply-adds that a task is worth.
        const WORTH: usize = 200_000;
        let node = &self.nodes[tensor.node];
        let tile = if matches!(node.kind, Kind::Conv(_)) { 4 } else { 24 };
        let row = (tensor.row_len() * node.shape.pixels() * batch).max(1);
        WORTH.div_ceil(row).next_multiple_of(tile)
    }

    pub(super) fn source(&self, node: &Node) -> &Node {
        &self.nodes[node.source]
    }

    /// A stage's first operation.
    pub(super) fn head(&self, stage: usize) -> &Node {
        &self.nodes[self.stages[stage].nodes.start]
    }

    /// A stage's last operation.
    pub(super) fn last(&self, stage: usize) -> &Node {
        &self.nodes[self.stages[stage].nodes.end - 1]
    }
}

impl Network {
    /// Whether batches of so many samples can be computed.
    ///
    /// # Errors
    /// [`ModelError::Batch`]
    pub fn check_batch(&self, batch: usize) -> Result<(), ModelError> {
        for (index, stage) in self.stages.iter().enumerate() {
            let values = |samples: usize| {
                let stride = samples.next_multiple_of(LANES);
                stage.channels.saturating_mul(stage.values_step(stride).max(stage.errors_step(stride)))
            };
            // Places are counted in 32 bits.
            if u32::try_from(values(batch)).is_err() {
                let layer = self.layer_of(index);
                let largest = (1..=batch / LANES).rev().map(|rows| rows * LANES);
                let largest = largest.into_iter().find(|&samples| u32::try_from(values(samples)).is_ok());
                return Err(ModelError::Batch { batch, layer, values: values(batch), largest: largest.unwrap_or(0) });
            }
        }
        Ok(())
    }

    /// The name of a stage's first layer.
    fn layer_of(&self, stage: usize) -> String {
        let tensors = self.tensors().iter().find(|tensor| self.nodes[tensor.node].stage == stage);
        tensors
            .map_or_else(|| "input".to_owned(), |tensor| tensor.name.split('.').next().unwrap_or_default().to_owned())
    }
}
