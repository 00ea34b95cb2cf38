//! The x axis: which steps it shows, and how they are spread over it.

use std::ops::Range;

use super::scale::Scale;
use super::{axis, digits};

/// A stretch of steps, and where each of them lies on the axis.
#[derive(Debug, Clone, PartialEq)]
pub struct Ruler<'a> {
    /// The steps.
    pub steps: Range<u64>,
    /// Where they lie.
    pub spread: Spread<'a>,
    /// Whether equal lengths are equal differences or equal ratios. A logarithm begins with the first step: what comes
    /// before shares its column.
    pub scale: Scale,
    /// What the labels count.
    pub name: &'static str,
}

/// Where steps lie on the axis.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Spread<'a> {
    /// Evenly, counted from this step.
    Even(u64),
    /// At positions between corners of (step, position), both of which never fall, labelled as numbers.
    Numbers(&'a [(f64, f64)]),
    /// The same with positions in seconds, labelled as on a clock.
    Seconds(&'a [(f64, f64)]),
}

impl Ruler<'_> {
    /// The ends of so many equal columns, as steps: column `c` has those from `edges[c]` to before `edges[c + 1]`.
    pub fn edges(&self, columns: usize) -> Vec<u64> {
        let Range { start, end } = self.steps;
        let columns = columns.max(1);
        let mut edges: Vec<u64> = match (self.spread, self.scale) {
            (Spread::Even(_), Scale::Linear) => {
                let length = u128::from(end.saturating_sub(start));
                // The column that a step falls into is ⌊(step − start)·columns / length⌋.
                let edge = |column: usize| (length * column as u128).div_ceil(columns as u128) as u64;
                (0..=columns).map(|column| start + edge(column)).collect()
            }
            _ => {
                let (from, to) = self.ends();
                let edge = |column: usize| {
                    let share = column as f64 / columns as f64;
                    match self.scale {
                        Scale::Linear => from + (to - from) * share,
                        Scale::Log => from * (to / from).powf(share),
                    }
                };
                (0..=columns).map(|column| ((self.step(edge(column)) - 1e-6).ceil() as u64).clamp(start, end)).collect()
            }
        };
        edges[0] = start;
        edges[columns] = end;
        edges
    }

    /// Round positions: the share of the axis before each, and its label.
    ///
    /// Not the step: while a run is paused, time goes on and steps do not.
    pub fn ticks(&self, most: usize) -> Vec<(f64, String)> {
        let ends = self.ends();
        let ticks = match (self.spread, self.scale) {
            (Spread::Seconds(_), Scale::Linear) => clock_ticks(ends, most),
            _ => self.scale.ticks(ends, most),
        };
        let label = |tick: f64| match self.spread {
            _ if self.scale == Scale::Log && tick >= 1.0 => axis::label(tick.round(), &[]),
            Spread::Even(0) => axis::label(tick, &[]),
            Spread::Even(_) | Spread::Numbers(_) => axis::label(tick, &ticks).replace('-', "−"),
            Spread::Seconds(_) => digits::clock(tick),
        };
        // A range without any length has no ticks.
        let span = self.scale.between(ends);
        let share = |tick: f64| span.position(tick).unwrap_or(0.0);
        ticks.iter().map(|tick| (share(*tick), label(*tick))).collect()
    }

    fn ends(&self) -> (f64, f64) {
        let (from, to) = (self.position(self.steps.start as f64), self.position(self.steps.end as f64));
        match self.scale {
            Scale::Linear => (from, to),
            Scale::Log => {
                let from = from.max(self.first());
                (from, to.max(from * 2.0))
            }
        }
    }

    /// The lowest position that a logarithm shows: that of the first step.
    fn first(&self) -> f64 {
        match self.spread {
            Spread::Even(_) => 1.0,
            Spread::Numbers(_) => self.position(1.0).max(1e-3),
            // Less than a second no clock shows.
            Spread::Seconds(_) => 1.0,
        }
    }

    fn position(&self, step: f64) -> f64 {
        match self.spread {
            Spread::Even(origin) => step - origin as f64,
            Spread::Numbers(corners) | Spread::Seconds(corners) => follow(corners, step, |corner| *corner),
        }
    }

    fn step(&self, position: f64) -> f64 {
        match self.spread {
            Spread::Even(origin) => position + origin as f64,
            Spread::Numbers(corners) | Spread::Seconds(corners) => follow(corners, position, |(step, at)| (*at, *step)),
        }
    }
}

