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
use wdtop::stream::{Convention, DataConfig, DecayMode, TensorInfo};
use wdtop::train::{Learner, LearnerOptions, Pass, PassTensor, Team};

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
    Pass::new(choice.build(0), knobs, &[PassTensor { shape: shape.to_vec(), block_rows: None }], weights)
}

/// Bytes of a piece of the copy that stays below what the C library calls large: it writes with ordinary stores, which
/// read the target into the cache first.
const SMALL_PIECE: usize = 64 * 1024;

fn compare_passes_and_copies() {
    println!(
        "{:6} {:>10} {:>8} {:>10} {:>10} {:>10} {:>17}",
        "rule", "weights", "threads", "pass", "copy", "large copy", "pass/faster copy"
    );
    for threads in [1, all_threads()] {
        for (name, mode, bytes) in RULES {
            for (rows, rounds) in [(64, 400), (1 << 10, 60), (1 << 14, 25)] {
                let (shape, mut team) = ([rows, 1 << 10], Team::new(threads));
                let choice = Choice::new(name, Convention::Torch, mode, &[]).expect("a rule");
                let knobs = knobs(&choice, &shape, 1e-3, 0.1);
                let mut pass = pass(&choice, &shape, &knobs);
                // Half of the bytes are read, half are written: in small pieces, and in one for each thread, which the
                // C library may write past the cache.
                let half = rows * (1 << 10) * bytes / 2;
                let (source, mut target, mut other) = (vec![1u8; half], vec![0u8; half], vec![0u8; half]);
                let mut small = pieces(&source, &mut target, SMALL_PIECE);
                let mut large = pieces(&source, &mut other, half.div_ceil(threads));
                pass.update(&mut team, &knobs, |_, gradient, _| gradient.fill(1e-3));
                // What is timed finds its gradient there.
                pass.find_gradient(&mut team, |_, gradient, _| gradient.fill(1e-3)).expect("a finite gradient");
                let times = alternate(
                    rounds,
                    [
                        &mut |team: &mut Team| pass.update_with_found(team, &knobs),
                        &mut |team: &mut Team| team.for_each(&mut small, |_, (from, to)| to.copy_from_slice(from)),
                        &mut |team: &mut Team| team.for_each(&mut large, |_, (from, to)| to.copy_from_slice(from)),
                    ],
                    &mut team,
                );
                let [update, small, large] = times.map(|time| 1e6 * time.as_secs_f64());
                let ratio = update / small.min(large);
                println!(
                    "{name:6} {:>10} {threads:>8} {update:>7.0} µs {small:>7.0} µs {large:>7.0} µs {ratio:>17.2}",
                    rows << 10
                );
                black_box((&target, &other));
            }
        }
    }
}

fn pieces<'a>(source: &'a [u8], target: &'a mut [u8], len: usize) -> Vec<(&'a [u8], &'a mut [u8])> {
    source.chunks(len).zip(target.chunks_mut(len)).collect()
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

fn learner(model: &str, choice: &Choice, lr: f64, weight_decay: f64) -> (Learner<f32>, Knobs, Dataset, BatchOrder) {
    let data = Dataset::load(&DataConfig::new("fashion-mnist-12k")).expect("it is embedded");
    let network = Network::parse(model).expect("a model");
    let tensors = network.tensors().iter().map(|tensor| TensorInfo {
        name: tensor.name.clone(),
        layer: network.layers()[tensor.layer].name.clone(),
        shape: tensor.shape.clone(),
        decays: true,
    });
    let specs = choice.hyper();
    let hyper = specs.iter().map(|spec| spec.default).collect();
    let knobs = Knobs::new(lr, weight_decay, specs, hyper, tensors.collect()).expect("values in range");
    let order = BatchOrder::new(data.train.len(), 100, 1);
    (
        Learner::new(
            network,
            LearnerOptions { batch: 100, threads: 1, seed: 1, ..LearnerOptions::default() },
            choice.build(1),
            &knobs,
        ),
        knobs,
        data,
        order,
    )
}

fn descent() -> Choice {
    Choice::new("sgd", Convention::Chainer, DecayMode::L2, &[]).expect("a rule")
}

/// The sums' share of training steps on one thread: the pass against the same update without sums.
fn price_the_sums() {
    price_the_sums_of(MODEL, &descent(), descend);
    let averaging = Choice::new("adamw", Convention::Torch, DecayMode::Decoupled, &[]).expect("a rule");
    price_the_sums_of("mlp:784-1000-1000-10", &averaging, average);
}

/// What an update without sums reads and writes: weights, gradient, two states.
type Arrays = [Vec<f32>; 4];

fn price_the_sums_of(model: &str, choice: &Choice, plain: impl Fn(&mut Arrays)) {
    let (mut learner, knobs, data, mut order) = learner(model, choice, 1e-3, 1e-3);
    let mut step = 0;
    // As many weights, in rows of as many as most of them have.
    let shape = [learner.weights().len() / 784, 784];
    let own = self::knobs(choice, &shape, 1e-3, 1e-3);
    let mut pass = pass(choice, &shape, &own);
    let mut team = Team::new(1);
    pass.update(&mut team, &own, |_, gradient, _| gradient.fill(1e-3));
    // What is timed finds its gradient there.
    pass.find_gradient(&mut team, |_, gradient, _| gradient.fill(1e-3)).expect("a finite gradient");
    let mut arrays = [0.05, 1e-3, 1e-3, 1e-6].map(|value| vec![value; shape[0] * shape[1]]);
    let [whole, with, without] = alternate(
        300,
        [
            &mut |_: &mut Team| {
                learner.step(&data.train, order.batch(step), &knobs).expect("finite gradients");
                step += 1;
            },
            &mut |team: &mut Team| pass.update_with_found(team, &own),
            &mut |_: &mut Team| plain(black_box(&mut arrays)),
        ],
        &mut team,
    );
    let [whole, with, without] = [whole, with, without].map(|time| 1e6 * time.as_secs_f64());
    println!(
        "{model}, {}, 1 thread: step {whole:.0} µs, update {with:.1} µs, without sums {without:.1} µs: the sums cost \
         {:.1} % of a step",
        choice.rule.name,
        100.0 * (with - without) / (whole - (with - without)),
    );
}

