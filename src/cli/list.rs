//! `wdtop list`: the recorded sessions.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use jiff::tz::TimeZone;

use super::{Usage, write_out};
use crate::record::{self, Filter, Order};
use crate::stream::printable;

/// List recorded sessions, the newest last
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "Examples:
  wdtop list
  wdtop list runs/
  wdtop list --where 'lr<1e-2 and optimizer=adamw' --sort best_loss
  wdtop list --where 'state=crashed and size>1e6' --sort -started
  wdtop list --json | jq 'select(.state == \"crashed\").path'

Keys are name, state, recipe, started, steps, best_loss, accuracy, edits, size (bytes), note, and every
setting: lr, optimizer, weight_decay, batch, optimizer.hyper.beta1 or beta1. Operators are = != < <= > >= and
~ (contains). States are running, finished, stopped, diverged, failed, crashed (no end, and no process writes
it), imported, damaged.")]
pub struct Args {
    /// A folder with sessions [default: WDTOP_SESSIONS, or wdtop/sessions in the platform's data folder]
    #[arg(value_name = "FOLDER")]
    pub folder: Option<PathBuf>,

    /// Only sessions of which this holds: KEY OPERATOR VALUE, several joined by `and`
    #[arg(long = "where", value_name = "CONDITION")]
    pub filter: Option<Filter>,

    /// Sort by this key; -KEY sorts downwards [default: started]
    #[arg(long, value_name = "KEY", allow_hyphen_values = true)]
    pub sort: Option<Order>,

    /// Write a JSON object on a line for each session
    #[arg(long)]
    pub json: bool,
}

impl Args {
    /// Writes the list to standard output.
    ///
    /// # Errors
    /// Where no folder for sessions is known, or the output cannot be written.
    pub fn run(self) -> Result<ExitCode> {
        let own = self.folder.is_none();
        let folder = self.folder.map_or_else(record::directory, Ok)?;
        let all = record::list(&folder);
        let none = all.is_empty();
        let filter = self.filter.unwrap_or_default();
        let sessions = record::select(all, &filter, self.sort.as_ref()).map_err(Usage::of)?;
        let text = if self.json {
            let lines = sessions.iter().map(serde_json::to_string).collect::<Result<Vec<_>, _>>()?;
            lines.iter().flat_map(|line| [line.as_str(), "\n"]).collect()
        } else if none {
            let shown = folder.display().to_string();
            let way = if own {
                "wdtop train".to_owned()
            } else {
                format!("wdtop train --record {}", folder.join("NAME").display())
            };
            format!("no sessions in {}; `{}` records one there\n", printable(&shown), printable(&way))
        } else if sessions.is_empty() {
            format!("no session in {} fits\n", printable(&folder.display().to_string()))
        } else {
            record::tabulate(&sessions, &TimeZone::system())
        };
        write_out(text.as_bytes())?;
        Ok(ExitCode::SUCCESS)
    }
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory, Parser};

    #[derive(Debug, Parser)]
    struct Whole {
        #[command(flatten)]
        args: super::Args,
    }

    #[test]
    fn the_options_are_sound() {
        Whole::command().debug_assert();
        assert!(Whole::parse_from(["list", "runs", "--json", "--sort", "-name"]).args.json);
        let error = Whole::try_parse_from(["list", "--where", "lr"]).unwrap_err().to_string();
        assert!(error.contains("KEY OPERATOR VALUE"), "{error}");
    }
}
