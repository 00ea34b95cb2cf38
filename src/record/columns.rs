//! Statistics as Arrow columns: a row for each update, columns of their own for each sum of each tensor.
//!
//! f64 where differences between steps matter (time, η, λ, Σw² and the decay share), f32 elsewhere.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{ArrowPrimitiveType, Float32Type, Float64Type, UInt32Type, UInt64Type};
use arrow_array::{Array, ArrayRef, Float32Array, Float64Array, PrimitiveArray, RecordBatch, UInt32Array, UInt64Array};
use arrow_schema::{ArrowError, DataType, Field, Schema, SchemaRef};

use crate::stream::{DecayMode, StepBatch, StepRow, TensorSums};

/// Columns that every tensor has.
const ALWAYS: usize = 7;

/// The columns of a network with these tensors. Two more for each of them are needed where decay is cautious; elsewhere
/// they would repeat Σw² and Σw·Δ.
pub(super) fn schema(tensors: &[String], mode: DecayMode) -> SchemaRef {
    let column = |name: &str, kind| Field::new(name, kind, false);
    let mut fields = vec![
        column("step", DataType::UInt64),
        column("epoch", DataType::Float64),
        column("seconds", DataType::Float64),
        column("loss", DataType::Float32),
        column("accuracy", DataType::Float32),
        column("penalty", DataType::Float32),
        column("branch", DataType::UInt32),
        column("lr", DataType::Float64),
        column("weight_decay", DataType::Float64),
    ];
    for tensor in tensors {
        for sum in ["w2", "decay"] {
            fields.push(Field::new(format!("{tensor}/{sum}"), DataType::Float64, false));
        }
        for sum in ["g2", "d2", "wd", "wg", "agree"] {
            fields.push(Field::new(format!("{tensor}/{sum}"), DataType::Float32, false));
        }
        if mode == DecayMode::Cautious {
            fields.push(Field::new(format!("{tensor}/decayed_w2"), DataType::Float64, false));
            fields.push(Field::new(format!("{tensor}/decayed_wd"), DataType::Float32, false));
        }
    }
    Arc::new(Schema::new(fields))
}

/// Rows as columns; `branches` has one entry for each row.
pub(super) fn encode(schema: &SchemaRef, batch: &StepBatch, branches: &[u32]) -> Result<RecordBatch, ArrowError> {
    let rows = batch.rows();
    let wide =
        |value: fn(&StepRow) -> f64| -> ArrayRef { Arc::new(Float64Array::from_iter_values(rows.iter().map(value))) };
    let narrow = |value: fn(&StepRow) -> f64| -> ArrayRef {
        Arc::new(Float32Array::from_iter_values(rows.iter().map(|row| value(row) as f32)))
    };
    let mut columns: Vec<ArrayRef> = vec![
        Arc::new(UInt64Array::from_iter_values(rows.iter().map(|row| row.step))),
        wide(|row| row.epoch),
        wide(|row| row.seconds),
        narrow(|row| row.loss),
        narrow(|row| row.accuracy),
        narrow(|row| row.penalty),
        Arc::new(UInt32Array::from_iter_values(branches.iter().copied())),
        wide(|row| row.lr),
        wide(|row| row.weight_decay),
    ];
    // What is left for each tensor after the columns of the whole network.
    let cautious = schema.fields().len() - columns.len() > ALWAYS * batch.tensors();
    for tensor in 0..batch.tensors() {
        let sums = || (0..rows.len()).map(move |row| batch.sums(row)[tensor]);
        columns.push(Arc::new(Float64Array::from_iter_values(sums().map(|sums| sums.w2))));
        columns.push(Arc::new(Float64Array::from_iter_values(sums().map(|sums| sums.decay))));
        let narrow: [fn(TensorSums) -> f64; 5] =
            [|sums| sums.g2, |sums| sums.d2, |sums| sums.wd, |sums| sums.wg, |sums| sums.agree];
        for value in narrow {
            columns.push(Arc::new(Float32Array::from_iter_values(sums().map(|sums| value(sums) as f32))));
        }
        if cautious {
            columns.push(Arc::new(Float64Array::from_iter_values(sums().map(|sums| sums.decayed_w2))));
            columns.push(Arc::new(Float32Array::from_iter_values(sums().map(|sums| sums.decayed_wd as f32))));
        }
    }
    RecordBatch::try_new(schema.clone(), columns)
}

/// Consecutive updates of one branch.
#[derive(Debug, Clone, PartialEq)]
pub struct Stretch {
    /// The branch they were made on; 0 is the trunk.
    pub branch: u32,
    /// The updates.
    pub batch: StepBatch,
}

