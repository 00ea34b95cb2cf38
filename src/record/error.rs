//! What can go wrong with a session folder, each with the way out.

use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

use super::{FORMAT, MANIFEST};
use crate::stream::printable;

/// A session folder cannot be made, found or read.
#[derive(Debug, Error)]
pub enum Error {
    /// There is something at the path already.
    #[error("{} exists already; choose another path for the recording", shown(.path))]
    Exists {
        /// Where the session should have gone.
        path: PathBuf,
    },
    /// Something on the way to the folder is a file.
    #[error("cannot record to {}: {} is a file; choose a path whose parents are folders", shown(.path), shown(.parent))]
    ParentIsFile {
        /// Where the session should have gone.
        path: PathBuf,
        /// The file on the way.
        parent: PathBuf,
    },
    /// The folder cannot be made or written.
    #[error("cannot record to {}: {source}; choose a folder that can be written, or do not record", shown(.path))]
    Create {
        /// Where the session should have gone.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Another process writes the folder.
    #[error("{} is being written by another process; choose another path for the recording", shown(.path))]
    Busy {
        /// The session.
        path: PathBuf,
    },
    /// There is no manifest.
    #[error("{} is no session: it has no {MANIFEST}", shown(.path))]
    NoSession {
        /// What was opened.
        path: PathBuf,
    },
    /// The manifest cannot be understood.
    #[error("{MANIFEST} of {} is damaged: {reason}", shown(.path))]
    Manifest {
        /// The session.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A later program wrote it.
    #[error("{} has format {format}, this program reads formats up to {FORMAT}; update wdtop to read it", shown(.path))]
    Newer {
        /// The session.
        path: PathBuf,
        /// Its format version.
        format: u64,
    },
    /// A file cannot be read.
    #[error("cannot read {}: {source}", shown(.path))]
    Read {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// No session has the name.
    #[error("no session `{}` here or in {}; `wdtop list` shows those there are", printable(.name), shown(.place))]
    NotFound {
        /// What was asked for.
        name: String,
        /// The sessions' folder.
        place: PathBuf,
    },
    /// Several sessions begin with the name.
    #[error("`{}` may be {}; type more of the name", printable(.name), printable(.matches))]
    Ambiguous {
        /// What was asked for.
        name: String,
        /// The names that begin so.
        matches: String,
    },
    /// A live session cannot be removed or renamed.
    #[error("{} is being written by a process; stop that run first", shown(.path))]
    Live {
        /// The session.
        path: PathBuf,
    },
    /// A session's folder holds something else.
    #[error("{} also holds {}, which is no part of a session; remove it by hand", shown(.path), printable(.foreign))]
    Foreign {
        /// The session.
        path: PathBuf,
        /// What else is there.
        foreign: String,
    },
    /// There is something with the new name.
    #[error("{} exists already; choose another name", shown(.path))]
    Taken {
        /// Where the session should have gone.
        path: PathBuf,
    },
    /// No folder can have this name.
    #[error("a session's name must be text without / \\ : * ? \" < > | that does not start with . or -, got `{}`", printable(.name))]
    Name {
        /// What was asked for.
        name: String,
    },
    /// The system refused a change.
    #[error("cannot change {}: {source}", shown(.path))]
    Change {
        /// The session.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Another tool recorded it.
    #[error("{} was imported: it has curves and settings, but no run that could be followed", shown(.path))]
    NoRun {
        /// The session.
        path: PathBuf,
    },
    /// A snapshot cannot be understood.
    #[error("cannot read the snapshot {}: {}", shown(.path), printable(.reason))]
    Snapshot {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// There is nothing to go on from.
    #[error("{} has no snapshot to go on from; wdtop train --snapshot-every N keeps some", shown(.path))]
    NoSnapshot {
        /// The session.
        path: PathBuf,
    },
    /// There is no snapshot of the step.
    #[error("{} has no snapshot of step {step}; it has {known}, and 0 is the beginning", shown(.path))]
    NoSnapshotAt {
        /// The session.
        path: PathBuf,
        /// What was asked for.
        step: u64,
        /// The steps of those that there are.
        known: String,
    },
    /// The recording ends with the snapshot.
    #[error("{} ends at step {step}: there is no update after that snapshot", shown(.path))]
    NothingAfter {
        /// The session.
        path: PathBuf,
        /// The snapshot's step.
        step: u64,
    },
    /// What was recorded before the first snapshot is damaged.
    #[error("{} cannot be gone on with: no snapshot is from before the damage: {reason}", shown(.path))]
    TornBeforeSnapshot {
        /// The session.
        path: PathBuf,
        /// What is torn or garbled.
        reason: String,
    },
    /// There is nothing left to do.
    #[error("{} is complete: it has made all its {steps} steps", shown(.path))]
    Complete {
        /// The session.
        path: PathBuf,
        /// Its steps.
        steps: u64,
    },
    /// A run that repeats a session broke down.
    #[error("the rerun failed at step {step}: {}", printable(.message))]
    Again {
        /// The update it broke down in.
        step: u64,
        /// What went wrong.
        message: String,
    },
    /// The writer that an export goes to failed.
    #[error("cannot write the export: {source}")]
    Export {
        /// What the system said.
        source: io::Error,
    },
    /// The file that an export goes to cannot be made.
    #[error("cannot export to {}: {source}", shown(.path))]
    Output {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file that an export goes to is there.
    #[error("{} exists already; choose another path, or use --force", shown(.path))]
    OutputExists {
        /// The file.
        path: PathBuf,
    },
    /// A file that is imported cannot be understood.
    #[error("cannot import {}: {}", shown(.path), printable(.reason))]
    Import {
        /// The file or folder.
        path: PathBuf,
        /// What is wrong with it, and what is allowed.
        reason: String,
    },
    /// None of the sessions has the column.
    #[error("no session has a column `{}`; there are {}", printable(.name), printable(.known))]
    Column {
        /// What was asked for.
        name: String,
        /// What they have.
        known: String,
    },
    /// The session has the chart, and no value in it.
    #[error("there is nothing to draw of `{}`: the session has no finite value of it", printable(.name))]
    NoValues {
        /// What was asked for.
        name: String,
    },
    /// The system has no place for data.
    #[error("no folder for sessions: the home folder is unknown; set WDTOP_SESSIONS to a folder, or give a path")]
    NoHome,
}

/// A path as it may stand in a message.
pub(super) fn shown(path: &Path) -> String {
    printable(&path.display().to_string()).into_owned()
}
