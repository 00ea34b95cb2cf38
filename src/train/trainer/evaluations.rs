//! Evaluations, and the summary at the end.

use std::time::Instant;

use sha2::{Digest, Sha256};

use super::Trainer;
use crate::scalar::Scalar;
use crate::stream::{Closed, Evaluation, FinalNorm, Phase, Spectra, StopReason, Summary, What};
use crate::train::experiment::Experiment;

impl Trainer {
    /// Evaluates the validation set and as large a part of the training set.
    pub(super) fn evaluate(&mut self) -> Result<(), Closed> {
        let begun = Instant::now();
        let Experiment { data, learner, .. } = &mut self.experiment;
        let train = learner.evaluate(&data.train, data.train.len().min(data.validation.len()));
        let validation = learner.evaluate(&data.validation, data.validation.len());
        let census = learner.census();
        self.evaluated = Some(self.step);
        let (step, epoch, seconds) = (self.step, self.epoch(), self.seconds());
        let evaluation = Evaluation { step, epoch, seconds, train, validation, weights: census.distributions };
        self.watch.evaluated(&evaluation);
        let Experiment { description, learner, .. } = &mut self.experiment;
        let tensors = learner.spectra(&mut self.spectrometer, self.step, &description.tensors, &census.squares);
        self.clock.spent(Phase::Evaluation, begun);
        let spectra = Spectra { step: self.step, epoch: evaluation.epoch, seconds: evaluation.seconds, tensors };
        self.send(What::Evaluated(evaluation))?;
        self.send(What::Spectrum(spectra))?;
        self.send_alerts()
    }

    pub(super) fn finish(&mut self, reason: StopReason) -> Result<(), Closed> {
        let seconds = self.seconds();
        let busy = seconds - self.paused.as_secs_f64();
        if self.evaluated != Some(self.step) {
            self.evaluate()?;
        }
        let epochs = self.epoch();
        let Experiment { description, data, learner, order, .. } = &mut self.experiment;
        let train = learner.evaluate(&data.train, data.train.len());
        let validation = learner.evaluate(&data.validation, data.validation.len());
        let norms = learner.weight_norms_squared();
        let tensors = description
            .tensors
            .iter()
            .zip(norms)
            .zip(learner.sums())
            .map(|((tensor, w2), sums)| FinalNorm {
                name: tensor.name.clone(),
                norm: w2.sqrt(),
                grad_norm: sums.grad_norm(),
            })
            .collect();
        let summary = Summary {
            reason,
            steps: self.step,
            epochs,
            seconds,
            samples_per_second: order.samples_after(self.step) as f64 / busy.max(f64::MIN_POSITIVE),
            train,
            validation,
            tensors,
            digest: digest(learner.weights()),
        };
        self.send(What::Finished(Box::new(summary)))?;
        self.events.drain()
    }
}

/// A hash over the weights' little-endian bytes.
fn digest<T: Scalar>(weights: &[T]) -> String {
    let mut bytes = Vec::with_capacity(std::mem::size_of_val(weights));
    weights.iter().for_each(|weight| weight.write_le(&mut bytes));
    format!("sha256:{:x}", Sha256::digest(&bytes))
}
