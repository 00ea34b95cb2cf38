//! What sessions came to, side by side: values, the settings that differ, the edits.

use std::collections::BTreeMap;
use std::thread;

use serde::Serialize;
use serde_json::Value;

use super::Origin;
use super::align::{Aligned, align};
use super::error::Error;
use super::outcome::{Outcome, Scores};
use super::session::Session;
use super::table::plain;
use crate::chart::Alignment;
use crate::stream::{Edit, number};

/// Sessions side by side.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Comparison {
    /// What each session came to, in the order given.
    pub sessions: Vec<Outline>,
    /// Settings that are not the same in all of them.
    pub settings: Vec<Difference>,
    /// Edits by the step of the first update that used them.
    pub edits: Vec<EditRow>,
    /// The place among the sessions of the one from which differences are told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub baseline: Option<usize>,
    /// Curves, where some were asked for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub curves: Vec<Aligned>,
}

/// A value that is written by name where it is not finite.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Serialize)]
#[serde(transparent)]
pub struct Number(#[serde(with = "number")] pub f64);

/// What one session came to. Of one without an end, the final values are those of its last evaluation and its last
/// recorded update.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Outline {
    /// The session's name.
    pub name: String,
    /// Whether it runs, or how it ended.
    pub state: String,
    /// Updates made; of an imported session the last step it knows.
    pub steps: u64,
    /// Epochs made.
    pub epochs: Option<Number>,
    /// Wall time in seconds, pauses included.
    pub seconds: Option<Number>,
    /// Training samples processed for each second.
    pub samples_per_second: Option<Number>,
    /// The lowest validation loss.
    pub best_loss: Option<Best>,
    /// The highest validation accuracy.
    pub best_accuracy: Option<Best>,
    /// The validation set at the end.
    pub validation: Scores,
    /// The training set at the end.
    pub train: Scores,
    /// ½·Σ λ_t·‖w_t‖² of the last update.
    pub penalty: Option<Number>,
    /// ‖w‖ of each tensor at the end, in the network's order.
    pub norms: Vec<TensorNorm>,
    /// The hash over the final weights.
    pub digest: Option<String>,
    /// Whether the final values are final.
    pub standing: Standing,
    /// What was dropped of it.
    pub notes: Vec<String>,
}

/// A tensor at the end.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TensorNorm {
    /// The tensor's name.
    pub name: String,
    /// ‖w‖, its 2-norm.
    #[serde(with = "number")]
    pub norm: f64,
}

/// Where the final values come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// The run's own summary.
    Final,
    /// The last evaluation and the last recorded update.
    SoFar,
    /// The last values that the source has.
    Imported,
}

/// A best value and where it was.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Best {
    /// The value.
    #[serde(with = "number")]
    pub value: f64,
    /// Updates made then.
    pub step: u64,
}

/// A setting that is not the same everywhere.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Difference {
    /// Its place in the configuration, `optimizer.hyper.beta1`.
    pub key: String,
    /// Its value in each session; `None` where the session has no such setting.
    pub values: Vec<Option<String>>,
}

/// The edits that took effect at one step: of each session the first, or the second and so on.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct EditRow {
    /// 0-based index of the first update that used them.
    pub step: u64,
    /// Each session's edit.
    pub edits: Vec<Option<Edit>>,
}

/// Puts sessions side by side.
///
/// # Errors
/// Where a step file is there and cannot be opened.
pub fn compare(sessions: &[Session]) -> Result<Comparison, Error> {
    Ok(Comparison {
        sessions: outlines(sessions)?,
        settings: differences(sessions),
        edits: edits(sessions),
        baseline: None,
        curves: Vec::new(),
    })
}

impl Comparison {
    /// Adds curves, read at so many places.
    ///
    /// # Errors
    /// Where a column is in none of the sessions, or a step file cannot be opened.
    pub fn add_curves(
        &mut self,
        sessions: &[Session],
        columns: &[String],
        alignment: Alignment,
        points: usize,
    ) -> Result<(), Error> {
        self.curves = align(sessions, columns, alignment, points)?;
        Ok(())
    }
}

/// What each came to, read by several threads: with a million updates each, that is what a comparison waits for.
fn outlines(sessions: &[Session]) -> Result<Vec<Outline>, Error> {
    let threads = thread::available_parallelism().map_or(1, usize::from);
    let part = sessions.len().div_ceil(threads).max(1);
    thread::scope(|scope| {
        let parts: Vec<_> = sessions
            .chunks(part)
            .map(|part| scope.spawn(move || part.iter().map(outline).collect::<Result<Vec<_>, _>>()))
            .collect();
        let mut outlines = Vec::with_capacity(sessions.len());
        for part in parts {
            outlines.extend(part.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))?);
        }
        Ok(outlines)
    })
}

