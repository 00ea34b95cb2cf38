//! Whether the predictions hold: scale-invariant layers trained until they are in equilibrium, measured against what
//! `wdtop::diagnostics` says, and through an edit of λ.
//!
//! ```sh
//! cargo run --release --example equilibrium             # all of it
//! cargo run --release --example equilibrium declared    # only the setting that was fixed before it was measured
//! ```
//!
//! # The first setting
//!
//! It is the third network that was tried; what was learned from the two before it stands below. The network is an MLP
//! with batch normalisation behind both hidden layers, which makes `fc1.weight` and `fc2.weight` scale-invariant; 256 units wide, tanh, batches of 16, all 12,000 images with 20 % label noise; η and λ so that τ is
//! 1,000 updates for every rule. What is measured is the mean over one τ after five. In the end AdamW and Adam with L2
//! train a network whose layers differ in width, and so in the size of their gradients; the rotation of its layers is
//! compared.
//!
//! In equilibrium 2d·‖w‖² = step²·memory and θ = step/‖w‖, whatever the gradients are: `step` is the length of an update, and
//! `memory` = 1 + 2·Σw·Δ/Σ‖Δ‖² how far updates go on in the direction of those before. So what is measured differs from what is
//! predicted by two factors alone, which are printed: θ by the root of the memory, ‖w‖ by step times that root. What was
//! found (η, λ and network as above, in percent of the prediction; before the edit | in the last 1,000 updates, 3·λ):
//!
//! | | θ fc1 | θ fc2 | ‖w‖ fc1 | ‖w‖ fc2 |
//! |---|---|---|---|---|
//! | AdamW | −7.3 \| −5.3 | −5.9 \| −11.9 | −1.9 \| −6.7 | −5.8 \| +5.0 |
//! | SGD | −0.6 \| −1.9 | −0.7 \| −2.5 | −1.6 \| −1.6 | −1.4 \| −2.5 |
//! | Lion | −13.1 \| −2.3 | −1.1 \| −24.6 | +13.4 \| −0.9 | −0.1 \| +25.5 |
//!
//! - AdamW's steps are 8 to 12 % shorter than those of a walk, and remembered 11 to 29 % longer. Both are within what is
//!   asked for before the edit; the norm stays inside the predicted band for all of the 2,000 updates after it.
//! - SGD agrees within 2.5 % where the formula has the E\[‖g‖²·‖w‖²\] of the time. Inside the band that was predicted *at the
//!   edit* fc1 is for 81 % of the updates: that mean falls from 53 to 28 as the network changes under three times the decay,
//!   ‖w‖* goes with its fourth root, 14 % lower, and the norm ends 15 to 17 % below the middle of a band that is 15 % wide.
//!   The screen renews its prediction with every update, and then it is 1.6 % off.
//! - Lion's fc1: the length of its steps is right (all weights move, no momentum is ever exactly 0), their memory is ×1.32 of
//!   a walk's. Most pixels at the border are dark in most images. A weight behind one has no gradient in most batches, its
//!   momentum only fades and keeps its sign, and Lion goes on with full steps in its direction. The last table shows
//!   what that does by itself: random errors on the true images give ×1.16 at this d, beside ×0.97 where no input is ever
//!   dark, and ×0.99 beside ×0.82 at 3·d, where ×1.05 was measured. (Where only a third of the samples has an error at all,
//!   as when most are fitted, a simulation gives ×1.4.) With batches of 4, in which more pixels are dark, ×2.7 was measured.
//! - Lion's fc2 after the edit (×1.76, inside the band in 13 % of the updates): the recipe decays the scales and shifts of
//!   the normalisation too, and with 3·λ that shows. With `--decay weights` fc2's norm is 19 % *below* at 3·λ instead of 25 %
//!   above, which the next point explains for the most part:
//! - The formula lets momentum remember for longer than the weights do: at d = 3e-3 a walk's memory is ×0.82, at 1e-3 ×0.97.
//!   For Lion, whose momentum goes back 100 updates, predictions want τ to be 1,000 and more.
//!
//! Two networks that were measured before this one show what else can be:
//!
//! - With rectifiers instead of tanh (AdamW, otherwise the same) θ of `fc2.weight` is 7 % and its norm 20 % below: a unit
//!   that is off gives its weights no gradient, their updates are smaller than those of a walk.
//! - With rectifiers, 64 units and batches of 50 the signal is no longer small beside the walk: the weights have a mean
//!   that decay does not take away, which adds to ‖w‖². Of `fc2.weight` AdamW's norm is 25 % above at λ, 61 % at 3·λ;
//!   less ‖w‖*² both leave the same 1.1. Lion, which turns any small mean gradient into full steps, is 130 % above. SGD
//!   is within 0.5 % (θ) and 2.3 % (norm) there too.
//!
//! # The declared setting
//!
//! Network, batch, noise, η and λ were fixed, with the reasons beside them ([`DECLARED`]), before any of it was run. So
//! was what is to be expected: AdamW and SGD within 10 % (θ) and 15 % (‖w‖) before and after the edit; Lion so before it,
//! and at 3·λ with a memory of about ×0.82, which is θ 10 % above and ‖w‖ 10 % below, since its momentum goes back 100
//! updates and the weights only 333. What came out, in percent of the prediction (before the edit | in the last 1,000
//! updates), nothing changed since:
//!
//! | | θ fc1 | θ fc2 | ‖w‖ fc1 | ‖w‖ fc2 | steps in the band of the edit |
//! |---|---|---|---|---|---|
//! | AdamW | −14.6 \| −8.5 | +0.5 \| −1.5 | +18.7 \| −10.7 | +3.2 \| −11.6 | 100, 100 % |
//! | SGD | +1.5 \| −1.4 | +1.4 \| −1.7 | −3.2 \| −2.2 | −4.9 \| −4.0 | 15, 18 % |
//! | Lion | −4.0 \| −6.1 | +29.4 \| +31.4 | +3.0 \| +2.9 | −23.2 \| −25.2 | 100, 6 % |
//!
//! SGD, AdamW's fc2 and Lion's fc1 are within what was asked for throughout. What is not:
//!
//! - AdamW's fc1 before the edit, by memory alone (×1.37; the steps are right, ×1.01). At 3·λ it is ×1.19: a third of the
//!   τ leaves half of the excess, so it comes from updates that are hundreds of updates apart and yet alike. fc2 has
//!   nothing of it (×0.99), and what sets fc1 apart is its input: the same images in each epoch, with pixels that only a
//!   few of them light. That this is the cause is likely and was not tested. In the end both layers' steps are 13 to
//!   18 % short, as they were in the first setting, which takes ‖w‖ 11 % down: v goes back 1,000 updates, and τ is 333 by
//!   then. Nor was that tested.
//! - SGD's norm after the edit, where the prediction is that of the edit: E\[‖g‖²·‖w‖²\] falls to a sixth for fc1 and a third
//!   for fc2, as the formula's own values at both ends say. With its new value the formula is 2 and 4 % off. So a
//!   prediction of SGD's norm across a large edit of λ is good for its direction and pace only, until the network has
//!   followed.
//! - Lion's fc2, by memory alone (×0.60 and ×0.58; the steps are right, ×0.99 and ×0.98): updates go back on those before
//!   more than a walk's do. It is the same at λ and at 3·λ, so the momentum's length beside τ, which was expected to show
//!   at 3·λ, is not what makes it. Not explained.

