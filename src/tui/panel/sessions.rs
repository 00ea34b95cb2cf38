//! The list of recordings that the run can be compared with.

use ratatui::buffer::Buffer;
use ratatui::layout::{Constraint, Rect};
use ratatui::style::{Modifier, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, BorderType, Clear, Widget};
use unicode_width::UnicodeWidthStr;

use crate::stream::printable;
use crate::tui::app::App;
use crate::tui::app::picker::{Picker, Shelf};
use crate::tui::archive::Recorded;
use crate::tui::digits;

/// The width where every column has its room.
const WIDTH: u16 = 104;

/// The widest that a name gets.
const WIDEST: usize = 34;

/// Over everything else: the run itself, which is always one of them, then the recordings.
pub(in crate::tui) fn render(app: &App, picker: &Picker, area: Rect, buffer: &mut Buffer) {
    let count = match &picker.shelf {
        Shelf::Reading => 0,
        Shelf::Here { sessions, .. } => sessions.len(),
    };
    let rows = u16::try_from(count).unwrap_or(u16::MAX).saturating_add(4).max(5).min(area.height);
    let area = area.centered(Constraint::Max(WIDTH), Constraint::Length(rows));
    let block = Block::bordered()
        .border_type(BorderType::Rounded)
        .title(Span::styled(" compare this run with ", app.theme.strong))
        .title_bottom(Line::styled(foot(picker), app.theme.quiet).right_aligned());
    let inside = block.inner(area);
    Clear.render(area, buffer);
    block.render(area, buffer);
    let width = usize::from(inside.width);
    let name = app.options.recording.as_deref().unwrap_or_default();
    let this = format!(" ● {}   this run, as far as recorded", printable(name));
    let this = if count > 0 || picker.shelf == Shelf::Reading { this } else { String::new() };
    buffer.set_stringn(inside.x, inside.y, this, width, app.theme.strong);
    let list = Rect { y: inside.y.saturating_add(1), height: inside.height.saturating_sub(1), ..inside };
    if list.is_empty() {
        return;
    }
    let Shelf::Here { sessions, at, chosen } = &picker.shelf else {
        buffer.set_stringn(list.x, list.y, " reading …", width, app.theme.quiet);
        return;
    };
    let names = sessions.iter().map(|session| printable(&session.name).width()).max().unwrap_or(0).clamp(7, WIDEST);
    let widths = (names, width.saturating_sub(5));
    let head = row("session", widths, ["state", "steps", "best loss", "recipe", "started"]);
    buffer.set_stringn(list.x, list.y, format!("     {head}"), width, app.theme.quiet);
    let shown = usize::from(list.height.saturating_sub(1));
    let first = (at + 1).saturating_sub(shown);
    for (y, (place, session)) in (list.y + 1..list.bottom()).zip(sessions.iter().enumerate().skip(first)) {
        let pointer = if place == *at { '▸' } else { ' ' };
        let mark = if chosen.contains(&place) { "[x]" } else { "[ ]" };
        let style = if place == *at { Style::new().add_modifier(Modifier::BOLD) } else { Style::new() };
        let text = format!("{pointer}{mark} {}", tell(session, widths));
        buffer.set_stringn(list.x, y, text, width, style);
    }
}

fn foot(picker: &Picker) -> String {
    match &picker.shelf {
        Shelf::Reading => " Esc leaves ".into(),
        Shelf::Here { sessions, at, .. } => {
            format!(" {} of {} · Space chooses · Enter compares · Esc leaves ", at + 1, sessions.len())
        }
    }
}

fn tell(session: &Recorded, widths: (usize, usize)) -> String {
    let steps = digits::thousands(session.steps);
    let loss = session.best_loss.map_or("—".into(), digits::three);
    let [state, recipe, started] = [&session.state, &session.recipe, &session.started].map(|text| printable(text));
    row(&printable(&session.name), widths, [&state, &steps, &loss, &recipe, &started])
}

fn row(name: &str, (names, width): (usize, usize), [state, steps, loss, recipe, started]: [&str; 5]) -> String {
    let mut cut = String::new();
    for c in name.chars() {
        if cut.width() + 1 >= names && name.width() > names {
            cut.push('…');
            break;
        }
        cut.push(c);
    }
    let blank = " ".repeat(names.saturating_sub(cut.width()));
    let line = format!("{cut}{blank}  {state:<9} {steps:>9}  {loss:>9}   {recipe:<12}  ");
    // The end of a row goes as a whole: half a date is none.
    if line.width() + started.width() > width { line } else { line + started }
}
