//! What it takes to train a recorded run again, from its beginning or from a snapshot.

use super::error::Error;
use super::follow::Follow;
use super::session::{Session, State};
use super::snapshot;
use crate::stream::{
    Act, Checkpoint, Description, Edit, Event, PlannedEdit, RunConfig, Script, StopReason, TensorInfo, What,
};

/// A recorded run as one to train: what the hand on the knob did is planned now.
#[derive(Debug, Clone, PartialEq)]
pub struct Repeat {
    /// The recorded configuration, with every recorded edit at its step.
    pub config: RunConfig,
    /// What else was done while it trained, and where the recording ends.
    pub script: Script,
}

/// A recorded run as one to train from a snapshot on.
#[derive(Debug)]
pub struct LateRepeat {
    /// As of a run that is repeated from its beginning; what was done before the snapshot is no part of the script.
    pub repeat: Repeat,
    /// The snapshot.
    pub checkpoint: Checkpoint,
    /// How many of the edits were made before it.
    pub edits_made: usize,
}

/// A recorded run as one to go on with.
#[derive(Debug)]
pub struct Resumption {
    /// The recorded configuration, with every recorded edit at its step.
    pub config: RunConfig,
    /// What was done between the snapshot and the end of the recording.
    pub script: Script,
    /// The last snapshot.
    pub checkpoint: Checkpoint,
    /// How many of the edits were made before it.
    pub edits_made: usize,
    /// What was recorded before it.
    pub past: Past,
    /// Recorded updates after it, which are made again.
    pub made_again: u64,
    /// What of the recording is torn or garbled and cannot be copied, a line each.
    pub dropped: Vec<String>,
}

/// What was recorded before a snapshot and the snapshot itself, without the event that opens the run.
#[derive(Debug)]
pub struct Past {
    follow: Follow,
    session: Session,
    /// Snapshots to come, the last one among them.
    snapshots: usize,
}

impl Session {
    /// What it takes to train the run again, as far as it was recorded.
    ///
    /// # Errors
    /// Where another tool recorded the session, or its steps cannot be opened.
    pub fn repeat(&self) -> Result<Repeat, Error> {
        let run = self.run()?;
        let end = self.end()?;
        let is_inside = |step: u64| end.is_none_or(|end| step <= end);
        // What had been planned and was not reached, a run that ends there does not reach either.
        let edits = self.edits().map(planned).filter(|edit| is_inside(edit.step)).collect();
        let acts = self.events.iter().filter_map(act).filter(|(step, _)| is_inside(*step)).collect();
        Ok(Repeat { config: RunConfig { edits, ..run.config.clone() }, script: Script { acts, end } })
    }

    /// What it takes to train the run again from the snapshot of a step, as far as it was recorded.
    ///
    /// # Errors
    /// As [`repeat`](Self::repeat); where there is no such snapshot, or no update was made after it.
    pub fn repeat_from(&self, step: u64) -> Result<LateRepeat, Error> {
        let Repeat { config, script } = self.repeat()?;
        let last = self.snapshot_at(step)?;
        if self.made()? <= step {
            return Err(Error::NothingAfter { path: self.path.clone(), step });
        }
        let is_inside = |step: u64| script.end.is_none_or(|end| step <= end);
        let acts = self.events[last + 1..].iter().filter_map(act).filter(|(step, _)| is_inside(*step)).collect();
        Ok(LateRepeat {
            repeat: Repeat { config, script: Script { acts, ..script } },
            checkpoint: snapshot::read(&self.path, &self.run()?.tensors, step)?,
            edits_made: edits(&self.events[..last]).count(),
        })
    }

    /// The step of the snapshot with which the recorded updates begin, where none before it was recorded; 0 where they
    /// begin with the first, or no snapshot is before them.
    ///
    /// # Errors
    /// Where the steps cannot be opened.
    pub fn first_comparable(&self) -> Result<u64, Error> {
        let Some(first) = self.steps()?.find_map(|stretch| stretch.batch.rows().first().map(|row| row.step)) else {
            return Ok(0);
        };
        Ok(self.snapshot_steps().filter(|step| *step <= first).max().unwrap_or(0))
    }

    /// The events after the snapshot of a step; all of them where that is 0, the beginning.
    pub(super) fn events_from(&self, step: u64) -> Result<&[Event], Error> {
        match step {
            0 => Ok(&self.events),
            step => Ok(&self.events[self.snapshot_at(step)? + 1..]),
        }
    }

    /// The steps of the snapshots whose files are there.
    fn snapshot_steps(&self) -> impl Iterator<Item = u64> {
        let step = |event: &Event| if let What::Snapshot { step, .. } = event.what { Some(step) } else { None };
        self.events.iter().filter_map(step).filter(|step| snapshot::path(&self.path, *step).exists())
    }

    /// The place among the events of the last snapshot of a step: that is the one whose file is there.
    fn snapshot_at(&self, step: u64) -> Result<usize, Error> {
        let is_it = |event: &Event| matches!(event.what, What::Snapshot { step: its, .. } if its == step);
        let place = self.events.iter().rposition(is_it).filter(|_| snapshot::path(&self.path, step).exists());
        place.ok_or_else(|| {
            let mut steps: Vec<u64> = self.snapshot_steps().collect();
            steps.dedup();
            let known = match &steps[..] {
                [] => "none".to_owned(),
                steps => steps.iter().map(u64::to_string).collect::<Vec<_>>().join(", "),
            };
            Error::NoSnapshotAt { path: self.path.clone(), step, known }
        })
    }

