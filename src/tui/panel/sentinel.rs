//! The question what to do when something was not finite.

use ratatui::buffer::Buffer;
use ratatui::layout::{Constraint, Rect};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, BorderType, Clear, Paragraph, Widget};

use super::help::wrap;
use crate::stream::{Scope, printable};
use crate::tui::app::dial::Which;
use crate::tui::app::{App, Run};
use crate::tui::digits;
use crate::tui::update::{Choice, choices};

const WIDTH: u16 = 66;

/// Over everything else.
pub(in crate::tui) fn render(app: &App, run: &Run, chosen: usize, area: Rect, buffer: &mut Buffer) {
    let Some((what, weights)) = &run.trouble else { return };
    let width = usize::from(area.width.min(WIDTH)).saturating_sub(4);
    let told = format!("{} is not finite in step {}; {weights}.", printable(what), digits::thousands(run.step));
    let mut lines: Vec<Line> = wrap(&told, width).into_iter().map(|line| Line::raw(format!(" {line}"))).collect();
    lines.push(Line::default());
    for (at, choice) in choices(run).into_iter().enumerate() {
        let text = match choice {
            Choice::Skip => "go on without this batch".into(),
            Choice::LowerRate => {
                let lr = run.asked(Which::LearningRate, &Scope::All);
                format!("η {} → {}, and go on without this batch", digits::near(lr), digits::near(lr / 10.0))
            }
            Choice::GoBack => {
                let step = run.snapshot.map(digits::thousands).unwrap_or_default();
                format!("back to the snapshot of step {step}, and wait")
            }
            Choice::Stop => "stop the run".into(),
        };
        let style = if at == chosen { app.theme.pending } else { app.theme.strong };
        lines.push(Line::from(vec![Span::raw("  "), Span::styled(format!(" {} {text} ", at + 1), style)]));
    }
    let height = lines.len() as u16 + 2;
    let area = area.centered(Constraint::Max(WIDTH), Constraint::Length(height.min(area.height)));
    let block = Block::bordered()
        .border_type(BorderType::Rounded)
        .title(Span::styled(" diverged ", app.theme.warning))
        .title_bottom(
            Line::styled(" arrows, Enter or a number · Esc looks around first ", app.theme.quiet).right_aligned(),
        );
    Clear.render(area, buffer);
    Paragraph::new(lines).block(block).render(area, buffer);
}
