//! All sessions of a folder, a line for each.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Serialize;

use super::compare::{Best, Number, settings};
use super::error::Error;
use super::outcome::Outcome;
use super::place::folders;
use super::session::{Session, name};
use super::table::{Cell, Side, Table, significant};
use crate::chart::digits::thousands;

/// A session folder, readable or not.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Listed {
    /// The session's name.
    pub name: String,
    /// The folder.
    pub path: PathBuf,
    /// When the run began, RFC 3339; of a folder that cannot be read, when it was last changed.
    pub started: String,
    /// Bytes in the folder.
    pub bytes: u64,
    /// What it holds.
    #[serde(flatten)]
    pub entry: Entry,
}

/// What a session folder holds.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Entry {
    /// A session.
    Session {
        /// Whether it runs, or how it ended.
        state: String,
        /// The recipe it started from; an imported session has none.
        recipe: Option<String>,
        /// Updates made; of an imported session the last step it knows.
        steps: u64,
        /// The lowest validation loss.
        best_loss: Option<Best>,
        /// The validation accuracy at the end, or of the last evaluation.
        accuracy: Option<Number>,
        /// Edits made.
        edits: usize,
        /// Its settings by dotted key.
        settings: BTreeMap<String, String>,
        /// What was written about it.
        noted: Vec<String>,
        /// What was dropped of it.
        notes: Vec<String>,
    },
    /// A folder that cannot be read.
    Trouble {
        /// Why, in one line.
        trouble: String,
    },
}

/// The sessions in `directory`, the newest last. A folder that does not exist has none.
pub fn list(directory: &Path) -> Vec<Listed> {
    let mut found: Vec<(Timestamp, Listed)> = folders(directory).iter().map(|path| timed(path)).collect();
    found.sort_by(|(a, one), (b, other)| (a, &one.name).cmp(&(b, &other.name)));
    found.into_iter().map(|(_, listed)| listed).collect()
}

/// The sessions as aligned text, times in the zone given.
pub fn tabulate(sessions: &[Listed], zone: &TimeZone) -> String {
    let header = ["name", "state", "recipe", "started", "steps", "best loss", "accuracy", "edits", "size"];
    let sides = [[Side::Left; 4].as_slice(), [Side::Right; 5].as_slice()].concat();
    let mut table = Table { sides, rows: vec![header.map(Cell::text).to_vec()] };
    let mut remarks = Vec::new();
    for session in sessions {
        let started = session.started.parse::<Timestamp>().map_or_else(
            |_| session.started.clone(),
            |time| time.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M").to_string(),
        );
        let size = Cell::text(human_bytes(session.bytes));
        let name = Cell::text(session.name.clone());
        table.rows.push(match &session.entry {
            Entry::Session { state, recipe, steps, best_loss, accuracy, edits, noted, notes, .. } => {
                remarks.extend(noted.iter().chain(notes).map(|note| (&session.name, note)));
                vec![
                    name,
                    Cell::text(state.clone()),
                    recipe.clone().map_or_else(Cell::missing, Cell::text),
                    Cell::text(started),
                    Cell::text(thousands(*steps)),
                    best_loss.map_or_else(Cell::missing, |best| Cell::text(significant(best.value, 4))),
                    accuracy.map_or_else(Cell::missing, |share| Cell::text(format!("{:.2} %", 100.0 * share.0))),
                    Cell::text(edits.to_string()),
                    size,
                ]
            }
            Entry::Trouble { trouble } => {
                remarks.push((&session.name, trouble));
                let mut row = vec![name, Cell::text("damaged"), Cell::missing(), Cell::text(started)];
                row.extend([Cell::missing(), Cell::missing(), Cell::missing(), Cell::missing(), size]);
                row
            }
        });
    }
    let mut text = table.to_text();
    for (name, remark) in remarks {
        text.push_str(&crate::stream::printable(&format!("{name}: {remark}")));
        text.push('\n');
    }
    text
}

/// One folder as the list has it.
pub fn look(path: &Path) -> Listed {
    timed(path).1
}

fn timed(path: &Path) -> (Timestamp, Listed) {
    let (bytes, changed) = measure(path);
    let listed = |started: String, entry| Listed { name: name(path), path: path.to_owned(), started, bytes, entry };
    let changed = Timestamp::try_from(changed).unwrap_or(Timestamp::UNIX_EPOCH);
    match Session::open(path).and_then(|session| Ok((entry(&session)?, session))) {
        Ok((entry, session)) => {
            let started = session.started();
            (started.parse().unwrap_or(changed), listed(started.to_owned(), entry))
        }
        Err(error) => (changed, listed(changed.to_string(), Entry::Trouble { trouble: error.to_string() })),
    }
}

fn entry(session: &Session) -> Result<Entry, Error> {
    let mut notes: Vec<String> = session.dropped.iter().cloned().collect();
    let outcome = Outcome::of(session)?;
    notes.extend(outcome.notes);
    Ok(Entry::Session {
        state: session.state.to_string(),
        recipe: session.description().map(|run| run.config.recipe.clone()),
        steps: outcome.steps,
        best_loss: outcome.best_loss,
        accuracy: outcome.validation.accuracy,
        edits: session.edits().count(),
        settings: settings(session),
        noted: super::notes(&session.path)?,
        notes,
    })
}

/// The bytes in a folder and the time of its last change.
fn measure(path: &Path) -> (u64, SystemTime) {
    let changed = fs::metadata(path).and_then(|folder| folder.modified()).unwrap_or(SystemTime::UNIX_EPOCH);
    let Ok(entries) = fs::read_dir(path) else { return (0, changed) };
    entries.flatten().fold((0, changed), |(bytes, changed), entry| match entry.metadata() {
        Ok(file) if file.is_dir() => (bytes + measure(&entry.path()).0, changed),
        Ok(file) => (bytes + file.len(), changed.max(file.modified().unwrap_or(changed))),
        Err(_) => (bytes, changed),
    })
}

fn human_bytes(bytes: u64) -> String {
    match bytes {
        0..1_000 => format!("{bytes} B"),
        1_000..1_000_000 => format!("{:.0} kB", bytes as f64 / 1e3),
        1_000_000..1_000_000_000 => format!("{:.1} MB", bytes as f64 / 1e6),
        _ => format!("{:.1} GB", bytes as f64 / 1e9),
    }
}
