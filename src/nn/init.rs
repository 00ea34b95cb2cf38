//! How weights and biases start.

use super::model::{Network, Role};
use crate::random::{Generator, Purpose};
use crate::scalar::Scalar;
use crate::stream::Init;

/// The initial weights, each tensor in its place. Drawn in f64 and rounded once, so that f32 and f64 networks start
/// from the same numbers.
pub fn initialise<T: Scalar>(network: &Network, init: Init, seed: u64) -> Vec<T> {
    let mut weights = Vec::with_capacity(network.parameters());
    for (index, tensor) in network.tensors().iter().enumerate() {
        let mut generator = Generator::new(seed, Purpose::Init, index as u64);
        let (fan_in, fan_out) = (tensor.fan_in as f64, tensor.fan_out as f64);
        let mut draw: Box<dyn FnMut() -> f64> = match (init, tensor.role) {
            (Init::Torch, Role::Weight | Role::Bias) => uniform(&mut generator, 1.0 / fan_in.sqrt()),
            (Init::Glorot, Role::Weight) => uniform(&mut generator, (6.0 / (fan_in + fan_out)).sqrt()),
            (Init::Lecun, Role::Weight) => normal(&mut generator, 1.0 / fan_in.sqrt()),
            (Init::He, Role::Weight) => normal(&mut generator, (2.0 / fan_in).sqrt()),
            (_, Role::Scale) => Box::new(|| 1.0),
            (_, Role::Bias | Role::Shift) => Box::new(|| 0.0),
        };
        weights.extend((0..tensor.place.len()).map(|_| T::of(draw())));
    }
    weights
}

fn uniform(generator: &mut Generator, bound: f64) -> Box<dyn FnMut() -> f64 + '_> {
    Box::new(move || bound * (2.0 * generator.unit() - 1.0))
}

fn normal(generator: &mut Generator, deviation: f64) -> Box<dyn FnMut() -> f64 + '_> {
    Box::new(move || deviation * generator.normal())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_initialisation_has_the_spread_it_promises() {
        let network = Network::parse("mlp:400-300-10").unwrap();
        let third = 1.0 / 3.0f64;
        for (init, variance, bias) in [
            (Init::Torch, third / 400.0, third / 400.0),
            (Init::Lecun, 1.0 / 400.0, 0.0),
            (Init::He, 2.0 / 400.0, 0.0),
            (Init::Glorot, 6.0 / 700.0 * third, 0.0),
        ] {
            let weights = initialise::<f64>(&network, init, 1);
            let spread = |index: usize| {
                let values = &weights[network.tensors()[index].place.clone()];
                values.iter().map(|w| w * w).sum::<f64>() / values.len() as f64
            };
            assert!((spread(0) / variance - 1.0).abs() < 0.02, "{init} weights: {} for {variance}", spread(0));
            assert!((spread(1) - bias).abs() <= 0.2 * bias, "{init} biases: {} for {bias}", spread(1));
        }
    }

    #[test]
    fn f32_and_f64_start_from_the_same_numbers() {
        let network = Network::parse("mlp:7-5-3").unwrap();
        let (single, double) = (initialise::<f32>(&network, Init::He, 9), initialise::<f64>(&network, Init::He, 9));
        assert!(single.iter().zip(&double).all(|(&a, &b)| a == b as f32));
    }
}
