//! What colours mean, and which ones a terminal has.

use std::env;

use ratatui::style::{Color, Modifier, Style};

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
        let set = |name: &str| env::var_os(name).is_some_and(|value| !value.is_empty());
        let many = env::var("TERM").is_ok_and(|term| term.contains("256color")) || set("COLORTERM");
        if set("NO_COLOR") {
            Theme::mono()
        } else if many {
            Theme::many()
        } else {
            Theme::sixteen()
        }
    }

    /// The names under which a theme can be asked for.
    pub(super) const NAMES: [&str; 3] = ["256", "16", "mono"];

    /// The theme with this name.
    pub(super) fn named(name: &str) -> Option<Self> {
        match name {
            "256" => Some(Theme::many()),
            "16" => Some(Theme::sixteen()),
            "mono" => Some(Theme::mono()),
            _ => None,
        }
    }

    /// Of the 256 fixed colours, some that are readable on black and on white.
    pub fn many() -> Self {
        Theme::of(
            Color::Indexed(33),
            Color::Indexed(67),
            Color::Indexed(208),
            Color::Indexed(170),
            Color::Indexed(36),
            Color::Indexed(203),
            Color::Indexed(244),
        )
    }

    /// Of the 16 colours that the terminal's own scheme defines.
    pub fn sixteen() -> Self {
        Theme::of(
            Color::LightBlue,
            Color::Blue,
            Color::Yellow,
            Color::Magenta,
            Color::Cyan,
            Color::Red,
            Color::DarkGray,
        )
    }

    fn of(
        training: Color,
        batches: Color,
        validation: Color,
        weight_decay: Color,
        learning_rate: Color,
        warning: Color,
        quiet: Color,
    ) -> Self {
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
