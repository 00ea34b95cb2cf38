//! How long the weights remember, beside the run's length.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::frame;
use crate::diagnostics::HalfLife;
use crate::stream::printable;
use crate::tui::app::{App, Panel, Run};
use crate::tui::digits;

/// τ of the chosen tensor, what is left of its start, and λ in every unit.
pub(super) fn render(app: &App, run: &Run, area: Rect, buffer: &mut Buffer) {
    let name = run.description.tensors.get(app.tensor).map_or("", |tensor| tensor.name.as_str());
    let title = format!("timescale of {}", printable(name));
    let inside = frame(app, Panel::Norm, &title, "", area, buffer);
    let coming = app.coming(run, app.tensor);
    let forces = coming.unwrap_or_else(|| run.forces(app.tensor));
    let tone = if coming.is_some() { app.theme.pending } else { Style::new() };
    let mut lines: Vec<(String, Style)> = Vec::new();
    match forces.timescale() {
        Ok(timescale) => {
            let epochs = timescale.epochs(run.description.steps_per_epoch.max(1));
            lines.push((format!("τ {} steps", time(timescale.steps)), tone));
            lines.push((format!("τ {} epochs{}", time(epochs), verdict(run, timescale.steps)), tone));
            let half = match timescale.half_life() {
                HalfLife::Steps(steps) => format!("half-life {} steps", time(steps)),
                HalfLife::Overshoots => "d ≥ 1: weights overshoot zero".into(),
            };
            lines.push((half, tone));
        }
        Err(reason) => lines.push((format!("no τ: {reason}"), app.theme.quiet)),
    }
    let made = digits::thousands(run.step);
    let length = match run.description.total_steps {
        Some(total) => format!("run {made} of {} steps", digits::thousands(total)),
        None if inside.width < 34 => format!("run {made} steps"),
        None => format!("run {made} steps, until stopped"),
    };
    lines.push((length, app.theme.quiet));
    if let Some(track) = run.tracks.get(app.tensor) {
        let left = if inside.width < 34 { "" } else { " is left" };
        lines.push((format!("of the start {}{left}", digits::share(track.memory_of_start())), Style::new()));
        if run.journal.last_edit().is_some() {
            let text = format!("of before the edit {}{left}", digits::share(track.memory_of_edit()));
            lines.push((text, Style::new()));
        }
    }
    let units = run.exchange(app.tensor);
    let units = crate::diagnostics::Exchange { forces, ..units }.describe(forces.weight_decay, digits::near);
    // τ and the half-life stand above already.
    let units: Vec<String> =
        units.into_iter().filter(|unit| !unit.starts_with('τ') && !unit.starts_with("half")).collect();
    lines.push((units.join("  "), tone));
    lines.push(("w types λ, or tau=2ep, half=500, d=1e-4".into(), app.theme.quiet));
    for (y, (text, style)) in (inside.y..inside.bottom()).zip(lines) {
        buffer.set_stringn(inside.x + 1, y, &text, inside.width.saturating_sub(1).into(), style);
    }
}

fn time(value: f64) -> String {
    if (9.5..999_999.0).contains(&value) { digits::thousands(value.round() as u64) } else { digits::three(value) }
}

/// Whether τ makes sense beside an epoch and the run.
fn verdict(run: &Run, steps: f64) -> &'static str {
    let epoch = run.description.steps_per_epoch as f64;
    match run.description.total_steps {
        _ if steps < epoch => ": too short, below one",
        Some(total) if steps > 10.0 * total as f64 => ": hardly any decay in this run",
        _ => "",
    }
}
