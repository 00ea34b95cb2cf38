//! The chart of one tensor's norm.

use ratatui::buffer::Buffer;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::Style;

use super::tensor::{self, HEIGHT, WIDTH};
use super::{chart, frame, gaps, horizon, inside, readout, ruler};
use crate::series::{Column, Extent};
use crate::stream::printable;
use crate::tui::app::{App, Panel, Run};
use crate::tui::digits;
use crate::tui::widget::axis::Scale;
use crate::tui::widget::dots::Pen;
use crate::tui::widget::plot::{PlotFrame, Trace};

/// ‖w‖ of the chosen tensor, and where there is room everything else that is known of it.
pub(in crate::tui) fn render(app: &App, run: &Run, area: Rect, buffer: &mut Buffer) {
    let Some((tensor, norms)) = run.description.tensors.get(app.tensor).zip(run.history.norms.get(app.tensor)) else {
        frame(app, Panel::Norm, Panel::Norm.name(), "", area, buffer);
        return;
    };
    let title = format!("‖w‖ of {}", printable(&tensor.name));
    frame(app, Panel::Norm, &title, gaps(extent(app, run, norms)).trim_end_matches(" · "), area, buffer);
    let (place, facts) = parts(area);
    if let Some(facts) = facts {
        tensor::render(app, run, facts, buffer);
    }
    let Some(plot) = plot_frame(app, run, area) else { return };
    let positions = &run.history.steps;
    let cuts = positions.between(plot.edges()).take(plot.columns_before(horizon(app)));
    let columns = cuts.map(|cut| norms.extent(cut)).collect();
    let last = positions.entry(readout(app).min(horizon(app))).checked_sub(1);
    let label = last.and_then(|at| norms.get(at)).map(|norm| digits::three(norm.into()));
    let pen = Pen::among(app.options.glyphs, Some('w'));
    chart(app, run, plot, &[Trace { columns, pen, style: Style::new(), label }], place, buffer);
}

/// Where the chart lies in the panel; `None` while there is nothing to draw.
pub(super) fn plot_frame(app: &App, run: &Run, area: Rect) -> Option<PlotFrame> {
    let all = extent(app, run, run.history.norms.get(app.tensor)?);
    let y = Scale::Linear.round_out(0.0, all.max.into());
    all.has_values().then(|| PlotFrame::new(parts(area).0, &ruler(app, run), y, Scale::Linear, 7))
}

/// The chart, and beside it what the tensor's numbers need, where both have room.
fn parts(area: Rect) -> (Rect, Option<Rect>) {
    let inside = inside(area);
    if inside.width < WIDTH + 14 || inside.height < HEIGHT {
        return (inside, None);
    }
    let [chart, _, facts] =
        Layout::horizontal([Constraint::Fill(1), Constraint::Length(2), Constraint::Length(WIDTH)]).areas(inside);
    (chart, Some(facts))
}

fn extent(app: &App, run: &Run, norms: &Column) -> Extent {
    let steps = app.shown_steps();
    let entry = |step: u64| run.history.steps.entry(step.min(horizon(app)));
    norms.extent(entry(steps.start)..entry(steps.end))
}
