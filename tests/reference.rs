//! The demo and three runs over all images against what PyTorch 2.15 computed for them (f32, same settings, its own
//! random order): the mean over three seeds lies within three of PyTorch's standard deviations, or within 3 % (1.5 %
//! over all images).
//!
//! Here a part of them runs: the demo through its edit of λ, and one of the runs over all images.
//! `cargo test --release --test reference -- --include-ignored --nocapture` runs all, and prints the table. PyTorch's deviations are of five seeds, and of three
//! over all images. Those are on the low side: over 24 seeds PyTorch's Adam with L2 gives ‖W2‖ = 5.40 ± 0.12, where
//! its three gave 5.307 ± 0.040, and ours gives 5.47 ± 0.11 over 20.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::collections::BTreeMap;
use std::thread;

use crossbeam_channel::bounded;
use wdtop::cli;
use wdtop::stream::{RunConfig, RunOptions, Summary, What, lossless};
use wdtop::train::{self, Experiment};

const REFERENCE: &str = include_str!("fixtures/golden/demo_reference.csv");

/// A quantity at a step: ours beside PyTorch's mean and standard deviation.
struct Cell {
    what: String,
    ours: f64,
    mean: f64,
    deviation: f64,
    /// The relative band that holds where the deviation is small.
    band: f64,
}

impl Cell {
    fn holds(&self) -> bool {
        (self.ours - self.mean).abs() <= (3.0 * self.deviation).max(self.band * self.mean)
    }
}

/// The demo with this share of noisy labels, evaluated where the reference is compared.
fn demo(noise: f64, seed: u64, options: &[&str]) -> RunConfig {
    let (noise, seed) = (noise.to_string(), seed.to_string());
    let mut all = vec!["--label-noise", &noise, "--seed", &seed, "--steps", "2000", "--evaluate-every", "500"];
    all.extend(options);
    cli::configure("demo", &all).unwrap().0
}

/// What a run of each seed gives, side by side: runs wait for each other less than the threads of one do.
fn of_each_seed<R: Send>(seeds: &[u64], run: impl Fn(u64) -> R + Sync) -> Vec<R> {
    thread::scope(|scope| {
        let runs: Vec<_> = seeds
            .iter()
            .map(|&seed| {
                scope.spawn({
                    let run = &run;
                    move || run(seed)
                })
            })
            .collect();
        runs.into_iter().map(|run| run.join().unwrap()).collect()
    })
}

/// Runs to the end; every event goes to `watch`.
fn run(config: RunConfig, mut watch: impl FnMut(What)) -> Summary {
    let threads = 1;
    let (_commands, obeyed) = bounded(1);
    let (sender, events) = lossless(64);
    train::spawn(
        Experiment::prepare(config, RunOptions { threads, pace: 0.0, instructions: None, snapshot_every: 0 }).unwrap(),
        obeyed,
        sender,
    )
    .unwrap();
    loop {
        match events.recv().expect("a run ends with Finished").what {
            What::Finished(summary) => return *summary,
            what => watch(what),
        }
    }
}

/// Validation loss and the norms of the three matrices after so many updates, for one scenario and seed.
fn demo_curve(noise: f64, edit: bool, seed: u64) -> BTreeMap<u64, [f64; 4]> {
    let options: &[&str] = if edit { &["--edit", "1000:weight_decay=3"] } else { &[] };
    let config = demo(noise, seed, options);
    let (mut losses, mut norms) = (BTreeMap::new(), BTreeMap::new());
    let summary = run(config, |what| match what {
        What::Evaluated(evaluation) => _ = losses.insert(evaluation.step, evaluation.validation.loss),
        // Sums are of the weights before the update: those after `step` updates.
        What::Steps(batch) => {
            for (row, sums) in batch.iter() {
                norms.insert(row.step, [sums[0].norm(), sums[2].norm(), sums[4].norm()]);
            }
        }
        _ => {}
    });
    norms.insert(summary.steps, [0, 2, 4].map(|index| summary.tensors[index].norm));
    let at = |step: u64| [losses[&step], norms[&step][0], norms[&step][1], norms[&step][2]];
    [500, 1000, 1500, 2000].map(|step| (step, at(step))).into()
}

