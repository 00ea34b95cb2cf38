//! What decay does, on the screen: views, previews, units, explanations, alerts and the sentinel.

use crate::desk::Desk;
use crate::source::Source;
use wdtop::stream::{Alert, AlertKind, Command, DecayMode, Knob, Level, Weights, What};
use wdtop::tui::{Effect, Msg, OnAlert, Options};

/// The demo with λ = 3 in force for a while.
fn decaying() -> Desk {
    decayed(Source::demo())
}

fn decayed(source: Source) -> Desk {
    let mut desk = Desk::new(source);
    desk.train(200);
    desk.press("w3<Enter>");
    desk.train(200);
    desk
}

#[test]
fn one_key_reaches_every_view_and_another_turns_back() {
    let mut desk = decaying();
    let views = [
        "budget of",
        "rotation",
        "where ‖w‖ settles",
        "timescale of fc1.weight",
        "spectrum",
        "gap: validation",
        "weights of fc1.weight",
        "‖w‖ of fc1",
    ];
    for view in views {
        desk.press("u");
        let screen = desk.look(120, 40);
        assert!(screen.contains(view), "{view}\n{screen}");
        let head: String = view.chars().take(6).collect();
        assert!(desk.look(80, 24).contains(&head), "{view} at 80×24");
    }
    desk.press("UU");
    assert!(desk.look(120, 40).contains("gap: validation"));
}

#[test]
fn the_views_answer_what_they_are_asked() {
    let mut desk = decaying();
    desk.press("uuuu");
    let screen = desk.look(120, 40);
    // d = ηλ = 3e-3: τ is 333 steps, 16.7 epochs of 20; (1 − d)^200 of the start is left.
    assert!(screen.contains("τ 333 steps") && screen.contains("τ 17 epochs"), "{screen}");
    assert!(screen.contains("of the start 54.8 % is left"), "{screen}");
    desk.press("U");
    let screen = desk.look(120, 40);
    assert!(screen.contains("steps") && screen.contains("→"), "{screen}");
}

#[test]
fn a_turn_is_previewed_and_leaves_no_trace_when_it_is_cancelled() {
    let mut desk = decaying();
    let before = desk.look(120, 40);
    desk.press("}");
    let turning = desk.look(120, 40);
    assert!(turning.contains("‖w‖ ") && turning.contains(" in "), "{turning}");
    assert_ne!(turning, before);
    desk.press("<Esc>");
    assert_eq!(desk.look(120, 40), before);
    desk.press("w30");
    assert!(desk.look(120, 40).contains("→"));
    desk.press("<Esc>");
    assert_eq!(desk.look(120, 40), before);
    assert_eq!(desk.sent.len(), 1, "the one edit that was made");
}

#[test]
fn lambda_is_typed_in_other_units_and_recorded_as_lambda() {
    for (typed, value) in [("tau=500", 2.0), ("tau=2ep", 25.0), ("d=1e-3", 1.0)] {
        let mut desk = decaying();
        desk.press(&format!("w{typed}"));
        let screen = desk.look(120, 40);
        assert!(screen.contains("= λ") && screen.contains("half-life"), "{screen}");
        desk.press("<Enter>");
        let Some(Command::Set(setting)) = desk.sent.last() else { panic!("{:?}", desk.sent) };
        assert_eq!(setting.knob, Knob::WeightDecay);
        assert!((setting.value.unwrap_or_default() - value).abs() < 1e-9, "{typed}: {setting:?}");
    }
    let mut desk = decaying();
    desk.press("wlambda_norm=1<Enter>");
    assert!(desk.look(120, 40).contains("lambda_norm needs a run with an end"));
}

#[test]
fn each_norm_is_foretold_by_trend_where_the_formula_does_not_hold() {
    let mut source = Source::demo();
    source.along = 0.5;
    let mut desk = decayed(source);
    desk.press("uuu<Enter>");
    let screen = desk.look(120, 40);
    // The formula is dimmed with its reason; every decayed tensor has a trend, the other one its reason.
    let rows = screen.lines().filter(|line| line.contains("trend ±20 %"));
    assert_eq!(rows.count(), 5, "{screen}");
    assert!(screen.contains("‖w‖* ") && screen.contains("not scale-invariant"), "{screen}");
    assert!(screen.contains("no decay: nothing to settle at"), "{screen}");
    for (width, height) in [(120, 40), (80, 24), (60, 16)] {
        desk.press("<Esc>");
        let screen = desk.look(width, height);
        assert!(width == 60 || screen.contains("trend"), "{screen}");
        desk.press("<Enter>");
        assert!(desk.look(width, height).contains("trend"), "{}", desk.look(width, height));
    }
    desk.press("w30");
    assert!(desk.look(120, 40).contains(" by trend"), "{}", desk.look(120, 40));
}