use crossbeam_channel::bounded;
use wdtop::cli;
use wdtop::data::{Dataset, Samples};
use wdtop::diagnostics::{Approach, Forces, Regime, Tracks, measured};
use wdtop::random::{Generator, Purpose};
use wdtop::stream::{DataConfig, Description, RunConfig, RunOptions, StepRow, TensorInfo, TensorSums, What, lossless};
use wdtop::train::{self, Experiment};

/// Updates that the weights average over, in every run but the last two.
const TAU: u64 = 1000;
/// λ is turned up here, to three times of what it was.
const EDIT: u64 = 6 * TAU;
const FACTOR: f64 = 3.0;
const STEPS: u64 = EDIT + 2 * TAU;

/// A network and what it is trained on.
struct Study {
    name: &'static str,
    /// Both hidden layers are scale-invariant.
    network: &'static str,
    data: &'static [&'static str],
}

/// All 12,000 images, with the recipe's 20 % label noise and decay of every tensor.
const DATA: [&str; 4] = ["--train-samples", "12000", "--batch", "16"];

const FIRST: Study = Study { name: "first", network: "mlp:784-256-256-10,norm=batch,act=tanh", data: &DATA };

/// Fixed before it was measured, by reasoning alone:
///
/// - τ is 1,000 updates for every rule: ten times what Lion's momentum remembers, the five τ before the first
///   measurement leave e⁻¹⁰ of the start in ‖w‖², and with batches of 64 it is more than five epochs of 188 updates, so
///   that the order of an epoch is not what the walk consists of. η and λ follow from it and are the first setting's: of
///   a scale-invariant layer η alone sets no more than the unit that ‖w‖ is measured in.
/// - Batches of 64: a pixel that is dark in 95 of 100 images is lit in nearly every batch, and the gradient of a weight
///   is a sum of more errors and so nearer to a normal distribution, which Adam's v, a mean of squares, is at home with.
/// - 50 % label noise: a larger batch has more signal beside its noise, a signal gives weights a mean that no walk has,
///   and noise that cannot be learned keeps errors from becoming few and large.
/// - tanh, so that no unit is off; 192 wide, so that each layer has tens of thousands of weights and a row of either
///   layer more than 64.
/// - Only weights decay, which is the program's default: predictions are about layers behind which nothing else changes
///   with λ.
const DECLARED: Study = Study {
    name: "declared",
    network: "mlp:784-192-192-10,norm=batch,act=tanh",
    data: &["--train-samples", "12000", "--batch", "64", "--label-noise", "0.5", "--decay", "weights"],
};

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
    let asked = std::env::args().nth(1);
    println!(
        "Steps and memory beside those of a random walk: θ is off by the root of the memory, ‖w‖ by step times that root."
    );
    for study in [FIRST, DECLARED] {
        if asked.as_deref().is_some_and(|name| name != study.name) {
            continue;
        }
        println!();
        println!("{} setting: {} {}", study.name, study.network, study.data.join(" "));
        println!(
            "rule    tensor          λ  θ measured  predicted         ‖w‖ measured  predicted           step memory"
        );
        for setting in &SETTINGS {
            measure(&study, setting)?;
        }
    }
    if asked.is_some() {
        return Ok(());
    }
    println!();
    println!("rotation of layers, means over the last 1,000 of 4,000 updates");
    for (rule, weight_decay) in [("adamw", 1.0), ("adam", 1e-2)] {
        compare_layers(rule, weight_decay)?;
    }
    println!();
    walk_on_images();
    Ok(())
}

