//! Numbers as charts write them: few digits, always the same width, thousands apart.

/// A count with its thousands apart: `12,345`.
pub fn thousands(count: u64) -> String {
    let digits = count.to_string();
    let mut text = String::with_capacity(digits.len() * 4 / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Three significant digits: `0.498`, `17.9`, `560`, `12,300`, `1.00e-3`.
pub fn three(value: f64) -> String {
    let size = value.abs();
    if value.is_nan() {
        return "NaN".into();
    }
    if value.is_infinite() {
        return if value > 0.0 { "∞" } else { "−∞" }.into();
    }
    let text = match size {
        0.0 => return "0".into(),
        // The bounds are where rounding to three digits would need another column.
        _ if size < 0.009_995 => scientific(value, 2),
        _ if size < 0.9995 => format!("{value:.3}"),
        _ if size < 9.995 => format!("{value:.2}"),
        _ if size < 99.95 => format!("{value:.1}"),
        _ if size < 999.5 => format!("{value:.0}"),
        _ if size < 999_999.5 => {
            let sign = if value < 0.0 { "-" } else { "" };
            format!("{sign}{}", thousands(size.round() as u64))
        }
        _ => scientific(value, 2),
    };
    text.replace('-', "−").replace("e−", "e-")
}

/// Wall time: `00:27`, `1:02:03`.
pub fn clock(seconds: f64) -> String {
    let whole = seconds.max(0.0) as u64;
    let (hours, minutes, seconds) = (whole / 3600, whole / 60 % 60, whole % 60);
    if hours > 0 { format!("{hours}:{minutes:02}:{seconds:02}") } else { format!("{minutes:02}:{seconds:02}") }
}

fn scientific(value: f64, decimals: usize) -> String {
    format!("{value:.decimals$e}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_digits_are_three_digits() {
        for (value, text) in [
            (0.0, "0"),
            (0.4981, "0.498"),
            (0.9996, "1.00"),
            (9.996, "10.0"),
            (17.9, "17.9"),
            (560.2, "560"),
            (999.6, "1,000"),
            (12345.0, "12,345"),
            (1e-3, "1.00e-3"),
            (2.5e7, "2.50e7"),
            (-0.25, "−0.250"),
            (-1e-4, "−1.00e-4"),
            (f64::NAN, "NaN"),
            (f64::NEG_INFINITY, "−∞"),
        ] {
            assert_eq!(three(value), text, "{value}");
        }
    }

    #[test]
    fn thousands_and_time_are_readable() {
        assert_eq!([0, 999, 1000, 1_234_567].map(thousands), ["0", "999", "1,000", "1,234,567"]);
        assert_eq!([27.9, 3723.0].map(clock), ["00:27", "1:02:03"]);
    }
}
