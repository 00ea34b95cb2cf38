//! A table in three forms: aligned text, Markdown, CSV.

use unicode_width::UnicodeWidthStr;

use crate::stream::printable;

/// Space between columns.
const GAP: &str = "  ";

/// A cell: what a reader sees, and the value itself for other programs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Cell {
    shown: String,
    exact: String,
    mark: Mark,
}

/// Whether a cell is the best of its row.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Mark {
    /// It is not, or there is no best.
    #[default]
    Plain,
    /// It is: `*`.
    Best,
}

impl Cell {
    /// Text, made fit for a terminal where it is shown on one.
    pub(super) fn text(text: impl Into<String>) -> Cell {
        let exact = text.into();
        Cell { shown: printable(&exact).into_owned(), exact, mark: Mark::Plain }
    }

    /// A value that is shown shorter than it is.
    pub(super) fn value(shown: String, exact: impl ToString) -> Cell {
        Cell { shown, exact: exact.to_string(), mark: Mark::Plain }
    }

    /// A value that a session does not have.
    pub(super) fn missing() -> Cell {
        Cell { shown: "-".into(), ..Cell::default() }
    }

    /// The cell with text before it, for a table that joins several.
    pub(super) fn prefixed(&self, prefix: &str) -> Cell {
        Cell { shown: format!("{prefix}{}", self.shown), exact: format!("{prefix}{}", self.exact), mark: self.mark }
    }

    pub(super) fn marked(self, mark: Mark) -> Cell {
        Cell { mark, ..self }
    }
}

/// On which side of a column its cells stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    /// Text.
    Left,
    /// Numbers.
    Right,
}

/// Rows of cells; the first row is the header.
#[derive(Debug, Clone, Default)]
pub(super) struct Table {
    pub(super) sides: Vec<Side>,
    pub(super) rows: Vec<Vec<Cell>>,
}

impl Table {
    /// Columns aligned by width on the screen. Where a column has a marked cell its others leave room for the mark.
    pub(super) fn to_text(&self) -> String {
        let columns: Vec<Column> = (0..self.sides.len()).map(|at| self.measure(at)).collect();
        let mut text = String::new();
        for row in &self.rows {
            let mut line = String::new();
            for (cell, column) in row.iter().zip(&columns) {
                let padding = " ".repeat(column.width.saturating_sub(cell.shown.width()));
                let mark = match (column.marks, cell.mark) {
                    (Mark::Plain, _) => "",
                    (Mark::Best, Mark::Plain) => " ",
                    (Mark::Best, Mark::Best) => "*",
                };
                match column.side {
                    Side::Left => line.extend([cell.shown.as_str(), mark, &padding, GAP]),
                    Side::Right => line.extend([padding.as_str(), &cell.shown, mark, GAP]),
                }
            }
            text.push_str(line.trim_end());
            text.push('\n');
        }
        text
    }

    /// A GitHub table; the best is bold.
    pub(super) fn to_markdown(&self) -> String {
        let mut text = String::new();
        for (at, row) in self.rows.iter().enumerate() {
            for cell in row {
                let shown = cell.shown.replace('|', "\\|");
                text.push_str(&match cell.mark {
                    Mark::Plain => format!("| {shown} "),
                    Mark::Best => format!("| **{shown}** "),
                });
            }
            text.push_str("|\n");
            if at == 0 {
                text.extend(self.sides.iter().map(|side| match side {
                    Side::Left => "| --- ",
                    Side::Right => "| ---: ",
                }));
                text.push_str("|\n");
            }
        }
        text
    }

    /// The values as they are, quoted as RFC 4180 has it.
    pub(super) fn to_csv(&self) -> String {
        let quoted = |cell: &Cell| {
            if cell.exact.contains([',', '"', '\n', '\r']) {
                format!("\"{}\"", cell.exact.replace('"', "\"\""))
            } else {
                cell.exact.clone()
            }
        };
        self.rows.iter().map(|row| row.iter().map(quoted).collect::<Vec<_>>().join(",") + "\n").collect()
    }

