//! `wdtop rerun`: trains a recorded run again, into a new session or against its recording.

use std::io::{self, Write};
use std::iter;
use std::process::ExitCode;

use anyhow::{Context, Result, anyhow};
use crossbeam_channel::bounded;

use super::pipeline::Output;
use super::settings::Watched;
use super::{FAILED, Usage, write_out};
use crate::record::{self, Compared, Exactness, LateRepeat, Repeat, Session, TOLERANCE, Verdict};
use crate::stream::{Description, Machine, RunOptions, lossless, printable};
use crate::train::{self, Continuation, Experiment};

/// Events that may wait for the comparison.
const EVENTS_WAITING: usize = 64;

/// Train a recorded run again: the same configuration, seed and edits, each edit at its step
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "Examples:
  wdtop rerun decay --verify                  the same bits? exit code 1 where a value differs
  wdtop rerun decay --verify --threads 1      on another number of threads
  wdtop rerun decay --verify --from 5000      from the snapshot of step 5000 on
  wdtop rerun decay --headless --record again

It ends where the recording ends. With --verify nothing is recorded, and every recorded value but the wall time is
compared as the run goes; the first that differs is told. Where no update before a snapshot was recorded (key R), it
begins with that snapshot.")]
pub struct Args {
    /// Path of a session, its name, or the beginning of its name
    #[arg(value_name = "SESSION")]
    session: String,

    /// Compare with the recording in place of making a new one
    #[arg(long, conflicts_with_all = ["record", "no_record", "record_every", "record_required", "headless", "json", "every", "pace", "glyphs", "read_only"])]
    verify: bool,

    /// With --verify: begin with the snapshot of this step, 0 with the beginning [default: the snapshot with which the
    /// recorded updates begin]
    #[arg(long, value_name = "STEP", requires = "verify")]
    from: Option<u64>,

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
        let from = match self.from {
            Some(step) => step,
            None if self.verify => session.first_comparable()?,
            None => 0,
        };
        let late = if from > 0 { Some(session.repeat_from(from).map_err(Usage::of)?) } else { None };
        let (Repeat { config, script }, snapshot) = match late {
            Some(LateRepeat { repeat, checkpoint, edits_made }) => (repeat, Some((checkpoint, edits_made))),
            None => (session.repeat()?, None),
        };
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
        let experiment = match snapshot {
            Some((checkpoint, edits_made)) => {
                experiment.going_on(Continuation { checkpoint, edits_made, past: Box::new(iter::empty()) })?
            }
            None => experiment,
        };
        if !self.verify {
            return self.output.train(experiment, "rerun");
        }
        if from > 0 {
            let why = if self.from.is_some() { "as asked for" } else { "no update before it was recorded" };
            tell(&session, &format!("begins with the snapshot of step {from}, {why}"));
        }
        verify(&session, from, experiment)
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
fn verify(session: &Session, from: u64, experiment: Experiment) -> Result<ExitCode> {
    let other = other_bits(&session.run()?.machine, &experiment.description().machine);
    let exactness = if other.is_some() { Exactness::Tolerance } else { Exactness::Bits };
    let dropped = session.dropped.iter().cloned().chain(session.last_update()?.1);
    dropped.chain(other).for_each(|line| tell(session, &line));
    let (_commands, obeyed) = bounded(train::COMMANDS_WAITING);
    let (to_comparison, events) = lossless(EVENTS_WAITING);
    let trainer = train::spawn(experiment, obeyed, to_comparison).context("cannot start training")?;
    let verdict = record::verify(session, from, &events, exactness)?;
    // Where a value differs, training has an update on its way: without a receiver it ends after it.
    drop(events);
    trainer.join().map_err(|_| anyhow!("training ended without a word"))?;
    let (same, differs) = match exactness {
        Exactness::Bits => ("same bits".to_owned(), "not the same bits".to_owned()),
        Exactness::Tolerance => {
            let percent = 100.0 * TOLERANCE;
            (format!("the same within {percent} %"), format!("not the same within {percent} %"))
        }
    };
    let (line, code) = match verdict {
        Verdict::Same(Compared { steps, evaluations, edits }) => {
            (format!("{same}: {steps} steps, {evaluations} evaluations, {edits} edits"), ExitCode::SUCCESS)
        }
        Verdict::Differs(deviation) => (format!("{differs}: {deviation}"), ExitCode::from(FAILED)),
    };
    write_out(format!("{}\n", printable(&line)).as_bytes())?;
    Ok(code)
}

fn tell(session: &Session, line: &str) {
    let line = format!("{}: {line}", session.name);
    // A closed stderr leaves nobody to tell.
    let _ = writeln!(io::stderr(), "wdtop: {}", printable(&line));
}

/// A line where the bits need not be the same: another program may compute in another order, and between kinds of
/// processors the same bits were never seen. What vector instructions a processor has makes no difference.
fn other_bits(recorded: &Machine, here: &Machine) -> Option<String> {
    let percent = 100.0 * TOLERANCE;
    let compared = format!("losses, norms and scores are compared within {percent} %, not bit for bit");
    if recorded.wdtop != here.wdtop {
        Some(format!("recorded by wdtop {}, this is {}: {compared}", recorded.wdtop, here.wdtop))
    } else if recorded.arch != here.arch {
        Some(format!("recorded on another kind of processor, {}, this is {}: {compared}", recorded.arch, here.arch))
    } else {
        None
    }
}
