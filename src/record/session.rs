//! Reading a session folder, finished, torn or still being written.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::error::Error;
use super::folder::is_locked;
use super::steps::{Batches, LastUpdate, Steps};
use super::{EVENTS, FORMAT, Imported, MANIFEST, Manifest, Origin};
use crate::stream::{Description, Edit, Evaluation, Event, Spectra, StopReason, Summary, What};

/// A session as far as it can be read: the manifest and all events; the steps are read when asked for.
#[derive(Debug, Clone, PartialEq)]
pub struct Session {
    /// The folder.
    pub path: PathBuf,
    /// The folder's name without `.wdtop`.
    pub name: String,
    /// What was known before the first update.
    pub manifest: Manifest,
    /// The events in order, without those that open a run and those that carry steps.
    pub events: Vec<Event>,
    /// Whether it is being written, or how it ended.
    pub state: State,
    /// What was dropped from the events, in one line.
    pub dropped: Option<String>,
}

/// Where a session stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// A process is writing it.
    Running,
    /// The run ended as it should, or diverged.
    Finished(StopReason),
    /// The run broke down with this message.
    Failed(String),
    /// It has no end, and no process is writing it.
    Crashed,
    /// Another tool recorded it.
    Imported,
}

impl std::fmt::Display for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            State::Running => f.write_str("running"),
            State::Finished(StopReason::Completed) => f.write_str("finished"),
            State::Finished(reason) => reason.fmt(f),
            State::Failed(_) => f.write_str("failed"),
            State::Crashed => f.write_str("crashed"),
            State::Imported => f.write_str("imported"),
        }
    }
}

impl Session {
    /// Reads the manifest and the events of the folder at `path`.
    ///
    /// # Errors
    /// Where there is no manifest, it cannot be understood or is of a newer format. Events that cannot be read are
    /// dropped from the first such line on, and `dropped` says so.
    pub fn open(path: &Path) -> Result<Session, Error> {
        let manifest = read_manifest(path)?;
        // Asked before the events are read: a run that ends in between is then found to have ended.
        let locked = is_locked(path);
        let (events, torn) = read_events(&path.join(EVENTS))?;
        let state = events
            .iter()
            .rev()
            .find_map(|event| match &event.what {
                What::Finished(summary) => Some(State::Finished(summary.reason)),
                What::Failed { message, .. } => Some(State::Failed(message.clone())),
                _ => None,
            })
            .unwrap_or(match (&manifest.origin, locked) {
                (Origin::Imported { .. }, _) => State::Imported,
                (Origin::Run(_), true) => State::Running,
                (Origin::Run(_), false) => State::Crashed,
            });
        Ok(Session {
            name: name(path),
            path: path.to_owned(),
            manifest,
            events,
            // The last line of a running session is torn whenever a reader comes in the middle of it.
            dropped: torn.filter(|_| state != State::Running),
            state,
        })
    }

    /// The run before its first update; `None` of what another tool recorded.
    pub fn description(&self) -> Option<&Description> {
        match &self.manifest.origin {
            Origin::Run(description) => Some(description),
            Origin::Imported { .. } => None,
        }
    }

    /// What is known of a session that another tool recorded.
    pub fn imported(&self) -> Option<&Imported> {
        match &self.manifest.origin {
            Origin::Run(_) => None,
            Origin::Imported { imported } => Some(imported),
        }
    }

    /// When the run began, RFC 3339: of what was imported when it was, where its source does not tell.
    pub fn started(&self) -> &str {
        match &self.manifest.origin {
            Origin::Run(description) => &description.started,
            Origin::Imported { imported } => imported.started.as_ref().unwrap_or(&imported.at),
        }
    }

    /// Names of the tensors that each update has sums of.
    pub fn tensors(&self) -> Vec<String> {
        let tensors = self.description().map_or(&[][..], |run| &run.tensors);
        tensors.iter().map(|tensor| tensor.name.clone()).collect()
    }

    /// The recorded updates, from the first. What was imported has rows, but not ours: see `Session::batches`.
    ///
    /// # Errors
    /// Where a file is there and cannot be opened.
    pub fn steps(&self) -> Result<Steps, Error> {
        Ok(Steps::of(self.batches()?, self.tensors()))
    }

    /// The rows as they are in the files.
    ///
    /// # Errors
    /// Where a file is there and cannot be opened.
    pub(super) fn batches(&self) -> Result<Batches, Error> {
        Batches::open(&self.path)
    }

