//! Writing what was read into the sessions folder.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow_array::{ArrayRef, Float64Array, RecordBatch, UInt64Array};
use arrow_schema::{DataType, Field, Schema, SchemaRef};

use super::table::Row;
use super::{Named, Run};
use crate::record::error::Error;
use crate::record::place::{ENDING, fitting, named as with_ending};
use crate::record::steps::StepsWriter;
use crate::record::{FORMAT, Imported, MANIFEST, Manifest, Origin, Roles};

/// Rows in a record batch.
const ROWS: usize = 8192;

/// Writes a session: whole under its name, or not at all.
pub(super) fn write(
    run: Run,
    roles: Roles,
    source: &Path,
    directory: &Path,
    named: &Named,
    at: &str,
) -> Result<PathBuf, Error> {
    let imported = Imported {
        source: source.display().to_string(),
        kind: run.kind,
        at: at.to_owned(),
        started: run.started,
        columns: run.table.columns,
        roles,
        settings: run.settings,
        notes: run.notes,
    };
    place(directory, named, &run.name, |folder| {
        let schema = schema(&imported.columns);
        let mut writer = StepsWriter::create(folder, 0, schema.clone())?;
        for rows in run.table.rows.chunks(ROWS) {
            writer.write_columns(&encode(&schema, rows)?)?;
        }
        writer.finish()?;
        let origin = Origin::Imported { imported: Box::new(imported) };
        write_manifest(folder, &Manifest { format: FORMAT, wdtop: env!("CARGO_PKG_VERSION").to_owned(), origin })
    })
}

/// Writes `session.json`.
pub(super) fn write_manifest(folder: &Path, manifest: &Manifest) -> io::Result<()> {
    let mut text = serde_json::to_vec_pretty(manifest)?;
    text.push(b'\n');
    fs::write(folder.join(MANIFEST), text)
}

/// Makes a session under a name that is free: `fill` writes it out of sight, a rename shows it.
pub(super) fn place(
    directory: &Path,
    named: &Named,
    suggestion: &str,
    fill: impl FnOnce(&Path) -> io::Result<()>,
) -> Result<PathBuf, Error> {
    fs::create_dir_all(directory).map_err(|source| Error::Create { path: directory.to_owned(), source })?;
    let target = match named {
        Named::As(name) => {
            if !fitting(name) {
                return Err(Error::Name { name: name.clone() });
            }
            with_ending(&directory.join(name))
        }
        Named::BySource => free(directory, suggestion),
    };
    if fs::symlink_metadata(&target).is_ok() {
        return Err(Error::Taken { path: target });
    }
    let failed = |source| Error::Create { path: target.clone(), source };
    let hidden = directory.join(format!(".import-{}", std::process::id()));
    fs::create_dir(&hidden).map_err(failed)?;
    let done = fill(&hidden)
        .and_then(|()| File::open(hidden.join(MANIFEST))?.sync_all())
        .and_then(|()| fs::rename(&hidden, &target));
    if done.is_err() {
        let _ = fs::remove_dir_all(&hidden);
    }
    done.map_err(failed).map(|()| target)
}

fn free(directory: &Path, suggestion: &str) -> PathBuf {
    let safe = |c: char| if c.is_alphanumeric() || "-_.+= ".contains(c) { c } else { '-' };
    let name: String = suggestion.chars().map(safe).collect();
    let name = match name.trim_matches(['.', ' ', '-']) {
        "" => "imported",
        name => name,
    };
    let numbered = (2..).map(|number| format!("{name}-{number}{ENDING}"));
    let mut names = std::iter::once(format!("{name}{ENDING}")).chain(numbered).map(|name| directory.join(name));
    // The chain has no end.
    names.find(|path| fs::symlink_metadata(path).is_err()).unwrap_or_default()
}

fn schema(columns: &[String]) -> SchemaRef {
    let column = |name: &str| Field::new(name, DataType::Float64, true);
    let own = columns.iter().map(|name| column(name));
    let fields = [Field::new("step", DataType::UInt64, false), column("epoch"), column("seconds")];
    Arc::new(Schema::new(fields.into_iter().chain(own).collect::<Vec<_>>()))
}

fn encode(schema: &SchemaRef, rows: &[Row]) -> io::Result<RecordBatch> {
    let place = |value: fn(&Row) -> f64| -> ArrayRef {
        Arc::new(rows.iter().map(|row| Some(value(row)).filter(|value| !value.is_nan())).collect::<Float64Array>())
    };
    let mut columns: Vec<ArrayRef> = vec![
        Arc::new(UInt64Array::from_iter_values(rows.iter().map(|row| row.step))),
        place(|row| row.epoch),
        place(|row| row.seconds),
    ];
    for at in 0..schema.fields().len() - columns.len() {
        let value = |row: &Row| row.values.iter().find(|(column, _)| *column == at).map(|(_, value)| *value);
        columns.push(Arc::new(rows.iter().map(value).collect::<Float64Array>()));
    }
    RecordBatch::try_new(schema.clone(), columns).map_err(io::Error::other)
}
