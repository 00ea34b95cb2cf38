//! MLflow's folder: `mlruns/EXPERIMENT/RUN` with `meta.yaml`, `metrics/NAME` and `params/NAME`.
//!
//! A metric is a file of lines `TIME VALUE STEP`, the time in milliseconds; a parameter is a file with its value.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use super::table::{Weave, in_seconds, rfc_3339};
use super::{Run, read_text, yaml};
use crate::record::SourceKind;
use crate::record::error::Error;

/// Reads every run below a folder: `mlruns`, an experiment, or one run.
pub(super) fn read(folder: &Path) -> Result<Vec<Run>, Error> {
    let mut found = Vec::new();
    find(folder, 2, &mut found);
    found.sort();
    found.iter().map(|folder| read_run(folder)).collect()
}

fn find(folder: &Path, deeper: usize, found: &mut Vec<PathBuf>) {
    if folder.join("meta.yaml").is_file() && folder.join("metrics").is_dir() {
        found.push(folder.to_owned());
    } else if deeper > 0 {
        let below = fs::read_dir(folder).into_iter().flatten().flatten();
        below.map(|entry| entry.path()).filter(|path| path.is_dir()).for_each(|path| find(&path, deeper - 1, found));
    }
}

fn read_run(folder: &Path) -> Result<Run, Error> {
    let meta = yaml::read(&read_text(&folder.join("meta.yaml"))?);
    let tag = read_text(&folder.join("tags").join("mlflow.runName")).ok().map(|name| name.trim().to_owned());
    let id = || folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let start = meta.get("start_time").and_then(|time| time.parse().ok()).map(in_seconds);
    let (mut weave, mut notes) = (Weave::default(), Vec::new());
    for (name, text) in texts(&folder.join("metrics"))? {
        let mut points = Vec::new();
        let mut lines = text.split_inclusive('\n').enumerate().peekable();
        while let Some((at, line)) = lines.next() {
            match point(line) {
                Some(point) => points.push(point),
                None if lines.peek().is_none() => {
                    notes.push(format!("metric {name}: its last line is torn and was left out"))
                }
                None => {
                    let reason = format!("line {} must be TIME VALUE STEP, got `{}`", at + 1, line.trim_end());
                    return Err(Error::Import { path: folder.join("metrics").join(name), reason });
                }
            }
        }
        weave.add(name, points);
    }
    let settings =
        texts(&folder.join("params"))?.into_iter().map(|(name, text)| (name, text.trim().to_owned())).collect();
    Ok(Run {
        kind: SourceKind::Mlflow,
        name: meta.get("run_name").cloned().or(tag).filter(|name| !name.is_empty()).unwrap_or_else(id),
        started: start.and_then(rfc_3339),
        settings,
        table: weave.finish(start.unwrap_or(0.0)),
        notes,
    })
}

fn point(line: &str) -> Option<(u64, f64, f64)> {
    let mut words = line.split_whitespace();
    let (time, value) = (words.next()?.parse().ok().map(in_seconds)?, words.next()?.parse().ok()?);
    // Runs that log no step have 0 everywhere.
    let step = words.next().map_or(Some(0), |step| step.parse::<i64>().ok())?;
    Some((u64::try_from(step).unwrap_or(0), time, value))
}

/// The files below a folder by their path; a metric's name may have slashes.
fn texts(folder: &Path) -> Result<BTreeMap<String, String>, Error> {
    fn walk(folder: &Path, prefix: &str, found: &mut BTreeMap<String, String>) -> Result<(), Error> {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
            if entry.path().is_dir() {
                walk(&entry.path(), &format!("{name}/"), found)?;
            } else {
                found.insert(name, read_text(&entry.path())?);
            }
        }
        Ok(())
    }
    let mut found = BTreeMap::new();
    walk(folder, "", &mut found)?;
    Ok(found)
}