    /// The last recorded update, if there is one, and a line about what was dropped after it. Reads all step data
    /// but decodes only the last batch.
    ///
    /// # Errors
    /// Where a file is there and cannot be opened.
    pub fn last_update(&self) -> Result<(Option<LastUpdate>, Option<String>), Error> {
        let mut steps = self.steps()?;
        let last = steps.last_update();
        let dropped = steps.dropped().filter(|_| self.state != State::Running).map(str::to_owned);
        Ok((last, dropped))
    }

    /// How the run ended, if it did.
    pub fn summary(&self) -> Option<&Summary> {
        self.events.iter().rev().find_map(|event| match &event.what {
            What::Finished(summary) => Some(summary.as_ref()),
            _ => None,
        })
    }

    /// All evaluations in order.
    pub fn evaluations(&self) -> impl DoubleEndedIterator<Item = &Evaluation> {
        self.events.iter().filter_map(|event| match &event.what {
            What::Evaluated(evaluation) => Some(evaluation),
            _ => None,
        })
    }

    /// All measured spectra in order; none in recordings from before there were any.
    pub fn spectra(&self) -> impl DoubleEndedIterator<Item = &Spectra> {
        self.events.iter().filter_map(|event| match &event.what {
            What::Spectrum(spectra) => Some(spectra),
            _ => None,
        })
    }

    /// All edits in order.
    pub fn edits(&self) -> impl DoubleEndedIterator<Item = &Edit> {
        self.events.iter().filter_map(|event| match &event.what {
            What::Edited(edit) => Some(edit),
            _ => None,
        })
    }
}

/// A session folder's name without its ending.
pub fn name(path: &Path) -> String {
    let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy();
    name.strip_suffix(".wdtop").unwrap_or(&name).to_owned()
}

pub(super) fn read_manifest(folder: &Path) -> Result<Manifest, Error> {
    let path = folder.join(MANIFEST);
    let text = match fs::read(&path) {
        Ok(text) => text,
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            return Err(Error::NoSession { path: folder.to_owned() });
        }
        Err(source) => return Err(Error::Read { path, source }),
    };
    parse_manifest(&text).map_err(|trouble| match trouble {
        ManifestTrouble::Newer(format) => Error::Newer { path: folder.to_owned(), format },
        ManifestTrouble::Damaged(error) => Error::Manifest { path: folder.to_owned(), reason: error.to_string() },
    })
}

/// Why a text is no manifest of ours.
#[derive(Debug)]
pub(super) enum ManifestTrouble {
    /// A later program wrote it.
    Newer(u64),
    /// It cannot be understood.
    Damaged(serde_json::Error),
}

/// Reads what `session.json` holds. Serde's own way for an untagged enum would not say what is wrong.
pub(super) fn parse_manifest(text: &[u8]) -> Result<Manifest, ManifestTrouble> {
    #[derive(Deserialize)]
    struct Version {
        format: u64,
    }
    #[derive(Deserialize)]
    struct Head {
        wdtop: String,
        imported: Option<Box<Imported>>,
    }

    // The version comes first: a newer manifest need not have the rest of ours.
    let Version { format } = serde_json::from_slice(text).map_err(ManifestTrouble::Damaged)?;
    if format > FORMAT {
        return Err(ManifestTrouble::Newer(format));
    }
    let Head { wdtop, imported } = serde_json::from_slice(text).map_err(ManifestTrouble::Damaged)?;
    let origin = match imported {
        Some(imported) => Origin::Imported { imported },
        None => Origin::Run(serde_json::from_slice(text).map_err(ManifestTrouble::Damaged)?),
    };
    Ok(Manifest { format, wdtop, origin })
}

/// The events up to the first line that is none, and a line about the rest.
fn read_events(path: &Path) -> Result<(Vec<Event>, Option<String>), Error> {
    let text = match fs::read(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok((Vec::new(), None)),
        Err(source) => return Err(Error::Read { path: path.to_owned(), source }),
    };
    let mut events = Vec::new();
    let mut end = 0;
    for line in text.split_inclusive(|byte| *byte == b'\n') {
        let Ok(event) = serde_json::from_slice(line) else {
            let (line, bytes) = (events.len() + 1, text.len() - end);
            let torn =
                format!("{EVENTS}: the last {bytes} bytes, from line {line} on, are torn or garbled and were dropped");
            return Ok((events, Some(torn)));
        };
        events.push(event);
        end += line.len();
    }
    Ok((events, None))
}
