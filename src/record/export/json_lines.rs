//! JSON lines from which the session can be made again without loss.
//!
//! ```text
//! {"event":"session","format":1,…,"notes":[…]}              the manifest, and what was written about the session
//! {"event":"columns","columns":[{"name":"step","type":"u64","nullable":false},…]}   for each pair of step files
//! {"event":"step","step":0,"loss":2.3,"fc1.weight/w2":261.4,…}   for each update, keys as the columns; then, as
//!                                                           `fc1.weight/rotation`, what diagnostics makes of them
//! {"event":"edited",…}                                      each event as in events.jsonl, before the update that used it
//! ```

use std::io::{self, Write};
use std::iter::Peekable;
use std::slice;
use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_schema::{DataType, Field, Schema, SchemaRef};
use serde::{Deserialize, Serialize};

use super::{Scalar, scalar, unwritten};
use crate::diagnostics::Reading;
use crate::record::columns;
use crate::record::curves::Diagnosis;
use crate::record::error::Error;
use crate::record::{Manifest, Session, notes};
use crate::stream::{Description, Event, number};

/// The `event` of the first line.
pub(in crate::record) const SESSION_LINE: &str = "session";
/// The `event` of a line that names columns.
pub(in crate::record) const COLUMNS_LINE: &str = "columns";
/// The `event` of an update.
pub(in crate::record) const STEP_LINE: &str = "step";

#[derive(Serialize)]
struct SessionLine<'a> {
    event: &'static str,
    #[serde(flatten)]
    manifest: &'a Manifest,
    notes: Vec<String>,
}

#[derive(Serialize)]
struct ColumnsLine {
    event: &'static str,
    columns: Vec<ColumnLine>,
}

/// A column of the step files.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(in crate::record) struct ColumnLine {
    name: String,
    #[serde(rename = "type")]
    kind: ColumnKind,
    nullable: bool,
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum ColumnKind {
    U64,
    U32,
    F32,
    F64,
}

#[derive(Serialize)]
#[serde(transparent)]
struct Float(#[serde(with = "number")] f64);

impl ColumnLine {
    /// `None` for a column of a type that no session has.
    fn of(field: &Field) -> Option<ColumnLine> {
        let kind = match field.data_type() {
            DataType::UInt64 => ColumnKind::U64,
            DataType::UInt32 => ColumnKind::U32,
            DataType::Float32 => ColumnKind::F32,
            DataType::Float64 => ColumnKind::F64,
            _ => return None,
        };
        Some(ColumnLine { name: field.name().clone(), kind, nullable: field.is_nullable() })
    }

    /// The Arrow schema of these columns.
    pub(in crate::record) fn schema(columns: &[ColumnLine]) -> SchemaRef {
        let field = |column: &ColumnLine| {
            let kind = match column.kind {
                ColumnKind::U64 => DataType::UInt64,
                ColumnKind::U32 => DataType::UInt32,
                ColumnKind::F32 => DataType::Float32,
                ColumnKind::F64 => DataType::Float64,
            };
            Field::new(&column.name, kind, column.nullable)
        };
        Arc::new(Schema::new(columns.iter().map(field).collect::<Vec<_>>()))
    }
}

/// Writes a session: the manifest, then updates and events in their order.
///
/// # Errors
/// Where a file of the session cannot be read, or the writer fails.
pub fn to_json_lines(session: &Session, out: &mut dyn Write) -> Result<(), Error> {
    let head = SessionLine { event: SESSION_LINE, manifest: &session.manifest, notes: notes(&session.path)? };
    write_line(out, &head).map_err(unwritten)?;
    let mut events = session.events.iter().peekable();
    let mut schema: Option<SchemaRef> = None;
    let mut readings = session.description().map(|run| Readings::new(run, session)).transpose().map_err(unwritten)?;
    for batch in session.batches()? {
        if schema.as_ref() != Some(&batch.schema()) {
            let columns = batch.schema().fields().iter().filter_map(|field| ColumnLine::of(field)).collect();
            write_line(out, &ColumnsLine { event: COLUMNS_LINE, columns }).map_err(unwritten)?;
            schema = Some(batch.schema());
        }
        write_batch(&batch, &mut events, readings.as_mut(), out).map_err(unwritten)?;
    }
    events.try_for_each(|event| write_line(out, event)).map_err(unwritten)
}

/// What diagnostics makes of each update, under the names that the CSV table has. They follow from the columns: an
/// import passes them over.
struct Readings<'a> {
    diagnosis: Diagnosis<'a>,
    tensors: Vec<String>,
    /// JSON strings, those of a tensor behind each other.
    keys: Vec<String>,
}

