//! A comparison's screen, key by key.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::Terminal;
use ratatui::backend::TestBackend;

use super::*;
use crate::stream::{Author, Knob, Scope};
use crate::tui::Ending;
use crate::tui::archive::{Answer, Question};

fn entrant(name: &str, loss: f64, edits: &[u64]) -> Entrant {
    let edit = |step: &u64| Edit {
        step: *step,
        seconds: 0.0,
        knob: Knob::WeightDecay,
        scope: Scope::All,
        from: 0.0,
        to: 3.0,
        inherits: false,
        constant: false,
        by: Author::Keys,
    };
    Entrant {
        name: name.into(),
        state: "finished".into(),
        steps: 100,
        best_loss: Some((loss, 90)),
        loss: Some(loss),
        edits: edits.iter().map(edit).collect(),
        ..Entrant::default()
    }
}

fn curve(slope: f64) -> Vec<Point> {
    let point = |step: u64| Point { step, epoch: step as f64 / 10.0, seconds: step as f64, value: slope * step as f64 };
    (0..100).map(point).collect()
}

fn board() -> Board {
    let contest = Contest {
        entrants: vec![entrant("beta", 0.5, &[40]), entrant("alpha", 0.25, &[]), entrant("gamma", 0.75, &[10, 70])],
        columns: ["validation/loss", "penalty", "fc1.weight/norm", "fc2.weight/norm"].map(String::from).to_vec(),
        settings: vec![("lr".into(), vec![Some("0.1".into()), None, Some("0.2".into())])],
        edits: Vec::new(),
    };
    let (mut board, effects) = Board::new(contest, Begin::default(), Theme::many());
    assert_eq!(effects, [asks("validation/loss")]);
    load(&mut board);
    board
}

fn asks(column: &str) -> Effect {
    Effect::Ask(Question::Curves(column.into()))
}

fn load(board: &mut Board) {
    let curves = vec![curve(1.0), curve(2.0), curve(3.0)];
    assert_eq!(update(board, Msg::Found(Ok(Answer::Curves(curves)))), []);
}

fn press(board: &mut Board, keys: &str) -> Vec<Effect> {
    let code = |c: char| match c {
        '\n' => KeyCode::Enter,
        '\t' => KeyCode::Tab,
        '\x1b' => KeyCode::Esc,
        c => KeyCode::Char(c),
    };
    keys.chars().flat_map(|c| update(board, Msg::Key(KeyEvent::new(code(c), KeyModifiers::NONE)))).collect()
}

fn look(board: &Board, width: u16, height: u16) -> String {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    terminal.draw(|frame| view(board, None, frame)).unwrap();
    let buffer = terminal.backend().buffer();
    let row = |y: u16| (0..width).map(|x| buffer[(x, y)].symbol()).collect::<String>() + "\n";
    (0..height).map(row).collect()
}

#[test]
fn sessions_are_sorted_filtered_and_hidden() {
    let mut board = board();
    assert_eq!(board.listed(), [0, 1, 2]);
    press(&mut board, "o");
    assert_eq!(board.listed(), [1, 0, 2], "by name");
    press(&mut board, "/ta\n");
    assert_eq!((board.listed(), board.chosen), (vec![0], 0));
    press(&mut board, "\x1b");
    press(&mut board, " ");
    assert_eq!(board.drawn(), [1, 2]);
    assert!(look(&board, 120, 40).contains("alpha"));
}

#[test]
fn a_column_is_read_when_it_is_asked_for() {
    let mut board = board();
    assert_eq!(press(&mut board, "4"), [asks("penalty")]);
    assert!(look(&board, 80, 24).contains("reading"));
    load(&mut board);
    assert!(!look(&board, 80, 24).contains("reading"));
    assert_eq!(press(&mut board, "66"), [asks("fc1.weight/norm"), asks("fc2.weight/norm")]);
    assert_eq!(update(&mut board, Msg::Found(Err("no such file".into()))), []);
    assert!(look(&board, 80, 24).contains("no such file"));
    assert_eq!(press(&mut board, "66"), [asks("fc1.weight/norm"), asks("fc2.weight/norm")]);
}

