//! The keys of a comparison.

use crossterm::event::KeyEvent;

use crate::tui::keymap;

/// What a key asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Action {
    Quit,
    Back,
    Help,
    Repaint,
    Suspend,
    Up,
    Down,
    /// The curve before or after; in a chart that does not show all, or with a crosshair, sideways.
    Left,
    Right,
    /// The curve before or after.
    PreviousColumn,
    NextColumn,
    ZoomIn,
    ZoomOut,
    Follow,
    Crosshair,
    /// The curve with this name.
    Column(&'static str),
    /// The norm of a tensor, of the next one where one is shown already.
    Norm,
    Align,
    Order,
    Baseline,
    Differences,
    Return,
    Hide,
    Filter,
    Table,
    Scale,
    Again,
    Zoom,
    PageUp,
    PageDown,
}

/// Keys that belong together, each with what it asks for, and what they do in words.
type Row = (&'static [(&'static str, Action)], &'static str);

/// Every key of the screen. Each line of the list has room for it where there are 80 columns, and there are no more lines
/// than there are rows then.
pub(super) const KEYS: [Row; 21] = {
    use Action as A;
    [
        (&[("Up", A::Up), ("Down", A::Down), ("k", A::Up), ("j", A::Down)], "choose a session"),
        (
            &[("Left", A::Left), ("Right", A::Right), ("h", A::Left), ("l", A::Right)],
            "the curve before, after; zoomed in or with i, sideways",
        ),
        (&[("u", A::NextColumn), ("U", A::PreviousColumn)], "the curve after, before"),
        (&[("1", A::Column("validation/loss")), ("2", A::Column("train/loss"))], "validation loss, training loss"),
        (
            &[("3", A::Column("validation/accuracy")), ("4", A::Column("penalty")), ("5", A::Column("loss"))],
            "validation accuracy, penalty, loss of each batch",
        ),
        (&[("6", A::Norm)], "norm of a tensor, then of the next"),
        (&[("a", A::Align)], "align by step, epoch, time, since an edit"),
        (&[("*", A::Baseline)], "differences from the chosen session, or none"),
        (&[("d", A::Differences)], "nothing but differences, from * or the chosen session"),
        (&[("o", A::Order)], "another order of the sessions"),
        (&[("Space", A::Hide)], "hide the chosen session's curve, show it again"),
        (&[("/", A::Filter)], "sessions with these letters"),
        (&[("Tab", A::Table), ("S-Tab", A::Table)], "settings that differ, or edits side by side"),
        (&[("PageUp", A::PageUp), ("PageDown", A::PageDown)], "scroll that table"),
        (
            &[("+", A::ZoomIn), ("-", A::ZoomOut), ("=", A::Follow)],
            "charts nearer, further; back to the end, then to all of it",
        ),
        (&[("i", A::Crosshair)], "read values out at a place, which Left and Right move"),
        (&[("y", A::Scale)], "linear or logarithmic axis, of losses or of all others"),
        (&[("Enter", A::Zoom)], "the chart on the whole screen, and back"),
        (&[("r", A::Again)], "read the sessions again: what still runs has gone on"),
        (&[("v", A::Return)], "opened from a run: back to it, as q and Esc"),
        (&[("?", A::Help), ("F1", A::Help)], "this list"),
    ]
};

/// Keys that every screen of the program has.
const COMMON: [(&str, Action); 5] = [
    ("q", Action::Quit),
    ("ctrl-c", Action::Quit),
    ("Esc", Action::Back),
    ("ctrl-l", Action::Repaint),
    ("ctrl-z", Action::Suspend),
];

/// What a key means while nothing is being typed.
pub(super) fn action(key: KeyEvent) -> Option<Action> {
    let name = keymap::name(key)?;
    let common = COMMON.iter().find(|(its, _)| *its == name).map(|(_, action)| *action);
    let own = || KEYS.iter().flat_map(|(keys, _)| *keys).find(|(its, _)| *its == name).map(|(_, action)| *action);
    common.or_else(own)
}

/// Names in the list of keys, in the room that it has for them.
pub(super) fn told(keys: &[(&str, Action)]) -> String {
    let short = |name| match name {
        "Up" => "↑",
        "Down" => "↓",
        "Left" => "←",
        "Right" => "→",
        "PageUp" => "PgUp",
        "PageDown" => "PgDn",
        name => name,
    };
    keys.iter().map(|(name, _)| short(*name)).collect::<Vec<_>>().join(" ")
}

/// The list of keys as Markdown, for the README.
pub fn markdown() -> String {
    let mut text = "| In a comparison | |\n|---|---|\n".to_owned();
    for (keys, help) in KEYS {
        let names: Vec<String> = keys.iter().map(|(name, _)| format!("`{name}`")).collect();
        text += &format!("| {} | {help} |\n", names.join(" "));
    }
    text
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn no_key_means_two_things() {
        let mut seen = BTreeSet::new();
        for (name, _) in KEYS.iter().flat_map(|(keys, _)| *keys).chain(&COMMON) {
            assert!(seen.insert(name), "{name} is bound twice");
        }
        assert!(!seen.contains(&"b"), "b is kept for forking");
    }
}
