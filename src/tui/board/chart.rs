//! The charts of a comparison.

use std::ops::Range;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, BorderType, Widget};

use super::curves::{Curves, Loaded};
use super::{Alignment, Board};
use crate::chart::{Frame, Join, Scale, round_count};
use crate::series::Extent;
use crate::stream::printable;
use crate::tui::app::window::Stretch;
use crate::tui::digits;
use crate::tui::theme::Theme;
use crate::tui::widget::dots::Pen;
use crate::tui::widget::plot::{Grid, Guide, Mark, Plot, Trace};

/// Room for the labels at the curves' ends.
const LABELS: u16 = 11;

/// The curves over each other.
pub(super) fn overlay(board: &Board, area: Rect, buffer: &mut Buffer) {
    let scale = match board.scale() {
        Scale::Linear => "linear",
        Scale::Log => "log",
    };
    let settings = format!("{} · y {scale}", place(board));
    let title = printable(board.column_name()).into_owned();
    let inside = frame(board, &title, &settings, area, buffer);
    let Some(loaded) = loaded(board, inside, buffer) else { return };
    let steps = shown(board, loaded);
    let drawn = board.drawn();
    let all = drawn.iter().fold(Extent::EMPTY, |all, at| all.join(loaded.placed[*at].extent(steps.clone())));
    if !all.has_values() {
        let text = match board.align {
            Alignment::Edit(number) => format!("no session that is shown has an edit {number}"),
            _ if steps.start > 0 => "nothing here: = goes back to the end".to_owned(),
            _ => format!("no session that is shown has {title}"),
        };
        buffer.set_stringn(inside.x + 1, inside.y, text, inside.width.into(), board.theme.quiet);
        return;
    }
    let (low, high) = (f64::from(all.min), f64::from(all.max));
    let scale = if board.scale() == Scale::Log && low > 0.0 { Scale::Log } else { Scale::Linear };
    let y = scale.round_out(if scale == Scale::Log { low.max(high * 1e-6) } else { low }, high);
    let plot = Frame::new(inside, &loaded.places.ruler(steps), y, scale, LABELS);
    let traces: Vec<Trace> = drawn
        .iter()
        .map(|at| {
            let points = &loaded.placed[*at];
            let last = points.last_before(readout(board)).map(|last| digits::three(last.into())).unwrap_or_default();
            let shown = plot.columns_before(points.at().last().map_or(0, |last| last + 1));
            let columns = points.between(plot.edges()).take(shown).collect();
            let label = Some(format!("{} {last}", Board::letter(*at)));
            Trace { columns, pen: pen(board, *at), style: style(board, *at), label, join: Join::Line }
        })
        .collect();
    draw(board, loaded, plot, &traces, inside, buffer);
}

/// What each curve is more or less than the baseline's, place by place.
pub(super) fn differences(board: &Board, baseline: usize, area: Rect, buffer: &mut Buffer) {
    let name = board.contest.entrants.get(baseline).map_or("", |entrant| entrant.name.as_str());
    let less = format!("less {} · {}", Board::letter(baseline), printable(name));
    let (title, settings) = match board.only_differences() {
        // There is no other chart that says what it is about.
        Some(_) => (format!("{} {less}", printable(board.column_name())), place(board)),
        None => (less, String::new()),
    };
    let inside = frame(board, &title, &settings, area, buffer);
    let Some(loaded) = loaded(board, inside, buffer) else { return };
    let ruler = loaded.places.ruler(shown(board, loaded));
    let base = &loaded.placed[baseline];
    let others: Vec<usize> = board.drawn().into_iter().filter(|at| *at != baseline).collect();
    // The places do not depend on the heights.
    let edges = Frame::new(inside, &ruler, (0.0, 1.0), Scale::Linear, LABELS).edges().to_vec();
    let less = |at: usize, edges: &[u64]| -> Vec<Extent> {
        let points = &loaded.placed[at];
        let ends = [points, base].map(|points| points.at().last().unwrap_or(0));
        let until = ends[0].min(ends[1]);
        let value = |edge: &u64| {
            let (one, other) = (points.last_before(*edge)?, base.last_before(*edge)?);
            Some(Extent::of(one - other)).filter(|_| *edge <= until + 1)
        };
        edges.iter().skip(1).map(|edge| value(edge).unwrap_or(Extent::EMPTY)).collect()
    };
    let curves: Vec<Vec<Extent>> = others.iter().map(|at| less(*at, &edges)).collect();
    let all = curves.iter().flatten().fold(Extent::of(0.0), |all, extent| all.join(*extent));
    let y = Scale::Linear.round_out(all.min.into(), all.max.into());
    let plot = Frame::new(inside, &ruler, y, Scale::Linear, LABELS);
    // The gutter is as wide as its labels: the pixel columns may be others now.
    let traces: Vec<Trace> = others
        .iter()
        .map(|at| {
            let columns = less(*at, plot.edges());
            let until = board.crosshair.map_or(usize::MAX, |at| plot.columns_before(at + 1));
            let last = columns.iter().take(until).rev().find(|extent| extent.has_values());
            let label = last.map(|last| format!("{} {}", Board::letter(*at), signed(last.max.into())));
            Trace { columns, pen: pen(board, *at), style: style(board, *at), label, join: Join::Line }
        })
        .collect();
    draw(board, loaded, plot, &traces, inside, buffer);
}

