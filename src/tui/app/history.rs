//! All that the charts are drawn from.

use std::collections::VecDeque;

use super::clock::Clock;
use crate::series::{Average, Column, Points, Positions};
use crate::stream::{Distribution, Edit, Evaluation, Spectra, Spending, StepBatch, StepRow, TensorSums};

/// Spectra that are kept.
const MOST_SPECTRA: usize = 8192;
/// Seconds over which the measured speed is taken.
const SPEED_WINDOW: f64 = 2.0;

/// Updates that are remembered one by one; what is older is kept in blocks, so that a run of any length fits. The
/// recording keeps all.
const REMEMBERED: usize = 1 << 17;

/// Share of the past that numbers keep which would change too fast to be read.
const CALM: f64 = 0.9;

/// What the screen remembers of a run.
#[derive(Debug, Clone)]
pub struct History {
    /// The update each entry of the columns below belongs to.
    pub steps: Positions,
    /// When updates were made.
    pub clock: Clock,
    /// Batch losses.
    pub loss: Column,
    /// Batch losses, smoothed.
    pub smooth: Column,
    /// Norms of each tensor.
    pub norms: Vec<Column>,
    /// ‖g‖ of each tensor.
    pub gradients: Vec<Column>,
    /// ‖w' − w‖ / ‖w‖ of each tensor.
    pub updates: Vec<Column>,
    /// Each tensor's sums, averaged over some ten updates; the decay share is the last update's.
    pub sums: Vec<TensorSums>,
    /// What is shown of each tensor's last gradient and update.
    pub pulses: Vec<Pulse>,
    /// Evaluated training losses.
    pub training: Points,
    /// Validation losses.
    pub validation: Points,
    /// All evaluations.
    pub evaluations: Vec<Evaluation>,
    /// How each tensor's weights lay at the last evaluation that told it. Of all of them this would be more than
    /// everything else.
    pub weights: Vec<Distribution>,
    /// Where the time of the last seconds went.
    pub spent: Spending,
    /// The spectra of the matrices at evaluations; of a long run fewer than there were.
    pub spectra: Vec<Spectra>,
    /// The last update.
    pub last: Option<StepRow>,
    smoothing: Average,
    window: VecDeque<StepRow>,
}

/// Norms that change too fast to be read, averaged over some ten updates.
#[derive(Debug, Clone, Copy)]
pub struct Pulse {
    /// ‖g‖
    pub gradient: Average,
    /// ‖w' − w‖ / ‖w‖
    pub update: Average,
}

impl History {
    /// Nothing yet, for a network of so many tensors; `beta` smooths the batch losses.
    pub fn new(tensors: usize, beta: f64) -> Self {
        let column = Column::forgetful(REMEMBERED);
        let pulse = Pulse { gradient: Average::new(CALM), update: Average::new(CALM) };
        History {
            steps: Positions::default(),
            clock: Clock::default(),
            loss: column.clone(),
            smooth: column.clone(),
            norms: vec![column.clone(); tensors],
            gradients: vec![column.clone(); tensors],
            updates: vec![column; tensors],
            sums: vec![TensorSums::default(); tensors],
            pulses: vec![pulse; tensors],
            training: Points::default(),
            validation: Points::default(),
            evaluations: Vec::new(),
            weights: Vec::new(),
            spent: Spending::default(),
            spectra: Vec::new(),
            last: None,
            smoothing: Average::new(beta),
            window: VecDeque::new(),
        }
    }

    /// Takes in updates; rows that do not come after all others are passed over.
    pub fn extend(&mut self, batch: &StepBatch) {
        let spent = batch.spent();
        self.spent = self.spent.times((-spent.total() / SPEED_WINDOW).exp()).plus(spent);
        for (row, sums) in batch.iter() {
            if self.steps.last().is_some_and(|last| row.step <= last) || sums.len() != self.norms.len() {
                continue;
            }
            if self.last.is_none_or(|last| row.seconds - last.seconds > 0.05) {
                self.clock.tick(row);
            }
            self.steps.push(row.step);
            self.loss.push(row.loss as f32);
            self.smooth.push(self.smoothing.push(row.loss) as f32);
            for (at, sums) in sums.iter().enumerate() {
                let (gradient, update) = (sums.grad_norm(), sums.update_ratio());
                self.norms[at].push(sums.norm() as f32);
                self.gradients[at].push(gradient as f32);
                self.updates[at].push(update as f32);
                self.pulses[at].gradient.push(gradient);
                self.pulses[at].update.push(update);
            }
            for (mean, sums) in self.sums.iter_mut().zip(sums) {
                blend(mean, sums, if self.last.is_none() { 0.0 } else { CALM });
            }
            self.last = Some(*row);
        }
        if let Some(row) = self.last {
            self.clock.tick(&row);
            self.window.push_back(row);
            let old = |then: &StepRow| row.seconds - then.seconds >= SPEED_WINDOW;
            while self.window.len() > 2 && self.window.get(1).is_some_and(old) {
                self.window.pop_front();
            }
        }
    }

