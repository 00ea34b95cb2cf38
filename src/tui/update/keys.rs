//! What a key does, in each mode.

use std::time::Duration;

use crossterm::event::{Event as TerminalEvent, KeyCode, KeyEvent, KeyEventKind};
use ratatui::layout::Rect;
use tui_input::Input;
use tui_input::backend::crossterm::EventHandler;

use super::{Effect, charts, compare, edits, mouse, palette, replay, sentinel, while_it_lasts};
use crate::stream::{Command, printable};
use crate::tui::Ending;
use crate::tui::app::dial::Which;
use crate::tui::app::hyper::Chosen;
use crate::tui::app::lens::Lens;
use crate::tui::app::{App, Mode, Panel, Phase, Reach, SMOOTHINGS, Tone};
use crate::tui::board::Detail;
use crate::tui::keymap::Action;
use crate::tui::panel::{explain, help};

/// How long the first ctrl-c waits for the second.
const TWICE: Duration = Duration::from_secs(2);

/// The slowest and the fastest pace that a run takes; the keys stay between them.
pub(super) const SLOWEST: f64 = 1e-3;
pub(super) const FASTEST: f64 = 1e6;

/// A key in the mode that the screen is in.
pub(super) fn press(app: &mut App, key: KeyEvent) -> Vec<Effect> {
    if key.kind == KeyEventKind::Release {
        return Vec::new();
    }
    let action = app.options.preferences.keys.action(key);
    // These three mean the same everywhere.
    match action {
        Some(Action::Interrupt) => return interrupt(app),
        Some(Action::Repaint) => return vec![Effect::Repaint],
        Some(Action::Suspend) => return vec![Effect::Suspend],
        _ => {}
    }
    match &mut app.mode {
        Mode::Normal => action.map_or_else(Vec::new, |action| act(app, action)),
        Mode::Typing { .. }
        | Mode::Noting { .. }
        | Mode::Filtering { .. }
        | Mode::Commanding { .. }
        | Mode::Seeking { .. } => type_key(app, key),
        Mode::Help { .. } => {
            match action {
                Some(Action::Down) => scroll(app, 1),
                Some(Action::Up) => scroll(app, -1),
                Some(Action::Help | Action::Back | Action::Quit | Action::Zoom) => app.mode = Mode::Normal,
                _ => {}
            }
            Vec::new()
        }
        Mode::Explain { scrolled } => {
            match action {
                Some(Action::Down) => scroll(app, 1),
                Some(Action::Up) => scroll(app, -1),
                // To the next view and its explanation at once.
                Some(
                    action @ (Action::NextLens | Action::PreviousLens | Action::NextPanel | Action::PreviousPanel),
                ) => {
                    *scrolled = 0;
                    if matches!(action, Action::NextLens | Action::PreviousLens) {
                        app.focus = Panel::Norm;
                    }
                    return act(app, action);
                }
                Some(Action::Explain | Action::Back | Action::Quit | Action::Zoom) => app.mode = Mode::Normal,
                _ => {}
            }
            Vec::new()
        }
        Mode::Choosing(_) => compare::press_in_list(app, key, action),
        Mode::Comparing(_) => compare::press_on_board(app, key),
        Mode::Sentinel { .. } => sentinel::press(app, key),
        Mode::ConfirmQuit => match key.code {
            KeyCode::Char('y') => {
                app.mode = Mode::Leaving { ending: Ending::Left, until: None, resend: None };
                vec![Effect::Send(Command::Stop)]
            }
            _ => {
                app.mode = Mode::Normal;
                Vec::new()
            }
        },
        Mode::Leaving { .. } => Vec::new(),
    }
}

/// Moves the text that is over everything else, as far as there is more of it.
pub(super) fn scroll(app: &mut App, by: i16) {
    let area = Rect::new(0, 0, app.size.0, app.size.1);
    let most = match (&app.mode, &app.run) {
        (Mode::Help { .. }, _) => help::excess(app, area),
        (Mode::Explain { .. }, Some(run)) => explain::excess(app, run, area),
        _ => 0,
    };
    if let Mode::Help { scrolled } | Mode::Explain { scrolled } = &mut app.mode {
        *scrolled = scrolled.saturating_add_signed(by).min(most);
    }
}

