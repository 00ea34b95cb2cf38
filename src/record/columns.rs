//! Statistics as Arrow columns: a row for each update, columns of their own for each sum of each tensor.
//!
//! f64 where differences between steps matter (time, η, λ, Σw² and the decay share), f32 elsewhere.

use std::collections::HashMap;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{ArrowPrimitiveType, Float32Type, Float64Type, UInt32Type, UInt64Type};
use arrow_array::{Array, ArrayRef, Float32Array, Float64Array, PrimitiveArray, RecordBatch, UInt32Array, UInt64Array};
use arrow_schema::{ArrowError, DataType, Field, FieldRef, Schema, SchemaRef};

use crate::stream::{DecayMode, StepBatch, StepRow, TensorSums};

/// Columns that every tensor has.
const ALWAYS: usize = 7;

/// The columns of a network with these tensors. Two more for each of them are needed where decay is cautious; elsewhere
/// they would repeat Σw² and Σw·Δ.
pub(super) fn schema(tensors: &[String], mode: DecayMode) -> SchemaRef {
    let mut fields = network_fields();
    fields.extend(tensor_fields(tensors, mode));
    Arc::new(Schema::new(fields))
}

/// The same in two tables: every update's columns of the network, and those of the tensors with their updates' steps.
pub(super) fn parted_schemas(tensors: &[String], mode: DecayMode) -> [SchemaRef; 2] {
    let step = Field::new("step", DataType::UInt64, false);
    let tensors = std::iter::once(step).chain(tensor_fields(tensors, mode)).collect::<Vec<_>>();
    // What says to a reader that there is another table.
    let parted = HashMap::from([(PARTED.to_owned(), "true".to_owned())]);
    [Arc::new(Schema::new(network_fields()).with_metadata(parted)), Arc::new(Schema::new(tensors))]
}

/// Whether the columns of the tensors are in a table of their own.
pub(super) fn is_parted(schema: &Schema) -> bool {
    schema.metadata().contains_key(PARTED)
}

/// In a schema's metadata: the columns of the tensors are in another table.
const PARTED: &str = "wdtop.tensors_apart";

fn network_fields() -> Vec<Field> {
    let column = |name: &str, kind| Field::new(name, kind, false);
    vec![
        column("step", DataType::UInt64),
        column("epoch", DataType::Float64),
        column("seconds", DataType::Float64),
        column("loss", DataType::Float32),
        column("accuracy", DataType::Float32),
        column("penalty", DataType::Float32),
        column("branch", DataType::UInt32),
        column("lr", DataType::Float64),
        column("weight_decay", DataType::Float64),
    ]
}

fn tensor_fields(tensors: &[String], mode: DecayMode) -> Vec<Field> {
    let mut fields = Vec::new();
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
    fields
}

/// Rows as columns; `branches` has one entry for each row.
pub(super) fn encode(schema: &SchemaRef, batch: &StepBatch, branches: &[u32]) -> Result<RecordBatch, ArrowError> {
    let mut columns = network_columns(batch, branches);
    // What is left for each tensor after the columns of the whole network.
    let cautious = schema.fields().len() - columns.len() > ALWAYS * batch.tensors();
    columns.extend(tensor_columns(batch, cautious));
    RecordBatch::try_new(schema.clone(), columns)
}

/// Rows as the columns of two tables, see [`parted_schemas`]; of the updates those whose index is a multiple of `every`
/// have a row in the second.
pub(super) fn encode_parted(
    [network, tensors]: [&SchemaRef; 2],
    batch: &StepBatch,
    branches: &[u32],
    every: u64,
) -> Result<[RecordBatch; 2], ArrowError> {
    let mut kept = StepBatch::new(batch.tensors());
    batch.iter().filter(|(row, _)| row.step.is_multiple_of(every)).for_each(|(row, sums)| kept.push(*row, sums));
    let steps: ArrayRef = Arc::new(UInt64Array::from_iter_values(kept.rows().iter().map(|row| row.step)));
    let cautious = tensors.fields().len() - 1 > ALWAYS * batch.tensors();
    let columns = std::iter::once(steps).chain(tensor_columns(&kept, cautious)).collect();
    let network = RecordBatch::try_new(network.clone(), network_columns(batch, branches))?;
    Ok([network, RecordBatch::try_new(tensors.clone(), columns)?])
}

/// The two tables as one again: a row without columns of the tensors has no value in them.
pub(super) fn join(network: &RecordBatch, tensors: &RecordBatch) -> Result<RecordBatch, String> {
    let steps = column::<UInt64Type>(network, "step")?;
    let known = column::<UInt64Type>(tensors, "step")?;
    // Both ascend.
    let mut next = 0;
    let places: Vec<Option<usize>> = steps
        .iter()
        .map(|step| {
            next += known[next..].iter().take_while(|its| *its < step).count();
            (known.get(next) == Some(step)).then_some(next)
        })
        .collect();
    let mut fields: Vec<FieldRef> = network.schema().fields().iter().cloned().collect();
    let mut columns = network.columns().to_vec();
    for (field, column) in tensors.schema().fields().iter().zip(tensors.columns()).skip(1) {
        fields.push(Arc::new(field.as_ref().clone().with_nullable(true)));
        columns.push(if let Some(values) = column.as_primitive_opt::<Float64Type>() {
            spread(values, &places)
        } else if let Some(values) = column.as_primitive_opt::<Float32Type>() {
            spread(values, &places)
        } else {
            return Err(format!("column `{}` is of type {}", field.name(), field.data_type()));
        });
    }
    RecordBatch::try_new(Arc::new(Schema::new(fields)), columns).map_err(|error| error.to_string())
}

fn spread<T: ArrowPrimitiveType>(values: &PrimitiveArray<T>, places: &[Option<usize>]) -> ArrayRef {
    Arc::new(places.iter().map(|place| place.map(|at| values.value(at))).collect::<PrimitiveArray<T>>())
}

fn network_columns(batch: &StepBatch, branches: &[u32]) -> Vec<ArrayRef> {
    let rows = batch.rows();
    let wide =
        |value: fn(&StepRow) -> f64| -> ArrayRef { Arc::new(Float64Array::from_iter_values(rows.iter().map(value))) };
    let narrow = |value: fn(&StepRow) -> f64| -> ArrayRef {
        Arc::new(Float32Array::from_iter_values(rows.iter().map(|row| value(row) as f32)))
    };
    vec![
        Arc::new(UInt64Array::from_iter_values(rows.iter().map(|row| row.step))),
        wide(|row| row.epoch),
        wide(|row| row.seconds),
        narrow(|row| row.loss),
        narrow(|row| row.accuracy),
        narrow(|row| row.penalty),
        Arc::new(UInt32Array::from_iter_values(branches.iter().copied())),
        wide(|row| row.lr),
        wide(|row| row.weight_decay),
    ]
}

fn tensor_columns(batch: &StepBatch, cautious: bool) -> Vec<ArrayRef> {
    let rows = batch.rows();
    let mut columns: Vec<ArrayRef> = Vec::new();
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
    columns
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
