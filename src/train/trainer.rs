//! The thread that trains: it makes updates, listens to commands between them, and tells of both.

mod commands;
mod evaluations;
mod snapshots;

use std::any::Any;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crossbeam_channel::Receiver;

use super::clock::Clock;
use super::experiment::{Experiment, Sentinel, planned};
use super::learner::{NotFinite, Progress};
use super::spectrometer::Spectrometer;
use super::watch::Watch;
use crate::optim::Knobs;
use crate::stream::{
    Act, Checkpoint, Closed, Command, DecayMode, EventSender, Phase, StepBatch, StepRow, StopReason, TensorSums,
    Weights, What,
};

/// Commands that may wait for the trainer; more than a hand can type between two updates.
pub const COMMANDS_WAITING: usize = 64;

/// Updates whose statistics travel together, at most.
pub(super) const MOST_ROWS: usize = 256;
/// Statistics are kept back for no longer than this.
pub(super) const LONGEST_DELAY: Duration = Duration::from_millis(10);

/// Starts training on a thread of its own. It ends after its last event, or when nobody receives its events.
///
/// # Errors
/// Where the system gives no thread.
pub fn spawn(experiment: Experiment, commands: Receiver<Command>, events: EventSender) -> io::Result<JoinHandle<()>> {
    thread::Builder::new().name("wdtop-trainer".into()).spawn(move || {
        let mut trainer = Trainer::new(experiment, commands, events);
        // A panic is a defect, but it must take neither the screen nor the recording with it.
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| trainer.run())) {
            trainer.fail(&*panic);
        }
    })
}

struct Trainer {
    experiment: Experiment,
    commands: Receiver<Command>,
    events: EventSender,
    /// Index of the next update.
    step: u64,
    /// Position of the next planned edit.
    next_edit: usize,
    /// Position of the next act of the script.
    next_act: usize,
    /// Statistics that were not sent yet.
    batch: StepBatch,
    sent: Instant,
    clock: Clock,
    evaluated: Option<u64>,
    start: Instant,
    state: State,
    pause_before: Option<u64>,
    /// The last snapshot.
    kept: Option<Box<Checkpoint>>,
    /// Wall time of the run that this one goes on from.
    before: Duration,
    /// Wall time spent in pauses that are over.
    paused: Duration,
    pace: f64,
    due: Instant,
    watch: Watch,
    spectrometer: Spectrometer<f32>,
    /// Whether the next update's batch is to be left out.
    next: Next,
    /// What became of the weights when something was not finite, until that is settled.
    diverged: Option<Weights>,
}

/// What becomes of the next update.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Next {
    Made,
    LeftOut,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum State {
    Running,
    Paused { since: Instant },
    Stopping,
}

impl Trainer {
    fn new(experiment: Experiment, commands: Receiver<Command>, events: EventSender) -> Self {
        let now = Instant::now();
        Trainer {
            step: 0,
            next_edit: 0,
            next_act: 0,
            batch: events.spare(experiment.description.tensors.len()),
            sent: now,
            clock: Clock::start(),
            evaluated: None,
            start: now,
            state: State::Running,
            pause_before: None,
            kept: None,
            before: Duration::ZERO,
            paused: Duration::ZERO,
            pace: experiment.description.options.pace,
            due: now,
            watch: Watch::new(&experiment.description, &experiment.knobs),
            spectrometer: Spectrometer::default(),
            next: Next::Made,
            diverged: None,
            experiment,
            commands,
            events,
        }
    }

    /// From `Started` to `Finished`.
    fn run(&mut self) -> Result<(), Closed> {
        self.send(What::Started(Box::new(self.experiment.description.clone())))?;
        match self.experiment.continuation.take() {
            Some(continuation) => self.go_on(continuation)?,
            None => self.evaluate()?,
        }
        let reason = self.make_updates()?;
        self.finish(reason)
    }

    fn make_updates(&mut self) -> Result<StopReason, Closed> {
        loop {
            if self.experiment.description.total_steps.is_some_and(|total| self.step >= total) {
                return Ok(StopReason::Completed);
            }
            self.listen()?;
            if self.state == State::Stopping {
                return Ok(if self.diverged.is_some() { StopReason::Diverged } else { StopReason::Stopped });
            }
            self.apply_planned_edits()?;
            self.follow_script()?;
            if self.experiment.script.end.is_some_and(|end| self.step >= end) {
                return Ok(StopReason::Stopped);
            }
            match std::mem::replace(&mut self.next, Next::Made) {
                Next::LeftOut => {
                    let (step, seconds) = (self.step, self.seconds());
                    self.send(What::Skipped { step, seconds })?;
                }
                Next::Made => {
                    if let Err(NotFinite { what, weights }) = self.make_update() {
                        let (step, seconds) = (self.step, self.seconds());
                        self.send(What::Diverged { step, seconds, what, weights })?;
                        if self.experiment.sentinel == Sentinel::Stops {
                            return Ok(StopReason::Diverged);
                        }
                        self.diverged = Some(weights);
                        self.pause()?;
                        continue;
                    }
                }
            }
            self.step += 1;
            self.experiment.knobs.move_to(self.step);
            self.send_alerts()?;
            if self.batch.len() >= MOST_ROWS || self.sent.elapsed() >= LONGEST_DELAY {
                self.send_statistics()?;
            }
            if self.step.is_multiple_of(self.experiment.description.evaluation_period()) {
                self.evaluate()?;
            }
            let every = self.experiment.description.options.snapshot_every;
            if every > 0 && self.step.is_multiple_of(every) {
                self.snapshot()?;
            }
            if self.pause_before == Some(self.step) {
                self.pause()?;
            }
        }
    }

