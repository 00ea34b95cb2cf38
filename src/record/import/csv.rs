//! CSV and TSV with a step column: Lightning's `metrics.csv` and what else writes a table.

use std::collections::BTreeMap;
use std::path::Path;

use csv::{ReaderBuilder, StringRecord};

use super::table::{Row, Table, in_seconds, rfc_3339};
use super::{Run, name_of, read_text, yaml};
use crate::record::SourceKind;
use crate::record::error::Error;

/// Names that the column of steps has, the likeliest first; case does not matter.
pub(super) const STEPS: [&str; 6] = ["step", "global_step", "steps", "iteration", "iter", "update"];
/// Names of wall time since the beginning.
const SECONDS: [&str; 3] = ["seconds", "elapsed", "elapsed_seconds"];
/// Names of Unix time.
const CLOCK: [&str; 4] = ["wall time", "wall_time", "timestamp", "time"];

/// What a column of the file is.
enum Use {
    Step,
    Epoch,
    Seconds,
    Clock,
    Value(usize),
}

/// Reads a table. An empty cell is a missing value; a column with text is left out.
pub(super) fn read(path: &Path, step: Option<&str>) -> Result<Run, Error> {
    let failed = |reason: String| Error::Import { path: path.to_owned(), reason };
    let text = read_text(path)?;
    let text = text.trim_start_matches('\u{feff}');
    let head = text.lines().next().unwrap_or_default();
    let delimiter = [b'\t', b';', b','].into_iter().find(|delimiter| head.contains(char::from(*delimiter)));
    let mut reader =
        ReaderBuilder::new().delimiter(delimiter.unwrap_or(b',')).flexible(true).from_reader(text.as_bytes());
    let header = reader.headers().map_err(|error| failed(error.to_string()))?.clone();
    let mut records = reader.records().collect::<Result<Vec<_>, _>>().map_err(|error| failed(error.to_string()))?;
    let mut notes = Vec::new();
    if !text.ends_with('\n') && records.last().is_some_and(|last| last.len() < header.len()) {
        records.pop();
        notes.push(format!("line {}, the last, is torn and was left out", records.len() + 2));
    }

    let names: Vec<String> = header.iter().map(|name| name.trim().to_owned()).collect();
    let step_column = step_column(&names, step).map_err(failed)?;
    let mut columns = Vec::new();
    let uses: Vec<Option<Use>> = names
        .iter()
        .enumerate()
        .map(|(at, name)| {
            let is = |names: &[&str]| names.contains(&name.to_lowercase().as_str());
            let numeric = || records.iter().filter_map(|record| record.get(at)).all(|cell| number(cell).is_ok());
            Some(match () {
                () if at == step_column => Use::Step,
                () if name.is_empty() => return None,
                () if !numeric() => {
                    notes.push(format!("column {name} is text and was left out"));
                    return None;
                }
                () if name == "epoch" => Use::Epoch,
                () if is(&SECONDS) => Use::Seconds,
                () if is(&CLOCK) => Use::Clock,
                () => {
                    columns.push(name.clone());
                    Use::Value(columns.len() - 1)
                }
            })
        })
        .collect();

    let mut start = None;
    let mut rows = Vec::with_capacity(records.len());
    for (at, record) in records.iter().enumerate() {
        if record.len() != names.len() {
            let (got, expected, line) = (record.len(), names.len(), at + 2);
            return Err(failed(format!("line {line} has {got} cells, the header has {expected}")));
        }
        let row = read_row(record, &uses, &mut start).map_err(|what| failed(format!("line {}: {what}", at + 2)))?;
        if !row.values.is_empty() {
            rows.push(row);
        }
    }
    Ok(Run {
        kind: SourceKind::Csv,
        name: name_of(path),
        started: start.and_then(rfc_3339),
        settings: beside(path),
        table: Table { columns, rows },
        notes,
    })
}

/// The settings that Lightning keeps beside its table.
fn beside(path: &Path) -> BTreeMap<String, String> {
    let text = read_text(&path.with_file_name("hparams.yaml")).unwrap_or_default();
    yaml::read(&text)
}

/// The column of steps: the one that was named, or one whose name says so.
pub(super) fn step_column(names: &[String], wanted: Option<&str>) -> Result<usize, String> {
    let find = |wanted: &str| names.iter().position(|name| name.eq_ignore_ascii_case(wanted));
    let have = || names.join(", ");
    match wanted {
        Some(wanted) => find(wanted).ok_or_else(|| format!("it has no column `{wanted}`; it has {}", have())),
        None => STEPS.into_iter().find_map(find).ok_or_else(|| {
            format!("none of its columns is called step; name the column of steps with --step, it has {}", have())
        }),
    }
}

fn read_row(record: &StringRecord, uses: &[Option<Use>], start: &mut Option<f64>) -> Result<Row, String> {
    let mut row = Row { step: 0, epoch: f64::NAN, seconds: f64::NAN, values: Vec::new() };
    for (cell, column) in record.iter().zip(uses) {
        let Some(column) = column else { continue };
        if let Use::Step = column {
            row.step = whole(cell)?;
            continue;
        }
        // Columns with anything else were left out.
        let Ok(Some(value)) = number(cell) else { continue };
        match column {
            Use::Step => {}
            Use::Epoch => row.epoch = value,
            Use::Seconds => row.seconds = value,
            Use::Clock => row.seconds = in_seconds(value) - *start.get_or_insert(in_seconds(value)),
            Use::Value(at) => row.values.push((*at, value)),
        }
    }
    Ok(row)
}

/// A step; tables that were written with missing values have them as `49.0`.
fn whole(cell: &str) -> Result<u64, String> {
    let value =
        cell.trim().parse::<f64>().ok().filter(|value| *value >= 0.0 && value.fract() == 0.0 && *value < 2f64.powi(53));
    value.map(|value| value as u64).ok_or_else(|| format!("a step must be a whole number of at least 0, got `{cell}`"))
}

/// A number, or nothing for an empty cell.
fn number(cell: &str) -> Result<Option<f64>, ()> {
    match cell.trim() {
        "" => Ok(None),
        cell => cell.parse().map(Some).map_err(|_| ()),
    }
}