/// One run in equilibrium, and through an edit.
fn measure(study: &Study, setting: &Setting) -> anyhow::Result<()> {
    let Setting { rule, options, lr, weight_decay } = setting;
    let edit = format!("{EDIT}:weight_decay={}", FACTOR * weight_decay);
    let options = [study.data, options, &["--model", study.network, "--edit", edit.as_str()]].concat();
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

/// Sums over some updates in equilibrium.
#[derive(Clone, Copy, Default)]
struct Means {
    updates: f64,
    rotation: f64,
    norm: f64,
    ideal_rotation: f64,
    ideal_norm: f64,
}

/// What is measured of one tensor.
struct Watched {
    place: usize,
    name: String,
    weights: usize,
    means: [Means; 2],
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
            means: [Means::default(); 2],
            approach: None,
            inside: 0,
            farthest: 0.0,
        }
    }

    fn look(&mut self, step: u64, sums: &TensorSums, forces: &Forces, pressure: Option<f64>) {
        let before = (EDIT - TAU..EDIT).contains(&step);
        if before || step >= STEPS - TAU {
            let means = &mut self.means[usize::from(!before)];
            means.updates += 1.0;
            means.rotation += measured::rotation(sums);
            means.norm += sums.norm();
            means.ideal_rotation += forces.equilibrium_rotation().unwrap_or(f64::NAN);
            means.ideal_norm += forces.equilibrium_norm(self.weights, pressure).unwrap_or(f64::NAN);
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
        let Watched { name, .. } = self;
        for (means, times) in self.means.iter().zip([1.0, FACTOR]) {
            let Means { updates, rotation, norm, ideal_rotation, ideal_norm } = means;
            let [rotation, norm, ideal_rotation, ideal_norm] =
                [rotation, norm, ideal_rotation, ideal_norm].map(|sum| sum / updates);
            let off = |measured: f64, ideal: f64| 100.0 * (measured / ideal - 1.0);
            // In equilibrium 2d·‖w‖² = step²·memory and θ = step/‖w‖.
            let (step, memory) = (rotation * norm / (ideal_rotation * ideal_norm), (ideal_rotation / rotation).powi(2));
            println!(
                "{rule:<7} {name:<12} ×{times:.0} {rotation:>11.5} {ideal_rotation:>10.5} {:>+6.1} % {norm:>14.3} {ideal_norm:>10.3} {:>+6.1} %  ×{step:.3} ×{memory:.2}",
                off(rotation, ideal_rotation),
                off(norm, ideal_norm)
            );
        }
        println!(
            "        {name:<12} after the edit: inside the band of then in {:.1} % of {} updates, at most {:.1} % off",
            100.0 * self.inside as f64 / (STEPS - EDIT) as f64,
            STEPS - EDIT,
            100.0 * self.farthest
        );
    }
}

