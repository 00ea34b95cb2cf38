//! What makes each tensor's norm change: decay, the update along the weights, the update across them.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::{frame, shorten};
use crate::diagnostics::{Budget, Forces};
use crate::tui::app::{App, Panel, Run};
use crate::tui::digits;

/// From this width on the bars have numbers beside them, and from the next on decay's pull too.
const WIDE: u16 = 74;
const WIDER: u16 = 92;

/// Three signed bars for each tensor, around an axis: decay to the left, growth to the right.
///
/// ```text
/// fc1.weight   ██████│▒█████     −0.060 +0.01 +0.055 = +0.00 (measured +0.00)  pull 0.31
/// ```
pub(super) fn render(app: &App, run: &Run, area: Rect, buffer: &mut Buffer) {
    let inside = frame(app, Panel::Norm, "budget of ‖w‖²", "%/step", area, buffer);
    let budgets: Vec<(usize, Budget)> =
        run.tracks.iter().enumerate().filter_map(|(at, track)| Some((at, track.budget()?))).collect();
    let Some(largest) = budgets.iter().map(|(_, budget)| reach(budget)).reduce(f64::max).filter(|most| *most > 0.0)
    else {
        buffer.set_stringn(inside.x + 1, inside.y, "no update yet", inside.width.into(), app.theme.quiet);
        return;
    };
    let wide = inside.width >= WIDE;
    let name = if wide { 14 } else { 11 };
    let wider = inside.width >= WIDER;
    let numbers = if wider {
        64
    } else if wide {
        52
    } else {
        8
    };
    let half = inside.width.saturating_sub(name + numbers + 3) / 2;
    let worst = hardest(run);
    for (y, (at, budget)) in (inside.y..inside.bottom()).zip(&budgets) {
        let style = if *at == app.tensor { app.theme.selected } else { Style::new() };
        let mark = if Some(*at) == worst { "!" } else { " " };
        buffer.set_string(inside.x, y, mark, app.theme.warning);
        buffer.set_string(inside.x + 1, y, shorten(run, *at, usize::from(name) - 1), style);
        let axis = inside.x + 1 + name + half;
        let cells = |value: f64| (value.abs() / largest * f64::from(half)).round() as u16;
        let (decay, growth, radial) = (cells(budget.decay), cells(budget.growth), cells(budget.radial));
        bar(buffer, (axis - decay, y), decay, "█", app.theme.weight_decay);
        bar(buffer, (axis + 1, y), growth, "█", app.theme.learning_rate);
        // The update along the weights goes on where the others end.
        let (x, room) = if budget.radial < 0.0 {
            (axis.saturating_sub(decay + radial).max(inside.x + 1 + name), half.saturating_sub(decay))
        } else {
            (axis + 1 + growth, half.saturating_sub(growth))
        };
        bar(buffer, (x, y), radial.min(room), "▒", app.theme.quiet);
        buffer.set_string(axis, y, "│", app.theme.quiet);
        let mut text = if wide { told(budget) } else { percent(budget.sum()) };
        if let Some(pull) = run.tracks.get(*at).and_then(|track| track.decay_pull()).filter(|_| wider) {
            text += &format!("  pull {}", digits::three(pull));
        }
        let x = inside.right().saturating_sub(numbers);
        buffer.set_stringn(x, y, &text, numbers.into(), app.theme.quiet);
    }
    let y = inside.y + budgets.len() as u16;
    if y < inside.bottom() {
        let verdict =
            Line::from(vec![Span::styled(" ! ", app.theme.warning), Span::raw(verdict(run, worst, inside.width))]);
        buffer.set_line(inside.x, y, &verdict, inside.width);
    }
    if y + 1 < inside.bottom() {
        let legend = Line::from(vec![
            Span::styled(" █", app.theme.weight_decay),
            Span::styled(" decay  ", app.theme.quiet),
            Span::styled("▒", app.theme.quiet),
            Span::styled(" radial  ", app.theme.quiet),
            Span::styled("█", app.theme.learning_rate),
            Span::styled(" growth, shares of ‖w‖²", app.theme.quiet),
        ]);
        buffer.set_line(inside.x, y + 1, &legend, inside.width);
    }
    if y + 2 < inside.bottom() && app.zoomed {
        let text = if forces_mix(&run.forces(app.tensor)) {
            " decay is mixed into the step here: it counts as a part of radial and growth"
        } else {
            " where decay and growth cancel the norm stands still: that is equilibrium"
        };
        buffer.set_stringn(inside.x, y + 2, text, inside.width.into(), app.theme.quiet);
    }
}

fn bar(buffer: &mut Buffer, (x, y): (u16, u16), length: u16, sign: &str, style: Style) {
    (x..x + length).for_each(|x| {
        if buffer.area.contains((x, y).into()) {
            buffer.set_string(x, y, sign, style);
        }
    });
}

fn reach(budget: &Budget) -> f64 {
    let left = -budget.decay - budget.radial.min(0.0);
    let right = budget.growth + budget.radial.max(0.0);
    left.max(right)
}

fn forces_mix(forces: &Forces) -> bool {
    !forces.regime.is_separable()
}

/// Which tensor decay hurts most, in words.
fn verdict(run: &Run, worst: Option<usize>, width: u16) -> String {
    let wide = width >= WIDE;
    let pull = worst.and_then(|at| Some((at, run.tracks.get(at)?.decay_pull()?)));
    let Some((at, pull)) = pull else {
        return if wide { "decay hurts no layer: it pulls at none".into() } else { "decay hurts no layer".into() };
    };
    let (name, number) = (shorten(run, at, if wide { 24 } else { 12 }), digits::three(pull));
    match width {
        WIDE.. => {}
        34.. => return format!("hurts most: {name} {number}×"),
        _ => return format!("{name} pull {number}"),
    }
    let wins = if pull > 1.0 { "decay wins" } else { "above 1 it wins" };
    format!("decay hurts {name} most: it pulls {number} times as hard as the gradient's step ({wins})")
}

/// The tensor that decay pulls hardest at, beside the gradient's step.
fn hardest(run: &Run) -> Option<usize> {
    let pulls = run.tracks.iter().enumerate().filter_map(|(at, track)| Some((at, track.decay_pull()?)));
    pulls.max_by(|a, b| a.1.total_cmp(&b.1)).map(|(at, _)| at)
}

fn told(budget: &Budget) -> String {
    let measured = budget.measured.map_or("—".into(), percent);
    format!(
        "{} {} {} = {} (measured {measured})",
        percent(budget.decay),
        percent(budget.radial),
        percent(budget.growth),
        percent(budget.sum())
    )
}

/// A share in percent, signed, short: `−0.060`.
fn percent(share: f64) -> String {
    let text = digits::three(100.0 * share);
    if share > 0.0 { format!("+{text}") } else { text }
}
