//! What a network is made of: layers, their shapes and tensors, and the stages in which it is computed.
//!
//! A *stage* begins with an operation that mixes channels (a product, a convolution, layer normalisation) and goes on
//! with all that follow it and need one channel only (batch normalisation, activations, pooling, dropout, a residual
//! sum). A task computes some channels of a stage from its beginning to its end, while they are in the nearest cache.

use std::ops::Range;

use thiserror::Error;

use crate::kernel::LANES;
use crate::stream::{Convention, LayerConfig};

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
    layers: Vec<Layer>,
    tensors: Vec<Tensor>,
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
    fn keeps_no_input(self) -> bool {
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
    /// Numbers of a channel: first the largest value and the largest error, then those of its operations.
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
fn odd_lines(values: usize) -> usize {
    ((values / LANES) | 1) * LANES
}

/// A channel's number that holds the largest magnitude among a stage's outputs.
pub(super) const LARGEST_VALUE: usize = 0;
/// The one that holds the largest magnitude among the errors of its first operation.
pub(super) const LARGEST_ERROR: usize = 1;

/// What can be wrong with a network.
#[derive(Debug, Error, PartialEq)]
pub enum ModelError {
    /// Not a form that there is.
    #[error(
        "model `{0}` is not of a form like mlp:784-256-128-10, mlp:784-100-10,act=gelu,norm=batch,dropout=0.1 or \
         cnn:c32-p-c64-p-f10: {1}"
    )]
    Form(String, String),
    /// Nothing to compute.
    #[error("the network has no layer with weights")]
    Empty,
    /// A number of a layer out of its range.
    #[error("layer {layer}: {what} must be {allowed}, got {got}")]
    Number {
        /// The layer.
        layer: String,
        /// Which of its numbers.
        what: &'static str,
        /// What it may be.
        allowed: String,
        /// What it is.
        got: String,
    },
    /// A layer on values of a shape that it cannot take.
    #[error("layer {layer} gets {got}, but needs {needs}")]
    Shape {
        /// The layer.
        layer: String,
        /// The shape it gets.
        got: String,
        /// What it needs.
        needs: String,
    },
    /// Two layers of one name.
    #[error("two layers are called {0}")]
    Twice(String),
    /// More weights than can be meant.
    #[error("layer {layer}: with it the network has {parameters} parameters, there can be at most {MOST_PARAMETERS}")]
    Parameters {
        /// The layer that is too much.
        layer: String,
        /// Weights and biases.
        parameters: usize,
    },
    /// Samples, or what a layer makes of one, without a value or larger than can be meant.
    #[error("{what} of {shape} (channels x height x width) has {} values, there can be from 1 to {MOST_VALUES}", shape.values())]
    Values {
        /// The input, or a layer's output.
        what: String,
        /// Its shape.
        shape: Shape,
    },
    /// More arithmetic than can be meant.
    #[error(
        "layer {layer} takes {multiply_adds} multiply-adds for each sample, there can be at most {MOST_MULTIPLY_ADDS}"
    )]
    MultiplyAdds {
        /// The layer.
        layer: String,
        /// Forward.
        multiply_adds: usize,
    },
    /// The data has samples of another size.
    #[error("model `{model}` takes {takes} values, but the data's samples have {has}: it must start with mlp:{has}")]
    Inputs {
        /// The model.
        model: String,
        /// Values that it takes.
        takes: usize,
        /// Values in a sample.
        has: usize,
    },
    /// The data asks for other outputs.
    #[error("model `{model}` has {outputs} outputs, but the data has {needs}")]
    Outputs {
        /// The model.
        model: String,
        /// Outputs of the network.
        outputs: usize,
        /// What the data has.
        needs: String,
    },
}

