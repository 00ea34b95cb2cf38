//! `wdtop completions`

use std::process::ExitCode;

use anyhow::Result;
use clap_complete::Shell;

use super::write_out;

/// Print a completion script for a shell
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    wdtop completions bash > ~/.local/share/bash-completion/completions/wdtop\n  \
    wdtop completions fish > ~/.config/fish/completions/wdtop.fish")]
pub struct Args {
    /// The shell to complete in
    shell: Shell,
}

impl Args {
    /// Prints the script.
    pub fn run(self, command: &mut clap::Command) -> Result<ExitCode> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, command, "wdtop", &mut script);
        write_out(&script)?;
        Ok(ExitCode::SUCCESS)
    }
}
