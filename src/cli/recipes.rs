//! `wdtop recipes`: the recipes that are part of the program.

use std::fmt::Write;
use std::process::ExitCode;

use anyhow::Result;
use toml::{Table, Value};

use super::{recipe, write_out};

/// List the recipes that are part of the program, or print one
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "Examples:
  wdtop recipes
  wdtop recipes forecast > mine.toml && wdtop train mine.toml")]
pub struct Args {
    /// Print this recipe, a TOML file whose keys are the options of wdtop train
    #[arg(value_name = "NAME")]
    name: Option<String>,
}

impl Args {
    /// Writes to standard output.
    ///
    /// # Errors
    /// [`Usage`](super::Usage) where there is no recipe of that name.
    pub fn run(self) -> Result<ExitCode> {
        let text = match &self.name {
            Some(name) => recipe::built_in(name)?.to_owned(),
            None => list()?,
        };
        write_out(text.as_bytes())?;
        Ok(ExitCode::SUCCESS)
    }
}

/// A line for each recipe: its name and what it is.
fn list() -> Result<String> {
    let width = recipe::BUILT_IN.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    let mut list = String::new();
    for (name, text) in recipe::BUILT_IN {
        let table: Table = text.parse()?;
        let about = table.get("about").and_then(Value::as_str).unwrap_or_default();
        writeln!(list, "{name:width$}  {about}")?;
    }
    Ok(list)
}
