//! What is looked at: stretches of the charts, the crosshair, panels, tensors, typed commands.

use wdtop::stream::{Author, Command, Knob, Scope, Setting, StepBatch, StepRow, What};
use wdtop::tui::{Access, Effect, Glyphs, Msg, Options};

use crate::desk::Desk;
use crate::source::Source;

fn desk() -> Desk {
    let mut desk = Desk::new(Source::demo());
    desk.train(1000);
    desk
}

/// The label rows of all charts.
fn axes(desk: &Desk, unit: &str) -> Vec<String> {
    let screen = desk.look(120, 36);
    let end = format!(" {unit}│");
    let rows = screen.match_indices(&end).map(|(at, _)| screen[..at].rsplit('│').next().unwrap_or_default());
    rows.map(|row| row.split_whitespace().collect::<Vec<_>>().join(" ")).collect()
}

/// The label row of the chart of losses.
fn axis(desk: &Desk, unit: &str) -> String {
    axes(desk, unit).into_iter().next().unwrap_or_else(|| panic!("no {unit} in\n{}", desk.look(120, 36)))
}

#[test]
fn charts_zoom_to_the_tail_and_follow_it() {
    let mut desk = desk();
    assert_eq!(axis(&desk, "step"), "0 500 1,000");
    desk.press("+");
    assert_eq!(axis(&desk, "step"), "600 800 1,000");
    desk.train(500);
    assert_eq!(axis(&desk, "step"), "1,200 1,400");
    desk.press("-");
    assert_eq!(axis(&desk, "step"), "1,000 1,500");
    desk.press("--");
    assert!(axis(&desk, "step").starts_with("0 "));
}

#[test]
fn a_spike_of_a_single_step_is_seen_at_every_zoom() {
    let mut desk = Desk::new(Source::demo());
    desk.train(20_000);
    let mut spike = StepBatch::new(6);
    for event in desk.source.advance(1) {
        let What::Steps(batch) = event.what else { continue };
        for (row, sums) in batch.iter() {
            spike.push(StepRow { loss: 50.0, ..*row }, sums);
        }
    }
    desk.hear(What::Steps(spike));
    desk.train(4);
    desk.press("<Enter>");
    let is_dots = |c: char| ('\u{2801}'..='\u{28ff}').contains(&c);
    for _ in 0..14 {
        let screen = desk.look(120, 40);
        // The axis ends at 50: the spike is what reaches the first row below the border.
        let top = screen.lines().skip_while(|line| !line.contains(" 1 loss ")).nth(1).unwrap_or_default();
        assert!(top.chars().any(is_dots), "{screen}");
        desk.press("+");
    }
}

#[test]
fn both_axes_are_linear_or_logarithmic_by_a_key_each() {
    let mut desk = desk();
    let heights = |desk: &Desk| -> Vec<String> {
        let screen = desk.look(120, 36);
        let label = |line: &str| Some(line.strip_prefix('│')?.split('┤').next()?.trim().to_owned());
        screen.lines().take(20).filter(|line| line.contains('┤')).filter_map(label).collect()
    };
    assert!(!heights(&desk).contains(&"0".to_owned()), "{:?}", heights(&desk));
    desk.press("y");
    assert!(heights(&desk).contains(&"0".to_owned()), "{:?}", heights(&desk));
    assert!(desk.look(120, 36).contains("y linear"));
    desk.press("Y");
    let screen = desk.look(120, 36);
    let row = screen.lines().find(|line| line.contains("log step")).unwrap_or_else(|| panic!("{screen}"));
    let labels: Vec<&str> = row.split_whitespace().filter(|word| word.parse::<f64>().is_ok()).take(3).collect();
    assert_eq!(labels, ["1", "10", "100"], "{screen}");
    for keys in ["x", "x", "+h", "i", "w3<Enter>x", "=Y"] {
        desk.press(keys);
        desk.look(120, 36);
    }
    assert!(!desk.look(120, 36).contains("log step"));
}