/// Pasted text goes where text is being typed, and nowhere else.
pub(super) fn paste(app: &mut App, text: &str) -> Vec<Effect> {
    if let Mode::Typing { input, .. }
    | Mode::Noting { input }
    | Mode::Filtering { input }
    | Mode::Seeking { input, .. }
    | Mode::Commanding { input, .. } = &mut app.mode
    {
        for c in printable(text.trim()).chars() {
            input.handle(tui_input::InputRequest::InsertChar(c));
        }
    }
    charts::filter_as_typed(app);
    Vec::new()
}

pub(super) fn act(app: &mut App, action: Action) -> Vec<Effect> {
    if let Some(effects) = replay::act(app, action) {
        return effects;
    }
    if action.steers() && app.looks_on() {
        return only_looks_on(app);
    }
    match action {
        Action::Quit if app.is_over() => return vec![Effect::Leave(Ending::Left)],
        Action::Quit => {
            edits::drop_previews(app);
            app.mode = Mode::ConfirmQuit;
        }
        Action::Explain => app.mode = Mode::Explain { scrolled: 0 },
        Action::NextLens => app.look_through(1),
        Action::PreviousLens => app.look_through(Lens::ALL.len() - 1),
        Action::Help => app.mode = Mode::Help { scrolled: 0 },
        Action::Back => back(app),
        Action::NextPanel => charts::focus(app, 1),
        Action::PreviousPanel => charts::focus(app, -1),
        Action::Zoom => charts::zoom_panel(app),
        Action::Toggle(panel) => charts::toggle(app, panel),
        Action::Up | Action::Down | Action::Left | Action::Right => return arrow(app, action),
        Action::Freeze => app.frozen = if app.frozen.is_some() { None } else { app.run.as_ref().map(|run| run.step) },
        Action::PauseOrResume | Action::Step | Action::Epoch if app.phase == Phase::Diverged => {
            app.mode = Mode::Sentinel { chosen: 0 };
        }
        Action::PauseOrResume if app.will_pause() => return go(app, Command::Resume),
        Action::PauseOrResume => return go(app, Command::Pause),
        Action::Step => return go(app, Command::StepOnce),
        Action::Epoch => {
            let end = app.run.as_ref().map_or(0, |run| run.step + run.description.steps_per_epoch);
            return go(app, Command::RunUntil(end));
        }
        Action::Evaluate => return edits::settled(app, Command::Evaluate),
        Action::Snapshot => return edits::settled(app, Command::Snapshot),
        Action::GoBack => match app.run.as_ref().and_then(|run| run.snapshot) {
            Some(step) => return edits::settled(app, Command::Restore(step)),
            None => app.say_keyed(Tone::Plain, "there is no snapshot yet: `c` keeps one"),
        },
        Action::Columns => return columns(app),
        Action::Note if app.is_over() => app.say_keyed(Tone::Plain, "the run is over; `q` leaves"),
        Action::Note => app.mode = Mode::Noting { input: Input::default() },
        Action::Slower | Action::Faster => return pace(app, action),
        Action::Turn(which, tenths) => return edits::turn(app, which, tenths),
        Action::Type(_) if app.is_over() => app.say_keyed(Tone::Plain, "the run is over; `q` leaves"),
        Action::Type(which) => {
            app.mode = Mode::Typing { which, scope: app.scope(which), input: Input::default(), error: None };
        }
        Action::SwitchDecay => return edits::switch_decay(app),
        Action::Reach => {
            app.reach = match app.reach {
                Reach::All => Reach::Layer,
                Reach::Layer => Reach::Tensor,
                Reach::Tensor => Reach::All,
            }
        }
        Action::Undo => return edits::undo(app),
        Action::Redo => return edits::redo(app),
        Action::Scale => app.scale = app.scale.switched(),
        Action::StepScale => app.window.scale = app.window.scale.switched(),
        Action::SmoothLess => smooth(app, app.smoothing.saturating_sub(1)),
        Action::SmoothMore => smooth(app, (app.smoothing + 1).min(SMOOTHINGS.len() - 1)),
        Action::ZoomIn | Action::ZoomOut | Action::Follow | Action::Unit | Action::Crosshair => {
            charts::act(app, action)
        }
        Action::Filter => {
            app.mode = Mode::Filtering { input: app.filter.clone().into() };
        }
        Action::Order => {
            app.order = app.order.next();
            if app.order == crate::tui::app::table::Order::Since && app.origin().is_none() {
                app.order = app.order.next();
            }
        }
        Action::Mouse => return mouse::switch(app),
        Action::Palette => app.mode = Mode::Commanding { input: Input::default(), error: None },
        Action::Export => palette::ask_for_export(app),
        Action::Compare => return compare::choose(app, Detail::All),
        Action::Differences => return compare::choose(app, Detail::Differences),
        // Handled before: by a replay, or before the mode is asked.
        Action::GoTo | Action::NextEdit => {}
        Action::Interrupt | Action::Repaint | Action::Suspend => {}
    }
    Vec::new()
}

