//! `wdtop note` and `wdtop name`: what a session is called, and what is written about it.

use std::process::ExitCode;

use anyhow::{Result, anyhow};

use super::{Usage, write_out};
use crate::record::{self, Error};
use crate::stream::printable;

/// Write a line about a session, or show what was written
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "Examples:
  wdtop note demo-20261123-153037 'the one for the talk'
  wdtop note demo-20261123-153037
  wdtop note demo-20261123-153037 --clear

A running session can be noted too; to note a step of it, press m on its screen.")]
pub struct Args {
    /// Path of a session, its name, or the beginning of its name
    #[arg(value_name = "SESSION")]
    pub session: String,

    /// The line; without it the lines there are are shown
    #[arg(value_name = "TEXT")]
    pub text: Option<String>,

    /// Remove all lines
    #[arg(long, conflicts_with = "text")]
    pub clear: bool,
}

impl Args {
    /// Writes, shows or removes the notes.
    ///
    /// # Errors
    /// Where the session is not found, or its notes cannot be read or written.
    pub fn run(self) -> Result<ExitCode> {
        let path = record::resolve(&record::directory()?, &self.session)?;
        match self.text {
            _ if self.clear => record::clear_notes(&path)?,
            Some(text) if text.trim().is_empty() => {
                return Err(Usage::of(anyhow!("a note needs some text; --clear removes the notes there are")));
            }
            Some(text) => record::add_note(&path, &text)?,
            None => {
                let lines = record::notes(&path)?;
                let text: String = lines.iter().flat_map(|line| [printable(line), "\n".into()]).collect();
                write_out(text.as_bytes())?;
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// Give a session another name
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "Examples:
  wdtop name demo-20261123-153037 baseline

The session stays in its folder; its own is renamed to NAME.wdtop. One that a process is writing is refused.")]
pub struct NameArgs {
    /// Path of a session, its name, or the beginning of its name
    #[arg(value_name = "SESSION")]
    pub session: String,

    /// The new name
    #[arg(value_name = "NAME")]
    pub name: String,
}

impl NameArgs {
    /// Renames the session's folder.
    ///
    /// # Errors
    /// Where the session is not found or live, or the name is taken or none that a folder can have.
    pub fn run(self) -> Result<ExitCode> {
        let path = record::resolve(&record::directory()?, &self.session)?;
        record::rename(&path, &self.name).map_err(|error| match error {
            Error::Name { .. } => Usage::of(error),
            error => error.into(),
        })?;
        Ok(ExitCode::SUCCESS)
    }
}
