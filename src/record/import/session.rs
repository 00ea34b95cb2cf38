//! Our own JSON lines: the session that they were exported from, value for value.

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow_array::{ArrayRef, Float32Array, Float64Array, RecordBatch, UInt32Array, UInt64Array};
use arrow_schema::{DataType, Field, SchemaRef};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::write::{place, write_manifest};
use super::{Named, name_of};
use crate::record::error::Error;
use crate::record::export::{COLUMNS_LINE, ColumnLine, STEP_LINE};
use crate::record::session::{ManifestTrouble, parse_manifest};
use crate::record::steps::StepsWriter;
use crate::record::{EVENTS, NOTES};
use crate::stream::{Event, number};

/// Rows in a record batch.
const ROWS: usize = 8192;

/// Makes the session again.
pub(super) fn import(path: &Path, directory: &Path, named: &Named) -> Result<PathBuf, Error> {
    // What is wrong with the file is told as that, not as a folder that cannot be written.
    let mut wrong = None;
    let made = place(directory, named, &name_of(path), |folder| {
        Rebuild::create(folder).and_then(|rebuild| rebuild.read(path)).map_err(|trouble| match trouble {
            Trouble::Output(error) => error,
            Trouble::Input { line, what } => {
                let reason = if line == 0 { what } else { format!("line {line}: {what}") };
                wrong = Some(Error::Import { path: path.to_owned(), reason });
                io::Error::other("the file is wrong")
            }
        })
    });
    match wrong {
        Some(error) => Err(error),
        None => made,
    }
}

/// Whether the file or the session is at fault.
enum Trouble {
    Input { line: usize, what: String },
    Output(io::Error),
}

impl From<io::Error> for Trouble {
    fn from(error: io::Error) -> Self {
        Trouble::Output(error)
    }
}

/// A session as it is made again.
struct Rebuild<'a> {
    folder: &'a Path,
    events: BufWriter<File>,
    /// Pairs of step files so far.
    pairs: u32,
    steps: Option<(StepsWriter, SchemaRef)>,
    rows: Vec<Map<String, Value>>,
    line: usize,
}

impl<'a> Rebuild<'a> {
    fn create(folder: &'a Path) -> Result<Self, Trouble> {
        let events = BufWriter::new(File::create(folder.join(EVENTS))?);
        Ok(Rebuild { folder, events, pairs: 0, steps: None, rows: Vec::new(), line: 0 })
    }

    fn read(mut self, path: &Path) -> Result<(), Trouble> {
        let input = |error: io::Error| Trouble::Input { line: 0, what: error.to_string() };
        for line in BufReader::new(File::open(path).map_err(input)?).lines() {
            let line = line.map_err(input)?;
            self.line += 1;
            if self.line == 1 { self.describe(&line)? } else { self.take(&line)? }
        }
        self.close_steps()?;
        self.events.flush()?;
        Ok(())
    }

    fn describe(&self, line: &str) -> Result<(), Trouble> {
        #[derive(Deserialize)]
        struct About {
            notes: Vec<String>,
        }
        let manifest = parse_manifest(line.as_bytes()).map_err(|trouble| match trouble {
            ManifestTrouble::Newer(format) => {
                self.wrong(format!("format {format} is of a later version; update wdtop"))
            }
            ManifestTrouble::Damaged(error) => self.wrong(error.to_string()),
        })?;
        let about: About = serde_json::from_str(line).map_err(|error| self.wrong(error.to_string()))?;
        if !about.notes.is_empty() {
            let text: String = about.notes.iter().flat_map(|note| [note.as_str(), "\n"]).collect();
            fs::write(self.folder.join(NOTES), text)?;
        }
        Ok(write_manifest(self.folder, &manifest)?)
    }

