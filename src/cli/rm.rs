//! `wdtop rm`: removes sessions.

use std::io::{self, BufRead, IsTerminal, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Result, anyhow};

use super::Usage;
use crate::record;
use crate::stream::printable;

/// Remove recorded sessions
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "Examples:
  wdtop rm demo-20261123-153037
  wdtop rm a b ./c.wdtop --yes

A name must be whole: the beginning of one is not enough here. A session that a process is writing is refused, and so is
a folder that holds something else.")]
pub struct Args {
    /// Paths of sessions, or their names
    #[arg(value_name = "SESSION", required = true)]
    pub sessions: Vec<String>,

    /// Do not ask
    #[arg(long, short)]
    pub yes: bool,
}

impl Args {
    /// Removes what was named, after a question on the terminal.
    ///
    /// # Errors
    /// Where a session is not found (nothing is removed then), is live or holds something else, or nobody can be asked.
    pub fn run(self) -> Result<ExitCode> {
        let directory = record::directory()?;
        let found = self.sessions.iter().map(|name| record::find(&directory, name));
        let mut paths = found.collect::<Result<Vec<PathBuf>, _>>()?;
        paths.dedup();
        if !self.yes {
            if !io::stdin().is_terminal() {
                return Err(Usage::of(anyhow!("nobody to ask: standard input is not a terminal; use wdtop rm --yes")));
            }
            if !confirm(&paths)? {
                return Ok(ExitCode::SUCCESS);
            }
        }
        for path in &paths {
            record::remove(path)?;
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn confirm(paths: &[PathBuf]) -> Result<bool> {
    let names: Vec<String> = paths.iter().map(|path| record::session_name(path)).collect();
    let mut ask = io::stderr().lock();
    write!(ask, "remove {}? [y/N] ", printable(&names.join(", ")))?;
    ask.flush()?;
    let mut answer = String::new();
    io::stdin().lock().read_line(&mut answer)?;
    Ok(matches!(answer.trim().to_lowercase().as_str(), "y" | "yes"))
}
