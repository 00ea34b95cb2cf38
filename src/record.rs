//! The session folder: written while a network trains, read, listed and compared later.
//!
//! ```text
//! NAME.wdtop/
//!   session.json       manifest: format version and the run's whole description
//!   steps-000.arrows   Apache Arrow IPC stream: a row for each update, a record batch at least every second
//!   steps-000.crc      a line for each message of the stream: offset, length, CRC-32
//!   steps-000-tensors.arrows, .crc   the tensors' columns, where they are kept of every Nth update only
//!                      (other columns later on are another pair of files, steps-001)
//!   events.jsonl       a line for each edit, evaluation, note, pause, end; written before the event is passed on
//!   snapshots/STEP.safetensors   weights, optimizer state and counters before the update with that index
//!   notes.txt          what somebody wrote about the session later, a line for each note
//!   lock               empty; locked by the process that writes the session
//! ```
//!
//! Everything is appended, so a process that is killed at any byte loses at most the last second, and a reader drops a
//! torn tail with a note. Reading needs no lock: a session can be read while it is written. Two processes cannot write
//! one, and the lock tells a running session from one whose writer is gone.

mod align;
mod columns;
mod compare;
mod curves;
mod disk;
mod error;
mod export;
mod folder;
mod follow;
mod import;
mod list;
mod log;
mod manage;
mod outcome;
mod place;
mod query;
mod recorder;
mod repeat;
mod report;
mod session;
mod snapshot;
mod steps;
mod table;
mod tensorboard;
#[cfg(test)]
mod tests;
mod verify;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use align::{Aligned, AlignedRow};
pub use columns::Stretch;
pub use compare::{Best, Comparison, Difference, EditRow, Number, Outline, Standing, TensorNorm, compare};
pub use error::Error;
pub use export::{
    CsvTable, Existing, to_csv, to_json_lines, to_markdown, to_svg, to_tensorboard, write_file, write_run,
};
pub use follow::Follow;
pub use import::{Mapping, Named, import};
pub use list::{Entry, Listed, list, look, tabulate};
pub use manage::{add_note, clear_notes, notes, remove, rename};
pub use outcome::Scores;
pub use place::{create, directory, find, named, resolve};
pub use query::{Filter, Order, QueryError, select};
pub use recorder::{Recorded, Recorder};
pub use repeat::{LateRepeat, Past, Repeat, Resumption};
pub use session::{Session, State, name as session_name};
pub use steps::{LastUpdate, Steps};
pub use verify::{Compared, Deviation, Exactness, TOLERANCE, Verdict, verify};

pub use crate::chart::{Alignment, Point};

use crate::stream::Description;
use compare::settings;

/// The format version that is written, and the highest that is read.
pub const FORMAT: u64 = 1;

const MANIFEST: &str = "session.json";
const EVENTS: &str = "events.jsonl";
const NOTES: &str = "notes.txt";
const LOCK: &str = "lock";
#[cfg(test)]
const STEPS: &str = "steps-000.arrows";
#[cfg(test)]
const STEPS_CRC: &str = "steps-000.crc";

/// `session.json`: what is known before the first update.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Manifest {
    /// Format version of the folder.
    pub format: u64,
    /// Version of the program that wrote it.
    pub wdtop: String,
    /// Where the session comes from.
    #[serde(flatten)]
    pub origin: Origin,
}

/// Where a session comes from. Only a run of our own has a configuration, tensors and a machine: of what another tool
/// recorded they are not known, and nothing stands in for them.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Origin {
    /// A run of this program.
    Run(Box<Description>),
    /// What another tool recorded: the manifest's key `imported` tells the two apart.
    Imported {
        /// What is known of it.
        imported: Box<Imported>,
    },
}

/// What is known of a session that another tool recorded.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Imported {
    /// The file or folder it was read from, as it was given.
    pub source: String,
    /// What wrote it.
    pub kind: SourceKind,
    /// When it was read, RFC 3339.
    pub at: String,
    /// When the run began, RFC 3339, where the source tells.
    pub started: Option<String>,
    /// The columns beside `step`, `epoch` and `seconds`, by the names they have in the source.
    pub columns: Vec<String>,
    /// Which of the columns hold what is compared.
    pub roles: Roles,
    /// Settings as the source has them, as text.
    pub settings: BTreeMap<String, String>,
    /// What was left out, a line each.
    pub notes: Vec<String>,
}

/// The columns of an imported session that mean what ours mean.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Roles {
    /// Mean loss over the validation set.
    pub validation_loss: Option<String>,
    /// Correct share of the validation set.
    pub validation_accuracy: Option<String>,
    /// Mean training loss.
    pub training_loss: Option<String>,
    /// Correct share of the training set.
    pub training_accuracy: Option<String>,
}

/// The kinds of files that are imported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SourceKind {
    /// Values separated by commas or tabs, a column for each metric.
    Csv,
    /// A folder of DVCLive's tables, one for each metric.
    Dvclive,
    /// A JSON object on each line.
    JsonLines,
    /// TensorBoard's event files.
    Tensorboard,
    /// A run in MLflow's folder.
    Mlflow,
}

impl SourceKind {
    /// Its name in the manifest and on the screen.
    pub fn name(self) -> &'static str {
        match self {
            SourceKind::Csv => "csv",
            SourceKind::Dvclive => "dvclive",
            SourceKind::JsonLines => "json_lines",
            SourceKind::Tensorboard => "tensorboard",
            SourceKind::Mlflow => "mlflow",
        }
    }
}