fn interrupt(app: &mut App) -> Vec<Effect> {
    if app.is_over() || app.replays() {
        return vec![Effect::Leave(Ending::Left)];
    }
    if app.interrupted.is_some() {
        return vec![Effect::Leave(Ending::Forced)];
    }
    app.interrupted = Some(app.now + TWICE);
    Vec::new()
}

/// One layer out.
fn back(app: &mut App) {
    if edits::drop_previews(app) {
        return;
    }
    if app.crosshair.take().is_some() {
        return;
    }
    if app.zoomed {
        charts::zoom_panel(app);
    } else if !app.filter.is_empty() {
        app.filter.clear();
    } else {
        app.notice = None;
    }
}

/// A key that would touch training, on a screen that only looks on.
fn only_looks_on(app: &mut App) -> Vec<Effect> {
    app.say(Tone::Plain, "read-only: this key would touch training (started with --read-only)");
    Vec::new()
}

fn arrow(app: &mut App, action: Action) -> Vec<Effect> {
    match (app.focus, action) {
        (_, Action::Left) if app.crosshair.is_some() => charts::move_crosshair(app, -1),
        (_, Action::Right) if app.crosshair.is_some() => charts::move_crosshair(app, 1),
        (Panel::Knobs, Action::Up) => choose_knob(app, -1),
        (Panel::Knobs, Action::Down) => choose_knob(app, 1),
        (Panel::Knobs, Action::Left | Action::Right) if app.looks_on() => return only_looks_on(app),
        (Panel::Knobs, Action::Left) => return edits::turn_chosen(app, -1),
        (Panel::Knobs, Action::Right) => return edits::turn_chosen(app, 1),
        (Panel::Events, Action::Up) => charts::scroll_events(app, -1),
        (Panel::Events, Action::Down) => charts::scroll_events(app, 1),
        (Panel::Losses | Panel::Norm, Action::Left) => charts::pan(app, -1),
        (Panel::Losses | Panel::Norm, Action::Right) => charts::pan(app, 1),
        (Panel::Layers | Panel::Norm | Panel::Losses, Action::Up) => app.choose(-1),
        (Panel::Layers | Panel::Norm | Panel::Losses, Action::Down) => app.choose(1),
        _ => {}
    }
    Vec::new()
}

/// The knob above or below: λ, η, then the rule's own.
fn choose_knob(app: &mut App, by: isize) {
    let own = app.run.as_ref().map_or(0, |run| run.hyper.len());
    let at = match app.chosen {
        Chosen::Dial(Which::WeightDecay) => 0,
        Chosen::Dial(Which::LearningRate) => 1,
        Chosen::Hyper(at) => at + 2,
    };
    app.chosen = match at.saturating_add_signed(by).min(own + 1) {
        0 => Chosen::Dial(Which::WeightDecay),
        1 => Chosen::Dial(Which::LearningRate),
        at => Chosen::Hyper(at - 2),
    };
}

/// Goes on or stands still. A key means what was asked for before it, whether or not that has been answered: five
/// spaces in a burst do what five at leisure do.
pub(super) fn go(app: &mut App, command: Command) -> Vec<Effect> {
    // Who runs already says nothing when told to run.
    let answered = !matches!(command, Command::RunUntil(_)) || app.will_pause();
    let effects = edits::settled(app, command.clone());
    if answered
        && effects.contains(&Effect::Send(command.clone()))
        && let Some(run) = &mut app.run
    {
        run.moves.push(command);
    }
    effects
}

