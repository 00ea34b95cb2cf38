//! A run put together: training, the recorder in the pipe, and the screen or the lines at its end.

use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow};
use clap::ValueEnum;
use crossbeam_channel::{Receiver, Sender, bounded};
use jiff::Zoned;
use signal_hook::consts::{SIGHUP, SIGINT};

use super::settings::Watched;
use super::{FAILED, Usage, signals};
use crate::headless::{self, Ending, Style};
use crate::record::{self, Recorded, Recorder};
use crate::stream::{Command, EventReceiver, EventSender, StopReason, Summary, lossless, merging, printable};
use crate::train::{self, Experiment, Sentinel};
use crate::tui::{self, Access, Glyphs};

/// Events that may wait on a wire.
const EVENTS_WAITING: usize = 64;

/// How long a run without a terminal may take to end before the process does.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// Where a run shows itself, and where it is recorded.
#[derive(Debug, Clone, clap::Args)]
pub struct Output {
    /// Record into this folder [default: a new one in the platform's data folder, see wdtop list]
    #[arg(long, value_name = "PATH", conflicts_with = "no_record", help_heading = "Run")]
    record: Option<PathBuf>,

    /// Record nothing
    #[arg(long, help_heading = "Run")]
    no_record: bool,

    /// No screen: a progress bar on a terminal, plain lines in a pipe
    #[arg(long, help_heading = "Run")]
    headless: bool,

    /// No screen: each event as a JSON line on standard output
    #[arg(long, conflicts_with = "headless", help_heading = "Run")]
    json: bool,

    /// What the screen is made of: braille, octant (needs a font with Unicode 16) or ascii
    #[arg(long, value_name = "NAME", default_value_t, conflicts_with_all = ["headless", "json"], help_heading = "Run")]
    glyphs: Glyphs,

    /// On the screen no key touches training; q still ends both
    #[arg(long, conflicts_with_all = ["headless", "json"], help_heading = "Run")]
    read_only: bool,

    /// What an alert does beside its line on the screen
    #[arg(long, value_name = "WHAT", value_enum, default_value_t, conflicts_with_all = ["headless", "json"], help_heading = "Run")]
    on_alert: OnAlert,

    /// With --json: of the updates, tell those whose index is a multiple of N; 0 tells none
    #[arg(long, value_name = "N", default_value_t = 1, help_heading = "Run")]
    every: u64,
}

/// What an alert does beside its line on the screen.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
enum OnAlert {
    /// Nothing
    #[default]
    Show,
    /// It rings the terminal's bell
    Bell,
    /// It rings, and training pauses where it is more than a remark
    Pause,
}

/// A screen, or what there is in its place.
#[derive(Debug, Clone, Copy)]
pub enum View {
    /// The screen.
    Screen,
    /// Lines or a bar.
    Headless(Style),
}

impl Default for Output {
    fn default() -> Self {
        Output {
            record: None,
            no_record: false,
            headless: false,
            json: false,
            glyphs: Glyphs::default(),
            read_only: false,
            on_alert: OnAlert::default(),
            every: 1,
        }
    }
}

impl Output {
    /// Whether somebody watches who could press a key.
    pub fn watched(&self) -> Watched {
        if self.json || self.headless { Watched::Headless } else { Watched::OnScreen }
    }

    /// The view that was asked for; `subcommand` is for the message where there is no terminal for it.
    ///
    /// # Errors
    /// [`Usage`] where a screen is asked for and standard output is no terminal.
    pub fn view(&self, subcommand: &str) -> Result<View> {
        if self.json {
            Ok(View::Headless(Style::Json { every: self.every }))
        } else if self.headless {
            Ok(View::Headless(Style::detect()))
        } else if io::stdout().is_terminal() {
            Ok(View::Screen)
        } else {
            Err(Usage::of(anyhow!("standard output is not a terminal: use wdtop {subcommand} --headless or --json")))
        }
    }

    /// The recorder that was asked for, its folder named after the recipe where none was given.
    ///
    /// # Errors
    /// Where the folder cannot be made.
    pub fn recorder(&self, recipe: &str) -> Result<Option<Recorder>> {
        Ok(match &self.record {
            _ if self.no_record => None,
            Some(path) => Some(Recorder::create(&record::named(path))?),
            None => Some(record::create(&record::directory()?, recipe, &Zoned::now())?),
        })
    }

    /// What was asked of the screen.
    fn on_screen(&self) -> tui::Options {
        let access = if self.read_only { Access::ReadOnly } else { Access::Full };
        let on_alert = match self.on_alert {
            OnAlert::Show => tui::OnAlert::Show,
            OnAlert::Bell => tui::OnAlert::Bell,
            OnAlert::Pause => tui::OnAlert::Pause,
        };
        tui::Options { recording: None, glyphs: self.glyphs, access, on_alert }
    }

    /// Trains to the end.
    ///
    /// # Errors
    /// As [`view`](Self::view) and [`recorder`](Self::recorder); where the run fails or diverges.
    pub fn train(&self, experiment: Experiment, subcommand: &str) -> Result<ExitCode> {
        let view = self.view(subcommand)?;
        let recorder = self.recorder(&experiment.description().config.recipe)?;
        match view {
            View::Screen => show(experiment, recorder, self.on_screen()),
            View::Headless(style) => print(experiment, recorder, style),
        }
    }
}

/// A run under way: training, and what writes it down.
struct Running {
    commands: Sender<Command>,
    events: EventReceiver,
    recording: Option<JoinHandle<Recorded>>,
}

