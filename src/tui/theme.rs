//! What colours mean, and which ones a terminal has.

use std::env;

use ratatui::style::{Color, Modifier, Style};

use crate::chart::ON_WHITE;

/// A style for each meaning. Everything else is the terminal's own foreground on its own background.
///
/// No meaning is carried by colour alone: signs, words and digits stand beside it. The two series that matter are
/// blue and orange, which every common kind of colour vision tells apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Theme {
    /// Training.
    pub training: Style,
    /// Single batches of training, a band behind everything else.
    pub batches: Style,
    /// The smoothed line through them.
    pub smoothed: Style,
    /// Validation.
    pub validation: Style,
    /// λ and everything that is about it.
    pub weight_decay: Style,
    /// η and everything that is about it.
    pub learning_rate: Style,
    /// What needs attention.
    pub warning: Style,
    /// A value on its way: previewed or not yet confirmed.
    pub pending: Style,
    /// Axes, borders, labels.
    pub quiet: Style,
    /// Names and headings.
    pub strong: Style,
    /// The panel that has the focus.
    pub focus: Style,
    /// The selected row.
    pub selected: Style,
}

impl Theme {
    /// The theme for the terminal that the environment variables describe.
    pub fn from_environment() -> Self {
        let read = |name: &str| env::var(name).ok().filter(|value| !value.is_empty());
        let term = read("TERM").unwrap_or_default();
        let colorterm = read("COLORTERM");
        if env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty()) {
            return Theme::mono();
        }
        let exact = colorterm.as_ref().is_some_and(|value| value == "truecolor" || value == "24bit");
        match background(&read("COLORFGBG").unwrap_or_default()) {
            Some(Background::Dark) if exact => Theme::dark(),
            Some(Background::Light) if exact => Theme::light(),
            _ if term.contains("256color") || colorterm.is_some() => Theme::many(),
            _ => Theme::sixteen(),
        }
    }

    /// The names under which a theme can be asked for.
    pub(super) const NAMES: [&str; 6] = ["auto", "256", "dark", "light", "16", "mono"];

    /// The theme with this name.
    pub(super) fn named(name: &str) -> Option<Self> {
        match name {
            "auto" => Some(Theme::from_environment()),
            "256" => Some(Theme::many()),
            "dark" => Some(Theme::dark()),
            "light" => Some(Theme::light()),
            "16" => Some(Theme::sixteen()),
            "mono" => Some(Theme::mono()),
            _ => None,
        }
    }

    /// What has a colour of its own.
    pub(super) const MEANINGS: [&str; 7] =
        ["training", "batches", "validation", "weight_decay", "learning_rate", "warning", "quiet"];

    /// Gives one of the [meanings](Self::MEANINGS) another colour.
    pub(super) fn paint(&mut self, meaning: &str, colour: Color) {
        let style = match meaning {
            "training" => &mut self.training,
            "batches" => {
                self.batches.fg = Some(colour);
                &mut self.smoothed
            }
            "validation" => &mut self.validation,
            "weight_decay" => &mut self.weight_decay,
            "learning_rate" => &mut self.learning_rate,
            "warning" => &mut self.warning,
            _ => &mut self.quiet,
        };
        style.fg = Some(colour);
    }

    /// Of the 256 fixed colours, some that are readable on black and on white.
    pub fn many() -> Self {
        Theme::of([33, 67, 208, 170, 36, 203, 244].map(Color::Indexed))
    }

    /// For a dark background, in 24 bits: the colours of Okabe and Ito, which are told apart by every common kind of
    /// colour vision, somewhat lighter where black would swallow them.
    pub fn dark() -> Self {
        Theme::of([0x56b4e9, 0x6f8fa8, 0xe69f00, 0xe08cd0, 0x14a37c, 0xff6f4d, 0x8a8f98].map(Color::from_u32))
    }

    /// The same for a light background, somewhat darker.
    pub fn light() -> Self {
        Theme::of(ON_WHITE.map(Color::from_u32))
    }

    /// Of the 16 colours that the terminal's own scheme defines.
    pub fn sixteen() -> Self {
        Theme::of([
            Color::LightBlue,
            Color::Blue,
            Color::Yellow,
            Color::Magenta,
            Color::Cyan,
            Color::Red,
            Color::DarkGray,
        ])
    }

    /// In the order of the [meanings](Self::MEANINGS).
    fn of([training, batches, validation, weight_decay, learning_rate, warning, quiet]: [Color; 7]) -> Self {
        let plain = Style::new();
        Theme {
            training: plain.fg(training),
            batches: plain.fg(batches).add_modifier(Modifier::DIM),
            smoothed: plain.fg(batches),
            validation: plain.fg(validation),
            weight_decay: plain.fg(weight_decay),
            learning_rate: plain.fg(learning_rate),
            warning: plain.fg(warning).add_modifier(Modifier::BOLD),
            pending: plain.add_modifier(Modifier::REVERSED),
            quiet: plain.fg(quiet),
            strong: plain.add_modifier(Modifier::BOLD),
            focus: plain.add_modifier(Modifier::BOLD),
            selected: plain.add_modifier(Modifier::BOLD),
        }
    }

    /// No colour at all.
    pub fn mono() -> Self {
        let plain = Style::new();
        let (bold, dim) = (plain.add_modifier(Modifier::BOLD), plain.add_modifier(Modifier::DIM));
        Theme {
            training: plain,
            batches: dim,
            smoothed: plain,
            validation: bold,
            weight_decay: plain,
            learning_rate: plain,
            warning: bold,
            pending: plain.add_modifier(Modifier::REVERSED),
            quiet: dim,
            strong: bold,
            focus: bold,
            selected: bold,
        }
    }
}

