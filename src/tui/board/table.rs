//! The tables of a comparison.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};
use ratatui::text::{Line, Span};
use unicode_width::UnicodeWidthStr;

use super::{Board, Entrant, Table, chart};
use crate::stream::{Edit, printable};
use crate::tui::digits;

/// The widest that a name and a value of a setting get.
const WIDEST: usize = 24;

/// Columns of a measure, besides a blank before it and the mark of the best behind it; those of what stands beside a
/// session's name.
const MEASURE: usize = 9;
const BESIDE: usize = 26;

/// The sessions, one on a line, the best of each value marked.
pub(super) fn sessions(board: &Board, area: Rect, buffer: &mut Buffer) {
    let listed = board.listed();
    let all = &board.contest.entrants;
    let shown: usize = area.height.saturating_sub(1).into();
    let at = listed.iter().position(|at| *at == board.chosen).unwrap_or(0);
    let first = (at + 1).saturating_sub(shown);
    let name_width = listed.iter().map(|at| all[*at].name.width()).max().unwrap_or(0).clamp(7, WIDEST);
    let mut measures = measures().to_vec();
    if board.only_differences().is_some() && listed.len() > 1 {
        measures.retain(|measure| measure.differs(all, &listed));
    }
    // Whole columns only: half a number is another number.
    let room = usize::from(area.width).saturating_sub(name_width + BESIDE);
    measures.truncate(room / (MEASURE + 2));
    let head = measures.iter().map(|measure| format!(" {:>MEASURE$} ", measure.title));
    let head = format!("     {:<name_width$}  {:<9}{:>10}{}", "session", "state", "steps", head.collect::<String>());
    buffer.set_stringn(area.x, area.y, head, area.width.into(), board.theme.quiet);
    let best: Vec<Option<f64>> = measures.iter().map(|measure| measure.best(all, &listed)).collect();
    for (y, at) in (area.y + 1..area.bottom()).zip(listed.iter().skip(first)) {
        let entrant = &all[*at];
        let chosen = if *at == board.chosen { "▸" } else { " " };
        let base = if board.baseline == Some(*at) { "*" } else { " " };
        let letter_style = chart::style(board, *at);
        let style = match (board.hidden.contains(at), *at == board.chosen) {
            (true, _) => board.theme.quiet,
            (false, true) => Style::new().add_modifier(Modifier::BOLD),
            (false, false) => Style::new(),
        };
        let name = fitted(&printable(&entrant.name), name_width);
        let mut line = Line::from(vec![
            Span::raw(chosen),
            Span::styled(format!("{}", if board.hidden.contains(at) { '·' } else { Board::letter(*at) }), letter_style),
            Span::styled(
                format!("{base}  {name}  {:<9}{:>10}", entrant.state, digits::thousands(entrant.steps)),
                style,
            ),
        ]);
        for (measure, best) in measures.iter().zip(&best) {
            let value = (measure.value)(entrant);
            let shown = value.map_or("—".into(), measure.show);
            let is_best = value.is_some() && value == *best;
            let shown = if is_best { format!("{shown}*") } else { format!("{shown} ") };
            let style = if is_best { style.add_modifier(Modifier::BOLD) } else { style };
            line.push_span(Span::styled(format!(" {shown:>width$}", width = MEASURE + 1), style));
        }
        buffer.set_line(area.x, y, &line, area.width);
    }
}

/// A value of every session.
#[derive(Clone)]
struct Measure {
    title: &'static str,
    value: fn(&Entrant) -> Option<f64>,
    show: fn(f64) -> String,
    better: Better,
}

#[derive(Clone, Copy)]
enum Better {
    Lower,
    Higher,
    Neither,
}

fn measures() -> [Measure; 5] {
    let measure = |title, value, show, better| Measure { title, value, show, better };
    [
        measure("best loss", |it: &Entrant| it.best_loss.map(|best| best.0), digits::three, Better::Lower),
        measure("best acc.", |it: &Entrant| it.best_accuracy.map(|best| best.0), digits::share, Better::Higher),
        measure("end loss", |it: &Entrant| it.loss, digits::three, Better::Lower),
        measure("end acc.", |it: &Entrant| it.accuracy, digits::share, Better::Higher),
        measure("penalty", |it: &Entrant| it.penalty, digits::three, Better::Neither),
    ]
}

impl Measure {
    /// Whether those listed do not all have the same, as it is shown.
    fn differs(&self, all: &[Entrant], listed: &[usize]) -> bool {
        let shown = |at: &usize| (self.value)(&all[*at]).map(self.show);
        listed.windows(2).any(|pair| shown(&pair[0]) != shown(&pair[1]))
    }

