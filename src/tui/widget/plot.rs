//! A chart of series against steps.
//!
//! The stock chart has linear axes only, blends series that cross, and paints a NaN on its top row. This one is fed
//! with the extent of each pixel column, so nothing between two columns is ever missed, and its cost is its size.

use std::ops::Range;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::Span;
use ratatui::widgets::Widget;

use super::axis::{self, Scale};
use super::braille::Dots;
use crate::series::Extent;

/// Rows of the x axis: its line and its labels.
const FOOT: u16 = 2;

/// A chart: the frame and what is in it.
#[derive(Debug)]
pub struct Plot<'a> {
    /// Where everything goes.
    pub frame: PlotFrame,
    /// The series, the most important one last.
    pub traces: &'a [Trace],
    /// Vertical marks.
    pub marks: &'a [Mark],
    /// Axes and their labels.
    pub quiet: Style,
    /// The sign of values that are not finite.
    pub warning: Style,
}

/// A series as pixel columns.
#[derive(Debug, Clone, PartialEq)]
pub struct Trace {
    /// One extent for each of [`PlotFrame::columns`], or for the first of them.
    pub columns: Vec<Extent>,
    /// How its dots look.
    pub style: Style,
    /// What is written at the height of its last value, on the right.
    pub label: Option<String>,
}

/// A position on the x axis with a sign over it.
#[derive(Debug, Clone, PartialEq)]
pub struct Mark {
    /// The step.
    pub at: u64,
    /// One cell or two.
    pub sign: String,
    /// How it looks.
    pub style: Style,
}

/// The places of a chart's parts: labels of the y axis, the plot, labels of the series.
///
/// ```text
///  1.0 ┤⡄       ①
///      │⠘⣄  ⣀⡠⠔⠊┊⠑⢄  val 0.75
///  0.5 ┤  ⠑⠔⠁   ┊  ⠑ train 0.50
///      └┬───────┬────
///       0     100 step
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct PlotFrame {
    plot: Rect,
    area: Rect,
    x: Range<u64>,
    y: (f64, f64),
    scale: Scale,
    ticks: Vec<f64>,
}

impl PlotFrame {
    /// Lays a chart out; `room` columns on the right are for the series' labels.
    pub fn new(area: Rect, x: Range<u64>, y: (f64, f64), scale: Scale, room: u16) -> Self {
        let height = area.height.saturating_sub(FOOT);
        let ticks = scale.ticks(y, usize::from(height.div_ceil(3)).clamp(3, 8));
        let gutter = ticks.iter().map(|tick| axis::label(*tick, &ticks).len()).max().unwrap_or(0) as u16 + 2;
        let left = area.x.saturating_add(gutter).min(area.right());
        let width = area.right().saturating_sub(left).saturating_sub(room);
        PlotFrame { plot: Rect::new(left, area.y, width, height), area, x, y, scale, ticks }
    }

    /// The steps it shows.
    pub fn steps(&self) -> Range<u64> {
        self.x.clone()
    }

    /// Pixel columns of the plot; a trace has an extent for each.
    pub fn columns(&self) -> usize {
        usize::from(self.plot.width) * 2
    }

    /// How many of the pixel columns begin before a step.
    pub fn columns_before(&self, step: u64) -> usize {
        let length = u128::from(self.x.end.saturating_sub(self.x.start)).max(1);
        let passed = u128::from(step.clamp(self.x.start, self.x.end) - self.x.start);
        (passed * self.columns() as u128).div_ceil(length) as usize
    }

    /// The pixel row of a value, clamped to the plot; `None` where the scale has no place for it.
    fn row(&self, value: f32) -> Option<usize> {
        let at = self.scale.position(f64::from(value), self.y)?;
        let most = f64::from(self.plot.height) * 4.0 - 1.0;
        Some(((1.0 - at.clamp(0.0, 1.0)) * most).round() as usize)
    }

    /// The cell column of a step.
    fn column(&self, step: u64) -> Option<u16> {
        let length = self.x.end.saturating_sub(self.x.start);
        if length == 0 || !self.x.contains(&step) {
            return None;
        }
        let at = u128::from(step - self.x.start) * u128::from(self.plot.width) / u128::from(length);
        Some(self.plot.x + u16::try_from(at).ok()?)
    }
}

impl Widget for &Plot<'_> {
    fn render(self, area: Rect, buffer: &mut Buffer) {
        let plot = self.frame.plot.intersection(area).intersection(buffer.area);
        if plot.is_empty() || plot != self.frame.plot {
            return;
        }
        self.render_axes(buffer);
        self.render_marks(buffer);
        for trace in self.traces {
            self.render_trace(trace, buffer);
        }
        self.render_signs(buffer);
        self.render_labels(buffer);
    }
}

