//! Commands, which are taken between two updates, and the waiting for them.

use std::thread;
use std::time::{Duration, Instant};

use crossbeam_channel::RecvTimeoutError;

use super::{Next, State, Trainer};
use crate::stream::{Closed, Command, Edit, Knob, Phase, Refusal, RunOptions, Setting, Weights, What};

/// While something waits for a full wire, a pause looks after it this often.
const LOOK_AFTER: Duration = Duration::from_millis(20);
/// A pace that was missed by more than this is not made up for.
const MOST_BEHIND: Duration = Duration::from_millis(200);

impl Trainer {
    /// Takes commands until it is time for the next update.
    pub(super) fn listen(&mut self) -> Result<(), Closed> {
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
    pub(super) fn set(&mut self, setting: &Setting) -> Result<(), Closed> {
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

    pub(super) fn refuse(&mut self, knob: Option<Knob>, reason: String) -> Result<(), Closed> {
        self.send(What::Refused(Refusal { step: self.step, knob, reason }))
    }

    pub(super) fn pause(&mut self) -> Result<(), Closed> {
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
}
