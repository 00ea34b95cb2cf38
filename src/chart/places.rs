//! Where on one x axis several runs lie that are put side by side.

use std::fmt;
use std::ops::Range;
use std::str::FromStr;

use thiserror::Error;

use super::digits;
use super::ruler::{Ruler, Spread};
use super::scale::Scale;

/// What "the same place" in several runs means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Alignment {
    /// The same number of updates.
    #[default]
    Step,
    /// The same number of epochs.
    Epoch,
    /// The same wall time in seconds.
    Time,
    /// The same number of updates since the edit with this number, 1 for the first.
    Edit(usize),
}

/// Text that is no alignment.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("align must be step, epoch, time, edit or edit:N with N of at least 1, got `{0}`")]
pub struct AlignmentError(String);

impl FromStr for Alignment {
    type Err = AlignmentError;

    fn from_str(text: &str) -> Result<Self, AlignmentError> {
        match (text, text.strip_prefix("edit:").map(str::parse)) {
            ("step", _) => Ok(Alignment::Step),
            ("epoch", _) => Ok(Alignment::Epoch),
            ("time", _) => Ok(Alignment::Time),
            ("edit", _) => Ok(Alignment::Edit(1)),
            (_, Some(Ok(number))) if number > 0 => Ok(Alignment::Edit(number)),
            _ => Err(AlignmentError(text.to_owned())),
        }
    }
}

/// What an axis of it counts.
impl fmt::Display for Alignment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Alignment::Step => f.write_str("step"),
            Alignment::Epoch => f.write_str("epoch"),
            Alignment::Time => f.write_str("seconds"),
            Alignment::Edit(1) => f.write_str("steps since edit"),
            Alignment::Edit(number) => write!(f, "steps since edit {number}"),
        }
    }
}

/// One recorded value. What is not known of its place is not a number.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Point {
    /// Of an update its 0-based index, of an evaluation the number of updates made.
    pub step: u64,
    /// Epochs made.
    pub epoch: f64,
    /// Wall time of the run in seconds.
    pub seconds: f64,
    /// The value.
    pub value: f64,
}

/// Places by epoch and by wall time are thousandths of them.
const FINENESS: f64 = 1000.0;

/// The corners of an axis of such places, which goes on behind the last of them.
const CORNERS: [(f64, f64); 2] = [(0.0, 0.0), (FINENESS, 1.0)];

/// The places of runs that are put side by side.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Places {
    alignment: Alignment,
    /// The step of the edit that each run is aligned by.
    edits: Vec<Option<u64>>,
    /// Where that edit lies in all of them: at 0 places before it would be negative.
    origin: u64,
}

impl Places {
    /// The places of so many runs; `edit` tells at which step a run's edit with a number was made, 1 for the first.
    pub fn new(alignment: Alignment, runs: usize, edit: impl Fn(usize, usize) -> Option<u64>) -> Self {
        let edits: Vec<Option<u64>> = match alignment {
            Alignment::Edit(number) => (0..runs).map(|run| edit(run, number)).collect(),
            Alignment::Step | Alignment::Epoch | Alignment::Time => Vec::new(),
        };
        let origin = edits.iter().flatten().copied().max().unwrap_or(0);
        Places { alignment, edits, origin }
    }

    /// The place of what a run did then; `None` where that is not known, or lies further before the edit than any run
    /// began.
    pub fn of(&self, run: usize, step: u64, epoch: f64, seconds: f64) -> Option<u64> {
        match self.alignment {
            Alignment::Step => Some(step),
            Alignment::Epoch => fine(epoch),
            Alignment::Time => fine(seconds),
            Alignment::Edit(_) => (step + self.origin).checked_sub((*self.edits.get(run)?)?),
        }
    }

    /// A run's curve as places and values, in order: what a run that went back does again cannot be drawn twice.
    pub fn curve(&self, run: usize, points: &[Point]) -> Vec<(u64, f32)> {
        let mut curve: Vec<(u64, f32)> = Vec::with_capacity(points.len());
        for point in points {
            let place = self.of(run, point.step, point.epoch, point.seconds);
            if let Some(at) = place.filter(|at| curve.last().is_none_or(|(last, _)| last <= at)) {
                curve.push((at, point.value as f32));
            }
        }
        curve
    }

    /// The axis of these places.
    pub fn ruler(&self, places: Range<u64>) -> Ruler<'static> {
        let (spread, name) = match self.alignment {
            Alignment::Step => (Spread::Even(0), "step"),
            Alignment::Epoch => (Spread::Numbers(&CORNERS), "epoch"),
            Alignment::Time => (Spread::Seconds(&CORNERS), "time"),
            Alignment::Edit(_) => (Spread::Even(self.origin), "steps since edit"),
        };
        Ruler { steps: places, spread, scale: Scale::Linear, name }
    }

    /// A place in words.
    pub fn told(&self, place: u64) -> String {
        match self.alignment {
            Alignment::Step => format!("step {}", digits::thousands(place)),
            Alignment::Epoch => format!("epoch {}", digits::three(place as f64 / FINENESS)),
            Alignment::Time => digits::clock(place as f64 / FINENESS),
            Alignment::Edit(_) => format!("{:+} steps", place as i64 - self.origin as i64),
        }
    }
}

fn fine(value: f64) -> Option<u64> {
    (value.is_finite() && value >= 0.0).then_some((value * FINENESS) as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn alignments_are_understood_or_told() {
        for (text, alignment) in [("step", Alignment::Step), ("time", Alignment::Time), ("edit:2", Alignment::Edit(2))]
        {
            assert_eq!(text.parse(), Ok(alignment));
        }
        for text in ["", "edit:0", "edit:x", "steps"] {
            assert!(text.parse::<Alignment>().unwrap_err().to_string().contains("edit:N"), "{text}");
        }
    }

    #[test]
    fn runs_lie_over_each_other_at_their_edits() {
        let steps = [Some(40), None, Some(10)];
        let places = Places::new(Alignment::Edit(2), 3, |run, number| steps[run].filter(|_| number == 2));
        let of = |run, step| places.of(run, step, f64::NAN, f64::NAN);
        assert_eq!([of(0, 40), of(1, 40), of(2, 10), of(3, 10)], [Some(40), None, Some(40), None]);
        assert_eq!([of(0, 0), of(2, 0)], [Some(0), Some(30)]);
        assert_eq!([30, 40, 50].map(|place| places.told(place)), ["-10 steps", "+0 steps", "+10 steps"]);
    }

    #[test]
    fn what_is_not_known_or_done_again_has_no_place() {
        let point = |(step, epoch)| Point { step, epoch, seconds: 0.0, value: step as f64 };
        let points = [(0, 0.0), (1, 0.5), (2, f64::NAN), (3, 0.25), (4, 0.5), (5, -1.0), (6, 2.0)].map(point);
        let places = Places::new(Alignment::Epoch, 1, |_, _| None);
        assert_eq!(places.curve(0, &points), [(0, 0.0), (500, 1.0), (500, 4.0), (2000, 6.0)]);
        assert_eq!(places.told(1500), "epoch 1.50");
        // The axis goes on as it began, however far.
        let ruler = places.ruler(0..4_000_000_000);
        assert_eq!(ruler.edges(4), [0, 1_000_000_000, 2_000_000_000, 3_000_000_000, 4_000_000_000]);
    }
}
