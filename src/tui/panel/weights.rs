//! How the chosen tensor's weights lie, as the last evaluation found them.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::widgets::Widget;

use super::frame;
use crate::stream::{Distribution, printable};
use crate::tui::app::{App, Panel, Run};
use crate::tui::digits;
use crate::tui::widget::histogram::Histogram;

/// Rows that a picture needs: bars, their axis, its ends.
pub(super) const HEIGHT: u16 = 4;

/// From this width on the title tells the step, too.
const ROOMY: u16 = 44;

/// The panel: bars from the lowest to the highest weight, and where most of them lie.
///
/// ```text
///              ▂▆█▇▃
///         ▁▂▄▆███████▅▃▂▁
/// ────────────────┼─────────────
/// −0.213          0        0.196
/// half within −0.012 to 0.013
/// 90 % within −0.031 to 0.034
/// ```
pub(super) fn render(app: &App, run: &Run, area: Rect, buffer: &mut Buffer) {
    let name = run.description.tensors.get(app.tensor).map_or("", |tensor| tensor.name.as_str());
    let settings = match run.history.evaluations.last() {
        Some(last) if !run.history.weights.is_empty() && area.width >= ROOMY => {
            format!("step {}", digits::thousands(last.step))
        }
        _ => String::new(),
    };
    let inside = frame(app, Panel::Norm, &format!("weights of {}", printable(name)), &settings, area, buffer);
    let inside = Rect { x: inside.x + 1, width: inside.width.saturating_sub(2), ..inside };
    let Some(weights) = run.history.weights.get(app.tensor).filter(|weights| weights.total() > 0) else {
        let text = if app.replays() { "this recording has no weights' places" } else { "counted at each evaluation" };
        buffer.set_stringn(inside.x, inside.y, text, inside.width.into(), app.theme.quiet);
        return;
    };
    let told = if inside.height >= HEIGHT + 2 { 2 } else { 0 };
    draw(app, weights, Rect { height: inside.height - told, ..inside }, buffer);
    let shares = [("half within", 0.25), ("90 % within", 0.05)];
    for (y, (name, share)) in (inside.bottom() - told..inside.bottom()).zip(shares) {
        if let Some((low, high)) = weights.quantile(share).zip(weights.quantile(1.0 - share)) {
            let text = format!("{name} ≈ {} to {}", signed(low), signed(high));
            buffer.set_stringn(inside.x, y, text, inside.width.into(), app.theme.quiet);
        }
    }
}

/// The bars and their axis.
pub(super) fn draw(app: &App, weights: &Distribution, area: Rect, buffer: &mut Buffer) {
    if area.height < HEIGHT {
        return;
    }
    let histogram = Histogram { counts: &weights.counts, style: app.theme.smoothed };
    let width = histogram.width(area.width);
    let bars = Rect { width, height: area.height - 2, ..area };
    histogram.render(bars, buffer);
    let (axis, labels) = (bars.bottom(), bars.bottom() + 1);
    buffer.set_string(area.x, axis, "─".repeat(width.into()), app.theme.quiet);
    let (low, high) = (signed(weights.lowest), signed(weights.highest));
    let (from, to) = (low.chars().count() as u16, high.chars().count() as u16);
    buffer.set_stringn(area.x, labels, &low, area.width.into(), app.theme.quiet);
    let last = (area.x + width).saturating_sub(to);
    if last > area.x + from {
        buffer.set_string(last, labels, &high, app.theme.quiet);
    }
    let share = -weights.lowest / (weights.highest - weights.lowest);
    if (0.0..=1.0).contains(&share) {
        let zero = area.x + ((share * f64::from(width)) as u16).min(width.saturating_sub(1));
        buffer.set_string(zero, axis, "┼", app.theme.quiet);
        if zero > area.x + from && zero + 1 < last {
            buffer.set_string(zero, labels, "0", app.theme.quiet);
        }
    }
}

fn signed(value: f64) -> String {
    if value < 0.0 { format!("−{}", digits::three(-value)) } else { digits::three(value) }
}
