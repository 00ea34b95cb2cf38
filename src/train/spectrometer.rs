//! The spectrum of each weight matrix, at evaluations.

use crate::diagnostics::spectrum::{Spectrum, measure};
use crate::stream::{TensorInfo, TensorSpectrum};

/// Rounds of power iteration on weights that were not looked at before, and on those that were: they move little
/// between two evaluations.
const FIRST: usize = 16;
const LATER: usize = 1;

/// Remembers each matrix's first right singular vector from one evaluation to the next.
#[derive(Debug, Default)]
pub struct Spectrometer {
    directions: Vec<Vec<f64>>,
    /// A step that a run may go on from, which would know no directions then.
    kept: Option<u64>,
}

impl Spectrometer {
    /// A snapshot was taken after so many updates. What is measured after more of them begins anew, so that a run that
    /// goes on from the snapshot finds the same bits.
    pub fn kept(&mut self, step: u64) {
        self.kept = Some(step);
    }

    /// Measures the matrices among these tensors after so many updates; `weights` holds them one behind another. Changes
    /// no weight.
    pub fn look(&mut self, step: u64, tensors: &[TensorInfo], weights: &[f32]) -> Vec<TensorSpectrum> {
        if self.kept.is_some_and(|kept| kept < step) {
            *self = Spectrometer::default();
        }
        self.directions.resize_with(tensors.len(), Vec::new);
        let mut rest = weights;
        let mut found = Vec::new();
        for (tensor, direction) in tensors.iter().zip(&mut self.directions) {
            let (values, others) = rest.split_at(tensor.len());
            rest = others;
            let rows = tensor.shape[0];
            if tensor.shape.len() < 2 || rows == 0 {
                continue;
            }
            let rounds = if direction.is_empty() { FIRST } else { LATER };
            if let Some(Spectrum { norm, stable_rank }) = measure(values, rows, direction, rounds) {
                found.push(TensorSpectrum { name: tensor.name.clone(), norm, stable_rank });
            }
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn matrices_are_found_among_tensors_and_followed_as_they_change() {
        let info = |name: &str, shape: &[usize]| TensorInfo {
            name: name.into(),
            layer: name.into(),
            shape: shape.to_vec(),
            decays: true,
        };
        // A vector, a diagonal matrix, and a convolution that is [1, 2·1·2].
        let tensors = [info("bias", &[2]), info("fc", &[2, 2]), info("conv", &[1, 2, 1, 2])];
        let mut weights = vec![9.0, 9.0, 3.0, 0.0, 0.0, 1.0, 1.0, 2.0, 2.0, 4.0];
        let mut spectrometer = Spectrometer::default();
        for turned in [false, true] {
            if turned {
                weights.swap(2, 5);
                // So large a turn takes one round after another.
                (0..30).for_each(|_| drop(spectrometer.look(0, &tensors, &weights)));
            }
            let found = spectrometer.look(0, &tensors, &weights);
            let near = |at: usize, name, norm: f64, rank: f64| {
                found[at].name == name
                    && (found[at].norm - norm).abs() < 1e-6
                    && (found[at].stable_rank - rank).abs() < 1e-6
            };
            assert!(near(0, "fc", 3.0, 10.0 / 9.0) && near(1, "conv", 5.0, 1.0), "{found:?}");
        }
    }
}
