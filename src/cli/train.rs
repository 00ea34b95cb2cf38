//! `wdtop train`

use std::process::ExitCode;

use anyhow::Result;
use clap::Args;

use super::recipe;
use super::settings::{Settings, Watched};

/// Train a recipe, on the screen or without one
#[derive(Debug, Default, Args)]
pub struct Train {
    /// demo, article-mlp, or the path of a .toml file
    #[arg(default_value = recipe::DEFAULT)]
    recipe: String,

    #[command(flatten)]
    settings: Settings,
}

impl Train {
    /// Prepares, records and runs.
    pub fn run(self) -> Result<ExitCode> {
        let table = recipe::read(&self.recipe)?;
        let (config, options) = self.settings.resolve(&self.recipe, table, Watched::Headless)?;
        println!("{config:#?} {options:?}");
        Ok(ExitCode::SUCCESS)
    }
}
