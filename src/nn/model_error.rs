//! What can be wrong with a network.

use thiserror::Error;

use super::model::Shape;

/// More weights than this are taken for a slip: with gradient and Adam's state they are 2 GiB.
pub(super) const MOST_PARAMETERS: usize = 1 << 27;
/// More values of a sample than this are taken for a slip: a batch of a hundred of them takes 6 GiB.
pub(super) const MOST_VALUES: usize = 1 << 24;
/// A layer of more arithmetic than this takes seconds for each sample.
pub(super) const MOST_MULTIPLY_ADDS: usize = 1 << 36;

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
    /// A batch for which a layer's values cannot be numbered.
    #[error(
        "batch {batch}: layer {layer} would hold {values} values, there can be at most {}: take at most {largest} samples",
        u32::MAX
    )]
    Batch {
        /// Samples.
        batch: usize,
        /// The layer.
        layer: String,
        /// Values of all its channels, and of what is computed along with it.
        values: usize,
        /// The largest batch for which they can.
        largest: usize,
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