/// What text stands on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Background {
    Dark,
    Light,
}

/// The background in `COLORFGBG`, as `15;0` or `0;default;15`.
fn background(text: &str) -> Option<Background> {
    match text.rsplit_once(';')?.1.parse().ok()? {
        7 | 9..=15 => Some(Background::Light),
        0..=6 | 8 => Some(Background::Dark),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Linear light, 0 to 1.
    fn linear(colour: Option<Color>) -> [f64; 3] {
        let Some(Color::Rgb(r, g, b)) = colour else { panic!("{colour:?} is not 24 bits") };
        [r, g, b].map(|part| {
            let part = f64::from(part) / 255.0;
            if part <= 0.040_45 { part / 12.92 } else { ((part + 0.055) / 1.055).powf(2.4) }
        })
    }

    fn luminance([r, g, b]: [f64; 3]) -> f64 {
        0.2126 * r + 0.7152 * g + 0.0722 * b
    }

    fn colours(theme: &Theme) -> [Option<Color>; 7] {
        let Theme { training, smoothed, validation, weight_decay, learning_rate, warning, quiet, .. } = theme;
        [training, smoothed, validation, weight_decay, learning_rate, warning, quiet].map(|style| style.fg)
    }

    #[test]
    fn every_colour_is_readable_on_its_background() {
        // Backgrounds of common schemes; 3 to 1 is what WCAG 2 asks of large text and graphics.
        let (dark, light) = (luminance(linear(Some(Color::from_u32(0x1e1e1e)))), 1.0);
        for colour in colours(&Theme::dark()) {
            assert!((luminance(linear(colour)) + 0.05) / (dark + 0.05) >= 4.5, "{colour:?}");
        }
        for colour in colours(&Theme::light()) {
            assert!((light + 0.05) / (luminance(linear(colour)) + 0.05) >= 3.9, "{colour:?}");
        }
    }

    #[test]
    fn pairs_that_matter_differ_for_every_common_kind_of_colour_vision() {
        // Machado, Oliveira and Fernandes (2009), severity 1: protanopia, deuteranopia, tritanopia.
        let kinds: [[[f64; 3]; 3]; 3] = [
            [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
            [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
            [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
        ];
        let seen = |kind: &[[f64; 3]; 3], colour| {
            let light = linear(colour);
            kind.map(|row| row.iter().zip(light).map(|(a, b)| a * b).sum::<f64>().clamp(0.0, 1.0).cbrt())
        };
        for theme in [Theme::dark(), Theme::light()] {
            for (a, b) in [(theme.training, theme.validation), (theme.weight_decay, theme.learning_rate)] {
                for kind in &kinds {
                    let (a, b) = (seen(kind, a.fg), seen(kind, b.fg));
                    let distance = a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum::<f64>().sqrt();
                    assert!(distance > 0.15, "{a:?} {b:?} {distance}");
                }
            }
        }
    }

    #[test]
    fn the_background_is_the_last_number() {
        assert_eq!(background("15;0"), Some(Background::Dark));
        assert_eq!(background("0;default;15"), Some(Background::Light));
        assert_eq!(background("15;default"), None);
        assert_eq!(background(""), None);
    }

    #[test]
    fn every_name_is_a_theme_and_every_meaning_can_be_painted() {
        assert!(Theme::NAMES.into_iter().all(|name| Theme::named(name).is_some()) && Theme::named("pink").is_none());
        for meaning in Theme::MEANINGS {
            let mut theme = Theme::dark();
            theme.paint(meaning, Color::Indexed(1));
            assert!(colours(&theme).contains(&Some(Color::Indexed(1))), "{meaning}");
        }
    }
}
