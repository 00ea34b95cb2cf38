//! A chart on the cells of the screen.

#[cfg(test)]
mod tests;

use std::ops::Range;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::widgets::Widget;

use super::dots::{self, Dots, Pen};
pub use crate::chart::Guide;
use crate::chart::{self, Chart, Frame, Run, Sheet, Side, Surface};
use crate::tui::glyphs::Glyphs;

/// Cells from one dot of the grid to the next, and what stands there.
const GRID: u16 = 4;
const DOT: &str = "·";

/// A series on the screen.
pub type Trace = chart::Trace<Pen, Style>;

/// A mark on the screen.
pub type Mark = chart::Mark<Style>;

/// A chart with what only a screen has: a crosshair, and a stretch that is being marked.
#[derive(Debug)]
pub struct Plot<'a> {
    /// Where everything goes.
    pub frame: Frame,
    /// The series, the most important one last.
    pub traces: &'a [Trace],
    /// Vertical marks, in the order of their steps.
    pub marks: &'a [Mark],
    /// Steps with a tick of their own on the x axis.
    pub notches: &'a [u64],
    /// What is behind the curves.
    pub grid: Grid,
    /// The step whose values the labels tell, instead of the last.
    pub crosshair: Option<u64>,
    /// Steps that are being marked.
    pub marked: Option<Range<u64>>,
    /// Axes and their labels.
    pub quiet: Style,
    /// The crosshair, and what is marked.
    pub strong: Style,
    /// The sign of values that are not finite.
    pub warning: Style,
}

/// What is behind the curves.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Grid {
    /// Nothing.
    #[default]
    None,
    /// Sparse dots at the height of each tick.
    Dots,
}

impl Grid {
    /// The grid among these characters: where curves are letters and dots themselves, more of them would be read as
    /// curves.
    pub fn among(glyphs: Glyphs) -> Self {
        if glyphs == Glyphs::Ascii { Grid::None } else { Grid::Dots }
    }
}

impl From<Rect> for Sheet {
    fn from(area: Rect) -> Sheet {
        Sheet {
            x: area.x..area.right(),
            y: area.y..area.bottom(),
            head: 0,
            gutter: 0,
            letter: (1, 1),
            pixels: (dots::COLUMNS as u16, dots::ROWS as u16),
        }
    }
}

impl Widget for &Plot<'_> {
    fn render(self, area: Rect, buffer: &mut Buffer) {
        let (x, y) = (self.frame.plot_x(), self.frame.plot_y());
        let plot = Rect::new(x.start, y.start, x.len() as u16, y.len() as u16);
        if plot.is_empty() || plot.intersection(area).intersection(buffer.area) != plot {
            return;
        }
        let chart = Chart {
            frame: &self.frame,
            traces: self.traces,
            marks: self.marks,
            notches: self.notches,
            told: self.crosshair,
            quiet: self.quiet,
        };
        let mut cells = Cells { look: self, plot, buffer, words: Vec::new() };
        chart.draw(&mut cells);
        cells.crosshair();
        cells.marked();
    }
}

/// The cells that a chart is drawn on.
struct Cells<'a> {
    look: &'a Plot<'a>,
    plot: Rect,
    buffer: &'a mut Buffer,
    /// What words take of the plot's first line, their blanks included.
    words: Vec<Range<u16>>,
}

