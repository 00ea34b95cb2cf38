//! A session's recorded values by name, as curves.

use arrow_array::cast::AsArray;
use arrow_array::types::{Float32Type, Float64Type, UInt64Type};
use arrow_array::{Array, Float32Array, Float64Array, RecordBatch, UInt64Array};

use super::error::Error;
use super::session::Session;
use crate::chart::Point;
use crate::diagnostics::{Reader, Reading};
use crate::stream::{Description, Evaluation, Event, Spectra, StepBatch, TensorSpectrum, TensorSums};

/// Values of the whole network that each update has: columns under these names.
const NETWORK: [&str; 5] = ["loss", "accuracy", "penalty", "lr", "weight_decay"];

/// A name, the columns that the value derives from, and how.
type Derived = (&'static str, &'static [&'static str], fn(&TensorSums) -> f64);

/// A name, and where its value is.
type OfEvaluation = (&'static str, fn(&Evaluation) -> f64);

/// A name, and where its value is.
type OfSpectrum = (&'static str, fn(&TensorSpectrum) -> f64);

/// Values of each tensor, `TENSOR/norm`: the columns that they derive from, and how.
const TENSOR: [Derived; 4] = [
    ("norm", &["w2"], TensorSums::norm),
    ("grad_norm", &["g2"], TensorSums::grad_norm),
    ("update_ratio", &["w2", "decay", "d2", "wd", "decayed_w2", "decayed_wd"], TensorSums::update_ratio),
    ("decay", &["decay"], |sums| sums.decay),
];

/// Values of each evaluation.
const EVALUATION: [OfEvaluation; 4] = [
    ("validation/loss", |evaluation| evaluation.validation.loss),
    ("validation/accuracy", |evaluation| evaluation.validation.accuracy),
    ("train/loss", |evaluation| evaluation.train.loss),
    ("train/accuracy", |evaluation| evaluation.train.accuracy),
];

/// Values of each matrix at each evaluation.
const SPECTRUM: [OfSpectrum; 2] =
    [("spectral_norm", |spectrum| spectrum.norm), ("stable_rank", |spectrum| spectrum.stable_rank)];

/// Where a curve of a run comes from.
#[derive(Clone, Copy)]
enum Source<'a> {
    Network(&'static str),
    /// A tensor, columns of it, and what they make.
    Tensor(&'a str, &'static [&'static str], fn(&TensorSums) -> f64),
    /// What is made anew of all of a tensor's columns, the configuration and the edits.
    Diagnosis(usize, fn(&Reading) -> f64),
    Evaluation(fn(&Evaluation) -> f64),
    /// A tensor's, at evaluations.
    Spectrum(&'a str, fn(&TensorSpectrum) -> f64),
}

impl Session {
    /// The names of its curves: of a run those of evaluations, of the network and of each tensor; of an imported session
    /// the columns that its source has.
    pub fn columns(&self) -> Vec<String> {
        if let Some(imported) = self.imported() {
            return imported.columns.clone();
        }
        let evaluations = EVALUATION.iter().map(|(name, _)| (*name).to_owned());
        let network = NETWORK.iter().map(|name| (*name).to_owned());
        let tensors = self.tensors();
        let names = || TENSOR.iter().map(|(name, ..)| *name).chain(Reading::ALL.iter().map(|(name, _)| *name));
        let tensors = tensors.iter().flat_map(|tensor| names().map(move |name| format!("{tensor}/{name}")));
        let matrices = self.description().map_or(&[][..], |run| &run.tensors).iter().filter(|it| it.shape.len() > 1);
        let spectra = matrices.flat_map(|it| SPECTRUM.map(|(name, _)| format!("{}/{name}", it.name)));
        let spectra = spectra.filter(|_| self.spectra().next().is_some());
        evaluations.chain(network).chain(tensors).chain(spectra).collect()
    }

    /// The curves with these names, in the order asked for; one that the session does not have is empty. The files are
    /// read once, and of their columns only those are looked at that the curves need.
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
            if let Some(Source::Spectrum(tensor, value)) = source {
                let place = |at: &Spectra| {
                    let value = value(at.of(tensor)?);
                    Some(Point { step: at.step, epoch: at.epoch, seconds: at.seconds, value })
                };
                curve.extend(self.spectra().filter_map(place));
            }
        }
        if sources.iter().any(|source| matches!(source, Some(Source::Network(_) | Source::Tensor(..)))) {
            for batch in self.batches()? {
                for (curve, source) in curves.iter_mut().zip(&sources) {
                    match source {
                        Some(Source::Network(name)) => append_points(curve, &batch, name),
                        Some(Source::Tensor(tensor, columns, value)) => {
                            append_derived(curve, &batch, tensor, columns, *value);
                        }
                        Some(Source::Diagnosis(..) | Source::Evaluation(_) | Source::Spectrum(..)) | None => {}
                    }
                }
            }
        }
        self.diagnose(&sources, &mut curves)?;
        Ok(curves)
    }

    /// Fills in the curves that are diagnostics, if there are any.
    fn diagnose(&self, sources: &[Option<Source>], curves: &mut [Vec<Point>]) -> Result<(), Error> {
        let wanted = |source: &Option<Source>| matches!(source, Some(Source::Diagnosis(..)));
        let Some(run) = self.description().filter(|_| sources.iter().any(wanted)) else { return Ok(()) };
        let mut diagnosis = Diagnosis::new(run, &self.events);
        for stretch in self.steps()? {
            let readings = diagnosis.read(&stretch.batch);
            for ((row, _), readings) in stretch.batch.iter().zip(&readings) {
                for (curve, source) in curves.iter_mut().zip(sources) {
                    let Some(Source::Diagnosis(tensor, value)) = source else { continue };
                    let value = value(&readings[*tensor]);
                    curve.push(Point { step: row.step, epoch: row.epoch, seconds: row.seconds, value });
                }
            }
        }
        Ok(())
    }

    /// Whether it has a curve of this name, empty or not.
    pub(super) fn has_curve(&self, name: &str) -> bool {
        let own = self.own_name(name);
        self.columns().iter().any(|column| column == own)
    }

    /// Whether each update may have a value of the curve with this name, and not each evaluation.
    pub(super) fn is_of_updates(&self, name: &str) -> bool {
        let tensors = self.tensors();
        let source = Source::find(name, &tensors).filter(|_| self.imported().is_none());
        matches!(source, Some(Source::Network(_) | Source::Tensor(..) | Source::Diagnosis(..)))
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

impl<'a> Source<'a> {
    fn find(name: &str, tensors: &'a [String]) -> Option<Source<'a>> {
        if let Some(name) = NETWORK.iter().find(|known| **known == name) {
            return Some(Source::Network(name));
        }
        if let Some((_, value)) = EVALUATION.iter().find(|(known, _)| *known == name) {
            return Some(Source::Evaluation(*value));
        }
        let (tensor, value) = name.rsplit_once('/')?;
        let index = tensors.iter().position(|known| known == tensor)?;
        if let Some((_, value)) = Reading::ALL.iter().find(|(known, _)| *known == value) {
            return Some(Source::Diagnosis(index, *value));
        }
        let tensor = &tensors[index];
        if let Some((_, value)) = SPECTRUM.iter().find(|(known, _)| *known == value) {
            return Some(Source::Spectrum(tensor, *value));
        }
        let (_, columns, value) = TENSOR.iter().find(|(known, ..)| *known == value)?;
        Some(Source::Tensor(tensor, columns, *value))
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

/// Where the rows of a batch are: of each its step, epoch and seconds.
struct Places<'a> {
    steps: &'a UInt64Array,
    epochs: Option<&'a Float64Array>,
    seconds: Option<&'a Float64Array>,
}

impl<'a> Places<'a> {
    fn of(batch: &'a RecordBatch) -> Option<Self> {
        let wide = |name: &str| batch.column_by_name(name).and_then(|column| column.as_primitive_opt::<Float64Type>());
        let steps = batch.column_by_name("step")?.as_primitive_opt::<UInt64Type>()?;
        Some(Places { steps, epochs: wide("epoch"), seconds: wide("seconds") })
    }

    fn point(&self, row: usize, value: f64) -> Point {
        let at = |column: Option<&Float64Array>| {
            column.filter(|column| column.is_valid(row)).map_or(f64::NAN, |column| column.value(row))
        };
        Point { step: self.steps.value(row), epoch: at(self.epochs), seconds: at(self.seconds), value }
    }
}

/// A column's values by row, where it has any.
enum Values<'a> {
    Wide(&'a Float64Array),
    Narrow(&'a Float32Array),
}

impl<'a> Values<'a> {
    fn of(batch: &'a RecordBatch, name: &str) -> Option<Self> {
        let column = batch.column_by_name(name)?;
        let wide = || column.as_primitive_opt::<Float64Type>().map(Values::Wide);
        let narrow = || column.as_primitive_opt::<Float32Type>().map(Values::Narrow);
        wide().or_else(narrow)
    }

    fn at(&self, row: usize) -> Option<f64> {
        match self {
            Values::Wide(column) => column.is_valid(row).then(|| column.value(row)),
            Values::Narrow(column) => column.is_valid(row).then(|| column.value(row).into()),
        }
    }
}

/// Adds a column's values where it has any.
fn append_points(curve: &mut Vec<Point>, batch: &RecordBatch, name: &str) {
    let (Some(places), Some(values)) = (Places::of(batch), Values::of(batch, name)) else { return };
    curve.extend((0..batch.num_rows()).filter_map(|row| Some(places.point(row, values.at(row)?))));
}

/// Adds what follows from a tensor's columns, where they are.
fn append_derived(
    curve: &mut Vec<Point>,
    batch: &RecordBatch,
    tensor: &str,
    columns: &[&str],
    value: fn(&TensorSums) -> f64,
) {
    let Some(places) = Places::of(batch) else { return };
    let columns: Vec<(&str, Values)> =
        columns.iter().filter_map(|name| Some((*name, Values::of(batch, &format!("{tensor}/{name}"))?))).collect();
    let apart = columns.iter().any(|(name, _)| *name == "decayed_w2");
    let derive = |row: usize| {
        let mut sums = TensorSums::default();
        for (name, values) in &columns {
            let place = match *name {
                "w2" => &mut sums.w2,
                "decay" => &mut sums.decay,
                "g2" => &mut sums.g2,
                "d2" => &mut sums.d2,
                "wd" => &mut sums.wd,
                "decayed_w2" => &mut sums.decayed_w2,
                _ => &mut sums.decayed_wd,
            };
            *place = values.at(row)?;
        }
        if !apart {
            (sums.decayed_w2, sums.decayed_wd) = (sums.w2, sums.wd);
        }
        Some(places.point(row, value(&sums)))
    };
    if !columns.is_empty() {
        curve.extend((0..batch.num_rows()).filter_map(derive));
    }
}
