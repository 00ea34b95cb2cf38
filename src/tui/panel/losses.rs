//! The chart of losses.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::widgets::Widget;

use super::{frame, horizon, marks, steps};
use crate::series::{Column, Extent, Points};
use crate::tui::app::{App, Panel, Run, SMOOTHINGS};
use crate::tui::digits;
use crate::tui::widget::axis::Scale;
use crate::tui::widget::plot::{Plot, PlotFrame, Trace};

/// Batches as a band, their average through it, and both evaluations, validation on top.
pub(in crate::tui) fn render(app: &App, run: &Run, area: Rect, buffer: &mut Buffer) {
    let scale = match app.scale {
        Scale::Linear => "linear",
        Scale::Log => "log",
    };
    let frozen = app.frozen.map(|step| format!("frozen at {}: f follows · ", digits::thousands(step)));
    let settings = format!("{}y {scale} · s smooth {}", frozen.unwrap_or_default(), SMOOTHINGS[app.smoothing]);
    let inside = frame(app, Panel::Losses, "loss", &settings, area, buffer);
    let history = &run.history;
    let end = horizon(app);
    let entries = 0..history.steps.entry(end);
    let all =
        history.loss.extent(entries).join(history.training.extent(0..end)).join(history.validation.extent(0..end));
    if !all.has_values() {
        buffer.set_stringn(
            inside.x + 1,
            inside.y,
            "waiting for the first update",
            inside.width.into(),
            app.theme.quiet,
        );
        return;
    }
    let label =
        |name: &str, value: Option<f32>| value.map(|value| format!("{name:<5} {}", digits::three(value.into())));
    let last = |column: &Column, at: usize| at.checked_sub(1).and_then(|at| column.get(at));
    let batch = label("batch", last(&history.smooth, history.steps.entry(end)));
    let training = label("train", history.training.last_before(end));
    let validation = label("val", history.validation.last_before(end));
    // A blank before them; more than usual only where a loss needs an exponent.
    let longest = [&batch, &training, &validation].into_iter().flatten().map(|label| label.chars().count() + 1).max();
    let room = if inside.width >= 50 { longest.unwrap_or(0).max(12) as u16 } else { 0 };
    let plot = PlotFrame::new(inside, steps(app, run), range(app.scale, all), app.scale, room);
    let shown = plot.columns_before(end);
    let cuts: Vec<_> = history.steps.cuts(plot.steps(), plot.columns()).take(shown).collect();
    let dense = |column: &Column| cuts.iter().map(|cut| column.extent(cut.clone())).collect();
    let sparse = |points: &Points| points.query(plot.steps(), plot.columns()).take(shown).collect();
    let traces = [
        Trace { columns: dense(&history.loss), style: app.theme.batches, label: None },
        Trace { columns: dense(&history.smooth), style: app.theme.smoothed, label: batch },
        Trace { columns: sparse(&history.training), style: app.theme.training, label: training },
        Trace { columns: sparse(&history.validation), style: app.theme.validation, label: validation },
    ];
    let marks = marks(app, run);
    let plot = Plot { frame: plot, traces: &traces, marks: &marks, quiet: app.theme.quiet, warning: app.theme.warning };
    plot.render(inside, buffer);
}

/// From round value to round value; a logarithmic axis ends four decades below the top, however small a loss gets.
fn range(scale: Scale, all: Extent) -> (f64, f64) {
    let (low, high) = (f64::from(all.min), f64::from(all.max));
    match scale {
        Scale::Linear => scale.round_out(low.min(0.0), high),
        Scale::Log if high > 0.0 => scale.round_out(low.max(high * 1e-4), high),
        Scale::Log => (0.1, 1.0),
    }
}