    fn measure(&self, at: usize) -> Column {
        let cells = || self.rows.iter().filter_map(move |row| row.get(at));
        Column {
            side: self.sides[at],
            width: cells().map(|cell| cell.shown.width()).max().unwrap_or(0),
            marks: cells().map(|cell| cell.mark).find(|mark| *mark == Mark::Best).unwrap_or_default(),
        }
    }
}

struct Column {
    side: Side,
    width: usize,
    /// Best where any cell is.
    marks: Mark,
}

/// A number with so many significant digits.
pub(super) fn significant(value: f64, digits: i32) -> String {
    if value == 0.0 || !value.is_finite() {
        return value.to_string();
    }
    let magnitude = value.abs().log10().floor() as i32;
    if !(-4..=6).contains(&magnitude) {
        return format!("{value:.*e}", (digits - 1).max(0) as usize);
    }
    format!("{value:.*}", (digits - 1 - magnitude).max(0) as usize)
}

/// A number as it is, in its shorter form.
pub(super) fn plain(value: f64) -> String {
    let (decimal, scientific) = (value.to_string(), format!("{value:e}"));
    if decimal.len() <= scientific.len() + 2 { decimal } else { scientific }
}

/// A number in its shorter form, without digits that nobody typed.
pub(super) fn brief(value: f64) -> String {
    plain(format!("{value:.5e}").parse().unwrap_or(value))
}

/// Text of at most `width` columns, its middle replaced by `…`: names differ at either end.
pub(super) fn shortened(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let keep = width.saturating_sub(1);
    let head = fitting(text.chars(), keep - keep / 2);
    let tail = fitting(text.chars().rev(), keep / 2);
    format!("{head}…{}", tail.chars().rev().collect::<String>())
}

/// The first characters that fit.
fn fitting(chars: impl Iterator<Item = char>, width: usize) -> String {
    let mut text = String::new();
    for c in chars {
        text.push(c);
        if text.width() > width {
            text.pop();
            break;
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_align_by_width_on_the_screen_and_leave_room_for_marks() {
        let table = Table {
            sides: vec![Side::Left, Side::Right, Side::Right],
            rows: vec![
                vec![Cell::text("λ"), Cell::text("重み"), Cell::text("b")],
                vec![Cell::text("norm"), Cell::text("1.5").marked(Mark::Best), Cell::text("12\x1b[2J")],
            ],
        };
        assert_eq!(table.to_text(), "λ     重み        b\nnorm   1.5*  12\u{FFFD}[2J\n");
        assert_eq!(
            table.to_markdown(),
            "| λ | 重み | b |\n| --- | ---: | ---: |\n| norm | **1.5** | 12\u{FFFD}[2J |\n"
        );
    }

    #[test]
    fn csv_quotes_what_needs_it() {
        let table = Table {
            sides: vec![Side::Left; 2],
            rows: vec![vec![Cell::text("a,\"b\""), Cell::value("0.33".into(), 1.0 / 3.0)]],
        };
        assert_eq!(table.to_csv(), "\"a,\"\"b\"\"\",0.3333333333333333\n");
    }

    #[test]
    fn numbers_are_as_long_as_they_need() {
        for (value, shown) in [
            (0.71234, "0.7123"),
            (28.1234, "28.12"),
            (12345.6, "12346"),
            (0.0, "0"),
            (0.000123456, "0.0001235"),
            (1e-7, "1.000e-7"),
            (3.2e9, "3.200e9"),
            (f64::NAN, "NaN"),
            (f64::NEG_INFINITY, "-inf"),
        ] {
            assert_eq!(significant(value, 4), shown);
        }
        assert_eq!([0.0, 3.0, 0.001, 1e-7, 0.1 + 0.2].map(plain), ["0", "3", "0.001", "1e-7", "0.30000000000000004"]);
        assert_eq!([0.0, 1e-7, 0.1 + 0.2, f64::NAN].map(brief), ["0", "1e-7", "0.3", "NaN"]);
        assert_eq!(shortened("lambda-sweep-0.001-seed-1", 15), "lambda-…-seed-1");
        assert_eq!(shortened("短い名前", 5), "短…前");
    }
}
