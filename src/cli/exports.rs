//! Writes a recording in other programs' formats while the screen shows it.

use std::path::{Path, PathBuf};
use std::slice;
use std::thread::{self, JoinHandle};

use clap::ValueEnum;
use crossbeam_channel::bounded;

use super::export::{Format, Picked, write};
use crate::record::{self, Error, Existing, Session};
use crate::tui::{Ending, Exporter};

/// The formats' names.
pub fn formats() -> Vec<String> {
    Format::value_variants()
        .iter()
        .filter_map(|format| Some(format.to_possible_value()?.get_name().to_owned()))
        .collect()
}

/// A thread that writes the session in this folder, each time as far as it is recorded then, into the folder that the
/// program was started in. It ends when its exporter is dropped. None where the system gives no thread.
pub fn spawn(session: PathBuf) -> Option<(Exporter, JoinHandle<()>)> {
    let (wanted, asked) = bounded::<String>(1);
    let (tell, written) = bounded(1);
    let work = move || {
        while let Ok(wanted) = asked.recv() {
            let told = export(&session, &wanted, Path::new("."));
            let told = told.map(|path| path.display().to_string()).map_err(|error| error.to_string());
            if tell.send(told).is_err() {
                return;
            }
        }
    };
    let thread = thread::Builder::new().name("wdtop-exporter".into()).spawn(work).ok()?;
    Some((Exporter { wanted, written }, thread))
}

/// Lets an export that is under way come to its end, unless the user is in a hurry: it leaves no half of a file.
pub fn finish(exporting: Option<JoinHandle<()>>, ending: Ending) {
    if ending == Ending::Left {
        // A panic in there has been told where it happened.
        exporting.into_iter().for_each(|thread| drop(thread.join()));
    }
}

/// Names that are tried where there is a file already.
const MOST_FILES: usize = 1000;

/// Writes what is wanted: a format, and after it the charts of a picture.
fn export(path: &Path, wanted: &str, folder: &Path) -> Result<PathBuf, anyhow::Error> {
    let mut words = wanted.split_whitespace();
    let format = Format::from_str(words.next().unwrap_or_default(), false).map_err(anyhow::Error::msg)?;
    let picked = Picked { charts: words.map(str::to_owned).collect(), ..Picked::default() };
    let session = Session::open(path)?;
    let name = record::session_name(path);
    let ending = match format {
        Format::Csv => ".csv",
        Format::Jsonl => ".jsonl",
        Format::Tensorboard => "-tensorboard",
        Format::Markdown => ".md",
        Format::Svg => ".svg",
    };
    let number = |count: usize| if count == 1 { String::new() } else { format!("-{count}") };
    // What was written before stays: it shows the run as it was then.
    let mut places = (1..=MOST_FILES).map(|count| folder.join(format!("{name}{}{ending}", number(count))));
    let Some(place) = places.find(|place| !place.exists()) else {
        anyhow::bail!("{name}{ending} and {} more are there already", MOST_FILES - 1);
    };
    let fill =
        |out: &mut dyn std::io::Write| -> Result<(), Error> { write(slice::from_ref(&session), format, &picked, out) };
    match format {
        Format::Tensorboard => drop(record::write_run(&place, Existing::Keep, fill)?),
        _ => record::write_file(&place, Existing::Keep, fill)?,
    }
    Ok(place)
}
