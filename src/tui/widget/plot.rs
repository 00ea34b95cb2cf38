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
use super::dots::{Dots, Pen};
use super::ruler::Ruler;
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
    /// The steps at which the pixel columns begin, and the end of the last.
    edges: Vec<u64>,
    /// Labels of the x axis: the share of it before each, and texts.
    labels: Vec<(f64, String)>,
    name: &'static str,
    y: (f64, f64),
    scale: Scale,
    ticks: Vec<f64>,
}

impl PlotFrame {
    /// Lays a chart out; `room` columns on the right are for the series' labels.
    pub fn new(area: Rect, x: &Ruler, y: (f64, f64), scale: Scale, room: u16) -> Self {
        let height = area.height.saturating_sub(FOOT);
        let ticks = scale.ticks(y, usize::from(height.div_ceil(3)).clamp(3, 8));
        let gutter = ticks.iter().map(|tick| axis::label(*tick, &ticks).len()).max().unwrap_or(0) as u16 + 2;
        let left = area.x.saturating_add(gutter).min(area.right());
        let width = area.right().saturating_sub(left).saturating_sub(room);
        let plot = Rect::new(left, area.y, width, height);
        let edges = x.edges(usize::from(width) * 2);
        let labels = x.ticks(usize::from(width / 12).clamp(2, 9));
        PlotFrame { plot, area, edges, labels, name: x.name, y, scale, ticks }
    }

    /// The steps at which the pixel columns begin, and the end of the last; a trace has an extent for each of them.
    pub fn edges(&self) -> &[u64] {
        &self.edges
    }

    /// Pixel columns of the plot.
    fn columns(&self) -> usize {
        usize::from(self.plot.width) * 2
    }

    /// The step at a column of cells; `None` beside the plot.
    pub fn step_at(&self, x: u16) -> Option<u64> {
        (self.plot.x..self.plot.right()).contains(&x).then(|| self.nearest_step(x))
    }

    /// The step at the column of cells, or at the end of the plot that is nearer.
    pub fn nearest_step(&self, x: u16) -> u64 {
        let at = usize::from(x.saturating_sub(self.plot.x)) * 2;
        self.edges.get(at).or(self.edges.last()).copied().unwrap_or(0)
    }

    /// How many of the pixel columns begin before a step.
    pub fn columns_before(&self, step: u64) -> usize {
        self.edges.partition_point(|edge| *edge < step).min(self.columns())
    }

    /// The pixel row of a value, clamped to the plot; `None` where the scale has no place for it.
    fn row(&self, value: f32) -> Option<usize> {
        let at = self.scale.position(f64::from(value), self.y)?;
        let most = f64::from(self.plot.height) * 4.0 - 1.0;
        Some(((1.0 - at.clamp(0.0, 1.0)) * most).round() as usize)
    }

