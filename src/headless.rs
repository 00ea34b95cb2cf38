//! Output without a screen: a progress bar, plain lines, or JSON lines.
//!
//! Where standard output is closed (`wdtop train --json | head`) the run is asked to stop and its last events are
//! read silently, so that training and recording end as they should.

mod json;
mod lines;
mod progress;

use std::io::{self, BufWriter, IsTerminal, Write};

use crossbeam_channel::Sender;

use crate::stream::{Command, Event, EventReceiver, Summary, What};

/// What a run looks like without a screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// A bar on standard error; edits and the end as lines on standard output.
    Progress,
    /// A line for each evaluation, edit and the like.
    Lines,
    /// A JSON object on a line for each event.
    Json {
        /// Of the updates, those whose index is a multiple of this; 0 leaves all out. To have each of them for sure
        /// the events must come on a lossless wire: a merging one thins them where the output is slow.
        every: u64,
    },
}

impl Style {
    /// A bar for people, lines for files and other programs.
    pub fn detect() -> Style {
        if io::stdout().is_terminal() && io::stderr().is_terminal() { Style::Progress } else { Style::Lines }
    }
}

/// How a run ended, as far as the consumer of its events knows.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// The last event.
    pub ending: Ending,
    /// What was not finite first, at which step, and what became of the weights, if the run diverged.
    pub divergence: Option<String>,
    /// Why recording stopped before the run did.
    pub trouble: Option<String>,
    /// Whether anybody read the output to the end.
    pub output: Output,
}

/// How a run ended.
#[derive(Debug, Clone, PartialEq)]
pub enum Ending {
    /// As it should, or diverged.
    Finished(Box<Summary>),
    /// It broke down.
    Failed {
        /// The update it broke down in.
        step: u64,
        /// What went wrong.
        message: String,
    },
    /// The events ended without an end: a defect of the source.
    Vanished,
}

/// Whether anybody read the output to the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Output {
    /// It was written whole.
    Written,
    /// Its reader went away; the run was asked to stop then.
    Closed,
}

/// Writes events in a style until they end. Commands are needed for one thing: to stop a run that nobody reads.
///
/// # Errors
/// Where standard output cannot be written for another reason than that its reader is gone. The run has been asked
/// to stop and its events were read to the end then.
pub fn run(events: EventReceiver, commands: &Sender<Command>, style: Style) -> io::Result<Outcome> {
    let out = BufWriter::new(io::stdout().lock());
    match style {
        Style::Progress => follow(events, commands, progress::Progress::new(out)),
        Style::Lines => follow(events, commands, lines::Lines::new(out, io::stderr())),
        Style::Json { every } => follow(events, commands, json::Json::new(out, every)),
    }
}

/// One style of output.
trait Printer {
    /// Writes what an event says, and flushes unless it is statistics.
    fn print(&mut self, event: &Event) -> io::Result<()>;
}

fn follow(events: EventReceiver, commands: &Sender<Command>, mut printer: impl Printer) -> io::Result<Outcome> {
    let mut outcome = Outcome { ending: Ending::Vanished, divergence: None, trouble: None, output: Output::Written };
    let mut failure = None;
    while let Ok(event) = events.recv() {
        if outcome.output == Output::Written
            && let Err(error) = printer.print(&event)
        {
            outcome.output = Output::Closed;
            failure = Some(error).filter(|error| error.kind() != io::ErrorKind::BrokenPipe);
            // A source that is gone needs no stopping.
            let _ = commands.send(Command::Stop);
        }
        match event.what {
            What::Steps(batch) => events.recycle(batch),
            What::Diverged { step, what, weights, .. } => {
                outcome.divergence = Some(format!("{what} is not finite at step {step}; {weights}"));
            }
            What::Recording { trouble: Some(trouble), .. } => outcome.trouble = Some(trouble),
            What::Finished(summary) => outcome.ending = Ending::Finished(summary),
            What::Failed { step, message } => outcome.ending = Ending::Failed { step, message },
            _ => {}
        }
    }
    failure.map_or(Ok(outcome), Err)
}

/// A share as it is shown; nothing is shown of one that there is not, as values have no accuracy.
fn percent(share: f64) -> String {
    if share.is_nan() { String::new() } else { format!("{:.2} %", 100.0 * share) }
}

/// Writes a line and sends it off.
fn send_line(out: &mut impl Write, line: &str) -> io::Result<()> {
    writeln!(out, "{line}")?;
    out.flush()
}

#[cfg(test)]
mod tests;