/// Columns as rows, cut where the branch changes. Columns are found by name; others than ours are passed over.
pub(super) fn decode(columns: &RecordBatch, tensors: &[String]) -> Result<Vec<Stretch>, String> {
    let step = column::<UInt64Type>(columns, "step")?;
    let epoch = column::<Float64Type>(columns, "epoch")?;
    let seconds = column::<Float64Type>(columns, "seconds")?;
    let loss = column::<Float32Type>(columns, "loss")?;
    let accuracy = column::<Float32Type>(columns, "accuracy")?;
    let penalty = column::<Float32Type>(columns, "penalty")?;
    let branch = column::<UInt32Type>(columns, "branch")?;
    let lr = column::<Float64Type>(columns, "lr")?;
    let weight_decay = column::<Float64Type>(columns, "weight_decay")?;
    let sums = tensors.iter().map(|tensor| SumColumns::find(columns, tensor)).collect::<Result<Vec<_>, _>>()?;

    let mut stretches: Vec<Stretch> = Vec::new();
    let mut entry = vec![TensorSums::default(); tensors.len()];
    for at in 0..columns.num_rows() {
        if stretches.last().is_none_or(|last| last.branch != branch[at]) {
            stretches.push(Stretch { branch: branch[at], batch: StepBatch::new(tensors.len()) });
        }
        for (entry, sums) in entry.iter_mut().zip(&sums) {
            *entry = sums.as_ref().map_or(UNKNOWN, |sums| sums.row(at));
        }
        let row = StepRow {
            step: step[at],
            epoch: epoch[at],
            seconds: seconds[at],
            loss: loss[at].into(),
            accuracy: accuracy[at].into(),
            penalty: penalty[at].into(),
            lr: lr[at],
            weight_decay: weight_decay[at],
        };
        if let Some(last) = stretches.last_mut() {
            last.batch.push(row, &entry);
        }
    }
    Ok(stretches)
}

/// The columns of one tensor. Where they were not recorded, as a whole or in a row, the sums are not a number.
struct SumColumns<'a> {
    w2: Values<'a, Float64Type>,
    decay: Values<'a, Float64Type>,
    g2: Values<'a, Float32Type>,
    d2: Values<'a, Float32Type>,
    wd: Values<'a, Float32Type>,
    wg: Values<'a, Float32Type>,
    agree: Values<'a, Float32Type>,
    /// Missing where decay was not cautious.
    decayed: Option<(Values<'a, Float64Type>, Values<'a, Float32Type>)>,
}

/// Values of which some may not be there.
struct Values<'a, T: ArrowPrimitiveType>(&'a PrimitiveArray<T>);

impl<T: ArrowPrimitiveType> Values<'_, T>
where
    T::Native: Into<f64>,
{
    fn at(&self, row: usize) -> f64 {
        if self.0.is_null(row) { f64::NAN } else { self.0.value(row).into() }
    }
}

impl<'a> SumColumns<'a> {
    /// `None` where the tensor has no column at all.
    fn find(columns: &'a RecordBatch, tensor: &str) -> Result<Option<Self>, String> {
        let wide = |sum: &str| array::<Float64Type>(columns, &format!("{tensor}/{sum}")).map(Values);
        let narrow = |sum: &str| array::<Float32Type>(columns, &format!("{tensor}/{sum}")).map(Values);
        let has = |sum: &str| columns.column_by_name(&format!("{tensor}/{sum}")).is_some();
        if !["w2", "decay", "g2", "d2", "wd", "wg", "agree"].into_iter().any(has) {
            return Ok(None);
        }
        Ok(Some(SumColumns {
            w2: wide("w2")?,
            decay: wide("decay")?,
            g2: narrow("g2")?,
            d2: narrow("d2")?,
            wd: narrow("wd")?,
            wg: narrow("wg")?,
            agree: narrow("agree")?,
            decayed: wide("decayed_w2").ok().zip(narrow("decayed_wd").ok()),
        }))
    }

    fn row(&self, at: usize) -> TensorSums {
        let (w2, wd) = (self.w2.at(at), self.wd.at(at));
        let (decayed_w2, decayed_wd) = match &self.decayed {
            Some((decayed_w2, decayed_wd)) => (decayed_w2.at(at), decayed_wd.at(at)),
            None => (w2, wd),
        };
        TensorSums {
            w2,
            decay: self.decay.at(at),
            g2: self.g2.at(at),
            d2: self.d2.at(at),
            wd,
            wg: self.wg.at(at),
            agree: self.agree.at(at),
            decayed_w2,
            decayed_wd,
        }
    }
}

/// The sums of a tensor that were not recorded.
const UNKNOWN: TensorSums = TensorSums {
    decay: f64::NAN,
    w2: f64::NAN,
    g2: f64::NAN,
    d2: f64::NAN,
    wd: f64::NAN,
    wg: f64::NAN,
    agree: f64::NAN,
    decayed_w2: f64::NAN,
    decayed_wd: f64::NAN,
};

fn array<'a, T: ArrowPrimitiveType>(columns: &'a RecordBatch, name: &str) -> Result<&'a PrimitiveArray<T>, String> {
    columns
        .column_by_name(name)
        .and_then(|column| column.as_primitive_opt::<T>())
        .ok_or_else(|| format!("it has no column `{name}` of type {}", T::DATA_TYPE))
}

/// The values of a column that has one in every row.
fn column<'a, T: ArrowPrimitiveType>(columns: &'a RecordBatch, name: &str) -> Result<&'a [T::Native], String> {
    let array = array::<T>(columns, name)?;
    match array.null_count() {
        0 => Ok(array.values()),
        missing => Err(format!("column `{name}` has no value in {missing} rows")),
    }
}