#[test]
fn octants_are_drawn_with_where_they_are_asked_for() {
    let options = Options { glyphs: Glyphs::Octant, ..Options::default() };
    let mut desk = Desk::with(Source::demo(), options);
    desk.train(300);
    let screen = desk.look(120, 36);
    let counted = |from: char, to: char| screen.chars().filter(|c| (from..=to).contains(c)).count();
    assert!(counted('\u{1CD00}', '\u{1CDE5}') > 40, "{screen}");
    assert_eq!(counted('\u{2800}', '\u{28FF}'), 0, "{screen}");
}

#[test]
fn all_charts_show_the_same_stretch() {
    let mut desk = desk();
    desk.press("++");
    let axes = axes(&desk, "step");
    assert_eq!(axes.len(), 2, "{axes:?}\n{}", desk.look(120, 36));
    assert!(axes.iter().all(|axis| axis.contains("800") && !axis.contains("500")), "{axes:?}");
}

#[test]
fn a_chart_with_the_focus_is_panned_and_comes_back_to_the_tail() {
    let mut desk = desk();
    desk.press("+hhh");
    let panned = axis(&desk, "step");
    assert!(panned.contains("400") && !panned.contains("1,000"), "{panned}");
    desk.train(300);
    assert_eq!(axis(&desk, "step"), panned, "it stays where it was put");
    desk.press("=");
    assert!(axis(&desk, "step").contains("1,200"), "{}", axis(&desk, "step"));
    desk.press("=");
    assert!(axis(&desk, "step").starts_with("0 "));
    desk.press("h");
    assert!(desk.look(120, 36).contains("all of the run is shown; + zooms in"));
}

#[test]
fn the_axis_counts_steps_epochs_time_and_steps_since_an_edit() {
    let mut desk = desk();
    desk.press("x");
    assert_eq!(axis(&desk, "epoch"), "0 20 40");
    desk.press("x");
    assert_eq!(axis(&desk, "time"), "00:00 00:10 00:20");
    desk.press("x");
    assert!(desk.look(120, 36).contains("there is no edit yet to count from"));
    assert!(axis(&desk, "step").starts_with("0 "));
    desk.press("w3<Enter>");
    desk.train(200);
    desk.press("xxx");
    assert_eq!(axis(&desk, "since edit"), "0 100 200");
}

#[test]
fn a_pause_takes_room_on_the_axis_of_time_alone() {
    let mut desk = desk();
    desk.hear(wdtop::stream::What::Paused { step: 1000, seconds: 20.0 });
    desk.hear(wdtop::stream::What::Resumed { step: 1000, seconds: 100.0 });
    desk.press("xx");
    assert!(axis(&desk, "time").contains("01:00"), "{}", axis(&desk, "time"));
}

#[test]
fn the_crosshair_reads_every_chart_at_one_step() {
    let mut desk = desk();
    let last = desk.look(120, 36);
    desk.press("i");
    assert!(desk.look(120, 36).contains("at step 999"), "{}", desk.look(120, 36));
    desk.press(&"h".repeat(40));
    let screen = desk.look(120, 36);
    assert!(screen.contains("at step 359") && screen.contains("h l another step"), "{screen}");
    let label = |screen: &str, name: &str| {
        let at = screen.rfind(name).unwrap_or_else(|| panic!("no {name} in\n{screen}"));
        screen[at..].chars().take(11).collect::<String>()
    };
    // The formula of the source at step 340, the last evaluation before.
    assert_ne!(label(&screen, "val   "), label(&last, "val   "));
    desk.press("+l");
    assert!(desk.look(120, 36).contains("at step 367"), "{}", desk.look(120, 36));
    desk.press("<Esc>");
    assert!(!desk.look(120, 36).contains("at step"));
}

#[test]
fn the_crosshair_takes_the_charts_along() {
    let mut desk = desk();
    desk.press("++++i");
    desk.press(&"h".repeat(200));
    let screen = desk.look(120, 36);
    let at = screen.split_once("at step ").map(|(_, rest)| rest.split(' ').next().unwrap_or_default().to_owned());
    let at: u64 = at.and_then(|at| at.parse().ok()).unwrap_or_else(|| panic!("{screen}"));
    assert!(at < 850 && screen.contains('┃'), "{screen}");
}

