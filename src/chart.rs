//! A chart of series against steps: what is where, for any surface that it is drawn on.
//!
//! A stock chart has linear axes only, blends series that cross, and draws a line through a NaN. This one is fed with
//! the extent of each pixel column, so nothing between two columns is ever missed, and its cost is its size. It knows
//! places, words and the order of things; a [`Surface`] knows how a line looks: on a terminal it is cells with dots in
//! them, on paper a path.
//!
//! ```text
//!  1.0 ┤⡄       ①
//!      │⠘⣄  ⣀⡠⠔⠊┊⠑⢄  val 0.75
//!  0.5 ┤  ⠑⠔⠁   ┊  ⠑ train 0.50
//!      └┬───────┬────
//!       0     100 step
//! ```
//!
//! Nothing here knows files, clocks, threads, channels or terminals.

mod axis;
pub mod digits;
mod frame;
mod places;
mod ruler;
mod scale;
pub mod sign;

use std::ops::Range;

pub use axis::round_count;
pub use frame::{Frame, Sheet};
pub use places::{Alignment, AlignmentError, Places, Point};
pub use ruler::{Ruler, Spread};
pub use scale::Scale;

use crate::series::Extent;

/// The colours of Okabe and Ito (2008), darker where white would swallow them: every common kind of colour vision tells
/// them apart. They mean training, its batches, validation, λ, η, a warning, and axes and words.
pub const ON_WHITE: [u32; 7] = [0x0072b2, 0x5f7f99, 0xa85a00, 0x8f3aa8, 0x00784a, 0xb3261e, 0x6b6f76];

/// What a chart is drawn on. Places are units of the frame's [`Sheet`]; pixels count from the plot's upper left corner.
pub trait Surface {
    /// What a curve is drawn with.
    type Pen;
    /// How words and signs look.
    type Style;

    /// The lines on the left of the plot and below it.
    fn axes(&mut self);
    /// A place on the y axis, by its pixel row.
    fn tick_y(&mut self, row: usize);
    /// A place on the x axis, by the share of it that lies before.
    fn tick_x(&mut self, share: f64);
    /// A sparse sign on the x axis, at a pixel column.
    fn notch(&mut self, column: usize);
    /// A line through the plot, behind its curves, at a pixel column.
    fn mark(&mut self, column: usize, style: &Self::Style);
    /// A curve over whatever is there, from left to right.
    fn curve(&mut self, runs: impl Iterator<Item = Run>, trace: &Trace<Self::Pen, Self::Style>);
    /// A sign for values that are not finite, at a pixel column.
    fn gap(&mut self, column: usize);
    /// Whether nothing stands here at the height of the marks' signs.
    fn is_blank(&self, place: Range<u16>) -> bool;
    /// Words in a line, with the blanks before and in them; what does not fit into the place may be cut.
    fn write(&mut self, place: Range<u16>, y: u16, side: Side, text: &str, style: &Self::Style);
    /// The name and value of a curve.
    fn label(&mut self, place: Range<u16>, y: u16, text: &str, trace: &Trace<Self::Pen, Self::Style>);
}

/// The side of a place that its words keep to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// They begin where it begins.
    Left,
    /// They are in its middle.
    Middle,
    /// They end where it ends.
    Right,
}

/// The pixels of a column, from the highest value's row down to the lowest one's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Run {
    /// The pixel column.
    pub x: usize,
    /// The first row.
    pub top: usize,
    /// The last row.
    pub bottom: usize,
    /// Whether a line leads to it from the run before.
    pub joined: bool,
}

/// A series as pixel columns.
#[derive(Debug, Clone, PartialEq)]
pub struct Trace<P, S> {
    /// One extent for each of the frame's pixel columns, or for the first of them.
    pub columns: Vec<Extent>,
    /// What it is drawn with.
    pub pen: P,
    /// How it and its label look.
    pub style: S,
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
pub struct Mark<S> {
    /// The step.
    pub at: u64,
    /// One letter or two.
    pub sign: String,
    /// What is written beside it where that hides nothing.
    pub text: String,
    /// How it looks.
    pub style: S,
    /// What goes down from it.
    pub guide: Guide,
}

/// What goes down from the sign of a mark.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Guide {
    /// A line through the plot.
    Line,
    /// Nothing.
    None,
}