#[test]
fn a_band_that_has_moved_since_the_edit_says_so_and_is_drawn_as_it_went() {
    let mut desk = decayed(Source::with(DecayMode::L2, "sgd"));
    desk.press("uuu<Enter>");
    let screen = desk.look(120, 40);
    assert!(screen.contains("‖w‖* was ") && screen.contains(" at ①, E[‖g‖²‖w‖²] is ×0."), "{screen}");
    desk.press("e");
    assert!(desk.look(120, 40).contains("since the last edit: ‖w‖* was "), "{}", desk.look(120, 40));
    // Of a λ that is only being typed nothing has moved.
    desk.press("<Esc>w30");
    let screen = desk.look(120, 40);
    assert!(screen.contains("‖w‖*: holds if ‖g‖·‖w‖ stays") && !screen.contains("at ①"), "{screen}");
    // AdamW's formula knows no gradient.
    let mut desk = decaying();
    desk.press("uuu<Enter>");
    let screen = desk.look(120, 40);
    assert!(screen.contains("‖w‖*: the formula holds") && !screen.contains("at ①"), "{screen}");
}

#[test]
fn what_lions_updates_remember_stands_beside_the_formula_from_a_thousand_of_them_on() {
    let mut desk = decayed(Source::with(DecayMode::Decoupled, "lion"));
    desk.press("uuu<Enter>");
    let screen = desk.look(120, 40);
    assert!(screen.contains("‖w‖*: the formula holds") && !screen.contains("√m"), "{screen}");
    desk.train(600);
    let screen = desk.look(120, 40);
    assert_eq!(screen.lines().filter(|line| line.contains(" √m‖w‖* ±15 %")).count(), 5, "{screen}");
    assert!(screen.contains(" times √m, m ") && !screen.contains("the formula holds"), "{screen}");
    // Every tensor's place is ‖w‖*·√m, as the line below the list has it for the chosen one.
    let number = |text: &str| -> f64 {
        let digits: String = text.chars().take_while(|c| c.is_ascii_digit() || ".e-".contains(*c)).collect();
        digits.parse().unwrap_or_else(|_| panic!("no number begins {text:?}"))
    };
    let after = |mark: &str| screen.split(mark).nth(1).map(number).unwrap_or_else(|| panic!("no {mark:?}: {screen}"));
    let row = screen.lines().find(|line| line.contains("fc1.weight") && line.contains("√m‖w‖*")).unwrap();
    let (told, wanted) = (number(row.split('→').nth(1).unwrap()), after("│ ‖w‖* ") * after("times √m, m ").sqrt());
    assert!((told / wanted - 1.0).abs() < 0.02, "{told}, {wanted}: {screen}");
    desk.press("e");
    let screen = desk.look(120, 40);
    assert!(screen.contains("R/(s²C)·πκ²/2 = "), "{screen}");
    // So says a λ that is only being typed.
    desk.press("<Esc>w30");
    assert!(desk.look(120, 40).contains("if updates remember as they did"), "{}", desk.look(120, 40));
}

#[test]
fn a_view_has_the_screen_where_there_is_no_room_beside_it() {
    let mut desk = decaying();
    desk.send(Msg::Resized(60, 16));
    desk.press("u");
    assert!(desk.look(60, 16).contains("budget of"), "{}", desk.look(60, 16));
    desk.press("<Esc>");
    assert!(desk.look(60, 16).contains("1 loss"), "{}", desk.look(60, 16));
}

#[test]
fn the_budget_says_which_layer_decay_hurts_most() {
    let mut desk = decaying();
    desk.press("u");
    assert!(desk.look(120, 40).contains("! hurts most: fc"), "{}", desk.look(120, 40));
    desk.press("<Enter>");
    let screen = desk.look(120, 40);
    // d = 3e-3 of ‖w‖ against steps of 3e-3·‖w‖, averaged over some fifty updates of which a few had no decay.
    assert!(screen.contains("most: it pulls 0.983 times as hard as the gradient's step"), "{screen}");
    assert!(screen.contains("pull 0.983"), "{screen}");
}