/// More neurons or channels than this in a layer are taken for a slip.
const LARGEST_LAYER: usize = 1 << 16;
/// More weights than this are taken for a slip: with gradient and Adam's state they are 2 GiB.
const MOST_PARAMETERS: usize = 1 << 27;
/// A larger kernel, stride or padding than this is taken for a slip.
const LARGEST_IMAGE: usize = 1 << 12;
/// More values of a sample than this are taken for a slip: a batch of a hundred of them takes 6 GiB.
const MOST_VALUES: usize = 1 << 24;
/// A layer of more arithmetic than this takes seconds for each sample.
const MOST_MULTIPLY_ADDS: usize = 1 << 36;

impl Network {
    /// A network of these layers on samples of this shape.
    ///
    /// # Errors
    /// [`ModelError`], naming the layer, what it got and what it needs.
    pub fn new(input: Shape, layers: &[LayerConfig], convention: Convention) -> Result<Network, ModelError> {
        let mut builder = Builder { convention, ..Builder::default() };
        builder.check_values("the input", input)?;
        builder.open(Kind::Input, 0, input);
        builder.add_all(layers)?;
        builder.finish()
    }

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
    /// gradient by the input except in the first layer.
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
        let tile = if matches!(node.kind, Kind::Conv(_)) { 4 } else { 8 };
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

/// Puts a network together, layer by layer.
#[derive(Default)]
struct Builder {
    convention: Convention,
    nodes: Vec<Node>,
    stages: Vec<Stage>,
    layers: Vec<Layer>,
    tensors: Vec<Tensor>,
    counts: [usize; 4],
}

impl Builder {
    fn shape(&self) -> Shape {
        self.nodes.last().map_or(Shape::row(0), |node| node.shape)
    }

    fn add_all(&mut self, layers: &[LayerConfig]) -> Result<(), ModelError> {
        for (index, layer) in layers.iter().enumerate() {
            // A fully connected layer takes values of any shape as they lie.
            let needless =
                *layer == LayerConfig::Flatten && matches!(layers.get(index + 1), Some(LayerConfig::Linear { .. }));
            if !needless {
                self.add(layer)?;
            }
        }
        Ok(())
    }

