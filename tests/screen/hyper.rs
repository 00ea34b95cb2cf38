//! The rule's own hyperparameters: turned, typed, foreseen.

use wdtop::stream::{Author, Command, DecayMode, Hyper, Knob, Scope, Setting};

use crate::desk::Desk;
use crate::source::Source;

fn set(key: &str, value: f64) -> Command {
    Command::Set(Setting { knob: Knob::from(key.to_owned()), scope: Scope::All, value: Some(value), by: Author::Keys })
}

/// Somebody at the knobs, whose source answers nothing.
fn at_the_knobs(mut desk: Desk) -> Desk {
    desk.press("w3<Enter>");
    desk.train(210);
    desk.press("<Tab>");
    desk.deafen();
    desk.sent.clear();
    desk
}

#[test]
fn arrows_choose_a_hyperparameter_and_turn_it_into_one_edit_when_they_rest() {
    let mut desk = at_the_knobs(Desk::new(Source::demo()));
    desk.press("<Down><Down>");
    assert!(desk.look(120, 36).contains("adamw decoupled  ▸β1 0.9  β2 0.999"), "{}", desk.look(120, 36));
    desk.press("<Right><Right>");
    desk.wait(200);
    assert!(desk.look(120, 36).contains("▸β1 0.9 → 0.9369"), "{}", desk.look(120, 36));
    desk.press("<Left>");
    desk.wait(299);
    assert_eq!(desk.sent, []);
    desk.wait(1);
    assert_eq!(desk.sent, [set("beta1", 0.9206)]);
    desk.press("<Down><Right><Esc>");
    desk.wait(1000);
    assert_eq!(desk.sent.len(), 1, "Esc takes it back");
    // One that is left for another is finished first, and there and back again is no edit.
    desk.press("<Right><Left><Right><Down><Right>");
    assert_eq!(desk.sent[1..], [set("beta2", 0.999206)]);
    desk.press(" ");
    assert_eq!(desk.sent[2..], [set("eps", 1.26e-8), Command::Pause]);
}

#[test]
fn what_a_hyperparameter_would_change_is_told_or_why_nobody_knows() {
    let mut desk = at_the_knobs(Desk::new(Source::demo()));
    desk.press("<Down><Down><Right>");
    let screen = desk.look(120, 36);
    assert!(screen.contains("θ* ") && screen.contains("‖w‖ as before"), "{screen}");
    desk.press("<Esc><Down><Right>");
    assert!(desk.look(120, 36).contains("no prediction: no formula has β2 in it"), "{}", desk.look(120, 36));
    desk.press("<Esc>:set beta1 0.99");
    assert!(desk.look(120, 36).contains(":set beta1 0.99    ‖w‖ as before  θ* "), "{}", desk.look(120, 36));

    let mut source = Source::with(DecayMode::L2, "sgd");
    source.description.hyper[0].key = "momentum".into();
    let mut desk = at_the_knobs(Desk::new(source));
    desk.press("<Down><Down><Right>");
    let screen = desk.look(120, 36);
    assert!(screen.contains("θ* ") && screen.contains("‖w‖ ") && screen.contains(" → "), "{screen}");
    assert!(screen.contains(" →0."), "a dashed curve with its end: {screen}");
}

#[test]
fn the_decay_mode_is_turned_typed_and_taken_back() {
    let mut source = Source::demo();
    let allowed = "one of decoupled (1), cautious (2), none (4)".to_owned();
    source.description.hyper.push(Hyper { key: "decay_mode".into(), value: 1.0, allowed });
    let mut desk = Desk::new(source);
    desk.press("w3<Enter>");
    desk.train(210);
    desk.press("<Tab><Down><Down><Down><Down><Down>");
    assert!(desk.look(120, 36).contains("▸decay decoupled"), "{}", desk.look(120, 36));
    desk.press("<Right><Right>");
    assert!(desk.look(120, 36).contains("▸decay decoupled → none"), "{}", desk.look(120, 36));
    desk.wait(300);
    assert_eq!(desk.sent.last(), Some(&set("decay_mode", 4.0)));
    let screen = desk.look(120, 36);
    assert!(screen.contains("λ does nothing: decay mode none") && screen.contains("decay "), "{screen}");
    desk.press("z");
    assert_eq!(desk.sent.len(), 3);
    desk.press(":set decay_mode l2<Enter>");
    let allowed = "decay_mode must be one of decoupled, cautious, none, got `l2`";
    assert!(desk.look(120, 36).contains(allowed), "{}", desk.look(120, 36));
    desk.press("<Esc>:set decay_mode ca<Tab><Enter>");
    assert_eq!(desk.sent.last(), Some(&set("decay_mode", 2.0)));
    assert!(desk.look(120, 36).contains("→ cautious"), "{}", desk.look(120, 36));
}

#[test]
fn a_small_screen_tells_it_at_the_foot() {
    let mut desk = at_the_knobs(Desk::new(Source::demo()));
    desk.resize(80, 24);
    desk.press("<Down><Down><Right>");
    let screen = desk.look(80, 24);
    assert!(screen.contains("▸β1 0.9 → 0.9206") && screen.contains(" θ* "), "{screen}");
    desk.press("<Esc>]");
    assert!(desk.look(80, 24).lines().last().unwrap_or_default().contains("‖w‖ "), "{}", desk.look(80, 24));
}
