//! The terminal program without a terminal: keys in, pictures out.

mod charts;
mod compare;
mod desk;
mod edits;
mod hyper;
mod keys;
mod microscope;
mod mouse;
mod panels;
mod preferences;
mod source;

use desk::Desk;
use source::Source;
use wdtop::stream::{DecayMode, Schedule, StopReason, Weights, What};
use wdtop::tui::{Glyphs, Options};

/// The demo: overfitting for 1,000 steps, then λ from 0 to 3.
fn rescued() -> Desk {
    let mut desk = Desk::new(Source::demo());
    desk.hear(What::Recording { bytes: 1_234_567, trouble: None });
    desk.train(1000);
    desk.press("w3<Enter>");
    desk.train(241);
    desk
}

#[test]
fn the_screen_at_every_size_it_is_made_for() {
    let desk = rescued();
    for (width, height) in [(60, 16), (80, 24), (120, 36), (200, 50)] {
        insta::assert_snapshot!(format!("rescued_{width}x{height}"), desk.look(width, height));
    }
}

#[test]
fn a_screen_that_is_too_small_says_what_it_needs() {
    assert!(rescued().look(59, 16).starts_with("wdtop needs 60×16, this is 59×16"));
}

#[test]
fn values_that_are_not_finite_are_gaps_with_a_sign() {
    let mut source = Source::demo();
    source.broken = 300..330;
    let mut desk = Desk::new(source);
    desk.train(600);
    let screen = desk.look(120, 36);
    assert!(screen.contains('×'), "{screen}");
}

#[test]
fn epochs_and_samples_are_those_of_uneven_batches() {
    let mut source = Source::demo();
    // 2,000 examples in batches of 100 make 20 updates; the source says what it made, not what divides.
    source.steps_per_epoch = 12.5;
    let mut desk = Desk::new(source);
    desk.train(250);
    let screen = desk.look(120, 36);
    assert!(screen.contains("epoch  20.0") && screen.contains("8,000 samples/s"), "{screen}");
}

#[test]
fn the_dials_follow_their_schedules_between_edits() {
    let mut source = Source::demo();
    source.description.config.lr_schedule = Schedule::Step { every: 100, factor: 0.1 };
    source.description.config.weight_decay_schedule = Schedule::Step { every: 100, factor: 0.5 };
    let mut desk = Desk::new(source);
    let shows = |desk: &Desk, lambda: &str, eta: &str| {
        let screen = desk.look(120, 36);
        let line = |name: &str| screen.lines().find(|line| line.contains(name)).unwrap_or_default().to_owned();
        let (weight_decay, lr) = (line("λ weight decay"), line("η learning rate"));
        assert!(weight_decay.contains(&format!(" {lambda} ")) && lr.contains(&format!(" {eta} ")), "{screen}");
    };
    desk.press("w3<Enter>");
    desk.train(100);
    shows(&desk, "3.00", "1.00e-3");
    desk.train(1);
    shows(&desk, "1.50", "1.00e-4");
    // An edit is the value from there on, and the schedule goes on from it.
    desk.press("w2<Enter>r0.01<Enter>");
    desk.train(99);
    shows(&desk, "2.00", "0.010");
    desk.train(100);
    shows(&desk, "1.00", "1.00e-3");
}

#[test]
fn a_run_that_overfits_is_told_what_may_help() {
    let mut desk = Desk::new(Source::demo());
    desk.train(1000);
    let screen = desk.look(80, 24);
    assert!(screen.contains("overfitting: val 0.") && screen.contains("; press ] for λ 1.00"), "{screen}");
}

#[test]
fn a_small_screen_tells_the_last_event_in_a_border() {
    let mut desk = Desk::new(Source::demo());
    desk.train(1000);
    let screen = desk.look(60, 16);
    assert!(screen.contains("╰─ ! overfitting: val 0.") && screen.contains("; press ] for λ 1.00 "), "{screen}");
    desk.press("w3<Enter>");
    desk.train(200);
    let screen = desk.look(60, 16);
    assert!(screen.contains(" ① λ 0 → 3.00   since then: val −0.2"), "{screen}");
}

#[test]
fn adam_with_l2_claims_no_half_life() {
    let mut desk = Desk::new(Source::with(DecayMode::L2, "adam"));
    desk.press("w3<Enter>");
    let screen = desk.look(120, 36);
    assert!(screen.contains("no half-life: L2 mixes with adaptive steps   │"), "{screen}");
}

#[test]
fn help_lists_the_keys() {
    let mut desk = rescued();
    desk.press("?");
    insta::assert_snapshot!(desk.look(120, 36));
}

