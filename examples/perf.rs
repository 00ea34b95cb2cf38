use std::time::Instant;
use wdtop::data::{BatchOrder, Dataset};
use wdtop::nn::{Network, Shape};
use wdtop::optim::{Choice, Knobs};
use wdtop::stream::*;
use wdtop::train::{Learner, LearnerOptions};
fn main() {
    let only: Vec<String> = std::env::args().skip(1).collect();
    let data = Dataset::load(&DataConfig::new("fashion-mnist-12k")).unwrap();
    let grey = &data.train;
    let three = Dataset::load(&DataConfig { repeat_channels: 3, ..DataConfig::new("fashion-mnist-12k") }).unwrap();
    let rgb = three.train.clone();
    for (model, batch, opt, mode) in [
        ("mlp:784-100-10", 100, "sgd", DecayMode::L2),
        ("mlp:784-256-128-10", 100, "adamw", DecayMode::Decoupled),
        ("mlp:784-1000-1000-10", 100, "adamw", DecayMode::Decoupled),
        ("cnn:c32-p-c64-p-f10,norm=batch", 64, "adam", DecayMode::L2),
    ] {
        if !only.is_empty() && !only.iter().any(|o| model.contains(o.as_str())) {
            continue;
        }
        for threads in std::env::var("T").map_or(vec![1, 2], |t| vec![t.parse().unwrap()]) {
            let cnn = model.starts_with("cnn");
            let samples = if cnn { &rgb } else { grey };
            let network =
                Network::parse_for(model, Some(Shape { channels: 3, height: 28, width: 28 }), Convention::Torch)
                    .unwrap();
            let choice = Choice::new(opt, Convention::Torch, mode, &[]).unwrap();
            let tensors = network
                .tensors()
                .iter()
                .map(|t| TensorInfo { name: t.name.clone(), layer: "l".into(), shape: t.shape.clone(), decays: true })
                .collect();
            let specs = choice.hyper();
            let hyper = specs.iter().map(|s| s.default).collect();
            let knobs = Knobs::new(1e-3, 1e-3, specs, hyper, tensors).unwrap();
            let fl = 2.0 * (network.multiply_adds() * batch) as f64;
            let mut l: Learner<f32> =
                Learner::new(network, LearnerOptions { batch, threads, ..Default::default() }, choice.build(1), &knobs);
            let mut order = BatchOrder::new(12000, batch, 1);
            let (mut best, mut step) = (f64::MAX, 0);
            let n = if cnn { 20 } else { 300 };
            for _ in 0..6 {
                let s = Instant::now();
                for _ in 0..n {
                    l.step(samples, order.batch(step), &knobs).unwrap();
                    step += 1;
                }
                best = best.min(s.elapsed().as_secs_f64() / n as f64);
            }
            println!("{model:34} {threads} threads {:9.1} us {:6.1} GF/s", best * 1e6, fl / best / 1e9);
        }
    }
}
