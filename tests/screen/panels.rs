//! What single panels show, and how each is reached on a screen with room for one.

use wdtop::stream::{Alert, AlertKind, Level, What};
use wdtop::tui::{Glyphs, Options, Preferences};

use crate::desk::Desk;
use crate::source::Source;

fn desk() -> Desk {
    let mut desk = Desk::new(Source::demo());
    desk.train(200);
    desk
}

#[test]
fn throughput_tells_the_share_of_each_phase() {
    let mut desk = desk();
    let screen = desk.look(200, 50);
    for text in ["6 throughput", "50 steps/s   5,000 samples/s", "forward", "5.5 %     1.10 ms", "77.0 %     15.4 ms"] {
        assert!(screen.contains(text), "{text}: {screen}");
    }
    assert!(!desk.look(120, 36).contains("6 throughput"));
    desk.press("6");
    let screen = desk.look(120, 36);
    assert!(screen.contains("6 throughput") && screen.contains("waiting for pace"), "{screen}");
    desk.press("e");
    assert!(desk.look(120, 36).contains("waiting for the recorder: 0.0 % of the time"), "{}", desk.look(120, 36));
}

#[test]
fn where_nothing_is_measured_throughput_says_so() {
    let mut desk = Desk::new(Source::demo());
    desk.press("6");
    assert!(desk.look(80, 24).contains("nothing measured yet"), "{}", desk.look(80, 24));
}

#[test]
fn weights_are_drawn_as_bars_in_every_width_and_in_ascii() {
    let mut desk = desk();
    desk.press("U");
    for (width, height) in [(60, 16), (80, 24), (120, 36), (200, 50)] {
        desk.resize(width, height);
        let screen = desk.look(width, height);
        assert!(screen.contains('█') || width == 60, "{screen}");
    }
    desk.resize(60, 16);
    desk.press("4");
    insta::assert_snapshot!("weights_60x16", desk.look(60, 16));
    let options = Options { glyphs: Glyphs::Ascii, ..Options::default() };
    let mut desk = Desk::with(Source::demo(), options);
    desk.train(200);
    desk.press("U<Enter>");
    let screen = desk.look(80, 24);
    let above = screen.rsplit_once('\n').map_or("", |(above, _)| above);
    assert!(above.contains("##") && screen.is_ascii() && !above.contains('?'), "{screen}");
}

#[test]
fn the_detail_of_a_tensor_has_its_weights_where_there_is_room() {
    let mut desk = desk();
    desk.press("4");
    desk.press("4<Enter>");
    let screen = desk.look(120, 36);
    assert!(screen.contains("‖w‖ norm") && screen.contains("█"), "{screen}");
}

#[test]
fn every_panel_is_reached_and_left_on_every_screen() {
    let titles = ["1 loss", "2 knobs", "3 layers", "4 ‖w‖ of", "5 events", "6 throughput"];
    for (width, height) in [(60, 16), (80, 24), (120, 36)] {
        let mut desk = desk();
        desk.resize(width, height);
        let before = desk.look(width, height);
        assert!(before.contains("1–6 panels"), "{before}");
        for (key, title) in ["1", "2", "3", "4", "5", "6"].into_iter().zip(titles) {
            if !desk.look(width, height).contains(title) {
                desk.press(key);
                let screen = desk.look(width, height);
                assert!(screen.contains(title) && screen.contains("Esc"), "{key} at {width}×{height}: {screen}");
                desk.press("<Esc>");
            }
        }
        desk.wait(10_000);
        assert_eq!(desk.look(width, height), before, "as it was");
    }
}

#[test]
fn a_view_can_be_seen_where_its_panel_has_no_room_and_says_how() {
    let mut desk = desk();
    desk.resize(60, 16);
    desk.press("u");
    let screen = desk.look(60, 16);
    assert!(screen.contains("4 budget") && screen.contains("Esc: all panels"), "{screen}");
    let mut desk = self::desk();
    desk.resize(80, 24);
    desk.press("u");
    let screen = desk.look(80, 24);
    assert!(screen.contains("view 2 of 8: budget   Enter: the whole screen   e explains it"), "{screen}");
    desk.press("4");
    assert!(desk.look(80, 24).contains("norm is put away: 4 brings it back"), "{}", desk.look(80, 24));
    desk.press("4<Enter>");
    assert!(desk.look(80, 24).contains("Esc all panels") || desk.look(80, 24).contains("│"), "{}", desk.look(80, 24));
    assert!(desk.look(80, 24).contains("4 budget"));
}

#[test]
fn an_alert_can_be_read_to_its_end_on_a_small_screen() {
    let mut desk = desk();
    desk.resize(60, 16);
    let alert = Alert {
        step: 200,
        seconds: 4.0,
        level: Level::Warning,
        kind: AlertKind::NormHalved,
        tensor: Some("fc1.weight".into()),
        number: 0.4,
        bound: 0.5,
        hint: "the norm collapses within a quarter of decay's timescale: lower λ or η".into(),
    };
    desk.hear(What::Alert(alert));
    let screen = desk.look(60, 16);
    assert!(screen.contains('▲') && screen.contains("… 5: all"), "{screen}");
    desk.press("5");
    let screen = desk.look(60, 16);
    let words = |text: &str| text.split_whitespace().filter(|word| *word != "│").collect::<Vec<_>>().join(" ");
    assert!(words(&screen).contains("within a quarter of decay's timescale: lower λ or η"), "{screen}");
}

