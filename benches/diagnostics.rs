//! What diagnostics cost beside the steps that they watch.
//!
//! ```sh
//! cargo bench --bench diagnostics
//! ```
//!
//! For each recipe training steps and everything that is made of their sums take turns, round by round, so that a machine
//! whose speed changes from minute to minute changes both, and their ratio is what counts: the alerts of the training
//! thread, what the screen's panels keep, what a row of JSON or a recording's curves take (every measure and prediction of
//! every tensor), and, spread over the steps between two evaluations, how the weights lie and the spectra, both on the
//! team that trains. The six sums are part of the update:
//! `cargo bench --bench update sums` prices those.

use std::hint::black_box;
use std::time::{Duration, Instant};

use crossbeam_channel::bounded;
use wdtop::cli;
use wdtop::diagnostics::{Alarms, Courses, Forces, Reader, Regime, Tracks};
use wdtop::stream::{Description, StepRow, TensorInfo, TensorSums, What, lossless};
use wdtop::train::{self, Experiment, Telemetry, Timing};

/// Steps that are timed in a round, and whose sums are watched again.
const STEPS: u64 = 200;
const ROUNDS: usize = 15;

fn main() {
    println!(
        "{:12} {:>9} {:>14} {:>14} {:>14} {:>14} {:>14} {:>8}",
        "recipe", "step", "alerts", "panels", "readings", "weights", "spectra", "together"
    );
    for recipe in ["article-mlp", "demo"] {
        price(recipe);
    }
}

fn price(recipe: &str) {
    let options = ["--threads", "2", "--pace", "0", "--weight-decay", "1e-3"];
    let (run, rows) = watch(recipe, &options);
    let (config, options) = cli::configure(recipe, &options).expect("a recipe");
    let mut timing = Timing::prepare(config, options, Telemetry::Off).expect("a run that begins");
    let optimizer = &run.config.optimizer;
    let regime = Regime::of(optimizer, |key| optimizer.hyper.get(key).copied());
    let forces = Forces { regime, lr: run.config.lr, lr_factor: 1.0, weight_decay: run.config.weight_decay };
    let between = run.evaluation_period() as f64;

    let mut times: [Vec<f64>; 6] = Default::default();
    for _ in 0..=ROUNDS {
        let step = timing.run(STEPS).expect("finite numbers");
        // At once, as an evaluation's: its team has not gone to sleep.
        let (census, weights) = timing.census();
        let spectra = timing.spectra(&census);
        let (mut alarms, mut alerts) = (Alarms::new(&run.tensors), Vec::new());
        let alerts = clock(|| {
            for (row, sums) in &rows {
                alarms.update(row, sums.iter().map(|sums| (sums, forces)), &mut alerts);
            }
        });
        let mut tracks = Tracks::new(run.tensors.iter().map(TensorInfo::len));
        let mut courses = Courses::new(run.tensors.len());
        courses.edited();
        let panels = clock(|| {
            for (row, sums) in &rows {
                courses.update(row.step, sums.iter().map(|sums| (sums, forces)), &tracks);
                tracks.update(row.step, sums.iter().map(|sums| (sums, forces)));
            }
        });
        let mut reader = Reader::new(&run);
        let readings = clock(|| {
            for (row, sums) in &rows {
                black_box(reader.read(row, sums));
            }
        });
        let each = |time: Duration| 1e6 * time.as_secs_f64() / STEPS as f64;
        let spread = |time: Duration| 1e6 * time.as_secs_f64() / between;
        let round = [each(step), each(alerts), each(panels), each(readings), spread(weights), spread(spectra)];
        times.iter_mut().zip(round).for_each(|(times, time)| times.push(time));
        black_box((&alarms, &tracks, &courses));
    }
    let [step, alerts, panels, readings, weights, spectra] = times.map(|mut times| {
        // The first round warms up.
        times.remove(0);
        times.sort_by(f64::total_cmp);
        times[times.len() / 2]
    });
    let told = |time: f64| format!("{time:.2} µs {:.2} %", 100.0 * time / step);
    // A run on the screen has all but readings; readings are made for JSON and when curves are asked for.
    println!(
        "{recipe:12} {:>9} {:>14} {:>14} {:>14} {:>14} {:>14} {:>6.2} %",
        format!("{step:.0} µs"),
        told(alerts),
        told(panels),
        told(readings),
        told(weights),
        told(spectra),
        100.0 * (alerts + panels + weights + spectra) / step
    );
}

/// The sums of a run's first steps.
fn watch(recipe: &str, options: &[&str]) -> (Description, Vec<(StepRow, Vec<TensorSums>)>) {
    let steps = STEPS.to_string();
    let options = [options, &["--steps", &steps]].concat();
    let (config, options) = cli::configure(recipe, &options).expect("a recipe");
    let (_commands, obeyed) = bounded(1);
    let (sender, events) = lossless(64);
    let experiment = Experiment::prepare(config, options).expect("a run that begins");
    let run = experiment.description().clone();
    train::spawn(experiment, obeyed, sender).expect("a thread");
    let mut rows = Vec::new();
    while let Ok(event) = events.recv() {
        if let What::Steps(batch) = event.what {
            rows.extend(batch.iter().map(|(row, sums)| (*row, sums.to_vec())));
        }
    }
    (run, rows)
}

fn clock(work: impl FnOnce()) -> Duration {
    let start = Instant::now();
    work();
    start.elapsed()
}
