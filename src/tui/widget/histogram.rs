//! Counts as bars, side by side.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::widgets::Widget;

/// Eighths of a cell, from none to all.
const EIGHTHS: [&str; 9] = [" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"];

/// One bar for each count, as wide as there is room for; where there is too little, neighbours are counted together.
#[derive(Debug)]
pub struct Histogram<'a> {
    /// From left to right.
    pub counts: &'a [u64],
    /// How the bars look.
    pub style: Style,
}

impl Histogram<'_> {
    /// Columns that it takes of so many: whole columns for each bar.
    pub fn width(&self, room: u16) -> u16 {
        let bars = self.bars(room).count() as u16;
        bars * self.columns(room)
    }

    /// Columns of a bar.
    fn columns(&self, room: u16) -> u16 {
        (room / u16::try_from(self.counts.len().max(1)).unwrap_or(u16::MAX)).max(1)
    }

    /// What each bar counts.
    fn bars(&self, room: u16) -> impl Iterator<Item = u64> {
        let together = self.counts.len().div_ceil(usize::from(room.max(1))).max(1);
        self.counts.chunks(together).map(|counts| counts.iter().sum())
    }
}

impl Widget for &Histogram<'_> {
    fn render(self, area: Rect, buffer: &mut Buffer) {
        let area = area.intersection(buffer.area);
        let most = self.bars(area.width).max().unwrap_or(0);
        if area.is_empty() || most == 0 {
            return;
        }
        let columns = self.columns(area.width);
        for (x, count) in (area.x..area.right()).step_by(columns.into()).zip(self.bars(area.width)) {
            let all = 8.0 * f64::from(area.height) * count as f64 / most as f64;
            // However few there are: they are there.
            let mut eighths = (all.round() as usize).max(usize::from(count > 0));
            for y in (area.y..area.bottom()).rev() {
                let bar = EIGHTHS[eighths.min(8)];
                (x..(x + columns).min(area.right())).for_each(|x| buffer.set_string(x, y, bar, self.style));
                eighths = eighths.saturating_sub(8);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draw(width: u16, height: u16, counts: &[u64]) -> Buffer {
        let mut buffer = Buffer::empty(Rect::new(0, 0, width, height));
        (&Histogram { counts, style: Style::new() }).render(buffer.area, &mut buffer);
        buffer
    }

    #[test]
    fn the_most_fill_the_height_and_the_fewest_can_be_seen() {
        assert_eq!(draw(4, 2, &[1, 1000, 0, 500]), Buffer::with_lines([" █  ", "▁█ █"]));
    }

    #[test]
    fn bars_are_as_wide_as_there_is_room_and_join_where_there_is_little() {
        assert_eq!(draw(5, 1, &[8, 4]), Buffer::with_lines(["██▄▄ "]));
        assert_eq!(draw(2, 1, &[1, 1, 2, 2]), Buffer::with_lines(["▄█"]));
        let histogram = Histogram { counts: &[1; 24], style: Style::new() };
        assert_eq!([8, 24, 47, 48, 100].map(|room| histogram.width(room)), [8, 24, 24, 48, 96]);
    }

    #[test]
    fn no_size_and_no_counts_panic() {
        for (width, height) in [(0, 0), (1, 0), (0, 1), (1, 1), (3, 3)] {
            for counts in [&[][..], &[0, 0], &[5], &[1; 24], &[u64::MAX / 2, 3]] {
                draw(width, height, counts);
            }
        }
    }
}
