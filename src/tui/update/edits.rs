//! Edits: asked for, confirmed, refused, taken back.

use std::time::Duration;

use super::{Effect, while_it_lasts};
use crate::stream::{Author, Command, DecayMode, Edit, Knob, Refusal, Scope, Setting};
use crate::tui::app::dial::{Cause, Pending, Reversible, Which};
use crate::tui::app::hyper::{Chosen, Turning};
use crate::tui::app::journal::Happening;
use crate::tui::app::{App, Run, Tone};
use crate::tui::digits;

/// Asks for an edit and waits for its echo.
pub(super) fn ask(app: &mut App, knob: Knob, scope: Scope, value: Option<f64>, cause: Cause) -> Vec<Effect> {
    let setting = Setting { knob, scope, value, by: Author::Keys };
    let effects = while_it_lasts(app, Command::Set(setting.clone()));
    if !effects.is_empty()
        && let Some(run) = &mut app.run
    {
        run.pending.push(Pending { setting, cause });
    }
    effects
}

/// A bracket key: the value is shown at once and asked for when the keys have rested.
pub(super) fn turn(app: &mut App, which: Which, tenths: i32) -> Vec<Effect> {
    if app.is_over() {
        app.say_keyed(Tone::Plain, "the run is over; `q` leaves");
        return Vec::new();
    }
    let (scope, now) = (app.scope(which), app.now);
    let Some(run) = &mut app.run else { return Vec::new() };
    let mut effects = Vec::new();
    // A preview for another scope is finished first.
    if let Some(other) = run.dial_mut(which).preview.take_if(|preview| preview.scope != scope) {
        effects = ask(app, which.knob(), other.scope, Some(other.value), Cause::Turn);
    }
    let Some(run) = &mut app.run else { return effects };
    let from = run.asked(which, &scope);
    run.dial_mut(which).turn(tenths, scope, from, now);
    if which == Which::WeightDecay && run.description.config.optimizer.decay_mode == DecayMode::None {
        app.say(Tone::Warning, "λ does nothing here: this run's decay mode is none");
    }
    effects
}

/// An arrow on the chosen knob.
pub(super) fn turn_chosen(app: &mut App, tenths: i32) -> Vec<Effect> {
    match app.chosen {
        Chosen::Dial(which) => turn(app, which, tenths),
        Chosen::Hyper(hyper) => turn_hyper(app, hyper, tenths),
    }
}

/// The same for one of the rule's own hyperparameters; another one that is being turned is finished first.
fn turn_hyper(app: &mut App, hyper: usize, tenths: i32) -> Vec<Effect> {
    if app.is_over() {
        app.say_keyed(Tone::Plain, "the run is over; `q` leaves");
        return Vec::new();
    }
    let now = app.now;
    let other = app.run.as_mut().and_then(|run| run.turning.take_if(|turning| turning.hyper != hyper));
    let effects = other.map_or_else(Vec::new, |turning| ask_for_hyper(app, turning));
    if let Some(run) = &mut app.run {
        run.turn_hyper(hyper, tenths, now);
    }
    effects
}

fn ask_for_hyper(app: &mut App, turning: Turning) -> Vec<Effect> {
    let key = app.run.as_ref().and_then(|run| run.hyper.get(turning.hyper)).map(|(key, _)| key.clone());
    key.map_or_else(Vec::new, |key| ask(app, Knob::from(key), Scope::All, Some(turning.value), Cause::Turn))
}

/// λ to 0, or from 0 to the last λ that was not.
pub(super) fn switch_decay(app: &mut App) -> Vec<Effect> {
    let scope = app.scope(Which::WeightDecay);
    let Some(run) = &mut app.run else { return Vec::new() };
    run.weight_decay.preview = None;
    let value = if run.asked(Which::WeightDecay, &scope) == 0.0 { run.weight_decay.remembered } else { 0.0 };
    ask(app, Knob::WeightDecay, scope, Some(value), Cause::Turn)
}