fn descend([weights, gradient, ..]: &mut Arrays) {
    let (lr, rate) = (black_box(1e-3f32), black_box(1e-3f32));
    for (w, &g) in weights.iter_mut().zip(&*gradient) {
        *w -= lr * (g + rate * *w);
    }
}

/// With the processor's wide vectors, where it has them: its two divisions and its root take longer than the memory.
fn average(arrays: &mut Arrays) {
    #[cfg(target_arch = "x86_64")]
    if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
        #[target_feature(enable = "avx2,fma")]
        fn with_avx2(arrays: &mut Arrays) {
            average_anywhere(arrays);
        }
        // SAFETY: the processor has both.
        return unsafe { with_avx2(arrays) };
    }
    average_anywhere(arrays);
}

#[inline(always)]
fn average_anywhere([weights, gradient, means, squares]: &mut Arrays) {
    let [beta1, beta2, eps, step, root, decay] = black_box([0.9f32, 0.999, 1e-8, 1e-3, 0.5, 1.0 - 1e-6]);
    for (((w, &g), m), v) in weights.iter_mut().zip(&*gradient).zip(means).zip(squares) {
        *m = beta1.mul_add(*m, (1.0 - beta1) * g);
        *v = beta2.mul_add(*v, (1.0 - beta2) * g * g);
        *w = decay * *w - step * (*m / (v.sqrt() / root + eps));
    }
}

/// Updates in a run that decays to nothing.
const UPDATES: u64 = 100_000;
/// Rounds in which it takes turns with a run that does not.
const ROUNDS: usize = 40;

/// A run whose decay halves the weights in each update, with a gradient of zero where there is a choice, until long
/// after everything has arrived at zero, beside one of the same work whose numbers stay ordinary.
fn decay_to_nothing() {
    let shape = [100, 784];
    let mut team = Team::new(1);
    for (name, mode, _) in RULES {
        let choice = Choice::new(name, Convention::Torch, mode, &[]).expect("a rule");
        let [halved, kept] = [500.0, 1e-3].map(|weight_decay| knobs(&choice, &shape, 1e-3, weight_decay));
        let [mut fading, mut ordinary] = [&halved, &kept].map(|knobs| pass(&choice, &shape, knobs));
        for pass in [&mut fading, &mut ordinary] {
            pass.update(&mut team, &kept, |_, gradient, _| gradient.fill(1e-3));
        }
        fading.find_gradient(&mut team, |_, gradient, _| gradient.fill(0.0)).expect("finite");
        report_fading(
            name,
            &mut |team| fading.update_with_found(team, &halved),
            &mut |team| ordinary.update_with_found(team, &kept),
            &mut team,
        );
    }
    let choice = descent();
    let (mut fading, halved, data, mut order) = learner(MODEL, &choice, 1e-3, 500.0);
    let (mut ordinary, kept, _, mut same_order) = learner(MODEL, &choice, 1e-3, 1e-3);
    let (mut step, mut same_step) = (0, 0);
    report_fading(
        &format!("{MODEL}, sgd, whole steps"),
        &mut |_| {
            fading.step(&data.train, order.batch(step), &halved).expect("finite gradients");
            step += 1;
        },
        &mut |_| {
            ordinary.step(&data.train, same_order.batch(same_step), &kept).expect("finite gradients");
            same_step += 1;
        },
        &mut team,
    );
}

/// Lets `fading` go on alone and, every hundred updates at first and every thousand later, take turns with `ordinary`.
fn report_fading(name: &str, fading: &mut dyn FnMut(&mut Team), ordinary: &mut dyn FnMut(&mut Team), team: &mut Team) {
    let (mut made, mut ratios, mut last) = (0, Vec::new(), [Duration::ZERO; 2]);
    while made < UPDATES {
        last = alternate(ROUNDS, [&mut *fading, &mut *ordinary], team);
        ratios.push((last[0].as_secs_f64() / last[1].as_secs_f64(), made));
        let alone = if made < 1000 { 100 } else { 1000 } - (ROUNDS as u64 + 1);
        (0..alone).for_each(|_| fading(team));
        made += alone + ROUNDS as u64 + 1;
    }
    ratios.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
    let [median, ninth_tenth] = [ratios.len() / 2, 9 * ratios.len() / 10].map(|at| ratios[at].0);
    let (worst, at) = ratios[ratios.len() - 1];
    let [fading, ordinary] = last.map(|time| 1e6 * time.as_secs_f64());
    println!(
        "{name}: after {made} halvings {fading:.1} µs, with ordinary numbers {ordinary:.1} µs; ratio of medians on the \
         way: median {median:.2}, 90 % below {ninth_tenth:.2}, worst {worst:.2} from update {at} on"
    );
}
