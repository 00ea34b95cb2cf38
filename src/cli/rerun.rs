//! `wdtop rerun`: trains a recorded run again, into a new session or against its recording.

use std::io::{self, Write};
use std::process::ExitCode;

use anyhow::{Context, Result, anyhow};
use crossbeam_channel::bounded;

use super::pipeline::Output;
use super::settings::Watched;
use super::{FAILED, Usage, write_out};
use crate::record::{self, Compared, Repeat, Session, Verdict};
use crate::stream::{Description, Machine, RunOptions, lossless, printable};
use crate::train::{self, Experiment};

/// Events that may wait for the comparison.
const EVENTS_WAITING: usize = 64;

/// Train a recorded run again: the same configuration, seed and edits, each edit at its step
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "Examples:
  wdtop rerun decay --verify                  the same bits? exit code 1 where a value differs
  wdtop rerun decay --verify --threads 1      on another number of threads
  wdtop rerun decay --headless --record again

It ends where the recording ends. With --verify nothing is recorded, and every recorded value but the wall time is
compared as the run goes; the first that differs is told.")]
pub struct Args {
    /// Path of a session, its name, or the beginning of its name
    #[arg(value_name = "SESSION")]
    session: String,

    /// Compare with the recording in place of making a new one
    #[arg(long, conflicts_with_all = ["record", "no_record", "headless", "json", "every", "pace", "glyphs", "read_only"])]
    verify: bool,

    /// Threads that compute [default: all cores]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    threads: Option<u16>,

    /// Updates a second to aim at, 0 is as fast as it goes [default: on the screen as it was recorded]
    #[arg(long, value_name = "STEPS", allow_negative_numbers = true)]
    pace: Option<f64>,

    #[command(flatten)]
    output: Output,
}

impl Args {
    /// Trains again.
    ///
    /// # Errors
    /// Where the session is not found, another tool recorded it, or its data have changed; where the run fails.
    pub fn run(self) -> Result<ExitCode> {
        let session = Session::open(&record::resolve(&record::directory()?, &self.session)?)?;
        let Repeat { config, script } = session.repeat()?;
        let run = session.run()?;
        let options = RunOptions {
            threads: self.threads.map_or_else(available_threads, usize::from),
            pace: self.pace(run)?,
            // Those that were taken are in the script.
            snapshot_every: 0,
            ..run.options.clone()
        };
        if !self.verify {
            // Before the data are read: a long wait for a line about a missing terminal is no answer.
            self.output.view("rerun")?;
        }
        let fingerprint = &run.data.fingerprint;
        let experiment = Experiment::prepare_again(config, options, fingerprint, script).map_err(Usage::of)?;
        if self.verify { verify(&session, experiment) } else { self.output.train(experiment, "rerun") }
    }

    fn pace(&self, run: &Description) -> Result<f64> {
        let recorded = if self.verify || self.output.watched() == Watched::Headless { 0.0 } else { run.options.pace };
        let pace = self.pace.unwrap_or(recorded);
        RunOptions::check_pace(pace).map_err(Usage::of)?;
        Ok(pace)
    }
}

/// All cores.
pub(super) fn available_threads() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// Trains and compares.
fn verify(session: &Session, experiment: Experiment) -> Result<ExitCode> {
    let processors = other_processor(&session.run()?.machine, &experiment.description().machine);
    let dropped = session.dropped.iter().cloned().chain(session.last_update()?.1);
    for line in dropped.chain(processors).map(|line| format!("{}: {line}", session.name)) {
        // A closed stderr leaves nobody to tell.
        let _ = writeln!(io::stderr(), "wdtop: {}", printable(&line));
    }
    let (_commands, obeyed) = bounded(train::COMMANDS_WAITING);
    let (to_comparison, events) = lossless(EVENTS_WAITING);
    let trainer = train::spawn(experiment, obeyed, to_comparison).context("cannot start training")?;
    let verdict = record::verify(session, &events)?;
    // Where a value differs, training has an update on its way: without a receiver it ends after it.
    drop(events);
    trainer.join().map_err(|_| anyhow!("training ended without a word"))?;
    let (line, code) = match verdict {
        Verdict::Same(Compared { steps, evaluations, edits }) => {
            (format!("same bits: {steps} steps, {evaluations} evaluations, {edits} edits"), ExitCode::SUCCESS)
        }
        Verdict::Differs(deviation) => (format!("not the same bits: {deviation}"), ExitCode::from(FAILED)),
    };
    write_out(format!("{}\n", printable(&line)).as_bytes())?;
    Ok(code)
}

/// A line about processors that differ in what they can do.
fn other_processor(recorded: &Machine, here: &Machine) -> Option<String> {
    let features = |machine: &Machine| format!("{} ({})", machine.arch, machine.features.join(" "));
    let (recorded, here) = (features(recorded), features(here));
    (recorded != here).then(|| format!("recorded on another kind of processor, {recorded}; this one is {here}"))
}
