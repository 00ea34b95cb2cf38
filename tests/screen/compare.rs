//! The run beside recordings: chosen from a list, compared on a screen of its own, while training goes on.

use wdtop::stream::{Weights, What};
use wdtop::tui::board::{Contest, Entrant, Point};
use wdtop::tui::{Access, Answer, Effect, Ending, Finding, Inquiry, Msg, Options, Question, Recorded};

use crate::desk::Desk;
use crate::source::Source;

fn recorded(name: &str, steps: u64) -> Recorded {
    Recorded {
        place: format!("/sessions/{name}.wdtop"),
        name: name.into(),
        state: "finished".into(),
        recipe: "demo".into(),
        started: "2026-11-23 15:30".into(),
        steps,
        best_loss: Some(0.749),
    }
}

fn contest() -> Contest {
    let entrant = |name: &str, loss: f64| Entrant {
        name: name.into(),
        state: "running".into(),
        live: name == "demo",
        steps: 200,
        loss: Some(loss),
        penalty: Some(0.0),
        ..Entrant::default()
    };
    Contest {
        entrants: vec![entrant("demo", 0.9), entrant("calm", 0.7)],
        columns: vec!["validation/loss".into(), "penalty".into()],
        settings: vec![("weight_decay".into(), vec![Some("0".into()), Some("3".into())])],
        edits: Vec::new(),
    }
}

fn curve(slope: f64) -> Vec<Point> {
    let sample =
        |step: u64| Point { step, epoch: step as f64 / 20.0, seconds: step as f64 / 50.0, value: slope * step as f64 };
    (0..200).map(sample).collect()
}

/// The last question that was asked.
fn asked(desk: &Desk) -> Inquiry {
    match desk.effects.last() {
        Some(Effect::Ask(inquiry)) => inquiry.clone(),
        other => panic!("no question but {other:?}"),
    }
}

fn answer(desk: &mut Desk, answer: Result<Answer, String>) {
    let number = asked(desk).number;
    desk.send(Msg::Found(Finding { number, answer }));
}

/// The list of two recordings.
fn listed(key: &str) -> Desk {
    let mut desk = Desk::new(Source::demo());
    desk.train(200);
    desk.press(key);
    assert_eq!(asked(&desk).question, Question::Sessions);
    answer(&mut desk, Ok(Answer::Sessions(vec![recorded("calm", 2500), recorded("wild", 300)])));
    desk
}

/// The comparison with one of them.
fn compared(key: &str) -> Desk {
    let mut desk = listed(key);
    desk.press("<Enter>");
    assert_eq!(asked(&desk).question, Question::Contest(vec!["/sessions/calm.wdtop".into()]));
    answer(&mut desk, Ok(Answer::Contest(contest())));
    assert_eq!(asked(&desk).question, Question::Curves("validation/loss".into()));
    answer(&mut desk, Ok(Answer::Curves(vec![curve(2.0), curve(1.0)])));
    desk
}

#[test]
fn recordings_are_chosen_from_a_list() {
    let mut desk = listed("v");
    insta::assert_snapshot!("choosing_80x24", desk.look(80, 24));
    desk.press("  <Enter>");
    let both = vec!["/sessions/calm.wdtop".into(), "/sessions/wild.wdtop".into()];
    assert_eq!(asked(&desk).question, Question::Contest(both));
    assert!(desk.look(120, 36).contains("reading …"));
    // Space takes and puts back; training was asked for nothing by any of this.
    for (keys, places) in [(" k  <Enter>", vec!["wild"]), ("j <Up> <Enter>", vec!["calm", "wild"])] {
        let mut desk = listed("v");
        desk.press(keys);
        let places = places.iter().map(|name| format!("/sessions/{name}.wdtop")).collect();
        assert_eq!(asked(&desk).question, Question::Contest(places), "{keys:?}");
        assert!(desk.sent.is_empty());
    }
}

#[test]
fn a_comparison_is_looked_at_and_left_while_training_goes_on() {
    let mut desk = compared("v");
    desk.train(40);
    let screen = desk.look(120, 36);
    assert!(
        screen.contains("training runs, step 240") && screen.contains("a 398") && screen.contains("b 199"),
        "{screen}"
    );
    desk.press("4");
    assert_eq!(asked(&desk).question, Question::Curves("penalty".into()));
    for key in ["<Esc>", "q", "v"] {
        let mut desk = compared("v");
        desk.press(key);
        desk.train(10);
        let screen = desk.look(120, 36);
        assert!(screen.contains("1 loss") && screen.contains("step    210"), "{screen}");
        assert!(desk.sent.is_empty() && !desk.effects.contains(&Effect::Leave(Ending::Left)));
    }
}

