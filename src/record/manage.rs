//! What is done to a session afterwards: removed, renamed, written about.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::error::Error;
use super::folder::is_locked;
use super::place::{fitting, named};
use super::{EVENTS, LOCK, MANIFEST, NOTES};

/// Removes a session folder.
///
/// # Errors
/// Where a process is writing it, it is a link, it holds something that is no part of a session, or the system
/// refuses. Nothing is removed then, or the system's last refusal left something without a manifest.
pub fn remove(path: &Path) -> Result<(), Error> {
    let failed = |source| Error::Change { path: path.to_owned(), source };
    if is_locked(path) {
        return Err(Error::Live { path: path.to_owned() });
    }
    if fs::symlink_metadata(path).map_err(failed)?.is_symlink() {
        return Err(failed(io::Error::other("it is a link; remove what it points at, and the link by hand")));
    }
    // `.` has no name of its own.
    let path = &fs::canonicalize(path).map_err(failed)?;
    if let Some(foreign) = first_foreign(path).map_err(failed)? {
        return Err(Error::Foreign { path: path.to_owned(), foreign });
    }
    // Out of sight first: no list ever shows half of it.
    let hidden = path.with_file_name(format!(".{}-removed", file_name(path)));
    fs::rename(path, &hidden).map_err(failed)?;
    let removed = fs::remove_file(hidden.join(MANIFEST)).or_else(unless_missing);
    removed.and_then(|()| fs::remove_dir_all(&hidden)).map_err(failed)
}

/// Gives a session another name; it stays in its folder. The new path.
///
/// # Errors
/// Where a process is writing it, the name is none that a folder can have everywhere, or it is taken.
pub fn rename(path: &Path, name: &str) -> Result<PathBuf, Error> {
    if !fitting(name) {
        return Err(Error::Name { name: name.to_owned() });
    }
    if is_locked(path) {
        return Err(Error::Live { path: path.to_owned() });
    }
    let path = &fs::canonicalize(path).map_err(|source| Error::Change { path: path.to_owned(), source })?;
    let target = named(&path.with_file_name(name));
    if fs::symlink_metadata(&target).is_ok() {
        return Err(Error::Taken { path: target });
    }
    fs::rename(path, &target).map_err(|source| Error::Change { path: path.to_owned(), source })?;
    Ok(target)
}

/// What was written about a session, a line for each note.
///
/// # Errors
/// Where it is there and cannot be read.
pub fn notes(path: &Path) -> Result<Vec<String>, Error> {
    let file = path.join(NOTES);
    match fs::read(&file) {
        Ok(text) => Ok(String::from_utf8_lossy(&text).lines().map(str::to_owned).collect()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(source) => Err(Error::Read { path: file, source }),
    }
}

/// Writes a line about a session. It may be live: the file is not the recorder's.
///
/// # Errors
/// Where the file cannot be written.
pub fn add_note(path: &Path, text: &str) -> Result<(), Error> {
    // One write for the whole line: two processes that note at once do not mix theirs.
    let line = text.split(['\n', '\r']).map(str::trim).filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ");
    let file = path.join(NOTES);
    File::options()
        .create(true)
        .append(true)
        .open(&file)
        .and_then(|mut notes| notes.write_all(format!("{line}\n").as_bytes()))
        .map_err(|source| Error::Change { path: file, source })
}

/// Removes what was written about a session.
///
/// # Errors
/// Where the system refuses.
pub fn clear_notes(path: &Path) -> Result<(), Error> {
    let file = path.join(NOTES);
    fs::remove_file(&file).or_else(unless_missing).map_err(|source| Error::Change { path: file, source })
}

fn unless_missing(error: io::Error) -> io::Result<()> {
    if error.kind() == io::ErrorKind::NotFound { Ok(()) } else { Err(error) }
}

fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned()
}

/// Something in a session folder that no session has: a folder with a manifest may hold more than the session.
fn first_foreign(path: &Path) -> io::Result<Option<String>> {
    for entry in fs::read_dir(path)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let is_folder = entry.file_type()?.is_dir();
        let ours = match name.as_str() {
            MANIFEST | "session.json.new" | EVENTS | NOTES | LOCK => !is_folder,
            "snapshots" if is_folder => {
                if let Some(foreign) = first_foreign_snapshot(&entry.path())? {
                    return Ok(Some(foreign));
                }
                true
            }
            _ => !is_folder && name.starts_with("steps-") && (name.ends_with(".arrows") || name.ends_with(".crc")),
        };
        if !ours {
            return Ok(Some(name));
        }
    }
    Ok(None)
}

fn first_foreign_snapshot(folder: &Path) -> io::Result<Option<String>> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if entry.file_type()?.is_dir() || !name.contains(".safetensors") {
            return Ok(Some(format!("snapshots/{name}")));
        }
    }
    Ok(None)
}
