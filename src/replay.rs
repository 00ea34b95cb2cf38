//! A recording as a source: the events of a session at the speed at which they happened, or another.
//!
//! It takes the commands that make sense of what is over: pause, resume, one step, up to a step, speed
//! ([`Command::Pace`]: 1 is the recorded speed, 0 as fast as it goes), [`Command::Seek`] and [`Command::NextEdit`]. To go
//! back is to begin anew: `Started` is told again, then everything up to the step at once, so that whoever reads the
//! events has the state of that step and nothing of what came after.

mod player;
#[cfg(test)]
mod tests;

use std::io;
use std::path::Path;
use std::thread::{self, JoinHandle};

use crossbeam_channel::Receiver;

use self::player::Player;
use crate::record::Error;
use crate::stream::{Command, EventSender};

/// How a recording is played.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Playback {
    /// How many times as fast as it was recorded; 0 is as fast as it goes.
    pub speed: f64,
    /// What is done at the end of the recording.
    pub end: AtEnd,
}

/// What is done at the end of a recording.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AtEnd {
    /// The source waits for commands, and for what another process adds.
    Wait,
    /// The source waits for what another process adds, as long as one writes the session.
    Follow,
    /// The source ends.
    Leave,
}

/// Checks a speed.
///
/// # Errors
/// A line with what is allowed.
pub fn check_speed(speed: f64) -> Result<(), String> {
    if speed == 0.0 || (SLOWEST..=FASTEST).contains(&speed) {
        return Ok(());
    }
    Err(format!("speed must be 0 (as fast as it goes) or from {SLOWEST} to {FASTEST} times, got {speed}"))
}

/// The slowest and the fastest speed.
const SLOWEST: f64 = 1.0 / 64.0;
const FASTEST: f64 = 65536.0;

/// Plays the session at `path` on a thread of its own. It ends when nobody receives its events, on [`Command::Stop`],
/// and where `playback` says so.
///
/// # Errors
/// Where the session cannot be opened, another tool recorded it, or the system gives no thread.
pub fn spawn(
    path: &Path,
    playback: Playback,
    commands: Receiver<Command>,
    events: EventSender,
) -> Result<JoinHandle<()>, Error> {
    let mut player = Player::open(path, playback, commands, events)?;
    let no_thread = |source: io::Error| Error::Read { path: path.to_owned(), source };
    thread::Builder::new().name("wdtop-replay".into()).spawn(move || player.run()).map_err(no_thread)
}