#[test]
fn sessions_are_read_again_and_stay_as_they_were_chosen() {
    let mut board = board();
    assert!(!look(&board, 80, 24).contains("reads them again"), "nothing goes on");
    board.contest.entrants[1].live = true;
    assert!(look(&board, 80, 24).contains("some go on: r reads them again"));
    press(&mut board, "j* 6");
    load(&mut board);
    assert_eq!(press(&mut board, "r"), [Effect::Ask(Question::Again)]);
    // What is there stays on the screen until there is more.
    let screen = look(&board, 80, 24);
    assert!(screen.contains("reading again …") && screen.contains("a 99.0"), "{screen}");
    let mut more = board.contest.clone();
    more.columns.insert(0, "train/loss".into());
    more.entrants[1].steps = 150;
    assert_eq!(update(&mut board, Msg::Found(Ok(Answer::Contest(more)))), [asks("fc1.weight/norm")]);
    load(&mut board);
    let screen = look(&board, 80, 24);
    assert!(screen.contains("150") && !screen.contains("reading"), "{screen}");
    assert_eq!((board.chosen, board.baseline, board.drawn()), (1, Some(1), vec![0, 2]));
    // Where it fails, what was there is still there, and what was still to come is asked for.
    press(&mut board, "r");
    assert_eq!(update(&mut board, Msg::Found(Err("it is gone".into()))), []);
    let screen = look(&board, 80, 24);
    assert!(screen.contains("not read again: it is gone") && screen.contains("a 99.0"), "{screen}");
    press(&mut board, "4r");
    assert_eq!(update(&mut board, Msg::Found(Err("it is gone".into()))), [asks("penalty")]);
    press(&mut board, "4");
    assert!(!look(&board, 80, 24).contains("gone"));
}

#[test]
fn losses_begin_with_a_logarithmic_axis_and_each_kind_of_curve_keeps_its_own() {
    let mut board = board();
    let axis = |board: &Board| if look(board, 80, 24).contains("y log") { Scale::Log } else { Scale::Linear };
    assert_eq!(axis(&board), Scale::Log);
    press(&mut board, "6");
    assert_eq!(axis(&board), Scale::Linear);
    press(&mut board, "y1");
    assert_eq!(axis(&board), Scale::Log);
    press(&mut board, "y");
    assert_eq!(axis(&board), Scale::Linear);
    press(&mut board, "6");
    assert_eq!(axis(&board), Scale::Log);
}

#[test]
fn the_list_of_keys_is_scrolled_where_the_screen_is_small() {
    let mut board = board();
    press(&mut board, "?");
    let (first, last) = ("choose a session", "this list");
    for (width, height) in [(80, 24), (120, 40)] {
        let screen = look(&board, width, height);
        assert!(screen.contains(first) && screen.contains(last) && !screen.contains("scroll ·"), "{screen}");
    }
    let screen = look(&board, 60, 16);
    assert!(screen.contains(first) && !screen.contains(last) && screen.contains("j k scroll · Esc leaves"), "{screen}");
    press(&mut board, &"j".repeat(40));
    let screen = look(&board, 60, 16);
    assert!(!screen.contains(first) && screen.contains(last), "{screen}");
    assert!(press(&mut board, "x").is_empty() && look(&board, 120, 40).contains("this list"));
    press(&mut board, "q");
    assert!(!look(&board, 120, 40).contains("this list"));
}

#[test]
fn curves_are_aligned_by_the_edit_that_a_session_has() {
    let mut board = board();
    press(&mut board, "aaa");
    assert_eq!(board.align, Alignment::Edit(1));
    let Curves::Here(loaded) = &board.curves else { panic!("no curves") };
    // Step 40 of the first and step 10 of the third lie over each other; the second has no edit.
    assert_eq!(loaded.places.told(40), "+0 steps");
    let at = |session: usize| loaded.placed[session].last_before(41);
    assert_eq!((at(0), at(1), at(2)), (Some(40.0), None, Some(30.0)));
    press(&mut board, "aa");
    assert_eq!(board.align, Alignment::Step);
}

