//! TensorBoard's event files: a run for each folder that has some.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use super::table::{Weave, rfc_3339};
use super::{Run, name_of};
use crate::record::SourceKind;
use crate::record::error::Error;
use crate::record::tensorboard;

/// Reads one file.
pub(super) fn read_file(path: &Path) -> Result<Run, Error> {
    read_files(&[path.to_owned()])
}

/// Reads all files below a folder.
pub(super) fn read_folder(folder: &Path) -> Result<Vec<Run>, Error> {
    let mut runs: BTreeMap<PathBuf, Vec<PathBuf>> = BTreeMap::new();
    find(folder, &mut runs)?;
    runs.into_values()
        .map(|mut files| {
            files.sort();
            read_files(&files)
        })
        .collect()
}

fn find(folder: &Path, runs: &mut BTreeMap<PathBuf, Vec<PathBuf>>) -> Result<(), Error> {
    let failed = |source| Error::Read { path: folder.to_owned(), source };
    for entry in fs::read_dir(folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let path = entry.path();
        // Links are not followed: they may lead round in a circle.
        match entry.file_type().map_err(failed)? {
            kind if kind.is_dir() => find(&path, runs)?,
            _ if entry.file_name().to_string_lossy().contains("tfevents") => {
                runs.entry(folder.to_owned()).or_default().push(path);
            }
            _ => {}
        }
    }
    Ok(())
}

/// Reads the files of one run in their order.
fn read_files(files: &[PathBuf]) -> Result<Run, Error> {
    let mut curves: BTreeMap<String, Vec<(u64, f64, f64)>> = BTreeMap::new();
    let mut notes = Vec::new();
    for path in files {
        let bytes = fs::read(path).map_err(|source| Error::Read { path: path.clone(), source })?;
        let reading = tensorboard::read(&bytes);
        if reading.records == 0 && reading.dropped > 0 {
            let reason = "its first record is torn or garbled: it is no event file".to_owned();
            return Err(Error::Import { path: path.clone(), reason });
        }
        if reading.dropped > 0 {
            let file = path.file_name().unwrap_or_default().to_string_lossy();
            notes.push(format!("{file}: the last {} bytes are torn or garbled and were left out", reading.dropped));
        }
        for scalar in reading.scalars {
            curves.entry(scalar.tag).or_default().push((scalar.step, scalar.time, scalar.value));
        }
    }
    let start = curves.values().flatten().map(|(_, time, _)| *time).filter(|time| time.is_finite()).reduce(f64::min);
    let mut weave = Weave::default();
    curves.into_iter().for_each(|(tag, points)| weave.add(tag, points));
    Ok(Run {
        kind: SourceKind::Tensorboard,
        name: files.first().map(|path| name_of(path)).unwrap_or_default(),
        started: start.and_then(rfc_3339),
        settings: BTreeMap::new(),
        table: weave.finish(start.unwrap_or(0.0)),
        notes,
    })
}
