//! Keys and signals, each on a thread of its own, as channels.

use std::io;
use std::thread;

use crossbeam_channel::{Receiver, bounded};
use crossterm::event::{self, Event};

/// What the terminal sends. The channel closes when the terminal can no longer be read.
///
/// The thread sleeps in a read for the rest of the process: there is no way to wake it that costs an idle screen
/// nothing.
pub(super) fn keys() -> io::Result<Receiver<Event>> {
    let (sender, keys) = bounded(64);
    thread::Builder::new().name("keys".into()).spawn(move || {
        while let Ok(event) = event::read() {
            if sender.send(event).is_err() {
                break;
            }
        }
    })?;
    Ok(keys)
}

/// The signals that end a program, and the one that says it was stopped and goes on.
#[derive(Debug)]
pub(super) struct Signals {
    received: Receiver<i32>,
    #[cfg(unix)]
    handle: signal_hook::iterator::Handle,
}

impl Signals {
    /// The signal that a stopped process gets when it goes on.
    #[cfg(unix)]
    pub(super) const CONTINUE: i32 = signal_hook::consts::SIGCONT;
    #[cfg(not(unix))]
    pub(super) const CONTINUE: i32 = 0;

    /// Catches them from now on, until this is dropped.
    ///
    /// # Errors
    /// Where the system does not let it.
    #[cfg(unix)]
    pub(super) fn listen() -> io::Result<Self> {
        use signal_hook::consts::{SIGCONT, SIGHUP, SIGINT, SIGTERM};
        let mut signals = signal_hook::iterator::Signals::new([SIGTERM, SIGHUP, SIGINT, SIGCONT])?;
        let handle = signals.handle();
        let (sender, received) = bounded(8);
        thread::Builder::new().name("signals".into()).spawn(move || {
            for signal in signals.forever() {
                if sender.send(signal).is_err() {
                    break;
                }
            }
        })?;
        Ok(Signals { received, handle })
    }

    /// There are none.
    #[cfg(not(unix))]
    pub(super) fn listen() -> io::Result<Self> {
        Ok(Signals { received: crossbeam_channel::never() })
    }

    /// The channel they come from.
    pub(super) fn channel(&self) -> &Receiver<i32> {
        &self.received
    }
}

#[cfg(unix)]
impl Drop for Signals {
    fn drop(&mut self) {
        self.handle.close();
    }
}
