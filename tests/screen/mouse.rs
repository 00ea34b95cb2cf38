//! What the mouse does.

use crossterm::event::{KeyModifiers, MouseButton, MouseEvent, MouseEventKind};
use wdtop::tui::{Capture, Effect, Msg, Options, Preferences};

use crate::desk::Desk;
use crate::rescued;
use crate::source::Source;

const LEFT: MouseButton = MouseButton::Left;

fn mouse(desk: &mut Desk, kind: MouseEventKind, (column, row): (u16, u16)) {
    desk.send(Msg::Mouse(MouseEvent { kind, column, row, modifiers: KeyModifiers::NONE }));
}

fn click(desk: &mut Desk, at: (u16, u16)) {
    mouse(desk, MouseEventKind::Down(LEFT), at);
    mouse(desk, MouseEventKind::Up(LEFT), at);
}

/// Where a text stands on a screen of 120×36.
fn find(desk: &Desk, text: &str) -> (u16, u16) {
    let screen = desk.look(120, 36);
    let found = screen.lines().zip(0..).find_map(|(line, y)| {
        let at = line.find(text)?;
        Some((line[..at].chars().count() as u16, y))
    });
    found.unwrap_or_else(|| panic!("no {text} on\n{screen}"))
}

/// The label row of the chart of losses.
fn axis(desk: &Desk) -> String {
    let screen = desk.look(120, 36);
    let row = screen.lines().find(|line| line.contains(" step│")).unwrap_or_else(|| panic!("{screen}"));
    row.split(" step│").next().unwrap_or_default().replace('│', "").split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn a_key_takes_the_mouse_and_gives_it_back() {
    let mut desk = rescued();
    desk.press("M");
    assert!(desk.look(120, 36).contains("mouse on: the wheel zooms"));
    desk.press("M");
    assert!(desk.look(120, 36).contains("mouse off: the terminal selects text"));
    assert_eq!(desk.effects, [Effect::Mouse(Capture::On), Effect::Mouse(Capture::Off)]);
}

#[test]
fn the_wheel_zooms_a_chart_at_the_pointer() {
    let mut desk = rescued();
    assert_eq!(axis(&desk), "0 500 1,000 1,500");
    // The middle of the chart, far from the last step.
    for _ in 0..2 {
        mouse(&mut desk, MouseEventKind::ScrollUp, (25, 8));
    }
    let near = axis(&desk);
    assert!(near.contains("400") && !near.contains("1,000"), "{near}");
    for _ in 0..4 {
        mouse(&mut desk, MouseEventKind::ScrollDown, (25, 8));
    }
    assert_eq!(axis(&desk), "0 500 1,000 1,500");
    assert_eq!(desk.sent.len(), 1, "training heard of λ alone");
}

#[test]
fn a_drag_shows_the_stretch_that_it_marks() {
    let mut desk = rescued();
    mouse(&mut desk, MouseEventKind::Down(LEFT), (20, 8));
    mouse(&mut desk, MouseEventKind::Drag(LEFT), (30, 9));
    let (x, _) = find(&desk, "━━━━━━━━━━━");
    assert_eq!(x, 20);
    // Beyond the chart counts as its edge.
    mouse(&mut desk, MouseEventKind::Drag(LEFT), (2, 35));
    mouse(&mut desk, MouseEventKind::Up(LEFT), (2, 35));
    let shown = axis(&desk);
    assert!(shown.starts_with("0 ") && !shown.contains("1,000"), "{shown}");
    assert!(!desk.look(120, 36).contains('━'));
}

#[test]
fn a_click_takes_the_focus_and_chooses_a_tensor() {
    let mut desk = rescued();
    let at = find(&desk, " fc2.weight");
    click(&mut desk, at);
    find(&desk, "▸fc2.weight");
    find(&desk, "‖w‖ of fc2.weight");
    let before = axis(&desk);
    click(&mut desk, (30, 8));
    assert_eq!(axis(&desk), before, "a click is no drag");
}

#[test]
fn the_wheel_scrolls_lists() {
    let mut desk = rescued();
    desk.press("m");
    desk.press("the note<Enter>");
    let at = find(&desk, "ⓐ step");
    mouse(&mut desk, MouseEventKind::ScrollDown, at);
    assert!(!desk.look(120, 36).contains("ⓐ step"));
    mouse(&mut desk, MouseEventKind::ScrollUp, at);
    find(&desk, "ⓐ step");
    let at = find(&desk, "fc2.bias");
    mouse(&mut desk, MouseEventKind::ScrollDown, at);
    find(&desk, "▸fc1.bias");
}

#[test]
fn no_place_and_no_mode_panics() {
    let kinds = [
        MouseEventKind::Down(LEFT),
        MouseEventKind::Drag(LEFT),
        MouseEventKind::ScrollUp,
        MouseEventKind::ScrollDown,
        MouseEventKind::Up(LEFT),
        MouseEventKind::Moved,
    ];
    for keys in ["", "<Enter>", "<Tab><Enter>", "3<Enter>", "?", "w", "12345", "/zzz<Enter>", "xx+"] {
        let mut desk = rescued();
        desk.press(keys);
        for size in [(1, 1), (60, 16), (80, 24), (120, 36)] {
            desk.send(Msg::Resized(size.0, size.1));
            for column in (0..130).step_by(13) {
                for row in (0..40).step_by(3) {
                    kinds.iter().for_each(|kind| mouse(&mut desk, *kind, (column, row)));
                }
            }
            desk.look(size.0, size.1);
        }
    }
    let mut loading = Desk::new(Source::demo());
    kinds.iter().for_each(|kind| mouse(&mut loading, *kind, (20, 8)));
}

#[test]
fn who_wants_it_has_it_from_the_start() {
    let preferences = Preferences::parse("mouse = true").expect("well formed");
    let mut desk = Desk::with(Source::demo(), Options { preferences, ..Options::default() });
    desk.press("M");
    assert_eq!(desk.effects, [Effect::Mouse(Capture::Off)]);
}
