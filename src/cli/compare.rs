//! `wdtop compare`: sessions side by side.

use std::process::ExitCode;

use anyhow::Result;

use super::write_out;
use crate::record::{self, Session};

/// Compare recorded sessions: final and best values, settings that differ, edits
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "Examples:
  wdtop compare demo-20261123-153037 demo-20261123-160112
  wdtop compare a.wdtop b.wdtop c.wdtop --markdown
  wdtop compare a b --json | jq '.sessions[].best_loss'

The best value of a row is marked with a *.")]
pub struct Args {
    /// Paths of sessions, their names, or the beginnings of names
    #[arg(value_name = "SESSION", required = true, num_args = 2..)]
    pub sessions: Vec<String>,

    /// Write one JSON object
    #[arg(long, conflicts_with_all = ["csv", "markdown"])]
    pub json: bool,

    /// Write one CSV table with full values
    #[arg(long, conflicts_with = "markdown")]
    pub csv: bool,

    /// Write Markdown tables
    #[arg(long)]
    pub markdown: bool,
}

impl Args {
    /// Writes the comparison to standard output.
    ///
    /// # Errors
    /// Where a session is not found or cannot be read, or the output cannot be written.
    pub fn run(self) -> Result<ExitCode> {
        let directory = record::directory()?;
        let open = |name: &String| Session::open(&record::resolve(&directory, name)?);
        let sessions = self.sessions.iter().map(open).collect::<Result<Vec<_>, _>>()?;
        let comparison = record::compare(&sessions)?;
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
    fn the_options_are_sound_and_one_session_is_too_few() {
        Whole::command().debug_assert();
        assert_eq!(Whole::parse_from(["compare", "a", "b", "c", "--csv"]).args.sessions, ["a", "b", "c"]);
        for wrong in [["compare", "a"].as_slice(), &["compare", "a", "b", "--csv", "--json"]] {
            assert!(Whole::try_parse_from(wrong).is_err(), "{wrong:?}");
        }
    }
}
