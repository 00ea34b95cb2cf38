//! A curve in one row of cells.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::widgets::Widget;

use super::dots::{Dots, Pen};
use crate::series::Extent;

/// A curve on its own scale, from its smallest to its largest value.
#[derive(Debug)]
pub struct Sparkline<'a> {
    /// One extent for each pixel column, two to a cell.
    pub columns: &'a [Extent],
    /// What it is drawn with.
    pub pen: Pen,
    /// How it looks.
    pub style: Style,
}

impl Widget for Sparkline<'_> {
    fn render(self, area: Rect, buffer: &mut Buffer) {
        let area = Rect { height: area.height.min(1), ..area }.intersection(buffer.area);
        let all = self.columns.iter().copied().fold(Extent::EMPTY, Extent::join);
        if area.is_empty() || !all.has_values() {
            return;
        }
        let mut dots = Dots::new(area.width, 1);
        // A change of less than a thousandth is no trend: it lies flat in the middle.
        let span = (all.max - all.min).max(all.max.abs() * 1e-3);
        let middle = (all.max + all.min) / 2.0;
        for (x, extent) in self.columns.iter().enumerate().filter(|(_, extent)| extent.has_values()) {
            let row = |value: f32| (1.5 - 3.0 * (value - middle) / span).clamp(0.0, 3.0).round() as usize;
            dots.run(x, row(extent.max), row(extent.min));
        }
        dots.render(area, buffer, self.pen, self.style);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draw(width: u16, values: &[f32]) -> Buffer {
        let mut buffer = Buffer::empty(Rect::new(0, 0, width, 1));
        let columns: Vec<_> = values.iter().map(|value| Extent::of(*value)).collect();
        Sparkline { columns: &columns, pen: Pen::Braille, style: Style::new() }.render(buffer.area, &mut buffer);
        buffer
    }

    #[test]
    fn a_trend_fills_its_row() {
        assert_eq!(draw(4, &[0.0, 1.0, 2.0, 3.0, 3.0, 2.0, 1.0, 0.0]), Buffer::with_lines(["⡠⠊⠑⢄"]));
        assert_eq!(draw(2, &[5.0; 4]), Buffer::with_lines(["⠤⠤"]));
    }

    #[test]
    fn nothing_is_drawn_where_nothing_is_finite_or_no_room() {
        assert_eq!(draw(2, &[f32::NAN; 4]), Buffer::with_lines(["  "]));
        assert_eq!(draw(0, &[1.0]), Buffer::empty(Rect::new(0, 0, 0, 1)));
        assert_eq!(draw(1, &[1.0, 2.0, 3.0, 4.0]), Buffer::with_lines(["⡠"]));
    }
}
