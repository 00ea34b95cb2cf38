//! The list of keys, from the one table of keys; how any list of keys and any text over everything else is drawn.

use ratatui::buffer::Buffer;
use ratatui::layout::{Constraint, Rect};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, BorderType, Clear, Paragraph, Widget};

use crate::tui::app::App;
use crate::tui::keymap::{BINDINGS, Group, Keys};
use crate::tui::theme::Theme;

/// The width where no line needs to be wrapped.
const WIDTH: u16 = 92;

/// Where the second column begins.
const INDENT: usize = 16;

/// Over everything else, scrolled by so many lines as far as there are any.
pub(in crate::tui) fn render(app: &App, scrolled: u16, area: Rect, buffer: &mut Buffer) {
    list(app, area).render(&app.keys("j k"), scrolled, &app.theme, area, buffer);
}

/// Lines that there are more than this screen has room for.
pub(in crate::tui) fn excess(app: &App, area: Rect) -> u16 {
    list(app, area).excess(area)
}

fn list(app: &App, area: Rect) -> List {
    let mut list = List::within(area);
    // What is over cannot be turned, and what is not cannot be walked through.
    let other = if app.replays() { Group::Hyperparameters } else { Group::Replay };
    for group in Group::ALL.into_iter().filter(|group| *group != other) {
        list.lines.push(Line::styled(format!(" {}", group.title()), app.theme.strong));
        for binding in BINDINGS.iter().filter(|binding| binding.group == group) {
            let names = if binding.keys.len() > 6 && app.options.preferences.keys == Keys::default() {
                "arrows hjkl".into()
            } else {
                app.options.preferences.keys.of(binding)
            };
            list.add(&names, binding.help);
        }
    }
    list
}

/// Keys under each other with what they do.
pub(in crate::tui) struct List {
    width: u16,
    lines: Vec<Line<'static>>,
}

impl List {
    /// An empty one, for this screen.
    pub(in crate::tui) fn within(area: Rect) -> List {
        List { width: area.width.min(WIDTH), lines: Vec::new() }
    }

    /// Adds keys and what they do, over as many lines as it takes.
    pub(in crate::tui) fn add(&mut self, names: &str, help: &str) {
        let mut head = format!("   {names:<12} ");
        for text in wrap(help, usize::from(self.width).saturating_sub(INDENT + 2)) {
            self.lines.push(Line::raw(std::mem::replace(&mut head, " ".repeat(INDENT)) + &text));
        }
    }

    /// Lines that there are more than this screen has room for.
    pub(in crate::tui) fn excess(&self, area: Rect) -> u16 {
        excess_of(&self.lines, area)
    }

    /// Over everything else, scrolled by so many lines as far as there are any.
    pub(in crate::tui) fn render(self, scrolling: &str, scrolled: u16, theme: &Theme, area: Rect, buffer: &mut Buffer) {
        let List { width, lines } = self;
        let sheet = Sheet { title: "keys", lines, width, foot: "Esc leaves", scrolling, scrolled };
        sheet.render(theme, area, buffer);
    }
}

/// Text in a frame in the middle of the screen, which is scrolled where there is more than it has room for.
pub(super) struct Sheet<'a> {
    pub(super) title: &'a str,
    pub(super) lines: Vec<Line<'a>>,
    /// Columns, with the frame.
    pub(super) width: u16,
    /// What is told at the foot.
    pub(super) foot: &'a str,
    /// The keys that scroll.
    pub(super) scrolling: &'a str,
    /// Lines that were scrolled past, at most as many as there are too many.
    pub(super) scrolled: u16,
}

impl Sheet<'_> {
    pub(super) fn render(self, theme: &Theme, area: Rect, buffer: &mut Buffer) {
        let Sheet { title, lines, width, foot, scrolling, scrolled } = self;
        let more = excess_of(&lines, area);
        let height = (lines.len() as u16).saturating_add(2).min(area.height);
        let area = area.centered(Constraint::Length(width), Constraint::Length(height));
        let scrolling = if more > 0 { format!("{scrolling} scroll · ") } else { String::new() };
        let block = Block::bordered()
            .border_type(BorderType::Rounded)
            .title(Span::styled(format!(" {title} "), theme.strong))
            .title_bottom(Line::styled(format!(" {scrolling}{foot} "), theme.quiet).right_aligned());
        Clear.render(area, buffer);
        Paragraph::new(lines).block(block).scroll((scrolled.min(more), 0)).render(area, buffer);
    }
}

/// Lines that there are more than a frame on this screen has room for.
pub(super) fn excess_of(lines: &[Line], area: Rect) -> u16 {
    (lines.len() as u16).saturating_sub(area.height.saturating_sub(2))
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
