//! Dots, eight to a cell.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::symbols::braille::BRAILLE;
use ratatui::symbols::pixel::OCTANTS;

use crate::tui::glyphs::Glyphs;

/// Dots of a cell side by side, and over each other.
pub const COLUMNS: usize = 2;
pub const ROWS: usize = 4;

/// What stands in a cell for its dots.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pen {
    /// Each dot a dot.
    Braille,
    /// Each dot an eighth of the cell.
    Octant,
    /// One of four characters of ASCII, by the height of its highest dot.
    Height,
    /// This character, where there is any dot.
    Letter(char),
}

impl Pen {
    /// The pen for a curve that has its cells to itself.
    pub fn alone(glyphs: Glyphs) -> Self {
        Pen::among(glyphs, None)
    }

    /// The pen for one of several curves, known by a letter where dots cannot be told apart.
    pub fn among(glyphs: Glyphs, letter: Option<char>) -> Self {
        match (glyphs, letter) {
            (Glyphs::Braille, _) => Pen::Braille,
            (Glyphs::Octant, _) => Pen::Octant,
            (Glyphs::Ascii, None) => Pen::Height,
            (Glyphs::Ascii, Some(letter)) => Pen::Letter(letter),
        }
    }

    fn draw(self, mask: u8) -> char {
        match self {
            Pen::Braille => BRAILLE[usize::from(mask)],
            Pen::Octant => OCTANTS[usize::from(mask)],
            Pen::Height if mask & 0b11 != 0 => '\'',
            Pen::Height if mask & 0b1100 != 0 => '-',
            Pen::Height if mask & 0b11_0000 != 0 => '.',
            Pen::Height => '_',
            Pen::Letter(letter) => letter,
        }
    }
}

/// A grid of dots, two columns and four rows to a cell.
#[derive(Debug, Clone)]
pub struct Dots {
    width: usize,
    cells: Vec<u8>,
}

impl Dots {
    /// No dot yet, on `width` × `height` cells.
    pub fn new(width: u16, height: u16) -> Self {
        Dots { width: width.into(), cells: vec![0; usize::from(width) * usize::from(height)] }
    }

    /// Sets a dot; outside the grid it does nothing.
    pub fn set(&mut self, x: usize, y: usize) {
        if x / COLUMNS < self.width
            && let Some(cell) = self.cells.get_mut(y / ROWS * self.width + x / COLUMNS)
        {
            *cell |= 1 << (x % COLUMNS + COLUMNS * (y % ROWS));
        }
    }

    /// Sets the dots of one column from one row down to another; what is outside the grid counts for nothing.
    pub fn run(&mut self, x: usize, top: usize, bottom: usize) {
        if x / COLUMNS >= self.width {
            return;
        }
        let column = 0b0101_0101 << (x % COLUMNS);
        for row in top / ROWS..=bottom / ROWS {
            let above = top.saturating_sub(row * ROWS);
            let below = (row * ROWS + ROWS - 1).saturating_sub(bottom);
            let Some(cell) = self.cells.get_mut(row * self.width + x / COLUMNS) else { return };
            *cell |= column & (0xff << (above * COLUMNS)) & (0xff >> (below * COLUMNS));
        }
    }

    /// Sets the dots between two, both included.
    pub fn line(&mut self, (x0, y0): (usize, usize), (x1, y1): (usize, usize)) {
        let (width, height) = (x1 as f64 - x0 as f64, y1 as f64 - y0 as f64);
        let steps = width.abs().max(height.abs());
        for step in 0..=steps as usize {
            let share = if steps > 0.0 { step as f64 / steps } else { 0.0 };
            self.set((x0 as f64 + share * width).round() as usize, (y0 as f64 + share * height).round() as usize);
        }
    }

    /// Draws the cells that have dots, over whatever is there.
    ///
    /// A cell shows the dots of one grid only, the last drawn: two curves never blend into a third shape.
    pub fn render(&self, area: Rect, buffer: &mut Buffer, pen: Pen, style: Style) {
        let rows = self.cells.chunks(self.width.max(1)).take(area.height.into());
        for (y, row) in (area.y..).zip(rows) {
            for (x, mask) in (area.x..area.right()).zip(row) {
                if *mask != 0
                    && let Some(cell) = buffer.cell_mut((x, y))
                {
                    cell.reset();
                    cell.set_char(pen.draw(*mask)).set_style(style);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draw(pen: Pen) -> Buffer {
        let mut dots = Dots::new(4, 1);
        dots.line((0, 3), (7, 0));
        let mut buffer = Buffer::empty(Rect::new(0, 0, 4, 1));
        dots.render(buffer.area, &mut buffer, pen, Style::new());
        buffer
    }

    #[test]
    fn a_run_is_its_dots_and_what_is_outside_counts_for_nothing() {
        for (x, top, bottom) in [(0, 0, 0), (1, 0, 11), (2, 3, 4), (3, 5, 10), (3, 9, 40), (4, 0, 3), (9, 2, 2)] {
            let (mut run, mut dots) = (Dots::new(2, 3), Dots::new(2, 3));
            run.run(x, top, bottom);
            (top..=bottom).for_each(|y| dots.set(x, y));
            assert_eq!(run.cells, dots.cells, "{x}: {top} to {bottom}");
        }
        for (width, height) in [(0, 0), (1, 0), (0, 1)] {
            let mut none = Dots::new(width, height);
            none.run(0, 0, 3);
            let mut buffer = Buffer::empty(Rect::new(0, 0, 1, 1));
            none.render(Rect::new(0, 0, width, height), &mut buffer, Pen::Braille, Style::new());
            assert_eq!(buffer, Buffer::with_lines([" "]));
        }
        let mut one = Dots::new(1, 1);
        one.run(0, 0, 3);
        let mut buffer = Buffer::empty(Rect::new(0, 0, 1, 1));
        one.render(buffer.area, &mut buffer, Pen::Braille, Style::new());
        assert_eq!(buffer, Buffer::with_lines(["⡇"]));
    }

    /// The same dots as the line of braille has.
    const OCTANT_LINE: &str = "▂𜴧𜴆🮂";

    #[test]
    fn every_pen_draws_the_same_line() {
        assert_eq!(draw(Pen::Braille), Buffer::with_lines(["⣀⠤⠒⠉"]));
        assert_eq!(draw(Pen::Octant), Buffer::with_lines([OCTANT_LINE]));
        assert_eq!(draw(Pen::Height), Buffer::with_lines(["_.-'"]));
        assert_eq!(draw(Pen::Letter('v')), Buffer::with_lines(["vvvv"]));
    }
}
