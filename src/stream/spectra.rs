//! The singular values of the weights at an evaluation.

use serde::{Deserialize, Serialize};

use super::number;

/// The spectral norms of all matrices, measured at an evaluation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Spectra {
    /// Updates made so far.
    pub step: u64,
    /// Epochs made so far.
    #[serde(with = "number")]
    pub epoch: f64,
    /// Wall time of the run in seconds.
    #[serde(with = "number")]
    pub seconds: f64,
    /// Of each tensor with more than one dimension, in the order of the network; those without a finite norm above 0 are
    /// left out.
    pub tensors: Vec<TensorSpectrum>,
}

/// One matrix; of a convolution that of shape \[out, in·k·k\].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TensorSpectrum {
    /// The tensor.
    pub name: String,
    /// σ₁, its largest singular value.
    #[serde(with = "number")]
    pub norm: f64,
    /// ‖W‖_F²/σ₁², between 1 and the rank.
    #[serde(with = "number")]
    pub stable_rank: f64,
}

impl Spectra {
    /// One tensor's.
    pub fn of(&self, tensor: &str) -> Option<&TensorSpectrum> {
        self.tensors.iter().find(|spectrum| spectrum.name == tensor)
    }
}
