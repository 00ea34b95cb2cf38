//! The update pass with its six sums, beside a copy that moves as many bytes; what the sums cost a training step; what
//! subnormal numbers cost.
//!
//! ```sh
//! cargo bench --bench update [pass | sums | subnormal]
//! ```
//!
//! It measures by itself rather than with criterion: a pass and its copy take turns, round by round, so that a machine
//! whose speed changes from minute to minute changes both, and their ratio is what counts.

use std::hint::black_box;
use std::time::{Duration, Instant};

use wdtop::data::{BatchOrder, Dataset};
use wdtop::nn::Network;
use wdtop::optim::{Choice, Knobs};
use wdtop::random::normal_at;
use wdtop::stream::{Convention, DataConfig, DecayMode, Init, TensorInfo};
use wdtop::train::{Learner, Pass, PassTensor, Team};

fn main() {
    let only = std::env::args().skip(1).find(|argument| !argument.starts_with("--"));
    let wanted = |name: &str| only.as_deref().is_none_or(|only| only == name);
    if wanted("pass") {
        compare_passes_and_copies();
    }
    if wanted("sums") {
        price_the_sums();
    }
    if wanted("subnormal") {
        decay_to_nothing();
    }
}

fn all_threads() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// A rule, and the bytes that its update reads and writes for each weight.
const RULES: [(&str, DecayMode, usize); 3] =
    [("sgd", DecayMode::L2, 12), ("lion", DecayMode::Decoupled, 20), ("adamw", DecayMode::Decoupled, 28)];

fn knobs(choice: &Choice, shape: &[usize], lr: f64, weight_decay: f64) -> Knobs {
    let info = TensorInfo { name: "fc1.weight".into(), layer: "fc1".into(), shape: shape.to_vec(), decays: true };
    let specs = choice.hyper();
    let hyper = specs.iter().map(|spec| spec.default).collect();
    Knobs::new(lr, weight_decay, specs, hyper, vec![info]).expect("values within their ranges")
}

fn pass(choice: &Choice, shape: &[usize], knobs: &Knobs) -> Pass<f32> {
    let count = shape.iter().product::<usize>() as u64;
    let weights = (0..count).map(|at| 0.05 * normal_at(1, at) as f32).collect();
    Pass::new(choice.build(0), knobs, &[PassTensor { shape: shape.to_vec() }], weights)
}

fn compare_passes_and_copies() {
    println!("{:6} {:>10} {:>8} {:>10} {:>10} {:>7}", "rule", "weights", "threads", "pass", "copy", "ratio");
    for threads in [1, all_threads()] {
        for (name, mode, bytes) in RULES {
            for (rows, rounds) in [(64, 400), (1 << 10, 60), (1 << 14, 15)] {
                let (shape, mut team) = ([rows, 1 << 10], Team::new(threads));
                let choice = Choice::new(name, Convention::Torch, mode, &[]).expect("a rule");
                let knobs = knobs(&choice, &shape, 1e-3, 0.1);
                let mut pass = pass(&choice, &shape, &knobs);
                // Half of the bytes are read, half are written.
                let half = rows * (1 << 10) * bytes / 2;
                let (source, mut target) = (vec![1u8; half], vec![0u8; half]);
                let mut pieces: Vec<(&[u8], &mut [u8])> =
                    source.chunks(64 * 1024).zip(target.chunks_mut(64 * 1024)).collect();
                pass.update(&mut team, &knobs, |_, gradient| gradient.fill(1e-3));
                let [update, copy] = alternate(
                    rounds,
                    [&mut |team: &mut Team| pass.update_with_found(team, &knobs), &mut |team: &mut Team| {
                        team.for_each(&mut pieces, |_, (from, to)| to.copy_from_slice(from))
                    }],
                    &mut team,
                );
                let ratio = update.as_secs_f64() / copy.as_secs_f64();
                println!(
                    "{name:6} {:>10} {threads:>8} {:>7.0} µs {:>7.0} µs {ratio:>7.2}",
                    rows << 10,
                    1e6 * update.as_secs_f64(),
                    1e6 * copy.as_secs_f64(),
                );
                black_box(&target);
            }
        }
    }
}

/// Medians of works that take turns.
fn alternate<const N: usize>(
    rounds: usize,
    mut works: [&mut dyn FnMut(&mut Team); N],
    team: &mut Team,
) -> [Duration; N] {
    let mut times: [Vec<Duration>; N] = std::array::from_fn(|_| Vec::with_capacity(rounds));
    for _ in 0..=rounds {
        for (work, times) in works.iter_mut().zip(&mut times) {
            let start = Instant::now();
            work(team);
            times.push(start.elapsed());
        }
    }
    // The first round warms up.
    times.map(|mut times| {
        times.remove(0);
        times.sort_unstable();
        times[times.len() / 2]
    })
}

