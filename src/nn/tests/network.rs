//! Networks to try: one for each kind of layer, and random ones.

use proptest::prelude::*;

use crate::nn::model::{Network, Shape};
use crate::stream::{Convention, LayerConfig, LossConfig};

/// What a network is made from.
#[derive(Debug, Clone)]
pub struct Plan {
    pub input: Shape,
    pub layers: Vec<LayerConfig>,
    pub loss: LossConfig,
}

impl Plan {
    /// Cross-entropy.
    pub fn new(input: Shape, layers: Vec<LayerConfig>) -> Plan {
        Plan { input, layers, loss: LossConfig::default() }
    }

    pub fn with_loss(self, loss: LossConfig) -> Plan {
        Plan { loss, ..self }
    }

    pub fn network(&self) -> Network {
        Network::new(self.input, &self.layers, Convention::Torch).unwrap()
    }
}

pub fn image(channels: usize, height: usize, width: usize) -> Shape {
    Shape { channels, height, width }
}

pub fn linear(out: usize) -> LayerConfig {
    LayerConfig::Linear { name: None, out }
}

pub fn conv(out: usize, kernel: usize, stride: usize, pad: usize) -> LayerConfig {
    LayerConfig::Conv2d { name: None, out, kernel, stride, pad }
}

pub fn max_pool(kernel: usize, stride: usize, pad: usize) -> LayerConfig {
    LayerConfig::Maxpool2d { kernel, stride: Some(stride), pad }
}

pub fn average_pool(kernel: usize, stride: usize, pad: usize) -> LayerConfig {
    LayerConfig::Avgpool2d { kernel, stride: Some(stride), pad }
}

pub fn batch_norm() -> LayerConfig {
    LayerConfig::Batchnorm { name: None, eps: None, momentum: 0.1 }
}

pub fn layer_norm() -> LayerConfig {
    LayerConfig::Layernorm { name: None, eps: None }
}

pub fn leaky(slope: f64) -> LayerConfig {
    LayerConfig::LeakyRelu { slope }
}

pub fn dropout(p: f64) -> LayerConfig {
    LayerConfig::Dropout { p }
}

pub fn residual(layers: Vec<LayerConfig>) -> LayerConfig {
    LayerConfig::Residual { layers }
}

pub const SMOOTHED: LossConfig = LossConfig::SoftmaxCrossEntropy { label_smoothing: 0.1 };

use LayerConfig::{Flatten, Gelu, GlobalAvgpool, Relu, Sigmoid, Silu, Tanh};

