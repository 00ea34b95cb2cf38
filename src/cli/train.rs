//! `wdtop train`, and what `wdtop` does without a subcommand.

use std::io::{self, Write};
use std::process::ExitCode;

use anyhow::{Result, anyhow};

use super::pipeline::Output;
use super::settings::Settings;
use super::{Usage, optimizers, recipe};
use crate::stream::{RunConfig, RunOptions};
use crate::train::Experiment;

/// Train a recipe, on the screen or without one
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  wdtop train                                      the demo, on the screen
  wdtop train article-mlp --lr 0.1 --record a      another η, recorded in ./a.wdtop
  wdtop train --headless --steps 2000 --edit 1000:weight_decay=3
  wdtop train --json --every 100 --no-record | jq -c 'select(.event == \"evaluated\")'
  wdtop train --data ./mnist --model mlp:784-300-100-10 --optimizer adam --set beta1=0.8
  wdtop train --data iris.csv --target species --model mlp:4-16-3

Values are taken from --set, options, environment variables, the recipe and defaults, in this order.")]
pub struct Args {
    /// One of those that wdtop recipes lists, or the path of a .toml file
    #[arg(default_value = recipe::DEFAULT)]
    recipe: String,

    #[command(flatten)]
    settings: Settings,

    #[command(flatten)]
    output: Output,
}

impl Default for Args {
    fn default() -> Self {
        Args { recipe: recipe::DEFAULT.into(), settings: Settings::default(), output: Output::default() }
    }
}

impl Args {
    /// Checks everything, then trains.
    ///
    /// # Errors
    /// [`Usage`] where a setting or the data is wrong; others where the recording cannot be made, or the run failed.
    pub fn run(self) -> Result<ExitCode> {
        if self.settings.asks_for_optimizers() {
            // A closed stdout leaves nobody to tell.
            let _ = io::stdout().write_all(optimizers::list().as_bytes());
            return Ok(ExitCode::SUCCESS);
        }
        let (config, options) = self.configure()?;
        if options.snapshot_every > 0 && !self.output.records() {
            let every = options.snapshot_every;
            return Err(Usage::of(anyhow!(
                "--snapshot-every {every} keeps snapshots in the recording, which --no-record leaves out: use one of the two"
            )));
        }
        let experiment = Experiment::prepare(config, options).map_err(Usage::of)?;
        self.output.train(experiment, "train")
    }

    /// Everything that determines the run, and what does not.
    ///
    /// # Errors
    /// [`Usage`] where a setting is wrong.
    pub fn configure(&self) -> Result<(RunConfig, RunOptions)> {
        self.settings.resolve(&recipe::title(&self.recipe), recipe::read(&self.recipe)?, self.output.watched())
    }
}
