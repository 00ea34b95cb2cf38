//! The signs of what happened in a run, over the marks of every chart.

/// A snapshot was taken.
pub const SNAPSHOT: &str = "▣";
/// A snapshot was gone back to.
pub const RESTORED: &str = "↶";
/// The run warned of something.
pub const ALERT: &str = "▲";

/// Of an edit: ① to ⑳, then the number.
pub fn number(number: usize) -> String {
    match u32::try_from(number) {
        Ok(number @ 1..=20) => circled(0x2460 + number - 1),
        _ => number.to_string(),
    }
}

/// Of a note: ⓐ to ⓩ, then the same again.
pub fn letter(number: usize) -> String {
    circled(0x24D0 + (number.saturating_sub(1) % 26) as u32)
}

/// What a sign means that is the same for all of its kind.
pub fn meaning(sign: &str) -> Option<&'static str> {
    match sign {
        SNAPSHOT => Some("snapshot"),
        RESTORED => Some("back to a snapshot"),
        ALERT => Some("warning"),
        _ => None,
    }
}

fn circled(code: u32) -> String {
    char::from_u32(code).map(String::from).unwrap_or_default()
}
