//! Curves at the places where they are drawn.

use super::{Align, Sample};
use crate::chart::fine;
use crate::series::Points;
use crate::stream::Edit;

/// The curves of one column.
#[derive(Debug, Clone, Default)]
pub(super) enum Curves {
    /// Nothing was asked for yet.
    #[default]
    None,
    /// They were asked for.
    Loading,
    /// They cannot be read, for this reason.
    Failed(String),
    /// They are here.
    Here(Loaded),
}

/// Curves as they were read, and as they are drawn.
#[derive(Debug, Clone)]
pub(super) struct Loaded {
    /// Of each session.
    samples: Vec<Vec<Sample>>,
    /// The same at the places of an alignment.
    pub(super) placed: Vec<Points>,
    /// What was subtracted from every place: before an edit places would be negative.
    pub(super) origin: u64,
}

impl Loaded {
    pub(super) fn new(samples: Vec<Vec<Sample>>, align: Align, edits: &[&[Edit]]) -> Loaded {
        let mut loaded = Loaded { samples, placed: Vec::new(), origin: 0 };
        loaded.align(align, edits);
        loaded
    }

    /// Puts the curves to the places of another alignment; `edits` are those of each session. A session without the edit
    /// has no curve.
    pub(super) fn align(&mut self, align: Align, edits: &[&[Edit]]) {
        let edit = |session: usize, number: usize| edits.get(session)?.get(number - 1).map(|edit| edit.step);
        let sessions = 0..self.samples.len();
        self.origin = match align {
            Align::Edit(number) => sessions.clone().filter_map(|session| edit(session, number)).max().unwrap_or(0),
            _ => 0,
        };
        let place = |session: usize, sample: &Sample| match align {
            Align::Step => Some(sample.step),
            Align::Epoch => fine(sample.epoch),
            Align::Time => fine(sample.seconds),
            Align::Edit(number) => Some(sample.step + self.origin - edit(session, number)?),
        };
        self.placed = sessions
            .map(|session| {
                let mut points = Points::default();
                for sample in &self.samples[session] {
                    // A run that went back in time cannot be drawn twice.
                    if let Some(at) =
                        place(session, sample).filter(|at| points.at().last().is_none_or(|last| last <= *at))
                    {
                        points.push(at, sample.value as f32);
                    }
                }
                points
            })
            .collect();
    }

    /// Where an edit of a session lies; `None` where that is not known.
    pub(super) fn place_of(&self, session: usize, edit: &Edit, align: Align, edits: &[Edit]) -> Option<u64> {
        match align {
            Align::Step => Some(edit.step),
            Align::Edit(number) => (edit.step + self.origin).checked_sub(edits.get(number - 1)?.step),
            Align::Time => fine(edit.seconds),
            Align::Epoch => fine(self.epoch_of(session, edit.step)?),
        }
    }

    /// The epoch of a step, between the samples around it.
    fn epoch_of(&self, session: usize, step: u64) -> Option<f64> {
        let samples = self.samples.get(session)?;
        let after = samples.partition_point(|sample| sample.step < step);
        let (Some(before), Some(next)) = (after.checked_sub(1).map(|at| samples[at]), samples.get(after)) else {
            return samples.get(after).or(samples.last()).map(|sample| sample.epoch);
        };
        let share = (step - before.step) as f64 / (next.step - before.step).max(1) as f64;
        Some(before.epoch + share * (next.epoch - before.epoch))
    }

    /// The last place of any curve.
    pub(super) fn end(&self) -> u64 {
        self.placed.iter().filter_map(|points| points.at().last()).max().unwrap_or(0)
    }
}
