//! How far updates go on in the direction of those before, weight by weight: why a memory is not that of a walk.

use std::f64::consts::PI;
use std::ops::Range;

use wdtop::data::{Dataset, Samples};
use wdtop::random::{Generator, Purpose};
use wdtop::stream::{Checkpoint, DataConfig, TensorInfo};

use super::{DECLARED, EDIT, SETTINGS, Seen, Setting, TAU, run};

/// Lion's hyperparameters.
const BETA1: f64 = 0.9;
const BETA2: f64 = 0.99;

/// The memory of AdamW and Lion in the declared setting, in the τ before the edit, in multiples of a walk's.
pub fn tell() -> anyhow::Result<()> {
    let lit = lit(&images());
    println!(
        "memory of updates before the edit, in multiples of a walk's: all weights, those behind pixels that so many"
    );
    println!("images light, and what Lion's momentum tells of all");
    println!("rule    tensor           all  below 10 %  10 to 30 %  above 30 %  by momentum");
    for setting in SETTINGS.iter().filter(|setting| setting.rule != "sgd") {
        for (tensor, sums) in measure(setting)? {
            let name = &tensor.name;
            // In equilibrium a walk's updates are remembered by this factor; the first is AdamW's with β1 = 0.9.
            let walk = if setting.rule == "lion" { walk_of_lion(BETA1, BETA2) } else { (1.0 + 0.9) / (1.0 - 0.9) };
            let all = sums.memory(|_| true) / walk;
            print!("{:<7} {name:<12} {:>6}", setting.rule, format!("×{all:.2}"));
            let pixels = tensor.name == "fc1.weight";
            for (low, high) in [(0.0, 0.1), (0.1, 0.3), (0.3, 1.1)] {
                let some = || sums.memory(|input| (low..high).contains(&lit[input])) / walk;
                print!("{:>12}", if pixels { format!("×{:.2}", some()) } else { String::new() });
            }
            let by_momentum = (setting.rule == "lion").then(|| sums.memory_by_momentum(setting) / walk);
            println!("{:>13}", by_momentum.map_or(String::new(), |memory| format!("×{memory:.2}")));
        }
    }
    Ok(())
}

/// What a tensor's updates add up to.
struct Sums {
    /// Σw·Δ and Σ‖Δ‖² of the weights behind each input.
    inputs: Vec<[f64; 2]>,
    /// Σc·m' and Σ‖c‖²: c is Lion's direction, m' the momentum behind the update.
    momentum: [f64; 2],
}

impl Sums {
    /// 1 + 2·Σw·Δ/Σ‖Δ‖² of the weights behind some of the inputs.
    fn memory(&self, of: impl Fn(usize) -> bool) -> f64 {
        let some = self.inputs.iter().enumerate().filter(|(input, _)| of(*input));
        let [along, steps] = some.fold([0.0; 2], |sums, (_, input)| [sums[0] + input[0], sums[1] + input[1]]);
        1.0 + 2.0 * along / steps
    }

    /// The same of Lion without a look at the weights, from what scale invariance forces. With m behind the update
    /// before, c = β1·m + (1−β1)·g and m' = β2·m + (1−β2)·g, it forces w·g = 0, and so:
    ///
    /// ```text
    /// w·c = b1*(w·m),   w·m' = b2*(w·m),   steady: (1-d)*(w·m') + delta·m' = w·m   so   w·m = delta·m' / (1-(1-d)*b2)
    /// delta = -s*sign(c) goes with -s*sqrt(2/pi)*c/sigma, sigma^2 = |c|^2/C, for what is normally distributed and alike
    /// memory = 1 + 2*(w·delta)/|delta|^2 = 1 + (4/pi)*b1*(c·m')/|c|^2 / (1-(1-d)*b2)
    /// ```
    fn memory_by_momentum(&self, setting: &Setting) -> f64 {
        let d = setting.lr * setting.weight_decay;
        let [along, squared] = self.momentum;
        1.0 + 4.0 / PI * BETA1 * along / squared / (1.0 - (1.0 - d) * BETA2)
    }
}

/// Trains to the edit, with an eye on the weights before and behind each update of the τ before it.
fn measure(setting: &Setting) -> anyhow::Result<Vec<(TensorInfo, Sums)>> {
    let Setting { rule, options, lr, weight_decay } = setting;
    let mut watched: Vec<(TensorInfo, usize, Sums)> = Vec::new();
    let mut before: Option<Box<Checkpoint>> = None;
    let more = [DECLARED.data, options, &["--model", DECLARED.network, "--snapshot-every", "1"]].concat();
    run(rule, *lr, *weight_decay, EDIT, &more, |run, seen| {
        let Seen::Snapshot(now) = seen else { return };
        if watched.is_empty() {
            let mut place = 0;
            for tensor in &run.tensors {
                if ["fc1.weight", "fc2.weight"].contains(&&*tensor.name) {
                    let sums = Sums { inputs: vec![[0.0; 2]; tensor.shape[1]], momentum: [0.0; 2] };
                    watched.push((tensor.clone(), place, sums));
                }
                place += tensor.len();
            }
        }
        if let Some(before) = before.as_ref().filter(|before| before.step >= EDIT - TAU) {
            for (tensor, place, sums) in &mut watched {
                sums.add(before, &now, *place..*place + tensor.len(), lr * weight_decay);
            }
        }
        before = Some(now);
    })?;
    Ok(watched.into_iter().map(|(tensor, _, sums)| (tensor, sums)).collect())
}

