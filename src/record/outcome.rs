//! What a session came to, whether it has an end, none yet, or was imported.

use serde::Serialize;

use super::compare::{Best, Number};
use super::error::Error;
use super::session::Session;
use super::steps::LastUpdate;
use crate::chart::Point;
use crate::stream::Score;

/// What a session came to.
pub(super) struct Outcome {
    /// Updates made; of an imported session the last step it knows.
    pub(super) steps: u64,
    pub(super) epochs: Option<Number>,
    pub(super) seconds: Option<Number>,
    pub(super) best_loss: Option<Best>,
    pub(super) best_accuracy: Option<Best>,
    pub(super) validation: Scores,
    pub(super) train: Scores,
    /// The last recorded update, of a run without an end.
    pub(super) last: Option<LastUpdate>,
    /// What was dropped of the steps, or left out by an import.
    pub(super) notes: Vec<String>,
}

/// A data set's scores, as far as they are known.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Scores {
    /// Mean loss.
    pub loss: Option<Number>,
    /// Correct share.
    pub accuracy: Option<Number>,
}

impl From<Score> for Scores {
    fn from(score: Score) -> Self {
        Scores { loss: Some(Number(score.loss)), accuracy: Some(Number(score.accuracy)) }
    }
}

impl Outcome {
    pub(super) fn of(session: &Session) -> Result<Outcome, Error> {
        if session.imported().is_some() {
            return Outcome::of_imported(session);
        }
        let evaluation = session.evaluations().next_back();
        let validations = |value: fn(Score) -> f64| {
            let evaluated = session.evaluations().map(|evaluation| (evaluation.step, evaluation.validation));
            let all = evaluated.chain(session.summary().map(|summary| (summary.steps, summary.validation)));
            all.map(move |(step, score)| Best { value: value(score), step })
        };
        let common = Outcome {
            steps: 0,
            epochs: Some(Number(0.0)),
            seconds: Some(Number(0.0)),
            best_loss: lowest(validations(|score| score.loss)),
            best_accuracy: highest(validations(|score| score.accuracy)),
            validation: evaluation.map(|evaluation| evaluation.validation.into()).unwrap_or_default(),
            train: evaluation.map(|evaluation| evaluation.train.into()).unwrap_or_default(),
            last: None,
            notes: Vec::new(),
        };
        if let Some(summary) = session.summary() {
            return Ok(Outcome {
                steps: summary.steps,
                epochs: Some(Number(summary.epochs)),
                seconds: Some(Number(summary.seconds)),
                validation: summary.validation.into(),
                train: summary.train.into(),
                ..common
            });
        }
        // Only a session without an end has to be asked for its steps.
        let (last, torn) = session.last_update()?;
        let notes = torn.into_iter().collect();
        Ok(match last {
            Some(last) => Outcome {
                steps: last.row.step + 1,
                epochs: Some(Number(last.row.epoch)),
                seconds: Some(Number(last.row.seconds)),
                last: Some(last),
                notes,
                ..common
            },
            None => Outcome { notes, ..common },
        })
    }

    fn of_imported(session: &Session) -> Result<Outcome, Error> {
        let columns = session.columns();
        let names = ["validation/loss", "validation/accuracy", "train/loss", "train/accuracy"];
        let all: Vec<&str> = names.into_iter().chain(columns.iter().map(String::as_str)).collect();
        let curves = session.curves(&all)?;
        let best = |curve: &[Point]| {
            curve.iter().map(|point| Best { value: point.value, step: point.step }).collect::<Vec<_>>().into_iter()
        };
        let end = |curve: &[Point]| curve.last().map(|point| Number(point.value));
        let furthest = |value: fn(&Point) -> f64| {
            let values = curves.iter().flatten().map(value).filter(|value| value.is_finite());
            values.reduce(f64::max).map(Number)
        };
        Ok(Outcome {
            steps: curves.iter().flatten().map(|point| point.step).max().unwrap_or(0),
            epochs: furthest(|point| point.epoch),
            seconds: furthest(|point| point.seconds),
            best_loss: lowest(best(&curves[0])),
            best_accuracy: highest(best(&curves[1])),
            validation: Scores { loss: end(&curves[0]), accuracy: end(&curves[1]) },
            train: Scores { loss: end(&curves[2]), accuracy: end(&curves[3]) },
            last: None,
            notes: session.imported().map(|imported| imported.notes.clone()).unwrap_or_default(),
        })
    }
}

/// The lowest; what is not a number is never best.
pub(super) fn lowest(values: impl Iterator<Item = Best>) -> Option<Best> {
    let numbers = values.filter(|best| !best.value.is_nan());
    numbers.reduce(|best, next| if next.value < best.value { next } else { best })
}

/// The highest; what is not a number is never best.
pub(super) fn highest(values: impl Iterator<Item = Best>) -> Option<Best> {
    let numbers = values.filter(|best| !best.value.is_nan());
    numbers.reduce(|best, next| if next.value > best.value { next } else { best })
}