impl<'a> Readings<'a> {
    fn new(run: &Description, session: &'a Session) -> io::Result<Self> {
        let tensors = session.tensors();
        let names = tensors.iter().flat_map(|tensor| Reading::ALL.map(|(name, _)| format!("{tensor}/{name}")));
        let keys = names.map(|name| serde_json::to_string(&name)).collect::<Result<_, _>>()?;
        Ok(Readings { diagnosis: Diagnosis::new(run, &session.events), tensors, keys })
    }

    /// The values of each row.
    fn read(&mut self, batch: &RecordBatch) -> Vec<Vec<Reading>> {
        // Columns that cannot be understood are exported as they are.
        let stretches = columns::decode(batch, &self.tensors).unwrap_or_default();
        stretches.iter().flat_map(|stretch| self.diagnosis.read(&stretch.batch)).collect()
    }

    /// What there is not has no key.
    fn write(&self, readings: &[Reading], out: &mut dyn Write) -> io::Result<()> {
        let values = readings.iter().flat_map(|reading| Reading::ALL.map(|(_, value)| value(reading)));
        for (key, value) in self.keys.iter().zip(values).filter(|(_, value)| !value.is_nan()) {
            write!(out, ",{key}:")?;
            serde_json::to_writer(&mut *out, &Float(value))?;
        }
        Ok(())
    }
}

fn write_batch(
    batch: &RecordBatch,
    events: &mut Peekable<slice::Iter<'_, Event>>,
    mut readings: Option<&mut Readings<'_>>,
    out: &mut dyn Write,
) -> io::Result<()> {
    let keys: Vec<String> =
        batch.schema().fields().iter().map(|field| serde_json::to_string(field.name())).collect::<Result<_, _>>()?;
    let steps = batch.column_by_name("step");
    let values = readings.as_mut().map_or_else(Vec::new, |readings| readings.read(batch));
    for row in 0..batch.num_rows() {
        if let Some(Scalar::Whole(step)) = steps.and_then(|steps| scalar(steps, row)) {
            while let Some(event) = events.next_if(|event| event.what.step().is_none_or(|before| before <= step)) {
                write_line(out, event)?;
            }
        }
        write!(out, "{{\"event\":\"{STEP_LINE}\"")?;
        for (key, column) in keys.iter().zip(batch.columns()) {
            match scalar(column, row) {
                // A missing value has no key.
                None => continue,
                Some(Scalar::Whole(value)) => write!(out, ",{key}:{value}")?,
                Some(value) => {
                    // All digits of f32 values too: what reads them as f64 and rounds gets the same bits.
                    write!(out, ",{key}:")?;
                    serde_json::to_writer(&mut *out, &Float(value.as_f64()))?;
                }
            }
        }
        if let (Some(readings), Some(values)) = (&readings, values.get(row)) {
            readings.write(values, out)?;
        }
        out.write_all(b"}\n")?;
    }
    Ok(())
}

fn write_line(out: &mut dyn Write, line: &impl Serialize) -> io::Result<()> {
    serde_json::to_writer(&mut *out, line)?;
    out.write_all(b"\n")
}