/// The line through corners at `x`; before the first and after the last it goes on as steeply as it did on average.
fn follow(corners: &[(f64, f64)], x: f64, turn: impl Fn(&(f64, f64)) -> (f64, f64)) -> f64 {
    let (Some(first), Some(last)) = (corners.first().map(&turn), corners.last().map(&turn)) else { return x };
    let slope = |(x0, y0): (f64, f64), (x1, y1): (f64, f64)| {
        let slope = (y1 - y0) / (x1 - x0);
        if slope.is_finite() { slope } else { 0.0 }
    };
    let average = match slope(first, last) {
        0.0 => 1.0,
        average => average,
    };
    let after = corners.partition_point(|corner| turn(corner).0 < x);
    match after {
        0 => first.1 + (x - first.0) * average,
        _ if after == corners.len() => last.1 + (x - last.0) * average,
        _ => {
            let (before, next) = (turn(&corners[after - 1]), turn(&corners[after]));
            before.1 + (x - before.0) * slope(before, next)
        }
    }
}

/// Seconds between two ticks of a clock.
const CLOCK_STEPS: [f64; 17] = [
    1.0, 2.0, 5.0, 10.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 900.0, 1800.0, 3600.0, 7200.0, 14400.0, 43200.0,
    86400.0,
];

fn clock_ticks((low, high): (f64, f64), most: usize) -> Vec<f64> {
    let count = |step: f64| (high / step).floor() - (low / step).ceil() + 1.0;
    let Some(step) = CLOCK_STEPS.into_iter().find(|step| count(*step) <= most as f64) else {
        return Scale::Linear.ticks((low, high), most);
    };
    let first = (low / step).ceil();
    (0..count(step).max(0.0) as u32).map(|at| (first + f64::from(at)) * step).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(ruler: &Ruler, most: usize) -> Vec<String> {
        ruler.ticks(most).into_iter().map(|(_, label)| label).collect()
    }

    #[test]
    fn an_even_axis_is_cut_exactly() {
        let ruler = Ruler { steps: 0..101, spread: Spread::Even(0), scale: Scale::Linear, name: "step" };
        assert_eq!(ruler.edges(4), [0, 26, 51, 76, 101]);
        assert_eq!(labels(&ruler, 3), ["0", "50", "100"]);
        assert_eq!(ruler.ticks(3)[1].0, 50.0 / 101.0);
        let since = Ruler { spread: Spread::Even(50), name: "since ①", ..ruler };
        assert_eq!(labels(&since, 3), ["−50", "0", "50"]);
    }

    #[test]
    fn a_pause_takes_room_on_an_axis_of_time() {
        // 100 steps in 10 s, 10 s of rest, 100 steps in 10 s.
        let corners = [(0.0, 0.0), (100.0, 10.0), (100.0, 20.0), (200.0, 30.0)];
        let ruler = Ruler { steps: 0..200, spread: Spread::Seconds(&corners), scale: Scale::Linear, name: "time" };
        assert_eq!(ruler.edges(6), [0, 50, 100, 100, 100, 150, 200]);
        assert_eq!(labels(&ruler, 4), ["00:00", "00:10", "00:20", "00:30"]);
    }

    #[test]
    fn on_a_logarithmic_axis_decades_are_equally_long() {
        let ruler = Ruler { steps: 0..10_000, spread: Spread::Even(0), scale: Scale::Log, name: "step" };
        assert_eq!(ruler.edges(4), [0, 10, 100, 1000, 10_000]);
        assert_eq!(labels(&ruler, 5), ["1", "10", "100", "1,000", "10,000"]);
        assert!((ruler.ticks(5)[2].0 - 0.5).abs() < 1e-9);
        let since = Ruler { steps: 900..2001, spread: Spread::Even(1000), ..ruler.clone() };
        assert_eq!(since.edges(3), [900, 1011, 1101, 2001]);
        let corners = [(0.0, 0.0), (100.0, 5.0)];
        for spread in [Spread::Even(0), Spread::Even(70), Spread::Numbers(&corners), Spread::Seconds(&corners)] {
            for steps in [0..1, 3..50, 49..51, 0..u64::MAX / 4] {
                let ruler = Ruler { steps: steps.clone(), spread, ..ruler.clone() };
                let edges = ruler.edges(9);
                assert!(edges.is_sorted() && (edges[0], edges[9]) == (steps.start, steps.end), "{spread:?} {edges:?}");
                assert!(ruler.ticks(5).iter().all(|(share, _)| (-0.01..=1.01).contains(share)), "{spread:?} {steps:?}");
            }
        }
    }

    #[test]
    fn an_axis_goes_on_beyond_what_is_known() {
        let corners = [(0.0, 0.0), (100.0, 5.0)];
        let ruler = Ruler { steps: 0..200, spread: Spread::Numbers(&corners), scale: Scale::Linear, name: "epoch" };
        assert_eq!(ruler.edges(2), [0, 100, 200]);
        assert_eq!(labels(&ruler, 3), ["0", "5", "10"]);
        for spread in [Spread::Numbers(&[]), Spread::Seconds(&[(0.0, 0.0)]), Spread::Numbers(&[(7.0, 1.0); 3])] {
            let edges = Ruler { steps: 3..50, spread, scale: Scale::Linear, name: "" }.edges(9);
            assert!(edges.is_sorted() && edges[0] == 3 && edges[9] == 50, "{spread:?} {edges:?}");
        }
    }
}
