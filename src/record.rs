//! The session folder: written while a network trains, read, listed and compared later.
//!
//! ```text
//! NAME.wdtop/
//!   session.json       manifest: format version and the run's whole description
//!   steps-000.arrows   Apache Arrow IPC stream: a row for each update, a record batch at least every second
//!   steps-000.crc      a line for each message of the stream: offset, length, CRC-32
//!   events.jsonl       a line for each edit, evaluation, note, pause, end; written before the event is passed on
//!   lock               empty; locked by the process that writes the session
//! ```
//!
//! Everything is appended, so a process that is killed at any byte loses at most the last second, and a reader drops a
//! torn tail with a note. Reading needs no lock: a session can be read while it is written. Two processes cannot write
//! one, and the lock tells a running session from one whose writer is gone.

mod columns;
mod compare;
mod error;
mod folder;
mod list;
mod log;
mod place;
mod recorder;
mod report;
mod session;
mod steps;
mod table;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

pub use columns::Stretch;
pub use compare::{Best, Comparison, Difference, EditRow, Number, Outline, Standing, TensorNorm, compare};
pub use error::Error;
pub use list::{Entry, Listed, list, tabulate};
pub use place::{create, directory, named, resolve};
pub use recorder::{Recorded, Recorder};
pub use session::{Session, State, name as session_name};
pub use steps::{LastUpdate, Steps};

use crate::stream::Description;

/// The format version that is written, and the highest that is read.
pub const FORMAT: u64 = 1;

const MANIFEST: &str = "session.json";
const EVENTS: &str = "events.jsonl";
const STEPS: &str = "steps-000.arrows";
const STEPS_CRC: &str = "steps-000.crc";
const LOCK: &str = "lock";

/// `session.json`: what is known before the first update.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// Format version of the folder.
    pub format: u64,
    /// Version of the program that wrote it.
    pub wdtop: String,
    /// The run.
    #[serde(flatten)]
    pub description: Description,
}