    fn make_update(&mut self) -> Result<(), NotFinite> {
        let Experiment { description, data, learner, knobs, order, .. } = &mut self.experiment;
        if self.clock.wants_laps() {
            learner.time_next_step();
        }
        let progress = learner.step(&data.train, order.batch(self.step), knobs)?;
        let place = Place {
            step: self.step,
            epoch: order.samples_after(self.step + 1) as f64 / data.train.len() as f64,
            seconds: (self.before + self.start.elapsed()).as_secs_f64(),
        };
        let mode = knobs.decay_mode().unwrap_or(description.config.optimizer.decay_mode);
        let row = row_of(place, progress, learner.sums(), knobs, mode);
        self.batch.push(row, learner.sums());
        self.watch.update(&row, learner.sums(), knobs);
        self.clock.timed(learner.take_laps());
        Ok(())
    }

    fn apply_planned_edits(&mut self) -> Result<(), Closed> {
        while let Some(edit) = self.experiment.description.config.edits.get(self.next_edit)
            && edit.step <= self.step
        {
            let setting = planned(edit);
            self.next_edit += 1;
            self.set(&setting)?;
        }
        Ok(())
    }

    fn follow_script(&mut self) -> Result<(), Closed> {
        while let Some(&(step, act)) = self.experiment.script.acts.get(self.next_act)
            && step <= self.step
        {
            self.next_act += 1;
            match act {
                Act::Evaluate if self.evaluated == Some(self.step) => {}
                Act::Evaluate => self.evaluate()?,
                Act::Snapshot => self.snapshot()?,
                Act::Restore(to) => self.restore(to)?,
                // Nothing is done before an update that is not made but what was done before it then.
                Act::Skip => self.next = Next::LeftOut,
            }
        }
        Ok(())
    }

    fn send_alerts(&mut self) -> Result<(), Closed> {
        self.watch.take().into_iter().try_for_each(|alert| self.send(What::Alert(alert)))
    }

    fn fail(&mut self, panic: &(dyn Any + Send)) {
        let message = panic.downcast_ref::<String>().map(String::as_str).or(panic.downcast_ref::<&str>().copied());
        let message = format!("the trainer panicked: {}", message.unwrap_or("no message"));
        // Nobody left to tell is the only thing that can go wrong here.
        let _ = self.send(What::Failed { step: self.step, message }).and_then(|()| self.events.drain());
    }

    /// Sends an event after the statistics of the updates before it.
    fn send(&mut self, what: What) -> Result<(), Closed> {
        self.send_statistics()?;
        self.hand_over(what)
    }

    /// A recorder that is behind holds training up here.
    fn hand_over(&mut self, what: What) -> Result<(), Closed> {
        let begun = Instant::now();
        let sent = self.events.send(what.into());
        self.clock.spent(Phase::Recorder, begun);
        sent
    }

    fn send_statistics(&mut self) -> Result<(), Closed> {
        self.sent = Instant::now();
        if self.batch.is_empty() {
            return Ok(());
        }
        let empty = self.events.spare(self.batch.tensors());
        let mut full = std::mem::replace(&mut self.batch, empty);
        full.tell_spent(self.clock.settle());
        self.hand_over(What::Steps(full))
    }

    fn seconds(&self) -> f64 {
        (self.before + self.start.elapsed()).as_secs_f64()
    }

    fn epoch(&self) -> f64 {
        self.experiment.order.samples_after(self.step) as f64 / self.experiment.data.train.len() as f64
    }
}

/// Where in a run an update is.
pub(super) struct Place {
    pub(super) step: u64,
    pub(super) epoch: f64,
    pub(super) seconds: f64,
}

/// What an update tells of the whole network.
pub(super) fn row_of(
    Place { step, epoch, seconds }: Place,
    Progress { loss, accuracy }: Progress,
    sums: &[TensorSums],
    knobs: &Knobs,
    decay_mode: DecayMode,
) -> StepRow {
    let decayed = |(index, sums): (usize, &TensorSums)| knobs.tensor_decay(index) * sums.w2;
    let penalty = match decay_mode {
        DecayMode::None => 0.0,
        _ => 0.5 * sums.iter().enumerate().map(decayed).sum::<f64>(),
    };
    let (lr, weight_decay) = (knobs.lr(), knobs.weight_decay());
    StepRow { step, epoch, seconds, loss, accuracy, penalty, lr, weight_decay }
}
