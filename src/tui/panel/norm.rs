//! The chart of one tensor's norm, and where it is predicted to go.

use ratatui::buffer::Buffer;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::Style;

use super::tensor::{self, HEIGHT, WIDTHS};
use super::{
    budget, chart, equilibrium, frame, gap, gaps, horizon, inside, readout, rotation, ruler, spectrum, timescale,
    weights,
};
use crate::chart::{Frame, Join, Scale};
use crate::diagnostics::Course;
use crate::series::{Column, Extent};
use crate::stream::printable;
use crate::tui::app::forecast::{Basis, Prediction};
use crate::tui::app::lens::Lens;
use crate::tui::app::{App, Panel, Run};
use crate::tui::digits;
use crate::tui::widget::dots::Pen;
use crate::tui::widget::plot::Trace;

/// Pixel columns of a dash, and of the blank after it.
const DASH: usize = 2;

/// Columns that the chart needs to be worth looking at, and those from it to the numbers.
const CHART: u16 = 30;
const APART: u16 = 2;

/// What the panel looks at.
pub(in crate::tui) fn render(app: &App, run: &Run, area: Rect, buffer: &mut Buffer) {
    match app.lens {
        Lens::Norm => norm(app, run, area, buffer),
        Lens::Weights => weights::render(app, run, area, buffer),
        Lens::Budget => budget::render(app, run, area, buffer),
        Lens::Rotation => rotation::render(app, run, area, buffer),
        Lens::Equilibrium => equilibrium::render(app, run, area, buffer),
        Lens::Timescale => timescale::render(app, run, area, buffer),
        Lens::Spectrum => spectrum::render(app, run, area, buffer),
        Lens::Gap => gap::render(app, run, area, buffer),
    }
}

/// ‖w‖ of the chosen tensor, dashed what becomes of it while a knob is being turned, and where there is room
/// everything else that is known of it.
fn norm(app: &App, run: &Run, area: Rect, buffer: &mut Buffer) {
    let Some(tensor) = run.description.tensors.get(app.tensor) else {
        frame(app, Panel::Norm, Panel::Norm.name(), "", area, buffer);
        return;
    };
    draw(app, run, &format!("‖w‖ of {}", printable(&tensor.name)), area, buffer);
    if let Some((_, Some(facts))) = parts(app, area) {
        tensor::render(app, run, facts, buffer);
    }
}

/// What is drawn beside the norm itself: while a knob is being turned where it would go, on the equilibrium always, and
/// there also what the formula says and does not hold.
fn predictions(app: &App, run: &Run) -> Vec<Prediction> {
    let coming = app.coming(run, app.tensor);
    let forces = match (app.lens, coming) {
        (Lens::Equilibrium, coming) => coming.unwrap_or_else(|| run.forces(app.tensor)),
        (_, Some(coming)) => coming,
        (_, None) => return Vec::new(),
    };
    let believed = run.predict(app.tensor, &forces).ok();
    let other = run.by_formula(app.tensor, &forces).ok().filter(|_| app.lens == Lens::Equilibrium);
    other.filter(|other| Some(*other) != believed).into_iter().chain(believed).collect()
}

/// Where the norm should have been since the last edit, which the equilibrium shows behind the prediction.
fn course<'a>(app: &App, run: &'a Run) -> Option<&'a Course> {
    run.course(app.tensor).filter(|_| app.lens == Lens::Equilibrium)
}

/// Where the chart lies in the panel; `None` while there is nothing to draw, or the panel looks at something else.
pub(super) fn plot_frame(app: &App, run: &Run, area: Rect) -> Option<Frame> {
    if !matches!(app.lens, Lens::Norm | Lens::Equilibrium) {
        return None;
    }
    let x = ruler(app, run);
    let all = extent(app, run, run.history.norms.get(app.tensor)?);
    let end = |prediction: &Prediction| {
        let steps = x.steps.end - prediction.since.min(x.steps.end);
        prediction.approach.band(steps as f64).1
    };
    let followed = course(app, run).map(|course| course.band().1.max(course.foretold().band(0.0).1));
    let highest = predictions(app, run).iter().map(end).chain(followed).fold(0.0, f64::max);
    let y = Scale::Linear.round_out(0.0, f64::from(all.max).max(highest));
    let (place, _) = parts(app, area)?;
    all.has_values().then(|| Frame::new(place, &x, y, Scale::Linear, 7))
}