#[test]
fn hints_name_keys_as_they_are_mapped() {
    let text = "[keys]\nF2 = \"c\"\nc = \"\"\nF3 = \"q\"\nq = \"\"\nF4 = \"y\"\ny = \"\"\nF5 = \"s\"\ns = \"\"\nF6 = \"t\"\nt = \"\"\n\
                F7 = \"Space\"\nSpace = \"\"\nF8 = \"n\"\nn = \"\"\nF9 = \"5\"\n5 = \"\"\nF10 = \"f\"\nf = \"\"\n";
    let preferences = Preferences::parse(text).expect("keys that there are");
    let mut desk = Desk::with(Source::demo(), Options { preferences, ..Options::default() });
    desk.train(100);
    desk.press("B");
    let screen = desk.look(120, 36);
    for hint in
        ["there is no snapshot yet: F2 keeps one", "F4 log · F5 smooth", "F6: λ of all tensors", "F6: λ reaches"]
    {
        assert!(screen.contains(hint), "{hint}: {screen}");
    }
    desk.wait(10_000);
    assert!(desk.look(120, 36).contains("F7 pause") && desk.look(120, 36).contains("F3 quit"));
    let (step, seconds) = (100, 2.0);
    desk.hear(What::Paused { step, seconds });
    assert!(desk.look(120, 36).contains("paused: F7 goes on, F8 makes one step"), "{}", desk.look(120, 36));
    let end = desk.source.finish(wdtop::stream::StopReason::Completed);
    desk.hear(end);
    desk.press("w");
    assert!(desk.look(120, 36).contains("the run is over; F3 leaves"), "{}", desk.look(120, 36));
}

#[test]
fn the_edit_that_stopped_the_overfitting_says_so() {
    let mut desk = Desk::new(Source::demo());
    desk.train(1000);
    desk.press("w3<Enter>");
    assert!(!desk.look(120, 36).contains("overfitting stopped"));
    desk.train(241);
    for (width, height) in [(80, 24), (120, 36)] {
        let screen = desk.look(width, height);
        assert!(screen.contains("λ 0 → 3.00   since then: val −0.31 ▼   overfitting stopped"), "{screen}");
    }
    desk.press("w1<Enter>");
    desk.train(100);
    let screen = desk.look(120, 36);
    assert!(screen.contains("until ②: val −0.31 ▼, fc1.weight −45 %   overfitting stopped"), "{screen}");
    assert_eq!(screen.matches("overfitting stopped").count(), 1, "{screen}");
}

#[test]
fn what_is_typed_is_foreseen_in_whole_parts() {
    let mut desk = desk();
    desk.press("w3");
    for (width, last) in [(80, "steps"), (120, "16.7 epochs"), (200, "half-life ≈231")] {
        desk.resize(width, 36);
        let screen = desk.look(width, 36);
        let line = screen.lines().last().unwrap_or_default();
        assert!(line.contains("= λ 3.00  ‖w‖ ") && line.contains(last), "{line}");
    }
}

fn overfitting(step: u64) -> What {
    let (level, kind) = (Level::Warning, AlertKind::Overfitting);
    let hint = "it memorises: raise λ, lower η, or stop here".into();
    What::Alert(Alert { step, seconds: 4.0, level, kind, tensor: None, number: 0.91, bound: 0.738, hint })
}

#[test]
fn an_alert_of_overfitting_names_the_key_that_helps_until_something_is_done() {
    let mut desk = desk();
    desk.hear(overfitting(200));
    for (width, height) in [(60, 16), (80, 24), (120, 36)] {
        let screen = desk.look(width, height);
        assert!(screen.contains("warning: overfitting: press ] for λ 1.00"), "{screen}");
    }
    desk.press("w3<Enter>");
    assert!(desk.look(120, 36).contains("warning: overfitting (val 0.910 > 0.738): it"), "{}", desk.look(120, 36));
}

#[test]
fn overfitting_is_told_in_one_line_whoever_notices_it_first() {
    for alert in [200, 1000] {
        let mut desk = desk();
        desk.train(alert - 200);
        desk.hear(overfitting(alert));
        desk.train(1000 - alert);
        let screen = desk.look(120, 36);
        assert_eq!(screen.matches("overfitting").count(), 1, "{screen}");
        // What was done since is told of either.
        desk.press("w3<Enter>");
        desk.train(241);
        assert!(desk.look(120, 36).contains("overfitting stopped"), "{}", desk.look(120, 36));
    }
}

#[test]
fn what_is_scrolled_past_its_end_comes_back_at_once() {
    for keys in ["?", "4ue"] {
        let mut desk = desk();
        desk.resize(60, 16);
        desk.press(keys);
        desk.press(&"j".repeat(200));
        let end = desk.look(60, 16);
        desk.press("k");
        assert_ne!(desk.look(60, 16), end);
        desk.press("j");
        assert_eq!(desk.look(60, 16), end);
    }
}

#[test]
fn the_smallest_screen_always_tells_the_way_out() {
    let mut desk = desk();
    desk.resize(60, 16);
    for keys in ["", " ", "<Enter>", " "] {
        desk.press(keys);
        let screen = desk.look(60, 16);
        assert!(screen.lines().last().is_some_and(|line| line.ends_with("q quit")), "{screen}");
    }
}

#[test]
fn what_was_said_of_a_panel_goes_with_it() {
    let mut desk = desk();
    desk.resize(60, 16);
    for keys in ["4", "<Enter>"] {
        desk.press(keys);
        assert_eq!(desk.look(60, 16).contains("there is no room for it"), keys == "4");
    }
    desk.resize(120, 36);
    desk.press("4");
    assert!(desk.look(120, 36).contains("norm is put away: 4 brings it back"));
    desk.press("4");
    assert!(!desk.look(120, 36).contains("is put away"));
}

#[test]
fn a_norm_on_the_smallest_screen_keeps_its_chart() {
    let mut desk = desk();
    desk.resize(60, 16);
    desk.press("4");
    insta::assert_snapshot!("norm_60x16", desk.look(60, 16));
}
