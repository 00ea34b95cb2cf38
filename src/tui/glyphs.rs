//! The characters that the screen is made of.

use std::fmt;
use std::str::FromStr;

use ratatui::buffer::Buffer;
use thiserror::Error;

use crate::chart::sign;

/// What a font and a terminal can show.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Glyphs {
    /// Curves of braille dots; every common font has them.
    #[default]
    Braille,
    /// Curves of filled eighths of a cell (Unicode 16): denser, and in few fonts yet.
    Octant,
    /// Nothing but ASCII. A curve is drawn with the first letter of its name, λ is `L` and η is `E`.
    Ascii,
}

/// A name that no set of characters has.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("no glyphs `{0}`: braille, octant or ascii")]
pub struct UnknownGlyphs(String);

impl Glyphs {
    /// All of them.
    pub const ALL: [Glyphs; 3] = [Glyphs::Braille, Glyphs::Octant, Glyphs::Ascii];

    /// The sign of an edit on every chart and table: ① to ⑳, then the number.
    pub(super) fn edit(self, number: usize) -> String {
        if self == Glyphs::Ascii { number.to_string() } else { sign::number(number) }
    }

    /// The sign of a note: ⓐ to ⓩ, then the same again.
    pub(super) fn note(self, number: usize) -> String {
        match self {
            Glyphs::Ascii => char::from(b'a' + (number.saturating_sub(1) % 26) as u8).to_string(),
            _ => sign::letter(number),
        }
    }
}

impl fmt::Display for Glyphs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Glyphs::Braille => "braille",
            Glyphs::Octant => "octant",
            Glyphs::Ascii => "ascii",
        })
    }
}

impl FromStr for Glyphs {
    type Err = UnknownGlyphs;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Glyphs::ALL.into_iter().find(|glyphs| glyphs.to_string() == text).ok_or_else(|| UnknownGlyphs(text.to_owned()))
    }
}

/// Puts an ASCII character in the place of every other.
///
/// It is done to the finished picture, cell by cell, so that no part of the screen can forget to.
pub(super) fn to_ascii(buffer: &mut Buffer) {
    spell_infinity(buffer);
    for cell in &mut buffer.content {
        if !cell.symbol().is_ascii() {
            let plain = cell.symbol().chars().next().map_or(' ', ascii);
            cell.set_char(plain);
        }
    }
}

/// One character cannot stand for ∞: `inf` is written into the blanks after it, or those before it.
fn spell_infinity(buffer: &mut Buffer) {
    for at in 0..buffer.content.len() {
        if buffer.content[at].symbol() != "∞" {
            continue;
        }
        let blank = |at: usize| buffer.content.get(at).is_none_or(|cell| cell.symbol() == " ");
        let from = match at {
            _ if blank(at + 1) && blank(at + 2) && blank(at + 3) => at,
            _ if at >= 3 && blank(at - 1) && blank(at - 2) && blank(at - 3) => at - 2,
            _ => continue,
        };
        for (cell, letter) in buffer.content.iter_mut().skip(from).zip("inf".chars()) {
            cell.set_char(letter);
        }
    }
}

/// What comes nearest.
fn ascii(c: char) -> char {
    match c {
        '│' | '┊' | '┆' | '‖' | '┃' => '|',
        '━' => '=',
        '─' | '−' | '–' | '—' => '-',
        '╭' | '╮' | '╰' | '╯' | '├' | '┤' | '┬' | '┴' | '┼' | '└' | '┘' | '┌' | '┐' => '+',
        'λ' => 'L',
        'η' => 'E',
        'τ' => 'T',
        'μ' => 'm',
        'β' => 'b',
        'ε' => 'e',
        '·' | '•' => '.',
        '×' => 'x',
        '✎' => '"',
        '→' | '▸' => '>',
        '≥' => '>',
        '≈' | '±' => '~',
        '▲' | '↑' => '^',
        '▼' | '▾' | '↓' => 'v',
        '↕' => '%',
        '●' => '*',
        '○' => 'o',
        '■' | '▣' | '▆' | '▇' | '█' => '#',
        '▁' => '_',
        '▂' | '▃' => '.',
        '▄' | '▅' | '▒' | '░' => ':',
        '↶' => '<',
        '…' => '~',
        '∞' => 'I',
        '½' => '/',
        '¬' => '!',
        _ => '?',
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_reads_back_and_another_is_told_what_there_is() {
        for glyphs in Glyphs::ALL {
            assert_eq!(glyphs.to_string().parse(), Ok(glyphs));
        }
        let error = "unicode".parse::<Glyphs>().unwrap_err().to_string();
        assert_eq!(error, "no glyphs `unicode`: braille, octant or ascii");
    }

    #[test]
    fn signs_are_numbers_and_letters() {
        assert_eq!([1, 20, 21].map(|number| Glyphs::Braille.edit(number)), ["①", "⑳", "21"]);
        assert_eq!([1, 12].map(|number| Glyphs::Ascii.edit(number)), ["1", "12"]);
        assert_eq!([1, 26, 27].map(|number| Glyphs::Braille.note(number)), ["ⓐ", "ⓩ", "ⓐ"]);
        assert_eq!(Glyphs::Ascii.note(2), "b");
    }

    #[test]
    fn nothing_but_ascii_is_left() {
        let mut buffer = Buffer::with_lines(["╭ λ 0 → 3 ● 重さ ╮"]);
        to_ascii(&mut buffer);
        assert_eq!(buffer, Buffer::with_lines(["+ L 0 > 3 * ? ?  +"]));
    }
}
