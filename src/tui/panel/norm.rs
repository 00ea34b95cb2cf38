//! The chart of one tensor's norm, and where it is predicted to go.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::{budget, chart, frame, gap, gaps, horizon, readout, rotation, ruler, timescale};
use crate::series::Extent;
use crate::stream::printable;
use crate::tui::app::forecast::Prediction;
use crate::tui::app::lens::Lens;
use crate::tui::app::{App, Panel, Run};
use crate::tui::digits;
use crate::tui::widget::axis::Scale;
use crate::tui::widget::dots::Pen;
use crate::tui::widget::plot::{Join, PlotFrame, Trace};

/// Pixel columns of a dash, and of the blank after it.
const DASH: usize = 2;

/// What the panel looks at.
pub(in crate::tui) fn render(app: &App, run: &Run, area: Rect, buffer: &mut Buffer) {
    match app.lens {
        Lens::Norm => norm(app, run, area, buffer),
        Lens::Budget => budget::render(app, run, area, buffer),
        Lens::Rotation => rotation::render(app, run, area, buffer),
        Lens::Equilibrium => equilibrium(app, run, area, buffer),
        Lens::Timescale => timescale::render(app, run, area, buffer),
        Lens::Gap => gap::render(app, run, area, buffer),
    }
}

/// ‖w‖ of the chosen tensor, and dashed what becomes of it while a knob is being turned.
fn norm(app: &App, run: &Run, area: Rect, buffer: &mut Buffer) {
    let Some(tensor) = run.description.tensors.get(app.tensor) else {
        frame(app, Panel::Norm, Panel::Norm.name(), "", area, buffer);
        return;
    };
    let coming = app.coming(run, app.tensor).and_then(|forces| run.predict(app.tensor, &forces).ok());
    let title = format!("‖w‖ of {}", printable(&tensor.name));
    draw(app, run, &title, coming.as_ref(), 0, area, buffer);
}

/// The same with the prediction always there, and told in words below.
fn equilibrium(app: &App, run: &Run, area: Rect, buffer: &mut Buffer) {
    let Some(tensor) = run.description.tensors.get(app.tensor) else { return };
    let forces = app.coming(run, app.tensor).unwrap_or_else(|| run.forces(app.tensor));
    let prediction = run.predict(app.tensor, &forces);
    let title = format!("‖w‖* of {}", printable(&tensor.name));
    let inside = draw(app, run, &title, prediction.as_ref().ok(), 2, area, buffer);
    let (first, second, style) = match &prediction {
        Ok(prediction) => {
            let style = if prediction.doubt.is_some() { app.theme.quiet } else { Style::new() };
            let doubt = prediction.doubt.map_or(String::new(), |doubt| format!("dimmed: {doubt}"));
            (tell(prediction), doubt, style)
        }
        Err(reason) => ("no prediction:".into(), reason.to_string(), app.theme.quiet),
    };
    for (y, text) in (inside.bottom().saturating_sub(2)..inside.bottom()).zip([first, second]) {
        buffer.set_stringn(inside.x + 1, y, &text, inside.width.saturating_sub(1).into(), style);
    }
}

/// A prediction in a line: `28.1 → 12.0 in 840 steps`.
pub(super) fn tell(prediction: &Prediction) -> String {
    let approach = &prediction.approach;
    let (from, target) = (digits::three(approach.from), digits::three(approach.target));
    match approach.time() {
        0.0 => format!("‖w‖ {from}, settled at {target}"),
        time if time < 1e6 => format!("‖w‖ {from} → {target} in {} steps", digits::thousands(time.round() as u64)),
        time => format!("‖w‖ {from} → {target} in {} steps", digits::three(time)),
    }
}

/// The chart, with rows left free below it; returns what is inside the border.
fn draw(
    app: &App,
    run: &Run,
    title: &str,
    prediction: Option<&Prediction>,
    below: u16,
    area: Rect,
    buffer: &mut Buffer,
) -> Rect {
    let norms = &run.history.norms[app.tensor];
    let positions = &run.history.steps;
    let x = ruler(app, run);
    let entry = |step: u64| positions.entry(step.min(horizon(app)));
    let all = norms.extent(entry(x.steps.start)..entry(x.steps.end));
    let inside = frame(app, Panel::Norm, title, gaps(all).trim_end_matches(" · "), area, buffer);
    if !all.has_values() {
        return inside;
    }
    let place = Rect { height: inside.height.saturating_sub(below), ..inside };
    let highest = prediction
        .map_or(0.0, |prediction| prediction.approach.band((x.steps.end - prediction.since.min(x.steps.end)) as f64).1);
    let y = Scale::Linear.round_out(0.0, f64::from(all.max).max(highest));
    let plot = PlotFrame::new(place, &x, y, Scale::Linear, 7);
    let cuts = positions.between(plot.edges()).take(plot.columns_before(horizon(app)));
    let columns: Vec<Extent> = cuts.map(|cut| norms.extent(cut)).collect();
    let last = entry(readout(app)).checked_sub(1);
    let label = last.and_then(|at| norms.get(at)).map(|norm| digits::three(norm.into()));
    let glyphs = app.options.glyphs;
    let mut traces = Vec::new();
    if let Some(prediction) = prediction {
        let style = if prediction.doubt.is_some() { app.theme.quiet } else { app.theme.weight_decay };
        let pen = Pen::among(glyphs, Some('.'));
        let (low, middle, high) = foresee(prediction, plot.edges());
        traces.push(Trace { columns: low, pen, style: app.theme.quiet, label: None, join: Join::Nothing });
        traces.push(Trace { columns: high, pen, style: app.theme.quiet, label: None, join: Join::Nothing });
        let label = Some(format!("→{}", digits::three(prediction.approach.target)));
        traces.push(Trace { columns: middle, pen, style, label, join: Join::Nothing });
    }
    traces.push(Trace { columns, pen: Pen::among(glyphs, Some('w')), style: Style::new(), label, join: Join::Line });
    chart(app, run, plot, &traces, place, buffer);
    inside
}

/// The ends of the band as dots and the predicted norm as dashes, for each pixel column.
fn foresee(prediction: &Prediction, edges: &[u64]) -> (Vec<Extent>, Vec<Extent>, Vec<Extent>) {
    let Prediction { since, approach, .. } = prediction;
    let columns = edges.len().saturating_sub(1);
    let mut curves = (Vec::new(), Vec::new(), Vec::new());
    for (at, edge) in edges.iter().take(columns).enumerate() {
        let Some(steps) = edge.checked_sub(*since) else {
            [&mut curves.0, &mut curves.1, &mut curves.2].into_iter().for_each(|curve| curve.push(Extent::EMPTY));
            continue;
        };
        let (low, high) = approach.band(steps as f64);
        let dot = |value: f64, shown| if shown { Extent::of(value as f32) } else { Extent::EMPTY };
        curves.0.push(dot(low, at % (3 * DASH) == 0));
        curves.1.push(dot(approach.after(steps as f64), at % (2 * DASH) < DASH));
        curves.2.push(dot(high, at % (3 * DASH) == 0));
    }
    curves
}
