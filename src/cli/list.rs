//! `wdtop list`: the recorded sessions.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use jiff::tz::TimeZone;

use super::write_out;
use crate::record;
use crate::stream::printable;

/// List recorded sessions, the newest last
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "Examples:
  wdtop list
  wdtop list runs/
  wdtop list --json | jq 'select(.state == \"crashed\").path'")]
pub struct Args {
    /// A folder with sessions [default: WDTOP_SESSIONS, or wdtop/sessions in the platform's data folder]
    #[arg(value_name = "FOLDER")]
    pub folder: Option<PathBuf>,

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
        let sessions = record::list(&folder);
        let text = if self.json {
            let lines = sessions.iter().map(serde_json::to_string).collect::<Result<Vec<_>, _>>()?;
            lines.iter().flat_map(|line| [line.as_str(), "\n"]).collect()
        } else if sessions.is_empty() {
            let shown = folder.display().to_string();
            let way = if own {
                "wdtop train".to_owned()
            } else {
                format!("wdtop train --record {}", folder.join("NAME").display())
            };
            format!("no sessions in {}; `{}` records one there\n", printable(&shown), printable(&way))
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

    #[derive(Parser)]
    struct Whole {
        #[command(flatten)]
        args: super::Args,
    }

    #[test]
    fn the_options_are_sound() {
        Whole::command().debug_assert();
        assert!(Whole::parse_from(["list", "runs", "--json"]).args.json);
    }
}