#[test]
fn values_that_are_not_finite_are_counted() {
    let mut source = Source::demo();
    source.broken = 300..330;
    let mut desk = Desk::new(source);
    desk.train(600);
    assert!(desk.look(120, 36).contains("× 30 not finite"), "{}", desk.look(120, 36));
    desk.press("+");
    desk.train(100);
    assert!(!desk.look(120, 36).contains("not finite"), "they are not in what is shown");
}

#[test]
fn edits_and_notes_are_marks_with_what_they_say() {
    let mut desk = Desk::new(Source::demo());
    desk.train(300);
    desk.press("mlook here<Enter>");
    desk.train(300);
    desk.press("w3<Enter>");
    desk.train(300);
    let screen = desk.look(120, 36);
    assert!(screen.matches('ⓐ').count() >= 3 && screen.matches('①').count() >= 4, "{screen}");
    assert!(screen.contains("ⓐ look here") && screen.contains("① λ 0 → 3.00"), "{screen}");
}

#[test]
fn tab_reaches_only_what_is_on_the_screen() {
    for (tabs, panel) in [(0, "1 loss"), (1, "2 knobs"), (2, "1 loss")] {
        let mut desk = desk();
        desk.send(Msg::Resized(60, 16));
        desk.press(&"<Tab>".repeat(tabs));
        desk.press("<Enter>");
        assert!(desk.look(60, 16).contains(panel), "{tabs}\n{}", desk.look(60, 16));
    }
    let mut desk = desk();
    desk.press("<S-Tab><Enter>");
    assert!(desk.look(120, 36).contains("5 events"), "on a full screen the last one is there");
    desk.press("<Enter>");
    desk.send(Msg::Resized(80, 24));
    desk.press("<Enter>");
    assert!(desk.look(80, 24).contains("1 loss"), "the focus does not stay on what has gone");
}

#[test]
fn numbers_put_panels_away_and_bring_them_back() {
    let mut desk = desk();
    desk.press("35");
    let screen = desk.look(120, 36);
    assert!(!screen.contains("3 layers") && !screen.contains("5 events") && screen.contains("4 ‖w‖"), "{screen}");
    desk.press("35");
    assert!(desk.look(120, 36).contains("3 layers"));
    desk.press("2");
    assert!(desk.look(120, 36).contains("half-life: never"), "the dials stay at hand: {}", desk.look(120, 36));
    desk.press("1345");
    let screen = desk.look(120, 36);
    assert!(screen.contains("one panel has to stay") && screen.contains("5 events"), "{screen}");
}

#[test]
fn a_panel_without_room_is_shown_on_the_whole_screen() {
    let mut desk = desk();
    desk.send(Msg::Resized(60, 16));
    desk.press("3");
    assert!(desk.look(60, 16).contains("3 layers"), "{}", desk.look(60, 16));
    desk.press("5");
    assert!(desk.look(60, 16).contains("5 events"));
    desk.press("<Esc>");
    assert!(desk.look(60, 16).contains("1 loss"));
}

#[test]
fn the_table_lists_what_is_looked_for() {
    let mut desk = desk();
    desk.press("/bias");
    let screen = desk.look(120, 36);
    assert!(screen.contains("▸fc1.bias") && !screen.contains(" fc1.weight "), "{screen}");
    desk.press("<Enter>j");
    assert!(desk.look(120, 36).contains("▸fc2.bias"));
    desk.press("/x<Esc>");
    assert!(desk.look(120, 36).contains("fc3.weight"));
    desk.press("/nothing<Enter>");
    assert!(desk.look(120, 36).contains("no tensor has that in its name"));
    desk.press("<Esc>");
    assert!(desk.look(120, 36).contains("fc3.weight"), "Esc lists all again");
}

#[test]
fn the_table_is_sorted() {
    let mut desk = desk();
    desk.press(":sort norm<Enter>");
    let screen = desk.look(120, 36);
    let place = |name: &str| screen.find(&format!("{name} ")).unwrap_or_else(|| panic!("no {name} in\n{screen}"));
    assert!(screen.contains("‖w‖▾") && place("fc1.weight  ") < place("fc2.weight"), "{screen}");
    assert!(place("fc3.weight") < place("fc1.bias") && place("fc2.bias") < place("fc3.bias"), "{screen}");
    desk.press("ooo");
    assert!(!desk.look(120, 36).contains('▾'), "o goes round to the network's order, over what there is");
}

