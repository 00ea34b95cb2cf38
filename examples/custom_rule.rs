//! An update rule from outside the crate: the article's optimizer of one's own,
//!
//! ```text
//! grad' = grad + lambda*w ; w -= eta*grad'
//! ```
//!
//! and a network trained with it, beside the built-in gradient descent with coupled L2: their bits are equal.
//!
//! ```sh
//! cargo run --release --example custom_rule
//! ```

use anyhow::{Context, Result, ensure};
use wdtop::data::{BatchOrder, Dataset};
use wdtop::nn::Network;
use wdtop::optim::{Block, Choice, Knobs, Now, Optimizer, Rule, sweep};
use wdtop::scalar::Scalar;
use wdtop::stream::{Author, Convention, DataConfig, DecayMode, Knob, Scope, Setting, TensorInfo, TensorSums};
use wdtop::train::{Learner, LearnerOptions};

/// `w -= eta*grad'`. Coupled decay is a hook, so what arrives here is grad' already; that is what makes λ live, one for
/// each tensor, and keeps the rule from having to know the mask.
struct Article;

impl<T: Scalar> Rule<T> for Article {
    fn update(&self, block: Block<'_, T>, now: &Now<'_>) -> TensorSums {
        let eta = T::of(now.lr);
        sweep(block, now, |grad, []| -(eta * grad))
    }
}

const STEPS: u64 = 300;
const SEED: u64 = 1;

/// Trains and returns the weights; λ goes up at half time.
fn train(name: &str, optimizer: Optimizer<f32>) -> Result<Vec<f32>> {
    let data = Dataset::load(&DataConfig::new("fashion-mnist-12k"))?;
    let network = Network::parse("mlp:784-100-10")?;
    // As Chainer's hook does: all of them, biases too.
    let tensors = network.tensors().iter().map(|tensor| TensorInfo {
        name: tensor.name.clone(),
        layer: network.layers()[tensor.layer].name.clone(),
        shape: tensor.shape.clone(),
        decays: true,
    });
    let mut knobs = Knobs::new(0.1, 1e-3, Vec::new(), Vec::new(), tensors.collect())?;
    let mut order = BatchOrder::new(data.train.len(), 100, SEED);
    let options = LearnerOptions { batch: 100, seed: SEED, ..LearnerOptions::default() };
    let mut learner = Learner::new(network, options, optimizer, &knobs);
    for step in 0..STEPS {
        if step == STEPS / 2 {
            let (knob, scope) = (Knob::WeightDecay, Scope::All);
            knobs.set(&Setting { knob, scope, value: Some(1e-2), by: Author::Keys })?;
        }
        let progress = learner.step(&data.train, order.batch(step), &knobs).context("a step")?;
        if step % 100 == 99 {
            let norm = learner.sums()[0].norm();
            println!("{name:8} step {:3}  loss {:.4}  |fc1.weight| {norm:.4}", step + 1, progress.loss);
        }
    }
    Ok(learner.weights().to_vec())
}

fn main() -> Result<()> {
    let own = train("article", Optimizer::custom(Box::new(Article), &[], DecayMode::L2))?;
    let built_in = train("built in", Choice::new("sgd", Convention::Chainer, DecayMode::L2, &[])?.build(SEED))?;
    ensure!(own == built_in, "the weights differ");
    println!("equal weights, to the last bit");
    Ok(())
}
