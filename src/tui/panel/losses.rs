//! The chart of losses.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::{chart, frame, gaps, horizon, inside, readout, ruler};
use crate::chart::{Frame, Join, Scale};
use crate::series::{Column, Extent, Points};
use crate::tui::app::{App, Panel, Run, SMOOTHINGS};
use crate::tui::digits;
use crate::tui::widget::dots::Pen;
use crate::tui::widget::plot::Trace;

/// Batches as a band, their average through it, and both evaluations, validation on top.
pub(in crate::tui) fn render(app: &App, run: &Run, area: Rect, buffer: &mut Buffer) {
    let scale = match app.scale {
        Scale::Linear => "linear",
        Scale::Log => "log",
    };
    let frozen = app.frozen.map(|step| format!("frozen at {}: {} follows · ", digits::thousands(step), app.keys("f")));
    let history = &run.history;
    let end = horizon(app);
    let all = extent(app, run);
    let read = app.crosshair.map(|step| format!("at step {} · ", digits::thousands(step)));
    let settings = format!(
        "{}{}{}{} {scale} · {} smooth {}",
        gaps(all),
        read.unwrap_or_default(),
        frozen.unwrap_or_default(),
        app.keys("y"),
        app.keys("s"),
        SMOOTHINGS[app.smoothing]
    );
    let inside = frame(app, Panel::Losses, Panel::Losses.name(), &settings, area, buffer);
    if !all.has_values() {
        let text = match history.loss.is_empty() {
            true => "waiting for the first update".into(),
            false => app.keyed("nothing here: `=` goes back to the last step"),
        };
        buffer.set_stringn(inside.x + 1, inside.y, text, inside.width.into(), app.theme.quiet);
        return;
    }
    let labels = labels(app, run);
    let plot = lay_out(app, run, area, all, &labels);
    let [batch, training, validation] = labels;
    let known = plot.columns_before(end);
    let cuts: Vec<_> = history.steps.between(plot.edges()).take(known).collect();
    let dense = |column: &Column| cuts.iter().map(|cut| column.extent(cut.clone())).collect();
    let sparse = |points: &Points| points.between(plot.edges()).take(known).collect();
    let pen = |letter| Pen::among(app.options.glyphs, Some(letter));
    let theme = &app.theme;
    let traces = [
        Trace { columns: dense(&history.loss), pen: pen(':'), style: theme.batches, label: None, join: Join::Line },
        Trace { columns: dense(&history.smooth), pen: pen('b'), style: theme.smoothed, label: batch, join: Join::Line },
        Trace {
            columns: sparse(&history.training),
            pen: pen('t'),
            style: theme.training,
            label: training,
            join: Join::Line,
        },
        Trace {
            columns: sparse(&history.validation),
            pen: pen('v'),
            style: theme.validation,
            label: validation,
            join: Join::Line,
        },
    ];
    chart(app, run, plot, &traces, inside, buffer);
}

/// Everything between the lowest and the highest loss that is shown.
fn extent(app: &App, run: &Run) -> Extent {
    let history = &run.history;
    let (end, steps) = (horizon(app), app.shown_steps());
    let shown = steps.start.min(end)..steps.end.min(end);
    let entries = history.steps.entry(shown.start)..history.steps.entry(shown.end);
    let evaluated = history.training.extent(shown.clone()).join(history.validation.extent(shown));
    history.loss.extent(entries).join(evaluated)
}

/// The names and values of the batches, of training and of validation.
fn labels(app: &App, run: &Run) -> [Option<String>; 3] {
    let history = &run.history;
    let label =
        |name: &str, value: Option<f32>| value.map(|value| format!("{name:<5} {}", digits::three(value.into())));
    let at = readout(app).min(horizon(app));
    let batch = history.steps.entry(at).checked_sub(1).and_then(|at| history.smooth.get(at));
    [
        label("batch", batch),
        label("train", history.training.last_before(at)),
        label("val", history.validation.last_before(at)),
    ]
}

/// Where the chart lies in the panel; `None` while there is nothing to draw.
pub(super) fn plot_frame(app: &App, run: &Run, area: Rect) -> Option<Frame> {
    let all = extent(app, run);
    all.has_values().then(|| lay_out(app, run, area, all, &labels(app, run)))
}

fn lay_out(app: &App, run: &Run, area: Rect, all: Extent, labels: &[Option<String>; 3]) -> Frame {
    let inside = inside(area);
    // A blank before the labels; more than usual only where a loss needs an exponent.
    let longest = labels.iter().flatten().map(|label| label.chars().count() + 1).max();
    let room = if inside.width >= 50 { longest.unwrap_or(0).max(12) as u16 } else { 0 };
    Frame::new(inside, &ruler(app, run), app.scale.range(all), app.scale, room)
}
