//! `wdtop compare`: sessions side by side.

use std::collections::BTreeSet;
use std::io::{self, IsTerminal};
use std::path::PathBuf;
use std::process::ExitCode;
use std::thread;

use anyhow::{Result, anyhow};
use signal_hook::consts::{SIGHUP, SIGINT};

use super::rerun::available_threads;
use super::{Usage, comparisons, preferences, signals, write_out};
use crate::record::{self, Alignment, Best, Comparison, Entry, Error, Filter, Number, Order, Session, State};
use crate::stream::printable;
use crate::tui::board;
use crate::tui::{Ending, Glyphs};

/// Compare recorded sessions: final and best values, settings that differ, curves, edits
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "Examples:
  wdtop compare demo-20261123-153037 demo-20261123-160112
  wdtop compare a b --baseline a --curve validation/loss --align epoch
  wdtop compare a b --curve fc1.weight/norm --align edit
  wdtop compare --where 'recipe=demo and weight_decay>0' --sort best_loss
  wdtop compare a.wdtop b.wdtop c.wdtop --markdown
  wdtop compare a b --json | jq '.sessions[].best_loss'

The best value of a row is marked with a *. Curves are validation/loss, validation/accuracy, train/loss and
train/accuracy of evaluations; loss, accuracy, penalty, lr and weight_decay of updates; TENSOR/norm,
TENSOR/grad_norm, TENSOR/update_ratio and TENSOR/decay; and every column of an imported session.")]
pub struct Args {
    /// Paths of sessions, their names, or the beginnings of names
    #[arg(value_name = "SESSION", required_unless_present = "filter")]
    pub sessions: Vec<String>,

    /// Only sessions of which this holds, see wdtop list; without SESSION of all in the sessions folder
    #[arg(long = "where", value_name = "CONDITION")]
    pub filter: Option<Filter>,

    /// Sort by this key, see wdtop list; -KEY sorts downwards [default: as given]
    #[arg(long, value_name = "KEY", allow_hyphen_values = true)]
    pub sort: Option<Order>,

    /// Tell the differences from this one of the sessions
    #[arg(long, value_name = "SESSION")]
    pub baseline: Option<String>,

    /// Print this curve of each session; may be given again
    #[arg(long = "curve", value_name = "COLUMN")]
    pub curves: Vec<String>,

    /// By what curves are put side by side: step, epoch, time, edit (the first), edit:N
    #[arg(long, value_name = "PLACE", default_value = "step", requires = "curves")]
    pub align: Alignment,

    /// Places at which curves are printed
    #[arg(long, value_name = "N", default_value_t = 11, value_parser = clap::value_parser!(u16).range(1..=10_000), requires = "curves")]
    pub points: u16,

    /// Write one JSON object
    #[arg(long, conflicts_with_all = ["csv", "markdown"])]
    pub json: bool,

    /// Write one CSV table with full values
    #[arg(long, conflicts_with = "markdown")]
    pub csv: bool,

    /// Write Markdown tables
    #[arg(long)]
    pub markdown: bool,

    /// Write text also on a terminal, in place of the screen
    #[arg(long, conflicts_with_all = ["json", "csv", "markdown"])]
    pub text: bool,

    /// What the screen is made of: braille, octant (needs a font with Unicode 16) or ascii [default: braille]
    #[arg(long, value_name = "NAME")]
    pub glyphs: Option<Glyphs>,
}

impl Args {
    /// Shows the comparison on a terminal, or writes it to standard output.
    ///
    /// # Errors
    /// Where a session is not found or cannot be read, or the output cannot be written.
    pub fn run(self) -> Result<ExitCode> {
        let sessions = self.open()?;
        let mut comparison = record::compare(&sessions)?;
        if let Some(baseline) = &self.baseline {
            comparison.baseline = Some(find_baseline(&sessions, baseline)?);
        }
        let asks_for_text = self.json || self.csv || self.markdown || self.text;
        if !asks_for_text && io::stdout().is_terminal() {
            return self.show(sessions, comparison);
        }
        let points = usize::from(self.points);
        comparison.add_curves(&sessions, &self.curves, self.align, points).map_err(|error| match error {
            Error::Column { .. } => Usage::of(error),
            error => error.into(),
        })?;
        let text = if self.json {
            serde_json::to_string_pretty(&comparison)? + "\n"
        } else if self.csv {
            comparison.to_csv()
        } else if self.markdown {
            comparison.to_markdown()
        } else {
            comparison.to_text()
        };
        write_out(text.as_bytes())?;
        Ok(ExitCode::SUCCESS)
    }

    /// On the screen, until the user leaves it.
    fn show(&self, sessions: Vec<Session>, comparison: Comparison) -> Result<ExitCode> {
        let columns = columns(&sessions);
        if let Some(name) = self.curves.iter().find(|name| !columns.contains(name)) {
            return Err(Usage::of(Error::Column { name: name.clone(), known: columns.join(", ") }));
        }
        let (column, align, baseline) = (self.curves.first().cloned(), self.align, comparison.baseline);
        let preferences = preferences::load()?;
        let glyphs = self.glyphs.or(preferences.glyphs).unwrap_or_default();
        let begin = board::Begin { column, align, baseline, glyphs, ..board::Begin::default() };
        let contest = contest(&sessions, comparison, columns);
        let archive = comparisons::of(sessions)?;
        Ok(match board::run(contest, begin, preferences.theme(), archive)? {
            Ending::Left => ExitCode::SUCCESS,
            Ending::Forced => ExitCode::from(signals::exit_code(SIGINT)),
            Ending::Signal(signal) => ExitCode::from(signals::exit_code(signal)),
            Ending::TerminalLost => ExitCode::from(signals::exit_code(SIGHUP)),
        })
    }