/// θ of the layers under one rule.
fn compare_layers(rule: &str, weight_decay: f64) -> anyhow::Result<()> {
    let mut rotations: Vec<(String, f64)> = Vec::new();
    let options = [&DATA[..], &["--model", UNEVEN]].concat();
    train(rule, 1e-3, weight_decay, 4 * TAU, &options, |run, step, sums| {
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

/// The memory of Lion's updates where all that is random are the errors: weights of a few units on the true images, in
/// front of a batch normalisation, whose gradients are what random errors of 16 images make of them.
fn walk_on_images() {
    println!(
        "memory of Lion's updates on the images with random errors, beside that of a walk of weights that all move alike"
    );
    let images = Dataset::load(&DataConfig::new("fashion-mnist-12k")).expect("an embedded set").train;
    for share in [1e-3, 3e-3] {
        let [on_images, alike] = [Inputs::Images, Inputs::Alike].map(|inputs| memory_of_lion(&images, inputs, share));
        println!("d {share:<6} images ×{on_images:.2}   alike ×{alike:.2}");
    }
}

/// What the weights of the walk see.
#[derive(Clone, Copy, PartialEq)]
enum Inputs {
    Images,
    /// Inputs that are as random as the errors, none of them ever dark.
    Alike,
}

/// 1 + 2·Σw·Δ/Σ‖Δ‖² of Lion's updates (of size 1), beside 2/(πκ²).
fn memory_of_lion(images: &Samples, inputs: Inputs, decay: f64) -> f64 {
    const UNITS: usize = 64;
    const BATCH: usize = 16;
    const UPDATES: usize = 4000;
    let (beta1, beta2) = (0.9, 0.99);
    let kappa2 = f64::powi(1.0 - beta1, 2) + beta1 * beta1 * (1.0 - beta2) / (1.0 + beta2);
    let walk = 2.0 / (std::f64::consts::PI * kappa2);
    let mut chance = Generator::new(1, Purpose::GradientNoise, 0);
    let width = images.width();
    let mut weights: Vec<f64> = (0..width * UNITS).map(|_| (walk / (2.0 * decay)).sqrt() * chance.normal()).collect();
    let mut momentum = vec![0.0; weights.len()];
    let (mut radial, mut steps) = (0.0, 0.0);
    let (mut batch, mut gradient) = (vec![vec![0f32; width]; BATCH], vec![0.0; width]);
    for update in 0..UPDATES {
        for row in &mut batch {
            match inputs {
                Inputs::Images => images.write(chance.below(images.len()), row),
                Inputs::Alike => row.iter_mut().for_each(|x| *x = chance.normal() as f32),
            }
        }
        for unit in 0..UNITS {
            let mut errors: Vec<f64> = (0..BATCH).map(|_| chance.normal()).collect();
            // What goes back through a batch normalisation has no mean.
            let mean = errors.iter().sum::<f64>() / BATCH as f64;
            errors.iter_mut().for_each(|error| *error -= mean);
            gradient.fill(0.0);
            for (row, error) in batch.iter().zip(&errors) {
                gradient.iter_mut().zip(row).for_each(|(sum, x)| *sum += f64::from(*x) * error);
            }
            for (input, gradient) in gradient.iter().enumerate() {
                let at = unit * width + input;
                let direction = beta1 * momentum[at] + (1.0 - beta1) * gradient;
                momentum[at] = beta2 * momentum[at] + (1.0 - beta2) * gradient;
                let step = if direction == 0.0 { 0.0 } else { -direction.signum() };
                if update > UPDATES / 3 {
                    radial += weights[at] * step;
                    steps += step * step;
                }
                weights[at] = (1.0 - decay) * weights[at] + step;
            }
        }
    }
    (1.0 + 2.0 * radial / steps) / walk
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
    let rule = ["--optimizer", rule, "--lr", &lr, "--weight-decay", &weight_decay, "--steps", &steps];
    let rest = ["--pace", "0", "--evaluate-every", "100000"];
    let (config, options) = cli::configure("demo", &[&rule[..], &rest, more].concat())?;
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
