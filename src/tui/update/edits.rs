//! Edits: asked for, confirmed, refused, taken back.

use super::{Effect, while_it_lasts};
use crate::stream::{Author, Command, DecayMode, Edit, Knob, Refusal, Scope, Setting};
use crate::tui::app::dial::{Cause, Pending, Reversible, Which};
use crate::tui::app::journal::Happening;
use crate::tui::app::{App, Run, Tone};

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
        app.say(Tone::Plain, "the run is over; q leaves");
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
        "all" if scope != Scope::All => None,
        _ => Some(text.parse::<f64>().map_err(|_| format!("{text:?} is no number; type one like 3, 0.03 or 3e-2"))?),
    };
    if let Some(value) = value.filter(|value| !(value.is_finite() && *value >= 0.0)) {
        return Err(format!("{} must be finite and at least 0, got {value}", which.name()));
    }
    if let Some(run) = &mut app.run {
        run.dial_mut(which).preview = None;
    }
    Ok(ask(app, which.knob(), scope, value, Cause::Turn))
}

/// `z`: an edit of its own that restores the value before.
pub(super) fn undo(app: &mut App) -> Vec<Effect> {
    match app.run.as_ref().and_then(|run| run.done.last().cloned()) {
        Some(edit) => ask(app, edit.knob, edit.scope, edit.before, Cause::Undo),
        None => {
            app.say(Tone::Plain, "no edit to take back");
            Vec::new()
        }
    }
}

/// `Z`: the edit that was taken back, again.
pub(super) fn redo(app: &mut App) -> Vec<Effect> {
    match app.run.as_ref().and_then(|run| run.undone.last().cloned()) {
        Some(edit) => ask(app, edit.knob, edit.scope, edit.after, Cause::Redo),
        None => {
            app.say(Tone::Plain, "no edit was taken back");
            Vec::new()
        }
    }
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
        Knob::Hyper(_) => None,
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
    match pending.map(|pending| pending.cause) {
        Some(Cause::Undo) => run.undone.extend(run.done.pop()),
        Some(Cause::Redo) => run.done.extend(run.undone.pop()),
        Some(Cause::Turn) | None => {
            let after = (!edit.inherits).then_some(edit.to);
            run.done.push(Reversible { knob: edit.knob.clone(), scope: edit.scope.clone(), before, after });
            run.undone.clear();
        }
    }
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
            run.pending.remove(at);
        }
        run.journal.add(refusal.step, Happening::Refused(reason.clone()));
    }
    app.say(Tone::Warning, reason);
}