impl Sums {
    /// Adds one update of the tensor whose weights lie at these places.
    fn add(&mut self, before: &Checkpoint, now: &Checkpoint, places: Range<usize>, d: f64) {
        let width = self.inputs.len();
        let [m, m_now] = [before, now].map(|checkpoint| &checkpoint.state[0].1[places.clone()]);
        let [w, w_now] = [before, now].map(|checkpoint| &checkpoint.weights[places.clone()]);
        for at in 0..places.len() {
            let [w, w_now, m, m_now] = [w[at], w_now[at], m[at], m_now[at]].map(f64::from);
            let delta = w_now - (1.0 - d) * w;
            let input = &mut self.inputs[at % width];
            *input = [input[0] + w * delta, input[1] + delta * delta];
            let gradient = (m_now - BETA2 * m) / (1.0 - BETA2);
            let direction = BETA1 * m + (1.0 - BETA1) * gradient;
            let [along, squared] = self.momentum;
            self.momentum = [along + direction * m_now, squared + direction * direction];
        }
    }
}

/// 2/(πκ²): the memory of a walk of Lion's.
fn walk_of_lion(beta1: f64, beta2: f64) -> f64 {
    let kappa2 = f64::powi(1.0 - beta1, 2) + beta1 * beta1 * (1.0 - beta2) / (1.0 + beta2);
    2.0 / (PI * kappa2)
}

fn images() -> Samples {
    Dataset::load(&DataConfig::new("fashion-mnist-12k")).expect("an embedded set").train
}

/// The share of the images that light each pixel.
fn lit(images: &Samples) -> Vec<f64> {
    let (mut row, mut lit) = (vec![0f32; images.width()], vec![0.0; images.width()]);
    for at in 0..images.len() {
        images.write(at, &mut row);
        lit.iter_mut().zip(&row).for_each(|(count, pixel)| *count += f64::from(u8::from(*pixel > 0.0)));
    }
    lit.iter().map(|count| count / images.len() as f64).collect()
}

/// The memory of Lion's updates where all that is random are the errors: weights of a few units on the true images, in
/// front of a batch normalisation, whose gradients are what random errors of 16 images make of them.
pub fn walk_on_images() {
    println!(
        "memory of Lion's updates on the images with random errors, beside that of a walk of weights that all move alike"
    );
    let images = images();
    for share in [1e-3, 3e-3] {
        let [on_images, alike, normal] =
            [Inputs::Images, Inputs::Alike, Inputs::None].map(|inputs| memory_of_lion(&images, inputs, share));
        let formula = walk_with_decay(share) / walk_of_lion(BETA1, BETA2);
        println!(
            "d {share:<6} images ×{on_images:.2}   alike ×{alike:.2}   normal gradients ×{normal:.2}, by formula ×{formula:.2}"
        );
    }
}

/// What the weights of the walk see.
#[derive(Clone, Copy, PartialEq)]
enum Inputs {
    Images,
    /// Inputs that are as random as the errors, none of them ever dark.
    Alike,
    /// None: gradients are normally distributed, not sums of the products of a batch, whose size changes.
    None,
}

/// The memory of a walk of Lion's whose weights forget by d, which 2/(πκ²) is the limit of for d → 0. Normal gradients
/// make correlations ρ of c, and of its signs (2/π)·asin ρ, here (2/π)·ρ:
///
/// ```text
/// rho_k = A*b2^(k-1),  1 + 2A/(1-b2) = 1/kappa^2        memory = (2/pi)*(1 + 2*sum (1-d)^k*rho_k)
/// ```
fn walk_with_decay(d: f64) -> f64 {
    let limit = walk_of_lion(BETA1, BETA2);
    let faded = (1.0 - d) * (1.0 - BETA2) / (1.0 - (1.0 - d) * BETA2);
    2.0 / PI + (limit - 2.0 / PI) * faded
}

/// 1 + 2·Σw·Δ/Σ‖Δ‖² of Lion's updates (of size 1), beside 2/(πκ²).
fn memory_of_lion(images: &Samples, inputs: Inputs, decay: f64) -> f64 {
    const UNITS: usize = 64;
    const BATCH: usize = 16;
    const UPDATES: usize = 4000;
    let walk = walk_of_lion(BETA1, BETA2);
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
                Inputs::Alike | Inputs::None => row.iter_mut().for_each(|x| *x = chance.normal() as f32),
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
            if inputs == Inputs::None {
                gradient.fill_with(|| chance.normal());
            }
            for (input, gradient) in gradient.iter().enumerate() {
                let at = unit * width + input;
                let direction = BETA1 * momentum[at] + (1.0 - BETA1) * gradient;
                momentum[at] = BETA2 * momentum[at] + (1.0 - BETA2) * gradient;
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
