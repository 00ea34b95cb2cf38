//! Networks as strings: `mlp:784-256-128-10,act=gelu,norm=batch,dropout=0.1`, `cnn:c32-p-c64-p-f10`.

use super::model::{Network, Shape};
use super::model_error::ModelError;
use crate::stream::{Convention, LayerConfig};

/// The largest size that a string may name.
const LARGEST_LAYER: usize = 1 << 16;

impl Network {
    /// The network that a string names.
    ///
    /// `mlp:INPUTS-HIDDEN-…-OUTPUTS` has layers fc1, fc2, …, with ReLU between them. `cnn:` takes the shape of the
    /// data's images (`input`), and then `cN` (3×3 convolution to N channels, padded by 1, and ReLU), `p` (2×2 max
    /// pooling), `g` (global average pooling) and `fN` (fully connected), ReLU after all but the last. Options follow,
    /// with commas: `act=relu|leaky_relu|gelu|silu|tanh|sigmoid`, `norm=none|batch|layer` (before the activation),
    /// `dropout=P` (after the activation of fully connected layers).
    ///
    /// # Errors
    /// [`ModelError`]
    pub fn parse_for(model: &str, input: Option<Shape>, convention: Convention) -> Result<Network, ModelError> {
        let wrong = |why: String| ModelError::Form(model.to_owned(), why);
        let (kind, rest) = model.split_once(':').ok_or_else(|| wrong("there is no colon".into()))?;
        let mut parts = rest.split(',');
        let body = parts.next().unwrap_or_default();
        let options = Options::read(parts).map_err(wrong)?;
        match kind {
            "mlp" => {
                let sizes = body.split('-').map(|part| size(part).map_err(wrong)).collect::<Result<Vec<_>, _>>()?;
                if sizes.len() < 2 {
                    return Err(wrong("it needs inputs and outputs".into()));
                }
                let mut layers = Vec::new();
                for (index, &out) in sizes[1..].iter().enumerate() {
                    layers.push(LayerConfig::Linear { name: None, out });
                    if index + 2 < sizes.len() {
                        options.follow(&mut layers, WithDropout::Yes);
                    }
                }
                Network::new(Shape::row(sizes[0]), &layers, convention)
            }
            "cnn" => {
                let input = input.ok_or_else(|| wrong("a cnn needs data of images".into()))?;
                let count = body.split('-').count();
                let mut layers = Vec::new();
                for (index, part) in body.split('-').enumerate() {
                    let last = index + 1 == count;
                    match part.split_at_checked(1) {
                        Some(("c", out)) => {
                            let out = size(out).map_err(wrong)?;
                            layers.push(LayerConfig::Conv2d { name: None, out, kernel: 3, stride: 1, pad: 1 });
                            options.follow(&mut layers, WithDropout::No);
                        }
                        Some(("p", "")) => layers.push(LayerConfig::Maxpool2d { kernel: 2, stride: None, pad: 0 }),
                        Some(("g", "")) => layers.push(LayerConfig::GlobalAvgpool),
                        Some(("f", out)) => {
                            let out = size(out).map_err(wrong)?;
                            layers.push(LayerConfig::Linear { name: None, out });
                            if !last {
                                options.follow(&mut layers, WithDropout::Yes);
                            }
                        }
                        _ => return Err(wrong(format!("a cnn has parts like c32, p, g and f10, not `{part}`"))),
                    }
                }
                Network::new(input, &layers, convention)
            }
            _ => Err(wrong(format!("`{kind}` is neither mlp nor cnn"))),
        }
    }

    /// The same for a string that needs nothing else, with PyTorch's conventions.
    ///
    /// # Errors
    /// [`ModelError`]
    pub fn parse(model: &str) -> Result<Network, ModelError> {
        Network::parse_for(model, None, Convention::Torch)
    }

    /// Checks that samples and what is asked of them fit. `model` is what to call the network in a message.
    ///
    /// # Errors
    /// [`ModelError::Inputs`], [`ModelError::Outputs`]
    pub fn check_fit(&self, model: &str, width: usize, needs: Needs) -> Result<(), ModelError> {
        let (model, outputs) = (model.to_owned(), self.outputs());
        if self.input().values() != width {
            return Err(ModelError::Inputs { model, takes: self.input().values(), has: width });
        }
        let needs = match needs {
            Needs::Classes(classes) if outputs < classes => {
                format!("{classes} classes (labels go up to {}): it needs an output for each", classes - 1)
            }
            Needs::Values(values) if outputs != values => {
                format!("{values} target values in a sample: it needs as many outputs")
            }
            _ => return Ok(()),
        };
        Err(ModelError::Outputs { model, outputs, needs })
    }
}

/// What data asks of a network's outputs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Needs {
    /// At least one for each class.
    Classes(usize),
    /// So many values.
    Values(usize),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum WithDropout {
    Yes,
    No,
}

struct Options {
    activation: LayerConfig,
    norm: Option<LayerConfig>,
    dropout: f64,
}

