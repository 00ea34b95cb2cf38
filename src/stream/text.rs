//! Text from outside, made fit for a terminal.

use std::borrow::Cow;

/// Replaces control characters, which a terminal would obey, by `\u{FFFD}`.
///
/// For every text that comes from a file, an option or another program before it reaches a screen. Characters that
/// reorder text (bidirectional overrides) are replaced too.
pub fn printable(text: &str) -> Cow<'_, str> {
    let harmful = |c: char| {
        c.is_control() || matches!(c, '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
    };
    if text.contains(harmful) { text.replace(harmful, "\u{FFFD}").into() } else { text.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_do_not_reach_a_terminal() {
        assert_eq!(printable("a\x1b[2Jb\u{9b}c\nd\u{202e}e"), "a\u{FFFD}[2Jb\u{FFFD}c\u{FFFD}d\u{FFFD}e");
        assert!(matches!(printable("λ 0 → 3"), Cow::Borrowed(_)));
    }
}
