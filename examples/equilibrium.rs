//! Whether the predictions hold: scale-invariant layers trained until they are in equilibrium, measured against what
//! `wdtop::diagnostics` says, and through an edit of λ.
//!
//! `cargo run --release --example equilibrium`
//!
//! The network is an MLP with batch normalisation behind both hidden layers, which makes `fc1.weight` and `fc2.weight`
//! scale-invariant; 256 units wide, tanh, batches of 16, all 12,000 images with 20 % label noise; η and λ so that τ is
//! 1,000 updates for every rule. What is measured is the mean over one τ after five. In the end AdamW and Adam with L2
//! train a network whose layers differ in width, and so in the size of their gradients; the rotation of its layers is
//! compared.
//!
//! The formulas suppose a random walk of weights that all have a gradient in every update. Where that is not so they are
//! off, and two networks that were measured before this one show how:
//!
//! - With rectifiers instead of tanh (AdamW, otherwise the same) θ of `fc2.weight` is 7 % and its norm 20 % below: a unit
//!   that is off gives its weights no gradient, their updates are smaller than those of a walk.
//! - With rectifiers, 64 units and batches of 50 the signal is no longer small beside the walk: the weights have a mean
//!   that decay does not take away, which adds to ‖w‖². Of `fc2.weight` AdamW's norm is 25 % above at λ, 61 % at 3·λ;
//!   less ‖w‖*² both leave the same 1.1. Lion, which turns any small mean gradient into full steps, is 130 % above. SGD
//!   is within 0.5 % (θ) and 2.3 % (norm) there too.

use std::time::Instant;

use crossbeam_channel::bounded;
use wdtop::cli;
use wdtop::diagnostics::{Alarms, Approach, Forces, Regime, Tracks, measured};
use wdtop::stream::{Description, RunConfig, RunOptions, StepRow, TensorInfo, TensorSums, What, lossless};
use wdtop::train::{self, Experiment};

/// Updates that the weights average over, in every run but the last two.
const TAU: u64 = 1000;
/// λ is turned up here, to three times of what it was.
const EDIT: u64 = 6 * TAU;
const FACTOR: f64 = 3.0;
const STEPS: u64 = EDIT + 2 * TAU;

/// Both hidden layers are scale-invariant.
const NETWORK: &str = "mlp:784-256-256-10,norm=batch,act=tanh";
/// Layers of different widths, and so with gradients of different sizes.
const UNEVEN: &str = "mlp:784-512-64-256-10,norm=batch,act=tanh";

/// A rule with its η and λ.
struct Setting {
    rule: &'static str,
    options: &'static [&'static str],
    lr: f64,
    weight_decay: f64,
}

const SETTINGS: [Setting; 3] = [
    Setting { rule: "adamw", options: &[], lr: 1e-3, weight_decay: 1.0 },
    Setting { rule: "sgd", options: &["--set", "momentum=0.9"], lr: 0.1, weight_decay: 1e-3 },
    Setting { rule: "lion", options: &[], lr: 1e-4, weight_decay: 10.0 },
];

fn main() -> anyhow::Result<()> {
    println!("rule    tensor        θ measured  predicted         ‖w‖ measured  predicted");
    for setting in &SETTINGS {
        measure(setting)?;
    }
    println!();
    println!("rotation of layers, means over the last 1,000 of 4,000 updates");
    for (rule, weight_decay) in [("adamw", 1.0), ("adam", 1e-2)] {
        compare_layers(rule, weight_decay)?;
    }
    println!();
    cost()
}