/// A value that was typed; the error says what may be typed.
pub(super) fn typed(app: &mut App, which: Which, scope: Scope, text: &str) -> Result<Vec<Effect>, String> {
    let text = text.trim();
    let value = match text {
        "" if scope == Scope::All => return Err("type a number like 3, 0.03 or 3e-2; Esc leaves it".into()),
        "" => return Err("type a number like 3, 0.03 or 3e-2, or all to follow the others; Esc leaves it".into()),
        "all" if scope != Scope::All => None,
        _ if which == Which::WeightDecay && text.contains('=') => {
            let run = app.run.as_ref().ok_or("still loading")?;
            Some(run.weight_decay_of(&scope, text)?)
        }
        _ => Some(text.parse::<f64>().map_err(|_| format!("{text:?} is no number; type one like 3, 0.03 or 3e-2"))?),
    };
    if let Some(value) = value.filter(|value| !(value.is_finite() && *value >= 0.0)) {
        return Err(format!("{} must be finite and at least 0, got {value}", which.name()));
    }
    if let Some(run) = &mut app.run {
        run.dial_mut(which).preview = None;
        if value.is_some_and(|value| run.stands_at(which, &scope, value)) {
            app.say(Tone::Plain, format!("{} is {text} already", which.knob().symbol()));
            return Ok(Vec::new());
        }
        if let Some(product) = value.and_then(|value| run.overshoot_at(which, value, &scope)) {
            app.say(
                Tone::Warning,
                format!("ηλ = {} ≥ 1: weights overshoot zero at every step", digits::three(product)),
            );
        }
    }
    Ok(ask(app, which.knob(), scope, value, Cause::Turn))
}

/// `z`: an edit of its own that restores the value before. What is being turned is only put back.
pub(super) fn undo(app: &mut App) -> Vec<Effect> {
    if drop_previews(app) {
        return Vec::new();
    }
    revert(app, Direction::Undo)
}

/// `Z`: the edit that was taken back, again.
pub(super) fn redo(app: &mut App) -> Vec<Effect> {
    drop_previews(app);
    revert(app, Direction::Redo)
}

/// A way through the edits that were made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Direction {
    Undo,
    Redo,
}

/// Asks for the value before or after an edit. The edit changes sides at once, so that the next key means the next
/// edit whether or not this one is confirmed by then; a refusal [gives it back](give_back).
fn revert(app: &mut App, direction: Direction) -> Vec<Effect> {
    if app.is_over() {
        app.say_keyed(Tone::Plain, "the run is over; `q` leaves");
        return Vec::new();
    }
    let Some(run) = &mut app.run else { return Vec::new() };
    // Until it is confirmed, nobody knows what that edit replaces.
    if run.pending.iter().any(|pending| pending.cause == Cause::Turn) {
        app.say(Tone::Plain, "the last edit is not in force yet; press the key again");
        return Vec::new();
    }
    let (from, to, none) = match direction {
        Direction::Undo => (&mut run.done, &mut run.undone, "no edit to take back"),
        Direction::Redo => (&mut run.undone, &mut run.done, "no edit was taken back"),
    };
    let Some(edit) = from.last().cloned() else {
        app.say(Tone::Plain, none);
        return Vec::new();
    };
    to.extend(from.pop());
    let (knob, scope) = (edit.knob.clone(), edit.scope.clone());
    match direction {
        Direction::Undo => ask(app, knob, scope, edit.before, Cause::Undo(edit)),
        Direction::Redo => ask(app, knob, scope, edit.after, Cause::Redo(edit)),
    }
}

/// What was asked for did not happen: an edit that had changed sides returns.
pub(super) fn give_back(run: &mut Run, cause: Cause) {
    let (edit, from, to) = match cause {
        Cause::Turn => return,
        Cause::Undo(edit) => (edit, &mut run.undone, &mut run.done),
        Cause::Redo(edit) => (edit, &mut run.done, &mut run.undone),
    };
    if let Some(at) = from.iter().rposition(|its| *its == edit) {
        from.remove(at);
    }
    to.push(edit);
}