#[test]
fn what_the_run_did_since_is_read_when_it_is_asked_for() {
    let mut desk = compared("v");
    let screen = desk.look(80, 24);
    assert!(screen.contains("training runs, step 200") && !screen.contains("r shows it"), "{screen}");
    desk.train(40);
    let screen = desk.look(80, 24);
    assert!(screen.contains("wdtop compare  2 sessions") && screen.contains("step 240: r shows it"), "{screen}");
    desk.press("r");
    assert_eq!(asked(&desk).question, Question::Again);
    assert!(desk.look(80, 24).contains("reading again …"));
    let mut more = contest();
    more.entrants[0].steps = 240;
    answer(&mut desk, Ok(Answer::Contest(more)));
    assert_eq!(asked(&desk).question, Question::Curves("validation/loss".into()));
    answer(&mut desk, Ok(Answer::Curves(vec![curve(3.0), curve(1.0)])));
    let screen = desk.look(80, 24);
    assert!(
        screen.contains("training runs, step 240") && !screen.contains("r shows it") && screen.contains("a 597"),
        "{screen}"
    );
    // A question that was asked later takes its place.
    desk.press("r4");
    assert!(!desk.look(80, 24).contains("reading again"));
    assert_eq!(asked(&desk).question, Question::Curves("penalty".into()));
}

#[test]
fn differences_alone_are_drawn_from_the_run_on_the_screen() {
    let mut desk = compared("d");
    insta::assert_snapshot!("differences_120x36", desk.look(120, 36));
    desk.press("d");
    let screen = desk.look(120, 36);
    assert!(screen.contains("╭ validation/loss ─") && screen.contains("╭ less a · demo ─"), "{screen}");
    desk.press("d");
    assert!(!desk.look(120, 36).contains("╭ validation/loss ─"));
}

#[test]
fn what_cannot_be_compared_is_told_in_a_line() {
    let mut desk = Desk::with(Source::demo(), Options::default());
    desk.press("v");
    assert!(desk.look(80, 24).contains("nothing to compare: this run is not recorded"), "{}", desk.look(80, 24));
    assert!(desk.effects.is_empty());
    let mut desk = Desk::new(Source::demo());
    desk.press("d");
    answer(&mut desk, Ok(Answer::Sessions(Vec::new())));
    assert!(desk.look(80, 24).contains("no other session is recorded"), "{}", desk.look(80, 24));
    desk.press("v");
    answer(&mut desk, Err("cannot read /sessions".into()));
    assert!(desk.look(80, 24).contains("not compared: cannot read /sessions"), "{}", desk.look(80, 24));
}

#[test]
fn an_answer_that_comes_too_late_changes_nothing() {
    let mut desk = listed("v");
    desk.press("<Enter>");
    let number = asked(&desk).number;
    desk.press("<Esc>");
    desk.send(Msg::Found(Finding { number, answer: Ok(Answer::Contest(contest())) }));
    assert!(desk.look(120, 36).contains("1 loss"));
}

#[test]
fn sessions_are_named_in_the_palette() {
    let mut desk = Desk::new(Source::demo());
    desk.press(":compare calm wi<Enter>");
    assert_eq!(asked(&desk).question, Question::Contest(vec!["calm".into(), "wi".into()]));
    answer(&mut desk, Err("no session `wi`".into()));
    assert!(desk.look(80, 24).contains("not compared: no session `wi`"), "{}", desk.look(80, 24));
    let options = Options { access: Access::ReadOnly, recording: Some("demo".into()), ..Options::default() };
    let mut desk = Desk::with(Source::demo(), options);
    desk.press("v");
    assert_eq!(asked(&desk).question, Question::Sessions);
}

#[test]
fn what_happens_to_the_run_is_told_over_the_comparison() {
    let mut desk = compared("v");
    desk.hear(What::Recording { bytes: 1, trouble: Some("no space left on device".into()) });
    assert!(desk.look(120, 36).contains("recording stopped: no space left on device"), "{}", desk.look(120, 36));
    desk.hear(What::Diverged { step: 200, seconds: 1.0, what: "loss".into(), weights: Weights::Kept });
    assert!(desk.look(120, 36).contains("training DIVERGED"), "{}", desk.look(120, 36));
    desk.press("<ctrl-c>");
    assert!(desk.look(120, 36).contains("ctrl-c again to quit at once"), "{}", desk.look(120, 36));
    for (width, height) in [(1, 1), (60, 16), (80, 24), (200, 50), (500, 200)] {
        desk.look(width, height);
        listed("v").look(width, height);
    }
}