    fn add(&mut self, layer: &LayerConfig) -> Result<(), ModelError> {
        let shape = self.shape();
        match layer {
            LayerConfig::Linear { name, out } => {
                let name = self.name(name, 0)?;
                within(&name, "out", *out, 1..=LARGEST_LAYER)?;
                let layer = self.open_layer(Kind::Linear, Shape::row(*out), &name);
                self.tensor(layer, Role::Weight, vec![*out, shape.values()], [shape.values(), *out])?;
                self.tensor(layer, Role::Bias, vec![*out], [shape.values(), *out])
            }
            LayerConfig::Conv2d { name, out, kernel, stride, pad } => {
                let name = self.name(name, 1)?;
                within(&name, "out", *out, 1..=LARGEST_LAYER)?;
                let window = self.window(&name, [*kernel; 2], *stride, *pad)?;
                let (to, area) = (window.over(shape, *out), kernel * kernel);
                self.check_values(&format!("the output of layer {name}"), to)?;
                let multiply_adds = to.values().saturating_mul(shape.channels.saturating_mul(area));
                if multiply_adds > MOST_MULTIPLY_ADDS {
                    return Err(ModelError::MultiplyAdds { layer: name, multiply_adds });
                }
                let layer = self.open_layer(Kind::Conv(window), to, &name);
                let fans = [shape.channels * area, out * area];
                self.tensor(layer, Role::Weight, vec![*out, shape.channels, *kernel, *kernel], fans)?;
                self.tensor(layer, Role::Bias, vec![*out], fans)
            }
            LayerConfig::Maxpool2d { kernel, stride, pad } => {
                let window = self.window("maxpool2d", [*kernel; 2], stride.unwrap_or(*kernel), *pad)?;
                self.pool("maxpool2d", window, Pooling::Max)
            }
            LayerConfig::Avgpool2d { kernel, stride, pad } => {
                let window = self.window("avgpool2d", [*kernel; 2], stride.unwrap_or(*kernel), *pad)?;
                self.pool("avgpool2d", window, Pooling::Mean)
            }
            LayerConfig::GlobalAvgpool => {
                let window = Window { height: shape.height, width: shape.width, stride: 1, pad: 0 };
                self.pool("global_avgpool", window, Pooling::Mean)
            }
            LayerConfig::Batchnorm { name, eps, momentum } => {
                let name = self.name(name, 2)?;
                let eps = eps.unwrap_or(if self.convention == Convention::Chainer { 2e-5 } else { 1e-5 });
                positive(&name, "eps", eps)?;
                share(&name, "momentum", *momentum, "a share from 0 to 1", *momentum <= 1.0)?;
                self.follow(Kind::BatchNorm { eps, momentum: *momentum }, shape);
                let layer = self.layer(&name);
                self.tensor(layer, Role::Scale, vec![shape.channels], [1, 1])?;
                self.tensor(layer, Role::Shift, vec![shape.channels], [1, 1])
            }
            LayerConfig::Layernorm { name, eps } => {
                let name = self.name(name, 3)?;
                let eps = eps.unwrap_or(1e-5);
                positive(&name, "eps", eps)?;
                let layer = self.open_layer(Kind::LayerNorm(eps), shape, &name);
                let sizes = match shape.pixels() {
                    1 => vec![shape.channels],
                    _ => vec![shape.channels, shape.height, shape.width],
                };
                self.tensor(layer, Role::Scale, sizes.clone(), [1, 1])?;
                self.tensor(layer, Role::Shift, sizes, [1, 1])
            }
            LayerConfig::Dropout { p } => {
                share("dropout", "p", *p, "at least 0 and below 1", *p < 1.0)?;
                self.follow(Kind::Dropout(*p), shape);
                Ok(())
            }
            LayerConfig::LeakyRelu { slope } => {
                share("leaky_relu", "slope", *slope, "a finite number of at least 0", slope.is_finite())?;
                self.activation(Activation::LeakyRelu(*slope))
            }
            LayerConfig::Relu => self.activation(Activation::Relu),
            LayerConfig::Gelu => self.activation(Activation::Gelu),
            LayerConfig::Silu => self.activation(Activation::Silu),
            LayerConfig::Tanh => self.activation(Activation::Tanh),
            LayerConfig::Sigmoid => self.activation(Activation::Sigmoid),
            LayerConfig::Flatten => {
                if shape.pixels() > 1 {
                    self.open(Kind::Flatten, self.nodes.len() - 1, Shape::row(shape.values()));
                }
                Ok(())
            }
            LayerConfig::Residual { layers } => {
                let from = self.nodes.len() - 1;
                self.add_all(layers)?;
                if self.nodes.len() - 1 == from || self.shape() != shape {
                    let got = format!("{} from the layers within", self.shape());
                    let needs = format!("{shape}, the shape of its input, from at least one layer");
                    return Err(ModelError::Shape { layer: "residual".into(), got, needs });
                }
                let sum = self.nodes.len();
                self.nodes[from].sums.push(sum);
                self.follow(Kind::Sum(from), shape);
                Ok(())
            }
        }
    }

    fn activation(&mut self, activation: Activation) -> Result<(), ModelError> {
        self.follow(Kind::Activation(activation), self.shape());
        Ok(())
    }

    fn pool(&mut self, layer: &str, window: Window, pooling: Pooling) -> Result<(), ModelError> {
        if 2 * window.pad > window.height {
            let allowed = format!("at most {}, half of the kernel", window.height / 2);
            return Err(ModelError::Number { layer: layer.into(), what: "pad", allowed, got: window.pad.to_string() });
        }
        let shape = self.shape();
        let to = window.over(shape, shape.channels);
        self.check_values(&format!("the output of layer {layer}"), to)?;
        self.follow(Kind::Pool(window, pooling), to);
        Ok(())
    }