fn outline(session: &Session) -> Result<Outline, Error> {
    let mut outcome = Outcome::of(session)?;
    let mut notes: Vec<String> = session.dropped.iter().cloned().collect();
    let last = match outcome.last.take() {
        None if session.summary().is_some() => {
            let (last, torn) = session.last_update()?;
            notes.extend(torn);
            last
        }
        last => last,
    };
    notes.append(&mut outcome.notes);
    let norm = |name: &str, norm| TensorNorm { name: name.to_owned(), norm };
    let norms = match (session.summary(), &last) {
        (Some(summary), _) => summary.tensors.iter().map(|tensor| norm(&tensor.name, tensor.norm)).collect(),
        (None, Some(last)) => {
            session.tensors().iter().zip(&last.sums).map(|(name, sums)| norm(name, sums.norm())).collect()
        }
        (None, None) => Vec::new(),
    };
    let so_far = || {
        let last = last.as_ref().filter(|last| last.row.seconds > 0.0)?;
        let samples = last.row.epoch * session.description()?.data.train as f64;
        Some(Number(samples / last.row.seconds))
    };
    Ok(Outline {
        name: session.name.clone(),
        state: session.state.to_string(),
        steps: outcome.steps,
        epochs: outcome.epochs,
        seconds: outcome.seconds,
        samples_per_second: session.summary().map(|summary| Number(summary.samples_per_second)).or_else(so_far),
        best_loss: outcome.best_loss,
        best_accuracy: outcome.best_accuracy,
        validation: outcome.validation,
        train: outcome.train,
        penalty: last.as_ref().map(|last| Number(last.row.penalty)),
        norms,
        digest: session.summary().map(|summary| summary.digest.clone()),
        standing: match (session.imported(), session.summary()) {
            (Some(_), _) => Standing::Imported,
            (None, Some(_)) => Standing::Final,
            (None, None) => Standing::SoFar,
        },
        notes,
    })
}

fn differences(sessions: &[Session]) -> Vec<Difference> {
    let settings: Vec<_> = sessions.iter().map(settings).collect();
    let keys = settings.iter().flat_map(BTreeMap::keys).collect::<std::collections::BTreeSet<_>>();
    let differ = |values: &[Option<String>]| values.windows(2).any(|pair| pair[0] != pair[1]);
    keys.into_iter()
        .map(|key| Difference {
            key: key.clone(),
            values: settings.iter().map(|settings| settings.get(key).cloned()).collect(),
        })
        .filter(|difference| {
            // That an imported session knows none of our settings is no difference between settings.
            let named = sessions.iter().zip(&difference.values);
            let (imported, ours): (Vec<_>, Vec<_>) = named.partition(|(session, _)| session.imported().is_some());
            let ours: Vec<Option<String>> = ours.into_iter().map(|(_, value)| value.clone()).collect();
            let told = imported.iter().any(|(_, value)| value.is_some());
            differ(&ours) || told && differ(&difference.values)
        })
        .collect()
}

/// All settings of a session by dotted key, with the data's fingerprint and the program's version; of an imported one
/// those that its source has.
pub(super) fn settings(session: &Session) -> BTreeMap<String, String> {
    let run = match &session.manifest.origin {
        Origin::Run(run) => run,
        Origin::Imported { imported } => return imported.settings.clone(),
    };
    let mut flat = BTreeMap::new();
    // Plain data serialises; if it ever does not, there is nothing to compare.
    flatten("", &serde_json::to_value(&run.config).unwrap_or_default(), &mut flat);
    flat.insert("data.fingerprint".into(), short_hash(&run.data.fingerprint));
    flat.insert("wdtop".into(), run.machine.wdtop.clone());
    flat
}

fn flatten(key: &str, value: &Value, flat: &mut BTreeMap<String, String>) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                let key = if key.is_empty() { name.clone() } else { format!("{key}.{name}") };
                flatten(&key, value, flat);
            }
        }
        // Planned edits have a table of their own; other lists are short.
        Value::Array(_) if key == "edits" => {}
        Value::Array(items) if items.is_empty() => drop(flat.insert(key.to_owned(), "none".into())),
        Value::Array(items) => {
            let words: Vec<String> =
                items.iter().map(|item| item.as_str().map_or_else(|| item.to_string(), str::to_owned)).collect();
            flat.insert(key.to_owned(), words.join(" "));
        }
        Value::Null => drop(flat.insert(key.to_owned(), "none".into())),
        Value::String(text) => drop(flat.insert(key.to_owned(), text.clone())),
        Value::Number(number) => {
            let plain = number.as_f64().filter(|_| number.is_f64()).map_or_else(|| number.to_string(), plain);
            flat.insert(key.to_owned(), plain);
        }
        Value::Bool(value) => drop(flat.insert(key.to_owned(), value.to_string())),
    }
}

/// The first characters of a named hash: enough to see that two differ.
pub(super) fn short_hash(hash: &str) -> String {
    let digits = hash.split_once(':').map_or(hash, |(_, digits)| digits);
    digits.chars().take(12).collect()
}

fn edits(sessions: &[Session]) -> Vec<EditRow> {
    let mut rows: BTreeMap<u64, Vec<Vec<Option<Edit>>>> = BTreeMap::new();
    for (at, session) in sessions.iter().enumerate() {
        let mut before = BTreeMap::<u64, usize>::new();
        for edit in session.edits() {
            let place = before.entry(edit.step).or_default();
            let rows = rows.entry(edit.step).or_default();
            if rows.len() <= *place {
                rows.push(vec![None; sessions.len()]);
            }
            rows[*place][at] = Some(edit.clone());
            *place += 1;
        }
    }
    rows.into_iter().flat_map(|(step, rows)| rows.into_iter().map(move |edits| EditRow { step, edits })).collect()
}