/// The colour of a session's curve and letter.
pub(super) fn style(board: &Board, at: usize) -> Style {
    let theme = &board.theme;
    let plain = Style::new();
    if *theme == Theme::mono() {
        return if at == board.chosen { plain.add_modifier(Modifier::BOLD) } else { plain };
    }
    let colours = [
        theme.training.fg,
        theme.validation.fg,
        theme.learning_rate.fg,
        theme.weight_decay.fg,
        Some(Color::Yellow),
        Some(Color::Green),
        theme.batches.fg,
    ];
    let colour = colours[at % colours.len()].unwrap_or(Color::Reset);
    let style = plain.fg(colour);
    if at == board.chosen { style.add_modifier(Modifier::BOLD) } else { style }
}

/// Where colours do not tell curves apart, letters do.
fn pen(board: &Board, at: usize) -> Pen {
    match board.theme == Theme::mono() {
        true => Pen::Letter(Board::letter(at)),
        false => Pen::among(board.glyphs, Some(Board::letter(at))),
    }
}

fn frame(board: &Board, title: &str, settings: &str, area: Rect, buffer: &mut Buffer) -> Rect {
    let mut block = Block::bordered().border_type(BorderType::Rounded).border_style(board.theme.quiet);
    block = block.title(Span::styled(format!(" {title} "), board.theme.strong));
    if !settings.is_empty() {
        block = block.title(Line::styled(format!(" {settings} "), board.theme.quiet).right_aligned());
    }
    let inside = block.inner(area);
    block.render(area, buffer);
    inside
}

/// The curves, or a line about why there are none.
fn loaded<'a>(board: &'a Board, inside: Rect, buffer: &mut Buffer) -> Option<&'a Loaded> {
    let (text, style) = match &board.curves {
        Curves::Here(loaded) => return Some(loaded),
        Curves::None => ("there is no curve that could be shown".to_owned(), board.theme.quiet),
        Curves::Loading => ("reading …".to_owned(), board.theme.quiet),
        Curves::Failed(reason) => (printable(reason).into_owned(), board.theme.warning),
    };
    buffer.set_stringn(inside.x + 1, inside.y, text, inside.width.into(), style);
    None
}

/// The places that are shown.
fn shown(board: &Board, loaded: &Loaded) -> Range<u64> {
    match board.window.stretch {
        Stretch::Whole => 0..round_count(loaded.end()).saturating_add(1),
        _ => board.window.steps(loaded.end().saturating_add(1), None),
    }
}

/// The place before which values are read out.
fn readout(board: &Board) -> u64 {
    board.crosshair.map_or(u64::MAX, |at| at.saturating_add(1))
}

/// Where values are read out, and by what curves are put side by side.
fn place(board: &Board) -> String {
    let read = match (board.crosshair, &board.curves) {
        (Some(at), Curves::Here(loaded)) => format!("at {} · ", loaded.places.told(at)),
        _ => String::new(),
    };
    format!("{read}by {}", board.align)
}

fn draw(board: &Board, loaded: &Loaded, frame: Frame, traces: &[Trace], area: Rect, buffer: &mut Buffer) {
    let marks = marks(board, loaded);
    let theme = &board.theme;
    let plot = Plot {
        frame,
        traces,
        marks: &marks,
        notches: &[],
        grid: Grid::among(board.glyphs),
        crosshair: board.crosshair,
        marked: None,
        quiet: theme.quiet,
        strong: theme.strong,
        warning: theme.warning,
    };
    plot.render(area, buffer);
}

/// The edits of the sessions that are drawn, each with its session's letter.
fn marks(board: &Board, loaded: &Loaded) -> Vec<Mark> {
    let mut marks = Vec::new();
    for at in board.drawn() {
        let edits = &board.contest.entrants[at].edits;
        marks.extend((1..).zip(edits).filter_map(|(number, edit)| {
            let sign = format!("{}{}", Board::letter(at), board.glyphs.edit(number));
            let text = printable(&edit.describe(digits::near)).into_owned();
            let place = loaded.place_of(at, edit)?;
            Some(Mark { at: place, sign, text, style: style(board, at), guide: Guide::Line })
        }));
    }
    marks.sort_by_key(|mark| mark.at);
    marks
}

fn signed(value: f64) -> String {
    if value > 0.0 { format!("+{}", digits::three(value)) } else { digits::three(value) }
}