    /// What it takes to go on from the last snapshot: what was done after it is done again at its step, so that the run
    /// becomes the one that it would have become.
    ///
    /// # Errors
    /// Where the session is live, complete or another tool's, or it has no snapshot that can be read.
    pub fn resumption(self) -> Result<Resumption, Error> {
        let run = self.run()?.clone();
        match (&self.state, self.summary()) {
            (State::Running, _) => return Err(Error::Live { path: self.path }),
            (State::Finished(StopReason::Completed), Some(summary)) => {
                return Err(Error::Complete { steps: summary.steps, path: self.path.clone() });
            }
            _ => {}
        }
        let (made, torn) = (self.made()?, self.last_update()?);
        // Behind a garbled row nothing can be copied: what goes on has to begin before it.
        let whole_until = torn.1.as_ref().map_or(u64::MAX, |_| torn.0.as_ref().map_or(0, |last| last.row.step + 1));
        let is_there = |event: &Event| match event.what {
            What::Snapshot { step, .. } => step <= whole_until && snapshot::path(&self.path, step).exists(),
            _ => false,
        };
        let Some(last) = self.events.iter().rposition(is_there) else {
            return Err(match torn.1 {
                Some(reason) => Error::TornBeforeSnapshot { path: self.path, reason },
                None => Error::NoSnapshot { path: self.path },
            });
        };
        let (before, after) = (&self.events[..last], &self.events[last..]);
        let step = after[0].what.step().unwrap_or(0);
        let edits_in = |events: &[Event]| -> Vec<PlannedEdit> { edits(events).map(planned).collect() };
        let (mut all, later) = (edits_in(before), edits_in(after));
        let edits_made = all.len();
        all.extend(later);
        all.extend(self.unreached(&run, made).cloned());
        Ok(Resumption {
            config: RunConfig { edits: all, ..run.config.clone() },
            script: Script { acts: after[1..].iter().filter_map(act).collect(), end: None },
            checkpoint: snapshot::read(&self.path, &run.tensors, step)?,
            edits_made,
            made_again: made.saturating_sub(step),
            dropped: self.dropped.iter().cloned().chain(torn.1).collect(),
            past: Past {
                follow: Follow::open(&self.path)?,
                snapshots: self.events[..=last].iter().filter(|event| is_snapshot(event)).count(),
                session: self,
            },
        })
    }

    /// The run before its first update.
    ///
    /// # Errors
    /// [`Error::NoRun`] where another tool recorded the session.
    pub fn run(&self) -> Result<&Description, Error> {
        self.description().ok_or_else(|| Error::NoRun { path: self.path.clone() })
    }

    /// Where a run that repeats this one has to be stopped; `None` where it ends by itself.
    fn end(&self) -> Result<Option<u64>, Error> {
        match self.state {
            State::Finished(StopReason::Completed | StopReason::Diverged) => Ok(None),
            _ => self.made().map(Some),
        }
    }

    /// Updates that are known to have been made.
    fn made(&self) -> Result<u64, Error> {
        match self.summary() {
            Some(summary) => Ok(summary.steps),
            None => Ok(self.last_update()?.0.map_or(0, |last| last.row.step + 1)),
        }
    }

    /// The planned edits that were not made. Those of the last step may have been.
    fn unreached<'a>(&self, run: &'a Description, made: u64) -> impl Iterator<Item = &'a PlannedEdit> {
        let last: Vec<PlannedEdit> = self.edits().filter(|edit| edit.step == made).map(planned).collect();
        let is_open = move |edit: &&PlannedEdit| edit.step > made || edit.step == made && !last.contains(edit);
        run.config.edits.iter().filter(is_open)
    }
}

impl Iterator for Past {
    type Item = Event;

    fn next(&mut self) -> Option<Event> {
        if self.snapshots == 0 {
            return None;
        }
        let mut event = self.follow.next().ok()??;
        if matches!(event.what, What::Started(_)) {
            event = self.follow.next().ok()??;
        }
        if let What::Snapshot { step, checkpoint, .. } = &mut event.what {
            self.snapshots -= 1;
            // One whose file is gone or damaged stays a line among the events.
            *checkpoint = snapshot::read(&self.session.path, self.tensors(), *step).ok().map(Box::new);
        }
        Some(event)
    }
}

impl Past {
    fn tensors(&self) -> &[TensorInfo] {
        self.session.description().map_or(&[], |run| &run.tensors)
    }
}

fn is_snapshot(event: &Event) -> bool {
    matches!(event.what, What::Snapshot { .. })
}

fn edits(events: &[Event]) -> impl Iterator<Item = &Edit> {
    events.iter().filter_map(|event| if let What::Edited(edit) = &event.what { Some(edit) } else { None })
}

/// An edit as it was made, to be made again.
fn planned(edit: &Edit) -> PlannedEdit {
    PlannedEdit {
        step: edit.step,
        knob: edit.knob.clone(),
        scope: edit.scope.clone(),
        value: (!edit.inherits).then_some(edit.to),
    }
}

/// What an event was told to do. The evaluations that the configuration asks for are among them; they are made once.
fn act(event: &Event) -> Option<(u64, Act)> {
    match &event.what {
        What::Evaluated(evaluation) => Some((evaluation.step, Act::Evaluate)),
        What::Snapshot { step, .. } => Some((*step, Act::Snapshot)),
        What::Restored { step, to, .. } => Some((*step, Act::Restore(*to))),
        What::Skipped { step, .. } => Some((*step, Act::Skip)),
        _ => None,
    }
}
