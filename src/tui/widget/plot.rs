//! A chart of series against steps.
//!
//! The stock chart has linear axes only, blends series that cross, and paints a NaN on its top row. This one is fed
//! with the extent of each pixel column, so nothing between two columns is ever missed, and its cost is its size.

mod frame;
#[cfg(test)]
mod tests;

use std::ops::Range;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::Span;
use ratatui::widgets::Widget;

pub use self::frame::{Grid, PlotFrame};
use super::axis;
use super::dots::{Dots, Pen};
use crate::series::Extent;

/// Cells from one dot of the grid to the next, and what stands there.
const GRID: u16 = 4;
const DOT: &str = "·";

/// A chart: the frame and what is in it.
#[derive(Debug)]
pub struct Plot<'a> {
    /// Where everything goes.
    pub frame: PlotFrame,
    /// The series, the most important one last.
    pub traces: &'a [Trace],
    /// Vertical marks.
    pub marks: &'a [Mark],
    /// Steps with a tick of their own on the x axis.
    pub notches: &'a [u64],
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

/// A series as pixel columns.
#[derive(Debug, Clone, PartialEq)]
pub struct Trace {
    /// One extent for each of [`PlotFrame::columns`], or for the first of them.
    pub columns: Vec<Extent>,
    /// What it is drawn with.
    pub pen: Pen,
    /// How its dots look.
    pub style: Style,
    /// What is written at the height of its last value, on the right.
    pub label: Option<String>,
    /// What is between columns without a value.
    pub join: Join,
}

/// What is drawn between two columns that have values, where those between have none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Join {
    /// A line.
    #[default]
    Line,
    /// Nothing: dashes and dots.
    Nothing,
}

/// A position on the x axis with a sign over it.
#[derive(Debug, Clone, PartialEq)]
pub struct Mark {
    /// The step.
    pub at: u64,
    /// One cell or two.
    pub sign: String,
    /// What is written beside it where that hides nothing.
    pub text: String,
    /// How it looks.
    pub style: Style,
    /// What goes down from it.
    pub guide: Guide,
}