    /// The cell column of a step.
    fn column(&self, step: u64) -> Option<u16> {
        let (first, end) = (self.edges.first()?, self.edges.last()?);
        if self.plot.width == 0 || !(*first..*end).contains(&step) {
            return None;
        }
        let at = self.edges.partition_point(|edge| *edge <= step).min(self.columns()).saturating_sub(1) / 2;
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
            let blank = |x: u16| buffer[(x, plot.y)].symbol() == " ";
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
            if matches!(buffer[(x, y)].symbol(), " " | "┊") {
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
        let mut labels: Vec<(u16, &Trace, &str)> = Vec::new();
        for trace in self.traces {
            let until = self.crosshair.map_or(usize::MAX, |step| self.frame.columns_before(step + 1));
            let last = trace.columns.iter().take(until).rev().find(|extent| extent.has_values());
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
    use crate::tui::widget::ruler::Spread;

    fn steps(steps: std::ops::Range<u64>) -> Ruler<'static> {
        Ruler { steps, spread: Spread::Even(0), name: "step" }
    }

    fn plot<'a>(frame: PlotFrame, traces: &'a [Trace], marks: &'a [Mark]) -> Plot<'a> {
        let plain = Style::new();
        Plot {
            frame,
            traces,
            marks,
            notches: &[],
            crosshair: None,
            marked: None,
            quiet: plain,
            strong: plain,
            warning: plain,
        }
    }

    fn draw(size: (u16, u16), values: &[&[f32]], scale: Scale, marks: &[Mark]) -> Buffer {
        let area = Rect::new(0, 0, size.0, size.1);
        let mut buffer = Buffer::empty(area);
        let frame = PlotFrame::new(area, &steps(0..100), (1.0, 3.0), scale, 0);
        let traces: Vec<Trace> = values
            .iter()
            .map(|values| {
                let column: Column = values.iter().copied().collect();
                let columns = column.query(0..column.len(), frame.columns()).collect();
                Trace { columns, pen: Pen::Braille, style: Style::new(), label: None, join: Join::Line }
            })
            .collect();
        plot(frame, &traces, marks).render(area, &mut buffer);
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
            let frame = PlotFrame::new(area, &steps(0..2001), (1.0, 3.0), Scale::Linear, 0);
            plot(frame, &[], &[]).render(area, &mut buffer);
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
        let mark = Mark { at: 50, sign: "①".into(), text: String::new(), style: Style::new() };
        let buffer = draw((13, 5), &[], Scale::Linear, &[mark]);
        let picture = ["3 ┤     ①    ", "2 ┤     ┊    ", "1 ┤     ┊    ", "  └┬─────────", "   0     step"];
        assert_eq!(buffer, Buffer::with_lines(picture));
    }

    #[test]
    fn what_a_mark_says_is_written_where_it_hides_nothing() {
        let mark = Mark { at: 20, sign: "①".into(), text: "λ 3".into(), style: Style::new() };
        let buffer = draw((13, 5), &[], Scale::Linear, std::slice::from_ref(&mark));
        let picture = ["3 ┤  ① λ 3   ", "2 ┤  ┊       ", "1 ┤  ┊       ", "  └┬─────────", "   0     step"];
        assert_eq!(buffer, Buffer::with_lines(picture));
        let buffer = draw((13, 5), &[&[3.0; 16]], Scale::Linear, &[mark]);
        assert!(!format!("{buffer:?}").contains('λ'));
    }

    #[test]
    fn the_crosshair_goes_behind_the_curve_and_the_labels_tell_its_step() {
        let area = Rect::new(0, 0, 20, 5);
        let mut buffer = Buffer::empty(area);
        let frame = PlotFrame::new(area, &steps(0..100), (1.0, 3.0), Scale::Linear, 7);
        let column: Column = (0..100).map(|at| if at < 50 { 1.0 } else { 3.0 }).collect();
        let columns = column.query(0..100, frame.edges().len() - 1).collect();
        let traces =
            [Trace { columns, pen: Pen::Braille, style: Style::new(), label: Some("at 30".into()), join: Join::Line }];
        let plot = Plot { crosshair: Some(30), notches: &[0, 60], ..plot(frame, &traces, &[]) };
        plot.render(area, &mut buffer);
        let picture = [
            "3 ┤   ┃ ⡏⠉⠉⠉⠉       ",
            "2 ┤   ┃⢠⠃           ",
            "1 ┤⣀⣀⣀⣀⣸      at 30 ",
            "  └┼──▲──┴───       ",
            "   0            step",
        ];
        assert_eq!(buffer, Buffer::with_lines(picture));
    }

    #[test]
    fn no_size_is_too_small() {
        let mark = Mark { at: 99, sign: "21".into(), text: "λ 0 → 3".into(), style: Style::new() };
        for width in 0..16 {
            for height in 0..8 {
                draw((width, height), &[&[1.0, 2.0, f32::NAN]], Scale::Log, std::slice::from_ref(&mark));
            }
        }
    }
}
