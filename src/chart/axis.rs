//! The words of an axis: labels of its ticks, and where an axis of counts ends.

use super::digits;

/// The end of an axis of counts: the round number at or after `count`, a little ahead of it as it grows.
pub fn round_count(count: u64) -> u64 {
    let decades = std::iter::successors(Some(1u64), |decade| decade.checked_mul(10));
    let ends = decades.flat_map(|decade| [10, 12, 15, 20, 25, 30, 40, 50, 60, 80].map(|end| decade.checked_mul(end)));
    ends.flatten().find(|end| *end >= count).unwrap_or(u64::MAX)
}

/// A tick's value with as many decimals as its neighbours need.
pub fn label(value: f64, ticks: &[f64]) -> String {
    let step = ticks.windows(2).map(|pair| pair[1] - pair[0]).fold(f64::INFINITY, f64::min);
    let step = if step.is_finite() && step > 0.0 { step } else { value.abs() };
    if value == 0.0 {
        return "0".into();
    }
    if value.abs() >= 999_999.5 || value.abs() < 1e-4 {
        return format!("{value:.0e}");
    }
    // Enough decimals for the step itself, so that 0.15 and 0.2 are told apart.
    let decimals =
        (0..6).find(|decimals| is_whole(step * 10f64.powi(*decimals)) && is_whole(value * 10f64.powi(*decimals)));
    match decimals.unwrap_or(6) {
        0 => format!("{}{}", if value < 0.0 { "-" } else { "" }, digits::thousands(value.abs().round() as u64)),
        decimals => format!("{value:.*}", decimals as usize),
    }
}

fn is_whole(value: f64) -> bool {
    (value - value.round()).abs() < 1e-6 * value.abs().max(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_have_the_decimals_their_neighbours_need() {
        let labels = |ticks: &[f64]| ticks.iter().map(|tick| label(*tick, ticks)).collect::<Vec<_>>();
        assert_eq!(labels(&[0.0, 0.5, 1.0]), ["0", "0.5", "1.0"]);
        assert_eq!(labels(&[0.1, 0.15, 0.2]), ["0.10", "0.15", "0.20"]);
        assert_eq!(labels(&[0.0, 500.0, 1000.0]), ["0", "500", "1,000"]);
    }

    #[test]
    fn an_axis_of_counts_ends_at_a_round_number_ahead() {
        assert_eq!([0, 10, 11, 1240, 99_999].map(round_count), [10, 10, 12, 1500, 100_000]);
        assert!(round_count(u64::MAX - 1) >= u64::MAX - 1);
    }
}