    fn take(&mut self, line: &str) -> Result<(), Trouble> {
        #[derive(Deserialize)]
        struct Kind {
            event: String,
        }
        #[derive(Deserialize)]
        struct Columns {
            columns: Vec<ColumnLine>,
        }
        let wrong = |error: serde_json::Error, line| Trouble::Input { line, what: error.to_string() };
        let Kind { event } = serde_json::from_str(line).map_err(|error| wrong(error, self.line))?;
        match event.as_str() {
            COLUMNS_LINE => {
                let Columns { columns } = serde_json::from_str(line).map_err(|error| wrong(error, self.line))?;
                self.close_steps()?;
                let schema = ColumnLine::schema(&columns);
                self.steps = Some((StepsWriter::create(self.folder, self.pairs, schema.clone())?, schema));
                self.pairs += 1;
                Ok(())
            }
            STEP_LINE => {
                let mut row: Map<String, Value> =
                    serde_json::from_str(line).map_err(|error| wrong(error, self.line))?;
                if let Some((_, schema)) = &self.steps {
                    // What follows from the columns is made again, not kept.
                    row.retain(|key, _| schema.column_with_name(key).is_some());
                }
                self.rows.push(row);
                if self.rows.len() < ROWS { Ok(()) } else { self.write_rows() }
            }
            _ => {
                serde_json::from_str::<Event>(line).map_err(|error| wrong(error, self.line))?;
                self.events.write_all(line.as_bytes())?;
                Ok(self.events.write_all(b"\n")?)
            }
        }
    }

    fn write_rows(&mut self) -> Result<(), Trouble> {
        if self.rows.is_empty() {
            return Ok(());
        }
        let Some((writer, schema)) = &mut self.steps else {
            return Err(Trouble::Input { line: self.line, what: "no line before it names the columns".into() });
        };
        let columns = schema.fields().iter().map(|field| column(field, &self.rows)).collect::<Result<Vec<_>, _>>();
        let columns = columns.map_err(|what| Trouble::Input { line: self.line, what })?;
        let batch = RecordBatch::try_new(schema.clone(), columns)
            .map_err(|error| Trouble::Input { line: self.line, what: error.to_string() })?;
        self.rows.clear();
        Ok(writer.write_columns(&batch)?)
    }

    fn close_steps(&mut self) -> Result<(), Trouble> {
        self.write_rows()?;
        if let Some((mut writer, _)) = self.steps.take() {
            writer.finish()?;
        }
        Ok(())
    }

    fn wrong(&self, what: String) -> Trouble {
        Trouble::Input { line: self.line, what }
    }
}

/// The values of a column, which a row leaves out where it has none.
fn column(field: &Field, rows: &[Map<String, Value>]) -> Result<ArrayRef, String> {
    let name = field.name();
    let whole = |value: &Value| value.as_u64();
    let float = |value: &Value| number::deserialize(value).ok();
    Ok(match field.data_type() {
        DataType::UInt64 => Arc::new(values(name, rows, whole)?.into_iter().collect::<UInt64Array>()),
        DataType::UInt32 => {
            let narrow = |value: &Value| whole(value).and_then(|value| u32::try_from(value).ok());
            Arc::new(values(name, rows, narrow)?.into_iter().collect::<UInt32Array>())
        }
        DataType::Float32 => {
            let narrow = |value: &Value| float(value).map(|value| value as f32);
            Arc::new(values(name, rows, narrow)?.into_iter().collect::<Float32Array>())
        }
        _ => Arc::new(values(name, rows, float)?.into_iter().collect::<Float64Array>()),
    })
}

fn values<T>(
    name: &str,
    rows: &[Map<String, Value>],
    read: impl Fn(&Value) -> Option<T>,
) -> Result<Vec<Option<T>>, String> {
    let value = |row: &Map<String, Value>| match row.get(name) {
        None => Ok(None),
        Some(value) => read(value).map(Some).ok_or_else(|| format!("{name} cannot be {value}")),
    };
    rows.iter().map(value).collect()
}