    fn check_values(&self, what: &str, shape: Shape) -> Result<(), ModelError> {
        match (1..=MOST_VALUES).contains(&shape.values()) {
            true => Ok(()),
            false => Err(ModelError::Values { what: what.into(), shape }),
        }
    }

    /// Checks that a window fits on the image that it gets.
    fn window(
        &self,
        layer: &str,
        [height, width]: [usize; 2],
        stride: usize,
        pad: usize,
    ) -> Result<Window, ModelError> {
        let shape = self.shape();
        for (what, value, least) in [("kernel", height, 1), ("stride", stride, 1), ("pad", pad, 0)] {
            within(layer, what, value, least..=LARGEST_IMAGE)?;
        }
        if pad >= height {
            let allowed = format!("less than the kernel's side, {height}");
            return Err(ModelError::Number { layer: layer.into(), what: "pad", allowed, got: pad.to_string() });
        }
        if shape.height + 2 * pad < height || shape.width + 2 * pad < width {
            let sizes = format!("{}x{}x{}", shape.channels, shape.height, shape.width);
            let got = format!("an image of {sizes} (channels x height x width)");
            let needs = format!("one of at least {}x{} for its kernel", height - 2 * pad, width - 2 * pad);
            return Err(ModelError::Shape { layer: layer.into(), got, needs });
        }
        Ok(Window { height, width, stride, pad })
    }

    /// The name that was given, or the next of its kind.
    fn name(&mut self, given: &Option<String>, kind: usize) -> Result<String, ModelError> {
        self.counts[kind] += 1;
        let name = match given {
            Some(name) => name.clone(),
            None => format!("{}{}", ["fc", "conv", "bn", "ln"][kind], self.counts[kind]),
        };
        match self.layers.iter().any(|layer| layer.name == name) {
            true => Err(ModelError::Twice(name)),
            false => Ok(name),
        }
    }

    fn layer(&mut self, name: &str) -> usize {
        self.layers.push(Layer { name: name.to_owned() });
        self.layers.len() - 1
    }

    fn tensor(&mut self, layer: usize, role: Role, shape: Vec<usize>, fans: [usize; 2]) -> Result<(), ModelError> {
        let start = self.tensors.last().map_or(0, |tensor| tensor.place.end);
        let end = shape.iter().fold(1, |product: usize, &size| product.saturating_mul(size)).saturating_add(start);
        let name = &self.layers[layer].name;
        if end > MOST_PARAMETERS {
            return Err(ModelError::Parameters { layer: name.clone(), parameters: end });
        }
        let suffix = match role {
            Role::Weight => "weight",
            Role::Bias => "bias",
            Role::Scale => "gamma",
            Role::Shift => "beta",
        };
        let (name, node) = (format!("{name}.{suffix}"), self.nodes.len() - 1);
        let which = usize::from(matches!(role, Role::Bias | Role::Shift));
        self.nodes[node].tensors[which] = self.tensors.len();
        let [fan_in, fan_out] = fans;
        self.tensors.push(Tensor { layer, role, name, shape, fan_in, fan_out, place: start..end, node });
        let stage = self.stages.len() - 1;
        self.stages[stage].learns = true;
        Ok(())
    }

    /// Begins a stage with a layer that has parameters.
    fn open_layer(&mut self, kind: Kind, shape: Shape, name: &str) -> usize {
        self.open(kind, self.nodes.len() - 1, shape);
        self.layer(name)
    }

    /// Begins a stage.
    fn open(&mut self, kind: Kind, source: usize, shape: Shape) {
        let learns = self.stages.last().is_some_and(|stage| stage.learns);
        let start = self.nodes.len();
        let (values, errors, numbers) = (0, 0, LARGEST_ERROR + 1);
        let channels = shape.channels;
        self.stages.push(Stage { nodes: start..start, channels, values, errors, numbers, learns });
        self.push(kind, source, shape);
    }

    /// Goes on in the stage that is open.
    fn follow(&mut self, kind: Kind, shape: Shape) {
        self.push(kind, self.nodes.len() - 1, shape);
    }

