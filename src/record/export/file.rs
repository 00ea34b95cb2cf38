//! Files that an export goes to.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use crate::record::error::Error;

/// What to do where there is a file already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Existing {
    /// Leave it.
    Keep,
    /// Put the export in its place.
    Replace,
}

/// Writes a file: whole under its own name, or not at all.
///
/// # Errors
/// Where there is something that is not to be replaced or is no file, the folder cannot be written, or `write` fails.
pub fn write_file(
    path: &Path,
    existing: Existing,
    write: impl FnOnce(&mut dyn Write) -> Result<(), Error>,
) -> Result<(), Error> {
    let failed = |source| Error::Output { path: path.to_owned(), source };
    match fs::metadata(path) {
        Ok(_) if existing == Existing::Keep => return Err(Error::OutputExists { path: path.to_owned() }),
        Ok(there) if !there.is_file() => return Err(failed(io::Error::other("it is there and is no file"))),
        _ => {}
    }
    let mut draft = path.as_os_str().to_owned();
    draft.push(".part");
    let draft = PathBuf::from(draft);
    // A draft that another export is writing is not ours.
    let mut out = BufWriter::new(File::create_new(&draft).map_err(failed)?);
    let written = write(&mut out)
        .and_then(|()| out.into_inner().map_err(|error| failed(error.into_error())))
        .and_then(|file| file.sync_all().map_err(failed))
        .and_then(|()| fs::rename(&draft, path).map_err(failed));
    if written.is_err() {
        let _ = fs::remove_file(&draft);
    }
    written
}

/// Writes a TensorBoard run: a folder with one file of events, whose path comes back.
///
/// # Errors
/// As [`write_file`].
pub fn write_run(
    folder: &Path,
    existing: Existing,
    write: impl FnOnce(&mut dyn Write) -> Result<(), Error>,
) -> Result<PathBuf, Error> {
    let failed = |source| Error::Output { path: folder.to_owned(), source };
    let made = !folder.exists();
    fs::create_dir_all(folder).map_err(failed)?;
    // TensorBoard takes every file with `tfevents` in its name for a part of the run: there may be only one.
    let others = fs::read_dir(folder).map_err(failed)?.flatten();
    let other = others.map(|entry| entry.path()).find(|path| path.to_string_lossy().contains("tfevents"));
    let path = other.unwrap_or_else(|| folder.join("events.out.tfevents.0.wdtop"));
    let written = write_file(&path, existing, write);
    if written.is_err() && made {
        let _ = fs::remove_dir(folder);
    }
    written.map(|()| path)
}
