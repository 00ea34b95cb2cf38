//! JSON lines with a step in each object: what `wdtop train --json` writes, and what others do.

use std::path::Path;

use serde_json::Value;

use super::csv::STEPS;
use super::table::Weave;
use super::{Run, name_of, read_text};
use crate::record::SourceKind;
use crate::record::error::Error;
use crate::stream::number;

/// Reads the numbers of each object, nested ones as `train/loss`. Of lines that are events only updates and evaluations
/// count.
pub(super) fn read(path: &Path, step: Option<&str>) -> Result<Run, Error> {
    let failed =
        |line: usize, what: &str| Error::Import { path: path.to_owned(), reason: format!("line {line}: {what}") };
    let text = read_text(path)?;
    let mut weave = Weave::default();
    let mut notes = Vec::new();
    for (at, line) in text.split_inclusive('\n').enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let object = match serde_json::from_str::<Value>(line) {
            Ok(Value::Object(object)) => object,
            Err(_) if !line.ends_with('\n') => {
                notes.push(format!("line {}, the last, is torn and was left out", at + 1));
                break;
            }
            _ => return Err(failed(at + 1, "it is no JSON object")),
        };
        let event = object.get("event").and_then(Value::as_str);
        if event.is_some_and(|event| !["step", "evaluated"].contains(&event)) {
            continue;
        }
        let find = |name: &str| object.iter().find(|(key, _)| key.eq_ignore_ascii_case(name));
        let found = match step {
            Some(step) => find(step),
            None => STEPS.into_iter().find_map(find),
        };
        let Some((step_key, place)) = found else {
            return Err(failed(at + 1, "it has no step; name the key of steps with --step"));
        };
        let place = place
            .as_u64()
            .or_else(|| place.as_f64().filter(|step| *step >= 0.0 && step.fract() == 0.0).map(|step| step as u64));
        let place = place.ok_or_else(|| failed(at + 1, "a step must be a whole number of at least 0"))?;
        let seconds = object.get("seconds").and_then(as_number).unwrap_or(f64::NAN);
        for (key, value) in object.iter().filter(|(key, _)| *key != step_key) {
            if !["seconds", "branch", "event"].contains(&key.as_str()) {
                add(&mut weave, key, value, place, seconds);
            }
        }
    }
    Ok(Run {
        kind: SourceKind::JsonLines,
        name: name_of(path),
        started: None,
        settings: Default::default(),
        table: weave.finish(0.0),
        notes,
    })
}

fn add(weave: &mut Weave, key: &str, value: &Value, step: u64, seconds: f64) {
    match value {
        Value::Object(fields) => {
            fields.iter().for_each(|(name, value)| add(weave, &format!("{key}/{name}"), value, step, seconds))
        }
        // Our own updates have a list of tensors by name.
        Value::Array(items) => {
            for item in items {
                if let (Some(name), Value::Object(fields)) = (item.get("name").and_then(Value::as_str), item) {
                    let numbers = fields.iter().filter(|(key, _)| *key != "name");
                    numbers.for_each(|(key, value)| add(weave, &format!("{name}/{key}"), value, step, seconds));
                }
            }
        }
        value => {
            if let Some(value) = as_number(value) {
                weave.add(key.to_owned(), [(step, seconds, value)]);
            }
        }
    }
}

/// A number, or the name of one that is not finite; other text is none.
fn as_number(value: &Value) -> Option<f64> {
    number::deserialize(value).ok()
}
