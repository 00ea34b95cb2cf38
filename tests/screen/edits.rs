//! Edits by hand: turned, typed, confirmed, refused, taken back.

use wdtop::stream::{Author, Command, Knob, Refusal, Scope, Setting, What};
use wdtop::tui::Msg;

use crate::desk::Desk;
use crate::source::Source;

fn desk() -> Desk {
    let mut desk = Desk::new(Source::demo());
    desk.train(100);
    desk
}

/// What asks for a value of all tensors.
pub fn set(knob: Knob, value: f64) -> Command {
    Command::Set(Setting { knob, scope: Scope::All, value: Some(value), by: Author::Keys })
}

/// The same for λ.
pub fn decay(value: f64) -> Command {
    set(Knob::WeightDecay, value)
}

#[test]
fn bracket_keys_become_one_edit_when_they_rest() {
    let mut desk = desk();
    desk.press("]]]");
    desk.wait(200);
    desk.press("]");
    assert!(desk.look(120, 36).contains("0 → 2.00 in 0.3 s"), "{}", desk.look(120, 36));
    desk.wait(299);
    assert_eq!(desk.sent, []);
    desk.wait(1);
    assert_eq!(desk.sent, [decay(2.0)]);
    desk.wait(5000);
    assert_eq!(desk.sent.len(), 1);
}

#[test]
fn escape_takes_a_preview_back() {
    let mut desk = desk();
    desk.press("}}<Esc>");
    desk.wait(1000);
    assert_eq!(desk.sent, []);
}

#[test]
fn a_typed_value_is_sent_exactly() {
    for (text, value) in [("3", 3.0), ("3e-2", 3e-2), (" 0.30000000000000004 ", 0.1 + 0.2), ("0", 0.0)] {
        let mut desk = desk();
        desk.press(&format!("w9<Enter>w{text}<Enter>"));
        assert_eq!(desk.sent, [decay(9.0), decay(value)]);
        let mut desk = Desk::new(Source::demo());
        desk.press(&format!("r{text}<Enter>"));
        assert_eq!(desk.sent, [set(Knob::LearningRate, value)]);
    }
}

#[test]
fn what_cannot_be_a_value_is_refused_in_place() {
    for (text, reason) in [
        ("-1", "weight decay must be finite and at least 0, got -1"),
        ("inf", "weight decay must be finite and at least 0, got inf"),
        ("NaN", "weight decay must be finite and at least 0, got NaN"),
        ("lots", "\"lots\" is no number; type one like 3, 0.03 or 3e-2"),
    ] {
        let mut desk = desk();
        desk.press(&format!("w{text}<Enter>"));
        assert_eq!(desk.sent, []);
        assert!(desk.look(80, 24).contains(reason), "{}", desk.look(80, 24));
        desk.press("<Esc>q");
        assert!(desk.look(80, 24).contains("stop training and quit?"), "keys mean keys again");
    }
}

#[test]
fn an_edit_is_pending_until_its_echo() {
    let mut desk = desk();
    desk.deafen();
    desk.press("w3<Enter>");
    assert!(desk.look(120, 36).contains("0 → 3.00 pending"));
    for event in desk.source.obey(&decay(3.0)) {
        desk.hear(event);
    }
    let screen = desk.look(120, 36);
    assert!(!screen.contains("pending") && screen.contains("λ weight decay   3.00"), "{screen}");
    assert!(screen.contains("half-life 231 steps  τ 333 = 16.7 epochs"), "{screen}");
    assert!(screen.contains("① step     100  λ 0 → 3.00   settling: tells in 100 steps"), "{screen}");
    // Until there are five evaluations it counts down.
    desk.train(81);
    assert!(desk.look(80, 24).contains("settling: tells in 19 steps   fc1.weight "), "{}", desk.look(80, 24));
    desk.train(20);
    assert!(desk.look(80, 24).contains("since then: val −"), "{}", desk.look(80, 24));
}

#[test]
fn a_refusal_can_be_read_and_ends_the_waiting() {
    let mut desk = desk();
    desk.press("w1e9<Enter>");
    let screen = desk.look(120, 36);
    assert!(screen.contains("λ was not changed: weight decay must be at most 1e6, got 1000000000"), "{screen}");
    assert!(!screen.contains("pending"));
}

#[test]
fn backslash_goes_to_zero_and_back() {
    let mut desk = desk();
    desk.press("\\");
    desk.press("\\");
    desk.press("w7.5<Enter>\\\\");
    let sent: Vec<_> = desk.sent.drain(..).collect();
    assert_eq!(sent, [1.0, 0.0, 7.5, 0.0, 7.5].map(decay));
}

#[test]
fn edits_are_taken_back_and_made_again_as_edits() {
    let mut desk = desk();
    desk.press("w3<Enter>r2e-3<Enter>zzzZZZ");
    let rate = |value| set(Knob::LearningRate, value);
    assert_eq!(desk.sent, [decay(3.0), rate(2e-3), rate(1e-3), decay(0.0), decay(3.0), rate(2e-3)]);
    assert!(desk.look(120, 36).contains("no edit was taken back"));
}

