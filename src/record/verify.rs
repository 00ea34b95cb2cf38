//! A run against its recording: every recorded value but the wall time, bit for bit, or within a tolerance.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;

use arrow_array::cast::AsArray;
use arrow_array::types::{ArrowPrimitiveType, Float32Type, Float64Type, UInt32Type, UInt64Type};
use arrow_array::{Array, RecordBatch};
use arrow_schema::{DataType, SchemaRef};

use super::columns;
use super::error::Error;
use super::session::Session;
use super::steps::Batches;
use crate::stream::{
    DecayMode, Distribution, Edit, Evaluation, Event, EventReceiver, Score, Spectra, StepBatch, Summary,
    TensorSpectrum, What,
};

/// How equal values have to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exactness {
    /// Bit for bit.
    Bits,
    /// Losses, norms, penalties and hyperparameters to [`TOLERANCE`], accuracies to as many points; sums that may cancel
    /// out, counts and the digest are not compared.
    Tolerance,
}

/// What is allowed between programs or processors that are not known to give the same bits, as a share of the value.
/// Rounding differences grow with every update; a run that is another one differs by more within a few.
pub const TOLERANCE: f64 = 0.02;

/// What a comparison came to.
#[derive(Debug, Clone, PartialEq)]
pub enum Verdict {
    /// All that was recorded came again.
    Same(Compared),
    /// The first difference.
    Differs(Deviation),
}

/// How much was compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Compared {
    /// Updates.
    pub steps: u64,
    /// Evaluations.
    pub evaluations: usize,
    /// Edits.
    pub edits: usize,
}

/// A recorded value that did not come again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deviation {
    /// The update, or the number of updates made.
    pub step: u64,
    /// The column, or what it is of: `evaluation validation/loss`.
    pub column: String,
    /// What was recorded.
    pub recorded: String,
    /// What came.
    pub again: String,
}

impl fmt::Display for Deviation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Deviation { step, column, recorded, again } = self;
        write!(f, "step {step}: {column} was {recorded}, now it is {again}")
    }
}

/// Compares what a run that repeats a session tells with the session, from the snapshot of a step on, 0 for the
/// beginning. It reads no further than the first difference.
///
/// # Errors
/// Where the session's steps cannot be opened, another tool recorded it, there is no such snapshot, or the run broke down.
pub fn verify(session: &Session, from: u64, events: &EventReceiver, exactness: Exactness) -> Result<Verdict, Error> {
    let mut comparison = Comparison::new(session, from, exactness)?;
    while let Ok(event) = events.recv() {
        if let What::Failed { step, message } = &event.what {
            return Err(Error::Again { step: *step, message: message.clone() });
        }
        if let Some(deviation) = comparison.take(&event) {
            return Ok(Verdict::Differs(deviation));
        }
        if let What::Steps(batch) = event.what {
            events.recycle(batch);
        }
    }
    Ok(comparison.conclude())
}

/// Where an evaluation belongs: how often the run went back before it, for then a step can be evaluated twice, and its
/// step.
type Place = (u64, u64);

struct Comparison {
    exactness: Exactness,
    schema: SchemaRef,
    batches: Batches,
    /// Recorded rows that were not compared yet.
    rows: Option<RecordBatch>,
    evaluations: BTreeMap<Place, VecDeque<Evaluation>>,
    spectra: BTreeMap<Place, VecDeque<Spectra>>,
    edits: VecDeque<Edit>,
    summary: Option<Summary>,
    compared: Compared,
    /// Updates that the run has told of.
    again: u64,
    /// How often it went back to a snapshot.
    returns: u64,
}

