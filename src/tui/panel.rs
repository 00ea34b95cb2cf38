//! One file for each part of the screen.

pub(super) mod events;
pub(super) mod footer;
pub(super) mod help;
pub(super) mod knobs;
pub(super) mod layers;
pub(super) mod losses;
pub(super) mod norm;
pub(super) mod status;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, BorderType, Widget};

use super::app::{App, Panel, Run};
use super::digits;
use super::widget::axis;
use super::widget::plot::Mark;
use crate::stream::Knob;

/// The border of a panel with its name on the left and its settings on the right; returns what is inside.
fn frame(app: &App, panel: Panel, title: &str, settings: &str, area: Rect, buffer: &mut Buffer) -> Rect {
    let style = if app.focus == panel { app.theme.focus } else { app.theme.quiet };
    let mut block = Block::bordered().border_type(BorderType::Rounded).border_style(style);
    block = block.title(Span::styled(format!(" {title} "), app.theme.strong));
    if !settings.is_empty() {
        block = block.title(Line::styled(format!(" {settings} "), app.theme.quiet).right_aligned());
    }
    let inside = block.inner(area);
    block.render(area, buffer);
    inside
}

/// The steps that charts show: from the start to a round number ahead, or to where they were frozen.
fn steps(app: &App, run: &Run) -> std::ops::Range<u64> {
    let end = app.frozen.unwrap_or(run.step);
    0..axis::round_count(end.max(100)) + 1
}

/// The end of what charts show.
fn horizon(app: &App) -> u64 {
    app.frozen.unwrap_or(u64::MAX)
}

/// The edits as marks on a chart.
fn marks(app: &App, run: &Run) -> Vec<Mark> {
    let shown = (1..).zip(&run.journal.edits).filter(|(_, edit)| edit.step < horizon(app));
    let mark = |(number, edit): (usize, &crate::stream::Edit)| {
        let style = match edit.knob {
            Knob::WeightDecay => app.theme.weight_decay,
            Knob::LearningRate => app.theme.learning_rate,
            Knob::Hyper(_) => app.theme.quiet,
        };
        Mark { at: edit.step, sign: digits::mark(number), style }
    };
    shown.map(mark).collect()
}

/// Writes as many parts as fit into lines of a width, whole parts only.
fn flow<'a>(parts: Vec<Line<'a>>, gap: u16, area: Rect, buffer: &mut Buffer) {
    let (mut x, mut y) = (area.x, area.y);
    for part in parts {
        let width = part.width() as u16;
        if x > area.x && x + width > area.right() {
            (x, y) = (area.x, y + 1);
        }
        if y >= area.bottom() {
            return;
        }
        buffer.set_line(x, y, &part, area.right() - x);
        x = (x + width + gap).min(area.right());
    }
}