#[test]
fn an_edit_reaches_what_t_says() {
    let mut desk = desk();
    desk.press("<Tab><Tab><Down><Down>tw2<Enter>tw4<Enter>z");
    let scopes: Vec<_> = desk
        .sent
        .iter()
        .map(|command| match command {
            Command::Set(setting) => (setting.scope.to_string(), setting.value),
            other => panic!("{other:?}"),
        })
        .collect();
    let tensor = "fc2.weight".to_string();
    // The tensor had the layer's 2 before; that is what it gets back.
    assert_eq!(scopes, [("fc2".into(), Some(2.0)), (tensor.clone(), Some(4.0)), (tensor, Some(2.0))]);
    let screen = desk.look(120, 36);
    assert!(screen.contains("own 2.00"), "{screen}");
    assert!(screen.contains("no decay"), "{screen}");
}

#[test]
fn a_tensor_follows_all_again() {
    let mut desk = desk();
    desk.press("ttw4<Enter>wall<Enter>");
    assert!(matches!(&desk.sent[1], Command::Set(Setting { value: None, scope: Scope::Tensor(_), .. })));
    assert!(!desk.look(120, 36).contains("own"), "{}", desk.look(120, 36));
}

#[test]
fn the_learning_rate_is_one_for_all_whatever_the_scope() {
    let mut desk = desk();
    desk.press("ttr2e-3<Enter>");
    assert_eq!(desk.sent, [set(Knob::LearningRate, 2e-3)]);
}

#[test]
fn undo_puts_back_what_is_being_turned_before_it_touches_an_edit() {
    let mut desk = desk();
    desk.press("w3<Enter>]z");
    desk.wait(1000);
    assert_eq!(desk.sent, [decay(3.0)]);
    desk.press("z");
    assert_eq!(desk.sent, [decay(3.0), decay(0.0)]);
}

#[test]
fn undo_pressed_faster_than_it_is_confirmed_goes_back_edit_by_edit() {
    let mut desk = desk();
    desk.press("w3<Enter>r2e-3<Enter>w5<Enter>");
    desk.deafen();
    let rate = |value| set(Knob::LearningRate, value);
    desk.press("zzZ");
    assert_eq!(desk.sent[3..], [decay(3.0), rate(1e-3), rate(2e-3)]);
    desk.answer(3);
    desk.press("zz");
    assert_eq!(desk.sent[6..], [rate(1e-3), decay(0.0)]);
    desk.answer(6);
    desk.press("z");
    assert_eq!(desk.sent.len(), 8);
    assert!(desk.look(120, 36).contains("no edit to take back"));
}

#[test]
fn an_undo_that_is_not_taken_can_be_asked_for_again() {
    let refused = What::Refused(Refusal { step: 100, knob: Some(Knob::WeightDecay), reason: "not now".into() });
    for answer in [Msg::Event(refused.into()), Msg::Unsent(decay(0.0))] {
        let mut desk = desk();
        desk.press("w3<Enter>");
        desk.deafen();
        desk.press("z");
        desk.send(answer);
        desk.press("Zz");
        assert_eq!(desk.sent, [decay(3.0), decay(0.0), decay(0.0)]);
    }
}

#[test]
fn an_edit_on_its_way_is_not_taken_back_blindly() {
    let mut desk = desk();
    desk.deafen();
    desk.press("w3<Enter>z");
    assert_eq!(desk.sent, [decay(3.0)]);
    assert!(desk.look(120, 36).contains("the last edit is not in force yet"));
}

#[test]
fn a_value_that_stands_already_is_no_edit() {
    let mut desk = desk();
    desk.press("w2<Enter>w2.0<Enter>");
    assert_eq!(desk.sent, [decay(2.0)]);
    assert!(desk.look(80, 24).contains("λ is 2.0 already"), "{}", desk.look(80, 24));
    // A tensor that follows the others gets a value of its own, once.
    desk.press("ttw2<Enter>w2<Enter>");
    assert_eq!(desk.sent.len(), 2);
}

#[test]
fn nothing_typed_is_answered_with_what_is_expected() {
    let mut desk = desk();
    desk.press("w<Enter>");
    assert!(desk.look(80, 24).contains("type a number like 3, 0.03 or 3e-2; Esc leaves it"));
    desk.press("3<Enter>");
    assert_eq!(desk.sent, [decay(3.0)]);
}

#[test]
fn decay_that_throws_weights_past_zero_is_warned_of_and_allowed() {
    let mut desk = desk();
    desk.press("w1200<Enter>");
    assert_eq!(desk.sent, [decay(1200.0)]);
    let screen = desk.look(120, 36);
    assert!(screen.contains("│ ηλ = 1.20 ≥ 1: weights overshoot  "), "{screen}");
    assert!(screen.contains("ηλ = 1.20 ≥ 1: weights overshoot zero at every step"), "{screen}");
    assert!(desk.look(60, 16).contains("ηλ 1.20 ≥ 1: overshoot"), "{}", desk.look(60, 16));
    desk.press("w3<Enter>");
    desk.wait(9000);
    desk.press(">>>>>");
    assert!(desk.look(120, 36).contains("η learning rate  1.00e-3 → 0.316 in 0.3 s"), "{}", desk.look(120, 36));
    assert!(!desk.look(120, 36).contains("overshoot"));
    desk.press(">");
    assert!(desk.look(120, 36).contains("ηλ = 3.00 ≥ 1: weights overshoot"), "{}", desk.look(120, 36));
}

#[test]
fn undo_says_where_it_leads() {
    let mut desk = desk();
    desk.press("w3<Enter>");
    assert!(desk.look(120, 36).contains("z  undo λ → 0"), "{}", desk.look(120, 36));
    desk.press("tw4<Enter>");
    assert!(desk.look(120, 36).contains("z  undo λ fc1 → as all"), "{}", desk.look(120, 36));
}
