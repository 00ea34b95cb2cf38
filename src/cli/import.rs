//! `wdtop import`: what other tools recorded, as sessions.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Result, anyhow};
use jiff::Timestamp;

use super::{Usage, write_out};
use crate::record::{self, Error, Mapping, Named, Roles};
use crate::stream::printable;

/// Import what other tools recorded, for `list` and `compare`
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "Examples:
  wdtop import lightning_logs/version_0                     metrics.csv, with hparams.yaml beside it
  wdtop import runs/resnet --name resnet                    TensorBoard's event files
  wdtop import mlruns                                       each run of MLflow's folder
  wdtop import project/dvclive                              DVCLive's tables
  wdtop import log.csv --step iteration --validation-loss held_out
  wdtop import decay.jsonl                                  what wdtop export --to jsonl wrote, without loss

Columns keep their names. Those that are compared with wdtop's losses and accuracies are found by the usual names
(val_loss, valid/acc, train_loss, ...) or named here; an accuracy is a share from 0 to 1.")]
pub struct Args {
    /// Files (.csv, .tsv, .jsonl, *tfevents*) or folders
    #[arg(value_name = "FILE", required = true)]
    pub files: Vec<PathBuf>,

    /// The session's name [default: after the file, folder or run]
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,

    /// The column of steps
    #[arg(long, value_name = "COLUMN")]
    pub step: Option<String>,

    /// The column of the validation loss
    #[arg(long, value_name = "COLUMN")]
    pub validation_loss: Option<String>,

    /// The column of the validation accuracy
    #[arg(long, value_name = "COLUMN")]
    pub validation_accuracy: Option<String>,

    /// The column of the training loss
    #[arg(long, value_name = "COLUMN")]
    pub training_loss: Option<String>,

    /// The column of the training accuracy
    #[arg(long, value_name = "COLUMN")]
    pub training_accuracy: Option<String>,
}

impl Args {
    /// Imports one file after the other, and tells the session that each became.
    ///
    /// # Errors
    /// Where a file cannot be understood or a session not be written; those before it are there.
    pub fn run(self) -> Result<ExitCode> {
        let named = match self.name {
            Some(_) if self.files.len() > 1 => {
                return Err(Usage::of(anyhow!("--name is for one file, got {}", self.files.len())));
            }
            Some(name) => Named::As(name),
            None => Named::BySource,
        };
        let mapping = Mapping {
            step: self.step,
            roles: Roles {
                validation_loss: self.validation_loss,
                validation_accuracy: self.validation_accuracy,
                training_loss: self.training_loss,
                training_accuracy: self.training_accuracy,
            },
        };
        let directory = record::directory()?;
        let now = Timestamp::now().to_string();
        for file in &self.files {
            let made = record::import(file, &directory, &named, &mapping, &now).map_err(|error| match error {
                Error::Name { .. } => Usage::of(error),
                error => error.into(),
            })?;
            for path in made {
                let line = format!("{} -> {}", file.display(), record::session_name(&path));
                write_out(format!("{}\n", printable(&line)).as_bytes())?;
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}
