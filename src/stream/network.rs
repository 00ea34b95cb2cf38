//! Networks as they are written in recipes and manifests: a list of layers.

use serde::{Deserialize, Serialize};

/// A layer of a network. Sizes of its input follow from the layers before it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum LayerConfig {
    /// `y = W·x + b` over all values of a sample.
    Linear {
        /// Its name; `fc1`, `fc2`, … where none is given.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        name: Option<String>,
        /// Values of an output.
        out: usize,
    },
    /// Two-dimensional convolution (cross-correlation) with a square kernel, and a bias.
    Conv2d {
        /// Its name; `conv1`, `conv2`, … where none is given.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        name: Option<String>,
        /// Channels of an output.
        out: usize,
        /// Side of the kernel.
        kernel: usize,
        /// From one place of the kernel to the next.
        #[serde(default = "one")]
        stride: usize,
        /// Zeros around the image.
        #[serde(default)]
        pad: usize,
    },
    /// The largest value in each window; padding counts for nothing.
    Maxpool2d {
        /// Side of the window.
        kernel: usize,
        /// From one window to the next; the window's side where none is given.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        stride: Option<usize>,
        /// Places around the image.
        #[serde(default)]
        pad: usize,
    },
    /// The mean of each window; padding counts as zeros.
    Avgpool2d {
        /// Side of the window.
        kernel: usize,
        /// From one window to the next; the window's side where none is given.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        stride: Option<usize>,
        /// Zeros around the image.
        #[serde(default)]
        pad: usize,
    },
    /// The mean of each channel.
    GlobalAvgpool,
    /// Batch normalisation of each channel.
    Batchnorm {
        /// Its name; `bn1`, `bn2`, … where none is given.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        name: Option<String>,
        /// What is added to the variance; the convention's where none is given: 1e-5 (torch), 2e-5 (chainer).
        #[serde(default, skip_serializing_if = "Option::is_none")]
        eps: Option<f64>,
        /// The weight of a batch in the running statistics; 0.1 is PyTorch's default, and what Chainer calls
        /// decay 0.9.
        #[serde(default = "tenth")]
        momentum: f64,
    },
    /// Layer normalisation over all values of a sample.
    Layernorm {
        /// Its name; `ln1`, `ln2`, … where none is given.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        name: Option<String>,
        /// What is added to the variance; 1e-5 where none is given.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        eps: Option<f64>,
    },
    /// In training a value is 0 with probability p, and divided by 1 − p otherwise.
    Dropout {
        /// p
        p: f64,
    },
    /// max(x, 0)
    Relu,
    /// x where it is positive, slope·x elsewhere.
    LeakyRelu {
        /// The slope; 0.01 where none is given.
        #[serde(default = "hundredth")]
        slope: f64,
    },
    /// x·Φ(x), with the exact Φ.
    Gelu,
    /// x·σ(x)
    Silu,
    /// Hyperbolic tangent.
    Tanh,
    /// σ(x) = 1/(1 + e⁻ˣ)
    Sigmoid,
    /// Makes one row of a sample's channels and pixels.
    Flatten,
    /// y = x + f(x), with f the layers within, which must keep the shape.
    Residual {
        /// f
        layers: Vec<LayerConfig>,
    },
}

/// What is minimised.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum LossConfig {
    /// Softmax cross-entropy, the mean over samples.
    SoftmaxCrossEntropy {
        /// The share of the target that is spread over all classes.
        label_smoothing: f64,
    },
    /// Mean squared error, the mean over samples and values.
    Mse,
}

impl Default for LossConfig {
    fn default() -> Self {
        LossConfig::SoftmaxCrossEntropy { label_smoothing: 0.0 }
    }
}

fn one() -> usize {
    1
}

fn tenth() -> f64 {
    0.1
}

fn hundredth() -> f64 {
    0.01
}
