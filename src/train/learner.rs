//! One training step, and evaluation: the network, the data's rows and the update, on a team of threads.
//!
//! A step has two barriers. First, blocks of samples go forward and backward. Then each block of each tensor's rows
//! gets its gradient, its update and its sums at once. Between the two it is certain that every gradient is finite:
//! the largest |input| and |error| of each layer, times the number of terms, bound every sum; only where that bound
//! is not finite are all gradients computed and looked at before the first weight is written.

use thiserror::Error;

use super::pass::{Pass, PassTensor, Task, part};
use super::team::Team;
use crate::data::Samples;
use crate::nn::{Network, Rows, initialise};
use crate::optim::{Knobs, Optimizer};
use crate::scalar::{Scalar, is_finite, largest};
use crate::stream::{Init, Score, TensorSums, Weights};

/// Samples in a block of a step.
const STEP_ROWS: usize = 50;
/// Samples in a block of an evaluation.
const EVALUATION_ROWS: usize = 125;
/// Blocks of an evaluation that are in memory at once.
const EVALUATION_BLOCKS: usize = 16;

/// A network, its weights and what it takes to train them.
pub struct Learner<T: Scalar> {
    network: Network,
    team: Team,
    pass: Pass<T>,
    step_blocks: Vec<Rows<T>>,
    evaluation_blocks: Vec<Rows<T>>,
}

/// What a step tells of its batch: loss and accuracy before the update.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Progress {
    /// Mean data loss, without the penalty.
    pub loss: f64,
    /// Correct share.
    pub accuracy: f64,
}

/// A step that was not made, or that went wrong.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{what} is not finite")]
pub struct NotFinite {
    /// `the loss`, `the gradient of` a tensor, or `the update of` one.
    pub what: String,
    /// What became of the weights.
    pub weights: Weights,
}

impl NotFinite {
    fn of(part: &str, tensor: &str, weights: Weights) -> Self {
        NotFinite { what: format!("the {part} of {tensor}"), weights }
    }
}

impl<T: Scalar> Learner<T> {
    /// Fresh weights, drawn by `seed`, for batches of at most `batch` samples; `knobs` as they are at the start.
    pub fn new(
        network: Network,
        init: Init,
        seed: u64,
        optimizer: Optimizer<T>,
        knobs: &Knobs,
        batch: usize,
        threads: usize,
    ) -> Self {
        let tensors: Vec<PassTensor> =
            network.tensors().iter().map(|tensor| PassTensor { shape: tensor.shape.clone() }).collect();
        let weights = initialise(&network, init, seed);
        Learner {
            pass: Pass::new(optimizer, knobs, &tensors, weights),
            team: Team::new(threads),
            step_blocks: blocks_of(&network, batch.div_ceil(STEP_ROWS), STEP_ROWS.min(batch)),
            evaluation_blocks: blocks_of(&network, EVALUATION_BLOCKS, EVALUATION_ROWS),
            network,
        }
    }

    /// The weights, tensor behind tensor.
    pub fn weights(&self) -> &[T] {
        self.pass.weights()
    }

    /// ‖w‖² of every tensor as it is now.
    pub fn weight_norms_squared(&self) -> Vec<f64> {
        let square = |range: std::ops::Range<usize>| self.weights()[range].iter().map(|w| w.wide() * w.wide()).sum();
        self.network.tensors().iter().map(|tensor| square(tensor.place.clone())).collect()
    }

    /// The six sums of the last update, one entry for each tensor.
    pub fn sums(&self) -> &[TensorSums] {
        self.pass.sums()
    }

    /// One update on the samples at `indices`, with the hyperparameters in force.
    ///
    /// # Errors
    /// [`NotFinite`]: before any weight was written where the loss or a gradient is not finite; afterwards where all
    /// gradients are, but hyperparameters near the end of f32's range made an update that is not.
    ///
    /// # Panics
    /// Where there are more samples than a batch may have, or none.
    pub fn step(&mut self, samples: &Samples, indices: &[u32], knobs: &Knobs) -> Result<Progress, NotFinite> {
        let share = T::one() / T::of(indices.len() as f64);
        let (network, weights) = (&self.network, self.pass.weights());
        let parts = self.step_blocks.len();
        self.team.for_each(&mut self.step_blocks, |index, rows| {
            let own = &indices[part(indices.len(), parts, index)];
            let (inputs, labels) = rows.fill(own.len());
            samples.gather(own.iter().map(|&sample| sample as usize), inputs, labels);
            rows.learn(network, weights, share);
        });

        let (loss, correct) = total(&self.step_blocks);
        let loss = loss / indices.len() as f64;
        if !is_finite(loss) {
            return Err(NotFinite { what: "the loss".into(), weights: Weights::Kept });
        }
        let blocks = &self.step_blocks;
        let gradient = |task: &Task, gradient: &mut [T]| {
            Rows::gradient(blocks, &network.tensors()[task.tensor], task.rows.clone(), gradient);
        };
        if gradients_are_bounded(blocks, network, indices.len()) {
            self.pass.update(&mut self.team, knobs, gradient);
        } else {
            self.pass
                .find_gradient(&mut self.team, gradient)
                .map_err(|tensor| NotFinite::of("gradient", &network.tensors()[tensor].name, Weights::Kept))?;
            self.pass.update_with_found(&mut self.team, knobs);
        }
        if let Some(tensor) = self.pass.sums().iter().position(|sums| !sums.d2.is_finite()) {
            return Err(NotFinite::of("update", &network.tensors()[tensor].name, Weights::Lost));
        }
        Ok(Progress { loss, accuracy: correct as f64 / indices.len() as f64 })
    }

    /// Mean loss and accuracy over the first `count` samples, with the weights as they are.
    pub fn evaluate(&mut self, samples: &Samples, count: usize) -> Score {
        let (network, weights) = (&self.network, self.pass.weights());
        let (mut loss, mut correct) = (0.0, 0);
        for wave in (0..count).step_by(EVALUATION_BLOCKS * EVALUATION_ROWS) {
            let blocks = (count - wave).div_ceil(EVALUATION_ROWS).min(EVALUATION_BLOCKS);
            let blocks = &mut self.evaluation_blocks[..blocks];
            self.team.for_each(blocks, |index, rows| {
                let start = wave + index * EVALUATION_ROWS;
                let own = start..(start + EVALUATION_ROWS).min(count);
                let (inputs, labels) = rows.fill(own.len());
                samples.gather(own, inputs, labels);
                rows.evaluate(network, weights);
            });
            let (wave_loss, wave_correct) = total(blocks);
            loss += wave_loss;
            correct += wave_correct;
        }
        Score { loss: loss / count as f64, accuracy: correct as f64 / count as f64 }
    }
}

fn blocks_of<T: Scalar>(network: &Network, count: usize, rows: usize) -> Vec<Rows<T>> {
    (0..count).map(|_| Rows::new(network, rows)).collect()
}

/// Losses and correct predictions of all blocks, in their order.
fn total<T: Scalar>(blocks: &[Rows<T>]) -> (f64, usize) {
    blocks.iter().fold((0.0, 0), |(loss, correct), rows| (loss + rows.loss(), correct + rows.correct()))
}

/// Whether no sum of `samples` terms in any gradient can leave the finite range. Half of the range is left for rounding.
fn gradients_are_bounded<T: Scalar>(blocks: &[Rows<T>], network: &Network, samples: usize) -> bool {
    (0..network.layers().len()).all(|layer| {
        let bound = largest(blocks.iter().map(|rows| rows.bound(layer))).wide() * samples as f64;
        bound < T::LARGEST / 2.0
    })
}
