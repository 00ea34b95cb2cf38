//! The thread that trains: it makes updates, listens to commands between them, and tells of both.

use std::any::Any;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError};
use sha2::{Digest, Sha256};

use super::checkpoint::Continuation;
use super::clock::Clock;
use super::experiment::{Experiment, Sentinel, planned};
use super::learner::{NotFinite, Progress};
use super::spectrometer::Spectrometer;
use super::watch::Watch;
use crate::diagnostics::Reader;
use crate::optim::Knobs;
use crate::scalar::Scalar;
use crate::stream::{
    Act, Checkpoint, Closed, Columns, Command, DecayMode, Edit, Evaluation, EventSender, FinalNorm, Knob, Phase,
    Refusal, RunOptions, Setting, Spectra, StepBatch, StepRow, StopReason, Summary, TensorSums, Weights, What,
};

/// Commands that may wait for the trainer; more than a hand can type between two updates.
pub const COMMANDS_WAITING: usize = 64;

/// Updates whose statistics travel together, at most.
pub(super) const MOST_ROWS: usize = 256;
/// Statistics are kept back for no longer than this.
pub(super) const LONGEST_DELAY: Duration = Duration::from_millis(10);
/// While something waits for a full wire, a pause looks after it this often.
const LOOK_AFTER: Duration = Duration::from_millis(20);
/// A pace that was missed by more than this is not made up for.
const MOST_BEHIND: Duration = Duration::from_millis(200);

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

    /// Stands where another run stood, having told what it had told.
    fn go_on(&mut self, Continuation { checkpoint, edits_made, past }: Continuation) -> Result<(), Closed> {
        (self.step, self.next_edit) = (checkpoint.step, edits_made);
        // A wall time that is none makes no run impossible.
        self.before = Duration::try_from_secs_f64(checkpoint.seconds).unwrap_or_default();
        if self.step.is_multiple_of(self.experiment.description.evaluation_period()) {
            // Before any snapshot of its step.
            self.evaluated = Some(self.step);
        }
        self.kept = Some(Box::new(checkpoint));
        // As that run did behind its snapshot.
        self.spectrometer.kept(self.step);
        let mut reader = Reader::new(&self.experiment.description);
        for event in past {
            self.watch.relive(&event.what, &mut reader);
            self.events.send(event)?;
        }
        self.start = Instant::now();
        Ok(())
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

    /// Takes commands until it is time for the next update.
    fn listen(&mut self) -> Result<(), Closed> {
        while let Some(command) = self.next_command()? {
            let is_step = matches!(command, Command::StepOnce | Command::SkipBatch);
            self.obey(command)?;
            if is_step && self.state == State::Running {
                // What was asked for after a step comes after it.
                break;
            }
        }
        Ok(())
    }

    /// The next command, waited for through a pause and until an update is due; `None` when one is, or at the end.
    fn next_command(&mut self) -> Result<Option<Command>, Closed> {
        loop {
            if self.state == State::Stopping {
                return Ok(None);
            }
            if let Ok(command) = self.commands.try_recv() {
                return Ok(Some(command));
            }
            let until = match self.state {
                State::Running if self.pace == 0.0 => return Ok(None),
                State::Running if Instant::now() >= self.due => {
                    // What is far behind (a suspended process) does not race to catch up.
                    let late = Instant::now().checked_sub(MOST_BEHIND).unwrap_or(self.due);
                    self.due = self.due.max(late) + Duration::from_secs_f64(1.0 / self.pace);
                    return Ok(None);
                }
                State::Running => Some(self.due),
                State::Paused { .. } | State::Stopping => None,
            };
            self.send_statistics()?;
            self.events.flush()?;
            let until = if self.events.is_waiting() {
                let soon = Instant::now() + LOOK_AFTER;
                Some(until.map_or(soon, |until| until.min(soon)))
            } else {
                until
            };
            let waiting = Instant::now();
            let heard = match until {
                Some(until) => self.commands.recv_deadline(until),
                None => self.commands.recv().map_err(RecvTimeoutError::from),
            };
            match self.state {
                State::Running => self.clock.spent(Phase::Pace, waiting),
                State::Paused { .. } | State::Stopping => self.clock.stood_still(waiting),
            }
            match heard {
                Ok(command) => return Ok(Some(command)),
                Err(RecvTimeoutError::Timeout) => {}
                // Nobody can resume any more.
                Err(RecvTimeoutError::Disconnected) if self.state != State::Running => self.state = State::Stopping,
                Err(RecvTimeoutError::Disconnected) => {
                    let waiting = Instant::now();
                    thread::sleep(self.due.saturating_duration_since(waiting));
                    self.clock.spent(Phase::Pace, waiting);
                }
            }
        }
    }

    fn obey(&mut self, command: Command) -> Result<(), Closed> {
        match command {
            Command::Set(setting) => self.set(&setting),
            Command::Pause => self.pause(),
            Command::Resume | Command::StepOnce | Command::RunUntil(_) | Command::SkipBatch
                if self.diverged == Some(Weights::Lost) =>
            {
                self.refuse(None, "the weights are not finite: go back to a snapshot, or stop".into())
            }
            Command::Resume => self.resume(),
            Command::SkipBatch => {
                self.next = Next::LeftOut;
                self.resume()
            }
            Command::StepOnce => {
                self.diverged = None;
                self.end_pause();
                self.pause_before = Some(self.step + 1);
                Ok(())
            }
            Command::RunUntil(step) if step <= self.step => self.pause(),
            Command::RunUntil(step) => {
                self.resume()?;
                self.pause_before = Some(step);
                Ok(())
            }
            Command::Evaluate => self.evaluate(),
            Command::Note(text) => {
                let (step, seconds) = (self.step, self.seconds());
                self.send(What::Noted { step, seconds, text })
            }
            Command::Snapshot => self.snapshot(),
            Command::Restore(to) => self.restore(to),
            Command::Pace(pace) => match RunOptions::check_pace(pace) {
                Ok(()) => {
                    (self.pace, self.due) = (pace, Instant::now());
                    let (step, seconds) = (self.step, self.seconds());
                    self.send(What::Paced { step, seconds, pace })
                }
                Err(error) => self.refuse(None, error.to_string()),
            },
            Command::Seek(_) | Command::NextEdit => {
                self.refuse(None, "a run that trains has no way to another step; a replay has".into())
            }
            Command::Columns(columns) => self.keep_columns(columns),
            Command::Stop => {
                self.end_pause();
                self.state = State::Stopping;
                Ok(())
            }
        }
    }

    /// Changes a hyperparameter from the next update on, and says so.
    fn set(&mut self, setting: &Setting) -> Result<(), Closed> {
        match self.experiment.knobs.set(setting) {
            Ok(change) => {
                let edit = Edit {
                    step: self.step,
                    seconds: self.seconds(),
                    knob: setting.knob.clone(),
                    scope: setting.scope.clone(),
                    from: change.from,
                    to: change.to,
                    inherits: change.inherits,
                    constant: change.constant,
                    by: setting.by,
                };
                self.watch.edited(&edit, &self.experiment.description, &self.experiment.knobs);
                self.send(What::Edited(edit))
            }
            Err(error) => self.refuse(Some(setting.knob.clone()), error.to_string()),
        }
    }

    fn snapshot(&mut self) -> Result<(), Closed> {
        let (step, seconds) = (self.step, self.seconds());
        let checkpoint = Box::new(self.experiment.save(step, seconds));
        self.kept = Some(checkpoint.clone());
        self.spectrometer.kept(step);
        self.send(What::Snapshot { step, seconds, checkpoint: Some(checkpoint) })
    }

    /// Says from which update on the recording keeps columns or not. Where they begin anew there is a snapshot: a run can
    /// be repeated from there.
    fn keep_columns(&mut self, columns: Columns) -> Result<(), Closed> {
        if columns == Columns::Kept {
            self.snapshot()?;
        }
        let (step, seconds) = (self.step, self.seconds());
        self.send(What::Columns { step, seconds, columns })
    }

    /// Goes back to the last snapshot. Steps count on: what was made is not unmade, and every row has a step of its own.
    fn restore(&mut self, to: u64) -> Result<(), Closed> {
        let kept = match &self.kept {
            Some(kept) if kept.step == to => kept,
            Some(kept) => {
                return self.refuse(
                    None,
                    format!("the last snapshot is of step {}: there is no going back to {to}", kept.step),
                );
            }
            None => return self.refuse(None, format!("no snapshot was taken: there is no going back to step {to}")),
        };
        if let Err(error) = self.experiment.go_back(kept) {
            return self.refuse(None, error.to_string());
        }
        self.evaluated = None;
        self.spectrometer = Spectrometer::default();
        if self.diverged.is_some() {
            // What is wrong may be the batch: the update is still to be asked for.
            self.diverged = Some(Weights::Kept);
        }
        let (step, seconds) = (self.step, self.seconds());
        self.watch.restored(step);
        self.send(What::Restored { step, seconds, to })
    }

    fn refuse(&mut self, knob: Option<Knob>, reason: String) -> Result<(), Closed> {
        self.send(What::Refused(Refusal { step: self.step, knob, reason }))
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

    fn pause(&mut self) -> Result<(), Closed> {
        self.pause_before = None;
        if self.state == State::Running {
            self.state = State::Paused { since: Instant::now() };
            let (step, seconds) = (self.step, self.seconds());
            self.send(What::Paused { step, seconds })?;
        }
        Ok(())
    }

    fn resume(&mut self) -> Result<(), Closed> {
        self.pause_before = None;
        self.diverged = None;
        if self.end_pause() {
            let (step, seconds) = (self.step, self.seconds());
            self.send(What::Resumed { step, seconds })?;
        }
        Ok(())
    }

    /// Ends a pause without a word; whether there was one.
    fn end_pause(&mut self) -> bool {
        let State::Paused { since } = self.state else { return false };
        self.paused += since.elapsed();
        self.state = State::Running;
        self.due = Instant::now();
        true
    }

    /// Evaluates the validation set and as large a part of the training set.
    fn evaluate(&mut self) -> Result<(), Closed> {
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

    fn send_alerts(&mut self) -> Result<(), Closed> {
        self.watch.take().into_iter().try_for_each(|alert| self.send(What::Alert(alert)))
    }

    fn finish(&mut self, reason: StopReason) -> Result<(), Closed> {
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

/// A hash over the weights' little-endian bytes.
fn digest<T: Scalar>(weights: &[T]) -> String {
    let mut bytes = Vec::with_capacity(std::mem::size_of_val(weights));
    weights.iter().for_each(|weight| weight.write_le(&mut bytes));
    format!("sha256:{:x}", Sha256::digest(&bytes))
}
