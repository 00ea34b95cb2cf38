//! Validation against training, beside the effective learning rate.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use unicode_width::UnicodeWidthStr;

use super::{chart, frame, horizon, ruler, shorten};
use crate::chart::{Frame, Join, Scale};
use crate::diagnostics::measured;
use crate::series::{Extent, Points};
use crate::tui::app::{App, Panel, Run};
use crate::tui::digits;
use crate::tui::widget::dots::Pen;
use crate::tui::widget::plot::Trace;

/// Evaluations that the slope is taken over.
const TREND: usize = 10;

/// The chart of the gap, with its slope and the effective learning rate below.
pub(super) fn render(app: &App, run: &Run, area: Rect, buffer: &mut Buffer) {
    let inside = frame(app, Panel::Norm, "gap: validation − training", "", area, buffer);
    let all = &run.history.evaluations;
    let Some(last) = all.last() else {
        buffer.set_stringn(inside.x + 1, inside.y, "no evaluation yet", inside.width.into(), app.theme.quiet);
        return;
    };
    let recent = &all[all.len().saturating_sub(TREND)..];
    let points: Vec<(f64, f64)> = recent.iter().map(|at| (at.step as f64, measured::gap(at))).collect();
    let slope = measured::slope(&points).map_or("—".into(), |slope| digits::signed(1000.0 * slope));
    let per = if inside.width < 34 { "/1,000" } else { " per 1,000 steps" };
    let now = format!(" gap {} {slope}{per}", digits::three(measured::gap(last)));
    let effective = run.tracks.get(app.tensor).and_then(|track| track.norm()).map(|norm| {
        let effective = format!(" effective η {}", digits::three(run.forces(app.tensor).effective_lr(norm * norm)));
        let whose = format!(" of {}", shorten(run, app.tensor, usize::from(inside.width)));
        let fits = effective.width() + whose.width() <= usize::from(inside.width);
        if fits { effective + &whose } else { effective }
    });
    let [chart_area, text] = [inside.height.saturating_sub(2), 2.min(inside.height)];
    let lines = [now, effective.unwrap_or_default()];
    for (y, line) in (inside.y + chart_area..inside.y + chart_area + text).zip(&lines) {
        buffer.set_stringn(inside.x, y, line, inside.width.into(), Style::new());
    }
    let mut gaps = Points::default();
    all.iter().for_each(|at| gaps.push(at.step, measured::gap(at) as f32));
    let x = ruler(app, run);
    let extent = gaps.extent(x.steps.start..x.steps.end.min(horizon(app)));
    if !extent.has_values() || chart_area < 4 {
        return;
    }
    let y = Scale::Linear.round_out(f64::from(extent.min.min(0.0)), extent.max.into());
    let place = Rect { height: chart_area, ..inside };
    let plot = Frame::new(place, &x, y, Scale::Linear, 7);
    let columns: Vec<Extent> = gaps.between(plot.edges()).take(plot.columns_before(horizon(app))).collect();
    let label = Some(digits::three(measured::gap(last)));
    let pen = Pen::among(app.options.glyphs, Some('g'));
    chart(
        app,
        run,
        plot,
        &[Trace { columns, pen, style: app.theme.validation, label, join: Join::Line }],
        place,
        buffer,
    );
}
