//! The whole screen, from the state alone.

use ratatui::Frame;
use ratatui::buffer::Buffer;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::Line;
use ratatui::widgets::{Paragraph, Widget, Wrap};

use super::app::{App, Mode, Panel, Phase, Run};
use super::panel::{events, footer, help, knobs, layers, losses, norm, status};

/// The smallest screen that shows anything, and the sizes from which it shows more.
const SMALL: (u16, u16) = (60, 16);
const MEDIUM: (u16, u16) = (80, 24);
const FULL: (u16, u16) = (120, 36);

/// Draws the state; changes nothing.
pub fn view(app: &App, frame: &mut Frame) {
    let area = frame.area();
    let buffer = frame.buffer_mut();
    if !fits(area, SMALL) {
        let (width, height) = SMALL;
        let text = format!("wdtop needs {width}×{height}, this is {}×{}", area.width, area.height);
        return Paragraph::new(text).wrap(Wrap { trim: true }).render(area, buffer);
    }
    match &app.run {
        None => waiting(app, area, buffer),
        Some(run) if app.zoomed => one(app, run, area, buffer),
        Some(run) if fits(area, FULL) => full(app, run, area, buffer),
        Some(run) if fits(area, MEDIUM) => medium(app, run, area, buffer),
        Some(run) => small(app, run, area, buffer),
    }
    if let Mode::Help { scrolled } = app.mode {
        help::render(app, scrolled, area, buffer);
    }
}

fn fits(area: Rect, (width, height): (u16, u16)) -> bool {
    area.width >= width && area.height >= height
}

/// Everything at once.
///
/// ```text
/// ┌ title ─────────────────────────────────────┐ 1
/// ├ status ────────────────────────────────────┤ 2
/// │ losses                  │ knobs         48 │ 3 parts
/// ├─────────────────────────┴──────┬───────────┤
/// │ layers                         │ norm   36 │ the tensors' number, at most 2 parts
/// ├────────────────────────────────┴───────────┤
/// │ events                                     │ at least 5
/// └ footer ────────────────────────────────────┘ 1
/// ```
fn full(app: &App, run: &Run, area: Rect, buffer: &mut Buffer) {
    let room = area.height - 4;
    let table = (run.description.tensors.len() as u16).saturating_add(3).clamp(8, room * 2 / 5);
    let log = (room / 5).clamp(5, 12);
    let rows = [1, 2, room - table - log, table, log, 1].map(Constraint::Length);
    let [title, line, top, middle, bottom, foot] = Layout::vertical(rows).areas(area);
    let [left, right] = Layout::horizontal([Constraint::Fill(1), Constraint::Length(48)]).areas(top);
    let [table, chart] = Layout::horizontal([Constraint::Fill(1), Constraint::Length(36)]).areas(middle);
    status::title(app, run, title, buffer);
    status::status(app, run, line, buffer);
    losses::render(app, run, left, buffer);
    knobs::render(app, run, right, buffer);
    layers::render(app, run, table, buffer);
    norm::render(app, run, chart, buffer);
    events::render(app, run, bottom, buffer);
    footer::render(app, foot, buffer);
}

/// What fits an ordinary terminal.
///
/// ```text
/// ┌ title ─────────┐ 1
/// ├ status ────────┤ 2
/// │ losses         │
/// ├────────────────┤
/// │ layers         │ 6
/// ├ knobs ─────────┤ 2
/// ├ last event ────┤ 1
/// └ footer ────────┘ 1
/// ```
fn medium(app: &App, run: &Run, area: Rect, buffer: &mut Buffer) {
    let table = (run.description.tensors.len() as u16).saturating_add(3).clamp(4, area.height / 4);
    let rows = [
        Constraint::Length(1),
        Constraint::Length(2),
        Constraint::Fill(1),
        Constraint::Length(table),
        Constraint::Length(2),
        Constraint::Length(1),
        Constraint::Length(1),
    ];
    let [title, lines, chart, table, dials, event, foot] = Layout::vertical(rows).areas(area);
    status::title(app, run, title, buffer);
    status::status(app, run, lines, buffer);
    losses::render(app, run, chart, buffer);
    layers::render(app, run, table, buffer);
    knobs::lines(app, run, dials, buffer);
    events::last(app, run, event, buffer);
    footer::render(app, foot, buffer);
}

/// A chart, the knobs and what they do to it.
fn small(app: &App, run: &Run, area: Rect, buffer: &mut Buffer) {
    let rows = [Constraint::Length(2), Constraint::Fill(1), Constraint::Length(2), Constraint::Length(1)];
    let [lines, chart, dials, foot] = Layout::vertical(rows).areas(area);
    status::alone(app, run, lines, buffer);
    losses::render(app, run, chart, buffer);
    knobs::lines(app, run, dials, buffer);
    footer::render(app, foot, buffer);
}

/// The focused panel on the whole screen, with the knobs, which are always at hand.
fn one(app: &App, run: &Run, area: Rect, buffer: &mut Buffer) {
    let rows = [Constraint::Length(2), Constraint::Fill(1), Constraint::Length(2), Constraint::Length(1)];
    let [lines, inside, dials, foot] = Layout::vertical(rows).areas(area);
    status::alone(app, run, lines, buffer);
    match app.focus {
        Panel::Losses => losses::render(app, run, inside, buffer),
        Panel::Knobs => knobs::render(app, run, inside, buffer),
        Panel::Layers => layers::render(app, run, inside, buffer),
        Panel::Norm => norm::render(app, run, inside, buffer),
        Panel::Events => events::render(app, run, inside, buffer),
    }
    knobs::lines(app, run, dials, buffer);
    footer::render(app, foot, buffer);
}

/// Before the first event.
fn waiting(app: &App, area: Rect, buffer: &mut Buffer) {
    let text = match &app.phase {
        Phase::Failed(_) => "nothing was trained",
        _ => "loading the data and preparing the network …",
    };
    let [inside, foot] = Layout::vertical([Constraint::Fill(1), Constraint::Length(1)]).areas(area);
    Paragraph::new(Line::raw(text)).centered().render(inside.centered_vertically(Constraint::Length(1)), buffer);
    footer::render(app, foot, buffer);
}
