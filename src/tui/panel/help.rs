//! The list of keys, from the one table of keys.

use ratatui::buffer::Buffer;
use ratatui::layout::{Constraint, Rect};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, BorderType, Clear, Paragraph, Widget};

use crate::tui::app::App;
use crate::tui::keymap::{BINDINGS, Group, Keys};

/// The width where no line needs to be wrapped.
const WIDTH: u16 = 92;

/// Where the second column begins.
const INDENT: usize = 16;

/// Over everything else, scrolled by so many lines as far as there are any.
pub(in crate::tui) fn render(app: &App, scrolled: u16, area: Rect, buffer: &mut Buffer) {
    let lines = lines(app, area.width.min(WIDTH).saturating_sub(2));
    let height = (lines.len() as u16).saturating_add(2).min(area.height);
    let area = area.centered(Constraint::Max(WIDTH), Constraint::Length(height));
    let more = (lines.len() as u16).saturating_sub(area.height.saturating_sub(2));
    let foot = if more > 0 { app.keyed(" `j k` scroll · Esc leaves ") } else { " Esc leaves ".into() };
    let block = Block::bordered()
        .border_type(BorderType::Rounded)
        .title(Span::styled(" keys ", app.theme.strong))
        .title_bottom(Line::styled(foot, app.theme.quiet).right_aligned());
    Clear.render(area, buffer);
    Paragraph::new(lines).block(block).scroll((scrolled.min(more), 0)).render(area, buffer);
}

fn lines(app: &App, width: u16) -> Vec<Line<'static>> {
    let mut lines = Vec::new();
    // What is over cannot be turned, and what is not cannot be walked through.
    let other = if app.replays() { Group::Hyperparameters } else { Group::Replay };
    for group in Group::ALL.into_iter().filter(|group| *group != other) {
        lines.push(Line::styled(format!(" {}", group.title()), app.theme.strong));
        for binding in BINDINGS.iter().filter(|binding| binding.group == group) {
            let names = if binding.keys.len() > 6 && app.options.preferences.keys == Keys::default() {
                "arrows hjkl".into()
            } else {
                app.options.preferences.keys.of(binding)
            };
            let mut head = format!("   {names:<12} ");
            for text in wrap(binding.help, usize::from(width).saturating_sub(INDENT)) {
                lines.push(Line::raw(std::mem::replace(&mut head, " ".repeat(INDENT)) + &text));
            }
        }
    }
    lines
}

/// Whole words, as many to a line as fit.
pub(super) fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        if let Some(line) =
            lines.last_mut().filter(|line| line.is_empty() || line.chars().count() + 1 + word.chars().count() <= width)
        {
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        } else {
            lines.push(word.to_owned());
        }
    }
    lines
}
