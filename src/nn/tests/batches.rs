//! Batches in memory for more: the columns beyond their samples never matter.
//!
//! Their errors are 0, so that they add zeros to every sum, which changes no bit of it.

use super::network::{catalogue, linear};
use super::{Cut, Outcome, Trial};
use crate::kernel::{Element, Instructions};
use crate::nn::model::Shape;
use crate::nn::tests::network::{Plan, conv, image};
use crate::nn::{Alone, Passage, Purpose, Setting};
use crate::stream::LayerConfig;

fn run_in<T: Element>(trial: &Trial, passage: &mut Passage<T>) -> Outcome<T> {
    trial.run(passage, &mut Alone, Instructions::best(), Cut::Whole)
}

fn compare_memories<T: Element>() {
    for (name, plan) in catalogue() {
        for samples in [1, 5, 15, 16, 17, 33] {
            let trial = Trial::new(&plan, samples, 11);
            let own: Outcome<T> = run_in(&trial, &mut trial.passage(samples));
            let mut others: Vec<Outcome<T>> = Vec::new();
            for memory in [samples + 1, samples + 16, 100] {
                others.push(run_in(&trial, &mut trial.passage(memory)));
            }
            for (index, other) in others.iter().enumerate() {
                assert!(own.bits() == other.bits(), "{name}, batch of {samples}, memory {index}");
            }
        }
    }
}

#[test]
fn columns_beyond_the_batch_change_no_bit() {
    compare_memories::<f32>();
    compare_memories::<f64>();
}

/// What a batch of NaNs, infinities and numbers near the end of the range leaves behind.
fn compare_with_soiled<T: Element>(end: f64) {
    for (name, plan) in catalogue() {
        for samples in [1, 5, 16, 17] {
            let trial = Trial::new(&plan, samples, 13);
            let memory = samples + 30;
            let clean: Outcome<T> = run_in(&trial, &mut trial.passage(memory));
            assert!(clean.loss.is_finite(), "{name}");
            for number in [f64::NAN, f64::INFINITY, end] {
                let mut passage = trial.passage(memory);
                let mut soiled = Trial::new(&plan, passage.capacity(), 17);
                soiled.samples.iter_mut().step_by(2).for_each(|value| *value = number);
                run_in(&soiled, &mut passage);
                // What is remembered of past batches does matter, and is not meant here.
                let fresh = trial.passage::<T>(memory).buffers(&trial.network);
                passage.set_buffers(&trial.network, &fresh);
                let after = run_in(&trial, &mut passage);
                assert!(after.bits() == clean.bits(), "{name}, batch of {samples} after one of {number}");
            }
        }
    }
}

#[test]
fn nothing_of_an_earlier_batch_is_left() {
    compare_with_soiled::<f32>(f64::from(f32::MAX));
    compare_with_soiled::<f64>(f64::MAX);
}

#[test]
fn one_passage_takes_batches_of_all_sizes_in_turn() {
    let plan = Plan::new(image(2, 4, 3), vec![conv(3, 3, 1, 1), linear(4)]);
    let trials: Vec<Trial> = [20, 1, 16, 7, 33].into_iter().map(|samples| Trial::new(&plan, samples, 5)).collect();
    let mut passage = trials[0].passage::<f32>(33);
    for trial in &trials {
        assert!(
            run_in(trial, &mut passage).bits() == run_in(trial, &mut trial.passage::<f32>(33)).bits(),
            "{}",
            trial.count()
        );
    }
}

/// A column of zeros would overflow where the batch's own do not: nothing is computed there.
#[test]
fn nothing_beyond_the_batch_overflows() {
    let layers = vec![conv(1, 1, 1, 0), conv(1, 3, 1, 1), LayerConfig::GlobalAvgpool, conv(1, 1, 1, 0), linear(2)];
    let mut trial = Trial::new(&Plan::new(image(1, 1, 2), layers), 3, 1);
    let big = f64::from(f32::MAX);
    trial.samples.fill(1.0);
    trial.weights.fill(0.0);
    // Zeros for samples of ones; for a column of zeros the largest number, then infinity beside its opposite, and of
    // these no mean.
    for (tensor, values) in [
        ("conv1.weight", &[-big][..]),
        ("conv1.bias", &[big]),
        ("conv2.weight", &[0.0, 0.0, 0.0, -2.0, 0.0, 2.0, 0.0, 0.0, 0.0]),
        ("conv3.weight", &[0.1]),
        ("fc1.weight", &[0.1, -0.1]),
    ] {
        let tensor = trial.network.tensors().iter().find(|its| its.name == tensor).unwrap();
        trial.weights[tensor.place.clone()].copy_from_slice(values);
    }
    let weights = trial.weights::<f32>();
    let mut passage = trial.passage::<f32>(3);
    let outcome = run_in(&trial, &mut passage);
    assert!(outcome.loss.is_finite());
    assert!(outcome.gradient.iter().all(|gradient| gradient.is_finite()));
    let setting = Setting { network: &trial.network, weights: &weights, instructions: Instructions::best() };
    assert!(passage.gradients_are_bounded(setting));
}

#[test]
fn evaluation_needs_no_memory_for_errors() {
    let trial = Trial::new(&Plan::new(Shape::row(3), vec![linear(4)]), 6, 2);
    let weights = trial.weights::<f64>();
    let mut passage = Passage::new(&trial.network, 6, Purpose::Evaluation);
    let loss = trial.forward(&mut passage, &mut Alone, Instructions::best(), &weights);
    assert_eq!(loss.to_bits(), trial.run_alone::<f64>().loss.to_bits());
}
