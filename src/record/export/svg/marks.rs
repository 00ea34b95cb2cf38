//! What is marked on the x axis: edits, and of a session that is alone everything else that happened.

use super::plan::letter;
use crate::chart::{Guide, Mark, ON_WHITE, Places, sign};
use crate::record::session::Session;
use crate::record::table::brief;
use crate::stream::{Knob, What, printable};

/// The evaluations of a session that is alone.
pub(super) fn notches(sessions: &[Session], places: &Places) -> Vec<u64> {
    let [session] = sessions else { return Vec::new() };
    session.evaluations().filter_map(|it| places.of(0, it.step, it.epoch, it.seconds)).collect()
}

/// What happened, in the order of places: of a session that is alone all that the screen marks, of several their edits.
pub(super) fn marks(sessions: &[Session], places: &Places) -> Vec<Mark<u32>> {
    let mut marks: Vec<Mark<u32>> = (0..sessions.len()).flat_map(|at| marks_of(sessions, at, places)).collect();
    marks.sort_by_key(|mark| mark.at);
    marks
}

fn marks_of(sessions: &[Session], at: usize, places: &Places) -> Vec<Mark<u32>> {
    let [_, _, _, weight_decay, learning_rate, warning, quiet] = ON_WHITE;
    let (session, alone) = (&sessions[at], sessions.len() == 1);
    let (mut edits, mut notes) = (0, 0);
    let happened = session.events.iter().filter_map(|event| {
        let (sign, text, style) = match &event.what {
            What::Edited(edit) => {
                edits += 1;
                let style = match edit.knob {
                    Knob::WeightDecay | Knob::DecayMode => weight_decay,
                    Knob::LearningRate => learning_rate,
                    Knob::Hyper(_) => quiet,
                };
                let whose = if alone { String::new() } else { letter(at).to_string() };
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
        Some(Mark { at: places.of(at, step, epoch_of(session, step), seconds)?, sign, text, style, guide })
    });
    happened.collect()
}

/// Of a step there is no recorded epoch: by the number of steps that one has.
fn epoch_of(session: &Session, step: u64) -> f64 {
    session.description().map_or(f64::NAN, |run| step as f64 / run.steps_per_epoch as f64)
}
