//! Where on the x axis everything lies, and the marks there.

use super::plan::letter;
use crate::chart::{FINENESS, Guide, Mark, ON_WHITE, Ruler, Scale, Spread, digits, fine, fine_corners, sign};
use crate::record::align::Alignment;
use crate::record::session::Session;
use crate::record::table::brief;
use crate::stream::{Knob, What, printable};

/// The places of sessions that are put side by side.
pub(super) struct Places<'a> {
    sessions: &'a [Session],
    alignment: Alignment,
    /// What is subtracted from every place: before an edit places would be negative.
    origin: u64,
    corners: [(f64, f64); 2],
    end: u64,
}

impl<'a> Places<'a> {
    pub(super) fn new(sessions: &'a [Session], alignment: Alignment) -> Self {
        let mut places = Places { sessions, alignment, origin: 0, corners: [(0.0, 0.0); 2], end: 1 };
        if let Alignment::Edit(number) = alignment {
            places.origin = (0..sessions.len()).filter_map(|at| places.edit(at, number)).max().unwrap_or(0);
        }
        places
    }

    /// Makes the axis long enough for this place.
    pub(super) fn reach(&mut self, place: u64) {
        self.end = self.end.max(place);
        self.corners = fine_corners(self.end);
    }

    /// The place of what a session did at a step; `None` where that is not known.
    pub(super) fn of(&self, session: usize, step: u64, epoch: f64, seconds: f64) -> Option<u64> {
        match self.alignment {
            Alignment::Step => Some(step),
            Alignment::Epoch => fine(epoch),
            Alignment::Time => fine(seconds),
            Alignment::Edit(number) => (step + self.origin).checked_sub(self.edit(session, number)?),
        }
    }

    fn edit(&self, session: usize, number: usize) -> Option<u64> {
        self.sessions.get(session)?.edits().nth(number - 1).map(|edit| edit.step)
    }

    pub(super) fn ruler(&self) -> Ruler<'_> {
        let (spread, name) = match self.alignment {
            Alignment::Step => (Spread::Even(0), "step"),
            Alignment::Epoch => (Spread::Numbers(&self.corners), "epoch"),
            Alignment::Time => (Spread::Seconds(&self.corners), "time"),
            Alignment::Edit(_) => (Spread::Even(self.origin), "steps since the edit"),
        };
        Ruler { steps: 0..self.end + 1, spread, scale: Scale::Linear, name }
    }

    /// The evaluations of a session that is alone.
    pub(super) fn notches(&self) -> Vec<u64> {
        let [session] = self.sessions else { return Vec::new() };
        session.evaluations().filter_map(|it| self.of(0, it.step, it.epoch, it.seconds)).collect()
    }

    /// What happened, in the order of places: of a session that is alone all that the screen marks, of several their
    /// edits.
    pub(super) fn marks(&self) -> Vec<Mark<u32>> {
        let mut marks: Vec<Mark<u32>> = (0..self.sessions.len()).flat_map(|at| self.marks_of(at)).collect();
        marks.sort_by_key(|mark| mark.at);
        marks
    }

    fn marks_of(&self, session: usize) -> Vec<Mark<u32>> {
        let [_, _, _, weight_decay, learning_rate, warning, quiet] = ON_WHITE;
        let alone = self.sessions.len() == 1;
        let (mut edits, mut notes) = (0, 0);
        let happened = self.sessions[session].events.iter().filter_map(|event| {
            let (sign, text, style) = match &event.what {
                What::Edited(edit) => {
                    edits += 1;
                    let style = match edit.knob {
                        Knob::WeightDecay | Knob::DecayMode => weight_decay,
                        Knob::LearningRate => learning_rate,
                        Knob::Hyper(_) => quiet,
                    };
                    let whose = if alone { String::new() } else { letter(session).to_string() };
                    (whose + &sign::number(edits), edit.describe(brief), style)
                }
                _ if !alone => return None,
                What::Noted { text, .. } => {
                    notes += 1;
                    (sign::letter(notes), printable(text).into_owned(), quiet)
                }
                What::Snapshot { .. } => (sign::SNAPSHOT.into(), String::new(), quiet),
                What::Restored { .. } => (sign::RESTORED.into(), String::new(), quiet),
                What::Alert(_) => (sign::ALERT.into(), String::new(), warning),
                _ => return None,
            };
            let guide = if matches!(event.what, What::Alert(_)) { Guide::None } else { Guide::Line };
            let (step, seconds) = (event.what.step()?, event.what.seconds().unwrap_or(f64::NAN));
            Some(Mark { at: self.of(session, step, self.epoch(session, step), seconds)?, sign, text, style, guide })
        });
        happened.collect()
    }

    /// Of a step there is no recorded epoch: by the number of steps that one has.
    fn epoch(&self, session: usize, step: u64) -> f64 {
        let run = self.sessions[session].description();
        run.map_or(f64::NAN, |run| step as f64 / run.steps_per_epoch as f64)
    }

    /// A place in words.
    pub(super) fn told(&self, place: u64) -> String {
        match self.alignment {
            Alignment::Step => format!("step {}", digits::thousands(place)),
            Alignment::Epoch => format!("epoch {}", digits::three(place as f64 / FINENESS)),
            Alignment::Time => digits::clock(place as f64 / FINENESS),
            Alignment::Edit(_) => format!("{:+} steps", place as i64 - self.origin as i64),
        }
    }
}