#[test]
fn the_spectrum_is_that_of_the_last_evaluation_and_of_the_crosshairs() {
    let mut desk = decaying();
    desk.press("uuuuu");
    let screen = desk.look(120, 40);
    assert!(screen.contains("σ₁") && screen.contains("4.00    −"), "{screen}");
    desk.press("<Enter>");
    let now = desk.look(120, 40);
    assert!(now.contains("4.00 of 256") && now.contains("4.00 of 10"), "{now}");
    assert!(now.contains("at step 380") && now.contains("since ①"), "{now}");
    desk.press("e");
    assert!(desk.look(120, 40).contains("stable rank = ‖W‖²/σ₁²"), "{}", desk.look(120, 40));
    // A recording from before there were spectra.
    let mut desk = Desk::new(Source::demo());
    desk.press("uuuuu");
    assert!(desk.look(120, 40).contains("no evaluation yet"), "{}", desk.look(120, 40));
}

#[test]
fn an_alert_is_marked_over_the_charts_once_for_all_tensors() {
    let mut desk = decaying();
    let signs = |desk: &Desk| desk.look(80, 24).lines().take(5).map(|line| line.matches('▲').count()).sum::<usize>();
    let before = signs(&desk);
    for tensor in ["fc1.weight", "fc2.weight"] {
        let (level, kind) = (Level::Warning, AlertKind::NormHalved);
        let (number, bound, hint) = (1.0, 2.0, "lower λ".to_owned());
        desk.hear(What::Alert(Alert {
            step: 300,
            seconds: 6.0,
            level,
            kind,
            tensor: Some(tensor.into()),
            number,
            bound,
            hint,
        }));
    }
    // Over both charts.
    assert_eq!(signs(&desk), before + 2, "{}", desk.look(80, 24));
}

#[test]
fn every_panel_explains_itself_with_its_numbers() {
    let mut desk = decaying();
    let focused = ["<Tab>", "<Tab>", "<Tab>", "<Tab>", "<Tab>"];
    let mut told = Vec::new();
    for key in focused {
        desk.press(key);
        desk.press("e");
        let screen = desk.look(80, 24);
        assert!(screen.contains("healthy: ") && screen.contains("from: "), "{screen}");
        told.push(screen);
        desk.press("<Esc>");
    }
    assert!(told.iter().all(|screen| told.iter().filter(|other| *other == screen).count() == 1), "each its own");
    desk.press("<Tab><Tab><Tab>e");
    desk.press("uu");
    let screen = desk.look(120, 40);
    assert!(screen.contains("θ* = √(2d·(1−β1)/(1+β1))"), "{screen}");
}

#[test]
fn an_alert_stands_among_the_events_with_its_number_and_its_hint() {
    let mut desk = decaying();
    let alert = Alert {
        step: 400,
        seconds: 8.0,
        level: Level::Warning,
        kind: AlertKind::DecayWins,
        tensor: Some("fc1.weight".into()),
        number: 1.5,
        bound: 1.0,
        hint: "lower λ".into(),
    };
    desk.hear(What::Alert(alert));
    let screen = desk.look(120, 40);
    assert!(
        screen.contains("▲ step     400  warning: decay wins at fc1.weight (pull 1.50 > 1.00): lower λ"),
        "{screen}"
    );
}

#[test]
fn tensors_that_are_warned_of_at_once_share_a_line_that_names_the_worst() {
    let mut desk = decaying();
    for (tensor, number) in [("fc1.weight", 1.2), ("fc2.weight", 1.9), ("fc2.bias", 1.3)] {
        desk.hear(What::Alert(Alert {
            step: 500,
            seconds: 5.0,
            level: Level::Warning,
            kind: AlertKind::DecayWins,
            tensor: Some(tensor.into()),
            number,
            bound: 1.0,
            hint: "lower λ".into(),
        }));
    }
    let screen = desk.look(120, 40);
    assert!(screen.contains("decay wins at fc2.weight (pull 1.90 > 1.00) and 2 others: lower λ"), "{screen}");
    assert!(!screen.contains("decay wins at fc1.weight"), "{screen}");
}

#[test]
fn an_alert_rings_and_pauses_where_it_was_asked_to() {
    let alert = |level| {
        let (number, bound, hint) = (2.0, 1.0, "lower λ".to_owned());
        What::Alert(Alert {
            step: 200,
            seconds: 4.0,
            level,
            kind: AlertKind::LossSpike,
            tensor: None,
            number,
            bound,
            hint,
        })
    };
    for (on_alert, level, rings, pauses) in [
        (OnAlert::Show, Level::Warning, false, false),
        (OnAlert::Bell, Level::Warning, true, false),
        (OnAlert::Pause, Level::Info, true, false),
        (OnAlert::Pause, Level::Warning, true, true),
    ] {
        let mut desk = Desk::with(Source::demo(), Options { on_alert, ..Options::default() });
        desk.train(200);
        desk.hear(alert(level));
        assert_eq!(desk.effects.contains(&Effect::Ring), rings, "{on_alert:?} {level}");
        assert_eq!(desk.sent.contains(&Command::Pause), pauses, "{on_alert:?} {level}");
    }
}

