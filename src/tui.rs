//! The terminal program: state, update, view.
//!
//! [`App`] is plain data. [`update`] is the only thing that changes it, and says as [`Effect`]s what else is to be
//! done; [`view`] draws it and does nothing else. [`run`] is the loop around them: it waits for keys, events and
//! signals at once, draws at most 30 frames a second and only when something changed, and owns the clock and the
//! terminal. It never waits for the terminal: a frame that cannot be written is skipped, events go on being read.
//!
//! It knows neither training nor session folders: both are on the other end of the [stream](crate::stream).

mod app;
mod archive;
pub mod board;
mod coach;
mod digits;
mod glyphs;
mod input;
mod keymap;
mod layout;
mod output;
mod panel;
mod preferences;
mod terminal;
mod theme;
mod update;
mod view;
mod widget;

use std::io;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender, TrySendError, at, never, select};
use crossterm::event::Event as TerminalEvent;
use ratatui::Frame;
use thiserror::Error;

pub use self::app::{App, Capture};
pub use self::archive::{Answer, Archive, Finding, Inquiry, Question, Recorded};
pub use self::glyphs::{Glyphs, UnknownGlyphs};
use self::input::Signals;
pub use self::keymap::markdown as keys_as_markdown;
pub use self::preferences::{BadPreference, Preferences};
pub use self::terminal::Handback;
use self::terminal::Screen;
pub use self::theme::Theme;
pub use self::update::{Effect, Msg, update};
pub use self::view::view;
use crate::stream::{Command, EventReceiver, Summary};

/// The time between two frames.
const FRAME: Duration = Duration::from_millis(34);

/// What the screen is to show besides the run itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Options {
    /// The name of the session that is recorded, if one is; of a replay the one that is played.
    pub recording: Option<String>,
    /// The characters that it is made of.
    pub glyphs: Glyphs,
    /// What the keys may do.
    pub access: Access,
    /// What the user has chosen for every run.
    pub preferences: Preferences,
    /// What an alert does beside its line.
    pub on_alert: OnAlert,
    /// Formats that the recording can be written in; none where there is no recording.
    pub formats: Vec<String>,
}

/// Who writes the recording in formats of other programs, while the screen goes on.
#[derive(Debug, Clone)]
pub struct Exporter {
    /// Takes one of [`Options::formats`], and after `svg` the names of charts, with blanks between.
    pub wanted: Sender<String>,
    /// Gives for each where it was written, or why it was not.
    pub written: Receiver<Result<String, String>>,
}

/// What an alert does beside its line among the events.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum OnAlert {
    /// Nothing.
    #[default]
    Show,
    /// It rings the terminal's bell.
    Bell,
    /// It rings, and training pauses.
    Pause,
}

/// What the keys may do.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Access {
    /// Everything.
    #[default]
    Full,
    /// Nothing that touches training, but to end it with the program.
    ReadOnly,
    /// It is a recording: they move in it, and there is nothing to turn. The speed of the source is in times of the
    /// recorded one.
    Replay,
}

/// How it ended.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// How the run ended, if it did in order.
    pub summary: Option<Summary>,
    /// Why the run broke down, if it did.
    pub failure: Option<String>,
    /// Why the program left the screen.
    pub ending: Ending,
    /// Text for [`Preferences::remember`] where it is not what it was at the start.
    pub panels: Option<String>,
    /// Whether the terminal is usable; where it is stuck, nothing should be written to it.
    pub terminal: Handback,
}

/// Why the program left the screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// The user left, and the run is over.
    Left,
    /// The user left without waiting for the run to end.
    Forced,
    /// A signal with this number.
    Signal(i32),
    /// The terminal is gone.
    TerminalLost,
}