fn sent(line: &str) -> (Vec<Command>, String) {
    let mut desk = desk();
    desk.press(&format!(":{line}<Enter>"));
    let screen = desk.look(120, 36);
    (desk.sent, screen)
}

#[test]
fn typed_commands_do_what_keys_do() {
    let set = |knob, scope: &str, value| {
        Command::Set(Setting { knob, scope: Scope::from(scope.to_owned()), value: Some(value), by: Author::Keys })
    };
    for (line, command) in [
        ("set lr 3e-4", set(Knob::LearningRate, "all", 3e-4)),
        ("set weight_decay 3", set(Knob::WeightDecay, "all", 3.0)),
        ("set weight_decay@fc1 0.1", set(Knob::WeightDecay, "fc1", 0.1)),
        ("set weight_decay@fc2.weight 0", set(Knob::WeightDecay, "fc2.weight", 0.0)),
        ("set beta1 0.8", set(Knob::Hyper("beta1".into()), "all", 0.8)),
        ("pause", Command::Pause),
        ("evaluate", Command::Evaluate),
        ("note let it be", Command::Note("let it be".into())),
        ("pace 20", Command::Pace(20.0)),
        ("pace max", Command::Pace(0.0)),
    ] {
        let (sent, screen) = sent(line);
        assert_eq!(sent, [command], "{line}\n{screen}");
    }
    assert!(sent("quit").1.contains("stop training and quit?"));
    assert!(sent("help").1.contains(" keys "));
    assert!(sent("x epoch").1.contains(" epoch│"));
    assert!(sent("glyphs ascii").1.is_ascii());
}

#[test]
fn a_command_that_cannot_be_meant_is_told_what_can() {
    for (line, parts) in [
        ("sett lr 1", ["no command `sett`: set, pause", "quit"]),
        ("set", ["set needs KEY", "VALUE"]),
        ("set momentum 1", ["no hyperparameter `momentum`: lr, weight_decay, beta1", "eps"]),
        ("set weight_decay@fc9 1", ["no layer or tensor `fc9`: fc1, fc1.weight", "fc3"]),
        ("set lr@fc1 1", ["lr is one for all tensors", "weight_decay"]),
        ("set lr -1", ["learning rate must be finite and at least 0", "-1"]),
        ("set beta1 lots", ["beta1 must be at least 0", "lots"]),
        ("theme pink", ["no theme `pink`", "auto, 256, dark, light, 16 or mono"]),
        ("pace 0", ["the pace must be from 0.001", "max"]),
        ("pause now", ["pause takes nothing after it", "now"]),
    ] {
        let (sent, screen) = sent(line);
        assert_eq!(sent, [], "{line}");
        assert!(parts.iter().all(|part| screen.contains(part)), "{line}\n{screen}");
    }
}

#[test]
fn tab_completes_a_command_as_far_as_it_is_certain() {
    let mut desk = desk();
    desk.press(":se<Tab>wei<Tab>@fc1<Tab>");
    let screen = desk.look(120, 36);
    assert!(screen.contains(":set weight_decay"), "{screen}");
    let mut desk = self::desk();
    desk.press(":set weight_decay@fc1.w<Tab>0.1<Enter>");
    assert!(
        matches!(&desk.sent[..], [Command::Set(Setting { scope: Scope::Tensor(name), .. })] if name == "fc1.weight")
    );
    desk.press(":p");
    assert!(desk.look(120, 36).contains("pause  pace"), "{}", desk.look(120, 36));
}

