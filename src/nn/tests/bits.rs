//! The same bits for every instruction set, order of the tasks, number of threads and cut of a gradient.

use proptest::prelude::*;

use super::network::{any_plan, catalogue};
use super::{Cut, Outcome, Shuffled, Trial};
use crate::kernel::{Element, Instructions};
use crate::nn::Alone;
use crate::train::Team;

/// Sizes of batches: less than a vector, several.
const BATCHES: [usize; 3] = [3, 16, 37];

fn compare<T: Element>(run: impl Fn(&Trial, &str) -> Vec<(String, Outcome<T>)>) {
    for (name, plan) in catalogue() {
        for samples in BATCHES {
            let trial = Trial::new(&plan, samples, 23);
            let wanted = trial.run_alone::<T>().bits();
            for (way, outcome) in run(&trial, name) {
                assert!(outcome.bits() == wanted, "{name}, batch of {samples}, {way}");
            }
        }
    }
}

fn compare_instructions<T: Element>() {
    compare::<T>(|trial, _| {
        let all = Instructions::all().into_iter();
        let run = |set| trial.run(&mut trial.passage(trial.count()), &mut Alone, set, Cut::Whole);
        all.map(|set| (set.to_string(), run(set))).collect()
    });
}

#[test]
fn every_instruction_set_gives_the_same_bits() {
    compare_instructions::<f32>();
    compare_instructions::<f64>();
}

fn compare_orders<T: Element>() {
    compare::<T>(|trial, _| {
        let run = |seed| {
            let mut crew = Shuffled::new(seed);
            trial.run(&mut trial.passage(trial.count()), &mut crew, Instructions::best(), Cut::Whole)
        };
        (1..5).map(|seed| (format!("order {seed}"), run(seed))).collect()
    });
}

#[test]
fn the_order_of_tasks_gives_the_same_bits() {
    compare_orders::<f32>();
    compare_orders::<f64>();
}

fn compare_cuts<T: Element>() {
    compare::<T>(|trial, _| {
        let run = |cut| trial.run(&mut trial.passage(trial.count()), &mut Alone, Instructions::best(), cut);
        [1, 2, 3, 5, 8].map(|rows| (format!("{rows} rows at once"), run(Cut::Rows(rows)))).into()
    });
}

#[test]
fn a_gradient_has_the_same_bits_however_its_rows_are_cut() {
    compare_cuts::<f32>();
    compare_cuts::<f64>();
}

fn compare_threads<T: Element>() {
    for threads in [1, 2, 3, 16] {
        let mut team = Team::new(threads);
        for (name, plan) in catalogue() {
            let trial = Trial::new(&plan, 17, 29);
            let wanted = trial.run_alone::<T>().bits();
            let mut passage = trial.passage::<T>(17);
            let outcome = trial.run(&mut passage, &mut team, Instructions::best(), Cut::Whole);
            assert!(outcome.bits() == wanted, "{name} with {threads} threads");
        }
    }
}

#[test]
fn any_number_of_threads_gives_the_same_bits() {
    compare_threads::<f32>();
    compare_threads::<f64>();
}

/// What is dropped is a matter of the key, the layer, the value and the sample, not of the memory or the task.
#[test]
fn a_key_determines_what_is_dropped() {
    let (_, plan) = catalogue().into_iter().find(|(name, _)| *name == "dropout of rows").unwrap();
    let outputs = |seed| {
        let mut trial = Trial::new(&plan, 9, 1);
        trial.dropped = super::Dropped::Drawn(seed);
        trial.run_alone::<f64>().outputs
    };
    assert_eq!(outputs(4), outputs(4));
    assert_ne!(outputs(4), outputs(5));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

    #[test]
    fn random_networks_have_the_same_bits_in_every_way(
        plan in any_plan(),
        samples in 1usize..40,
        rows in 1usize..9,
        seed in any::<u64>(),
    ) {
        let trial = Trial::new(&plan, samples, seed);
        let wanted = trial.run_alone::<f32>().bits();
        for set in Instructions::all() {
            let mut passage = trial.passage::<f32>(samples);
            let outcome = trial.run(&mut passage, &mut Shuffled::new(seed), set, Cut::Rows(rows));
            prop_assert!(outcome.bits() == wanted, "{set}: {plan:?}");
        }
    }
}