impl Comparison {
    fn new(session: &Session, from: u64, exactness: Exactness) -> Result<Comparison, Error> {
        let run = session.run()?;
        let mut batches = session.batches()?;
        let rows = batches.by_ref().find_map(|rows| {
            let before = rows_before(&rows, from);
            (before < rows.num_rows()).then(|| rows.slice(before, rows.num_rows() - before))
        });
        // What is due at a step is evaluated before a snapshot of it.
        let is_again = |step: u64| step > from || from == 0 || !from.is_multiple_of(run.evaluation_period());
        // At the snapshot's own step directions from before it were known; whoever begins there finds its own.
        let knows_the_same = |step: u64, returns: u64| step > from || from == 0 || returns > 0;
        let events = session.events_from(from)?;
        let end = session.repeat()?.script.end;
        let mut evaluations: BTreeMap<Place, VecDeque<Evaluation>> = BTreeMap::new();
        let mut spectra: BTreeMap<Place, VecDeque<Spectra>> = BTreeMap::new();
        let mut returns = 0;
        let mut edits = VecDeque::new();
        let is_inside = |step: u64| end.is_none_or(|end| step <= end);
        for event in events {
            match &event.what {
                What::Restored { .. } => returns += 1,
                What::Evaluated(evaluation) if is_inside(evaluation.step) && is_again(evaluation.step) => {
                    evaluations.entry((returns, evaluation.step)).or_default().push_back(evaluation.clone());
                }
                What::Spectrum(measured)
                    if is_inside(measured.step)
                        && is_again(measured.step)
                        && knows_the_same(measured.step, returns) =>
                {
                    spectra.entry((returns, measured.step)).or_default().push_back(measured.clone());
                }
                What::Edited(edit) if is_inside(edit.step) => edits.push_back(edit.clone()),
                _ => {}
            }
        }
        Ok(Comparison {
            exactness,
            // Those of any decay mode: it may be turned, and columns that were not recorded are passed over.
            schema: columns::schema(&session.tensors(), DecayMode::Cautious),
            rows,
            batches,
            evaluations,
            spectra,
            edits,
            summary: session.summary().cloned(),
            compared: Compared::default(),
            again: from,
            returns: 0,
        })
    }

    fn take(&mut self, event: &Event) -> Option<Deviation> {
        match &event.what {
            What::Steps(batch) => self.take_rows(batch, event.branch),
            What::Evaluated(evaluation) => self.take_evaluation(evaluation),
            What::Spectrum(spectra) => self.take_spectra(spectra),
            What::Edited(edit) => self.take_edit(edit),
            What::Restored { .. } => {
                self.returns += 1;
                None
            }
            What::Finished(summary) => self.take_summary(summary),
            _ => None,
        }
    }

    fn take_rows(&mut self, batch: &StepBatch, branch: u32) -> Option<Deviation> {
        let columns = columns::encode(&self.schema, batch, &vec![branch; batch.len()]);
        let mut again = match columns {
            Ok(columns) => columns,
            Err(error) => return Some(self.other("columns", "those of the network".into(), error.to_string())),
        };
        while again.num_rows() > 0
            && let Some(recorded) = &self.rows
        {
            // Updates that were left out of the recording have nothing to be compared with.
            let left_out = rows_before(&again, columns_step(recorded, 0));
            if left_out > 0 {
                again = again.slice(left_out, again.num_rows() - left_out);
                continue;
            }
            let both = consecutive(recorded).min(again.num_rows());
            let (before, now) = (recorded.slice(0, both), again.slice(0, both));
            if let Some(deviation) = first_difference(&before, &now, self.exactness) {
                return Some(deviation);
            }
            self.compared.steps += both as u64;
            again = again.slice(both, again.num_rows() - both);
            let rest = recorded.slice(both, recorded.num_rows() - both);
            self.rows = if rest.num_rows() > 0 { Some(rest) } else { self.batches.next() };
        }
        self.again = batch.rows().last().map_or(self.again, |row| row.step + 1);
        None
    }

    fn take_evaluation(&mut self, again: &Evaluation) -> Option<Deviation> {
        // One that comes alone is of a run that was recorded no further.
        let recorded = self.evaluations.remove(&(self.returns, again.step))?;
        self.compared.evaluations += recorded.len();
        let names = ["evaluation epoch"].into_iter().map(str::to_owned);
        let scores = ["train", "validation"].into_iter().flat_map(score_names);
        let names: Vec<String> = names.chain(scores).collect();
        let values = |of: &Evaluation| {
            let scores = [of.train, of.validation].into_iter().flat_map(|score| [score.loss, score.accuracy]);
            [of.epoch].into_iter().chain(scores).collect::<Vec<f64>>()
        };
        let exactness = self.exactness;
        let differ = |recorded: &Evaluation| {
            numbers_differ(again.step, &names, &values(recorded), &values(again), exactness).or_else(|| {
                // Recordings from before there were any have none.
                let both = recorded.weights.iter().zip(&again.weights).enumerate();
                both.into_iter().find_map(|(tensor, (recorded, again_of))| {
                    let bins = (0..recorded.counts.len()).map(|bin| format!("weights of tensor {tensor}/bin {bin}"));
                    let names: Vec<String> = ["lowest", "highest"]
                        .map(|end| format!("{end} weight of tensor {tensor}"))
                        .into_iter()
                        .chain(bins)
                        .collect();
                    numbers_differ(again.step, &names, &numbers_of(recorded), &numbers_of(again_of), exactness)
                })
            })
        };
        recorded.iter().find_map(differ)
    }