fn compare_demo(scenario: &str, noise: f64, edit: bool, seeds: &[u64]) -> Vec<Cell> {
    let curves = of_each_seed(seeds, |seed| demo_curve(noise, edit, seed));
    let mut lines = REFERENCE.lines().map(|line| line.split(',').collect::<Vec<_>>());
    let header = lines.next().unwrap();
    let column = |name: &str| header.iter().position(|column| *column == name).unwrap();
    let mut cells = Vec::new();
    for line in lines.filter(|line| line[0] == scenario) {
        let Some(ours) = line[2].parse().ok().filter(|step| curves[0].contains_key(step)) else { continue };
        let step: u64 = ours;
        for (index, name) in ["val_loss", "w1", "w2", "w3"].into_iter().enumerate() {
            let number = |column: usize| line[column].parse::<f64>().unwrap();
            cells.push(Cell {
                what: format!("{scenario} step {step} {name}"),
                ours: curves.iter().map(|curve| curve[&step][index]).sum::<f64>() / curves.len() as f64,
                mean: number(column(name)),
                deviation: number(column(&format!("{name}_sd"))),
                band: 0.03,
            });
        }
    }
    assert_eq!(cells.len(), 16, "four steps of four quantities in {scenario}");
    cells
}

/// A run over all 12,000 images: name, rule, η, λ, then mean and deviation of validation loss, ‖W1‖ and ‖W2‖.
type Full = (&'static str, &'static str, f64, f64, [(f64, f64); 3]);

const FULL: [Full; 3] = [
    ("AdamW 1e-3, λ 1e-4", "adamw", 1e-3, 1e-4, [(0.3845, 0.0067), (23.20, 0.47), (5.588, 0.29)]),
    ("SGD 0.1, λ 0", "sgd", 0.1, 0.0, [(0.4080, 0.0097), (9.382, 0.020), (6.742, 0.037)]),
    ("Adam 1e-3, L2 1e-4", "adam", 1e-3, 1e-4, [(0.3887, 0.0047), (17.97, 0.20), (5.307, 0.04)]),
];

fn compare_full((name, optimizer, lr, weight_decay, wanted): &Full, seeds: &[u64]) -> Vec<Cell> {
    let each = of_each_seed(seeds, |seed| {
        let (seed, lr, weight_decay) = (seed.to_string(), lr.to_string(), weight_decay.to_string());
        let options = [
            ["--optimizer", optimizer],
            ["--lr", &lr],
            ["--weight-decay", &weight_decay],
            ["--seed", &seed],
            ["--decay", "all"],
            ["--init", "torch"],
            ["--epochs", "20"],
        ];
        let config = cli::configure("article-mlp", &options.concat()).unwrap().0;
        let summary = run(config, |_| {});
        [summary.validation.loss, summary.tensors[0].norm, summary.tensors[2].norm]
    });
    let quantities = ["val_loss", "w1", "w2"];
    let cell = |index: usize| Cell {
        what: format!("{name}: {}", quantities[index]),
        ours: each.iter().map(|run| run[index]).sum::<f64>() / seeds.len() as f64,
        mean: wanted[index].0,
        deviation: wanted[index].1,
        band: 0.015,
    };
    (0..3).map(cell).collect()
}

const SEEDS: [u64; 3] = [1, 2, 3];

fn compare(scenarios: &[(&str, f64, bool)], full: &[Full]) {
    let mut cells = Vec::new();
    for &(scenario, noise, edit) in scenarios {
        cells.extend(compare_demo(scenario, noise, edit, &SEEDS));
    }
    for full in full {
        cells.extend(compare_full(full, &SEEDS));
    }
    for cell in &cells {
        let Cell { what, ours, mean, deviation, .. } = cell;
        let verdict = if cell.holds() { "" } else { "  <- OUT" };
        println!("{what:46} ours {ours:8.4}   PyTorch {mean:8.4} ± {deviation:.4}{verdict}");
    }
    let out: Vec<&str> = cells.iter().filter(|cell| !cell.holds()).map(|cell| cell.what.as_str()).collect();
    assert!(out.is_empty(), "outside the band: {out:?}");
}

const SCENARIOS: [(&str, f64, bool); 4] = [
    ("noise20_wd0_to_3_at_1000", 0.2, true),
    ("noise20_wd0", 0.2, false),
    ("clean_wd0", 0.0, false),
    ("clean_wd0_to_3_at_1000", 0.0, true),
];

#[test]
fn three_seeds_of_the_edited_demo_and_of_adamw_lie_within_the_bands() {
    compare(&SCENARIOS[..1], &FULL[..1]);
}

#[test]
#[ignore = "takes minutes"]
fn three_seeds_of_every_other_run_lie_within_the_bands() {
    compare(&SCENARIOS[1..], &FULL[1..]);
}