/// The chart, and beside it what the tensor's numbers need, where both have room. On the equilibrium there is a chart
/// where the list of tensors leaves room for one.
fn parts(app: &App, area: Rect) -> Option<(Rect, Option<Rect>)> {
    let inside = inside(area);
    if app.lens == Lens::Equilibrium {
        return equilibrium::chart_area(app, area).map(|chart| (chart, None));
    }
    let fits = |width: &u16| inside.width >= CHART + APART + width && inside.height >= HEIGHT;
    let Some(width) = WIDTHS.into_iter().find(fits) else { return Some((inside, None)) };
    let [chart, _, facts] =
        Layout::horizontal([Constraint::Fill(1), Constraint::Length(APART), Constraint::Length(width)]).areas(inside);
    Some((chart, Some(facts)))
}

fn extent(app: &App, run: &Run, norms: &Column) -> Extent {
    let steps = app.shown_steps();
    let entry = |step: u64| run.history.steps.entry(step.min(horizon(app)));
    norms.extent(entry(steps.start)..entry(steps.end))
}

/// A prediction in a line: `‖w‖ 28.1 → 12.0 in 840 steps by trend`.
pub(super) fn tell(prediction: &Prediction) -> String {
    let approach = &prediction.approach;
    let (from, target) = (digits::three(approach.from), digits::three(approach.target));
    let by = match prediction.basis {
        Basis::Formula => "",
        Basis::Gradients => " if ‖g‖·‖w‖ stays",
        Basis::Memory => " if updates remember as they did",
        Basis::Trend => " by trend",
    };
    match approach.time() {
        0.0 => format!("‖w‖ {from}, settled at {target}{by}"),
        time if time < 1e6 => {
            format!("‖w‖ {from} → {target} in {} steps{by}", digits::thousands(time.round() as u64))
        }
        time => format!("‖w‖ {from} → {target} in {} steps{by}", digits::three(time)),
    }
}

/// The chart with its frame.
pub(super) fn draw(app: &App, run: &Run, title: &str, area: Rect, buffer: &mut Buffer) {
    let norms = &run.history.norms[app.tensor];
    frame(app, Panel::Norm, title, gaps(extent(app, run, norms)).trim_end_matches(" · "), area, buffer);
    let Some(plot) = plot_frame(app, run, area) else { return };
    let positions = &run.history.steps;
    let cuts = positions.between(plot.edges()).take(plot.columns_before(horizon(app)));
    let columns: Vec<Extent> = cuts.map(|cut| norms.extent(cut)).collect();
    let last = positions.entry(readout(app).min(horizon(app))).checked_sub(1);
    let label = last.and_then(|at| norms.get(at)).map(|norm| digits::three(norm.into()));
    let glyphs = app.options.glyphs;
    let mut traces = Vec::new();
    for prediction in &predictions(app, run) {
        let style = if prediction.doubt.is_some() { app.theme.quiet } else { app.theme.weight_decay };
        let pen = Pen::among(glyphs, Some('.'));
        let (low, middle, high) = foresee(prediction, plot.edges());
        traces.push(Trace { columns: low, pen, style: app.theme.quiet, label: None, join: Join::Nothing });
        traces.push(Trace { columns: high, pen, style: app.theme.quiet, label: None, join: Join::Nothing });
        let label = Some(format!("→{}", digits::three(prediction.approach.target)));
        traces.push(Trace { columns: middle, pen, style, label, join: Join::Nothing });
    }
    for columns in followed(app, run, &plot).into_iter().flatten() {
        let pen = Pen::among(glyphs, Some('.'));
        traces.push(Trace { columns, pen, style: app.theme.quiet, label: None, join: Join::Nothing });
    }
    traces.push(Trace { columns, pen: Pen::among(glyphs, Some('w')), style: Style::new(), label, join: Join::Line });
    if let Some((place, _)) = parts(app, area) {
        chart(app, run, plot, &traces, place, buffer);
    }
}

/// The ends of the band that has followed the norm since the last edit, as dots.
fn followed(app: &App, run: &Run, plot: &Frame) -> Option<[Vec<Extent>; 2]> {
    let course = course(app, run)?;
    let band = |(at, edge): (usize, &u64)| course.band_at(*edge).filter(|_| at % (3 * DASH) == 0);
    let shown: Vec<_> = plot.edges().iter().enumerate().take(plot.columns_before(horizon(app))).map(band).collect();
    let dots = |end: fn((f64, f64)) -> f64| {
        shown.iter().map(|band| band.map_or(Extent::EMPTY, |band| Extent::of(end(band) as f32))).collect()
    };
    Some([dots(|band| band.0), dots(|band| band.1)])
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
