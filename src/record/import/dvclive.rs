//! DVCLive's folder: a table for each metric below `plots/metrics`, and `params.yaml`.

use std::fs;
use std::path::{Path, PathBuf};

use super::table::Weave;
use super::{Run, csv, read_text, yaml};
use crate::record::SourceKind;
use crate::record::error::Error;

/// Reads the folder, if it is one: the folder itself, its `plots`, or one with `dvclive` in it.
pub(super) fn read(folder: &Path) -> Result<Vec<Run>, Error> {
    let roots = [folder.to_owned(), folder.join("dvclive")];
    let Some((root, metrics)) =
        roots.iter().map(|root| (root, root.join("plots").join("metrics"))).find(|(_, metrics)| metrics.is_dir())
    else {
        return Ok(Vec::new());
    };
    let mut tables = Vec::new();
    find(&metrics, &mut tables)?;
    tables.sort();
    let mut weave = Weave::default();
    let mut notes = Vec::new();
    let mut start = None;
    for path in tables {
        let run = csv::read(&path, None)?;
        let name = path.strip_prefix(&metrics).unwrap_or(&path).with_extension("");
        let name = name.iter().map(|part| part.to_string_lossy()).collect::<Vec<_>>().join("/");
        notes.extend(run.notes.iter().map(|note| format!("{name}: {note}")));
        start = start.or(run.started);
        for (at, column) in run.table.columns.iter().enumerate() {
            let values = run.table.rows.iter().filter_map(|row| {
                row.values.iter().find(|(column, _)| *column == at).map(|(_, value)| (row.step, row.seconds, *value))
            });
            // The column is called as the file is; another one beside it keeps its own name too.
            let own = name.rsplit('/').next() == Some(column) || run.table.columns.len() == 1;
            weave.add(if own { name.clone() } else { format!("{name}/{column}") }, values);
        }
    }
    let place = root.canonicalize().unwrap_or_else(|_| root.clone());
    let named = if place.ends_with("dvclive") { place.parent().unwrap_or(&place) } else { &place };
    Ok(vec![Run {
        kind: SourceKind::Dvclive,
        name: named.file_name().unwrap_or_default().to_string_lossy().into_owned(),
        started: start,
        settings: yaml::read(&read_text(&root.join("params.yaml")).unwrap_or_default()),
        table: weave.finish(0.0),
        notes,
    }])
}

fn find(folder: &Path, tables: &mut Vec<PathBuf>) -> Result<(), Error> {
    let failed = |source| Error::Read { path: folder.to_owned(), source };
    for entry in fs::read_dir(folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        if entry.file_type().map_err(failed)?.is_dir() {
            find(&entry.path(), tables)?;
        } else if entry.path().extension().is_some_and(|extension| extension == "tsv") {
            tables.push(entry.path());
        }
    }
    Ok(())
}
