//! The chart of one tensor's norm.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::{chart, frame, gaps, horizon, readout, ruler};
use crate::stream::printable;
use crate::tui::app::{App, Panel, Run};
use crate::tui::digits;
use crate::tui::widget::axis::Scale;
use crate::tui::widget::dots::Pen;
use crate::tui::widget::plot::{PlotFrame, Trace};

/// ‖w‖ of the chosen tensor.
pub(in crate::tui) fn render(app: &App, run: &Run, area: Rect, buffer: &mut Buffer) {
    let Some((tensor, norms)) = run.description.tensors.get(app.tensor).zip(run.history.norms.get(app.tensor)) else {
        frame(app, Panel::Norm, Panel::Norm.name(), "", area, buffer);
        return;
    };
    let title = format!("‖w‖ of {}", printable(&tensor.name));
    let positions = &run.history.steps;
    let x = ruler(app, run);
    let entry = |step: u64| positions.entry(step.min(horizon(app)));
    let all = norms.extent(entry(x.steps.start)..entry(x.steps.end));
    let inside = frame(app, Panel::Norm, &title, gaps(all).trim_end_matches(" · "), area, buffer);
    if !all.has_values() {
        return;
    }
    let y = Scale::Linear.round_out(0.0, all.max.into());
    let plot = PlotFrame::new(inside, &x, y, Scale::Linear, 7);
    let cuts = positions.between(plot.edges()).take(plot.columns_before(horizon(app)));
    let columns = cuts.map(|cut| norms.extent(cut)).collect();
    let last = entry(readout(app)).checked_sub(1);
    let label = last.and_then(|at| norms.get(at)).map(|norm| digits::three(norm.into()));
    let pen = Pen::among(app.options.glyphs, Some('w'));
    chart(app, run, plot, &[Trace { columns, pen, style: Style::new(), label }], inside, buffer);
}
