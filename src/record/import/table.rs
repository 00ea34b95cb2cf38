//! Numbers by step and column, most of which may be missing.

use std::collections::BTreeMap;

/// The numbers of a run.
#[derive(Debug, Default)]
pub(super) struct Table {
    pub(super) columns: Vec<String>,
    pub(super) rows: Vec<Row>,
}

/// What is known of one step. A place that is not known is not a number.
#[derive(Debug, Clone)]
pub(super) struct Row {
    pub(super) step: u64,
    pub(super) epoch: f64,
    pub(super) seconds: f64,
    /// Values by the number of their column, in its order.
    pub(super) values: Vec<(usize, f64)>,
}

/// Numbers that come curve by curve, put together by step.
#[derive(Debug, Default)]
pub(super) struct Weave {
    columns: Vec<String>,
    rows: BTreeMap<u64, Vec<Row>>,
}

impl Weave {
    /// Adds a curve; `points` are step, seconds (not a number where unknown) and value. A second value for a step, as a
    /// resumed run has, gets a row of its own.
    pub(super) fn add(&mut self, column: String, points: impl IntoIterator<Item = (u64, f64, f64)>) {
        let at = self.columns.iter().position(|known| *known == column).unwrap_or_else(|| {
            self.columns.push(column);
            self.columns.len() - 1
        });
        for (step, seconds, value) in points {
            let rows = self.rows.entry(step).or_default();
            let free = rows.iter_mut().find(|row| row.values.iter().all(|(column, _)| *column != at));
            match free {
                Some(row) => {
                    row.values.push((at, value));
                    row.seconds = row.seconds.max(seconds);
                }
                None => rows.push(Row { step, epoch: f64::NAN, seconds, values: vec![(at, value)] }),
            }
        }
    }

    /// The rows by step. Times count from `start`; a curve called `epoch` gives the epochs as well.
    pub(super) fn finish(self, start: f64) -> Table {
        let epoch = self.columns.iter().position(|column| column == "epoch");
        let mut rows: Vec<Row> = self.rows.into_values().flatten().collect();
        for row in &mut rows {
            row.seconds -= start;
            let found = row.values.iter().find(|(column, _)| Some(*column) == epoch);
            row.epoch = found.map_or(f64::NAN, |(_, value)| *value);
            row.values.retain(|(column, _)| Some(*column) != epoch);
            row.values.sort_by_key(|(column, _)| *column);
        }
        let mut table = Table { columns: self.columns, rows };
        table.forget(epoch);
        table
    }
}

impl Table {
    /// Takes a column without values out of the list.
    fn forget(&mut self, column: Option<usize>) {
        let Some(gone) = column else { return };
        self.columns.remove(gone);
        for (column, _) in self.rows.iter_mut().flat_map(|row| &mut row.values) {
            *column -= usize::from(*column > gone);
        }
        self.rows.retain(|row| !row.values.is_empty());
    }
}

/// A time of whatever unit in seconds: Unix times of these years in milliseconds are beyond 10¹¹.
pub(super) fn in_seconds(time: f64) -> f64 {
    if time.abs() >= 1e11 { time / 1000.0 } else { time }
}

/// A Unix time as RFC 3339; `None` where it is none.
pub(super) fn rfc_3339(seconds: f64) -> Option<String> {
    if !(1e8..1e11).contains(&seconds) {
        return None;
    }
    jiff::Timestamp::from_millisecond((seconds * 1000.0).round() as i64).ok().map(|time| time.to_string())
}
