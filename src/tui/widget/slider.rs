//! A value on a logarithmic scale: `1e-6 ├──────●───┤ 100`.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::widgets::Widget;

/// Where a value lies between two ends, and where it is about to go.
#[derive(Debug)]
pub struct Slider {
    /// The ends, both above 0; what lies beyond them is shown at them, 0 too.
    pub ends: (f64, f64),
    /// The value.
    pub value: f64,
    /// The value to come.
    pub wanted: Option<f64>,
    /// The line.
    pub quiet: Style,
    /// The knobs.
    pub style: Style,
}

impl Slider {
    fn column(&self, value: f64, width: u16) -> u16 {
        let (low, high) = self.ends;
        let share = if value > 0.0 { ((value / low).ln() / (high / low).ln()).clamp(0.0, 1.0) } else { 0.0 };
        (share * f64::from(width.saturating_sub(1))).round() as u16
    }
}

impl Widget for Slider {
    fn render(self, area: Rect, buffer: &mut Buffer) {
        let area = area.intersection(buffer.area);
        let end = |value: f64| if (0.01..1e4).contains(&value) { format!("{value}") } else { format!("{value:e}") };
        let (low, high) = (end(self.ends.0), end(self.ends.1));
        let taken = (low.len() + high.len() + 4) as u16;
        if area.is_empty() || area.width < taken + 3 {
            return;
        }
        let width = area.width - taken;
        let line = area.x + low.len() as u16 + 2;
        buffer.set_string(area.x, area.y, format!("{low} ├"), self.quiet);
        buffer.set_string(line, area.y, "─".repeat(width.into()), self.quiet);
        buffer.set_string(line + width, area.y, format!("┤ {high}"), self.quiet);
        buffer.set_string(line + self.column(self.value, width), area.y, "●", self.style);
        if let Some(wanted) = self.wanted {
            buffer.set_string(line + self.column(wanted, width), area.y, "○", self.style);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draw(width: u16, value: f64, wanted: Option<f64>) -> Buffer {
        let mut buffer = Buffer::empty(Rect::new(0, 0, width, 1));
        let slider = Slider { ends: (1e-6, 100.0), value, wanted, quiet: Style::new(), style: Style::new() };
        slider.render(buffer.area, &mut buffer);
        buffer
    }

    #[test]
    fn the_middle_of_the_decades_is_the_middle_of_the_line() {
        assert_eq!(draw(20, 1e-2, None), Buffer::with_lines(["1e-6 ├────●────┤ 100"]));
        assert_eq!(draw(20, 0.0, Some(100.0)), Buffer::with_lines(["1e-6 ├●───────○┤ 100"]));
    }

    #[test]
    fn without_room_there_is_no_slider() {
        for width in 0..14 {
            assert_eq!(draw(width, 1.0, None), Buffer::empty(Rect::new(0, 0, width, 1)));
        }
        let slider = Slider { ends: (1e-6, 100.0), value: 1.0, wanted: None, quiet: Style::new(), style: Style::new() };
        let mut none = Buffer::empty(Rect::ZERO);
        slider.render(Rect::new(0, 0, 40, 3), &mut none);
        assert_eq!(none, Buffer::empty(Rect::ZERO));
    }
}
