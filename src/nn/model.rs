//! What a network is: its layers, its tensors, and the strings that name one.

use std::ops::Range;

use thiserror::Error;

/// A chain of fully connected layers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Network {
    layers: Vec<Layer>,
    tensors: Vec<Tensor>,
}

/// A fully connected layer, `y = activation(x·Wᵀ + b)`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layer {
    /// Its name, `fc1`, `fc2`, …
    pub name: String,
    /// Values in a row of x.
    pub inputs: usize,
    /// Values in a row of y.
    pub outputs: usize,
    /// What follows the product.
    pub activation: Activation,
    /// Index of W, `[outputs, inputs]`.
    pub weight: usize,
    /// Index of b, `[outputs]`.
    pub bias: usize,
}

/// What is applied to each value of a layer's output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Activation {
    /// Nothing.
    Identity,
    /// max(y, 0), a NaN kept.
    Relu,
}

/// What a tensor is to its layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// A matrix or kernel.
    Weight,
    /// Added to each output.
    Bias,
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
}

/// What can be wrong with a model string.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum ModelError {
    /// Not a form that there is.
    #[error("model `{0}` is not of the form mlp:INPUTS-HIDDEN-…-CLASSES, for example mlp:784-256-128-10")]
    Form(String),
    /// A layer without a neuron, or with more than can be meant.
    #[error("model `{model}`: layer sizes must be from 1 to {LARGEST_LAYER}, got {size}")]
    Size {
        /// The whole string.
        model: String,
        /// The part in question.
        size: String,
    },
    /// More weights than can be meant.
    #[error("model `{model}` has {parameters} parameters: there can be at most {MOST_PARAMETERS}")]
    Parameters {
        /// The whole string.
        model: String,
        /// Weights and biases.
        parameters: usize,
    },
    /// The data has samples of another size.
    #[error("model `{model}` takes {takes} values, but the data's samples have {has}: it must start with mlp:{has}")]
    Inputs {
        /// The whole string.
        model: String,
        /// Values that the network takes.
        takes: usize,
        /// Values in a sample.
        has: usize,
    },
    /// The data has more classes.
    #[error("model `{model}` has {outputs} outputs, but the data has {classes} classes (labels go up to {}): it needs one for each", classes - 1)]
    Outputs {
        /// The whole string.
        model: String,
        /// Outputs of the network.
        outputs: usize,
        /// Classes of the data.
        classes: usize,
    },
}

/// More neurons than this in a layer are taken for a slip.
const LARGEST_LAYER: usize = 1 << 16;
/// More weights than this are taken for a slip: with gradient and Adam's state they are 2 GiB.
const MOST_PARAMETERS: usize = 1 << 27;

impl Network {
    /// The network that a string names: `mlp:784-256-128-10` has layers fc1, fc2 and fc3, with ReLU between them.
    ///
    /// # Errors
    /// [`ModelError::Form`], [`ModelError::Size`], [`ModelError::Parameters`]
    pub fn parse(model: &str) -> Result<Network, ModelError> {
        let form = || ModelError::Form(model.to_owned());
        let sizes = model.strip_prefix("mlp:").ok_or_else(form)?;
        let sizes: Vec<usize> = sizes
            .split('-')
            .map(|part| match part.parse() {
                Ok(size) if (1..=LARGEST_LAYER).contains(&size) => Ok(size),
                Ok(_) => Err(ModelError::Size { model: model.to_owned(), size: part.to_owned() }),
                Err(_) => Err(form()),
            })
            .collect::<Result<_, _>>()?;
        if sizes.len() < 2 {
            return Err(form());
        }
        let parameters = sizes.windows(2).map(|pair| (pair[0] + 1) * pair[1]).sum();
        if parameters > MOST_PARAMETERS {
            return Err(ModelError::Parameters { model: model.to_owned(), parameters });
        }
        Ok(Network::mlp(&sizes))
    }

