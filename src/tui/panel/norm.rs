//! The chart of one tensor's norm.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::widgets::Widget;

use super::{frame, horizon, marks, steps};
use crate::stream::printable;
use crate::tui::app::{App, Panel, Run};
use crate::tui::digits;
use crate::tui::widget::axis::Scale;
use crate::tui::widget::plot::{Plot, PlotFrame, Trace};

/// ‖w‖ of the chosen tensor.
pub(in crate::tui) fn render(app: &App, run: &Run, area: Rect, buffer: &mut Buffer) {
    let Some((tensor, norms)) = run.description.tensors.get(app.tensor).zip(run.history.norms.get(app.tensor)) else {
        frame(app, Panel::Norm, "norm", "", area, buffer);
        return;
    };
    let title = format!("‖w‖ of {}", printable(&tensor.name));
    let inside = frame(app, Panel::Norm, &title, "", area, buffer);
    let positions = &run.history.steps;
    let end = positions.entry(horizon(app));
    let all = norms.extent(0..end);
    if !all.has_values() {
        return;
    }
    let y = Scale::Linear.round_out(0.0, all.max.into());
    let plot = PlotFrame::new(inside, steps(app, run), y, Scale::Linear, 7);
    let cuts = positions.cuts(plot.steps(), plot.columns()).take(plot.columns_before(horizon(app)));
    let columns = cuts.map(|cut| norms.extent(cut)).collect();
    let label = end.checked_sub(1).and_then(|at| norms.get(at)).map(|norm| digits::three(norm.into()));
    let traces = [Trace { columns, style: Style::new(), label }];
    let marks = marks(app, run);
    let plot = Plot { frame: plot, traces: &traces, marks: &marks, quiet: app.theme.quiet, warning: app.theme.warning };
    plot.render(inside, buffer);
}