    /// The best value of those listed, where there are two to choose from.
    fn best(&self, all: &[Entrant], listed: &[usize]) -> Option<f64> {
        let values: Vec<f64> =
            listed.iter().filter_map(|at| (self.value)(&all[*at])).filter(|value| !value.is_nan()).collect();
        match self.better {
            _ if values.len() < 2 => None,
            Better::Lower => values.into_iter().reduce(f64::min),
            Better::Higher => values.into_iter().reduce(f64::max),
            Better::Neither => None,
        }
    }
}

/// What the table under that of the sessions shows: settings that differ, or edits side by side, a value for each
/// session that is listed. Where nothing but differences is shown, what all of them share is left out, and `=` stands
/// for what the baseline has too.
pub(super) fn rows(board: &Board) -> Vec<(String, Vec<String>)> {
    let listed = board.listed();
    let contest = &board.contest;
    let mut rows: Vec<(String, Vec<String>)> = match board.table {
        Table::Settings => {
            let row = |(key, values): &(String, Vec<Option<String>>)| {
                let values = listed.iter().map(|at| values[*at].clone().unwrap_or_else(|| "—".into())).collect();
                (key.clone(), values)
            };
            contest.settings.iter().map(row).collect()
        }
        Table::Edits => {
            let tell = |edit: &Option<Edit>| edit.as_ref().map_or("—".into(), |edit| edit.describe(digits::near));
            let row = |(step, edits): &(u64, Vec<Option<Edit>>)| {
                (digits::thousands(*step), listed.iter().map(|at| tell(&edits[*at])).collect())
            };
            contest.edits.iter().map(row).collect()
        }
    };
    if let Some(baseline) = board.only_differences() {
        rows.retain(|(_, values)| values.windows(2).any(|pair| pair[0] != pair[1]));
        if let Some(base) = listed.iter().position(|at| *at == baseline) {
            for (_, values) in &mut rows {
                let its = values[base].clone();
                let same = values.iter_mut().enumerate().filter(|(at, value)| *at != base && **value == its);
                same.for_each(|(_, value)| *value = "=".into());
            }
        }
    }
    rows
}

/// That table, a column for each session.
pub(super) fn details(board: &Board, area: Rect, buffer: &mut Buffer) {
    let listed = board.listed();
    let rows = rows(board);
    let first = match board.table {
        Table::Settings => "setting",
        Table::Edits => "step",
    };
    if rows.is_empty() {
        let text = match board.table {
            Table::Settings => "all settings are the same   Tab: edits",
            Table::Edits if board.contest.edits.is_empty() => "nobody made an edit   Tab: settings",
            Table::Edits => "all edits are the same   Tab: settings",
        };
        buffer.set_stringn(area.x + 1, area.y, text, area.width.saturating_sub(1).into(), board.theme.quiet);
        return;
    }
    let key_width = rows.iter().map(|(key, _)| key.width()).max().unwrap_or(0).clamp(first.len(), WIDEST);
    let widths: Vec<usize> = (0..listed.len())
        .map(|column| rows.iter().map(|(_, values)| values[column].width()).max().unwrap_or(0).clamp(3, WIDEST))
        .collect();
    let mut head = vec![Span::styled(format!(" {first:<key_width$}"), board.theme.quiet)];
    for (at, width) in listed.iter().zip(&widths) {
        head.push(Span::styled(format!("  {:<width$}", Board::letter(*at)), chart::style(board, *at)));
    }
    buffer.set_line(area.x, area.y, &Line::from(head), area.width);
    for (y, (key, values)) in (area.y + 1..area.bottom()).zip(rows.iter().skip(board.scrolled)) {
        let values =
            values.iter().zip(&widths).map(|(value, width)| format!("  {}", fitted(&printable(value), *width)));
        let text = format!(" {}{}", fitted(&printable(key), key_width), values.collect::<String>());
        buffer.set_stringn(area.x, y, text, area.width.into(), Style::new());
    }
}

/// Text in so many columns, filled up, or cut with a sign that it was.
fn fitted(text: &str, width: usize) -> String {
    if text.width() <= width {
        return format!("{text}{}", " ".repeat(width - text.width()));
    }
    let mut cut = String::new();
    for c in text.chars() {
        if cut.width() + c.to_string().width() + 1 > width {
            break;
        }
        cut.push(c);
    }
    let blank = width.saturating_sub(cut.width() + 1);
    format!("{cut}…{}", " ".repeat(blank))
}