/// Every kind of layer, with the sizes at which a loop could go wrong.
pub fn catalogue() -> Vec<(&'static str, Plan)> {
    let row = Shape::row;
    let rows = |layers| Plan::new(row(7), layers);
    let mut plans = vec![
        ("linear", Plan::new(row(1), vec![linear(1)]).with_loss(LossConfig::Mse)),
        ("linear on a row", Plan::new(row(17), vec![linear(5)])),
        ("linear on an image", Plan::new(image(3, 2, 5), vec![linear(4)])),
        ("linear behind a convolution", Plan::new(image(2, 3, 5), vec![conv(3, 3, 1, 1), Relu, linear(4)])),
        ("many outputs", Plan::new(row(33), vec![linear(19), Tanh, linear(18)])),
        ("two kinks", rows(vec![linear(9), Relu, linear(6), Relu, linear(3)])),
        ("leaky relu", rows(vec![linear(9), leaky(0.1), linear(3)])),
        ("leaky relu of slope 0", rows(vec![linear(9), leaky(0.0), linear(3)])),
        ("gelu", rows(vec![linear(9), Gelu, linear(3)])),
        ("silu", rows(vec![linear(9), Silu, linear(3)])),
        ("tanh", rows(vec![linear(9), Tanh, linear(3)])),
        ("sigmoid", rows(vec![linear(9), Sigmoid, linear(3)])),
        ("activations behind one another", rows(vec![linear(9), Tanh, Sigmoid, Gelu, Silu, leaky(0.2), linear(3)])),
        ("activations at both ends", rows(vec![Tanh, linear(9), Relu, linear(3), Sigmoid])),
        ("label smoothing", rows(vec![linear(4)]).with_loss(SMOOTHED)),
        ("squared error", rows(vec![linear(9), Tanh, linear(4)]).with_loss(LossConfig::Mse)),
        (
            "squared error of an image",
            Plan::new(image(2, 4, 3), vec![conv(3, 3, 1, 1), Tanh, conv(2, 2, 1, 0)]).with_loss(LossConfig::Mse),
        ),
        ("batch normalisation of rows", rows(vec![linear(9), batch_norm(), Tanh, linear(3)])),
        (
            "batch normalisation of images",
            Plan::new(image(2, 3, 4), vec![conv(3, 3, 1, 1), batch_norm(), Silu, conv(2, 2, 1, 0), batch_norm()]),
        ),
        ("batch normalisation of the input", Plan::new(image(2, 3, 2), vec![batch_norm(), Tanh, linear(3)])),
        ("layer normalisation of rows", rows(vec![linear(9), layer_norm(), Tanh, linear(3)])),
        (
            "layer normalisation of images",
            Plan::new(image(2, 3, 4), vec![conv(3, 3, 1, 1), layer_norm(), Silu, conv(2, 2, 1, 0), layer_norm()]),
        ),
        ("layer normalisation of the input", Plan::new(row(6), vec![layer_norm(), linear(3)])),
        ("dropout of rows", rows(vec![linear(9), Tanh, dropout(0.3), linear(5), dropout(0.5), Tanh, linear(3)])),
        (
            "dropout of images",
            Plan::new(image(2, 3, 4), vec![dropout(0.2), conv(3, 3, 1, 1), Silu, dropout(0.4), linear(3)]),
        ),
        (
            "a residual block over stages",
            rows(vec![linear(5), residual(vec![linear(6), Tanh, linear(5)]), Tanh, linear(3)]),
        ),
        ("a residual block within a stage", rows(vec![linear(5), residual(vec![Silu]), linear(3)])),
        (
            "a residual block behind a relu",
            rows(vec![linear(5), Relu, residual(vec![Tanh, linear(5)]), Relu, linear(3)]),
        ),
        ("a residual block of the input", rows(vec![residual(vec![linear(7), Tanh]), linear(3)])),
        (
            "nested residual blocks",
            rows(vec![
                linear(5),
                residual(vec![linear(5), Tanh, residual(vec![linear(5), residual(vec![Silu]), Tanh]), linear(5)]),
                linear(3),
            ]),
        ),
        (
            "residual blocks from one place",
            rows(vec![linear(5), residual(vec![residual(vec![linear(5), Tanh]), linear(5)]), linear(3)]),
        ),
        (
            "a residual block of images",
            Plan::new(
                image(2, 4, 3),
                vec![
                    conv(3, 1, 1, 0),
                    batch_norm(),
                    Silu,
                    residual(vec![conv(3, 3, 1, 1), batch_norm(), Silu, conv(3, 3, 1, 1), batch_norm()]),
                    Silu,
                    GlobalAvgpool,
                    linear(3),
                ],
            ),
        ),
        (
            "a residual block with a pool that keeps the shape",
            Plan::new(image(2, 3, 3), vec![conv(2, 2, 1, 1), residual(vec![average_pool(3, 1, 1), Tanh]), linear(3)]),
        ),
        ("flatten", Plan::new(image(3, 2, 3), vec![Flatten, Tanh, linear(4)])),
        (
            "flatten of a convolution",
            Plan::new(image(1, 3, 4), vec![conv(3, 2, 1, 0), Flatten, Silu, batch_norm(), linear(3)]),
        ),
        ("flatten at the end", Plan::new(image(1, 3, 3), vec![conv(2, 2, 1, 0), Flatten])),
        ("global average pooling", Plan::new(image(3, 4, 5), vec![conv(4, 3, 1, 1), Silu, GlobalAvgpool, linear(3)])),
        ("global average pooling at the end", Plan::new(image(3, 4, 5), vec![conv(4, 3, 1, 1), GlobalAvgpool])),
        ("max pooling", Plan::new(image(2, 5, 7), vec![conv(3, 3, 1, 1), max_pool(2, 2, 0), Tanh, linear(3)])),
        ("max pooling that overlaps", Plan::new(image(2, 5, 7), vec![conv(3, 3, 1, 1), max_pool(3, 1, 1), linear(3)])),
        ("max pooling with gaps", Plan::new(image(2, 7, 5), vec![conv(3, 1, 1, 0), max_pool(2, 3, 1), linear(3)])),
        (
            "max pooling behind a relu",
            Plan::new(image(2, 6, 4), vec![conv(3, 3, 1, 1), Relu, max_pool(2, 2, 0), linear(3)]),
        ),
        ("average pooling", Plan::new(image(2, 5, 7), vec![conv(3, 3, 1, 1), average_pool(2, 2, 0), Tanh, linear(3)])),
        (
            "average pooling that overlaps",
            Plan::new(image(2, 5, 4), vec![conv(3, 3, 1, 1), average_pool(3, 2, 1), linear(3)]),
        ),
        (
            "pools behind one another",
            Plan::new(image(2, 6, 7), vec![conv(2, 1, 1, 0), average_pool(2, 1, 1), max_pool(2, 2, 0), linear(3)]),
        ),
        ("pool of the input", Plan::new(image(2, 4, 6), vec![max_pool(2, 2, 0), linear(3)])),
        (
            "windows of one",
            Plan::new(image(2, 3, 2), vec![conv(2, 1, 1, 0), max_pool(1, 1, 0), average_pool(1, 2, 0), linear(3)]),
        ),
        ("one pixel", Plan::new(image(1, 1, 1), vec![conv(1, 1, 1, 0), Tanh, linear(2)])),
        ("one pixel and its padding", Plan::new(image(1, 1, 1), vec![conv(2, 3, 2, 1), conv(2, 2, 3, 1), linear(2)])),
        ("one row", Plan::new(image(2, 1, 9), vec![conv(3, 3, 2, 1), Tanh, linear(3)])),
        ("one column", Plan::new(image(2, 9, 1), vec![conv(3, 3, 2, 1), Tanh, linear(3)])),
        (
            "convolutions in fewer multiplications",
            Plan::new(
                image(2, 4, 6),
                vec![
                    conv(8, 3, 1, 1),
                    Tanh,
                    conv(9, 3, 1, 1),
                    batch_norm(),
                    Silu,
                    residual(vec![conv(9, 3, 1, 1), Tanh]),
                    max_pool(2, 2, 0),
                    linear(3),
                ],
            ),
        ),
        (
            "convolutions in fewer multiplications, not padded",
            Plan::new(image(1, 7, 6), vec![conv(8, 1, 1, 0), Tanh, conv(8, 3, 1, 0), Sigmoid, linear(3)]),
        ),
        (
            "convolutions in fewer multiplications of the input",
            Plan::new(image(8, 4, 5), vec![conv(9, 3, 1, 2), Tanh, linear(2)]),
        ),
        (
            "everything",
            Plan::new(
                image(3, 7, 6),
                vec![
                    conv(4, 3, 1, 1),
                    batch_norm(),
                    Relu,
                    max_pool(2, 2, 0),
                    residual(vec![conv(4, 3, 1, 1), layer_norm(), Gelu, dropout(0.2)]),
                    average_pool(2, 1, 1),
                    conv(9, 2, 2, 1),
                    leaky(0.1),
                    Flatten,
                    linear(17),
                    layer_norm(),
                    residual(vec![linear(17), Silu]),
                    dropout(0.3),
                    linear(5),
                ],
            )
            .with_loss(SMOOTHED),
        ),
    ];
    for (name, kernel, stride, pad) in [
        ("convolution 1", 1, 1, 0),
        ("convolution 1 by 2", 1, 2, 0),
        ("convolution 2", 2, 1, 0),
        ("convolution 2 by 2, padded", 2, 2, 1),
        ("convolution 2 by 3, padded", 2, 3, 1),
        ("convolution 3", 3, 1, 0),
        ("convolution 3, padded", 3, 1, 1),
        ("convolution 3, padded by 2", 3, 1, 2),
        ("convolution 3 by 2, padded", 3, 2, 1),
        ("convolution 3 by 3", 3, 3, 0),
        ("convolution 5, padded", 5, 1, 2),
        ("convolution 5 by 2, padded", 5, 2, 2),
        ("convolution 5 by 3, padded by 4", 5, 3, 4),
    ] {
        let layers = vec![conv(3, kernel, stride, pad), Tanh, conv(2, kernel, stride, kernel - 1)];
        plans.push((name, Plan::new(image(2, 5, 8), layers)));
    }
    plans
}

