//! The table of tensors.

use std::ops::Range;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::Span;
use ratatui::widgets::Widget;

use super::{frame, horizon};
use crate::series::Extent;
use crate::stream::{TensorInfo, printable};
use crate::tui::app::dial::Which;
use crate::tui::app::{App, Panel, Run};
use crate::tui::digits;
use crate::tui::widget::dots::Pen;
use crate::tui::widget::sparkline::Sparkline;

/// Widths of the columns, a blank after each: name, shape, ‖w‖, since, trend, ‖g‖, update/weight, λ.
const WIDTHS: [u16; 8] = [12, 9, 7, 8, 10, 8, 8, 10];

/// Where the trend stands among them; it takes what room there is.
const TREND: usize = 4;

/// Every tensor's norm, what the last edit did to it, and whether it decays.
pub(in crate::tui) fn render(app: &App, run: &Run, area: Rect, buffer: &mut Buffer) {
    let rows = app.rows();
    let tensors = rows.len();
    let Range { start: first, end } = shown(app, &rows, area);
    let room = end - first;
    let mut settings = format!("{}: λ reaches {}", app.keys("t"), reach(app));
    if !app.filter.is_empty() {
        settings = format!("{} {} · {settings}", app.keys("/"), printable(&app.filter));
    }
    if room < tensors {
        let more = match (first > 0, end < tensors) {
            (true, true) => "↕",
            (true, false) => "↑",
            _ => "↓",
        };
        settings += &format!(" · {room} of {tensors} {more}");
    }
    let inside = frame(app, Panel::Layers, Panel::Layers.name(), &settings, area, buffer);
    if inside.is_empty() {
        return;
    }
    let columns = columns(inside);
    let since = run.journal.last_edit().map(|(number, _)| format!("since {}", app.options.glyphs.edit(number)));
    let heads = ["tensor", "shape", "‖w‖", since.as_deref().unwrap_or(""), "trend", "‖g‖", "upd/w", "λ"];
    for ((column, head), at) in columns.iter().zip(heads).zip(0..) {
        let sorted = app.order.column() == Some(at);
        let head = if sorted { format!("{head}▾") } else { head.to_owned() };
        write(&head, at, Rect { y: inside.y, ..*column }, app.theme.quiet, buffer);
    }
    if rows.is_empty() {
        let text = "no tensor has that in its name: Esc lists all again";
        buffer.set_stringn(inside.x + 1, inside.y + 1, text, inside.width.into(), app.theme.quiet);
    }
    for (y, at) in (inside.y + 1..inside.bottom()).zip(rows.into_iter().skip(first).take(room)) {
        let tensor = &run.description.tensors[at];
        let style = if at == app.tensor { app.theme.selected } else { Style::new() };
        if at == app.tensor {
            buffer.set_string(inside.x, y, "▸", style);
        }
        for (place, column) in columns.iter().enumerate() {
            let column = Rect { y, ..*column };
            if place == TREND {
                trend(app, run, at, column, buffer);
            } else {
                write(&cell(run, at, tensor, place), place, column, style, buffer);
            }
        }
    }
}

/// The rows of the table that there is room for: inside the border, below the heads, with the chosen one among them.
pub(super) fn shown(app: &App, rows: &[usize], area: Rect) -> Range<usize> {
    let room = usize::from(area.height.saturating_sub(3));
    let chosen = rows.iter().position(|row| *row == app.tensor).unwrap_or(0);
    let first = (chosen + 1).saturating_sub(room);
    first..(first + room).min(rows.len())
}

/// One cell's text.
fn cell(run: &Run, at: usize, tensor: &TensorInfo, place: usize) -> String {
    let history = &run.history;
    match place {
        0 => printable(&tensor.name).into_owned(),
        1 => tensor.shape.iter().map(usize::to_string).collect::<Vec<_>>().join("×"),
        2 => history.norm(at).map(digits::three).unwrap_or_default(),
        3 => {
            let edit = run.journal.last_edit();
            edit.and_then(|(_, edit)| history.norm_since(at, edit)).map(digits::change).unwrap_or_default()
        }
        5 => average(history.pulses[at].gradient.value()),
        6 => average(history.pulses[at].update.value()),
        _ => match (run.weight_decay.own[at], run.weight_decay.of_tensor(at, &run.description.tensors)) {
            (Some(own), _) => format!("own {}", digits::three(own)),
            (None, Some(all)) => digits::three(all),
            (None, None) => "no decay".into(),
        },
    }
}

fn average(value: f64) -> String {
    if value.is_nan() { String::new() } else { digits::three(value) }
}

/// The norm in one line, as far as the charts reach, the last edit marked.
fn trend(app: &App, run: &Run, at: usize, area: Rect, buffer: &mut Buffer) {
    let positions = &run.history.steps;
    let shown = app.shown_steps();
    let (start, end) = (positions.entry(shown.start), positions.entry(horizon(app).min(shown.end)));
    let count = end.saturating_sub(start);
    let norms = &run.history.norms[at];
    let width = usize::from(area.width) * 2;
    let columns: Vec<Extent> = norms.query(start..end, width.min(count.max(1))).collect();
    Sparkline { columns: &columns, pen: Pen::alone(app.options.glyphs), style: app.theme.quiet }.render(area, buffer);
    if let Some((number, edit)) =
        run.journal.last_edit().filter(|(_, edit)| (start..end).contains(&positions.entry(edit.step)))
    {
        let x = (positions.entry(edit.step) - start) * columns.len() / count.max(1) / 2;
        buffer.set_stringn(area.x + x as u16, area.y, app.options.glyphs.edit(number), 2, app.theme.weight_decay);
    }
}

/// Whose λ the keys turn.
pub(super) fn reach(app: &App) -> String {
    match app.scope(Which::WeightDecay) {
        crate::stream::Scope::All => "all tensors".into(),
        scope => printable(&scope.to_string()).into_owned(),
    }
}

/// The columns' places; the first two are aligned left, the others right.
fn columns(area: Rect) -> [Rect; 8] {
    let fixed: u16 = WIDTHS.iter().sum::<u16>() - WIDTHS[TREND] + WIDTHS.len() as u16;
    let mut x = area.x + 1;
    let mut at = 0;
    WIDTHS.map(|width| {
        let width = if at == TREND { area.width.saturating_sub(fixed + 1).clamp(4, 40) } else { width };
        let place = Rect::new(x, area.y, width, 1).intersection(area);
        x += width + 1;
        at += 1;
        place
    })
}

fn write(text: &str, place: usize, area: Rect, style: Style, buffer: &mut Buffer) {
    if area.is_empty() {
        return;
    }
    let width = Span::raw(text).width() as u16;
    let indent = if place < 2 || place == TREND { 0 } else { area.width.saturating_sub(width) };
    buffer.set_stringn(area.x + indent, area.y, text, usize::from(area.width - indent), style);
}
