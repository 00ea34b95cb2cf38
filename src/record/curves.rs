//! A session's recorded values by name, as curves.

use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, UInt64Type};
use arrow_array::{Array, RecordBatch};

use super::error::Error;
use super::session::Session;
use crate::diagnostics::{Reader, Reading};
use crate::stream::{Description, Evaluation, Event, StepBatch, StepRow, TensorSums};

/// One recorded value. What the session does not know of its place is not a number.
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

/// A value by its name.
type Named<T> = (&'static str, fn(&T) -> f64);

/// Values of the whole network that each update has.
const NETWORK: [Named<StepRow>; 5] = [
    ("loss", |row| row.loss),
    ("accuracy", |row| row.accuracy),
    ("penalty", |row| row.penalty),
    ("lr", |row| row.lr),
    ("weight_decay", |row| row.weight_decay),
];

/// Values of each tensor, `TENSOR/norm`.
const TENSOR: [Named<TensorSums>; 4] = [
    ("norm", TensorSums::norm),
    ("grad_norm", TensorSums::grad_norm),
    ("update_ratio", TensorSums::update_ratio),
    ("decay", |sums| sums.decay),
];

/// Values of each evaluation.
const EVALUATION: [Named<Evaluation>; 4] = [
    ("validation/loss", |evaluation| evaluation.validation.loss),
    ("validation/accuracy", |evaluation| evaluation.validation.accuracy),
    ("train/loss", |evaluation| evaluation.train.loss),
    ("train/accuracy", |evaluation| evaluation.train.accuracy),
];

/// Where a curve of a run comes from.
#[derive(Clone, Copy)]
enum Source {
    Network(fn(&StepRow) -> f64),
    Tensor(usize, fn(&TensorSums) -> f64),
    Diagnosis(usize, fn(&Reading) -> f64),
    Evaluation(fn(&Evaluation) -> f64),
}

impl Session {
    /// The names of its curves: of a run those of evaluations, of the network and of each tensor; of an imported session
    /// the columns that its source has.
    pub fn columns(&self) -> Vec<String> {
        if let Some(imported) = self.imported() {
            return imported.columns.clone();
        }
        let evaluations = EVALUATION.iter().map(|(name, _)| (*name).to_owned());
        let network = NETWORK.iter().map(|(name, _)| (*name).to_owned());
        let tensors = self.tensors();
        let names = || TENSOR.iter().map(|(name, _)| *name).chain(Reading::ALL.iter().map(|(name, _)| *name));
        let tensors = tensors.iter().flat_map(|tensor| names().map(move |name| format!("{tensor}/{name}")));
        evaluations.chain(network).chain(tensors).collect()
    }

    /// The curves with these names, in the order asked for; one that the session does not have is empty. The files are
    /// read once.
    ///
    /// `validation/loss`, `validation/accuracy`, `train/loss` and `train/accuracy` find the columns of an imported
    /// session that mean the same.
    ///
    /// # Errors
    /// Where a step file is there and cannot be opened.
    pub fn curves(&self, names: &[&str]) -> Result<Vec<Vec<Point>>, Error> {
        if self.imported().is_some() {
            return self.imported_curves(names);
        }
        let tensors = self.tensors();
        let sources: Vec<Option<Source>> = names.iter().map(|name| Source::find(name, &tensors)).collect();
        let mut curves = vec![Vec::new(); names.len()];
        for (curve, source) in curves.iter_mut().zip(&sources) {
            if let Some(Source::Evaluation(value)) = source {
                let place =
                    |at: &Evaluation| Point { step: at.step, epoch: at.epoch, seconds: at.seconds, value: value(at) };
                curve.extend(self.evaluations().map(place));
            }
        }
        let of_updates = |source: &Option<Source>| !matches!(source, None | Some(Source::Evaluation(_)));
        if sources.iter().any(of_updates) {
            let diagnosed = sources.iter().any(|source| matches!(source, Some(Source::Diagnosis(..))));
            let mut diagnosis = self.description().filter(|_| diagnosed).map(|run| Diagnosis::new(run, &self.events));
            for stretch in self.steps()? {
                let readings = diagnosis.as_mut().map(|diagnosis| diagnosis.read(&stretch.batch));
                for (at, (row, sums)) in stretch.batch.iter().enumerate() {
                    for (curve, source) in curves.iter_mut().zip(&sources) {
                        let value = match source {
                            Some(Source::Network(value)) => value(row),
                            Some(Source::Tensor(tensor, value)) => value(&sums[*tensor]),
                            Some(Source::Diagnosis(tensor, value)) => {
                                readings.as_ref().map_or(f64::NAN, |readings| value(&readings[at][*tensor]))
                            }
                            Some(Source::Evaluation(_)) | None => continue,
                        };
                        curve.push(Point { step: row.step, epoch: row.epoch, seconds: row.seconds, value });
                    }
                }
            }
        }
        Ok(curves)
    }

    /// Whether it has a curve of this name, empty or not.
    pub(super) fn has_curve(&self, name: &str) -> bool {
        let own = self.own_name(name);
        self.columns().iter().any(|column| column == own)
    }

    fn imported_curves(&self, names: &[&str]) -> Result<Vec<Vec<Point>>, Error> {
        let names: Vec<&str> = names.iter().map(|name| self.own_name(name)).collect();
        let mut curves = vec![Vec::new(); names.len()];
        for batch in self.batches()? {
            for (curve, name) in curves.iter_mut().zip(&names) {
                append_points(curve, &batch, name);
            }
        }
        Ok(curves)
    }

    /// The name that an imported session has for one of our curves.
    fn own_name<'a>(&'a self, name: &'a str) -> &'a str {
        let Some(imported) = self.imported() else { return name };
        let role = match name {
            _ if imported.columns.iter().any(|column| column == name) => return name,
            "validation/loss" => &imported.roles.validation_loss,
            "validation/accuracy" => &imported.roles.validation_accuracy,
            "train/loss" | "loss" => &imported.roles.training_loss,
            "train/accuracy" | "accuracy" => &imported.roles.training_accuracy,
            _ => return name,
        };
        role.as_deref().unwrap_or(name)
    }
}

impl Source {
    fn find(name: &str, tensors: &[String]) -> Option<Source> {
        if let Some((_, value)) = NETWORK.iter().find(|(known, _)| *known == name) {
            return Some(Source::Network(*value));
        }
        if let Some((_, value)) = EVALUATION.iter().find(|(known, _)| *known == name) {
            return Some(Source::Evaluation(*value));
        }
        let (tensor, value) = name.rsplit_once('/')?;
        let tensor = tensors.iter().position(|known| known == tensor)?;
        if let Some((_, value)) = Reading::ALL.iter().find(|(known, _)| *known == value) {
            return Some(Source::Diagnosis(tensor, *value));
        }
        let (_, value) = TENSOR.iter().find(|(known, _)| *known == value)?;
        Some(Source::Tensor(tensor, *value))
    }
}

/// Diagnostics of recorded updates, made anew from their sums and the recorded edits.
pub(super) struct Diagnosis<'a> {
    reader: Reader,
    events: std::slice::Iter<'a, Event>,
    /// The event that comes next, if it is one.
    next: Option<&'a Event>,
}

