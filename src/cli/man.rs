//! `wdtop man`

use std::io::Write;
use std::process::ExitCode;

use anyhow::Result;
use clap_mangen::Man as Page;

use super::write_out;

/// Print the manual page
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    wdtop man | man -l -\n  \
    wdtop man > ~/.local/share/man/man1/wdtop.1")]
pub struct Args {}

impl Args {
    /// Prints the page of the program, followed by one section for each subcommand.
    pub fn run(self, command: clap::Command) -> Result<ExitCode> {
        let mut page = Vec::new();
        Page::new(command.clone()).render(&mut page)?;
        for subcommand in command.get_subcommands().filter(|subcommand| !subcommand.is_hide_set()) {
            let name = subcommand.get_name().to_uppercase();
            writeln!(page, ".SH WDTOP {name}")?;
            let its = Page::new(subcommand.clone().bin_name(format!("wdtop {}", subcommand.get_name())));
            its.render_synopsis_section(&mut page)?;
            its.render_description_section(&mut page)?;
            its.render_options_section(&mut page)?;
            its.render_extra_section(&mut page)?;
        }
        write_out(&page)?;
        Ok(ExitCode::SUCCESS)
    }
}