    /// Takes in an evaluation.
    pub fn evaluate(&mut self, mut evaluation: Evaluation) {
        if self.evaluations.last().is_none_or(|last| last.step <= evaluation.step) {
            self.training.push(evaluation.step, evaluation.train.loss as f32);
            self.validation.push(evaluation.step, evaluation.validation.loss as f32);
            let weights = std::mem::take(&mut evaluation.weights);
            if weights.len() == self.norms.len() {
                self.weights = weights;
            }
            self.evaluations.push(evaluation);
        }
    }

    /// Takes in the spectra of an evaluation.
    pub fn measure(&mut self, spectra: Spectra) {
        if self.spectra.last().is_none_or(|last| last.step <= spectra.step) {
            self.spectra.push(spectra);
        }
        // Of a long run every other one goes, not the last: more than a chart has columns are left.
        let count = self.spectra.len();
        if count > MOST_SPECTRA {
            let mut place = 0;
            self.spectra.retain(|_| {
                place += 1;
                place % 2 == count % 2
            });
        }
    }

    /// Smooths all batch losses anew.
    pub fn smooth(&mut self, beta: f64) {
        self.smoothing = Average::new(beta);
        self.smooth = Column::forgetful(REMEMBERED);
        self.loss.iter().for_each(|loss| self.smooth.push(self.smoothing.push(f64::from(loss)) as f32));
    }

    /// Updates a second over the last two seconds; `None` before there are two.
    pub fn speed(&self) -> Option<f64> {
        let (first, last) = (self.window.front()?, self.window.back()?);
        (last.seconds > first.seconds && last.step > first.step)
            .then(|| (last.step - first.step) as f64 / (last.seconds - first.seconds))
    }

    /// Epochs a second over the same time. Not steps times a constant: the last batch of an epoch may be smaller.
    pub fn epochs_a_second(&self) -> Option<f64> {
        let (first, last) = (self.window.front()?, self.window.back()?);
        (last.seconds > first.seconds).then(|| (last.epoch - first.epoch) / (last.seconds - first.seconds))
    }

    /// Epochs made.
    pub fn epoch(&self) -> f64 {
        self.last.map_or(0.0, |row| row.epoch)
    }

    /// Forgets the measured speed: training stood still since.
    pub fn forget_speed(&mut self) {
        self.window.clear();
    }

    /// ‖w‖ of a tensor before the update with this index; `None` where that was not made yet.
    pub fn norm_before(&self, tensor: usize, step: u64) -> Option<f64> {
        self.norms.get(tensor)?.get(self.steps.entry(step)).map(f64::from)
    }

    /// The last ‖w‖ of a tensor.
    pub fn norm(&self, tensor: usize) -> Option<f64> {
        self.norms.get(tensor)?.last().map(f64::from)
    }

    /// What is left of a tensor's norm since an edit, 1 for all of it.
    pub fn norm_since(&self, tensor: usize, edit: &Edit) -> Option<f64> {
        Some(self.norm(tensor)? / self.norm_before(tensor, edit.step)?)
    }
}

/// Moves the average of sums on; sums that are not finite are passed over.
fn blend(mean: &mut TensorSums, sums: &TensorSums, past: f64) {
    let TensorSums { decay, w2, g2, d2, wd, wg, agree, decayed_w2, decayed_wd } = *sums;
    if ![w2, g2, d2, wd, wg, agree, decayed_w2, decayed_wd].iter().all(|sum| sum.is_finite()) {
        return;
    }
    let of = |mean: f64, sum: f64| past * mean + (1.0 - past) * sum;
    *mean = TensorSums {
        decay,
        w2: of(mean.w2, w2),
        g2: of(mean.g2, g2),
        d2: of(mean.d2, d2),
        wd: of(mean.wd, wd),
        wg: of(mean.wg, wg),
        agree: of(mean.agree, agree),
        decayed_w2: of(mean.decayed_w2, decayed_w2),
        decayed_wd: of(mean.decayed_wd, decayed_wd),
    };
}
