//! `wdtop resume`: goes on with a recorded run that ended too early.

use std::io::{self, Write};
use std::iter;
use std::process::ExitCode;

use anyhow::Result;

use super::Usage;
use super::pipeline::Output;
use super::rerun::available_threads;
use super::settings::Watched;
use crate::record::{self, Resumption, Session, session_name};
use crate::stream::{RunOptions, What, printable};
use crate::train::{Continuation, Experiment};

/// Go on with a run that was stopped or killed, from its last snapshot
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "Examples:
  wdtop train article-mlp --snapshot-every 500 --record long --headless
  wdtop resume long --headless --record long-2

The session stays as it is. The new one begins with what was recorded before the snapshot and goes on from there; edits
that were made after the snapshot are made again at their steps. So it becomes the run that never stopped, with the same
bits. A session that a process is writing is refused.")]
pub struct Args {
    /// Path of a session, its name, or the beginning of its name
    #[arg(value_name = "SESSION")]
    session: String,

    /// Threads that compute [default: all cores]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    threads: Option<u16>,

    #[command(flatten)]
    output: Output,
}

impl Args {
    /// Goes on.
    ///
    /// # Errors
    /// Where the session is not found, live, complete or without a snapshot, or its data have changed; where the run
    /// fails.
    pub fn run(self) -> Result<ExitCode> {
        let path = record::resolve(&record::directory()?, &self.session)?;
        let session = Session::open(&path)?;
        let run = session.run()?.clone();
        let Resumption { config, script, checkpoint, edits_made, past, made_again, dropped } = session.resumption()?;
        self.output.view("resume")?;
        let options = RunOptions {
            threads: self.threads.map_or_else(available_threads, usize::from),
            pace: if self.output.watched() == Watched::Headless { 0.0 } else { run.options.pace },
            snapshot_every: if self.output.records() { run.options.snapshot_every } else { 0 },
            ..run.options
        };
        let (name, step) = (session_name(&path), checkpoint.step);
        let line = format!("resumed from {name} at step {step}; {made_again} recorded updates after it are made again");
        for line in dropped.iter().map(|dropped| format!("{name}: {dropped}")).chain([line.clone()]) {
            // A closed stderr leaves nobody to tell.
            let _ = writeln!(io::stderr(), "wdtop: {}", printable(&line));
        }
        let note = What::Noted { step, seconds: checkpoint.seconds, text: line };
        let past = Box::new(past.chain(iter::once(note.into())));
        let experiment =
            Experiment::prepare_again(config, options, &run.data.fingerprint, script).map_err(Usage::of)?;
        let experiment = experiment.going_on(Continuation { checkpoint, edits_made, past })?;
        self.output.train(experiment, "resume")
    }
}
