//! The scales that charts are drawn on: places, ticks with round values, and ranges that do not jump.

use crate::series::Extent;

/// How values become heights, and places along an axis.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Scale {
    /// Equal differences are equal heights.
    #[default]
    Linear,
    /// Equal ratios are equal heights; values that are not positive have none.
    Log,
}

impl Scale {
    /// The other one.
    pub fn switched(self) -> Scale {
        match self {
            Scale::Linear => Scale::Log,
            Scale::Log => Scale::Linear,
        }
    }

    /// The scale between the ends of a range.
    pub fn between(self, (low, high): (f64, f64)) -> Span {
        let length = match self {
            Scale::Linear => high - low,
            Scale::Log => (high / low).ln(),
        };
        Span { scale: self, low, length }
    }

    /// The range to show all of these values in, from round value to round value: on a linear scale with 0, on a
    /// logarithmic one down to four decades below the highest, however small a value gets.
    pub fn range(self, all: Extent) -> (f64, f64) {
        let (low, high) = (f64::from(all.min), f64::from(all.max));
        match self {
            Scale::Linear => self.round_out(low.min(0.0), high),
            Scale::Log if high > 0.0 => self.round_out(low.max(high * 1e-4), high),
            Scale::Log => (0.1, 1.0),
        }
    }

    /// Round values inside a range, at most `most` of them.
    pub fn ticks(self, (low, high): (f64, f64), most: usize) -> Vec<f64> {
        match self {
            Scale::Linear => linear_ticks(low, high, most),
            Scale::Log => log_ticks(low, high, most),
        }
    }

    /// The range to show values from `low` to `high` in.
    ///
    /// It reaches from round value to round value: as the values of a run spread, the axis grows in steps and stands
    /// still between them.
    pub fn round_out(self, low: f64, high: f64) -> (f64, f64) {
        match self {
            Scale::Linear => {
                // A constant still needs a height to lie in.
                let span = (high - low).max(high.abs().max(low.abs()) * 1e-3).max(1e-9);
                let unit = round_step(span / 5.0);
                let (from, to) = ((low / unit).floor() * unit, (high / unit).ceil() * unit);
                if from < to { (from, to) } else { (from - unit, to + unit) }
            }
            Scale::Log => {
                let from = LOG_ENDS.iter().rev().map(|end| end * decade(low)).find(|end| *end <= low).unwrap_or(low);
                let to = LOG_ENDS.iter().map(|end| end * decade(high)).find(|end| *end >= high);
                let to = to.unwrap_or(10.0 * decade(high));
                if from < to { (from, to) } else { (from / 2.0, to * 2.0) }
            }
        }
    }
}

/// A scale between two ends.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Span {
    scale: Scale,
    low: f64,
    /// A difference, or the logarithm of a ratio.
    length: f64,
}

impl Span {
    /// Where a value lies between the ends, 0 to 1 inside; `None` where it has no place on the scale.
    pub fn position(self, value: f64) -> Option<f64> {
        let at = match self.scale {
            Scale::Linear => (value - self.low) / self.length,
            Scale::Log if value > 0.0 => (value / self.low).ln() / self.length,
            Scale::Log => return None,
        };
        at.is_finite().then_some(at)
    }
}

/// Where in a decade a logarithmic range may end.
const LOG_ENDS: [f64; 7] = [1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 7.0];

/// The largest power of ten that is not above a positive value.
fn decade(value: f64) -> f64 {
    10f64.powi(value.log10().floor() as i32)
}

/// 1, 2 or 5 times a power of ten, at or above a positive value.
fn round_step(value: f64) -> f64 {
    let decade = decade(value);
    [1.0, 2.0, 5.0].map(|unit| unit * decade).into_iter().find(|step| *step >= value * 0.999).unwrap_or(10.0 * decade)
}

/// Whether there is something between two ends; not where one of them is not finite.
fn is_stretch(low: f64, high: f64) -> bool {
    low < high && (high - low).is_finite()
}

