//! State, keys, and what comes of them.

use wdtop::stream::{Author, Command, Knob, Refusal, Scope, Setting, StopReason, What};
use wdtop::tui::{Effect, Ending, Msg};

use crate::desk::Desk;
use crate::source::Source;

fn desk() -> Desk {
    let mut desk = Desk::new(Source::demo());
    desk.train(100);
    desk
}

fn set(knob: Knob, value: f64) -> Command {
    Command::Set(Setting { knob, scope: Scope::All, value: Some(value), by: Author::Keys })
}

fn decay(value: f64) -> Command {
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
    assert!(screen.contains("① step     100  λ 0 → 3.00   since then: no evaluation yet"), "{screen}");
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
fn keys_steer_training() {
    let mut desk = desk();
    desk.press(" nN E)((m");
    desk.press("let it be<Enter>");
    let expected = [
        Command::Pause,
        Command::StepOnce,
        Command::RunUntil(121),
        Command::Resume,
        Command::Evaluate,
        Command::Pace(100.0),
        Command::Pace(50.0),
        Command::Pace(25.0),
        Command::Note("let it be".into()),
    ];
    assert_eq!(desk.sent, expected);
    assert!(desk.look(120, 36).contains("let it be"));
}

#[test]
fn quitting_asks_while_training_and_waits_for_the_end() {
    let mut desk = desk();
    desk.deafen();
    desk.press("qn");
    assert_eq!(desk.sent, []);
    desk.press("qy");
    assert_eq!(desk.sent, [Command::Stop]);
    assert!(desk.look(80, 24).contains("stopping"));
    assert_eq!(desk.effects, []);
    let end = desk.source.finish(StopReason::Stopped);
    desk.hear(end);
    assert_eq!(desk.effects, [Effect::Leave(Ending::Left)]);
}

#[test]
fn a_run_that_is_over_stays_until_dismissed() {
    let mut desk = desk();
    let end = desk.source.finish(StopReason::Completed);
    desk.hear(end);
    assert!(desk.look(80, 24).contains("completed after 100 steps"));
    desk.press("]w ");
    assert_eq!((desk.sent.len(), desk.effects.len()), (0, 0));
    desk.press("q");
    assert_eq!(desk.effects, [Effect::Leave(Ending::Left)]);
}

#[test]
fn control_c_twice_quits_at_once() {
    let mut desk = desk();
    desk.press("<ctrl-c>");
    assert!(desk.look(60, 16).contains("ctrl-c again to quit at once"));
    desk.wait(2000);
    assert!(!desk.look(60, 16).contains("ctrl-c again"));
    desk.press("<ctrl-c>");
    assert_eq!(desk.effects, []);
    desk.press("<ctrl-c>");
    assert_eq!(desk.effects, [Effect::Leave(Ending::Forced)]);
}

#[test]
fn escape_never_quits() {
    let mut desk = desk();
    for _ in 0..10 {
        desk.press("<Esc>");
    }
    desk.press("?<Esc>q<Esc>w<Esc>m<Esc><Enter><Esc>");
    assert_eq!((desk.sent.len(), desk.effects.len()), (0, 0));
}

#[test]
fn a_signal_stops_the_run_and_does_not_wait_for_ever() {
    let mut desk = desk();
    desk.deafen();
    desk.wait(1000);
    desk.send(Msg::End(Ending::Signal(15)));
    assert_eq!(desk.sent, [Command::Stop]);
    desk.wait(1999);
    assert_eq!(desk.effects, []);
    desk.wait(1);
    assert_eq!(desk.effects, [Effect::Leave(Ending::Signal(15))]);
}

#[test]
fn a_stop_that_found_no_room_is_sent_again() {
    let mut desk = desk();
    desk.deafen();
    desk.press("qy");
    desk.send(Msg::Unsent(Command::Stop));
    desk.wait(50);
    assert_eq!(desk.sent, [Command::Stop, Command::Stop]);
}

#[test]
fn a_command_without_room_is_said_and_not_waited_for() {
    let mut desk = desk();
    desk.deafen();
    desk.press("w3<Enter>");
    desk.send(Msg::Unsent(decay(3.0)));
    let screen = desk.look(80, 24);
    assert!(screen.contains("did not take the command") && !screen.contains("pending"), "{screen}");
}

#[test]
fn a_source_that_vanishes_is_a_failure() {
    let mut desk = desk();
    desk.send(Msg::Closed);
    assert_eq!(desk.app.failure(), Some("the source of events ended without a word"));
    assert!(desk.look(60, 16).contains("FAILED"));
}

#[test]
fn text_from_outside_cannot_write_to_the_terminal() {
    let mut desk = desk();
    desk.hear(What::Noted { step: 100, seconds: 2.0, text: "a\x1b[2Jb".into() });
    desk.send(Msg::Paste("x".into()));
    desk.press("m");
    desk.send(Msg::Paste("c\x1b]0;d".into()));
    assert!(desk.look(120, 36).contains("a\u{FFFD}[2Jb"));
    assert!(desk.look(120, 36).contains("c\u{FFFD}]0;d"));
}

#[test]
fn nothing_wakes_a_screen_at_rest() {
    let mut desk = desk();
    desk.press(" ");
    desk.wait(10_000);
    assert_eq!(desk.app.deadline(), None);
}

#[test]
fn the_learning_rate_is_one_for_all_whatever_the_scope() {
    let mut desk = desk();
    desk.press("ttr2e-3<Enter>");
    assert_eq!(desk.sent, [set(Knob::LearningRate, 2e-3)]);
}

#[test]
fn training_never_goes_on_without_what_is_being_turned() {
    for (key, command) in
        [("n", Command::StepOnce), ("N", Command::RunUntil(120)), (" ", Command::Resume), ("E", Command::Evaluate)]
    {
        let mut desk = desk();
        desk.press(" ");
        desk.press(&format!("].{key}"));
        let rate = set(Knob::LearningRate, 1.26e-3);
        assert_eq!(desk.sent, [Command::Pause, decay(1.0), rate, command]);
        desk.wait(1000);
        assert_eq!(desk.sent.len(), 4, "and it is asked for once");
    }
    let mut desk = desk();
    desk.press("] ");
    assert_eq!(desk.sent, [decay(1.0), Command::Pause]);
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
fn quitting_drops_what_is_being_turned() {
    let mut desk = desk();
    desk.deafen();
    desk.press("]q");
    desk.wait(1000);
    desk.press("y");
    assert_eq!(desk.sent, [Command::Stop]);
    let mut desk = self::desk();
    desk.deafen();
    desk.press("]");
    desk.send(Msg::End(Ending::Signal(1)));
    desk.wait(1000);
    assert_eq!(desk.sent, [Command::Stop]);
}

/// Answers what was asked since then, as a source does that was busy.
fn answer(desk: &mut Desk, from: usize) {
    let asked = desk.sent[from..].to_vec();
    for command in &asked {
        for event in desk.source.obey(command) {
            desk.hear(event);
        }
    }
}

#[test]
fn undo_pressed_faster_than_it_is_confirmed_goes_back_edit_by_edit() {
    let mut desk = desk();
    desk.press("w3<Enter>r2e-3<Enter>w5<Enter>");
    desk.deafen();
    let rate = |value| set(Knob::LearningRate, value);
    desk.press("zzZ");
    assert_eq!(desk.sent[3..], [decay(3.0), rate(1e-3), rate(2e-3)]);
    answer(&mut desk, 3);
    desk.press("zz");
    assert_eq!(desk.sent[6..], [rate(1e-3), decay(0.0)]);
    answer(&mut desk, 6);
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
fn a_lost_terminal_does_not_prolong_what_a_signal_began() {
    let mut desk = desk();
    desk.deafen();
    desk.send(Msg::End(Ending::Signal(1)));
    desk.wait(1000);
    desk.send(Msg::End(Ending::TerminalLost));
    desk.wait(1000);
    assert_eq!((desk.sent.len(), &desk.effects[..]), (1, &[Effect::Leave(Ending::Signal(1))][..]));
}

#[test]
fn keys_in_a_burst_work_from_what_was_asked_for_last() {
    let mut desk = desk();
    desk.deafen();
    desk.press("((((((");
    assert_eq!(desk.sent, [25.0, 12.5, 6.25, 3.125, 1.5625, 0.78125].map(Command::Pace));
    assert!(desk.look(120, 36).contains("(pace 50.0/s → 0.781/s)"), "{}", desk.look(120, 36));
    answer(&mut desk, 0);
    assert!(desk.look(120, 36).contains("(pace 0.781/s)"), "{}", desk.look(120, 36));

    let mut desk = self::desk();
    desk.deafen();
    desk.press("     ");
    let (pause, resume) = (Command::Pause, Command::Resume);
    assert_eq!(desk.sent, [pause.clone(), resume.clone(), pause.clone(), resume, pause]);
    assert!(desk.look(80, 24).contains("pausing step"), "{}", desk.look(80, 24));
    answer(&mut desk, 0);
    assert!(desk.look(80, 24).contains("PAUSED step"), "{}", desk.look(80, 24));
    desk.press("n ");
    assert_eq!(desk.sent[5..], [Command::StepOnce, Command::Resume]);
    assert!(desk.look(80, 24).contains("resuming step"), "{}", desk.look(80, 24));
}

#[test]
fn what_was_never_asked_for_is_not_worked_from() {
    let mut desk = desk();
    desk.deafen();
    desk.press("(");
    desk.send(Msg::Unsent(Command::Pace(25.0)));
    desk.press("( ");
    desk.send(Msg::Unsent(Command::Pause));
    desk.press(" ");
    assert_eq!(desk.sent, [Command::Pace(25.0), Command::Pace(25.0), Command::Pause, Command::Pause]);
}

#[test]
fn the_keys_stay_inside_what_a_pace_may_be() {
    let mut desk = desk();
    desk.press(&"(".repeat(40));
    assert_eq!(desk.sent.last(), Some(&Command::Pace(1e-3)));
    assert!(desk.look(80, 24).contains("the pace is as slow as it gets: 0.001/s"), "{}", desk.look(80, 24));
    desk.deafen();
    desk.press(&")".repeat(40));
    assert_eq!(desk.sent.last(), Some(&Command::Pace(0.0)));
    let out_of_range =
        |command: &Command| matches!(command, Command::Pace(pace) if *pace != 0.0 && !(1e-3..=1e6).contains(pace));
    assert!(!desk.sent.iter().any(out_of_range), "{:?}", desk.sent);
}

#[test]
fn only_y_quits_where_any_other_key_is_no() {
    for key in ["<Enter>", "q", "n", "<Esc>", " "] {
        let mut desk = desk();
        desk.deafen();
        desk.press(&format!("q{key}"));
        assert_eq!(desk.sent, [], "{key}");
        assert!(!desk.look(80, 24).contains("stop training and quit?"), "{key}");
    }
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

#[test]
fn a_run_that_is_over_tells_the_keys_that_are_left() {
    let mut desk = desk();
    let end = desk.source.finish(StopReason::Completed);
    desk.hear(end);
    let screen = desk.look(120, 36);
    assert!(screen.contains("%   q leaves   Tab panel   Enter zoom   y axis   ? help"), "{screen}");
    assert!(desk.look(60, 16).contains("q leaves"));
    let mut desk = self::desk();
    desk.hear(What::Failed { step: 3, message: "a long story ".repeat(20) });
    assert!(desk.look(60, 16).contains("q leaves"));
}

#[test]
fn the_speed_is_measured_anew_after_a_suspension() {
    let mut desk = desk();
    desk.train(100);
    assert!(desk.look(120, 36).contains("50 steps/s"));
    desk.send(Msg::Continued);
    assert!(desk.look(120, 36).contains("— steps/s"), "{}", desk.look(120, 36));
}
