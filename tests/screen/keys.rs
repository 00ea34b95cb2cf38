//! State, keys, and what comes of them.

use wdtop::stream::{Command, Knob, StopReason, What};
use wdtop::tui::{Effect, Ending, Msg};

use crate::desk::Desk;
use crate::edits::{decay, set};
use crate::source::Source;

fn desk() -> Desk {
    let mut desk = Desk::new(Source::demo());
    desk.train(100);
    desk
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
    desk.answer(0);
    assert!(desk.look(120, 36).contains("(pace 0.781/s)"), "{}", desk.look(120, 36));

    let mut desk = self::desk();
    desk.deafen();
    desk.press("     ");
    let (pause, resume) = (Command::Pause, Command::Resume);
    assert_eq!(desk.sent, [pause.clone(), resume.clone(), pause.clone(), resume, pause]);
    assert!(desk.look(80, 24).contains("pausing step"), "{}", desk.look(80, 24));
    desk.answer(0);
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
