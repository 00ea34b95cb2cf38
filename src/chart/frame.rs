//! Where a chart's parts lie, and which step and value each place stands for.

use std::ops::Range;

use unicode_width::UnicodeWidthStr;

use super::axis;
use super::ruler::Ruler;
use super::scale::{Scale, Span};

/// Lines of words below the plot: the axis, and its labels.
const FOOT: u16 = 2;

/// The room for a chart, in units that are as large as the surface wants them: on a terminal cells, on paper points.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sheet {
    /// From left to right.
    pub x: Range<u16>,
    /// From top to bottom.
    pub y: Range<u16>,
    /// Units above the plot, for the signs of marks; without any they are in its first line.
    pub head: u16,
    /// Units that are left of the plot at least, so that plots over each other begin at the same place.
    pub gutter: u16,
    /// Units that a letter takes in width, and a line in height.
    pub letter: (u16, u16),
    /// Pixels of a unit in width and in height.
    pub pixels: (u16, u16),
}

/// The places of a chart's parts: labels of the y axis, the plot, labels of the series.
#[derive(Debug, Clone, PartialEq)]
pub struct Frame {
    pub(super) sheet: Sheet,
    pub(super) plot_x: Range<u16>,
    pub(super) plot_y: Range<u16>,
    /// The steps at which the pixel columns begin, and the end of the last.
    edges: Vec<u64>,
    /// Labels of the x axis: the share of it before each, and texts.
    pub(super) labels: Vec<(f64, String)>,
    pub(super) name: &'static str,
    span: Span,
    pub(super) ticks: Vec<f64>,
}

impl Sheet {
    pub(super) fn width(&self, text: &str) -> u16 {
        u16::try_from(text.width()).unwrap_or(u16::MAX).saturating_mul(self.letter.0)
    }
}

impl Frame {
    /// Lays a chart out; `room` is what the series' labels take on the right, in letters.
    pub fn new(sheet: impl Into<Sheet>, x: &Ruler, y: (f64, f64), scale: Scale, room: u16) -> Self {
        let sheet = sheet.into();
        let (letter, line) = sheet.letter;
        let top = sheet.y.start.saturating_add(sheet.head).min(sheet.y.end);
        let plot_y = top..sheet.y.end.saturating_sub(FOOT * line).max(top);
        let lines = (plot_y.end - plot_y.start) / line;
        let ticks = scale.ticks(y, usize::from(lines.div_ceil(3)).clamp(3, 8));
        let widest = ticks.iter().map(|tick| sheet.width(&axis::label(*tick, &ticks))).max().unwrap_or(0);
        let left = sheet.x.start.saturating_add((widest + 2 * letter).max(sheet.gutter)).min(sheet.x.end);
        let plot_x = left..sheet.x.end.saturating_sub(room.saturating_mul(letter)).max(left);
        let width = plot_x.end - plot_x.start;
        let edges = x.edges(usize::from(width) * usize::from(sheet.pixels.0));
        // Of two the second may be the end itself, which has no room: three leave one inside.
        let labels = x.ticks(usize::from(width / letter / 12).clamp(3, 9));
        Frame { plot_x, plot_y, edges, labels, name: x.name, span: scale.between(y), ticks, sheet }
    }

    /// The steps at which the pixel columns begin, and the end of the last; a trace has an extent for each of them.
    pub fn edges(&self) -> &[u64] {
        &self.edges
    }

    /// The units of the plot from left to right.
    pub fn plot_x(&self) -> Range<u16> {
        self.plot_x.clone()
    }

    /// The units of the plot from top to bottom.
    pub fn plot_y(&self) -> Range<u16> {
        self.plot_y.clone()
    }

    /// Whether there is no room for a plot.
    pub fn is_empty(&self) -> bool {
        self.plot_x.is_empty() || self.plot_y.is_empty()
    }

    /// Pixel columns of the plot.
    pub fn columns(&self) -> usize {
        self.plot_x.len() * usize::from(self.sheet.pixels.0)
    }

    /// Pixel rows of the plot.
    pub fn rows(&self) -> usize {
        self.plot_y.len() * usize::from(self.sheet.pixels.1)
    }

    /// The step at a unit of the sheet; `None` beside the plot.
    pub fn step_at(&self, x: u16) -> Option<u64> {
        self.plot_x.contains(&x).then(|| self.nearest_step(x))
    }

    /// The step at a unit of the sheet, or at the end of the plot that is nearer.
    pub fn nearest_step(&self, x: u16) -> u64 {
        let at = usize::from(x.saturating_sub(self.plot_x.start)) * usize::from(self.sheet.pixels.0);
        self.edges.get(at).or(self.edges.last()).copied().unwrap_or(0)
    }

    /// How many of the pixel columns begin before a step.
    pub fn columns_before(&self, step: u64) -> usize {
        self.edges.partition_point(|edge| *edge < step).min(self.columns())
    }

    /// The pixel column of a step; `None` where it is not shown.
    pub fn column(&self, step: u64) -> Option<usize> {
        let (first, end) = (self.edges.first()?, self.edges.last()?);
        let shown = self.columns() > 0 && (*first..*end).contains(&step);
        shown.then(|| self.edges.partition_point(|edge| *edge <= step).min(self.columns()).saturating_sub(1))
    }

    /// The pixel row of a value, clamped to the plot; `None` where the scale has no place for it.
    pub fn row(&self, value: f32) -> Option<usize> {
        let at = self.span.position(f64::from(value))?;
        let most = self.rows() as f64 - 1.0;
        Some(((1.0 - at.clamp(0.0, 1.0)) * most).round() as usize)
    }

    /// The unit of the sheet that a pixel column is in.
    pub fn x_of(&self, column: usize) -> u16 {
        self.plot_x.start + (column / usize::from(self.sheet.pixels.0)) as u16
    }

    /// The unit of the sheet before which this share of the x axis lies.
    pub fn x_of_share(&self, share: f64) -> u16 {
        // Rounding must not take it to the unit before.
        self.plot_x.start + (share * self.plot_x.len() as f64 + 1e-9) as u16
    }

    /// The unit of the sheet that a pixel row is in.
    pub fn y_of(&self, row: usize) -> u16 {
        self.plot_y.start + (row / usize::from(self.sheet.pixels.1)) as u16
    }
}