#[test]
fn differences_are_told_from_the_chosen_session() {
    let mut board = board();
    press(&mut board, "j*");
    assert_eq!(board.baseline, Some(1));
    let screen = look(&board, 120, 40);
    assert!(screen.contains("less b · alpha") && screen.contains("a −99.0") && screen.contains("c +99.0"), "{screen}");
    press(&mut board, "*");
    assert_eq!(board.baseline, None);
}

#[test]
fn nothing_but_differences_leaves_out_what_is_the_same() {
    let mut board = board();
    board.contest.settings.push(("batch".into(), vec![Some("100".into()), Some("100".into()), Some("64".into())]));
    board.contest.entrants.iter_mut().for_each(|entrant| entrant.penalty = Some(7.0));
    press(&mut board, "d");
    assert_eq!((board.baseline, board.detail), (Some(0), Detail::Differences));
    let screen = look(&board, 120, 40);
    assert!(
        screen.contains("╭ validation/loss less a · beta ─") && !screen.contains("╭ validation/loss ─"),
        "{screen}"
    );
    assert!(screen.contains("end loss") && !screen.contains("penalty"), "{screen}");
    assert_eq!(table::rows(&board)[1], ("batch".into(), vec!["100".into(), "=".into(), "64".into()]));
    // Of those that are listed alone.
    press(&mut board, "/ta\n");
    assert_eq!(table::rows(&board), []);
    press(&mut board, "\x1b\x1b");
    assert_eq!((board.baseline, board.detail), (Some(0), Detail::All));
    press(&mut board, "d*");
    assert_eq!((board.baseline, board.detail), (None, Detail::All));
}

#[test]
fn opened_from_a_run_every_way_out_leads_back() {
    for keys in ["q", "v", "\x1b", "d\x1b"] {
        let mut board = board();
        board.host = Host::Run;
        assert_eq!(press(&mut board, keys), [Effect::Leave(Ending::Left)], "{keys:?}");
    }
    assert_eq!(press(&mut board(), "v\x1b"), []);
}

#[test]
fn the_best_is_marked_and_every_size_is_drawn() {
    let mut board = board();
    let screen = look(&board, 120, 40);
    assert!(screen.contains("0.250*") && !screen.contains("0.500*"), "{screen}");
    for keys in ["", "*", "\t", "\n", "?"] {
        press(&mut board, keys);
        for (width, height) in [(0, 0), (1, 1), (60, 16), (80, 24), (200, 50)] {
            look(&board, width, height);
        }
    }
    assert_eq!(press(&mut board, "qq"), [Effect::Leave(Ending::Left)]);
}

#[test]
fn charts_are_zoomed_panned_and_read_out_as_on_the_main_screen() {
    let mut board = board();
    press(&mut board, "+");
    let stretch = board.window.stretch.clone();
    assert_eq!(board.window.steps(100, None).end - board.window.steps(100, None).start, 51);
    // Where not all is shown, sideways is sideways: no other curve.
    assert_eq!(press(&mut board, "h"), []);
    assert_ne!(board.window.stretch, stretch);
    press(&mut board, "i");
    let at = board.crosshair.unwrap();
    press(&mut board, "h");
    assert_eq!(board.crosshair, Some(at - 1));
    let (screen, value) = (look(&board, 120, 40), at - 1);
    assert!(screen.contains(&format!("at step {value}")) && screen.contains(&format!("a {value}.0")), "{screen}");
    assert!(screen.contains("← → move"), "{screen}");
    press(&mut board, "a");
    assert_eq!((board.crosshair, board.window.stretch.clone()), (None, Default::default()));
    assert_eq!(press(&mut board, "l"), [asks("penalty")]);
}

#[test]
fn edits_are_marked_and_numbered_by_every_alignment() {
    let mut board = board();
    let edits = board.contest.entrants[0].edits.clone();
    for (align, place) in
        [(Alignment::Step, 40), (Alignment::Epoch, 4000), (Alignment::Time, 0), (Alignment::Edit(1), 40)]
    {
        assert_eq!(board.align, align);
        let Curves::Here(loaded) = &board.curves else { panic!("no curves") };
        assert_eq!(loaded.place_of(0, &edits[0]), Some(place), "{align:?}");
        let screen = look(&board, 120, 40);
        assert!(screen.contains("a①") && screen.contains("c①"), "{align:?}\n{screen}");
        press(&mut board, "a");
    }
}
