//! The gradient by every parameter against differences of the loss, in f64.

use proptest::prelude::*;

use super::network::{Plan, any_plan, catalogue, dropout, linear, residual};
use super::{Cut, Dropped, Trial};
use crate::kernel::Instructions;
use crate::nn::Alone;
use crate::nn::model::Shape;
use crate::stream::LayerConfig;

/// From one loss to the other of a difference, at first.
const STEP: f64 = 1e-5;

/// What a comparison came to.
#[derive(Debug, Default)]
struct Compared {
    parameters: usize,
    /// Parameters whose difference changes with its step: a kink lies within it, and there is no slope to compare.
    kinks: usize,
}

/// Compares every slope of a batch in memory for `memory` samples.
fn compare(trial: &Trial, memory: usize) -> Result<Compared, String> {
    let outcome = trial.run(&mut trial.passage(memory), &mut Alone, Instructions::best(), Cut::Whole);
    compare_with(trial, &outcome.gradient, memory)
}

/// The difference is taken at two steps and extrapolated (Richardson 1911), whose error is of fourth order.
///
/// A kink close to the weight gives the same difference at both steps, half of its bend beside the slope. How far the
/// slopes on both sides of the weight are apart shows it: over a kink it stays, elsewhere it goes with the step. A kink
/// that bends by Δ at a share x of the wide step leaves the extrapolation Δ(1/2 − 7x/6) off, and the two signs of it add
/// up to no less.
fn compare_with(trial: &Trial, gradient: &[f64], memory: usize) -> Result<Compared, String> {
    let instructions = Instructions::best();
    let mut passage = trial.passage::<f64>(memory);
    let mut weights = trial.weights::<f64>();
    let here = trial.forward(&mut passage, &mut Alone, instructions, &weights);
    let mut compared = Compared::default();
    for tensor in trial.network.tensors() {
        for place in tensor.place.clone() {
            let weight = weights[place];
            let mut difference = |step: f64| {
                weights[place] = weight + step;
                let above = trial.forward(&mut passage, &mut Alone, instructions, &weights);
                weights[place] = weight - step;
                let below = trial.forward(&mut passage, &mut Alone, instructions, &weights);
                weights[place] = weight;
                [(above - below) / (2.0 * step), (above - 2.0 * here + below) / step]
            };
            let ([wide, wide_bend], [narrow, narrow_bend]) = (difference(STEP), difference(STEP / 2.0));
            let bend = (narrow_bend - wide_bend / 2.0).abs();
            let (slope, size) = (gradient[place], 1.0 + narrow.abs());
            let wanted = (4.0 * narrow - wide) / 3.0;
            compared.parameters += 1;
            // An extrapolation from two numbers that are not finite would pass for a kink.
            if !wanted.is_finite() {
                return Err(format!("{}: the loss is not finite", tensor.name));
            } else if (wide - narrow).abs() > 1e-5 * size {
                compared.kinks += 1;
            } else if (slope - wanted).abs() > 1e-7 * size + (wide - narrow).abs() + bend || slope.is_nan() {
                let at = place - tensor.place.start;
                return Err(format!("{}[{at}]: {slope:e}, but the loss changes by {wanted:e}", tensor.name));
            }
        }
    }
    Ok(compared)
}

fn check(name: &str, trial: &Trial, memory: usize) {
    let count = trial.count();
    let compared = compare(trial, memory).unwrap_or_else(|error| panic!("{name}, batch of {count}: {error}"));
    // The pinned ones are chosen so that next to nothing comes near a kink.
    assert!(50 * compared.kinks <= compared.parameters, "{name}, batch of {count}: {compared:?}");
}

/// Every second layer: the two halves run side by side.
fn check_every_second(first: usize) {
    for (index, (name, plan)) in catalogue().iter().enumerate().skip(first).step_by(2) {
        for (samples, memory) in [(1, 1), (3, 40), (16, 16)] {
            check(name, &Trial::new(plan, samples, 7 + index as u64), memory);
        }
    }
}

#[test]
fn every_layer_has_the_slope_of_its_loss() {
    check_every_second(0);
}

#[test]
fn every_other_layer_has_it_too() {
    check_every_second(1);
}

#[test]
fn batches_around_whole_vectors_have_it_too() {
    let plans = catalogue();
    for wanted in ["linear behind a convolution", "everything", "layer normalisation of rows", "dropout of rows"] {
        let (name, plan) = plans.iter().find(|(name, _)| *name == wanted).unwrap();
        for samples in [15, 17, 33] {
            check(name, &Trial::new(plan, samples, 5), samples);
        }
    }
}

#[test]
fn given_masks_have_it_too() {
    let layers = vec![linear(6), dropout(0.5), residual(vec![linear(6), LayerConfig::Tanh, dropout(0.25)]), linear(3)];
    let mut trial = Trial::new(&Plan::new(Shape::row(4), layers), 5, 3);
    let mask = |turn: usize| (0..5 * 6).map(|at| f64::from(u8::from(!(at * 7 + turn).is_multiple_of(3)))).collect();
    trial.dropped = Dropped::Given(vec![mask(0), mask(1)]);
    check("given masks", &trial, 5);
    let with = trial.run_alone::<f64>();
    trial.dropped = Dropped::Given(vec![mask(0), mask(2)]);
    assert_ne!(with.outputs, trial.run_alone::<f64>().outputs, "the second dropout takes the second mask");
}

#[test]
fn a_wrong_slope_is_found() {
    let trial = Trial::new(&Plan::new(Shape::row(3), vec![linear(2)]), 4, 1);
    let right = trial.run_alone::<f64>().gradient;
    assert!(compare_with(&trial, &right, 4).is_ok_and(|compared| compared.kinks == 0 && compared.parameters == 8));
    for place in 0..right.len() {
        let mut wrong = right.clone();
        wrong[place] += 1e-6;
        let error = compare_with(&trial, &wrong, 4).unwrap_err();
        assert!(error.starts_with("fc1."), "{error}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn random_networks_have_the_slope_of_their_loss(
        plan in any_plan(),
        samples in prop::sample::select(vec![1usize, 2, 5, 15, 16, 17, 33]),
        room in 0usize..40,
        seed in any::<u64>(),
    ) {
        let compared = compare(&Trial::new(&plan, samples, seed), samples + room);
        match compared {
            Ok(compared) => prop_assert!(4 * compared.kinks <= compared.parameters + 8, "{compared:?}: {plan:?}"),
            Err(error) => prop_assert!(false, "{error}: {plan:?}"),
        }
    }
}