/// Half or twice as fast as was last asked for, from the measured speed where there is no pace.
fn pace(app: &mut App, action: Action) -> Vec<Effect> {
    let Some(run) = &app.run else { return Vec::new() };
    let (pace, speed) = (run.asked_pace(), run.history.speed());
    let wanted = match (action, speed) {
        (Action::Slower, Some(speed)) if pace == 0.0 => round(speed / 2.0).clamp(SLOWEST, FASTEST),
        (Action::Slower, None) if pace == 0.0 => {
            app.say(Tone::Plain, "the speed is not measured yet; press again in a moment");
            return Vec::new();
        }
        (Action::Slower, _) if pace <= SLOWEST => {
            app.say(Tone::Plain, format!("the pace is as slow as it gets: {SLOWEST}/s"));
            return Vec::new();
        }
        (Action::Slower, _) => (pace / 2.0).max(SLOWEST),
        _ if pace == 0.0 => {
            app.say(Tone::Plain, "the pace is max already");
            return Vec::new();
        }
        // The machine cannot even keep the pace it has; of one that was only asked for nothing is known.
        (_, Some(speed)) if speed < 0.7 * pace && run.paces.is_empty() && app.phase == Phase::Running => 0.0,
        _ if 2.0 * pace > FASTEST => 0.0,
        _ => 2.0 * pace,
    };
    ask_for_pace(app, wanted)
}

/// Asks for so many updates a second, 0 for as many as there can be.
pub(super) fn ask_for_pace(app: &mut App, wanted: f64) -> Vec<Effect> {
    let effects = while_it_lasts(app, Command::Pace(wanted));
    if !effects.is_empty()
        && let Some(run) = &mut app.run
    {
        run.paces.push(wanted);
    }
    effects
}

/// Records updates' columns or leaves them out, where there is a recording.
fn columns(app: &mut App) -> Vec<Effect> {
    match &app.run {
        Some(run) if run.unrecorded.is_some() => app.say(Tone::Warning, "the recording has stopped for good"),
        Some(run) if app.options.recording.is_some() => {
            let columns = run.columns.switched();
            return while_it_lasts(app, Command::Columns(columns));
        }
        Some(_) => app.say(Tone::Plain, "this run is not recorded"),
        None => app.say(Tone::Plain, "still loading"),
    }
    Vec::new()
}

/// To two significant digits.
fn round(value: f64) -> f64 {
    format!("{value:.1e}").parse().unwrap_or(value)
}

fn smooth(app: &mut App, place: usize) {
    app.smoothing = place;
    if let Some(run) = &mut app.run {
        run.history.smooth(SMOOTHINGS[place]);
    }
}

/// A key while text is being typed.
fn type_key(app: &mut App, key: KeyEvent) -> Vec<Effect> {
    match key.code {
        KeyCode::Esc => {
            if let Mode::Filtering { .. } = app.mode {
                app.filter.clear();
            }
            app.mode = Mode::Normal;
            return Vec::new();
        }
        KeyCode::Tab => {
            palette::complete(app);
            return Vec::new();
        }
        KeyCode::Enter => return enter(app),
        _ => {}
    }
    match &mut app.mode {
        Mode::Typing { input, error, .. } | Mode::Commanding { input, error } | Mode::Seeking { input, error } => {
            *error = None;
            input.handle_event(&TerminalEvent::Key(key));
        }
        Mode::Noting { input } | Mode::Filtering { input } => {
            input.handle_event(&TerminalEvent::Key(key));
        }
        _ => {}
    }
    charts::filter_as_typed(app);
    Vec::new()
}

/// Commits what was typed; what cannot be taken stays where it is, with the reason.
fn enter(app: &mut App) -> Vec<Effect> {
    match std::mem::replace(&mut app.mode, Mode::Normal) {
        Mode::Typing { which, scope, input, .. } => match edits::typed(app, which, scope.clone(), input.value()) {
            Ok(effects) => effects,
            Err(reason) => {
                app.mode = Mode::Typing { which, scope, input, error: Some(reason) };
                Vec::new()
            }
        },
        Mode::Seeking { input, .. } => match replay::typed(input.value()) {
            Ok(effects) => effects,
            Err(reason) => {
                app.mode = Mode::Seeking { input, error: Some(reason) };
                Vec::new()
            }
        },
        Mode::Commanding { input, .. } => match palette::run(app, input.value()) {
            Ok(effects) => effects,
            Err(reason) => {
                app.mode = Mode::Commanding { input, error: Some(reason) };
                Vec::new()
            }
        },
        Mode::Noting { input } if !input.value().trim().is_empty() => {
            while_it_lasts(app, Command::Note(input.value().trim().to_owned()))
        }
        _ => Vec::new(),
    }
}
