//! Puts a network together from its layers: shapes are inferred and checked, tensors and memory get their places.

use super::model::{
    Activation, BATCH_NORM_NUMBERS, Kind, Layer, Network, Node, Pooling, Role, STAGE_NUMBERS, Shape, Stage, Tensor,
    Window,
};
use super::model_error::{MOST_MULTIPLY_ADDS, MOST_PARAMETERS, MOST_VALUES, ModelError};
use crate::stream::{Convention, LayerConfig};

/// More neurons or channels than this in a layer are taken for a slip.
const LARGEST_LAYER: usize = 1 << 16;
/// A larger kernel, stride or padding than this is taken for a slip.
const LARGEST_IMAGE: usize = 1 << 12;

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
        let (values, errors, numbers) = (0, 0, STAGE_NUMBERS);
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