    /// The sessions that were named, or all; of them those that fit, in the order asked for.
    fn open(&self) -> Result<Vec<Session>> {
        let directory = record::directory()?;
        let mut paths = if self.sessions.is_empty() {
            let readable = record::list(&directory).into_iter();
            readable.filter(|listed| matches!(listed.entry, Entry::Session { .. })).map(|listed| listed.path).collect()
        } else {
            let named = self.sessions.iter().map(|name| record::resolve(&directory, name));
            named.collect::<Result<Vec<PathBuf>, _>>()?
        };
        if self.filter.is_some() || self.sort.is_some() {
            let listed = paths.iter().map(|path| record::look(path)).collect();
            let filter = self.filter.clone().unwrap_or_default();
            let chosen = record::select(listed, &filter, self.sort.as_ref()).map_err(Usage::of)?;
            paths = chosen.into_iter().map(|listed| listed.path).collect();
        }
        if paths.len() < 2 {
            let names: Vec<String> = paths.iter().map(|path| record::session_name(path)).collect();
            let got = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
            return Err(Usage::of(anyhow!("comparing takes at least 2 sessions, got {}", printable(&got))));
        }
        Ok(paths.iter().map(|path| Session::open(path)).collect::<Result<_, _>>()?)
    }
}

/// The names of all curves that any session has: those of the first, then what the others add.
pub(super) fn columns(sessions: &[Session]) -> Vec<String> {
    let mut columns: Vec<String> = Vec::new();
    let mut known = BTreeSet::new();
    for column in sessions.iter().flat_map(Session::columns) {
        if known.insert(column.clone()) {
            columns.push(column);
        }
    }
    columns
}

/// The comparison as the screen has it.
pub(super) fn contest(sessions: &[Session], comparison: Comparison, columns: Vec<String>) -> board::Contest {
    let number = |number: Option<Number>| number.map(|number| number.0);
    let best = |best: Option<Best>| best.map(|best| (best.value, best.step));
    let entrants = sessions.iter().zip(comparison.sessions).map(|(session, outline)| board::Entrant {
        name: outline.name,
        state: outline.state,
        live: session.state == State::Running,
        steps: outline.steps,
        best_loss: best(outline.best_loss),
        best_accuracy: best(outline.best_accuracy),
        loss: number(outline.validation.loss),
        accuracy: number(outline.validation.accuracy),
        penalty: number(outline.penalty),
        edits: session.edits().cloned().collect(),
        notes: outline.notes,
    });
    board::Contest {
        entrants: entrants.collect(),
        columns,
        settings: comparison.settings.into_iter().map(|setting| (setting.key, setting.values)).collect(),
        edits: comparison.edits.into_iter().map(|row| (row.step, row.edits)).collect(),
    }
}

/// A curve of every session, read by several threads.
pub(super) fn load(sessions: &[Session], column: &str) -> Result<Vec<Vec<board::Point>>, String> {
    let read = |session: &Session| -> Result<Vec<board::Point>, String> {
        Ok(session.curves(&[column]).map_err(|error| error.to_string())?.swap_remove(0))
    };
    let threads = available_threads();
    let part = sessions.len().div_ceil(threads).max(1);
    thread::scope(|scope| {
        let parts: Vec<_> = sessions
            .chunks(part)
            .map(|part| scope.spawn(move || part.iter().map(read).collect::<Result<Vec<_>, _>>()))
            .collect();
        let mut curves = Vec::with_capacity(sessions.len());
        for part in parts {
            curves.extend(part.join().map_err(|_| "reading the curves failed".to_owned())??);
        }
        Ok(curves)
    })
}

/// The one of the sessions that is called so, or begins so.
fn find_baseline(sessions: &[Session], name: &str) -> Result<usize> {
    let whole = sessions.iter().position(|session| session.name == name || session.path.as_os_str() == name);
    let begins = || {
        let mut found = sessions.iter().enumerate().filter(|(_, session)| session.name.starts_with(name));
        found.next().filter(|_| found.next().is_none()).map(|(at, _)| at)
    };
    whole.or_else(begins).ok_or_else(|| {
        let names = sessions.iter().map(|session| session.name.as_str()).collect::<Vec<_>>().join(", ");
        Usage::of(anyhow!("the baseline must be one of {}, got `{}`", printable(&names), printable(name)))
    })
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory, Parser};

    #[derive(Parser)]
    struct Whole {
        #[command(flatten)]
        args: super::Args,
    }

    #[test]
    fn the_options_are_sound_and_no_session_is_too_few() {
        Whole::command().debug_assert();
        assert_eq!(Whole::parse_from(["compare", "a", "b", "c", "--csv"]).args.sessions, ["a", "b", "c"]);
        for wrong in
            [["compare"].as_slice(), &["compare", "a", "b", "--csv", "--json"], &["compare", "a", "b", "--points", "0"]]
        {
            assert!(Whole::try_parse_from(wrong).is_err(), "{wrong:?}");
        }
    }
}
