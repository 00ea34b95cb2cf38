//! White paper as what a chart is drawn on: lines and words of SVG, a unit of a sheet a point.

use std::fmt::Write as _;
use std::ops::Range;

use super::{escaped, put};
use crate::chart::{Frame, ON_WHITE, Run, Sheet, Side, Surface, Trace};

/// Points that a letter is wide at most, and a line high, in the size that words have.
pub(super) const LETTER: (u16, u16) = (7, 14);

/// Pixel columns of a point, and pixel rows: of a curve's height a tenth of a point can be seen.
const PIXELS: (u16, u16) = (1, 10);

/// Points from one line of the grid to its neighbour's sign for values that are not finite.
const APART: usize = 7;

/// From the middle of a line of words to where its letters stand.
const BASELINE: f64 = 4.0;

/// Room for a piece of a curve before its name, and that piece.
const SAMPLE: u16 = 22;
const PIECE: u16 = 18;

/// How a curve is drawn.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Pen {
    /// Lengths of dashes and blanks; a line without end where there are none.
    pub(super) dashes: &'static str,
    /// In points.
    pub(super) width: f64,
    /// 1 hides what is behind.
    pub(super) opacity: f64,
}

/// The room for a chart of this size.
pub(super) fn sheet(width: u16, height: u16, gutter: u16) -> Sheet {
    Sheet { x: 0..width, y: 0..height, head: 11, gutter, letter: LETTER, pixels: PIXELS }
}

/// The paper under a chart.
pub(super) struct Paper<'a> {
    frame: &'a Frame,
    svg: &'a mut String,
    /// What stands above the plot.
    taken: Vec<Range<u16>>,
    /// Where the last sign for values that are not finite is.
    gap: Option<usize>,
}

impl<'a> Paper<'a> {
    pub(super) fn new(frame: &'a Frame, svg: &'a mut String) -> Self {
        Paper { frame, svg, taken: Vec::new(), gap: None }
    }

    /// The middle of a pixel column.
    fn x(&self, column: usize) -> f64 {
        f64::from(self.frame.plot_x().start) + (column as f64 + 0.5) / f64::from(PIXELS.0)
    }

    fn y(&self, row: usize) -> f64 {
        f64::from(self.frame.plot_y().start) + (row as f64 + 0.5) / f64::from(PIXELS.1)
    }

    fn line(&mut self, path: &str, colour: u32, pen: Pen) {
        let Pen { dashes, width, opacity } = pen;
        let dashes = if dashes.is_empty() { String::new() } else { format!(" stroke-dasharray=\"{dashes}\"") };
        let opacity = if opacity < 1.0 { format!(" stroke-opacity=\"{opacity}\"") } else { String::new() };
        put(
            self.svg,
            format_args!(
                "<path d=\"{path}\" fill=\"none\" stroke=\"#{colour:06x}\" stroke-width=\"{width}\" \
                 stroke-linejoin=\"round\"{dashes}{opacity}/>"
            ),
        );
    }

    fn words(&mut self, x: f64, y: f64, side: Side, text: &str, colour: u32) {
        let anchor = match side {
            Side::Left => "",
            Side::Middle => " text-anchor=\"middle\"",
            Side::Right => " text-anchor=\"end\"",
        };
        let text = escaped(text);
        put(
            self.svg,
            format_args!("<text x=\"{x:.1}\" y=\"{:.1}\" fill=\"#{colour:06x}\"{anchor}>{text}</text>", y + BASELINE),
        );
    }
}

/// The lines of the axes.
const FINE: Pen = Pen { dashes: "", width: 1.0, opacity: 1.0 };
const AXIS: u32 = 0x333333;
const GRID: u32 = 0xe5e5e5;

impl Surface for Paper<'_> {
    type Pen = Pen;
    type Style = u32;

    fn axes(&mut self) {
        let (x, y) = (self.frame.plot_x(), self.frame.plot_y());
        self.line(&format!("M{} {}V{}H{}", x.start, y.start, y.end, x.end), AXIS, FINE);
    }

    fn tick_y(&mut self, row: usize) {
        let (x, y) = (self.frame.plot_x(), self.y(row));
        // The axis itself needs none.
        if row + 1 < self.frame.rows() {
            self.line(&format!("M{} {y:.1}H{}", x.start, x.end), GRID, FINE);
        }
        self.line(&format!("M{} {y:.1}h-4", x.start), AXIS, FINE);
    }

    fn tick_x(&mut self, share: f64) {
        let x = self.frame.plot_x();
        let at = f64::from(x.start) + share * x.len() as f64;
        self.line(&format!("M{at:.1} {}v4", self.frame.plot_y().end), AXIS, FINE);
    }

    fn notch(&mut self, column: usize) {
        self.line(&format!("M{:.1} {}v-3", self.x(column), self.frame.plot_y().end), AXIS, FINE);
    }

    fn mark(&mut self, column: usize, style: &u32) {
        let (x, y) = (self.frame.x_of(column), self.frame.plot_y());
        self.line(
            &format!("M{:.1} {}V{}", self.x(column), y.start, y.end),
            *style,
            Pen { dashes: "2 3", width: 1.0, opacity: 0.7 },
        );
        self.taken.push(x.saturating_sub(LETTER.0 / 2)..x + LETTER.0 / 2 + 1);
    }

    fn curve(&mut self, runs: impl Iterator<Item = Run>, trace: &Trace<Pen, u32>) {
        let mut path = String::new();
        let mut last = 0_usize;
        for Run { x, top, bottom, joined } in runs {
            let letter = if joined { 'L' } else { 'M' };
            // Both ends of a column, first the one that is nearer: what goes up and down within it is drawn as that.
            let (first, then) = if last.abs_diff(top) <= last.abs_diff(bottom) { (top, bottom) } else { (bottom, top) };
            // A string takes everything.
            let _ = write!(path, "{letter}{:.1} {:.1}", self.x(x), self.y(first));
            if first != then {
                let _ = write!(path, "V{:.1}", self.y(then));
            } else if !joined {
                // A single value has no length to be seen by.
                path.push_str("h.6");
            }
            last = then;
        }
        if !path.is_empty() {
            self.line(&path, trace.style, trace.pen);
        }
    }

    fn gap(&mut self, column: usize) {
        if self.gap.is_none_or(|last| last.abs_diff(column) >= APART) {
            self.gap = Some(column);
            let y = f64::from(self.frame.plot_y().start) + f64::from(LETTER.1) / 2.0;
            self.words(self.x(column), y, Side::Middle, "×", ON_WHITE[5]);
        }
    }

    fn is_blank(&self, place: Range<u16>) -> bool {
        self.taken.iter().all(|taken| taken.end <= place.start || place.end <= taken.start)
    }

    fn write(&mut self, place: Range<u16>, y: u16, side: Side, text: &str, style: &u32) {
        // SVG swallows the blanks that words begin with.
        let blanks = (text.len() - text.trim_start().len()) as u16;
        let x = match side {
            Side::Left => f64::from(place.start + blanks * LETTER.0),
            Side::Middle => f64::from(place.start + place.end) / 2.0,
            Side::Right => f64::from(place.end),
        };
        self.words(x, y.into(), side, text.trim_start(), *style);
        if y < self.frame.plot_y().start {
            self.taken.push(place);
        }
    }

    fn label(&mut self, place: Range<u16>, y: u16, text: &str, trace: &Trace<Pen, u32>) {
        self.line(&format!("M{} {y}h{PIECE}", place.start), trace.style, trace.pen);
        self.words(f64::from(place.start + SAMPLE), y.into(), Side::Left, text, trace.style);
    }
}
