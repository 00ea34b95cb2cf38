//! Signals to a run without a screen.

use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering};
use std::thread;

use anyhow::{Context, Result};
use crossbeam_channel::Sender;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::stream::Command;

/// The first signal that came, if one did.
#[derive(Debug, Clone, Default)]
pub struct Caught(Arc<AtomicI32>);

impl Caught {
    /// Its number.
    pub fn get(&self) -> Option<i32> {
        Some(self.0.load(Ordering::SeqCst)).filter(|&signal| signal != 0)
    }
}

/// Stops the run on SIGINT, SIGTERM or SIGHUP, so that it ends as it would by itself: evaluated, recorded, reported.
/// A second signal ends the process at once.
///
/// # Errors
/// Where signals cannot be caught or the system gives no thread.
pub fn stop_on_signal(commands: Sender<Command>) -> Result<Caught> {
    let caught = Caught::default();
    let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP]).context("cannot catch signals")?;
    let first = caught.clone();
    thread::Builder::new()
        .name("wdtop-signals".into())
        .spawn(move || {
            for signal in &mut signals {
                if first.get().is_some() {
                    std::process::exit(exit_code(signal).into());
                }
                first.0.store(signal, Ordering::SeqCst);
                // A run that is over needs no stopping.
                let _ = commands.send(Command::Stop);
            }
        })
        .context("cannot start a thread for signals")?;
    Ok(caught)
}

/// What a shell reports for a process that ended by this signal.
pub fn exit_code(signal: i32) -> u8 {
    128 + signal as u8
}
