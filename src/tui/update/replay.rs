//! What keys do on a recording: they move in it, and turn nothing.

use tui_input::Input;

use super::Effect;
use crate::stream::Command;
use crate::tui::app::{App, Mode, Phase, Tone};
use crate::tui::keymap::Action;
use crate::tui::{Access, Ending};

/// An arrow moves by this share of the recording.
const STRIDES: u64 = 50;
/// Or by so many updates, where nobody knows how many it will have.
const STRIDE: u64 = 100;
/// The slowest and the fastest that the keys play, in times of the recorded speed.
const SLOWEST: f64 = 1.0 / 64.0;
const FASTEST: f64 = 4096.0;

impl App {
    /// Whether it shows a recording.
    pub(in crate::tui) fn replays(&self) -> bool {
        self.options.access == Access::Replay
    }
}

/// What an action does on a recording; `None` where it does what it always does.
pub(super) fn act(app: &mut App, action: Action) -> Option<Vec<Effect>> {
    if !app.replays() {
        if matches!(action, Action::GoTo | Action::NextEdit) {
            app.say(Tone::Plain, "that is a key of a replay: wdtop replay SESSION");
            return Some(Vec::new());
        }
        return None;
    }
    Some(match action {
        Action::Quit => vec![Effect::Leave(Ending::Left)],
        Action::PauseOrResume if matches!(app.phase, Phase::Finished(_) | Phase::Failed(_)) => {
            app.say_keyed(Tone::Plain, "the recording is at its end: `Left` and `g` go back in it");
            Vec::new()
        }
        Action::PauseOrResume if app.phase == Phase::Paused => send(Command::Resume),
        Action::PauseOrResume => send(Command::Pause),
        Action::Step => send(Command::StepOnce),
        Action::Epoch => app.run.as_ref().map_or_else(Vec::new, |run| {
            let epoch = run.description.steps_per_epoch.max(1);
            send(Command::RunUntil((run.step / epoch + 1) * epoch))
        }),
        Action::Left if app.crosshair.is_none() => stride(app, u64::saturating_sub),
        Action::Right if app.crosshair.is_none() => stride(app, u64::saturating_add),
        Action::NextEdit => send(Command::NextEdit),
        Action::GoTo => {
            app.mode = Mode::Seeking { input: Input::default(), error: None };
            Vec::new()
        }
        Action::Slower | Action::Faster => speed(app, action),
        action if action.steers() => {
            app.say(Tone::Plain, REFUSAL);
            Vec::new()
        }
        _ => return None,
    })
}

/// Why a knob does not turn.
pub(in crate::tui) const REFUSAL: &str =
    "a recording's knobs do not turn; wdtop rerun trains it again, with knobs that do";

fn send(command: Command) -> Vec<Effect> {
    vec![Effect::Send(command)]
}

fn stride(app: &App, go: fn(u64, u64) -> u64) -> Vec<Effect> {
    let Some(run) = &app.run else { return Vec::new() };
    let by = run.description.total_steps.map_or(STRIDE, |total| (total / STRIDES).max(1));
    send(Command::Seek(go(run.step, by)))
}

/// Half or twice as fast as was last asked for.
fn speed(app: &mut App, action: Action) -> Vec<Effect> {
    let Some(run) = &mut app.run else { return Vec::new() };
    let asked = run.asked_pace();
    let wanted = match action {
        Action::Slower if asked == 0.0 => FASTEST,
        Action::Slower => (asked / 2.0).max(SLOWEST),
        // Past the fastest there is nothing but as fast as it goes.
        _ if asked == 0.0 || asked >= FASTEST => 0.0,
        _ => asked * 2.0,
    };
    if wanted == asked {
        return Vec::new();
    }
    run.paces.push(wanted);
    send(Command::Pace(wanted))
}

/// The step that was typed, or what is wrong with it.
pub(super) fn typed(text: &str) -> Result<Vec<Effect>, String> {
    let digits: String = text.chars().filter(|c| !matches!(c, ',' | '_' | ' ')).collect();
    let step = digits.parse().map_err(|_| format!("a step is a whole number of at least 0, got `{}`", text.trim()))?;
    Ok(send(Command::Seek(step)))
}
