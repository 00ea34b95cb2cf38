//! A comparison's whole screen, from the state alone.

use ratatui::Frame;
use ratatui::buffer::Buffer;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Modifier, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, BorderType, Clear, Paragraph, Widget, Wrap};

use super::keys::KEYS;
use super::{Board, Host, Mode, Table, Zoom, chart, table};
use crate::stream::printable;
use crate::tui::app::window::Stretch;
use crate::tui::glyphs::{self, Glyphs};

/// The smallest screen that shows anything.
const SMALL: (u16, u16) = (60, 16);

/// The keys that are worth a place, most useful first.
const FOOT: [(&str, &str); 14] = [
    ("← →", "curve"),
    ("1-6", "loss … norm"),
    ("a", "align"),
    ("d", "differences"),
    ("?", "help"),
    ("q", "quit"),
    ("↑ ↓", "session"),
    ("*", "baseline"),
    ("Space", "hide"),
    ("o", "order"),
    ("/", "filter"),
    ("Tab", "edits"),
    ("+ -", "zoom"),
    ("i", "crosshair"),
];

/// Draws the state; changes nothing.
///
/// ```text
/// ┌ title ─────────────────┐ 1
/// │ curves                 │ what is left
/// │ differences            │ two fifths of it, with a baseline; all of it, where nothing else is asked for
/// ├ sessions ──────────────┤ as many as there are, at most a quarter
/// ├ settings or edits ─────┤ as many, at most a quarter
/// └ footer ────────────────┘ 1
/// ```
pub fn view(board: &Board, frame: &mut Frame) {
    let area = frame.area();
    let buffer = frame.buffer_mut();
    if area.width < SMALL.0 || area.height < SMALL.1 {
        let text = format!("wdtop needs {}×{}, this is {}×{}", SMALL.0, SMALL.1, area.width, area.height);
        Paragraph::new(text).wrap(Wrap { trim: true }).render(area, buffer);
    } else {
        everything(board, area, buffer);
    }
    if board.glyphs == Glyphs::Ascii {
        glyphs::to_ascii(buffer);
    }
}

fn everything(board: &Board, area: Rect, buffer: &mut Buffer) {
    let rows = |count: usize| u16::try_from(count).unwrap_or(u16::MAX).saturating_add(1).min((area.height / 4).max(3));
    let (sessions, details) = match board.zoom {
        Zoom::Chart => (0, 0),
        Zoom::Off => (rows(board.listed().len()), rows(table::rows(board).len().max(1))),
    };
    let [head, charts, list, below, foot] = Layout::vertical([
        Constraint::Length(1),
        Constraint::Fill(1),
        Constraint::Length(sessions),
        Constraint::Length(details),
        Constraint::Length(1),
    ])
    .areas(area);
    title(board, head, buffer);
    match board.baseline {
        None => chart::overlay(board, charts, buffer),
        Some(baseline) if board.only_differences().is_some() => chart::differences(board, baseline, charts, buffer),
        Some(baseline) => {
            let [over, less] = Layout::vertical([Constraint::Fill(3), Constraint::Fill(2)]).areas(charts);
            chart::overlay(board, over, buffer);
            chart::differences(board, baseline, less, buffer);
        }
    }
    if board.zoom == Zoom::Off {
        table::sessions(board, list, buffer);
        table::details(board, below, buffer);
    }
    footer(board, foot, buffer);
    if let Mode::Help = board.mode {
        help(board, area, buffer);
    }
}

fn title(board: &Board, area: Rect, buffer: &mut Buffer) {
    let count = board.contest.entrants.len();
    let listed = board.listed().len();
    let mut text = format!("{count} sessions, {}", board.order.name());
    if listed < count {
        text = format!("{listed} of {text}, those with “{}”", printable(&board.filter));
    }
    // What was dropped of a session is not passed over in silence.
    let chosen = board.contest.entrants.get(board.chosen);
    let note = chosen.and_then(|entrant| entrant.notes.first().map(|note| format!("{}: {note}", entrant.name)));
    let line = Line::from(vec![
        Span::styled(" wdtop compare", board.theme.strong),
        Span::raw(format!("  {text}")),
        Span::styled(note.map(|note| format!("   {}", printable(&note))).unwrap_or_default(), board.theme.warning),
    ]);
    buffer.set_line(area.x, area.y, &line, area.width);
}

fn footer(board: &Board, area: Rect, buffer: &mut Buffer) {
    let width = area.width.saturating_sub(1);
    if let Mode::Filtering(input) = &board.mode {
        let line = Line::from(vec![
            Span::styled("sessions with: ", board.theme.strong),
            Span::raw(printable(input.value()).into_owned()),
            Span::styled(" ", Style::new().add_modifier(Modifier::REVERSED)),
            Span::styled("   Enter keeps it   Esc lists all", board.theme.quiet),
        ]);
        buffer.set_line(area.x + 1, area.y, &line, width);
        return;
    }
    let mut x = area.x + 1;
    for (name, what) in FOOT {
        let what = match (name, board.table) {
            ("Tab", Table::Edits) => "settings",
            ("q", _) if board.host == Host::Run => "back to the run",
            ("d", _) if board.only_differences().is_some() => "all",
            ("← →", _) if board.crosshair.is_some() || board.window.stretch != Stretch::Whole => "move",
            _ => what,
        };
        let key = Line::from(vec![
            Span::styled(name, board.theme.strong),
            Span::raw(" "),
            Span::styled(what, board.theme.quiet),
        ]);
        let needed = key.width() as u16;
        if x + needed > area.right() {
            break;
        }
        buffer.set_line(x, area.y, &key, needed);
        x += needed + 3;
    }
}

fn help(board: &Board, area: Rect, buffer: &mut Buffer) {
    let lines: Vec<Line> = KEYS
        .iter()
        .map(|(names, _, help)| {
            Line::from(vec![
                Span::styled(format!("{:>12}", names.join(" ")), board.theme.strong),
                Span::raw(format!("  {help}")),
            ])
        })
        .collect();
    let height = (lines.len() as u16 + 2).min(area.height);
    let width = 68.min(area.width);
    let place = Rect { x: area.x + (area.width - width) / 2, y: area.y + (area.height - height) / 2, width, height };
    Clear.render(place, buffer);
    let block = Block::bordered().border_type(BorderType::Rounded).title(" keys: any of them leaves this list ");
    Paragraph::new(lines).block(block).render(place, buffer);
}
