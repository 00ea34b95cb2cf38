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
use super::{FAILED, Usage, comparisons, exports, preferences, signals};
use crate::headless::{self, Ending, Style};
use crate::record::{self, Recorded, Recorder};
use crate::stream::{Command, EventReceiver, EventSender, Score, StopReason, Summary, lossless, merging, printable};
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

    /// Record each tensor's columns of every Nth update only; the network's of each, edits and evaluations always
    #[arg(long, value_name = "N", default_value_t = 1, conflicts_with = "no_record", help_heading = "Run",
        value_parser = clap::value_parser!(u64).range(1..))]
    record_every: u64,

    /// Stop the run, with exit code 1, where the recording fails
    #[arg(long, conflicts_with = "no_record", help_heading = "Run")]
    record_required: bool,

    /// No screen: a progress bar on a terminal, plain lines in a pipe
    #[arg(long, help_heading = "Run")]
    headless: bool,

    /// No screen: each event as a JSON line on standard output
    #[arg(long, conflicts_with = "headless", help_heading = "Run")]
    json: bool,

    /// What the screen is made of: braille, octant (needs a font with Unicode 16) or ascii [default: braille]
    #[arg(long, value_name = "NAME", conflicts_with_all = ["headless", "json"], help_heading = "Run")]
    glyphs: Option<Glyphs>,

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
            record_every: 1,
            record_required: false,
            headless: false,
            json: false,
            glyphs: None,
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

    /// Whether there is a recording, which alone keeps snapshots.
    pub fn records(&self) -> bool {
        !self.no_record
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
        let recorder = match &self.record {
            _ if self.no_record => None,
            Some(path) => Some(Recorder::create(&record::named(path))?),
            None => Some(record::create(&record::directory()?, recipe, &Zoned::now())?),
        };
        Ok(recorder.map(|recorder| recorder.thinned(self.record_every)))
    }

    /// What was asked of the screen, on the command line and for every run.
    fn on_screen(&self) -> Result<tui::Options> {
        let access = if self.read_only { Access::ReadOnly } else { Access::Full };
        let on_alert = match self.on_alert {
            OnAlert::Show => tui::OnAlert::Show,
            OnAlert::Bell => tui::OnAlert::Bell,
            OnAlert::Pause => tui::OnAlert::Pause,
        };
        let preferences = preferences::load()?;
        let glyphs = self.glyphs.or(preferences.glyphs).unwrap_or_default();
        Ok(tui::Options { glyphs, access, on_alert, preferences, ..tui::Options::default() })
    }

    /// Trains to the end.
    ///
    /// # Errors
    /// As [`view`](Self::view) and [`recorder`](Self::recorder); where the run fails or diverges.
    pub fn train(&self, experiment: Experiment, subcommand: &str) -> Result<ExitCode> {
        let view = self.view(subcommand)?;
        let recipe = experiment.description().config.recipe.clone();
        let need = if self.record_required { Need::Required } else { Need::Welcome };
        let recording = || self.recorder(&recipe).map(|recorder| recorder.map(|recorder| (recorder, need)));
        match view {
            // Preferences that cannot be read are told before a session folder is made.
            View::Screen => self.on_screen().and_then(|options| show(experiment, recording()?, options)),
            View::Headless(style) => print(experiment, recording()?, style),
        }
    }
}