/// Starts training, the recorder in the pipe where there is one, and a wire to the consumer at its end.
fn start(
    experiment: Experiment,
    recorder: Option<Recorder>,
    (to_consumer, events): (EventSender, EventReceiver),
) -> Result<Running> {
    let (commands, obeyed): (_, Receiver<Command>) = bounded(train::COMMANDS_WAITING);
    let recording = match recorder {
        Some(recorder) => {
            let (to_recorder, recorded) = lossless(EVENTS_WAITING);
            let recording = recorder.spawn(recorded, to_consumer).context("cannot start the recorder")?;
            train::spawn(experiment, obeyed, to_recorder).context("cannot start training")?;
            Some(recording)
        }
        None => {
            train::spawn(experiment, obeyed, to_consumer).context("cannot start training")?;
            None
        }
    };
    Ok(Running { commands, events, recording })
}

impl Running {
    /// As [`recorded`](Self::recorded), but does not wait longer than this.
    fn recorded_within(recording: Option<JoinHandle<Recorded>>, patience: Duration) -> Option<String> {
        let begin = Instant::now();
        while !recording.as_ref()?.is_finished() {
            if begin.elapsed() > patience {
                return None;
            }
            thread::sleep(Duration::from_millis(10));
        }
        Running::recorded(recording)
    }

    /// Waits for the recorder, and tells where the recording is, or why there is none.
    fn recorded(recording: Option<JoinHandle<Recorded>>) -> Option<String> {
        let recorded = recording?.join().ok()?;
        let path = recorded.path.display();
        Some(match recorded.trouble {
            Some(trouble) => format!("recording in {path} is incomplete: {trouble}"),
            None => format!("recorded in {path}"),
        })
    }
}

/// Trains on the screen; afterwards the normal screen tells how it ended.
fn show(experiment: Experiment, recorder: Option<Recorder>, options: tui::Options) -> Result<ExitCode> {
    // Somebody is there to ask.
    let experiment = experiment.with_sentinel(Sentinel::Asks);
    let name = recorder.as_ref().map(|recorder| record::session_name(recorder.path()));
    let path = recorder.as_ref().map(|recorder| recorder.path().display().to_string());
    // A screen never holds training up: what it has no time for is merged.
    let Running { commands, events, recording } = start(experiment, recorder, merging(EVENTS_WAITING))?;
    let outcome = tui::run(events, commands.clone(), tui::Options { recording: name, ..options });
    let recorded = match &outcome {
        Ok(outcome) if outcome.summary.is_some() || outcome.failure.is_some() => Running::recorded(recording),
        // Told to leave at once, the recorder is not waited for: what it has written is sound.
        Ok(outcome) if outcome.ending == tui::Ending::Forced => {
            path.map(|path| format!("left at once; recording so far is in {path} (no end)"))
        }
        // A signal, or there is no terminal any more: nobody sees the end, the recording should have it.
        _ => {
            // Asked for once more: where the screen never came up, nobody has asked yet.
            let _ = commands.send_timeout(Command::Stop, LAST_WORDS);
            Running::recorded_within(recording, LAST_WORDS)
        }
    };
    let outcome = outcome.context("the terminal")?;
    if outcome.terminal == tui::Handback::Restored {
        outcome.summary.iter().for_each(|summary| say(&describe(summary)));
        recorded.iter().for_each(|line| say(line));
    }
    if let Some(message) = outcome.failure {
        return Err(anyhow!("{message}"));
    }
    let diverged = outcome.summary.is_some_and(|summary| summary.reason == StopReason::Diverged);
    Ok(ExitCode::from(match outcome.ending {
        tui::Ending::Left => u8::from(diverged) * FAILED,
        tui::Ending::Forced => signals::exit_code(SIGINT),
        tui::Ending::Signal(signal) => signals::exit_code(signal),
        tui::Ending::TerminalLost => signals::exit_code(SIGHUP),
    }))
}

/// Trains without a screen.
fn print(experiment: Experiment, recorder: Option<Recorder>, style: Style) -> Result<ExitCode> {
    let Running { commands, events, recording } = start(experiment, recorder, lossless(EVENTS_WAITING))?;
    let caught = signals::stop_on_signal(commands.clone())?;
    let outcome = headless::run(events, &commands, style).context("cannot write to standard output")?;
    if let Some(line) = Running::recorded(recording) {
        // Standard output is the run's own; a closed stderr leaves nobody to tell.
        let _ = writeln!(io::stderr(), "wdtop: {}", printable(&line));
    }
    match outcome.ending {
        Ending::Failed { step, message } => Err(anyhow!("step {step}: {message}")),
        Ending::Vanished => Err(anyhow!("training ended without a word")),
        Ending::Finished(summary) if summary.reason == StopReason::Diverged => {
            Err(anyhow!("{}", outcome.divergence.unwrap_or_else(|| "the run diverged".into())))
        }
        Ending::Finished(_) => Ok(match caught.get() {
            Some(signal) => ExitCode::from(signals::exit_code(signal)),
            None => ExitCode::SUCCESS,
        }),
    }
}

/// A run's end in a line.
fn describe(summary: &Summary) -> String {
    let Summary { reason, steps, epochs, train, validation, .. } = summary;
    format!(
        "{reason} after {steps} steps ({epochs:.1} epochs): training loss {:.3} ({:.1} %), validation loss {:.3} ({:.1} %)",
        train.loss,
        100.0 * train.accuracy,
        validation.loss,
        100.0 * validation.accuracy,
    )
}

fn say(line: &str) {
    // A closed stdout leaves nobody to tell.
    let _ = writeln!(io::stdout(), "{}", printable(line));
}
