//! Where sessions are, and what they are called.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use etcetera::BaseStrategy;
use jiff::Zoned;

use super::MANIFEST;
use super::error::Error;
use super::recorder::Recorder;
use super::session::name;

/// How session folders end.
pub(super) const ENDING: &str = ".wdtop";

/// The folder for sessions without a path: `WDTOP_SESSIONS`, or `wdtop/sessions` in the platform's data folder.
///
/// # Errors
/// Where the system knows no home folder.
pub fn directory() -> Result<PathBuf, Error> {
    if let Some(chosen) = env::var_os("WDTOP_SESSIONS").filter(|chosen| !chosen.is_empty()) {
        return Ok(chosen.into());
    }
    let base = etcetera::choose_base_strategy().map_err(|_| Error::NoHome)?;
    Ok(base.data_dir().join("wdtop").join("sessions"))
}

/// The path with the ending of a session folder, for a path that a user gave.
pub fn named(path: &Path) -> PathBuf {
    if path.extension().is_some_and(|extension| extension == &ENDING[1..]) {
        return path.to_owned();
    }
    let mut path = path.as_os_str().to_owned();
    path.push(ENDING);
    path.into()
}

/// Whether a session can have this name on every system.
pub(super) fn fitting(name: &str) -> bool {
    let unfit = |c: char| c.is_control() || r#"/\:*?"<>|"#.contains(c);
    name.trim() == name && !name.trim_matches('.').is_empty() && !name.starts_with(['.', '-']) && !name.contains(unfit)
}

/// Makes a session in `directory` that is named after the recipe and the local time, `demo-20261123-153037`, with
/// `-2` and so on where the name is taken.
///
/// # Errors
/// Where the folder cannot be made.
pub fn create(directory: &Path, recipe: &str, now: &Zoned) -> Result<Recorder, Error> {
    let safe = |c: char| if c.is_alphanumeric() || "-_.".contains(c) { c } else { '-' };
    let recipe: String = recipe.trim_start_matches('.').chars().map(safe).collect();
    let first = format!("{recipe}-{}", now.strftime("%Y%m%d-%H%M%S"));
    let mut number = 1;
    loop {
        let name = if number == 1 { format!("{first}{ENDING}") } else { format!("{first}-{number}{ENDING}") };
        match Recorder::create(&directory.join(name)) {
            Err(Error::Exists { .. } | Error::Busy { .. }) if number < 1000 => number += 1,
            result => return result,
        }
    }
}

/// Finds a session by its path or its folder's name with or without ending, here or in `directory`.
///
/// # Errors
/// Where there is none.
pub fn find(directory: &Path, name: &str) -> Result<PathBuf, Error> {
    let given = Path::new(name);
    let ended = named(given);
    let candidates = [given.to_owned(), ended.clone(), directory.join(given), directory.join(&ended)];
    candidates
        .into_iter()
        .find(|path| !name.is_empty() && is_session(path))
        .ok_or_else(|| Error::NotFound { name: name.to_owned(), place: directory.to_owned() })
}

/// Finds a session as [`find`] does, or by the beginning of a name in `directory` that no other has.
///
/// # Errors
/// Where there is none, or more than one.
pub fn resolve(directory: &Path, name: &str) -> Result<PathBuf, Error> {
    if let Ok(found) = find(directory, name) {
        return Ok(found);
    }
    let starts = |path: &PathBuf| !name.is_empty() && self::name(path).starts_with(name);
    let mut matches: Vec<PathBuf> = folders(directory).into_iter().filter(starts).collect();
    match matches.len() {
        1 => Ok(matches.remove(0)),
        0 => Err(Error::NotFound { name: name.to_owned(), place: directory.to_owned() }),
        more => {
            let mut names: Vec<String> = matches.iter().map(|path| self::name(path)).take(3).collect();
            if more > names.len() {
                names.push(format!("{} others", more - names.len()));
            }
            Err(Error::Ambiguous { name: name.to_owned(), matches: names.join(", ") })
        }
    }
}

/// The session folders in `directory`, by name; none where it cannot be read.
pub(super) fn folders(directory: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(directory) else { return Vec::new() };
    let mut folders: Vec<PathBuf> =
        entries.filter_map(|entry| Some(entry.ok()?.path())).filter(|path| is_session(path)).collect();
    folders.sort();
    folders
}

fn is_session(path: &Path) -> bool {
    path.is_dir()
        && (path.extension().is_some_and(|extension| extension == &ENDING[1..]) || path.join(MANIFEST).exists())
}