/// What a run is without its recording.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Need {
    /// Worth going on with.
    Welcome,
    /// Worthless.
    Required,
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
    recorder: Option<(Recorder, Need)>,
    (to_consumer, events): (EventSender, EventReceiver),
) -> Result<Running> {
    let (commands, obeyed): (_, Receiver<Command>) = bounded(train::COMMANDS_WAITING);
    let recording = match recorder {
        Some((recorder, need)) => {
            let recorder = if need == Need::Required { recorder.required(commands.clone()) } else { recorder };
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
    fn recorded_within(recording: Option<JoinHandle<Recorded>>, patience: Duration) -> Option<Recorded> {
        let begin = Instant::now();
        while !recording.as_ref()?.is_finished() {
            if begin.elapsed() > patience {
                return None;
            }
            thread::sleep(Duration::from_millis(10));
        }
        Running::recorded(recording)
    }

    /// Waits for the recorder, for what became of the recording.
    fn recorded(recording: Option<JoinHandle<Recorded>>) -> Option<Recorded> {
        recording?.join().ok()
    }
}

/// Where the recording is, or why there is none.
fn tell(recorded: &Recorded) -> String {
    let path = recorded.path.display();
    match &recorded.trouble {
        Some(trouble) => format!("recording in {path} is incomplete: {trouble}"),
        None => format!("recorded in {path}"),
    }
}

/// An error where the recording failed that the run was stopped for.
fn check_required(need: Option<Need>, recorded: Option<&Recorded>) -> Result<()> {
    match recorded.and_then(|recorded| recorded.trouble.as_ref()) {
        Some(trouble) if need == Some(Need::Required) => {
            Err(anyhow!("the run was stopped, for its recording is required: {trouble}"))
        }
        _ => Ok(()),
    }
}

/// Trains on the screen; afterwards the normal screen tells how it ended.
fn show(experiment: Experiment, recorder: Option<(Recorder, Need)>, options: tui::Options) -> Result<ExitCode> {
    // Somebody is there to ask.
    let experiment = experiment.with_sentinel(Sentinel::Asks);
    let name = recorder.as_ref().map(|(recorder, _)| record::session_name(recorder.path()));
    let folder = recorder.as_ref().map(|(recorder, _)| recorder.path().to_owned());
    let path = folder.as_ref().map(|folder| folder.display().to_string());
    let need = recorder.as_ref().map(|(_, need)| *need);
    // A screen never holds training up: what it has no time for is merged.
    let Running { commands, events, recording } = start(experiment, recorder, merging(EVENTS_WAITING))?;
    let archive = folder.clone().and_then(comparisons::beside);
    let (exporter, exporting) = folder.and_then(exports::spawn).unzip();
    let formats = if exporter.is_some() { exports::formats() } else { Vec::new() };
    let options = tui::Options { recording: name, formats, ..options };
    let outcome = tui::run(events, commands.clone(), exporter, archive, options);
    let recorded = match &outcome {
        Ok(outcome) if outcome.summary.is_some() || outcome.failure.is_some() => Running::recorded(recording),
        // Told to leave at once, the recorder is not waited for: what it has written is sound.
        Ok(outcome) if outcome.ending == tui::Ending::Forced => None,
        // A signal, or there is no terminal any more: nobody sees the end, the recording should have it.
        _ => {
            // Asked for once more: where the screen never came up, nobody has asked yet.
            let _ = commands.send_timeout(Command::Stop, LAST_WORDS);
            Running::recorded_within(recording, LAST_WORDS)
        }
    };
    let outcome = outcome.context("the terminal")?;
    exports::finish(exporting, outcome.ending);
    outcome.panels.iter().for_each(|panels| preferences::remember(panels));
    if outcome.terminal == tui::Handback::Restored {
        outcome.summary.iter().for_each(|summary| say(&describe(summary)));
        match (&recorded, path) {
            (Some(recorded), _) => say(&tell(recorded)),
            (None, Some(path)) if outcome.ending == tui::Ending::Forced => {
                say(&format!("left at once; recording so far is in {path} (no end)"));
            }
            _ => {}
        }
    }
    if let Some(message) = outcome.failure {
        return Err(anyhow!("{message}"));
    }
    check_required(need, recorded.as_ref())?;
    let diverged = outcome.summary.is_some_and(|summary| summary.reason == StopReason::Diverged);
    Ok(ExitCode::from(match outcome.ending {
        tui::Ending::Left => u8::from(diverged) * FAILED,
        tui::Ending::Forced => signals::exit_code(SIGINT),
        tui::Ending::Signal(signal) => signals::exit_code(signal),
        tui::Ending::TerminalLost => signals::exit_code(SIGHUP),
    }))
}

/// Trains without a screen.
fn print(experiment: Experiment, recorder: Option<(Recorder, Need)>, style: Style) -> Result<ExitCode> {
    let need = recorder.as_ref().map(|(_, need)| *need);
    let Running { commands, events, recording } = start(experiment, recorder, lossless(EVENTS_WAITING))?;
    let caught = signals::stop_on_signal(commands.clone())?;
    let outcome = headless::run(events, &commands, style).context("cannot write to standard output")?;
    let recorded = Running::recorded(recording);
    if let Some(recorded) = &recorded {
        // Standard output is the run's own; a closed stderr leaves nobody to tell.
        let _ = writeln!(io::stderr(), "wdtop: {}", printable(&tell(recorded)));
    }
    match outcome.ending {
        Ending::Failed { step, message } => Err(anyhow!("step {step}: {message}")),
        Ending::Vanished => Err(anyhow!("training ended without a word")),
        Ending::Finished(summary) if summary.reason == StopReason::Diverged => {
            Err(anyhow!("{}", outcome.divergence.unwrap_or_else(|| "the run diverged".into())))
        }
        Ending::Finished(_) => {
            check_required(need, recorded.as_ref())?;
            Ok(match caught.get() {
                Some(signal) => ExitCode::from(signals::exit_code(signal)),
                None => ExitCode::SUCCESS,
            })
        }
    }
}

/// A run's end in a line.
fn describe(summary: &Summary) -> String {
    let Summary { reason, steps, epochs, train, validation, .. } = summary;
    // Values have no accuracy.
    let accuracy = |score: &Score| match score.accuracy {
        share if share.is_nan() => String::new(),
        share => format!(" ({:.1} %)", 100.0 * share),
    };
    format!(
        "{reason} after {steps} steps ({epochs:.1} epochs): training loss {:.3}{}, validation loss {:.3}{}",
        train.loss,
        accuracy(train),
        validation.loss,
        accuracy(validation),
    )
}

fn say(line: &str) {
    // A closed stdout leaves nobody to tell.
    let _ = writeln!(io::stdout(), "{}", printable(line));
}
