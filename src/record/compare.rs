//! What sessions came to, side by side: values, the settings that differ, the edits.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

use super::error::Error;
use super::session::Session;
use super::table::plain;
use crate::stream::{Edit, Score, number};

/// Sessions side by side.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Comparison {
    /// What each session came to, in the order given.
    pub sessions: Vec<Outline>,
    /// Settings that are not the same in all of them.
    pub settings: Vec<Difference>,
    /// Edits by the step of the first update that used them.
    pub edits: Vec<EditRow>,
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
    /// Updates made.
    pub steps: u64,
    /// Epochs made.
    pub epochs: Number,
    /// Wall time in seconds, pauses included.
    pub seconds: Number,
    /// Training samples processed for each second.
    pub samples_per_second: Option<Number>,
    /// The lowest validation loss.
    pub best_loss: Option<Best>,
    /// The highest validation accuracy.
    pub best_accuracy: Option<Best>,
    /// The validation set at the end.
    pub validation: Option<Score>,
    /// The training set at the end.
    pub train: Option<Score>,
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
        sessions: sessions.iter().map(outline).collect::<Result<_, _>>()?,
        settings: differences(sessions),
        edits: edits(sessions),
    })
}

impl Best {
    /// The lowest validation loss. What is not a number is never best.
    pub(super) fn loss(session: &Session) -> Option<Best> {
        validations(session)
            .map(|(step, score)| Best { value: score.loss, step })
            .filter(|best| !best.value.is_nan())
            .reduce(|best, next| if next.value < best.value { next } else { best })
    }

    /// The highest validation accuracy. What is not a number is never best.
    pub(super) fn accuracy(session: &Session) -> Option<Best> {
        validations(session)
            .map(|(step, score)| Best { value: score.accuracy, step })
            .filter(|best| !best.value.is_nan())
            .reduce(|best, next| if next.value > best.value { next } else { best })
    }
}

/// The validation set's scores with their steps, that of the final weights included.
fn validations(session: &Session) -> impl Iterator<Item = (u64, Score)> {
    let evaluated = session.evaluations().map(|evaluation| (evaluation.step, evaluation.validation));
    evaluated.chain(session.summary().map(|summary| (summary.steps, summary.validation)))
}

fn outline(session: &Session) -> Result<Outline, Error> {
    let (last, torn) = session.last_update()?;
    let evaluation = session.evaluations().next_back();
    let tensors = session.description().tensors.iter();
    let norm = |name: &str, norm| TensorNorm { name: name.to_owned(), norm };
    let common = Outline {
        name: session.name.clone(),
        state: session.state.to_string(),
        steps: 0,
        epochs: Number(0.0),
        seconds: Number(0.0),
        samples_per_second: None,
        best_loss: Best::loss(session),
        best_accuracy: Best::accuracy(session),
        validation: evaluation.map(|evaluation| evaluation.validation),
        train: evaluation.map(|evaluation| evaluation.train),
        penalty: last.as_ref().map(|last| Number(last.row.penalty)),
        norms: Vec::new(),
        digest: None,
        standing: Standing::SoFar,
        notes: session.dropped.iter().cloned().chain(torn).collect(),
    };
    if let Some(summary) = session.summary() {
        return Ok(Outline {
            steps: summary.steps,
            epochs: Number(summary.epochs),
            seconds: Number(summary.seconds),
            samples_per_second: Some(Number(summary.samples_per_second)),
            validation: Some(summary.validation),
            train: Some(summary.train),
            norms: summary.tensors.iter().map(|tensor| norm(&tensor.name, tensor.norm)).collect(),
            digest: Some(summary.digest.clone()),
            standing: Standing::Final,
            ..common
        });
    }
    let Some(last) = last else { return Ok(common) };
    let samples = last.row.epoch * session.description().data.train as f64;
    Ok(Outline {
        steps: last.row.step + 1,
        epochs: Number(last.row.epoch),
        seconds: Number(last.row.seconds),
        samples_per_second: (last.row.seconds > 0.0).then(|| Number(samples / last.row.seconds)),
        norms: tensors.zip(&last.sums).map(|(tensor, sums)| norm(&tensor.name, sums.norm())).collect(),
        ..common
    })
}

fn differences(sessions: &[Session]) -> Vec<Difference> {
    let settings: Vec<_> = sessions.iter().map(settings).collect();
    let keys = settings.iter().flat_map(BTreeMap::keys).collect::<std::collections::BTreeSet<_>>();
    keys.into_iter()
        .map(|key| Difference {
            key: key.clone(),
            values: settings.iter().map(|settings| settings.get(key).cloned()).collect(),
        })
        .filter(|difference| difference.values.iter().any(|value| *value != difference.values[0]))
        .collect()
}

/// All settings of a session by dotted key, with the data's fingerprint and the program's version.
fn settings(session: &Session) -> BTreeMap<String, String> {
    let run = session.description();
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