impl<'a> Diagnosis<'a> {
    pub(super) fn new(run: &Description, events: &'a [Event]) -> Self {
        let mut events = events.iter();
        let next = events.next();
        Diagnosis { reader: Reader::new(run), events, next }
    }

    /// The readings of each tensor, for each update.
    pub(super) fn read(&mut self, batch: &StepBatch) -> Vec<Vec<Reading>> {
        let mut readings = Vec::with_capacity(batch.len());
        for (row, sums) in batch.iter() {
            while let Some(event) = self.next.filter(|event| event.what.step().is_none_or(|step| step <= row.step)) {
                self.reader.take(&event.what);
                self.next = self.events.next();
            }
            readings.push(self.reader.read(row, sums));
        }
        readings
    }
}

/// Adds a column's values where it has any.
fn append_points(curve: &mut Vec<Point>, batch: &RecordBatch, name: &str) {
    let wide = |name: &str| batch.column_by_name(name).and_then(|column| column.as_primitive_opt::<Float64Type>());
    let Some(steps) = batch.column_by_name("step").and_then(|column| column.as_primitive_opt::<UInt64Type>()) else {
        return;
    };
    let Some(values) = wide(name) else { return };
    let (epochs, seconds) = (wide("epoch"), wide("seconds"));
    let at = |column: Option<&arrow_array::Float64Array>, row: usize| {
        column.filter(|column| column.is_valid(row)).map_or(f64::NAN, |column| column.value(row))
    };
    curve.extend((0..batch.num_rows()).filter(|row| values.is_valid(*row)).map(|row| Point {
        step: steps.value(row),
        epoch: at(epochs, row),
        seconds: at(seconds, row),
        value: values.value(row),
    }));
}
