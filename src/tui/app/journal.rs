//! What happened, for the events panel.

use std::collections::BTreeSet;

use crate::chart::sign;
use crate::stream::{Alert, AlertKind, Columns, Edit, Level, Summary, Weights};
use crate::tui::coach::Hint;

/// The edits, numbered from 1, and everything else worth a line.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Journal {
    /// All edits in order; the number of an edit is its place, counted from 1.
    pub edits: Vec<Edit>,
    /// Everything in order.
    pub entries: Vec<Entry>,
    /// The numbers of the edits that ended a rise of the validation loss.
    pub rescues: BTreeSet<usize>,
    /// How many entries there were when the validation loss last began to fall again.
    fallen: usize,
}

/// A line of the events panel.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// The next update's index when it happened.
    pub step: u64,
    /// What happened.
    pub what: Happening,
}

/// What the events panel tells of.
#[derive(Debug, Clone, PartialEq)]
pub enum Happening {
    /// The edit with this number.
    Edited(usize),
    /// A command was not taken.
    Refused(String),
    /// The user kept a line of text, the note with this number.
    Noted(usize, String),
    /// A snapshot was taken.
    Snapshot,
    /// The weights are those of the snapshot of this step again.
    Restored(u64),
    /// The batch of the update was left out.
    Skipped,
    /// The run warns of something, at so many other tensors too.
    Alert(Box<Alert>, usize),
    /// Training waits.
    Paused,
    /// Training goes on.
    Resumed,
    /// The program points something out.
    Hint(Hint),
    /// This was not finite.
    Diverged(String, Weights),
    /// Updates' columns are recorded from here on, or not.
    Columns(Columns),
    /// Recording stopped, for this reason.
    Unrecorded(String),
    /// The run ended.
    Finished(Box<Summary>),
    /// The source broke down.
    Failed(String),
}

impl Entry {
    fn tells_of_overfitting(&self) -> bool {
        match &self.what {
            Happening::Hint(Hint::Overfitting { .. }) => true,
            Happening::Alert(alert, _) => alert.kind == AlertKind::Overfitting,
            _ => false,
        }
    }
}

impl Journal {
    /// The validation loss falls again: of an edit that was made since it was told to rise, this is what it did. The
    /// next rise is another one.
    pub fn fell(&mut self) {
        let told = self.entries.iter().rev().find(|entry| entry.tells_of_overfitting());
        let told = told.map_or(u64::MAX, |entry| entry.step);
        if self.edits.last().is_some_and(|edit| edit.step >= told) {
            self.rescues.insert(self.edits.len());
        }
        self.fallen = self.entries.len();
    }

    /// Adds a line.
    pub fn add(&mut self, step: u64, what: Happening) {
        self.entries.push(Entry { step, what });
    }

    /// Adds what the program points out, unless an alert has told of the same rise.
    pub fn hinted(&mut self, step: u64, hint: Hint) {
        if !self.entries[self.open()..].iter().any(Entry::tells_of_overfitting) {
            self.add(step, Happening::Hint(hint));
        }
    }

    /// The place of the first entry behind the last edit and the last rise that is over: what was told before has been
    /// answered.
    fn open(&self) -> usize {
        let edit = self.entries.iter().rposition(|entry| matches!(entry.what, Happening::Edited(_)));
        edit.map_or(0, |edit| edit + 1).max(self.fallen)
    }

    /// Adds a warning. One line tells of all tensors that are warned of at once: the one that is furthest off. What the
    /// program pointed out itself needs no line besides.
    pub fn warned(&mut self, alert: Alert) {
        if alert.kind == AlertKind::Overfitting {
            let open = self.entries.split_off(self.open());
            self.entries.extend(open.into_iter().filter(|entry| !matches!(entry.what, Happening::Hint(_))));
        }
        if let Some(Entry { step, what: Happening::Alert(told, others) }) = self.entries.last_mut()
            && *step == alert.step
            && told.kind == alert.kind
            && told.tensor != alert.tensor
        {
            *others += 1;
            let off = |alert: &Alert| (alert.number / alert.bound).ln().abs();
            if off(&alert) > off(told) {
                **told = alert;
            }
            return;
        }
        self.add(alert.step, Happening::Alert(Box::new(alert), 0));
    }

    /// Numbers an edit and adds its line.
    pub fn edited(&mut self, edit: Edit) {
        let step = edit.step;
        self.edits.push(edit);
        self.add(step, Happening::Edited(self.edits.len()));
    }

    /// Numbers a note and adds its line.
    pub fn noted(&mut self, step: u64, text: String) {
        self.add(step, Happening::Noted(self.notes().count() + 1, text));
    }

    /// The notes' steps, numbers and texts.
    pub fn notes(&self) -> impl Iterator<Item = (u64, usize, &str)> {
        self.entries.iter().filter_map(|entry| match &entry.what {
            Happening::Noted(number, text) => Some((entry.step, *number, text.as_str())),
            _ => None,
        })
    }

    /// The steps at which a snapshot was taken or gone back to, each with its sign.
    pub fn snapshots(&self) -> impl Iterator<Item = (u64, &'static str)> {
        self.entries.iter().filter_map(|entry| match entry.what {
            Happening::Snapshot => Some((entry.step, sign::SNAPSHOT)),
            Happening::Restored(_) => Some((entry.step, sign::RESTORED)),
            _ => None,
        })
    }

    /// The steps at which the run warned of something, each with the gravest level.
    pub fn alerts(&self) -> impl Iterator<Item = (u64, Level)> {
        let all = self.entries.iter().filter_map(|entry| match &entry.what {
            Happening::Alert(alert, _) => Some((entry.step, alert.level)),
            _ => None,
        });
        let mut all = all.peekable();
        std::iter::from_fn(move || {
            let (step, mut level) = all.next()?;
            while let Some((_, other)) = all.next_if(|(other, _)| *other == step) {
                level = level.max(other);
            }
            Some((step, level))
        })
    }

    /// The last edit with its number.
    pub fn last_edit(&self) -> Option<(usize, &Edit)> {
        self.edits.last().map(|edit| (self.edits.len(), edit))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::coach::Rise;

    #[test]
    fn each_rise_is_told_once_whoever_notices_it() {
        let hint = Hint::Overfitting { rise: Rise { from: 0.7, to: 0.8 }, remedy: None };
        let alert = |step| Alert {
            step,
            seconds: 0.0,
            level: Level::Warning,
            kind: AlertKind::Overfitting,
            tensor: None,
            number: 0.8,
            bound: 0.77,
            hint: String::new(),
        };
        let mut journal = Journal::default();
        let told = |journal: &Journal| journal.entries.iter().map(|entry| entry.step).collect::<Vec<_>>();
        journal.warned(alert(100));
        journal.hinted(120, hint);
        assert_eq!(told(&journal), [100]);
        // Another rise, without an edit between them.
        journal.fell();
        journal.hinted(300, hint);
        assert_eq!(told(&journal), [100, 300]);
        journal.warned(alert(310));
        assert_eq!(told(&journal), [100, 310]);
        assert!(journal.rescues.is_empty());
    }
}
