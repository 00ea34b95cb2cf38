//! A comparison's whole screen, from the state alone.

use ratatui::Frame;
use ratatui::buffer::Buffer;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Modifier, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Paragraph, Widget, Wrap};
use unicode_width::UnicodeWidthStr;

use super::keys::{self, KEYS};
use super::{Again, Board, Host, Mode, Order, Table, Zoom, chart, table};
use crate::stream::printable;
use crate::tui::app::window::Stretch;
use crate::tui::glyphs::{self, Glyphs};
use crate::tui::panel::flow;
use crate::tui::panel::help::List;

/// The smallest screen that shows anything.
const SMALL: (u16, u16) = (60, 16);

/// The keys that are worth a place, most useful first.
const FOOT: [(&str, &str); 16] = [
    ("1-6", "curve"),
    ("a", "align"),
    ("y", "axis"),
    ("?", "help"),
    ("q", "quit"),
    ("← →", "next"),
    ("d", "differences"),
    ("↑ ↓", "session"),
    ("*", "baseline"),
    ("Space", "hide"),
    ("o", "order"),
    ("/", "filter"),
    ("Tab", "edits"),
    ("+ -", "zoom"),
    ("i", "values"),
    ("r", "read again"),
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
///
/// `aside` tells what becomes of the run that the screen was opened from.
pub fn view(board: &Board, aside: Option<Line>, frame: &mut Frame) {
    let area = frame.area();
    let buffer = frame.buffer_mut();
    if area.width < SMALL.0 || area.height < SMALL.1 {
        let text = format!("wdtop needs {}×{}, this is {}×{}", SMALL.0, SMALL.1, area.width, area.height);
        Paragraph::new(text).wrap(Wrap { trim: true }).render(area, buffer);
    } else {
        everything(board, aside, area, buffer);
    }
    if board.glyphs == Glyphs::Ascii {
        glyphs::to_ascii(buffer);
    }
}

fn everything(board: &Board, aside: Option<Line>, area: Rect, buffer: &mut Buffer) {
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
    title(board, aside, head, buffer);
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
    if let Mode::Help { scrolled } = board.mode {
        help(board, scrolled, area, buffer);
    }
}

/// What is compared on the left, whole parts only; on the right what becomes of it meanwhile.
fn title(board: &Board, aside: Option<Line>, area: Rect, buffer: &mut Buffer) {
    let theme = &board.theme;
    let aside = match (&board.again, aside) {
        (Again::Reading, _) => Line::styled("reading again …", theme.quiet),
        (Again::Failed(reason), _) => Line::styled(format!("not read again: {}", printable(reason)), theme.warning),
        (Again::Idle, Some(aside)) => aside,
        (Again::Idle, None) if board.contest.entrants.iter().any(|entrant| entrant.live) => {
            Line::styled("some go on: r reads them again", theme.quiet)
        }
        (Again::Idle, None) => Line::default(),
    };
    let width = (aside.width() as u16).min(area.width);
    let end = area.right() - width.saturating_add(1).min(area.width);
    buffer.set_line(end, area.y, &aside, width);
    let (count, listed) = (board.contest.entrants.len(), board.listed().len());
    let mut text = match board.order {
        Order::Given => format!("{count} sessions"),
        order => format!("{count} sessions, {}", order.name()),
    };
    if listed < count {
        text = format!("{listed} of {text}, those with “{}”", printable(&board.filter));
    }
    // What was dropped of a session is not passed over in silence.
    let chosen = board.contest.entrants.get(board.chosen);
    let note = chosen.and_then(|entrant| entrant.notes.first().map(|note| format!("{}: {note}", entrant.name)));
    let room = usize::from(end.saturating_sub(area.x + 2));
    let mut line = Line::styled(" wdtop compare", theme.strong);
    // Not cut: half a number is another number.
    if line.width() + 2 + text.width() <= room {
        line.push_span(Span::raw(format!("  {text}")));
    }
    line.extend(note.map(|note| Span::styled(format!("   {}", printable(&note)), theme.warning)));
    buffer.set_line(area.x, area.y, &line, room as u16);
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
    let foot = FOOT.map(|(name, what)| {
        let what = match (name, board.table) {
            ("Tab", Table::Edits) => "settings",
            ("q", _) if board.host == Host::Run => "back",
            ("d", _) if board.only_differences().is_some() => "all",
            ("← →", _) if board.crosshair.is_some() || board.window.stretch != Stretch::Whole => "move",
            _ => what,
        };
        Line::from(vec![Span::styled(name, board.theme.strong), Span::raw(" "), Span::styled(what, board.theme.quiet)])
    });
    flow(foot.into(), 3, Rect { x: area.x + 1, width, ..area }, buffer);
}

fn help(board: &Board, scrolled: u16, area: Rect, buffer: &mut Buffer) {
    let mut list = List::within(area);
    KEYS.iter().for_each(|(keys, help)| list.add(&keys::told(keys), help));
    list.render("j k", scrolled, &board.theme, area, buffer);
}