impl Cells<'_> {
    /// Writes one character. Going through a line of text for it costs more than the rest of a chart.
    fn put(&mut self, x: u16, y: u16, symbol: &str, style: Style) {
        if let Some(cell) = self.buffer.cell_mut((x, y)) {
            cell.set_symbol(symbol).set_style(style);
        }
    }

    /// Writes one character of the x axis.
    fn put_below(&mut self, x: u16, symbol: &str, style: Style) {
        self.put(x, self.plot.bottom(), symbol, style);
    }

    fn symbol(&self, x: u16, y: u16) -> &str {
        self.buffer.cell((x, y)).map_or("", |cell| cell.symbol())
    }

    /// A line through all of the chart, behind its curves.
    fn crosshair(&mut self) {
        let Some(column) = self.look.crosshair.and_then(|step| self.look.frame.column(step)) else { return };
        let x = self.look.frame.x_of(column);
        for y in self.plot.y..self.plot.bottom() {
            let is_word = y == self.plot.y && self.words.iter().any(|word| word.contains(&x));
            if !is_word && matches!(self.symbol(x, y), " " | "┊" | DOT) {
                self.put(x, y, "┃", self.look.strong);
            }
        }
        self.put_below(x, "▲", self.look.strong);
    }

    /// A heavy line under what is marked.
    fn marked(&mut self) {
        let Some(Range { start, end }) = self.look.marked else { return };
        let x = |step| Some(self.look.frame.x_of(self.look.frame.column(step)?));
        if let (Some(first), Some(last)) = (x(start), x(end.saturating_sub(1))) {
            (first..=last).for_each(|x| self.put_below(x, "━", self.look.strong));
        }
    }
}

impl Surface for Cells<'_> {
    type Pen = Pen;
    type Style = Style;

    fn axes(&mut self) {
        let line = self.plot.x - 1;
        for y in self.plot.y..self.plot.bottom() {
            self.put(line, y, "│", self.look.quiet);
        }
        self.put_below(line, "└", self.look.quiet);
        for x in self.plot.x..self.plot.right() {
            self.put_below(x, "─", self.look.quiet);
        }
    }

    fn tick_y(&mut self, row: usize) {
        let y = self.look.frame.y_of(row);
        self.put(self.plot.x - 1, y, "┤", self.look.quiet);
        if self.look.grid == Grid::Dots {
            for x in (self.plot.x + GRID / 2..self.plot.right()).step_by(GRID.into()) {
                self.put(x, y, DOT, self.look.quiet);
            }
        }
    }

    fn tick_x(&mut self, share: f64) {
        let x = self.look.frame.x_of_share(share);
        let sign = if self.symbol(x, self.plot.bottom()) == "┴" { "┼" } else { "┬" };
        self.put_below(x, sign, self.look.quiet);
    }

    fn notch(&mut self, column: usize) {
        self.put_below(self.look.frame.x_of(column), "┴", self.look.quiet);
    }

    fn mark(&mut self, column: usize, style: &Style) {
        let x = self.look.frame.x_of(column);
        for y in self.plot.y..self.plot.bottom() {
            self.put(x, y, "┊", *style);
        }
    }

    fn curve(&mut self, runs: impl Iterator<Item = Run>, trace: &Trace) {
        let mut dots = Dots::new(self.plot.width, self.plot.height);
        let mut before: Option<Run> = None;
        for run in runs {
            dots.run(run.x, run.top, run.bottom);
            if let Some(left) = before.filter(|_| run.joined) {
                // From the nearest end of one run to the nearest end of the other.
                let from = run.bottom.clamp(left.top, left.bottom);
                let to = from.clamp(run.top, run.bottom);
                let from = to.clamp(left.top, left.bottom);
                if run.x > left.x + 1 || from.abs_diff(to) > 1 {
                    dots.line((left.x, from), (run.x, to));
                }
            }
            before = Some(run);
        }
        dots.render(self.plot, self.buffer, trace.pen, trace.style);
    }

    fn gap(&mut self, column: usize) {
        self.put(self.look.frame.x_of(column), self.plot.y, "×", self.look.warning);
    }

    fn is_blank(&self, place: Range<u16>) -> bool {
        place.into_iter().all(|x| matches!(self.symbol(x, self.plot.y), " " | DOT))
    }

    fn write(&mut self, place: Range<u16>, y: u16, _: Side, text: &str, style: &Style) {
        // Of a cell nothing is narrower than a letter: the sides of a place are the words' own.
        self.buffer.set_stringn(place.start, y, text, place.len(), *style);
        if y == self.plot.y {
            self.words.push(place);
        }
    }

    fn label(&mut self, place: Range<u16>, y: u16, text: &str, trace: &Trace) {
        self.write(place, y, Side::Left, text, &trace.style);
    }
}
