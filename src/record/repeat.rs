//! What it takes to train a recorded run again.

use super::error::Error;
use super::session::{Session, State};
use crate::stream::{Act, Author, Description, Edit, Event, PlannedEdit, RunConfig, Script, StopReason, What};

/// A recorded run as one to train: what the hand on the knob did is planned now.
#[derive(Debug, Clone, PartialEq)]
pub struct Repeat {
    /// The recorded configuration, with every recorded edit at its step.
    pub config: RunConfig,
    /// What else was done while it trained, and where the recording ends.
    pub script: Script,
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
        let mut edits: Vec<PlannedEdit> = self.edits().map(planned).filter(|edit| is_inside(edit.step)).collect();
        // What had been planned and was not reached; a run that ends there does not reach it either.
        edits.extend(self.unreached(run).filter(|edit| end.is_none_or(|end| edit.step < end)).cloned());
        let acts = self.events.iter().filter_map(act).filter(|(step, _)| is_inside(*step)).collect();
        Ok(Repeat { config: RunConfig { edits, ..run.config.clone() }, script: Script { acts, end } })
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
        Ok(match (&self.state, self.summary()) {
            (State::Finished(StopReason::Completed | StopReason::Diverged), _) => None,
            (State::Finished(StopReason::Stopped), Some(summary)) => Some(summary.steps),
            _ => Some(self.last_update()?.0.map_or(0, |last| last.row.step + 1)),
        })
    }

    /// The planned edits that have no echo among the events: planned edits are made in their order.
    fn unreached<'a>(&self, run: &'a Description) -> impl Iterator<Item = &'a PlannedEdit> {
        let made = self.edits().filter(|edit| edit.by == Author::CommandLine).count();
        run.config.edits.iter().skip(made)
    }
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
        _ => None,
    }
}