impl Options {
    fn read<'a>(parts: impl Iterator<Item = &'a str>) -> Result<Options, String> {
        let mut options = Options { activation: LayerConfig::Relu, norm: None, dropout: 0.0 };
        for part in parts {
            let (key, value) = part.split_once('=').ok_or_else(|| format!("option `{part}` has no ="))?;
            match (key, value) {
                ("act", "relu") => options.activation = LayerConfig::Relu,
                ("act", "leaky_relu") => options.activation = LayerConfig::LeakyRelu { slope: 0.01 },
                ("act", "gelu") => options.activation = LayerConfig::Gelu,
                ("act", "silu") => options.activation = LayerConfig::Silu,
                ("act", "tanh") => options.activation = LayerConfig::Tanh,
                ("act", "sigmoid") => options.activation = LayerConfig::Sigmoid,
                ("act", _) => {
                    return Err(format!("act must be relu, leaky_relu, gelu, silu, tanh or sigmoid, got {value}"));
                }
                ("norm", "none") => options.norm = None,
                ("norm", "batch") => {
                    options.norm = Some(LayerConfig::Batchnorm { name: None, eps: None, momentum: 0.1 });
                }
                ("norm", "layer") => options.norm = Some(LayerConfig::Layernorm { name: None, eps: None }),
                ("norm", _) => return Err(format!("norm must be none, batch or layer, got {value}")),
                ("dropout", _) => match value.parse() {
                    Ok(p) if (0.0..1.0).contains(&p) => options.dropout = p,
                    _ => return Err(format!("dropout must be at least 0 and below 1, got {value}")),
                },
                _ => return Err(format!("there are options act, norm and dropout, not `{key}`")),
            }
        }
        Ok(options)
    }

    /// What comes after a layer's product.
    fn follow(&self, layers: &mut Vec<LayerConfig>, with_dropout: WithDropout) {
        layers.extend(self.norm.clone());
        layers.push(self.activation.clone());
        if with_dropout == WithDropout::Yes && self.dropout > 0.0 {
            layers.push(LayerConfig::Dropout { p: self.dropout });
        }
    }
}

fn size(part: &str) -> Result<usize, String> {
    match part.parse() {
        Ok(size) if (1..=LARGEST_LAYER).contains(&size) => Ok(size),
        _ => Err(format!("sizes must be from 1 to {LARGEST_LAYER}, got `{part}`")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_whose_values_cannot_be_numbered_is_refused() {
        let network =
            Network::parse_for("cnn:c32-f10", Some(Shape { channels: 3, height: 28, width: 28 }), Convention::Torch);
        let network = network.unwrap();
        assert!(network.check_batch(12_000).is_ok());
        let Err(ModelError::Batch { layer, largest, .. }) = network.check_batch(1_000_000) else { panic!("refused") };
        assert_eq!(layer, "conv1");
        assert!(network.check_batch(largest).is_ok() && network.check_batch(largest + crate::kernel::LANES).is_err());
    }

    #[test]
    fn a_string_names_layers_and_tensors() {
        let network = Network::parse("mlp:784-256-10").unwrap();
        let names: Vec<&str> = network.tensors().iter().map(|tensor| tensor.name.as_str()).collect();
        assert_eq!(names, ["fc1.weight", "fc1.bias", "fc2.weight", "fc2.bias"]);
        assert_eq!(network.tensors()[2].shape, [10, 256]);
        assert_eq!(network.parameters(), 784 * 256 + 256 + 256 * 10 + 10);
        let rich = Network::parse("mlp:8-6-3,act=gelu,norm=batch,dropout=0.1").unwrap();
        let names: Vec<&str> = rich.tensors().iter().map(|tensor| tensor.name.as_str()).collect();
        assert_eq!(names, ["fc1.weight", "fc1.bias", "bn1.gamma", "bn1.beta", "fc2.weight", "fc2.bias"]);
        let image = Some(Shape { channels: 3, height: 28, width: 28 });
        let cnn = Network::parse_for("cnn:c32-p-c64-p-f10,norm=batch", image, Convention::Torch).unwrap();
        let shapes: Vec<&[usize]> = cnn.tensors().iter().map(|tensor| &tensor.shape[..]).collect();
        assert_eq!(shapes[0], [32, 3, 3, 3]);
        assert_eq!(shapes[8], [10, 64 * 49]);
        assert_eq!(cnn.outputs(), 10);
    }

    #[test]
    fn other_strings_are_refused_with_the_form_that_is_right() {
        for wrong in [
            "",
            "mlp",
            "mlp:",
            "mlp:784",
            "mlp:784-",
            "mlp:784-x-10",
            "cnn:3",
            "mlp:784--10",
            "mlp:-1-3",
            "rnn:3-3",
            "mlp:3-3,act=x",
            "mlp:3-3,norm",
            "mlp:3-3,dropout=1",
            "mlp:3-3,depth=2",
            "cnn:f10",
        ] {
            let error = Network::parse(wrong).unwrap_err();
            assert!(matches!(error, ModelError::Form(..)), "{wrong}: {error}");
        }
        let error = Network::parse("mlp:784-0-10").unwrap_err().to_string();
        assert!(error.ends_with("sizes must be from 1 to 65536, got `0`"), "{error}");
        let small = Some(Shape { channels: 1, height: 2, width: 2 });
        let error = Network::parse_for("cnn:c4-p-p-f2", small, Convention::Torch).unwrap_err().to_string();
        assert_eq!(
            error,
            "layer maxpool2d gets an image of 4x1x1 (channels x height x width), but needs one of at least 2x2 for its kernel"
        );
    }

    #[test]
    fn a_network_must_fit_the_data() {
        let network = Network::parse("mlp:784-10").unwrap();
        assert!(network.check_fit("m", 784, Needs::Classes(10)).is_ok());
        let error = network.check_fit("mlp:784-10", 100, Needs::Classes(10)).unwrap_err().to_string();
        assert!(error.contains("takes 784 values, but the data's samples have 100"), "{error}");
        let error = network.check_fit("mlp:784-10", 784, Needs::Classes(11)).unwrap_err().to_string();
        assert!(error.contains("has 10 outputs, but the data has 11 classes"), "{error}");
        let error = network.check_fit("mlp:784-10", 784, Needs::Values(4)).unwrap_err().to_string();
        assert!(error.contains("has 10 outputs, but the data has 4 target values"), "{error}");
    }
}