/// Why there is no screen.
#[derive(Debug, Error)]
pub enum Error {
    /// The terminal does not do what is needed.
    #[error("cannot use the terminal: {0}")]
    Terminal(#[from] io::Error),
}

/// Shows a run until the user leaves, and sends what the keys ask for. The terminal is as before when it returns, also
/// when it panics.
///
/// Standard output must be a terminal. `events` should come from a [merging](crate::stream::merging) wire: what is not
/// read then never makes training wait. `commands` may be short; a command that finds no room is reported, not lost.
///
/// # Errors
/// [`Error::Terminal`] where the terminal cannot be taken over. One that is lost later is an [`Ending`].
pub fn run(
    events: EventReceiver,
    commands: Sender<Command>,
    exporter: Option<Exporter>,
    archive: Option<Archive>,
    options: Options,
) -> Result<Outcome, Error> {
    let signals = Signals::listen()?;
    let screen = Screen::enter()?;
    let keys = input::keys()?;
    let theme = options.preferences.theme();
    let mut app = App::new(options, theme);
    let (columns, rows) = crossterm::terminal::size()?;
    update(&mut app, Msg::Resized(columns, rows));
    let hidden = app.hidden.clone();
    let mut session = Session {
        app,
        screen,
        events,
        commands,
        exporter,
        archive,
        begin: Instant::now(),
        drawn: None,
        freshness: Freshness::Stale,
        line: TerminalLine::Up,
        ending: None,
    };
    if session.app.mouse == Capture::On {
        session.perform(vec![Effect::Mouse(Capture::On)]);
    }
    session.run(keys, &signals);
    let Session { app, screen, line, ending, .. } = session;
    let handback = screen.leave();
    Ok(Outcome {
        summary: app.summary().cloned(),
        failure: app.failure().map(str::to_owned),
        ending: ending.unwrap_or(Ending::Left),
        panels: (app.hidden != hidden).then(|| preferences::remembered(&app.hidden)),
        terminal: if line == TerminalLine::Up { handback } else { Handback::Stuck },
    })
}

/// The loop and what it holds.
struct Session {
    app: App,
    screen: Screen,
    events: EventReceiver,
    commands: Sender<Command>,
    exporter: Option<Exporter>,
    archive: Option<Archive>,
    begin: Instant,
    drawn: Option<Instant>,
    freshness: Freshness,
    line: TerminalLine,
    ending: Option<Ending>,
}

/// Whether there is still somebody to draw for. A terminal that was closed is never touched again: what is left to do
/// is to see the run to its end, so that it is recorded whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum TerminalLine {
    Up,
    Lost,
}

/// Whether the picture shows the state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Freshness {
    Fresh,
    Stale,
}

impl Session {
    fn run(&mut self, mut keys: Receiver<TerminalEvent>, signals: &Signals) {
        let mut events = self.events.channel().clone();
        let mut written = self.exporter.as_ref().map_or_else(never, |exporter| exporter.written.clone());
        let mut found = self.archive.as_ref().map_or_else(never, |archive| archive.found.clone());
        while self.ending.is_none() {
            self.draw();
            let timer = self.next_wake().map_or_else(never, at);
            select! {
                recv(events) -> event => match event {
                    Ok(event) => self.take(Msg::Event(event)),
                    Err(_) => {
                        events = never();
                        self.take(Msg::Closed);
                    }
                },
                recv(keys) -> event => match event {
                    Ok(event) => self.terminal_event(event),
                    Err(_) => {
                        keys = never();
                        self.lose();
                    }
                },
                recv(signals.channel()) -> signal => match signal {
                    Ok(Signals::CONTINUE) => {
                        self.with_screen(|screen| screen.resume());
                        self.take(Msg::Continued);
                    }
                    Ok(signal) => self.take(Msg::End(Ending::Signal(signal))),
                    Err(_) => {}
                },
                recv(written) -> told => match told {
                    Ok(told) => self.take(Msg::Exported(told)),
                    Err(_) => written = never(),
                },
                recv(found) -> finding => match finding {
                    Ok(finding) => self.take(Msg::Found(finding)),
                    Err(_) => found = never(),
                },
                recv(self.screen.written()) -> buffer => if let Ok(buffer) = buffer {
                    self.screen.accept(buffer);
                },
                recv(timer) -> _ => self.tick(),
            }
        }
    }

    fn terminal_event(&mut self, event: TerminalEvent) {
        match event {
            TerminalEvent::Key(key) => self.take(Msg::Key(key)),
            TerminalEvent::Mouse(event) => self.take(Msg::Mouse(event)),
            TerminalEvent::Paste(text) => self.take(Msg::Paste(text)),
            TerminalEvent::Resize(columns, rows) => self.take(Msg::Resized(columns, rows)),
            _ => {}
        }
    }

