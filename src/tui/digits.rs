//! Numbers as the screen writes them: few digits, always the same width, thousands apart.

pub(super) use crate::chart::digits::{clock, thousands, three};

/// A hyperparameter: three digits where they are the whole truth, otherwise all it has.
pub(super) fn exact(value: f64) -> String {
    let short = three(value);
    let told = short.replace(',', "").replace('−', "-");
    if told.parse() == Ok(value) {
        return short;
    }
    let (plain, scientific) = (format!("{value}"), format!("{value:e}"));
    if plain.len() <= scientific.len() { plain } else { scientific }
}

/// A hyperparameter where there is little room: `≈0.300` for what would be too long.
pub(super) fn near(value: f64) -> String {
    let exact = exact(value);
    if exact.chars().count() <= 9 { exact } else { format!("≈{}", three(value)) }
}

/// Percentage points with their sign, one decimal: `+4.5`, `−1.9`.
pub(super) fn points(value: f64) -> String {
    match value {
        _ if value.is_nan() => "—".into(),
        _ if value.abs() < 0.05 => "±0.0".into(),
        _ => format!("{value:+.1}").replace('-', "−"),
    }
}

/// Which way a change goes, after it: none where what is shown of it is zero or nothing.
pub(super) fn arrow(shown: &str, change: f64) -> &'static str {
    match change {
        _ if !shown.contains(|c| matches!(c, '1'..='9' | '∞')) => "",
        _ if change > 0.0 => " ▲",
        _ if change < 0.0 => " ▼",
        _ => "",
    }
}

/// With its sign, two decimals: `+0.25`, `−0.21`.
pub(super) fn signed(value: f64) -> String {
    if value.is_nan() {
        return "—".into();
    }
    let size = value.abs();
    let sign = match value {
        _ if size < 0.005 => '±',
        _ if value < 0.0 => '−',
        _ => '+',
    };
    if size < 99.995 { format!("{sign}{size:.2}") } else { format!("{sign}{}", three(size)) }
}

/// A ratio to 1 as a change in percent: 0.64 is `−36 %`.
pub(super) fn change(ratio: f64) -> String {
    let percent = (ratio - 1.0) * 100.0;
    if !percent.is_finite() {
        return "—".into();
    }
    let sign = if percent <= -0.5 {
        "−"
    } else if percent >= 0.5 {
        "+"
    } else {
        "±"
    };
    let size = percent.abs().round();
    if size < 10_000.0 { format!("{sign}{size:.0} %") } else { format!("×{}", three(ratio)) }
}

/// A share of 1 in percent: `88.1 %`.
pub(super) fn share(value: f64) -> String {
    if value.is_finite() { format!("{:.1} %", value * 100.0) } else { "—".into() }
}

/// Bytes in the unit that keeps them short: `1.2 MB`, `227 kB`.
pub(super) fn bytes(count: u64) -> String {
    match count {
        0..1_000 => format!("{count} B"),
        99_950..1_000_000 => format!("{:.0} kB", (count as f64 / 1e3).min(999.0)),
        99_950_000..1_000_000_000 => format!("{:.0} MB", (count as f64 / 1e6).min(999.0)),
        1_000..1_000_000 => format!("{:.1} kB", count as f64 / 1e3),
        1_000_000..1_000_000_000 => format!("{:.1} MB", count as f64 / 1e6),
        _ => format!("{:.2} GB", count as f64 / 1e9),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hyperparameter_is_never_rounded_in_silence() {
        assert_eq!([near(0.1 + 0.2), near(0.0123)], ["≈0.300", "0.0123"]);
        for (value, text) in [(3.0, "3.00"), (0.1 + 0.2, "0.30000000000000004"), (0.0123, "0.0123"), (1e-3, "1.00e-3")]
        {
            assert_eq!(exact(value), text);
        }
    }

    #[test]
    fn changes_carry_their_sign() {
        assert_eq!([0.64, 1.0, 1.5, 0.999].map(change), ["−36 %", "±0 %", "+50 %", "±0 %"]);
        assert_eq!([-0.21, 0.25].map(signed), ["−0.21", "+0.25"]);
        assert_eq!([-1.94, 4.5].map(points), ["−1.9", "+4.5"]);
        assert_eq!(change(f64::NAN), "—");
        assert_eq!([0.0, -0.004, 0.005].map(signed), ["±0.00", "±0.00", "+0.01"]);
        assert_eq!([0.0, -0.04, 0.06].map(points), ["±0.0", "±0.0", "+0.1"]);
    }

    #[test]
    fn what_is_shown_as_zero_or_nothing_goes_nowhere() {
        for (change, text) in [(0.3, " ▲"), (-0.3, " ▼"), (0.004, ""), (-0.004, ""), (0.0, ""), (f64::NAN, "")] {
            assert_eq!(arrow(&signed(change), change), text, "{change}");
        }
    }

    #[test]
    fn bytes_are_readable() {
        assert_eq!(
            [12, 1_200, 227_300, 999_999, 1_200_000].map(bytes),
            ["12 B", "1.2 kB", "227 kB", "999 kB", "1.2 MB"]
        );
    }
}
