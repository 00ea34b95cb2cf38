//! How fast it goes, and what the time goes into.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::frame;
use super::status::rate;
use crate::stream::{Phase, Spending};
use crate::tui::app::{App, Panel, Run};
use crate::tui::digits;

/// Columns of a phase's name, and of its numbers.
const NAME: u16 = 21;
const NUMBERS: u16 = 20;

/// Speeds in a line, then a bar for each phase: its share of the last seconds, and what that is of an update.
///
/// ```text
/// 50 steps/s   5,000 samples/s   0.6 epochs/s
/// forward              ▇▇▇▇▇               8 %  1.60 ms
/// backward + update    ▇▇▇▇▇▇▇▇▇▇         18 %  3.60 ms
/// waiting for pace     ▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇   74 %  14.8 ms
/// ```
pub(in crate::tui) fn render(app: &App, run: &Run, area: Rect, buffer: &mut Buffer) {
    let inside = frame(app, Panel::Throughput, Panel::Throughput.name(), "time, ms a step", area, buffer);
    let inside = Rect { x: inside.x + 1, width: inside.width.saturating_sub(2), ..inside };
    let mut y = inside.y;
    if inside.height > 3 {
        buffer.set_line(inside.x, y, &speeds(app, run), inside.width);
        y += 1;
    }
    let spent = &run.history.spent;
    let total = spent.total();
    if total <= 0.0 {
        let text = if app.replays() { "a recording does not tell where time went" } else { "nothing measured yet" };
        if y < inside.bottom() {
            buffer.set_stringn(inside.x, y, text, inside.width.into(), app.theme.quiet);
        }
        return;
    }
    let step = run.history.speed().map(|speed| 1e3 / speed);
    for (y, phase) in (y..inside.bottom()).zip(phases(spent, usize::from(inside.bottom() - y))) {
        let share = spent.of(phase) / total;
        let mut line = Line::from(Span::raw(format!("{:<width$}", phase.name(), width = usize::from(NAME))));
        let room = inside.width.saturating_sub(NAME + NUMBERS);
        let bar = (share * f64::from(room)).round() as usize;
        line.push_span(Span::styled("▇".repeat(bar), app.theme.smoothed));
        line.push_span(" ".repeat(usize::from(room).saturating_sub(bar)));
        line.push_span(format!("{:>8}", digits::share(share)));
        let each = step.map_or("—".into(), |step| digits::three(share * step));
        line.push_span(Span::styled(format!("{each:>9} ms"), app.theme.quiet));
        buffer.set_line(inside.x, y, &line, inside.width);
    }
}

/// As many as there are rows for, in their order, the longest of them.
fn phases(spent: &Spending, rows: usize) -> impl Iterator<Item = Phase> {
    let mut longest = Phase::ALL;
    longest.sort_by(|a, b| spent.of(*b).total_cmp(&spent.of(*a)));
    let left_out = longest.get(rows..).unwrap_or_default().to_vec();
    Phase::ALL.into_iter().filter(move |phase| !left_out.contains(phase))
}

fn speeds<'a>(app: &App, run: &Run) -> Line<'a> {
    let history = &run.history;
    let (Some(steps), Some(epochs)) = (history.speed(), history.epochs_a_second()) else {
        return Line::styled("the speed is not measured yet", app.theme.quiet);
    };
    let samples = epochs * run.description.data.train as f64;
    Line::raw(format!("{} steps/s   {} samples/s   {} epochs/s", rate(steps), rate(samples), digits::three(epochs)))
}
