//! The one function that changes the state.

mod charts;
mod compare;
mod edits;
mod events;
mod keys;
mod mouse;
mod palette;
mod replay;
mod sentinel;

pub(super) use self::palette::candidates;
pub(super) use self::sentinel::{Choice, choices};

use std::time::Duration;

use crossterm::event::{KeyEvent, MouseEvent};

use super::Ending;
use super::app::{App, Capture, Mode, Phase, Tone};
use super::archive::{Finding, Inquiry};
use crate::stream::{Command, Event, StepBatch};

/// How long a signal waits for the run to end in order.
const GRACE: Duration = Duration::from_secs(2);

/// What can happen to the screen.
#[derive(Debug, Clone, PartialEq)]
pub enum Msg {
    /// The time of the loop; it comes before whatever else happened then.
    Tick(Duration),
    /// A key was pressed.
    Key(KeyEvent),
    /// The mouse did something.
    Mouse(MouseEvent),
    /// Text was pasted.
    Paste(String),
    /// The source said something.
    Event(Event),
    /// The source is gone.
    Closed,
    /// A command found no room.
    Unsent(Command),
    /// The recording was written in another format, there; or it was not, and why.
    Exported(Result<String, String>),
    /// What is known of recordings.
    Found(Finding),
    /// The process goes on after it was suspended.
    Continued,
    /// The terminal has so many columns and rows.
    Resized(u16, u16),
    /// The process was asked to end.
    End(Ending),
}

/// What a change of the state wants done.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// Ask the source for something.
    Send(Command),
    /// Have the recording written in this format, where it is a picture with these charts.
    Export(String),
    /// Ask whoever knows the recordings.
    Ask(Inquiry),
    /// Give a batch's memory back.
    Recycle(StepBatch),
    /// Stop the process as a shell does.
    Suspend,
    /// Ring the terminal's bell.
    Ring,
    /// Paint every cell.
    Repaint,
    /// Take the mouse from the terminal, or give it back.
    Mouse(Capture),
    /// End the program.
    Leave(Ending),
}

/// Changes the state and says what else is to be done. Reads no clock and no file, and draws nothing.
pub fn update(app: &mut App, msg: Msg) -> Vec<Effect> {
    match msg {
        Msg::Tick(now) => tick(app, now),
        Msg::Key(key) => keys::press(app, key),
        Msg::Mouse(event) => {
            mouse::act(app, event);
            Vec::new()
        }
        Msg::Paste(text) => keys::paste(app, &text),
        Msg::Event(event) => events::take(app, event),
        Msg::Closed => closed(app),
        Msg::Unsent(command) => unsent(app, command),
        Msg::Exported(told) => {
            match told {
                Ok(place) => app.say(Tone::Plain, format!("written to {place}")),
                Err(why) => app.say(Tone::Warning, format!("not exported: {why}")),
            }
            Vec::new()
        }
        Msg::Found(finding) => compare::found(app, finding),
        Msg::Continued => {
            // Nobody made updates while the process stood still.
            if let Some(run) = &mut app.run {
                run.history.forget_speed();
            }
            Vec::new()
        }
        Msg::Resized(columns, rows) => {
            app.size = (columns, rows);
            charts::refocus(app);
            // Also where it is what it was: in between it may have been another, and the picture is cut.
            vec![Effect::Repaint]
        }
        Msg::End(ending) => end(app, ending),
    }
}

fn tick(app: &mut App, now: Duration) -> Vec<Effect> {
    app.now = now;
    if app.notice.as_ref().is_some_and(|notice| notice.until <= now) {
        app.notice = None;
    }
    if app.interrupted.is_some_and(|until| until <= now) {
        app.interrupted = None;
    }
    if let Mode::Leaving { ending, until, resend } = &mut app.mode {
        if until.is_some_and(|until| until <= now) {
            return vec![Effect::Leave(*ending)];
        }
        if resend.take_if(|at| *at <= now).is_some() {
            return vec![Effect::Send(Command::Stop)];
        }
    }
    edits::settle_until(app, now)
}

fn closed(app: &mut App) -> Vec<Effect> {
    if app.is_over() {
        return Vec::new();
    }
    events::fail(app, "the source of events ended without a word".into())
}

fn unsent(app: &mut App, command: Command) -> Vec<Effect> {
    if let Mode::Leaving { resend, .. } = &mut app.mode {
        *resend = Some(app.now + Duration::from_millis(50));
        return Vec::new();
    }
    if let Command::Set(setting) = &command
        && let Some(run) = &mut app.run
    {
        // The one that was just asked for.
        if let Some(at) = run.pending.iter().rposition(|pending| pending.setting == *setting) {
            let pending = run.pending.remove(at);
            edits::give_back(run, pending.cause);
        }
    }
    if let Some(run) = &mut app.run {
        run.never_mind(&command);
    }
    if app.is_over() {
        app.say(Tone::Warning, "the run is over");
    } else {
        app.say(Tone::Warning, "training is busy and did not take the command; press the key again");
    }
    Vec::new()
}

/// Ends in order: the run is stopped, and the program leaves when it has, but does not wait for ever.
fn end(app: &mut App, ending: Ending) -> Vec<Effect> {
    if app.is_over() || app.replays() {
        return vec![Effect::Leave(ending)];
    }
    // A terminal that is closed sends a signal and is lost: the first of the two counts, and its time goes on.
    if let Mode::Leaving { until: Some(_), .. } = app.mode {
        return Vec::new();
    }
    edits::drop_previews(app);
    app.mode = Mode::Leaving { ending, until: Some(app.now + GRACE), resend: None };
    vec![Effect::Send(Command::Stop)]
}

/// What a key asks for that makes sense only while the run goes on.
fn while_it_lasts(app: &mut App, command: Command) -> Vec<Effect> {
    match app.phase {
        Phase::Loading => app.say(Tone::Plain, "still loading"),
        Phase::Finished(_) | Phase::Failed(_) => app.say_keyed(Tone::Plain, "the run is over; `q` leaves"),
        _ => return vec![Effect::Send(command)],
    }
    Vec::new()
}