/// What goes down from the sign of a mark.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Guide {
    /// A line through the chart.
    Line,
    /// Nothing.
    None,
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
        self.render_crosshair(buffer);
        self.render_marked(buffer);
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
        let mut taken = None;
        for tick in ticks {
            let Some(row) = self.frame.row(*tick as f32) else { continue };
            let y = plot.y + (row / 4) as u16;
            // Two labels in one row would be read as one.
            if taken.replace(y) == Some(y) {
                continue;
            }
            let text = axis::label(*tick, ticks);
            let x = line.saturating_sub(text.len() as u16 + 1).max(area.x);
            buffer.set_stringn(x, y, &text, usize::from(line - x), self.quiet);
            buffer.set_string(line, y, "┤", self.quiet);
            if self.frame.grid == Grid::Dots {
                for x in (plot.x + GRID / 2..plot.right()).step_by(GRID.into()) {
                    buffer.set_string(x, y, DOT, self.quiet);
                }
            }
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
        let PlotFrame { plot, area, labels, name, .. } = &self.frame;
        let y = plot.bottom() + 1;
        if y >= area.bottom() {
            return;
        }
        // Where they would be a line of their own they tell nothing.
        let notches: Vec<u16> = self.notches.iter().filter_map(|step| self.frame.column(*step)).collect();
        for x in notches.iter().filter(|_| notches.len() <= usize::from(plot.width / 2)) {
            buffer.set_string(*x, plot.bottom(), "┴", self.quiet);
        }
        let last = area.right().saturating_sub(Span::raw(*name).width() as u16 + 1);
        let mut free = area.x;
        for (share, text) in labels.iter().filter(|(share, _)| (0.0..1.0).contains(share)) {
            // Rounding must not take a label to the cell before.
            let x = plot.x + (share * f64::from(plot.width) + 1e-9) as u16;
            let width = Span::raw(text).width() as u16;
            let from = x.saturating_sub(width / 2).max(area.x);
            if from < free || from + width > last {
                continue;
            }
            let sign = if buffer[(x, plot.bottom())].symbol() == "┴" { "┼" } else { "┬" };
            buffer.set_string(x, plot.bottom(), sign, self.quiet);
            buffer.set_string(from, y, text, self.quiet);
            free = from + width + 1;
        }
        if last + 1 >= free {
            buffer.set_string(last + 1, y, *name, self.quiet);
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
                if trace.join == Join::Nothing {
                    before = None;
                }
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
        dots.render(plot, buffer, trace.pen, trace.style);
    }

    /// The vertical lines of the marks, behind the series.
    fn render_marks(&self, buffer: &mut Buffer) {
        let plot = self.frame.plot;
        for mark in self.marks.iter().filter(|mark| mark.guide == Guide::Line) {
            let Some(x) = self.frame.column(mark.at) else { continue };
            for y in plot.y..plot.bottom() {
                buffer.set_string(x, y, "┊", mark.style);
            }
        }
    }

    /// What must not be hidden by any series: the signs of the marks, and × where values were not finite.
    fn render_signs(&self, buffer: &mut Buffer) {
        let plot = self.frame.plot;
        let (mut last, mut free, mut before) = (None, plot.x, "");
        for mark in self.marks {
            let Some(x) = self.frame.column(mark.at) else { continue };
            // The same sign once; other signs of one column stand side by side.
            if last == Some(x) && std::mem::replace(&mut before, &mark.sign) == mark.sign {
                continue;
            }
            before = &mark.sign;
            let x = if last.replace(x) == Some(x) { free } else { x };
            let width = Span::raw(&mark.sign).width() as u16;
            let x = x.min(plot.right().saturating_sub(width)).max(plot.x);
            free = x + width;
            buffer.set_stringn(x, plot.y, &mark.sign, usize::from(plot.right() - x), mark.style);
            let (from, length) = (x + width + 1, Span::raw(&mark.text).width() as u16);
            let blank = |x: u16| matches!(buffer[(x, plot.y)].symbol(), " " | DOT);
            if length > 0 && from + length <= plot.right() && (from - 1..from + length).all(blank) {
                buffer.set_string(from, plot.y, &mark.text, mark.style);
            }
        }
        for trace in self.traces {
            for (x, extent) in trace.columns.iter().enumerate().take(self.frame.columns()) {
                if extent.gaps > 0 {
                    buffer.set_string(plot.x + (x / 2) as u16, plot.y, "×", self.warning);
                }
            }
        }
    }

    /// A line through all of the chart, behind its curves.
    fn render_crosshair(&self, buffer: &mut Buffer) {
        let plot = self.frame.plot;
        let Some(x) = self.crosshair.and_then(|step| self.frame.column(step)) else { return };
        for y in plot.y..plot.bottom() {
            if matches!(buffer[(x, y)].symbol(), " " | "┊" | DOT) {
                buffer.set_string(x, y, "┃", self.strong);
            }
        }
        if plot.bottom() < self.frame.area.bottom() {
            buffer.set_string(x, plot.bottom(), "▲", self.strong);
        }
    }

    /// A heavy line under what is marked.
    fn render_marked(&self, buffer: &mut Buffer) {
        let PlotFrame { plot, area, .. } = self.frame;
        let Some(Range { start, end }) = self.marked.clone().filter(|_| plot.bottom() < area.bottom()) else { return };
        let column = |step| self.frame.column(step);
        if let (Some(first), Some(last)) = (column(start), column(end.saturating_sub(1))) {
            for x in first..=last {
                buffer.set_string(x, plot.bottom(), "━", self.strong);
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
        let mut labels: Vec<(usize, &Trace, &str)> = Vec::new();
        for trace in self.traces {
            let until = self.crosshair.map_or(usize::MAX, |step| self.frame.columns_before(step + 1));
            let last = trace.columns.iter().take(until).rev().find(|extent| extent.has_values());
            if let (Some(label), Some(row)) = (&trace.label, last.and_then(|last| self.frame.row(last.max))) {
                labels.push((row, trace, label));
            }
        }
        // By the dots: curves that end in one row are not in one place.
        labels.sort_by_key(|(row, ..)| *row);
        let count = labels.len() as u16;
        let mut free = plot.y;
        for (at, (row, trace, label)) in (0..count).zip(labels) {
            let wanted = plot.y + (row / 4) as u16;
            // Below the one before, above the room that the ones after need.
            let y = wanted.max(free).min(plot.bottom().saturating_sub(count - at));
            if y >= plot.y && y < plot.bottom() {
                buffer.set_stringn(x, y, label, width, trace.style);
            }
            free = y + 1;
        }
    }
}
