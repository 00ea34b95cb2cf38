//! The chosen tensor in numbers: its weights, its gradient, its update, and what the sums over them give.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::Widget;

use super::{horizon, weights};
use crate::series::{Column, Extent};
use crate::stream::{TensorSums, printable};
use crate::tui::app::{App, Run};
use crate::tui::digits;
use crate::tui::widget::dots::Pen;
use crate::tui::widget::sparkline::Sparkline;

/// The room that it asks for: with what stands beside the numbers, or without.
pub(super) const WIDTHS: [u16; 2] = [42, NUMBER as u16];
pub(super) const HEIGHT: u16 = 8;

/// Where the numbers end; what stands beside them comes after a gap.
const NUMBER: usize = 22;

/// One line of it.
struct Fact<'a> {
    name: &'static str,
    value: String,
    beside: Beside<'a>,
}

/// What stands beside a number.
enum Beside<'a> {
    /// Its history.
    Trend(&'a Column),
    /// What it says.
    Words(&'static str),
}

/// As many facts as there are rows, the most telling first.
pub(super) fn render(app: &App, run: &Run, area: Rect, buffer: &mut Buffer) {
    let at = app.tensor;
    let Some((tensor, sums)) = run.description.tensors.get(at).zip(run.history.sums.get(at)) else { return };
    let count: usize = tensor.shape.iter().product();
    let shape = tensor.shape.iter().map(usize::to_string).collect::<Vec<_>>().join("×");
    let name = format!("{}  {shape}", printable(&tensor.name));
    let head = format!("{name}, {} weights", digits::thousands(count as u64));
    let head = if Span::raw(&head).width() <= area.width.into() { head } else { name };
    buffer.set_stringn(area.x, area.y, head, area.width.into(), app.theme.strong);
    if run.history.steps.is_empty() {
        return;
    }
    let facts = facts(run, at, sums, count as f64);
    let end = area.y.saturating_add(1 + facts.len() as u16);
    if let Some(weights) = run.history.weights.get(at).filter(|_| end + 1 < area.bottom()) {
        let place = Rect { y: end + 1, height: (area.bottom() - end - 1).min(12), ..area };
        weights::draw(app, weights, place, buffer);
    }
    for (y, fact) in (area.y + 1..area.bottom()).zip(facts) {
        let Fact { name, value, beside } = fact;
        let width = NUMBER.saturating_sub(Span::raw(name).width());
        let mut line = Line::from(vec![Span::styled(name, app.theme.quiet), Span::raw(format!("{value:>width$}  "))]);
        if let Beside::Words(words) = beside {
            line.push_span(Span::styled(words, app.theme.quiet));
        }
        buffer.set_line(area.x, y, &line, area.width);
        if let Beside::Trend(column) = beside {
            let x = (area.x + NUMBER as u16 + 2).min(area.right());
            trend(app, run, column, Rect::new(x, y, (area.right() - x).min(24), 1), buffer);
        }
    }
}

fn facts<'a>(run: &'a Run, at: usize, sums: &TensorSums, count: f64) -> Vec<Fact<'a>> {
    let history = &run.history;
    let words = |name, value, words| Fact { name, value, beside: Beside::Words(words) };
    let trend = |name, value: f64, column| Fact { name, value: number(value), beside: Beside::Trend(column) };
    let along = cosine(sums.wd, sums.w2, sums.d2);
    let tendency = match along {
        along if along < 0.0 => "the rule shrinks w",
        along if along > 0.0 => "the rule grows w",
        _ => "",
    };
    let [decay, radial, growth] = sums.budget();
    vec![
        trend("‖w‖ norm", history.norm(at).unwrap_or(f64::NAN), &history.norms[at]),
        trend("‖g‖ gradient", sums.grad_norm(), &history.gradients[at]),
        trend("update/weight", sums.update_ratio(), &history.updates[at]),
        words("rms weight", number((sums.w2 / count).sqrt()), "√(Σw²/n)"),
        words("cos(w, Δ)", signed(along), tendency),
        words("cos(w, g)", signed(cosine(sums.wg, sums.w2, sums.g2)), "gradient along w"),
        words("Δ with decay", digits::share(sums.agree / count), "of the weights"),
        words("decay takes", percent(sums.decay), "of w a step"),
        words("‖w‖² by decay", signed(decay), "a step"),
        words("  along w", signed(radial), "2w·Δ"),
        words("  across w", signed(growth), "‖Δ‖²"),
        words("  together", signed(decay + radial + growth), ""),
    ]
}

/// The history as far as the charts reach.
fn trend(app: &App, run: &Run, column: &Column, area: Rect, buffer: &mut Buffer) {
    let positions = &run.history.steps;
    let shown = app.shown_steps();
    let (start, end) = (positions.entry(shown.start), positions.entry(horizon(app).min(shown.end)));
    let width = usize::from(area.width) * 2;
    let columns: Vec<Extent> = column.query(start..end, width.min(end.saturating_sub(start).max(1))).collect();
    Sparkline { columns: &columns, pen: Pen::alone(app.options.glyphs), style: app.theme.quiet }.render(area, buffer);
}

/// The cosine of the angle between two vectors from their product and both squares.
fn cosine(product: f64, first: f64, second: f64) -> f64 {
    product / (first * second).sqrt()
}

fn number(value: f64) -> String {
    if value.is_finite() { digits::three(value) } else { "—".into() }
}

fn signed(value: f64) -> String {
    match value {
        value if !value.is_finite() => "—".into(),
        0.0 => "0".into(),
        value if value < 0.0 => format!("−{}", digits::three(-value)),
        value => format!("+{}", digits::three(value)),
    }
}

fn percent(share: f64) -> String {
    if share.is_finite() { format!("{} %", digits::three(100.0 * share)) } else { "—".into() }
}
