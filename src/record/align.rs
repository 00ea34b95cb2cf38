//! Curves of several sessions at the same places: by step, epoch, wall time, or since an edit.

use serde::Serialize;

use super::compare::Number;
use super::error::Error;
use super::session::Session;
use crate::chart::{Alignment, Point};

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
    let origin = match alignment {
        Alignment::Edit(number) => session.edits().nth(number - 1).map_or(f64::NAN, |edit| edit.step as f64),
        _ => 0.0,
    };
    let place = |point: &Point| match alignment {
        Alignment::Step | Alignment::Edit(_) => point.step as f64 - origin,
        Alignment::Epoch => point.epoch,
        Alignment::Time => point.seconds,
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
}