    fn take_spectra(&mut self, again: &Spectra) -> Option<Deviation> {
        let recorded = self.spectra.remove(&(self.returns, again.step))?;
        let names = |of: &Spectra| {
            let each = |spectrum: &TensorSpectrum| {
                [format!("spectral norm of {}", spectrum.name), format!("stable rank of {}", spectrum.name)]
            };
            of.tensors.iter().flat_map(each).collect::<Vec<String>>()
        };
        let values = |of: &Spectra| {
            of.tensors.iter().flat_map(|spectrum| [spectrum.norm, spectrum.stable_rank]).collect::<Vec<f64>>()
        };
        recorded.iter().find_map(|recorded| {
            if names(recorded) != names(again) {
                let tell = |of: &Spectra| format!("{} of them", of.tensors.len());
                let (column, step) = ("matrices with a spectrum".to_owned(), again.step);
                return Some(Deviation { step, column, recorded: tell(recorded), again: tell(again) });
            }
            numbers_differ(again.step, &names(again), &values(recorded), &values(again), self.exactness)
        })
    }

    fn take_edit(&mut self, again: &Edit) -> Option<Deviation> {
        let recorded = self.edits.pop_front()?;
        self.compared.edits += 1;
        // When and by whom does not matter.
        let same = Edit { seconds: again.seconds, by: again.by, ..recorded.clone() };
        let is_same =
            same == *again && (same.from.to_bits(), same.to.to_bits()) == (again.from.to_bits(), again.to.to_bits());
        let tell = |edit: &Edit| format!("{} at step {}", edit.describe(|value| value.to_string()), edit.step);
        (!is_same).then(|| Deviation {
            step: recorded.step.min(again.step),
            column: "edit".into(),
            recorded: tell(&recorded),
            again: tell(again),
        })
    }

    fn take_summary(&mut self, again: &Summary) -> Option<Deviation> {
        if let Some(deviation) = self.missing() {
            return Some(deviation);
        }
        let recorded = self.summary.take()?;
        let words = |summary: &Summary| format!("{} after {} steps", summary.reason, summary.steps);
        if words(&recorded) != words(again) {
            return Some(self.other("the end", words(&recorded), words(again)));
        }
        let names = ["train", "validation"].into_iter().flat_map(score_names).map(|name| format!("final {name}"));
        let norms = again.tensors.iter().flat_map(|tensor| {
            [format!("final norm of {}", tensor.name), format!("final gradient norm of {}", tensor.name)]
        });
        let names: Vec<String> = names.chain(norms).collect();
        let values = |of: &Summary| {
            let scores = [of.train, of.validation].into_iter().flat_map(|score: Score| [score.loss, score.accuracy]);
            scores.chain(of.tensors.iter().flat_map(|tensor| [tensor.norm, tensor.grad_norm])).collect::<Vec<f64>>()
        };
        numbers_differ(again.steps, &names, &values(&recorded), &values(again), self.exactness).or_else(|| {
            let differs = self.exactness == Exactness::Bits && recorded.digest != again.digest;
            differs.then(|| self.other("weights' digest", recorded.digest.clone(), again.digest.clone()))
        })
    }

    /// Something recorded that the run did not tell of, though it is over.
    fn missing(&self) -> Option<Deviation> {
        let never = || "missing".to_owned();
        if let Some(rows) = &self.rows {
            let step = columns_step(rows, 0);
            return Some(Deviation { step, column: "update".into(), recorded: "made".into(), again: never() });
        }
        if let Some(((_, step), _)) = self.evaluations.first_key_value() {
            return Some(Deviation {
                step: *step,
                column: "evaluation".into(),
                recorded: "made".into(),
                again: never(),
            });
        }
        let edit = self.edits.front()?;
        let recorded = edit.describe(|value| value.to_string());
        Some(Deviation { step: edit.step, column: "edit".into(), recorded, again: never() })
    }

    fn conclude(self) -> Verdict {
        self.missing().map_or(Verdict::Same(self.compared), Verdict::Differs)
    }

    fn other(&self, column: &str, recorded: String, again: String) -> Deviation {
        Deviation { step: self.again, column: column.into(), recorded, again }
    }
}

/// What a distribution is, number by number.
fn numbers_of(distribution: &Distribution) -> Vec<f64> {
    let counts = distribution.counts.iter().map(|count| *count as f64);
    [distribution.lowest, distribution.highest].into_iter().chain(counts).collect()
}

fn score_names(set: &str) -> [String; 2] {
    [format!("{set}/loss"), format!("{set}/accuracy")]
}