/// The reference article's first network.
const MODEL: &str = "mlp:784-100-10";

fn learner(lr: f64, weight_decay: f64) -> (Learner<f32>, Knobs, Dataset, BatchOrder) {
    let data = Dataset::load(&DataConfig::new("fashion-mnist-12k")).expect("it is embedded");
    let network = Network::parse(MODEL).expect("a model");
    let choice = Choice::new("sgd", Convention::Chainer, DecayMode::L2, &[]).expect("a rule");
    let tensors = network.tensors().iter().map(|tensor| TensorInfo {
        name: tensor.name.clone(),
        layer: network.layers()[tensor.layer].name.clone(),
        shape: tensor.shape.clone(),
        decays: true,
    });
    let knobs = Knobs::new(lr, weight_decay, Vec::new(), Vec::new(), tensors.collect()).expect("values in range");
    let order = BatchOrder::new(data.train.len(), 100, 1);
    (Learner::new(network, Init::Torch, 1, choice.build(1), &knobs, 100, 1), knobs, data, order)
}

/// The sums' share of a training step of the article's network on one thread: the pass against the same update without
/// sums, on the same weights.
fn price_the_sums() {
    let (mut learner, knobs, data, mut order) = learner(0.01, 1e-3);
    let mut step = 0;
    let choice = Choice::new("sgd", Convention::Chainer, DecayMode::L2, &[]).expect("a rule");
    let shape = [100, 784];
    let own = self::knobs(&choice, &shape, 0.01, 1e-3);
    let mut pass = pass(&choice, &shape, &own);
    let mut team = Team::new(1);
    pass.update(&mut team, &own, |_, gradient| gradient.fill(1e-3));
    let (mut weights, gradient) = (vec![0.05f32; 78_400], vec![1e-3f32; 78_400]);
    let [whole, with, without] = alternate(
        300,
        [
            &mut |_: &mut Team| {
                learner.step(&data.train, order.batch(step), &knobs).expect("finite gradients");
                step += 1;
            },
            &mut |team: &mut Team| pass.update_with_found(team, &own),
            &mut |_: &mut Team| {
                let (lr, rate) = (black_box(0.01f32), black_box(1e-3f32));
                for (w, &g) in weights.iter_mut().zip(&gradient) {
                    *w -= lr * (g + rate * *w);
                }
                black_box(&mut weights);
            },
        ],
        &mut team,
    );
    let [whole, with, without] = [whole, with, without].map(|time| 1e6 * time.as_secs_f64());
    println!(
        "{MODEL}, sgd, 1 thread: step {whole:.0} µs, update {with:.1} µs, without sums {without:.1} µs: the sums cost \
         {:.1} % of a step",
        100.0 * (with - without) / (whole - (with - without)),
    );
}

/// Updates under a decay of one half each, until long after everything has arrived at zero.
fn decay_to_nothing() {
    const UPDATES: usize = 100_000;
    let shape = [100, 784];
    let mut team = Team::new(1);
    for (name, convention, mode, _) in RULES.map(|(name, mode, bytes)| (name, Convention::Torch, mode, bytes)) {
        let choice = Choice::new(name, convention, mode, &[]).expect("a rule");
        let knobs = knobs(&choice, &shape, 1e-3, 500.0);
        let mut pass = pass(&choice, &shape, &knobs);
        pass.update(&mut team, &knobs, |_, gradient| gradient.fill(1e-3));
        let mut time = |updates: usize| {
            let start = Instant::now();
            (0..updates).for_each(|_| pass.update(&mut team, &knobs, |_, gradient| gradient.fill(0.0)));
            1e6 * start.elapsed().as_secs_f64() / updates as f64
        };
        let first = time(50);
        let slowest = (0..100).map(|_| time(UPDATES / 100)).fold(0.0, f64::max);
        println!("{name}: {first:.1} µs an update at first, at most {slowest:.1} µs on average over 1000 of {UPDATES}");
    }
    let (mut learner, knobs, data, mut order) = learner(1e-3, 500.0);
    let mut step = 0;
    let mut time = |steps: u64| {
        let start = Instant::now();
        for _ in 0..steps {
            learner.step(&data.train, order.batch(step), &knobs).expect("finite gradients");
            step += 1;
        }
        1e6 * start.elapsed().as_secs_f64() / steps as f64
    };
    let first = time(50);
    let later: Vec<String> = (0..5).map(|_| format!("{:.0}", time(2000))).collect();
    println!("{MODEL}, sgd: {first:.0} µs a step at first, then on average over 2000: {} µs", later.join(", "));
}