    fn push(&mut self, kind: Kind, source: usize, shape: Shape) {
        let stage = self.stages.len() - 1;
        let (sums, tensors) = (Vec::new(), [usize::MAX; 2]);
        let index = self.nodes.len();
        self.nodes.push(Node {
            kind,
            index,
            source,
            stage,
            shape,
            tensors,
            at: 0,
            kept: 0,
            error: 0,
            numbers: 0,
            sums,
        });
        self.stages[stage].nodes.end = self.nodes.len();
    }

    /// Gives every operation its places.
    fn finish(mut self) -> Result<Network, ModelError> {
        if self.tensors.is_empty() {
            return Err(ModelError::Empty);
        }
        for stage in &mut self.stages {
            for index in stage.nodes.clone() {
                let (kind, pixels, source) = {
                    let node = &self.nodes[index];
                    (node.kind, node.shape.pixels(), node.source)
                };
                let in_place = match kind {
                    Kind::Activation(activation) => {
                        let before = &self.nodes[source];
                        activation.keeps_no_input()
                            && index > stage.nodes.start
                            && before.sums.is_empty()
                            && !matches!(before.kind, Kind::Activation(_) | Kind::Input)
                    }
                    _ => false,
                };
                let at = if in_place {
                    self.nodes[source].at
                } else {
                    stage.values += pixels;
                    stage.values - pixels
                };
                let node = &mut self.nodes[index];
                node.at = at;
                if matches!(kind, Kind::Pool(_, Pooling::Max) | Kind::Dropout(_)) {
                    node.kept = stage.values;
                    stage.values += pixels;
                }
                if matches!(kind, Kind::BatchNorm { .. }) {
                    node.numbers = stage.numbers;
                    stage.numbers += BATCH_NORM_NUMBERS;
                }
            }
            // Errors are overwritten on their way back, where the sizes agree and nobody else will ask for them.
            for index in stage.nodes.clone().rev() {
                let pixels = self.nodes[index].shape.pixels();
                let after = index + 1;
                let shared = after < stage.nodes.end
                    && self.nodes[after].shape.pixels() == pixels
                    && !matches!(self.nodes[after].kind, Kind::Sum(_) | Kind::Pool(..));
                self.nodes[index].error = if shared {
                    self.nodes[after].error
                } else {
                    stage.errors += pixels;
                    stage.errors - pixels
                };
            }
        }
        Ok(Network { nodes: self.nodes, stages: self.stages, layers: self.layers, tensors: self.tensors })
    }
}

/// Numbers that batch normalisation keeps for a channel: see `local::batch_norm`.
pub(super) const BATCH_NORM_NUMBERS: usize = 6;

impl Window {
    /// The shape of what it makes of an image.
    fn over(self, shape: Shape, channels: usize) -> Shape {
        let side = |side: usize, window: usize| (side + 2 * self.pad - window) / self.stride + 1;
        Shape { channels, height: side(shape.height, self.height), width: side(shape.width, self.width) }
    }
}

fn within(
    layer: &str,
    what: &'static str,
    value: usize,
    allowed: std::ops::RangeInclusive<usize>,
) -> Result<(), ModelError> {
    if allowed.contains(&value) {
        return Ok(());
    }
    let allowed = format!("from {} to {}", allowed.start(), allowed.end());
    Err(ModelError::Number { layer: layer.into(), what, allowed, got: value.to_string() })
}

fn positive(layer: &str, what: &'static str, value: f64) -> Result<(), ModelError> {
    share(layer, what, value, "positive and finite", value > 0.0 && value.is_finite())
}

fn share(layer: &str, what: &'static str, value: f64, allowed: &str, holds: bool) -> Result<(), ModelError> {
    if value >= 0.0 && holds {
        return Ok(());
    }
    Err(ModelError::Number { layer: layer.into(), what, allowed: allowed.into(), got: value.to_string() })
}