/// The first pair that is not the same; two that are no numbers are the same.
fn numbers_differ(
    step: u64,
    names: &[String],
    recorded: &[f64],
    again: &[f64],
    exactness: Exactness,
) -> Option<Deviation> {
    let pairs = names.iter().zip(recorded.iter().zip(again));
    let mut differing = pairs.filter(|(name, (a, b))| !is_same(name, **a, **b, exactness));
    differing.next().map(|(name, (a, b))| deviation(step, name, a, b))
}

/// Whether two values count as one; `name` says what they are.
fn is_same(name: &str, recorded: f64, again: f64, exactness: Exactness) -> bool {
    if recorded.to_bits() == again.to_bits() || recorded.is_nan() && again.is_nan() {
        return true;
    }
    let allowed = match name.rsplit('/').next().unwrap_or(name) {
        _ if exactness == Exactness::Bits => return false,
        "accuracy" => TOLERANCE,
        // These may be of any sign or hang on the last bit, and a gradient's size on a few samples near a kink.
        "wd" | "wg" | "agree" | "decayed_wd" | "g2" | "d2" => return true,
        gradient if gradient.starts_with("final gradient norm") => return true,
        // A weight on the edge of a bin falls to either side.
        bin if bin.starts_with("bin ") => return true,
        _ => TOLERANCE * recorded.abs().max(again.abs()),
    };
    (recorded - again).abs() <= allowed
}

fn deviation(step: u64, column: &str, recorded: impl ToString, again: impl ToString) -> Deviation {
    Deviation { step, column: column.to_owned(), recorded: recorded.to_string(), again: again.to_string() }
}

/// The first difference between rows of the same number: of the first row that has one, in the first such column.
fn first_difference(recorded: &RecordBatch, again: &RecordBatch, exactness: Exactness) -> Option<Deviation> {
    let mut first: Option<(usize, Deviation)> = None;
    for (field, column) in again.schema().fields().iter().zip(again.columns()) {
        let name = field.name();
        // What was not recorded cannot differ.
        let Some(before) = recorded.column_by_name(name).filter(|_| name != "seconds") else { continue };
        // Whole numbers are the same in both ways.
        let float = |a: f64, b: f64| is_same(name, a, b, exactness);
        let found = match field.data_type() {
            DataType::Float64 => differing::<Float64Type>(before, column, float),
            DataType::Float32 => differing::<Float32Type>(before, column, |a, b| float(a.into(), b.into())),
            DataType::UInt64 => differing::<UInt64Type>(before, column, |a, b| a == b),
            DataType::UInt32 => differing::<UInt32Type>(before, column, |a, b| a == b),
            _ => None,
        };
        if let Some((row, before, now)) = found
            && first.as_ref().is_none_or(|(earliest, _)| row < *earliest)
        {
            first = Some((row, deviation(columns_step(again, row), name, before, now)));
        }
    }
    first.map(|(_, deviation)| deviation)
}

/// The first row in which a value that was recorded is another one now.
fn differing<T: ArrowPrimitiveType>(
    recorded: &dyn Array,
    again: &dyn Array,
    is_same: impl Fn(T::Native, T::Native) -> bool,
) -> Option<(usize, String, String)>
where
    T::Native: fmt::Display,
{
    let again = again.as_primitive_opt::<T>()?;
    let Some(recorded) = recorded.as_primitive_opt::<T>() else {
        return Some((0, recorded.data_type().to_string(), again.data_type().to_string()));
    };
    (0..again.len()).filter(|&row| !recorded.is_null(row)).find_map(|row| {
        let (before, now) = (recorded.value(row), again.value(row));
        (!is_same(before, now)).then(|| (row, before.to_string(), now.to_string()))
    })
}

/// How many of the first rows are of consecutive updates.
fn consecutive(columns: &RecordBatch) -> usize {
    (1..columns.num_rows())
        .find(|&row| columns_step(columns, row) != columns_step(columns, row - 1) + 1)
        .unwrap_or(columns.num_rows())
}

/// How many of the first rows are of updates before this one.
fn rows_before(columns: &RecordBatch, step: u64) -> usize {
    (0..columns.num_rows()).take_while(|&row| columns_step(columns, row) < step).count()
}

/// The step of a row; 0 where there is no such column.
fn columns_step(columns: &RecordBatch, row: usize) -> u64 {
    let steps = columns.column_by_name("step").and_then(|steps| steps.as_primitive_opt::<UInt64Type>());
    steps.map_or(0, |steps| steps.value(row))
}
