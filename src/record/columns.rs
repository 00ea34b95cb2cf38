//! Statistics as Arrow columns: a row for each update, columns of their own for each sum of each tensor.
//!
//! f64 where differences between steps matter (time, η, λ, Σw² and the decay share), f32 elsewhere.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{ArrowPrimitiveType, Float32Type, Float64Type, UInt32Type, UInt64Type};
use arrow_array::{ArrayRef, Float32Array, Float64Array, RecordBatch, UInt32Array, UInt64Array};
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
            *entry = sums.row(at);
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

/// The columns of one tensor.
struct SumColumns<'a> {
    w2: &'a [f64],
    decay: &'a [f64],
    g2: &'a [f32],
    d2: &'a [f32],
    wd: &'a [f32],
    wg: &'a [f32],
    agree: &'a [f32],
    /// Missing where decay was not cautious.
    decayed: Option<(&'a [f64], &'a [f32])>,
}

impl<'a> SumColumns<'a> {
    fn find(columns: &'a RecordBatch, tensor: &str) -> Result<Self, String> {
        let wide = |sum: &str| column::<Float64Type>(columns, &format!("{tensor}/{sum}"));
        let narrow = |sum: &str| column::<Float32Type>(columns, &format!("{tensor}/{sum}"));
        Ok(SumColumns {
            w2: wide("w2")?,
            decay: wide("decay")?,
            g2: narrow("g2")?,
            d2: narrow("d2")?,
            wd: narrow("wd")?,
            wg: narrow("wg")?,
            agree: narrow("agree")?,
            decayed: wide("decayed_w2").ok().zip(narrow("decayed_wd").ok()),
        })
    }

    fn row(&self, at: usize) -> TensorSums {
        let (decayed_w2, decayed_wd) = self.decayed.unwrap_or((self.w2, self.wd));
        TensorSums {
            w2: self.w2[at],
            decay: self.decay[at],
            g2: self.g2[at].into(),
            d2: self.d2[at].into(),
            wd: self.wd[at].into(),
            wg: self.wg[at].into(),
            agree: self.agree[at].into(),
            decayed_w2: decayed_w2[at],
            decayed_wd: decayed_wd[at].into(),
        }
    }
}

fn column<'a, T: ArrowPrimitiveType>(columns: &'a RecordBatch, name: &str) -> Result<&'a [T::Native], String> {
    columns
        .column_by_name(name)
        .and_then(|column| column.as_primitive_opt::<T>())
        .map(|column| column.values().as_ref())
        .ok_or_else(|| format!("it has no column `{name}` of type {}", T::DATA_TYPE))
}