fn diverged(desk: &mut Desk, weights: Weights) {
    let (step, seconds) = (desk.source.step, desk.source.seconds());
    desk.hear(What::Diverged { step, seconds, what: "the gradient of fc1.weight".into(), weights });
    desk.hear(What::Paused { step, seconds });
}

#[test]
fn the_sentinel_offers_four_ways_out() {
    let lower = |sent: &[Command]| matches!(sent, [.., Command::Set(setting), Command::SkipBatch] if setting.value == Some(1e-4));
    let skip = |sent: &[Command]| matches!(sent, [.., Command::SkipBatch]);
    let back = |sent: &[Command]| matches!(sent, [.., Command::Restore(400)]);
    let stop = |sent: &[Command]| matches!(sent, [.., Command::Stop]);
    type Sends<'a> = &'a dyn Fn(&[Command]) -> bool;
    let ways: [(&str, Sends); 5] = [("1", &skip), ("2", &lower), ("3", &back), ("4", &stop), ("j<Enter>", &lower)];
    for (keys, sent) in ways {
        let mut desk = decaying();
        desk.press("c");
        diverged(&mut desk, Weights::Kept);
        let screen = desk.look(80, 24);
        assert!(screen.contains("the gradient of fc1.weight is not finite in step 400"), "{screen}");
        assert!(screen.contains("3 back to the snapshot of step 400"), "{screen}");
        desk.press(keys);
        assert!(sent(&desk.sent), "{keys}: {:?}", desk.sent);
        assert!(!desk.look(80, 24).contains("is not finite in step 400;"), "the question is answered");
    }
}

#[test]
fn the_question_can_be_put_off_and_comes_again() {
    let mut desk = decaying();
    diverged(&mut desk, Weights::Kept);
    desk.press("<Esc>u");
    assert!(desk.look(80, 24).contains("Space asks what to do"), "{}", desk.look(80, 24));
    desk.press(" ");
    assert!(desk.look(80, 24).contains("1 go on without this batch"));
    // Weights that are lost cannot go on.
    let mut desk = decaying();
    diverged(&mut desk, Weights::Lost);
    let screen = desk.look(80, 24);
    assert!(screen.contains("1 stop the run") && !screen.contains("go on without"), "{screen}");
}

#[test]
fn alerts_do_not_hide_what_the_last_edit_did() {
    let mut desk = decaying();
    for step in [390, 392, 394, 396, 398] {
        let (level, kind, hint) = (Level::Warning, AlertKind::LossSpike, "a hint that takes its room".into());
        let alert = Alert { step, seconds: 1.0, level, kind, tensor: None, number: 3.0, bound: 1.0, hint };
        desk.hear(What::Alert(alert));
    }
    let screen = desk.look(120, 36);
    let (_, events) = screen.split_once("5 events").unwrap();
    assert!(events.lines().nth(1).unwrap().contains("since then: val"), "{screen}");
    assert!(events.lines().nth(2).unwrap().contains("398"), "{screen}");
}

#[test]
fn an_explanation_is_scrolled_where_the_screen_is_small() {
    let mut desk = decaying();
    desk.press("ue");
    let whole = desk.look(120, 36);
    assert!(whole.contains("from: ") && !whole.contains("scroll"), "{whole}");
    desk.press("<Esc>");
    desk.resize(60, 16);
    desk.press("4e");
    let screen = desk.look(60, 16);
    assert!(screen.contains("‖w'‖² − ‖w‖²") && !screen.contains("from: "), "{screen}");
    assert!(screen.contains("j k scroll · u U views · Tab panel · Esc leaves"), "{screen}");
    desk.press("jjjjjjjjjj");
    let screen = desk.look(60, 16);
    assert!(!screen.contains("‖w'‖² − ‖w‖²") && screen.contains("from: "), "{screen}");
    // The next view's begins at its beginning.
    desk.press("U");
    assert!(desk.look(60, 16).contains("‖w‖ of "), "{}", desk.look(60, 16));
}