/// What watching costs beside a step of the demo.
fn cost() -> anyhow::Result<()> {
    const UPDATES: u64 = 2000;
    let (mut rows, mut first): (Vec<(StepRow, Vec<TensorSums>)>, Option<Description>) = (Vec::new(), None);
    let arguments = ["--steps", &UPDATES.to_string(), "--pace", "0", "--evaluate-every", "100000", "--threads", "2"];
    let (config, options) = cli::configure("demo", &arguments)?;
    run(config, options, |run, row, sums| {
        first.get_or_insert_with(|| run.clone());
        rows.push((*row, sums.to_vec()));
    })?;
    let (Some(run), [(start, _), .., (end, _)]) = (first, &rows[..]) else { return Ok(()) };
    let step = (end.seconds - start.seconds) / (rows.len() - 1) as f64;
    let (mut alarms, mut alerts) = (Alarms::new(&run.tensors), Vec::new());
    let forces = forces(&run, 1e-3, 3.0);
    let begin = Instant::now();
    for (row, sums) in &rows {
        alarms.update(row, sums.iter().map(|sums| (sums, forces)), &mut alerts);
    }
    let watched = begin.elapsed().as_secs_f64() / rows.len() as f64;
    println!(
        "diagnostics and alerts of {} tensors: {:.2} µs beside a step of {:.0} µs, {:.2} %",
        run.tensors.len(),
        1e6 * watched,
        1e6 * step,
        100.0 * watched / step
    );
    Ok(())
}

/// One run in equilibrium, and through an edit.
fn measure(setting: &Setting) -> anyhow::Result<()> {
    let Setting { rule, options, lr, weight_decay } = setting;
    let edit = format!("{EDIT}:weight_decay={}", FACTOR * weight_decay);
    let options = [*options, &["--model", NETWORK, "--edit", edit.as_str()][..]].concat();
    let (mut watched, mut tracks) = (Vec::new(), None);
    train(rule, *lr, *weight_decay, STEPS, &options, |run, step, sums| {
        let forces = forces(run, *lr, if step < EDIT { *weight_decay } else { FACTOR * weight_decay });
        if watched.is_empty() {
            let is_matrix = |(_, tensor): &(usize, &TensorInfo)| ["fc1.weight", "fc2.weight"].contains(&&*tensor.name);
            let tensors = run.tensors.iter().enumerate().filter(is_matrix);
            watched = tensors.map(|(at, tensor)| Watched::new(at, tensor)).collect();
        }
        let tracks = tracks.get_or_insert_with(|| Tracks::new(run.tensors.iter().map(TensorInfo::len)));
        for watched in &mut watched {
            let pressure = tracks.get(watched.place).and_then(|track| track.pressure());
            watched.look(step, &sums[watched.place], &forces, pressure);
        }
        tracks.update(step, sums.iter().map(|sums| (sums, forces)));
    })?;
    for watched in &watched {
        watched.tell(rule);
    }
    Ok(())
}

/// What is measured of one tensor.
struct Watched {
    place: usize,
    name: String,
    weights: usize,
    updates: f64,
    rotation: f64,
    norm: f64,
    ideal_rotation: f64,
    ideal_norm: f64,
    approach: Option<Approach>,
    inside: u64,
    /// The largest distance from the predicted norm since the edit, as a share of it.
    farthest: f64,
}

impl Watched {
    fn new(place: usize, tensor: &TensorInfo) -> Watched {
        Watched {
            place,
            name: tensor.name.clone(),
            weights: tensor.len(),
            updates: 0.0,
            rotation: 0.0,
            norm: 0.0,
            ideal_rotation: 0.0,
            ideal_norm: 0.0,
            approach: None,
            inside: 0,
            farthest: 0.0,
        }
    }

    fn look(&mut self, step: u64, sums: &TensorSums, forces: &Forces, pressure: Option<f64>) {
        if (EDIT - TAU..EDIT).contains(&step) {
            self.updates += 1.0;
            self.rotation += measured::rotation(sums);
            self.norm += sums.norm();
            self.ideal_rotation += forces.equilibrium_rotation().unwrap_or(f64::NAN);
            self.ideal_norm += forces.equilibrium_norm(self.weights, pressure).unwrap_or(f64::NAN);
        }
        if step >= EDIT {
            let first = || forces.approach(sums.norm(), self.weights, pressure).ok();
            let Some(approach) = self.approach.or_else(first) else { return };
            self.approach = Some(approach);
            let steps = (step - EDIT) as f64;
            let (low, high) = approach.band(steps);
            self.inside += u64::from((low..=high).contains(&sums.norm()));
            self.farthest = self.farthest.max((sums.norm() / approach.after(steps) - 1.0).abs());
        }
    }

