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
    Zoom,
    PageUp,
    PageDown,
}

/// Keys with their names and what they do; the first name is the one that is told.
pub(super) const KEYS: [(&[&str], Action, &str); 29] = [
    (&["Up", "k"], Action::Up, "the session above"),
    (&["Down", "j"], Action::Down, "the session below"),
    (&["Left", "h"], Action::Left, "the curve before; zoomed in or with the crosshair, to the left"),
    (&["Right", "l"], Action::Right, "the curve after; zoomed in or with the crosshair, to the right"),
    (&["u"], Action::NextColumn, "the curve after"),
    (&["U"], Action::PreviousColumn, "the curve before"),
    (&["1"], Action::Column("validation/loss"), "validation loss"),
    (&["2"], Action::Column("train/loss"), "training loss"),
    (&["3"], Action::Column("validation/accuracy"), "validation accuracy"),
    (&["4"], Action::Column("penalty"), "penalty"),
    (&["5"], Action::Column("loss"), "loss of each batch"),
    (&["6"], Action::Norm, "norm of a tensor, then of the next"),
    (&["a"], Action::Align, "align by step, epoch, time, since an edit"),
    (&["*"], Action::Baseline, "differences from the chosen session, or none"),
    (&["d"], Action::Differences, "nothing but differences: from the baseline, or else the chosen session"),
    (&["o"], Action::Order, "another order of the sessions"),
    (&["Space"], Action::Hide, "hide the chosen session's curve, show it again"),
    (&["/"], Action::Filter, "sessions with these letters"),
    (&["Tab", "S-Tab"], Action::Table, "settings that differ, or edits side by side"),
    (&["PageUp"], Action::PageUp, "scroll that table up"),
    (&["PageDown"], Action::PageDown, "scroll that table down"),
    (&["+"], Action::ZoomIn, "charts nearer"),
    (&["-"], Action::ZoomOut, "charts further"),
    (&["="], Action::Follow, "charts back to the end, then to all of the runs"),
    (&["i"], Action::Crosshair, "read values out at a place, which Left and Right move"),
    (&["y"], Action::Scale, "linear or logarithmic axis"),
    (&["Enter"], Action::Zoom, "the chart on the whole screen, and back"),
    (&["v"], Action::Return, "opened from a run: back to it, as q and Esc"),
    (&["?", "F1"], Action::Help, "this list"),
];

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
    common.or_else(|| KEYS.iter().find(|(names, ..)| names.contains(&name.as_str())).map(|(_, action, _)| *action))
}

/// The list of keys as Markdown, for the README.
pub fn markdown() -> String {
    let mut text = "| In a comparison | |\n|---|---|\n".to_owned();
    for (names, _, help) in KEYS {
        let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
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
        let all = KEYS.iter().flat_map(|(names, ..)| names.iter()).chain(COMMON.iter().map(|(name, _)| name));
        for name in all {
            assert!(seen.insert(name), "{name} is bound twice");
        }
    }
}
