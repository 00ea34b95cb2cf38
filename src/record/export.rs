//! A session for other programs. Each exporter is a function from a session to a writer; only [`write_file`] and
//! [`write_run`] know of files, and leave nothing half-written there.

mod csv;
mod file;
mod json_lines;
mod markdown;
mod svg;
mod tensorboard;

use std::io;

use arrow_array::cast::AsArray;
use arrow_array::types::{Float32Type, Float64Type, UInt32Type, UInt64Type};
use arrow_array::{Array, ArrayRef};
use arrow_schema::DataType;

pub use csv::{CsvTable, to_csv};
pub use file::{Existing, write_file, write_run};
pub use json_lines::to_json_lines;
pub(super) use json_lines::{COLUMNS_LINE, ColumnLine, SESSION_LINE, STEP_LINE};
pub use markdown::to_markdown;
pub use svg::to_svg;
pub use tensorboard::to_tensorboard;

use super::error::Error;

/// A value of a column.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Scalar {
    Whole(u64),
    Narrow(f32),
    Wide(f64),
}

impl Scalar {
    fn as_f64(self) -> f64 {
        match self {
            Scalar::Whole(value) => value as f64,
            Scalar::Narrow(value) => value.into(),
            Scalar::Wide(value) => value,
        }
    }
}

/// The value in a row; `None` where it is missing, or of a type that a session has no columns of.
fn scalar(column: &ArrayRef, row: usize) -> Option<Scalar> {
    if column.is_null(row) {
        return None;
    }
    match column.data_type() {
        DataType::UInt64 => Some(Scalar::Whole(column.as_primitive::<UInt64Type>().value(row))),
        DataType::UInt32 => Some(Scalar::Whole(column.as_primitive::<UInt32Type>().value(row).into())),
        DataType::Float32 => Some(Scalar::Narrow(column.as_primitive::<Float32Type>().value(row))),
        DataType::Float64 => Some(Scalar::Wide(column.as_primitive::<Float64Type>().value(row))),
        _ => None,
    }
}

/// A failure to write to where the export goes.
fn unwritten(source: io::Error) -> Error {
    Error::Export { source }
}
