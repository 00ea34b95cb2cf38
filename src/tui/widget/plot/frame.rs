//! Where a chart's parts lie, and which step and value each place stands for.

use ratatui::layout::Rect;

use super::super::axis;
use super::super::ruler::Ruler;
use crate::series::Scale;

/// Rows of the x axis: its line and its labels.
const FOOT: u16 = 2;

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
    pub(super) plot: Rect,
    pub(super) area: Rect,
    /// The steps at which the pixel columns begin, and the end of the last.
    edges: Vec<u64>,
    /// Labels of the x axis: the share of it before each, and texts.
    pub(super) labels: Vec<(f64, String)>,
    pub(super) name: &'static str,
    y: (f64, f64),
    scale: Scale,
    pub(super) ticks: Vec<f64>,
    pub(super) grid: Grid,
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
        // Of two the second may be the end itself, which has no room: three leave one inside.
        let labels = x.ticks(usize::from(width / 12).clamp(3, 9));
        PlotFrame { plot, area, edges, labels, name: x.name, y, scale, ticks, grid: Grid::None }
    }

    /// The same with something behind the curves.
    pub fn with_grid(self, grid: Grid) -> Self {
        PlotFrame { grid, ..self }
    }

    /// The steps at which the pixel columns begin, and the end of the last; a trace has an extent for each of them.
    pub fn edges(&self) -> &[u64] {
        &self.edges
    }

    /// Pixel columns of the plot.
    pub(super) fn columns(&self) -> usize {
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
    pub(super) fn row(&self, value: f32) -> Option<usize> {
        let at = self.scale.position(f64::from(value), self.y)?;
        let most = f64::from(self.plot.height) * 4.0 - 1.0;
        Some(((1.0 - at.clamp(0.0, 1.0)) * most).round() as usize)
    }

    /// The cell column of a step.
    pub(super) fn column(&self, step: u64) -> Option<u16> {
        let (first, end) = (self.edges.first()?, self.edges.last()?);
        if self.plot.width == 0 || !(*first..*end).contains(&step) {
            return None;
        }
        let at = self.edges.partition_point(|edge| *edge <= step).min(self.columns()).saturating_sub(1) / 2;
        Some(self.plot.x + u16::try_from(at).ok()?)
    }
}