    /// Draws if there is something new, the terminal is ready and a frame is due.
    fn draw(&mut self) {
        let due = self.drawn.is_none_or(|drawn| drawn.elapsed() >= FRAME);
        if !self.waits_to_draw() || !due {
            return;
        }
        self.freshness = Freshness::Fresh;
        self.drawn = Some(Instant::now());
        let drawn = self.screen.draw(|frame: &mut Frame| view(&self.app, frame));
        panic_for_a_test();
        if drawn.is_err() {
            self.lose();
        }
    }

    fn waits_to_draw(&self) -> bool {
        self.line == TerminalLine::Up && self.freshness == Freshness::Stale && self.screen.is_idle()
    }

    /// Does something to the terminal, after which all of it is to be painted.
    fn with_screen(&mut self, act: impl FnOnce(&mut Screen) -> io::Result<()>) {
        if self.line == TerminalLine::Up {
            self.freshness = Freshness::Stale;
            if act(&mut self.screen).is_err() {
                self.lose();
            }
        }
    }

    /// The terminal is gone. Not an error to return with: the run is stopped and heard out as after a signal.
    fn lose(&mut self) {
        if self.line == TerminalLine::Up {
            self.line = TerminalLine::Lost;
            self.take(Msg::End(Ending::TerminalLost));
        }
    }

    /// When there is something to do without anything happening: a frame that waits for its time, a deadline.
    fn next_wake(&self) -> Option<Instant> {
        let frame = self.drawn.filter(|_| self.waits_to_draw()).map(|drawn| drawn + FRAME);
        let deadline = self.app.deadline().map(|deadline| self.begin + deadline);
        frame.into_iter().chain(deadline).min()
    }

    fn tick(&mut self) {
        let now = self.begin.elapsed();
        if self.app.deadline().is_some_and(|deadline| deadline <= now) {
            self.freshness = Freshness::Stale;
        }
        let effects = update(&mut self.app, Msg::Tick(now));
        self.perform(effects);
    }

    /// Tells the state the time, then what happened.
    fn take(&mut self, msg: Msg) {
        self.tick();
        self.freshness = Freshness::Stale;
        let effects = update(&mut self.app, msg);
        self.perform(effects);
    }

    fn perform(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Send(command) => {
                    if let Err(TrySendError::Full(command) | TrySendError::Disconnected(command)) =
                        self.commands.try_send(command)
                    {
                        let effects = update(&mut self.app, Msg::Unsent(command));
                        self.perform(effects);
                    }
                }
                Effect::Export(wanted) => {
                    let asked = self.exporter.as_ref().is_some_and(|exporter| exporter.wanted.try_send(wanted).is_ok());
                    if !asked {
                        let effects = update(&mut self.app, Msg::Exported(Err("one after the other".into())));
                        self.perform(effects);
                    }
                }
                Effect::Ask(inquiry) => {
                    let number = inquiry.number;
                    let asked = self.archive.as_ref().is_some_and(|archive| archive.asked.try_send(inquiry).is_ok());
                    if !asked {
                        let answer = Err("nobody is there to read recordings".into());
                        let effects = update(&mut self.app, Msg::Found(Finding { number, answer }));
                        self.perform(effects);
                    }
                }
                Effect::Recycle(batch) => self.events.recycle(batch),
                Effect::Suspend => self.with_screen(Screen::suspend),
                Effect::Mouse(capture) => self.with_screen(|screen| screen.capture_mouse(capture)),
                Effect::Ring => self.with_screen(Screen::ring),
                Effect::Repaint => self.with_screen(Screen::repaint),
                Effect::Leave(ending) => self.ending = Some(ending),
            }
        }
    }
}

/// A test of the real program has no other way to make the screen panic.
fn panic_for_a_test() {
    if cfg!(debug_assertions) && std::env::var_os("WDTOP_TEST_PANIC").is_some_and(|what| what == "draw") {
        panic!("asked to by WDTOP_TEST_PANIC");
    }
}