#[test]
fn no_size_and_no_state_panics() {
    let states: [fn() -> Desk; 11] = [
        || Desk::new(Source::demo()),
        rescued,
        || {
            let mut desk = rescued();
            desk.press("?jjjj");
            desk
        },
        || {
            let mut desk = rescued();
            desk.press("<Tab><Tab><Tab><Tab><Enter>j");
            desk
        },
        || {
            let mut desk = rescued();
            desk.press("m");
            desk.press("here<Enter>++++hhixxhhh");
            desk
        },
        || {
            let mut desk = rescued();
            desk.press("/bias<Enter>oox12345:set ");
            desk
        },
        || {
            let options = Options { glyphs: Glyphs::Ascii, ..Options::default() };
            let mut desk = Desk::with(Source::demo(), options);
            desk.train(5);
            desk.press("xx++13/nothing");
            desk
        },
        || {
            let mut desk = rescued();
            desk.press("y}tw-1<Enter>");
            desk
        },
        || {
            let mut source = Source::demo();
            source.broken = 0..1000;
            let mut desk = Desk::new(source);
            desk.train(50);
            desk.hear(What::Diverged { step: 50, seconds: 1.0, what: "loss".into(), weights: Weights::Kept });
            desk.press("f");
            desk
        },
        || {
            let mut desk = rescued();
            let end = desk.source.finish(StopReason::Diverged);
            desk.hear(end);
            desk.press("<Tab><Enter>");
            desk
        },
        || {
            let mut desk = rescued();
            desk.hear(What::Recording { bytes: 1, trouble: Some("no space left on device".into()) });
            desk.hear(What::Failed { step: 3, message: "index out of bounds".into() });
            desk
        },
    ];
    for state in states {
        let desk = state();
        for width in (1..=130).step_by(3).chain([60, 80, 120, 200, 500]) {
            for height in (1..=40).step_by(3).chain([16, 24, 36, 200]) {
                desk.look(width, height);
            }
        }
    }
}

#[test]
fn each_edit_tells_what_it_did_until_the_next() {
    let mut desk = rescued();
    desk.press("w0<Enter>");
    desk.train(200);
    let screen = desk.look(120, 36);
    assert!(screen.contains("① step   1,000  λ 0 → 3.00   until ②: val −0.31 ▼, fc1.weight −45 %"), "{screen}");
}

#[test]
fn an_edit_is_told_in_whole_parts_and_other_lines_show_where_they_are_cut() {
    let mut desk = rescued();
    desk.press("r0.00012345678901<Enter>");
    desk.train(60);
    let screen = desk.look(80, 24);
    let line = screen.lines().rev().nth(1).unwrap_or_default();
    assert!(line.contains("② step") && !line.ends_with("val") && line.chars().count() < 80, "{line}");
    desk.press("m");
    desk.press(&"long ".repeat(30));
    desk.press("<Enter>");
    let screen = desk.look(80, 24);
    let line = screen.lines().rev().nth(1).unwrap_or_default();
    assert!(line.ends_with("… 5: all") && line.chars().count() == 79, "{line}");
}

#[test]
fn a_table_without_room_says_so() {
    let mut desk = rescued();
    assert!(desk.look(80, 24).contains("t: λ reaches all tensors · 3 of 6 ↓"), "{}", desk.look(80, 24));
    desk.press("jjj");
    assert!(desk.look(80, 24).contains("3 of 6 ↕"), "{}", desk.look(80, 24));
    desk.press("jj");
    assert!(desk.look(80, 24).contains("3 of 6 ↑"), "{}", desk.look(80, 24));
    assert!(!desk.look(120, 36).contains(" of 6"));
}

#[test]
fn help_is_whole_on_a_narrow_screen() {
    let mut desk = rescued();
    desk.press("?");
    let screen = desk.look(60, 100);
    let words = |text: &str| text.split_whitespace().filter(|word| *word != "│").collect::<Vec<_>>().join(" ");
    for help in ["of all tensors, the chosen layer, the chosen tensor", "past what the machine can do it is max"] {
        assert!(words(&screen).contains(help), "{screen}");
    }
}

#[test]
fn a_knob_line_and_its_neighbours_are_never_cut() {
    let mut desk = rescued();
    desk.press("w3e-12<Enter>");
    let screen = desk.look(60, 16);
    assert!(screen.contains("half-life 2.31e14\n"), "{screen}");
}

#[test]
fn strong_decay_from_the_start_is_not_advised_to_be_more() {
    let mut desk = Desk::new({
        let mut source = Source::demo();
        source.description.config.weight_decay = 30.0;
        source
    });
    desk.train(40);
    let screen = desk.look(120, 36);
    assert!(screen.contains("nothing yet: turn λ with [ or ] and see what happens"), "{screen}");
}
