//! Sessions from what other tools recorded, for `list` and `compare`; and from our own JSON lines, without loss.
//!
//! A reader for each kind of file gives [`Run`]s: a table of numbers by step, and what is known around it. Writing them
//! into the sessions folder is the same for all.

mod csv;
mod dvclive;
mod json_lines;
mod mlflow;
mod roles;
mod session;
mod table;
mod tensorboard;
mod write;
mod yaml;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use super::error::Error;
use super::{Roles, SourceKind};
use table::Table;

/// Which columns mean what, where names do not tell.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Mapping {
    /// The column with the steps.
    pub step: Option<String>,
    /// The columns that are compared.
    pub roles: Roles,
}

/// How imported sessions are called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Named {
    /// After their sources, with a number where the name is taken.
    BySource,
    /// So, and not where the name is taken; for a single session.
    As(String),
}

/// A run of another tool.
#[derive(Debug)]
struct Run {
    kind: SourceKind,
    /// What it could be called.
    name: String,
    /// RFC 3339.
    started: Option<String>,
    settings: BTreeMap<String, String>,
    table: Table,
    notes: Vec<String>,
}

/// Reads what is at `path` into sessions in `directory`; their paths come back. `at` is the time, RFC 3339.
///
/// # Errors
/// Where nothing there can be read as a run, a value is none, a column that was named is not there, or a session cannot
/// be written. Nothing half-written is left.
pub fn import(
    path: &Path,
    directory: &Path,
    named: &Named,
    mapping: &Mapping,
    at: &str,
) -> Result<Vec<PathBuf>, Error> {
    if is_our_json(path) {
        return Ok(vec![session::import(path, directory, named)?]);
    }
    let runs = read(path, mapping)?;
    let refusal = |reason: String| Error::Import { path: path.to_owned(), reason };
    match (runs.as_slice(), named) {
        ([], _) => return Err(refusal("there is no run in it".into())),
        ([_, _, ..], Named::As(name)) => {
            return Err(refusal(format!("it holds {} runs, which cannot all be called `{name}`", runs.len())));
        }
        _ => {}
    }
    if let Some(empty) = runs.iter().find(|run| run.table.rows.is_empty()) {
        return Err(refusal(format!("run {} has no numbers", empty.name)));
    }
    // All that can be wrong with the runs is found before the first is written.
    let roles = runs
        .iter()
        .map(|run| roles::resolve(&run.table, &mapping.roles))
        .collect::<Result<Vec<_>, _>>()
        .map_err(refusal)?;
    runs.into_iter().zip(roles).map(|(run, roles)| write::write(run, roles, path, directory, named, at)).collect()
}

/// Reads the runs of one kind in a folder; none where it has none of that kind.
type Reader<'a> = &'a dyn Fn(&Path) -> Result<Vec<Run>, Error>;

/// Reads the runs in a file or folder, whose kind shows from its name and content.
fn read(path: &Path, mapping: &Mapping) -> Result<Vec<Run>, Error> {
    let step = mapping.step.as_deref();
    let meta = fs::metadata(path).map_err(|source| Error::Read { path: path.to_owned(), source })?;
    if meta.is_dir() {
        if path.join(super::MANIFEST).exists() {
            return Err(Error::Import { path: path.to_owned(), reason: "it is a session already".into() });
        }
        let readers: [Reader<'_>; 4] = [
            &mlflow::read,
            &dvclive::read,
            &|folder| match folder.join("metrics.csv") {
                file if file.is_file() => Ok(vec![csv::read(&file, step)?]),
                _ => Ok(Vec::new()),
            },
            &tensorboard::read_folder,
        ];
        for reader in readers {
            let runs = reader(path)?;
            if !runs.is_empty() {
                return Ok(runs);
            }
        }
        let expected = "an mlruns folder, DVCLive's tables, metrics.csv, or TensorBoard's event files";
        return Err(Error::Import {
            path: path.to_owned(),
            reason: format!("the folder has none of these: {expected}"),
        });
    }
    let name = path.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
    let extension = path.extension().unwrap_or_default().to_string_lossy().to_lowercase();
    match extension.as_str() {
        _ if name.contains("tfevents") => Ok(vec![tensorboard::read_file(path)?]),
        "csv" | "tsv" => Ok(vec![csv::read(path, step)?]),
        "jsonl" | "ndjson" | "json" => Ok(vec![json_lines::read(path, step)?]),
        _ => Err(Error::Import {
            path: path.to_owned(),
            reason: "its kind is unknown; known are .csv, .tsv, .jsonl, files named *tfevents*, and folders".into(),
        }),
    }
}

/// Whether a file begins as our own JSON lines do.
fn is_our_json(path: &Path) -> bool {
    use std::io::Read;
    let begin = format!("{{\"event\":\"{}\"", super::export::SESSION_LINE);
    let mut bytes = vec![0; begin.len()];
    fs::File::open(path).and_then(|mut file| file.read_exact(&mut bytes)).is_ok() && bytes == begin.as_bytes()
}

/// A file as text; bytes that are no UTF-8 are replaced.
fn read_text(path: &Path) -> Result<String, Error> {
    let bytes = fs::read(path).map_err(|source| Error::Read { path: path.to_owned(), source })?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// What a run could be called after its file: the folder's name where the file's says nothing.
fn name_of(path: &Path) -> String {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let speaks = !["metrics", "events", "log", "logs"].contains(&stem.as_str()) && !stem.contains("tfevents");
    let whole = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let folder = || Some(whole.parent()?.file_name()?.to_string_lossy().into_owned());
    if speaks { stem } else { folder().unwrap_or(stem) }
}
