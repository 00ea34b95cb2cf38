//! Snapshots: taking one, going back to one, and going on from that of another run.

use std::time::{Duration, Instant};

use super::Trainer;
use crate::diagnostics::Reader;
use crate::stream::{Closed, Columns, Weights, What};
use crate::train::checkpoint::Continuation;
use crate::train::spectrometer::Spectrometer;

impl Trainer {
    /// Stands where another run stood, having told what it had told.
    pub(super) fn go_on(&mut self, Continuation { checkpoint, edits_made, past }: Continuation) -> Result<(), Closed> {
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

    pub(super) fn snapshot(&mut self) -> Result<(), Closed> {
        let (step, seconds) = (self.step, self.seconds());
        let checkpoint = Box::new(self.experiment.save(step, seconds));
        self.kept = Some(checkpoint.clone());
        self.spectrometer.kept(step);
        self.send(What::Snapshot { step, seconds, checkpoint: Some(checkpoint) })
    }

    /// Says from which update on the recording keeps columns or not. Where they begin anew there is a snapshot: a run can
    /// be repeated from there.
    pub(super) fn keep_columns(&mut self, columns: Columns) -> Result<(), Closed> {
        if columns == Columns::Kept {
            self.snapshot()?;
        }
        let (step, seconds) = (self.step, self.seconds());
        self.send(What::Columns { step, seconds, columns })
    }

    /// Goes back to the last snapshot. Steps count on: what was made is not unmade, and every row has a step of its own.
    pub(super) fn restore(&mut self, to: u64) -> Result<(), Closed> {
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
}