/// A chart: the frame and what is in it.
#[derive(Debug)]
pub struct Chart<'a, P, S> {
    /// Where everything goes.
    pub frame: &'a Frame,
    /// The series, the most important one last.
    pub traces: &'a [Trace<P, S>],
    /// Vertical marks, in the order of their steps.
    pub marks: &'a [Mark<S>],
    /// Steps with a tick of their own on the x axis.
    pub notches: &'a [u64],
    /// The step whose values the labels tell, instead of the last.
    pub told: Option<u64>,
    /// How the words of the axes look.
    pub quiet: S,
}

impl<P, S> Chart<'_, P, S> {
    /// Draws it, from what is behind to what must not be hidden by any series.
    pub fn draw(&self, surface: &mut impl Surface<Pen = P, Style = S>) {
        if self.frame.is_empty() {
            return;
        }
        self.draw_axes(surface);
        for mark in self.marks.iter().filter(|mark| mark.guide == Guide::Line) {
            if let Some(column) = self.frame.column(mark.at) {
                surface.mark(column, &mark.style);
            }
        }
        for trace in self.traces {
            surface.curve(self.runs(trace), trace);
        }
        self.draw_signs(surface);
        for trace in self.traces {
            let columns = trace.columns.iter().take(self.frame.columns()).enumerate();
            columns.filter(|(_, extent)| extent.gaps > 0).for_each(|(column, _)| surface.gap(column));
        }
        self.draw_labels(surface);
    }

    fn draw_axes(&self, surface: &mut impl Surface<Pen = P, Style = S>) {
        let Frame { sheet, plot_x, ticks, .. } = self.frame;
        let (letter, line) = sheet.letter;
        surface.axes();
        let to = plot_x.start - 1 - letter;
        let mut taken: Option<u16> = None;
        for tick in ticks {
            let Some(row) = self.frame.row(*tick as f32) else { continue };
            let y = self.frame.y_of(row);
            // Two labels in one row would be read as one.
            if taken.replace(y).is_some_and(|taken| taken.abs_diff(y) < line) {
                continue;
            }
            let text = axis::label(*tick, ticks);
            surface.tick_y(row);
            surface.write(to.saturating_sub(sheet.width(&text))..to, y, Side::Right, &text, &self.quiet);
        }
        self.draw_steps(surface);
    }

    /// The labels of the x axis, as many as do not touch.
    fn draw_steps(&self, surface: &mut impl Surface<Pen = P, Style = S>) {
        let Frame { sheet, plot_x, plot_y, labels, name, .. } = self.frame;
        let (letter, line) = sheet.letter;
        let y = plot_y.end + line;
        let notches: Vec<usize> = self.notches.iter().filter_map(|step| self.frame.column(*step)).collect();
        // Where they would be a line of their own they tell nothing.
        if notches.len() <= plot_x.len() / (2 * usize::from(letter)) {
            notches.into_iter().for_each(|column| surface.notch(column));
        }
        let last = sheet.x.end.saturating_sub(sheet.width(name) + letter);
        let mut free = sheet.x.start;
        for (share, text) in labels.iter().filter(|(share, _)| (0.0..1.0).contains(share)) {
            let (x, width) = (self.frame.x_of_share(*share), sheet.width(text));
            let from = x.saturating_sub(width / 2).max(sheet.x.start);
            if from < free || from + width > last {
                continue;
            }
            surface.tick_x(*share);
            surface.write(from..from + width, y, Side::Middle, text, &self.quiet);
            free = from + width + letter;
        }
        if last + letter >= free {
            surface.write(last + letter..sheet.x.end, y, Side::Right, name, &self.quiet);
        }
    }

    /// What is drawn of a series.
    fn runs(&self, trace: &Trace<P, S>) -> impl Iterator<Item = Run> {
        let lowest = self.frame.rows() - 1;
        // A gap between two runs breaks the line.
        let mut joined = false;
        trace.columns.iter().take(self.frame.columns()).enumerate().filter_map(move |(x, extent)| {
            joined &= extent.gaps == 0;
            if !extent.has_values() {
                joined &= trace.join == Join::Line;
                return None;
            }
            let Some(top) = self.frame.row(extent.max) else {
                joined = false;
                return None;
            };
            let bottom = match extent.min == extent.max {
                true => top,
                // A run that reaches below what a logarithm can show ends at the foot.
                false => self.frame.row(extent.min).unwrap_or(lowest),
            };
            Some(Run { x, top, bottom, joined: std::mem::replace(&mut joined, true) })
        })
    }

    /// The signs of the marks: the same once where they would touch, others side by side.
    fn draw_signs(&self, surface: &mut impl Surface<Pen = P, Style = S>) {
        let Frame { sheet, plot_x, .. } = self.frame;
        let (letter, y) = (sheet.letter.0, sheet.y.start);
        let (mut free, mut before) = (plot_x.start, "");
        // Where signs that stand side by side end, and the last of them that has a text.
        let mut groups: Vec<(u16, Option<&Mark<S>>)> = Vec::new();
        for mark in self.marks {
            let Some(column) = self.frame.column(mark.at) else { continue };
            let x = self.frame.x_of(column).saturating_sub(letter / 2);
            if x < free && std::mem::replace(&mut before, &mark.sign) == mark.sign {
                continue;
            }
            before = &mark.sign;
            let width = sheet.width(&mark.sign);
            let x = x.max(free).min(plot_x.end.saturating_sub(width)).max(plot_x.start);
            free = x + width;
            surface.write(x..free.min(plot_x.end), y, Side::Left, &mark.sign, &mark.style);
            let told = Some(mark).filter(|mark| !mark.text.is_empty());
            match groups.last_mut().filter(|(end, _)| *end == x) {
                Some(group) => *group = (free, told.or(group.1)),
                None => groups.push((free, told)),
            }
        }
        // A text comes after all signs of its group: behind the sign of another it would be read as that one's.
        for (from, mark) in groups {
            let Some(mark) = mark else { continue };
            let text = format!(" {}", mark.text);
            let place = from..from.saturating_add(sheet.width(&text));
            // A sign right behind it would be read as part of it.
            let room = from..(place.end + letter).min(plot_x.end);
            if place.end <= plot_x.end && surface.is_blank(room) {
                surface.write(place, y, Side::Left, &text, &mark.style);
            }
        }
    }

    /// The series' names and last values on the right, at their height as far as there is room.
    fn draw_labels(&self, surface: &mut impl Surface<Pen = P, Style = S>) {
        let Frame { sheet, plot_x, plot_y, .. } = self.frame;
        let place = plot_x.end + sheet.letter.0..sheet.x.end;
        if place.is_empty() {
            return;
        }
        let until = self.told.map_or(usize::MAX, |step| self.frame.columns_before(step + 1));
        let mut labels: Vec<(usize, &Trace<P, S>, &str)> = Vec::new();
        for trace in self.traces {
            let last = trace.columns.iter().take(until).rev().find(|extent| extent.has_values());
            if let (Some(label), Some(row)) = (&trace.label, last.and_then(|last| self.frame.row(last.max))) {
                labels.push((row, trace, label));
            }
        }
        // By the pixels: curves that end in one line are not in one place.
        labels.sort_by_key(|(row, ..)| *row);
        let (count, line) = (labels.len() as u16, sheet.letter.1);
        let mut free = plot_y.start;
        for (at, (row, trace, label)) in (0..count).zip(labels) {
            let wanted = self.frame.y_of(row);
            // Below the one before, above the room that the ones after need.
            let y = wanted.max(free).min(plot_y.end.saturating_sub((count - at).saturating_mul(line)));
            if plot_y.contains(&y) {
                surface.label(place.clone(), y, label, trace);
            }
            free = y + line;
        }
    }
}