    /// Fully connected layers of these sizes, ReLU after all but the last.
    fn mlp(sizes: &[usize]) -> Network {
        let (mut layers, mut tensors, mut end) = (Vec::new(), Vec::new(), 0);
        for (index, pair) in sizes.windows(2).enumerate() {
            let [inputs, outputs] = [pair[0], pair[1]];
            let name = format!("fc{}", index + 1);
            for (role, suffix, shape) in
                [(Role::Weight, "weight", vec![outputs, inputs]), (Role::Bias, "bias", vec![outputs])]
            {
                let place = end..end + shape.iter().product::<usize>();
                end = place.end;
                let name = format!("{name}.{suffix}");
                tensors.push(Tensor { layer: index, role, name, shape, fan_in: inputs, fan_out: outputs, place });
            }
            let last = index + 2 == sizes.len();
            let activation = if last { Activation::Identity } else { Activation::Relu };
            layers.push(Layer { name, inputs, outputs, activation, weight: 2 * index, bias: 2 * index + 1 });
        }
        Network { layers, tensors }
    }

    /// Checks that samples and classes fit. `model` is what to call it in a message.
    ///
    /// # Errors
    /// [`ModelError::Inputs`], [`ModelError::Outputs`]
    pub fn check_fit(&self, model: &str, width: usize, classes: usize) -> Result<(), ModelError> {
        let model = model.to_owned();
        if self.inputs() != width {
            return Err(ModelError::Inputs { model, takes: self.inputs(), has: width });
        }
        if self.outputs() < classes {
            return Err(ModelError::Outputs { model, outputs: self.outputs(), classes });
        }
        Ok(())
    }

    /// The layers, in the order of the forward pass.
    pub fn layers(&self) -> &[Layer] {
        &self.layers
    }

    /// The parameters, in the order of every per-tensor statistic.
    pub fn tensors(&self) -> &[Tensor] {
        &self.tensors
    }

    /// Number of weights and biases.
    pub fn parameters(&self) -> usize {
        self.tensors.last().map_or(0, |tensor| tensor.place.end)
    }

    /// Values in a sample.
    pub fn inputs(&self) -> usize {
        self.layers.first().map_or(0, |layer| layer.inputs)
    }

    /// Values in an output.
    pub fn outputs(&self) -> usize {
        self.layers.last().map_or(0, |layer| layer.outputs)
    }
}

impl Tensor {
    /// Elements in a row: those that share the first index.
    pub fn row_len(&self) -> usize {
        self.shape[1..].iter().product()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_string_names_layers_and_tensors() {
        let network = Network::parse("mlp:784-256-10").unwrap();
        let names: Vec<&str> = network.tensors().iter().map(|tensor| tensor.name.as_str()).collect();
        assert_eq!(names, ["fc1.weight", "fc1.bias", "fc2.weight", "fc2.bias"]);
        assert_eq!(network.tensors()[2].shape, [10, 256]);
        assert_eq!(network.parameters(), 784 * 256 + 256 + 256 * 10 + 10);
        assert_eq!(network.layers()[0].activation, Activation::Relu);
        assert_eq!(network.layers()[1].activation, Activation::Identity);
    }

    #[test]
    fn other_strings_are_refused_with_the_form_that_is_right() {
        for wrong in ["", "mlp", "mlp:", "mlp:784", "mlp:784-", "mlp:784-x-10", "cnn:3", "mlp:784--10", "mlp:-1-3"] {
            assert_eq!(Network::parse(wrong), Err(ModelError::Form(wrong.into())));
        }
        let error = Network::parse("mlp:784-0-10").unwrap_err().to_string();
        assert_eq!(error, "model `mlp:784-0-10`: layer sizes must be from 1 to 65536, got 0");
    }

    #[test]
    fn a_network_must_fit_the_data() {
        let network = Network::parse("mlp:784-10").unwrap();
        assert!(network.check_fit("m", 784, 10).is_ok());
        let error = network.check_fit("mlp:784-10", 100, 10).unwrap_err().to_string();
        assert!(error.contains("takes 784 values, but the data's samples have 100"), "{error}");
        let error = network.check_fit("mlp:784-10", 784, 11).unwrap_err().to_string();
        assert!(error.contains("has 10 outputs, but the data has 11 classes"), "{error}");
    }
}