fn linear_ticks(low: f64, high: f64, most: usize) -> Vec<f64> {
    if most == 0 || !is_stretch(low, high) {
        return Vec::new();
    }
    let mut step = round_step((high - low) / most as f64);
    loop {
        let (first, last) = ((low / step - 1e-6).ceil(), (high / step + 1e-6).floor());
        let count = (last - first + 1.0).max(0.0);
        if count <= most as f64 {
            return (0..count as u32).map(|at| (first + f64::from(at)) * step).collect();
        }
        step = round_step(step * 1.5);
    }
}

/// Whole decades where there are many, parts of a decade where there are few.
fn log_ticks(low: f64, high: f64, most: usize) -> Vec<f64> {
    if most == 0 || !is_stretch(low, high) || low <= 0.0 {
        return Vec::new();
    }
    let (first, last) = (low.log10().floor() as i32, high.log10().ceil() as i32);
    let all = |units: &[f64], stride: usize| -> Vec<f64> {
        let decades =
            (first..=last).step_by(stride).flat_map(|power| units.iter().map(move |unit| unit * 10f64.powi(power)));
        decades.filter(|tick| (low * 0.999..=high * 1.001).contains(tick)).collect()
    };
    let parts: [&[f64]; 4] =
        [&[1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 7.0], &[1.0, 2.0, 3.0, 5.0, 7.0], &[1.0, 2.0, 5.0], &[1.0, 3.0]];
    for units in parts {
        let ticks = all(units, 1);
        if ticks.len() <= most {
            // A stretch without a round value in it is better served by equal steps.
            return if ticks.len() < 2 { linear_ticks(low, high, most.min(3)) } else { ticks };
        }
    }
    (1..).map(|stride| all(&[1.0], stride)).find(|ticks| ticks.len() <= most).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_inside() {
        assert_eq!(Scale::Linear.ticks((0.0, 1.0), 5), [0.0, 0.5, 1.0]);
        assert_eq!(Scale::Linear.ticks((0.0, 1240.0), 8).last(), Some(&1200.0));
        assert_eq!(Scale::Log.ticks((0.2, 2.0), 5), [0.2, 0.5, 1.0, 2.0]);
        assert_eq!(Scale::Log.ticks((1e-6, 1e2), 9).len(), 9);
        assert_eq!(Scale::Log.ticks((1e-6, 1e2), 4).len(), 3);
        for scale in [Scale::Linear, Scale::Log] {
            for range in [(0.0, 0.0), (1.0, 1.0), (f64::NAN, 1.0), (0.0, f64::INFINITY), (2.0, 1.0)] {
                assert!(scale.ticks(range, 5).is_empty(), "{scale:?} {range:?}");
            }
        }
    }

    #[test]
    fn there_are_never_more_ticks_than_asked_for() {
        for exponent in -60..60 {
            let high = 10f64.powf(f64::from(exponent) / 10.0);
            for most in 0..12 {
                assert!(Scale::Linear.ticks((0.0, high), most).len() <= most);
                assert!(Scale::Log.ticks((high / 37.0, high), most).len() <= most);
            }
        }
    }

    #[test]
    fn a_range_grows_in_steps() {
        for high in [2.28, 2.4, 2.5] {
            assert_eq!(Scale::Linear.round_out(0.31, high), (0.0, 2.5));
        }
        assert_eq!(Scale::Linear.round_out(0.2, 2.6), (0.0, 3.0));
        let (low, high) = Scale::Log.round_out(0.23, 2.3);
        assert!((low - 0.2).abs() < 1e-9 && (high - 3.0).abs() < 1e-9);
    }

    #[test]
    fn a_constant_has_a_range_to_lie_in() {
        for value in [0.0, 1.0, -3.0, 1e-12] {
            let (low, high) = Scale::Linear.round_out(value, value);
            assert!(low < high && low <= value && value <= high, "{value}: {low} {high}");
        }
        let (low, high) = Scale::Log.round_out(1.0, 1.0);
        assert!(low < 1.0 && 1.0 < high);
    }
}