#[test]
fn a_screen_that_only_looks_on_asks_training_for_nothing() {
    let options = Options { access: Access::ReadOnly, ..Options::default() };
    let mut desk = Desk::with(Source::demo(), options);
    desk.train(100);
    for key in
        ["[", "]", "{", "}", "\\", ",", ".", "<", ">", " ", "n", "N", "E", "z", "Z", "(", ")", "w", "r", "m", "c", "B"]
    {
        desk.press(key);
        assert!(desk.look(80, 24).contains("read-only: this key would touch training"), "{key}");
        desk.wait(10_000);
    }
    desk.press("<Tab><Right><Left>");
    desk.press(":set lr 1<Enter><Esc>:pause<Enter>");
    assert!(desk.look(80, 24).contains("read-only"), "{}", desk.look(80, 24));
    desk.press("<Esc>:s");
    assert!(desk.look(80, 24).contains(":s    sort"), "what would be refused is not offered: {}", desk.look(80, 24));
    desk.press("<Esc>+xi=<Esc>yf3");
    desk.wait(10_000);
    assert_eq!(desk.sent, []);
    desk.press("qy");
    assert_eq!(desk.sent, [Command::Stop], "the program still ends");
}

#[test]
fn in_ascii_every_screen_is_ascii() {
    let options = Options { glyphs: Glyphs::Ascii, recording: Some("demo".into()), ..Options::default() };
    let mut desk = Desk::with(Source::demo(), options);
    desk.train(1000);
    desk.press("w3<Enter>");
    desk.train(241);
    for keys in ["", "i", "?", "<Esc><Esc>xx+", "w", "<Esc>:se", "<Esc>oo", "]", "<Esc>q"] {
        desk.press(keys);
        for (width, height) in [(59, 15), (60, 16), (80, 24), (120, 36), (200, 50)] {
            let screen = desk.look(width, height);
            assert!(screen.is_ascii(), "after {keys}\n{screen}");
            assert!(!screen.contains('?') || keys == "?" || screen.contains("? help") || keys == "<Esc>q", "{screen}");
        }
    }
}

#[test]
fn the_screen_in_ascii() {
    let options = Options { glyphs: Glyphs::Ascii, recording: Some("demo".into()), ..Options::default() };
    let mut desk = Desk::with(Source::demo(), options);
    desk.train(1000);
    desk.press("w3<Enter>");
    desk.train(241);
    for (width, height) in [(60, 16), (80, 24), (120, 40), (200, 50)] {
        insta::assert_snapshot!(format!("ascii_{width}x{height}"), desk.look(width, height));
    }
}

#[test]
fn the_screen_with_a_crosshair() {
    let mut desk = desk();
    desk.press("w3<Enter>mlook here<Enter>");
    desk.train(241);
    desk.press("+ihhhhhhhh");
    for (width, height) in [(60, 16), (80, 24), (120, 40), (200, 50)] {
        insta::assert_snapshot!(format!("crosshair_{width}x{height}"), desk.look(width, height));
    }
}

#[test]
fn a_recording_is_exported_by_its_formats_name_and_none_without_one() {
    let formats = vec!["csv".to_owned(), "svg".into()];
    let options = Options { recording: Some("demo".into()), formats, ..Options::default() };
    let mut desk = Desk::with(Source::demo(), options);
    desk.press("<ctrl-s>s<Tab><Enter>");
    assert_eq!(desk.effects, [Effect::Export("svg".into())]);
    desk.send(Msg::Exported(Ok("demo.svg".into())));
    assert!(desk.look(120, 36).contains("written to demo.svg"), "{}", desk.look(120, 36));
    desk.press(":export svg bud<Tab>");
    assert!(desk.look(120, 36).contains("export svg budget_"), "{}", desk.look(120, 36));
    desk.press("decay norm<Enter>");
    assert_eq!(desk.effects.last(), Some(&Effect::Export("svg budget_decay norm".into())));
    desk.press(":export csv norm<Enter>");
    assert!(desk.look(120, 36).contains("only svg takes charts, got `norm`"), "{}", desk.look(120, 36));
    desk.press("<Esc>:export pdf<Enter>");
    assert!(desk.look(120, 36).contains("no format `pdf`: csv, svg"), "{}", desk.look(120, 36));
    desk.press("<Esc>");
    desk.send(Msg::Exported(Err("the disk is full".into())));
    assert!(desk.look(120, 36).contains("not exported: the disk is full"), "{}", desk.look(120, 36));

    let mut desk = Desk::new(Source::demo());
    desk.press("<ctrl-s>");
    assert!(desk.look(120, 36).contains("this run is not recorded"), "{}", desk.look(120, 36));
    assert!(desk.effects.is_empty());
}
