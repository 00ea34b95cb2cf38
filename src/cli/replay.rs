//! `wdtop replay`: a recorded run once more on the screen.

use std::io::{self, IsTerminal};
use std::process::ExitCode;

use anyhow::{Context, Result, anyhow};
use crossbeam_channel::bounded;
use signal_hook::consts::{SIGHUP, SIGINT};

use super::{Usage, comparisons, exports, preferences, signals};
use crate::headless::{self, Style};
use crate::record::{self, session_name};
use crate::replay::{self, AtEnd, Playback};
use crate::stream::lossless;
use crate::train::COMMANDS_WAITING;
use crate::tui::{self, Access, Glyphs};

/// Events that may wait for the screen: with a seek all of a recording comes at once.
const EVENTS_WAITING: usize = 64;

/// Watch a recorded run on the screen: play, pause, go to a step or an edit
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "Examples:
  wdtop replay decay                      Space pauses, ( ) slower and faster, arrows and g seek, ' the next edit
  wdtop replay decay --speed 16
  wdtop replay demo --follow              a run of another process, as it goes
  wdtop replay decay --headless           its evaluations and edits as lines
  wdtop replay decay --json --every 100 | jq -c .

Without a terminal, and with --headless or --json, it does not wait: everything is told at once.")]
pub struct Args {
    /// Path of a session, its name, or the beginning of its name
    #[arg(value_name = "SESSION")]
    session: String,

    /// Begin at the end, and show what another process adds
    #[arg(long)]
    follow: bool,

    /// How many times as fast as it was recorded; 0 is as fast as it goes
    #[arg(long, value_name = "TIMES", default_value_t = 1.0, value_parser = speed, allow_negative_numbers = true)]
    speed: f64,

    /// No screen: plain lines
    #[arg(long)]
    headless: bool,

    /// No screen: each event as a JSON line on standard output
    #[arg(long, conflicts_with = "headless")]
    json: bool,

    /// With --json: of the updates, tell those whose index is a multiple of N; 0 tells none
    #[arg(long, value_name = "N", default_value_t = 1)]
    every: u64,

    /// What the screen is made of: braille, octant (needs a font with Unicode 16) or ascii [default: braille]
    #[arg(long, value_name = "NAME")]
    glyphs: Option<Glyphs>,
}

impl Args {
    /// Plays it.
    ///
    /// # Errors
    /// Where the session is not found, cannot be read, or was imported: such a session has no events.
    pub fn run(self) -> Result<ExitCode> {
        let path = record::resolve(&record::directory()?, &self.session).map_err(Usage::of)?;
        let style = match self {
            Args { json: true, every, .. } => Some(Style::Json { every }),
            Args { headless: true, .. } => Some(Style::Lines),
            _ if !io::stdout().is_terminal() => Some(Style::Lines),
            _ => None,
        };
        let end = match (&style, self.follow) {
            (Some(_), true) => AtEnd::Follow,
            (Some(_), false) => AtEnd::Leave,
            (None, _) => AtEnd::Wait,
        };
        let speed = if style.is_some() || self.follow { 0.0 } else { self.speed };
        let preferences = preferences::load()?;
        let (commands, obeyed) = bounded(COMMANDS_WAITING);
        let (sender, events) = lossless(EVENTS_WAITING);
        replay::spawn(&path, Playback { speed, end }, obeyed, sender)?;
        let Some(style) = style else {
            let recording = Some(session_name(&path));
            let glyphs = self.glyphs.or(preferences.glyphs).unwrap_or_default();
            let archive = comparisons::beside(path.clone());
            let (exporter, exporting) = exports::spawn(path).unzip();
            let formats = if exporter.is_some() { exports::formats() } else { Vec::new() };
            let access = Access::Replay;
            let options = tui::Options { recording, glyphs, access, preferences, formats, ..Default::default() };
            let outcome = tui::run(events, commands, exporter, archive, options).context("the terminal")?;
            exports::finish(exporting, outcome.ending);
            outcome.panels.iter().for_each(|panels| preferences::remember(panels));
            return Ok(match outcome.ending {
                tui::Ending::Left => ExitCode::SUCCESS,
                tui::Ending::Forced => ExitCode::from(signals::exit_code(SIGINT)),
                tui::Ending::Signal(signal) => ExitCode::from(signals::exit_code(signal)),
                tui::Ending::TerminalLost => ExitCode::from(signals::exit_code(SIGHUP)),
            });
        };
        // How the run ended is what was recorded, and no failure of showing it.
        headless::run(events, &commands, style).map_err(|error| anyhow!("cannot write to standard output: {error}"))?;
        Ok(ExitCode::SUCCESS)
    }
}

fn speed(text: &str) -> Result<f64, String> {
    let speed = text.parse().map_err(|_| "it must be a number".to_owned())?;
    replay::check_speed(speed).map(|()| speed)
}