    fn tell(&self, rule: &str) {
        let Watched { name, updates, rotation, norm, ideal_rotation, ideal_norm, .. } = self;
        let [rotation, norm, ideal_rotation, ideal_norm] =
            [rotation, norm, ideal_rotation, ideal_norm].map(|sum| sum / updates);
        let off = |measured: f64, ideal: f64| 100.0 * (measured / ideal - 1.0);
        println!(
            "{rule:<7} {name:<12} {rotation:>11.5} {ideal_rotation:>10.5} {:>+6.1} % {norm:>14.3} {ideal_norm:>10.3} {:>+6.1} %",
            off(rotation, ideal_rotation),
            off(norm, ideal_norm)
        );
        println!(
            "        {name:<12} λ·3: inside the band in {:.1} % of {} updates, at most {:.1} % off",
            100.0 * self.inside as f64 / (STEPS - EDIT) as f64,
            STEPS - EDIT,
            100.0 * self.farthest
        );
    }
}

/// θ of the layers under one rule.
fn compare_layers(rule: &str, weight_decay: f64) -> anyhow::Result<()> {
    let mut rotations: Vec<(String, f64)> = Vec::new();
    train(rule, 1e-3, weight_decay, 4 * TAU, &["--model", UNEVEN], |run, step, sums| {
        if rotations.is_empty() {
            rotations = run.tensors.iter().map(|tensor| (tensor.name.clone(), 0.0)).collect();
        }
        if step >= 3 * TAU {
            for ((_, total), sums) in rotations.iter_mut().zip(sums) {
                *total += measured::rotation(sums) / TAU as f64;
            }
        }
    })?;
    let layers: Vec<&(String, f64)> =
        rotations.iter().filter(|(name, _)| name.starts_with("fc") && name.ends_with("weight")).collect();
    let told: Vec<String> = layers.iter().map(|(name, rotation)| format!("{name} {rotation:.5}")).collect();
    let hidden = measured::balance(layers.iter().take(3).map(|(_, rotation)| *rotation)).unwrap_or(f64::NAN);
    println!("{rule:<7} λ {weight_decay:<6} {}   hidden layers max/min {hidden:.2}", told.join("   "));
    Ok(())
}

fn forces(run: &Description, lr: f64, weight_decay: f64) -> Forces {
    let optimizer = &run.config.optimizer;
    let regime = Regime::of(optimizer, |key| optimizer.hyper.get(key).copied());
    Forces { regime, lr, lr_factor: 1.0, weight_decay }
}

/// Trains and shows every update.
fn train(
    rule: &str,
    lr: f64,
    weight_decay: f64,
    steps: u64,
    more: &[&str],
    mut look: impl FnMut(&Description, u64, &[TensorSums]),
) -> anyhow::Result<()> {
    let (lr, weight_decay, steps) = (lr.to_string(), weight_decay.to_string(), steps.to_string());
    let fixed = ["--train-samples", "12000", "--batch", "16", "--pace", "0"];
    let rule = ["--optimizer", rule, "--lr", &lr, "--weight-decay", &weight_decay, "--steps", &steps];
    let (config, options) =
        cli::configure("demo", &[&fixed[..], &rule, &["--evaluate-every", "100000"], more].concat())?;
    run(config, options, |run, row, sums| look(run, row.step, sums))
}

/// Runs to the end and shows every update.
fn run(
    config: RunConfig,
    options: RunOptions,
    mut look: impl FnMut(&Description, &StepRow, &[TensorSums]),
) -> anyhow::Result<()> {
    let (_commands, obeyed) = bounded(1);
    let (sender, events) = lossless(64);
    train::spawn(Experiment::prepare(config, options)?, obeyed, sender)?;
    let mut run = None;
    while let Ok(event) = events.recv() {
        match event.what {
            What::Started(description) => run = Some(description),
            What::Steps(batch) => {
                if let Some(run) = &run {
                    batch.iter().for_each(|(row, sums)| look(run, row, sums));
                }
                events.recycle(batch);
            }
            _ => {}
        }
    }
    Ok(())
}
