//! A session as the stream of events that it was: for a replay, also while another process still writes it.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use super::columns::Stretch;
use super::error::Error;
use super::folder::is_locked;
use super::session::read_manifest;
use super::steps::{Batches, Steps};
use super::{EVENTS, Manifest, Origin};
use crate::stream::{Event, What};

/// A recorded run, event by event in the order in which it happened: each edit before the first update that used it,
/// each evaluation behind the last update before it.
///
/// [`next`](Follow::next) gives `None` where there is nothing new; asked again later it gives what a live session has
/// gained since. A torn tail is no error: of a live session it is what is just being written, of another one
/// [`dropped`](Follow::dropped) tells of it.
///
/// ```text
/// loop {
///     while let Some(event) = follow.next()? { … }
///     if !follow.is_live() { /* once more: the writer may have gone in between */ }
/// }
/// ```
#[derive(Debug)]
pub struct Follow {
    folder: PathBuf,
    manifest: Manifest,
    told_start: Told,
    steps: Steps,
    /// Updates that are read and not yet told.
    rows: Option<Stretch>,
    log: EventLog,
    /// Events that are read and not yet told.
    events: VecDeque<Event>,
}

/// Whether the event that opens the run was told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Told {
    NotYet,
    Yes,
}

impl Follow {
    /// Opens a session at its beginning.
    ///
    /// # Errors
    /// Where there is no manifest or it cannot be understood, a file cannot be opened, or another tool recorded it:
    /// such a session has no events.
    pub fn open(path: &Path) -> Result<Follow, Error> {
        let manifest = read_manifest(path)?;
        let Origin::Run(run) = &manifest.origin else { return Err(Error::NoRun { path: path.to_owned() }) };
        let tensors = run.tensors.iter().map(|tensor| tensor.name.clone()).collect();
        Ok(Follow {
            folder: path.to_owned(),
            steps: Steps::of(Batches::open(path)?, tensors),
            manifest,
            told_start: Told::NotYet,
            rows: None,
            log: EventLog::new(path.join(EVENTS)),
            events: VecDeque::new(),
        })
    }

    /// The manifest.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// The next event, `Started` first; updates come as `Steps`, no more at a time than a record batch holds. `None`
    /// where there is nothing new.
    ///
    /// # Errors
    /// Where the events are there and cannot be read.
    #[expect(clippy::should_implement_trait, reason = "an iterator is over after None, this is not")]
    pub fn next(&mut self) -> Result<Option<Event>, Error> {
        if self.told_start == Told::NotYet {
            self.told_start = Told::Yes;
            if let Origin::Run(run) = &self.manifest.origin {
                return Ok(Some(What::Started(run.clone()).into()));
            }
        }
        let Some(rows) = (match self.rows.take() {
            Some(rows) => Some(rows),
            None => {
                // The recorder writes the updates before an event first. So all updates before an event that is there
                // now are found below, and it may be told where none are.
                self.log.read(&mut self.events)?;
                let known = self.events.len();
                let rows = self.steps.next();
                if rows.is_none() {
                    return Ok(if known > 0 { self.events.pop_front() } else { None });
                }
                // And all events before an update that was there a moment ago are there now.
                self.log.read(&mut self.events)?;
                rows
            }
        }) else {
            return Ok(None);
        };
        Ok(Some(self.tell_first(rows)))
    }

    /// Whether a process still writes the session. Where none does, what [`next`](Follow::next) gives from now on up
    /// to its `None` is all there will ever be.
    pub fn is_live(&self) -> bool {
        is_locked(&self.folder)
    }

    /// What was dropped at the ends of the files, a line each. Of a live session that is what is being written.
    pub fn dropped(&self) -> Vec<String> {
        let events = self.log.dropped();
        events.into_iter().chain(self.steps.dropped().map(str::to_owned)).collect()
    }

    /// The first event, or the updates before it; what is left of them waits.
    fn tell_first(&mut self, mut rows: Stretch) -> Event {
        let until = self.events.front().map(|event| event.what.step().unwrap_or(0));
        let before = match until {
            Some(step) => rows.batch.rows().iter().take_while(|row| row.step < step).count(),
            None => rows.batch.len(),
        };
        let rest = rows.batch.split_off(before);
        if !rest.is_empty() {
            self.rows = Some(Stretch { branch: rows.branch, batch: rest });
        }
        match self.events.pop_front() {
            Some(event) if before == 0 => event,
            waiting => {
                waiting.into_iter().for_each(|event| self.events.push_front(event));
                Event { what: What::Steps(rows.batch), branch: rows.branch }
            }
        }
    }
}

/// `events.jsonl`, read on from where it was read to.
#[derive(Debug)]
struct EventLog {
    path: PathBuf,
    file: Option<File>,
    /// Read, but no whole line yet.
    text: Vec<u8>,
    lines: usize,
    garbled: Option<String>,
}

impl EventLog {
    fn new(path: PathBuf) -> Self {
        EventLog { path, file: None, text: Vec::new(), lines: 0, garbled: None }
    }

    fn read(&mut self, events: &mut VecDeque<Event>) -> Result<(), Error> {
        if self.garbled.is_some() {
            return Ok(());
        }
        let failed = |path: &Path, source| Error::Read { path: path.to_owned(), source };
        let file = match &mut self.file {
            Some(file) => file,
            None => match File::open(&self.path) {
                Ok(file) => self.file.insert(file),
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
                Err(source) => return Err(failed(&self.path, source)),
            },
        };
        file.read_to_end(&mut self.text).map_err(|source| failed(&self.path, source))?;
        let mut end = 0;
        while let Some(length) = self.text[end..].iter().position(|byte| *byte == b'\n') {
            match serde_json::from_slice(&self.text[end..end + length]) {
                Ok(event) => events.push_back(event),
                Err(_) => {
                    let line = self.lines + 1;
                    self.garbled =
                        Some(format!("{EVENTS}: what follows from line {line} on is garbled and was dropped"));
                    break;
                }
            }
            self.lines += 1;
            end += length + 1;
        }
        self.text.drain(..end);
        Ok(())
    }

    fn dropped(&self) -> Option<String> {
        let torn = || {
            let (bytes, line) = (self.text.len(), self.lines + 1);
            format!("{EVENTS}: the last {bytes} bytes, from line {line} on, are torn and were dropped")
        };
        self.garbled.clone().or_else(|| (!self.text.is_empty()).then(torn))
    }
}
