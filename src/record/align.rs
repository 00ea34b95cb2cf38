//! Curves of several sessions at the same places: by step, epoch, wall time, or since an edit.

use serde::Serialize;
use thiserror::Error as Wrong;

use super::compare::Number;
use super::curves::Point;
use super::error::Error;
use super::session::Session;

/// What "the same place" in two sessions means.
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
#[derive(Debug, Clone, PartialEq, Eq, Wrong)]
#[error("align must be step, epoch, time, edit or edit:N with N of at least 1, got `{0}`")]
pub struct AlignmentError(String);

impl std::str::FromStr for Alignment {
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

impl std::fmt::Display for Alignment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Alignment::Step => f.write_str("step"),
            Alignment::Epoch => f.write_str("epoch"),
            Alignment::Time => f.write_str("seconds"),
            Alignment::Edit(1) => f.write_str("steps since edit"),
            Alignment::Edit(number) => write!(f, "steps since edit {number}"),
        }
    }
}

/// One curve of each session, read at the same places.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Aligned {
    /// The curve's name.
    pub column: String,
    /// What the places are.
    pub align: String,
    /// The places, in order.
    pub rows: Vec<AlignedRow>,
}

/// The curves at one place.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AlignedRow {
    /// The place.
    pub at: Number,
    /// Each session's last value there or before; `None` outside its curve.
    pub values: Vec<Option<Number>>,
}

/// Reads curves at `points` places from the first to the last that any session has, at even distances.
///
/// # Errors
/// Where a column is in none of the sessions, or a step file cannot be opened.
pub(super) fn align(
    sessions: &[Session],
    columns: &[String],
    alignment: Alignment,
    points: usize,
) -> Result<Vec<Aligned>, Error> {
    let names: Vec<&str> = columns.iter().map(String::as_str).collect();
    let mut curves = sessions
        .iter()
        .map(|session| {
            Ok(session.curves(&names)?.into_iter().map(|curve| placed(session, &curve, alignment)).collect())
        })
        .collect::<Result<Vec<Vec<Vec<(f64, f64)>>>, Error>>()?;
    columns
        .iter()
        .enumerate()
        .map(|(at, column)| {
            let known = sessions.iter().any(|session| session.has_curve(column));
            if !known {
                let mut known: Vec<String> = sessions.iter().flat_map(Session::columns).collect();
                known.sort();
                known.dedup();
                return Err(Error::Column { name: column.clone(), known: known.join(", ") });
            }
            let curves: Vec<_> = curves.iter_mut().map(|curves| std::mem::take(&mut curves[at])).collect();
            Ok(Aligned { column: column.clone(), align: alignment.to_string(), rows: rows(&curves, alignment, points) })
        })
        .collect()
}

/// A curve as places and values, the places in order. A session without the edit has none.
fn placed(session: &Session, curve: &[Point], alignment: Alignment) -> Vec<(f64, f64)> {
    let edit = |number: usize| session.edits().nth(number - 1).map(|edit| edit.step as f64);
    let place = |point: &Point| match alignment {
        Alignment::Step => point.step as f64,
        Alignment::Epoch => point.epoch,
        Alignment::Time => point.seconds,
        Alignment::Edit(number) => edit(number).map_or(f64::NAN, |edit| point.step as f64 - edit),
    };
    let mut placed: Vec<(f64, f64)> = curve.iter().map(|point| (place(point), point.value)).collect();
    placed.retain(|(place, _)| place.is_finite());
    placed.sort_by(|(one, _), (other, _)| one.total_cmp(other));
    placed
}

fn rows(curves: &[Vec<(f64, f64)>], alignment: Alignment, points: usize) -> Vec<AlignedRow> {
    let ends = || curves.iter().filter_map(|curve| Some((curve.first()?.0, curve.last()?.0)));
    let Some((first, last)) = ends().reduce(|one, other| (one.0.min(other.0), one.1.max(other.1))) else {
        return Vec::new();
    };
    let share = |at: usize| if points > 1 { at as f64 / (points - 1) as f64 } else { 1.0 };
    let mut places: Vec<f64> = (0..points).map(|at| first + (last - first) * share(at)).collect();
    if matches!(alignment, Alignment::Step | Alignment::Edit(_)) {
        places.iter_mut().for_each(|place| *place = place.round());
    }
    places.dedup();
    let value = |curve: &Vec<(f64, f64)>, place: f64| {
        let inside = curve.last().is_some_and(|(last, _)| place <= *last);
        let before = curve.partition_point(|(at, _)| *at <= place);
        before.checked_sub(1).filter(|_| inside).map(|at| Number(curve[at].1))
    };
    let row = |at: f64| AlignedRow { at: Number(at), values: curves.iter().map(|curve| value(curve, at)).collect() };
    places.into_iter().map(row).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn curves_are_read_at_the_same_places_and_not_beyond_their_ends() {
        let curves = [vec![(0.0, 1.0), (4.0, f64::NAN), (10.0, 3.0)], vec![(5.0, 7.0), (20.0, 8.0)], Vec::new()];
        let rows = rows(&curves, Alignment::Step, 5);
        let told: Vec<String> = rows
            .iter()
            .map(|row| {
                let values = row.values.iter().map(|value| value.map_or("-".into(), |value| value.0.to_string()));
                format!("{}: {}", row.at.0, values.collect::<Vec<_>>().join(" "))
            })
            .collect();
        assert_eq!(told, ["0: 1 - -", "5: NaN 7 -", "10: 3 7 -", "15: - 7 -", "20: - 8 -"]);
    }

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
}