/// Makes every preview an edit whose time has come by then.
pub(super) fn settle_until(app: &mut App, then: Duration) -> Vec<Effect> {
    let mut effects = Vec::new();
    for which in Which::BOTH {
        let Some(run) = &mut app.run else { break };
        if let Some(preview) = run.dial_mut(which).preview.take_if(|preview| preview.due <= then) {
            effects.extend(ask(app, which.knob(), preview.scope, Some(preview.value), Cause::Turn));
        }
    }
    let turning = app.run.as_mut().and_then(|run| run.turning.take_if(|turning| turning.due <= then));
    effects.extend(turning.map_or_else(Vec::new, |turning| ask_for_hyper(app, turning)));
    effects
}

/// A command to training that what is being turned must not come after: the update it leads to is made with the
/// values on the screen.
pub(super) fn settled(app: &mut App, command: Command) -> Vec<Effect> {
    let mut effects = settle_until(app, Duration::MAX);
    effects.extend(while_it_lasts(app, command));
    effects
}

/// Puts back what is being turned; whether anything was.
pub(super) fn drop_previews(app: &mut App) -> bool {
    app.run.as_mut().is_some_and(|run| {
        let dials = run.weight_decay.preview.take().is_some() | run.learning_rate.preview.take().is_some();
        run.turning.take().is_some() | dials
    })
}

/// An edit is in force.
pub(super) fn confirm(run: &mut Run, edit: Edit) {
    let answers = |pending: &Pending| {
        let Setting { knob, scope, value, .. } = &pending.setting;
        *knob == edit.knob && *scope == edit.scope && value.map_or(edit.inherits, |value| value == edit.to)
    };
    let pending = run.pending.iter().position(answers).map(|at| run.pending.remove(at));
    let tensors = &run.description.tensors;
    let dial = match edit.knob {
        Knob::WeightDecay => Some(&mut run.weight_decay),
        Knob::LearningRate => Some(&mut run.learning_rate),
        Knob::DecayMode | Knob::Hyper(_) => None,
    };
    let before = match &dial {
        Some(dial) => dial.own(&edit.scope, tensors),
        None => Some(edit.from),
    };
    if let Some(dial) = dial {
        dial.apply(&edit, tensors);
    } else if let Some((_, value)) = run.hyper.iter_mut().find(|(key, _)| *key == edit.knob.key()) {
        *value = edit.to;
    }
    if edit.knob == Knob::DecayMode {
        // What the screen says of the optimizer is true from here on.
        let optimizer = &mut run.description.config.optimizer;
        optimizer.decay_mode = DecayMode::numbered(edit.to).unwrap_or(optimizer.decay_mode);
    }
    if pending.is_none_or(|pending| pending.cause == Cause::Turn) {
        let after = (!edit.inherits).then_some(edit.to);
        run.done.push(Reversible { knob: edit.knob.clone(), scope: edit.scope.clone(), before, after });
        run.undone.clear();
    }
    run.tracks.edited();
    run.courses.edited();
    run.journal.edited(edit);
}

/// A command was not taken.
pub(super) fn refuse(app: &mut App, refusal: Refusal) {
    let reason = match &refusal.knob {
        Some(knob) => format!("{} was not changed: {}", knob.symbol(), refusal.reason),
        None => refusal.reason,
    };
    if let Some(run) = &mut app.run {
        // Commands are answered in order.
        if let Some(at) = run.pending.iter().position(|pending| Some(&pending.setting.knob) == refusal.knob.as_ref()) {
            let pending = run.pending.remove(at);
            give_back(run, pending.cause);
        }
        run.journal.add(refusal.step, Happening::Refused(reason.clone()));
    }
    app.say(Tone::Warning, reason);
}
