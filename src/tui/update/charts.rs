//! What is looked at: the stretch of the charts, the crosshair, the panels, the tensors listed.

use crate::tui::app::window::{Stretch, Unit};
use crate::tui::app::{App, Mode, Panel, Tone};
use crate::tui::keymap::Action;
use crate::tui::layout;

/// Presses that take the crosshair through a chart.
const STRIDES: u64 = 60;

/// A key of the charts.
pub(super) fn act(app: &mut App, action: Action) {
    let (end, origin) = (app.chart_end(), app.origin());
    match action {
        Action::ZoomIn => app.window.zoom_in(end, origin, app.crosshair),
        Action::ZoomOut => app.window.zoom_out(end),
        Action::Follow => {
            app.window.follow();
            app.crosshair = app.crosshair.map(|_| end.saturating_sub(1));
        }
        Action::Unit => {
            let at = Unit::ALL.iter().position(|unit| *unit == app.window.unit).unwrap_or(0);
            show_by(app, Unit::ALL[(at + 1) % Unit::ALL.len()]);
        }
        _ if app.crosshair.is_some() => app.crosshair = None,
        _ => app.crosshair = end.checked_sub(1).map(|last| last.min(app.shown_steps().end - 1)),
    }
}

/// Another unit on the x axis; without an edit there is nothing to count from.
pub(super) fn show_by(app: &mut App, unit: Unit) {
    app.window.unit = match (unit, app.origin()) {
        (Unit::SinceEdit, None) => {
            app.say(Tone::Plain, "charts by step; there is no edit yet to count from");
            Unit::Step
        }
        (unit, _) => {
            let what = if unit == Unit::SinceEdit { "steps since the last edit" } else { unit.name() };
            app.say(Tone::Plain, format!("charts by {what}"));
            unit
        }
    };
}

/// The stretch of the charts to the left or right.
pub(super) fn pan(app: &mut App, quarters: i64) {
    if app.window.stretch == Stretch::Whole {
        app.say_keyed(Tone::Plain, "all of the run is shown; `+` zooms in");
    }
    if app.window.stretch != Stretch::Whole {
        app.window.pan(quarters, app.chart_end(), app.origin());
    }
}

/// The crosshair to the left or right, by a step where a chart has room for that, and the charts with it.
pub(super) fn move_crosshair(app: &mut App, by: i64) {
    let (end, origin, shown) = (app.chart_end(), app.origin(), app.shown_steps());
    let stride = ((shown.end - shown.start) / STRIDES).max(1) as i64;
    let last = end.saturating_sub(1);
    if let Some(at) = &mut app.crosshair {
        *at = at.saturating_add_signed(by * stride).min(last);
        app.window.reveal(*at, end, origin);
    }
}

/// The events further down or up.
pub(super) fn scroll_events(app: &mut App, by: isize) {
    let last = app.run.as_ref().map_or(0, |run| run.journal.entries.len().saturating_sub(1));
    app.scrolled = app.scrolled.saturating_add_signed(by).min(last);
}

/// The next panel of those that are on the screen.
pub(super) fn focus(app: &mut App, by: isize) {
    let panels = layout::reachable(app);
    let at = panels.iter().position(|panel| *panel == app.focus);
    let count = panels.len() as isize;
    if let Some(panel) = at.map_or(panels.first(), |at| panels.get((at as isize + by).rem_euclid(count) as usize)) {
        app.focus = *panel;
    }
}

/// The panel that has the focus on the whole screen, and back.
pub(super) fn zoom_panel(app: &mut App) {
    app.zoomed = !app.zoomed;
    // What was said of the panels is past.
    app.notice = None;
    refocus(app);
}

/// Shows a panel or puts it away.
pub(super) fn toggle(app: &mut App, panel: Panel) {
    let is_there = |app: &App| {
        let area = ratatui::layout::Rect::new(0, 0, app.size.0, app.size.1);
        layout::places(app, area).panels.iter().any(|(its, _)| *its == panel)
    };
    app.notice = None;
    if app.zoomed {
        app.hidden.remove(&panel);
        if app.focus == panel {
            app.zoomed = false;
        }
        app.focus = panel;
        return refocus(app);
    }
    if is_there(app) {
        app.hidden.insert(panel);
        if layout::reachable(app).iter().all(|other| *other == Panel::Knobs && app.hidden.contains(other)) {
            app.hidden.remove(&panel);
            app.say(Tone::Plain, "one panel has to stay");
        } else {
            let number = panel.number();
            app.say_keyed(Tone::Plain, &format!("{} is put away: `{number}` brings it back", panel.name()));
        }
    } else {
        app.hidden.remove(&panel);
        app.focus = panel;
        if !is_there(app) {
            app.zoomed = true;
            app.say_keyed(Tone::Plain, "there is no room for it beside the others: Esc leaves it");
        }
    }
    refocus(app);
}

/// The focus goes where it can be seen.
pub(super) fn refocus(app: &mut App) {
    let panels = layout::reachable(app);
    if !panels.contains(&app.focus)
        && let Some(first) = panels.first()
    {
        app.focus = *first;
    }
}

/// The table follows what is being typed.
pub(super) fn filter_as_typed(app: &mut App) {
    if let Mode::Filtering { input } = &app.mode {
        app.filter = input.value().trim().to_owned();
        app.choose(0);
    }
}