impl Plot<'_> {
    fn render_axes(&self, buffer: &mut Buffer) {
        let PlotFrame { plot, area, ticks, .. } = &self.frame;
        if plot.x == area.x {
            return;
        }
        let line = plot.x - 1;
        for y in plot.y..plot.bottom() {
            buffer.set_string(line, y, "│", self.quiet);
        }
        for tick in ticks {
            let Some(row) = self.frame.row(*tick as f32) else { continue };
            let y = plot.y + (row / 4) as u16;
            let text = axis::label(*tick, ticks);
            let x = line.saturating_sub(text.len() as u16 + 1).max(area.x);
            buffer.set_stringn(x, y, &text, usize::from(line - x), self.quiet);
            buffer.set_string(line, y, "┤", self.quiet);
        }
        if plot.bottom() < area.bottom() {
            buffer.set_string(line, plot.bottom(), "└", self.quiet);
            for x in plot.x..plot.right() {
                buffer.set_string(x, plot.bottom(), "─", self.quiet);
            }
        }
        self.render_steps(buffer);
    }

    /// The labels of the x axis, as many as do not touch.
    fn render_steps(&self, buffer: &mut Buffer) {
        let PlotFrame { plot, area, x: steps, .. } = &self.frame;
        let y = plot.bottom() + 1;
        if y >= area.bottom() {
            return;
        }
        let unit = "step";
        let last = area.right().saturating_sub(unit.len() as u16 + 1);
        let ends = (steps.start as f64, steps.end as f64);
        let ticks = Scale::Linear.ticks(ends, usize::from(plot.width / 12).clamp(2, 9));
        let mut free = area.x;
        for tick in ticks {
            let Some(x) = self.frame.column(tick as u64) else { continue };
            let text = axis::label(tick, &[]);
            let width = text.len() as u16;
            let from = x.saturating_sub(width / 2).max(area.x);
            if from < free || from + width > last {
                continue;
            }
            buffer.set_string(x, plot.bottom(), "┬", self.quiet);
            buffer.set_string(from, y, &text, self.quiet);
            free = from + width + 1;
        }
        if last + 1 >= free {
            buffer.set_string(last + 1, y, unit, self.quiet);
        }
    }

    fn render_trace(&self, trace: &Trace, buffer: &mut Buffer) {
        let plot = self.frame.plot;
        let mut dots = Dots::new(plot.width, plot.height);
        // The run of the last column that had one; a gap between breaks the line.
        let mut before: Option<(usize, usize, usize)> = None;
        for (x, extent) in trace.columns.iter().enumerate().take(self.frame.columns()) {
            if extent.gaps > 0 {
                before = None;
            }
            if !extent.has_values() {
                continue;
            }
            let Some(top) = self.frame.row(extent.max) else {
                before = None;
                continue;
            };
            // A run that reaches below what a logarithm can show ends at the foot.
            let bottom = self.frame.row(extent.min).unwrap_or(usize::from(plot.height) * 4 - 1);
            dots.run(x, top, bottom);
            if let Some((left, its_top, its_bottom)) = before {
                // From the nearest end of one run to the nearest end of the other.
                let from = bottom.clamp(its_top, its_bottom);
                let to = from.clamp(top, bottom);
                let from = to.clamp(its_top, its_bottom);
                if x > left + 1 || from.abs_diff(to) > 1 {
                    dots.line((left, from), (x, to));
                }
            }
            before = Some((x, top, bottom));
        }
        dots.render(plot, buffer, trace.style);
    }

    /// The vertical lines of the marks, behind the series.
    fn render_marks(&self, buffer: &mut Buffer) {
        let plot = self.frame.plot;
        for mark in self.marks {
            let Some(x) = self.frame.column(mark.at) else { continue };
            for y in plot.y..plot.bottom() {
                buffer.set_string(x, y, "┊", mark.style);
            }
        }
    }

    /// What must not be hidden by any series: the signs of the marks, and × where values were not finite.
    fn render_signs(&self, buffer: &mut Buffer) {
        let plot = self.frame.plot;
        for mark in self.marks {
            let Some(x) = self.frame.column(mark.at) else { continue };
            let width = Span::raw(&mark.sign).width() as u16;
            let x = x.min(plot.right().saturating_sub(width)).max(plot.x);
            buffer.set_stringn(x, plot.y, &mark.sign, usize::from(plot.right() - x), mark.style);
        }
        for trace in self.traces {
            for (x, extent) in trace.columns.iter().enumerate().take(self.frame.columns()) {
                if extent.gaps > 0 {
                    buffer.set_string(plot.x + (x / 2) as u16, plot.y, "×", self.warning);
                }
            }
        }
    }

    /// The series' names and last values on the right, at their height as far as there is room.
    fn render_labels(&self, buffer: &mut Buffer) {
        let PlotFrame { plot, area, .. } = &self.frame;
        let (x, width) = (plot.right() + 1, usize::from(area.right().saturating_sub(plot.right() + 1)));
        if width == 0 {
            return;
        }
        let mut labels: Vec<(u16, &Trace, &str)> = Vec::new();
        for trace in self.traces {
            let last = trace.columns.iter().rev().find(|extent| extent.has_values());
            if let (Some(label), Some(row)) = (&trace.label, last.and_then(|last| self.frame.row(last.max))) {
                labels.push((plot.y + (row / 4) as u16, trace, label));
            }
        }
        labels.sort_by_key(|(y, ..)| *y);
        let count = labels.len() as u16;
        let mut free = plot.y;
        for (at, (wanted, trace, label)) in (0..count).zip(labels) {
            // Below the one before, above the room that the ones after need.
            let y = wanted.max(free).min(plot.bottom().saturating_sub(count - at));
            if y >= plot.y && y < plot.bottom() {
                buffer.set_stringn(x, y, label, width, trace.style);
            }
            free = y + 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::series::Column;

    fn draw(size: (u16, u16), values: &[&[f32]], scale: Scale, marks: &[Mark]) -> Buffer {
        let area = Rect::new(0, 0, size.0, size.1);
        let mut buffer = Buffer::empty(area);
        let frame = PlotFrame::new(area, 0..100, (1.0, 3.0), scale, 0);
        let traces: Vec<Trace> = values
            .iter()
            .map(|values| {
                let column: Column = values.iter().copied().collect();
                let columns = column.query(0..column.len(), frame.columns()).collect();
                Trace { columns, style: Style::new(), label: None }
            })
            .collect();
        let plot = Plot { frame, traces: &traces, marks, quiet: Style::new(), warning: Style::new() };
        plot.render(area, &mut buffer);
        buffer
    }

    #[test]
    fn a_rising_line_is_drawn_between_its_axes() {
        let values: Vec<f32> = (0..=20).map(|x| 1.0 + x as f32 / 10.0).collect();
        let picture =
            ["3 ┤       ⢀⠤⠊", "  │     ⡠⠊⠁  ", "2 ┤  ⡠⠔⠉     ", "1 ┤⡔⠊        ", "  └┬─────────", "   0     step"];
        assert_eq!(draw((13, 6), &[&values], Scale::Linear, &[]), Buffer::with_lines(picture));
    }

    #[test]
    fn the_axis_is_named_also_where_a_label_ends_just_before_it() {
        for width in 13..60 {
            let area = Rect::new(0, 0, width, 6);
            let mut buffer = Buffer::empty(area);
            let frame = PlotFrame::new(area, 0..2001, (1.0, 3.0), Scale::Linear, 0);
            Plot { frame, traces: &[], marks: &[], quiet: Style::new(), warning: Style::new() }
                .render(area, &mut buffer);
            let foot: String = (0..width).map(|x| buffer[(x, 5)].symbol()).collect();
            assert!(foot.ends_with(" step"), "{foot}");
        }
    }

    #[test]
    fn nan_is_drawn_as_a_gap_with_a_sign() {
        let mut values = vec![2.0; 16];
        values[6..10].fill(f32::NAN);
        let buffer = draw((13, 5), &[&values], Scale::Linear, &[]);
        let picture = ["3 ┤   ×××    ", "2 ┤⠤⠤⠤⠄  ⠤⠤⠤⠄", "1 ┤          ", "  └┬─────────", "   0     step"];
        assert_eq!(buffer, Buffer::with_lines(picture));
    }

    #[test]
    fn all_nan_draws_no_line_at_all() {
        let buffer = draw((13, 5), &[&[f32::NAN; 16]], Scale::Linear, &[]);
        let picture = ["3 ┤××××××××××", "2 ┤          ", "1 ┤          ", "  └┬─────────", "   0     step"];
        assert_eq!(buffer, Buffer::with_lines(picture));
    }

    #[test]
    fn the_last_of_two_crossing_series_owns_the_contested_cells() {
        let up: Vec<f32> = (0..16).map(|x| 1.0 + x as f32 / 7.5).collect();
        let down: Vec<f32> = up.iter().rev().copied().collect();
        let both = draw((13, 5), &[&up, &down], Scale::Linear, &[]);
        let top = draw((13, 5), &[&down], Scale::Linear, &[]);
        for x in 5..13 {
            for y in 0..3 {
                let cell = &top[(x, y)];
                if cell.symbol() != " " {
                    assert_eq!(&both[(x, y)], cell, "at {x}, {y}");
                }
            }
        }
    }

    #[test]
    fn what_a_logarithm_cannot_show_is_left_out() {
        let buffer = draw((13, 5), &[&[-1.0; 16]], Scale::Log, &[]);
        assert!((5..13).all(|x| (0..3).all(|y| buffer[(x, y)].symbol() == " ")));
    }

    #[test]
    fn a_mark_stands_over_its_dotted_line() {
        let mark = Mark { at: 50, sign: "①".into(), style: Style::new() };
        let buffer = draw((13, 5), &[], Scale::Linear, &[mark]);
        let picture = ["3 ┤     ①    ", "2 ┤     ┊    ", "1 ┤     ┊    ", "  └┬─────────", "   0     step"];
        assert_eq!(buffer, Buffer::with_lines(picture));
    }

    #[test]
    fn no_size_is_too_small() {
        let mark = Mark { at: 99, sign: "21".into(), style: Style::new() };
        for width in 0..16 {
            for height in 0..8 {
                draw((width, height), &[&[1.0, 2.0, f32::NAN]], Scale::Log, std::slice::from_ref(&mark));
            }
        }
    }
}