/// What a random network is grown from: each entry proposes a layer, and the ones that fit are taken.
type Seeds = Vec<(u8, usize, usize, usize)>;

/// The most values and parameters of a random network.
const MOST: usize = 400;

/// A valid network that `seeds` determine.
fn grow(input: Shape, seeds: &Seeds, loss: LossConfig) -> Plan {
    let mut layers: Vec<LayerConfig> = Vec::new();
    let mut shape = input;
    for &(kind, out, size, more) in seeds {
        let mut longer = layers.clone();
        longer.push(proposal(shape, kind, out, size, more));
        // A layer without parameters stands alone only behind one that has some.
        let mut whole = longer.clone();
        whole.push(linear(3));
        let Ok(network) = Network::new(input, &whole, Convention::Torch) else { continue };
        let reached = network.source(&network.nodes[network.nodes.len() - 1]).shape;
        if reached.values() <= MOST && network.parameters() <= MOST {
            (layers, shape) = (longer, reached);
        }
    }
    let ends = shape.values() > 1 && Network::new(input, &layers, Convention::Torch).is_ok();
    if !ends || seeds.len().is_multiple_of(2) {
        layers.push(linear(3));
    }
    Plan::new(input, layers).with_loss(loss)
}

fn proposal(shape: Shape, kind: u8, out: usize, size: usize, more: usize) -> LayerConfig {
    let keeps_shape = |kind: u8| -> Vec<LayerConfig> {
        match kind % 5 {
            0 => vec![Tanh],
            1 if shape.pixels() == 1 => vec![linear(shape.channels), Silu],
            1 => vec![conv(shape.channels, 3, 1, 1), Silu],
            2 => vec![batch_norm(), Relu],
            3 => vec![layer_norm(), dropout(0.25)],
            _ => vec![average_pool(3, 1, 1), leaky(0.3)],
        }
    };
    match kind {
        0..=2 => conv(out, size, 1 + more % 3, more.min(size - 1)),
        3 | 4 => linear(out),
        5 => max_pool(size, 1 + more % 3, (size / 2).min(more)),
        6 => average_pool(size, 1 + more % 3, (size / 2).min(more)),
        7 => GlobalAvgpool,
        8 | 9 => batch_norm(),
        10 => layer_norm(),
        11 => dropout(0.1 * size as f64),
        12 => [Relu, leaky(0.0), leaky(0.2)][more % 3].clone(),
        13 => [Gelu, Silu][more % 2].clone(),
        14 => [Tanh, Sigmoid][more % 2].clone(),
        15 => Flatten,
        16 | 17 => residual(keeps_shape(size as u8)),
        _ => residual(
            [keeps_shape(out as u8), vec![residual(keeps_shape(size as u8))], keeps_shape(more as u8)].concat(),
        ),
    }
}

/// Any network that [`grow`] makes.
pub fn any_plan() -> impl Strategy<Value = Plan> {
    let size = prop::sample::select(vec![1usize, 2, 3, 5]);
    let seeds = prop::collection::vec((0u8..20, 1usize..6, size, 0usize..3), 1..8);
    let smoothed = |label_smoothing| LossConfig::SoftmaxCrossEntropy { label_smoothing };
    let loss = prop::sample::select(vec![smoothed(0.0), smoothed(0.2), LossConfig::Mse]);
    ((1usize..4, 1usize..7, 1usize..7), seeds, loss)
        .prop_map(|((channels, height, width), seeds, loss)| grow(image(channels, height, width), &seeds, loss))
}
