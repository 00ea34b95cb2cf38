//! The whole screen, from the state alone.

use ratatui::Frame;
use ratatui::buffer::Buffer;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::Line;
use ratatui::widgets::{Clear, Paragraph, Widget, Wrap};

use super::app::{App, Mode, Panel, Phase, Run};
use super::board::{self, Board};
use super::digits;
use super::glyphs::{self, Glyphs};
use super::layout::{self, SMALL};
use super::panel::{
    events, explain, footer, help, knobs, layers, losses, norm, sentinel, sessions, status, throughput,
};

/// Draws the state; changes nothing.
pub fn view(app: &App, frame: &mut Frame) {
    if let Mode::Comparing(board) = &app.mode {
        return comparison(app, board, frame);
    }
    let area = frame.area();
    let buffer = frame.buffer_mut();
    if layout::fits(area, SMALL) {
        match &app.run {
            None => waiting(app, area, buffer),
            Some(run) => everything(app, run, area, buffer),
        }
        match (&app.mode, &app.run) {
            (Mode::Help { scrolled }, _) => help::render(app, *scrolled, area, buffer),
            (Mode::Explain { scrolled }, Some(run)) => explain::render(app, run, *scrolled, area, buffer),
            (Mode::Choosing(picker), _) => sessions::render(app, picker, area, buffer),
            (Mode::Sentinel { chosen }, Some(run)) => sentinel::render(app, run, *chosen, area, buffer),
            _ => {}
        }
    } else {
        let (width, height) = SMALL;
        let text = format!("wdtop needs {width}×{height}, this is {}×{}", area.width, area.height);
        Paragraph::new(text).wrap(Wrap { trim: true }).render(area, buffer);
    }
    if app.options.glyphs == Glyphs::Ascii {
        glyphs::to_ascii(buffer);
    }
}

/// The comparison that the run is in, and what becomes of the run meanwhile.
fn comparison(app: &App, board: &Board, frame: &mut Frame) {
    let step = app.run.as_ref().map_or(0, |run| run.step);
    let (state, style) = match &app.phase {
        Phase::Loading | Phase::Running => ("runs", app.theme.quiet),
        Phase::Paused => ("stands still", app.theme.quiet),
        Phase::Diverged => ("DIVERGED", app.theme.warning),
        Phase::Finished(_) => ("is over", app.theme.quiet),
        Phase::Failed(_) => ("FAILED", app.theme.warning),
    };
    let what = if app.replays() { "the recording" } else { "training" };
    // What is compared was read when the screen was opened.
    let missing = board.first_until().is_some_and(|until| until < step);
    let more = if missing { ": r shows it" } else { "" };
    let aside = Line::styled(format!("{what} {state}, step {}{more}", digits::thousands(step)), style);
    board::view(board, Some(aside), frame);
    let area = frame.area();
    if !layout::fits(area, SMALL) {
        return;
    }
    let buffer = frame.buffer_mut();
    if app.notice.is_some() || app.interrupted.is_some() {
        let foot = Rect { y: area.bottom() - 1, height: 1, ..area };
        Clear.render(foot, buffer);
        footer::render(app, foot, buffer);
    }
    if app.options.glyphs == Glyphs::Ascii {
        glyphs::to_ascii(buffer);
    }
}

fn everything(app: &App, run: &Run, area: Rect, buffer: &mut Buffer) {
    let places = layout::places(app, area);
    match places.title {
        Some(title) => {
            status::title(app, run, title, buffer);
            status::status(app, run, places.status, buffer);
        }
        None => status::alone(app, run, places.status, buffer),
    }
    let told = places.title.is_some() || places.panels.iter().any(|(panel, _)| *panel == Panel::Events);
    let first = places.panels.first().filter(|_| !told).map(|(_, area)| *area);
    for (panel, area) in places.panels {
        match panel {
            Panel::Losses => losses::render(app, run, area, buffer),
            Panel::Knobs => knobs::render(app, run, area, buffer),
            Panel::Layers => layers::render(app, run, area, buffer),
            Panel::Norm => norm::render(app, run, area, buffer),
            Panel::Events => events::render(app, run, area, buffer),
            Panel::Throughput => throughput::render(app, run, area, buffer),
        }
    }
    if let Some(area) = first {
        events::in_border(app, run, area, buffer);
    }
    if let Some(area) = places.dials {
        knobs::lines(app, run, area, buffer);
    }
    if let Some(area) = places.event {
        events::last(app, run, area, buffer);
    }
    footer::render(app, places.foot, buffer);
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
