//! What a replay tells, whichever way it is walked through.

use std::path::PathBuf;
use std::time::Duration;

use crossbeam_channel::{Sender, bounded};
use tempfile::TempDir;

use super::*;
use crate::record::Recorder;
use crate::stream::{
    Alert, AlertKind, Author, Edit, Event, EventReceiver, Knob, Level, Scope, StepBatch, StepRow, TensorSums, What,
    lossless, merging,
};

const STARTED: &str = include_str!("tests/started.json");

fn rows(range: std::ops::Range<u64>) -> Event {
    let mut batch = StepBatch::new(1);
    for step in range {
        let row = StepRow { step, seconds: step as f64 / 100.0, loss: 1.0 / (step + 1) as f64, ..Default::default() };
        batch.push(row, &[TensorSums { w2: step as f64, ..Default::default() }]);
    }
    What::Steps(batch).into()
}

fn edit(step: u64) -> Event {
    let seconds = step as f64 / 100.0;
    let (knob, scope, by) = (Knob::WeightDecay, Scope::All, Author::Keys);
    let (inherits, constant) = (false, false);
    What::Edited(Edit { step, seconds, knob, scope, from: 0.0, to: 3.0, inherits, constant, by }).into()
}

/// A recording of 100 updates with edits at 30 and 60, that has no end.
fn recorded(every: u64) -> (TempDir, PathBuf) {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("a.wdtop");
    let (mut source, input) = lossless(2);
    let (output, screen) = merging(1);
    drop(screen);
    let recorder = Recorder::create(&path).unwrap().thinned(every).spawn(input, output).unwrap();
    let started = serde_json::from_str(STARTED).unwrap();
    for event in [started, rows(0..30), edit(30), rows(30..60), edit(60), rows(60..100)] {
        source.send(event).unwrap();
    }
    drop(source);
    recorder.join().unwrap();
    (folder, path)
}

/// A screen of a replay: what it has been told since the run last began.
struct Screen {
    commands: Sender<Command>,
    events: EventReceiver,
    told: Vec<What>,
}

impl Screen {
    fn open(path: &std::path::Path, speed: f64, end: AtEnd) -> Screen {
        let (commands, obeyed) = bounded(8);
        let (sender, events) = lossless(1000);
        spawn(path, Playback { speed, end }, obeyed, sender).unwrap();
        Screen { commands, events, told: Vec::new() }
    }

    fn hear(&mut self) -> bool {
        let Ok(event) = self.events.channel().recv_timeout(Duration::from_secs(20)) else { return false };
        if let What::Started(_) = event.what {
            self.told.clear();
        }
        self.told.push(event.what);
        true
    }

    /// Asks for something, and hears all up to a pause.
    fn until_paused(&mut self, command: Command) {
        self.commands.send(command).unwrap();
        while self.hear() && !matches!(self.told.last(), Some(What::Paused { .. })) {}
    }

    fn steps(&self) -> Vec<u64> {
        let rows = self.told.iter().filter_map(|what| if let What::Steps(batch) = what { Some(batch) } else { None });
        rows.flat_map(|batch| batch.rows().iter().map(|row| row.step)).collect()
    }

    fn edits(&self) -> Vec<u64> {
        self.told.iter().filter_map(|what| if let What::Edited(edit) = what { Some(edit.step) } else { None }).collect()
    }
}

#[test]
fn seeking_to_and_fro_tells_all_before_the_step_and_nothing_after() {
    let (_folder, path) = recorded(1);
    let mut screen = Screen::open(&path, 1.0 / 64.0, AtEnd::Wait);
    screen.until_paused(Command::Pause);
    for target in [50, 10, 30, 99, 0, 60, 61, 1] {
        screen.until_paused(Command::Seek(target));
        assert_eq!(screen.steps(), (0..target).collect::<Vec<_>>(), "sought {target}");
        let edits: Vec<u64> = [30, 60].into_iter().filter(|edit| *edit <= target).collect();
        assert_eq!(screen.edits(), edits, "sought {target}");
    }
    screen.until_paused(Command::StepOnce);
    assert_eq!(screen.steps(), [0, 1]);
    for (edits, at) in [(vec![30], 30), (vec![30, 60], 60)] {
        screen.until_paused(Command::NextEdit);
        assert_eq!((screen.edits(), screen.steps().len()), (edits, at));
    }
    screen.commands.send(Command::NextEdit).unwrap();
    while screen.hear() && !matches!(screen.told.last(), Some(What::Refused(_))) {}
    screen
        .commands
        .send(Command::Set(crate::stream::Setting {
            knob: Knob::WeightDecay,
            scope: Scope::All,
            value: Some(1.0),
            by: Author::Keys,
        }))
        .unwrap();
    assert!(screen.hear() && matches!(screen.told.last(), Some(What::Refused(_))));
}

#[test]
fn it_plays_to_the_end_at_the_recorded_speed_and_can_go_back_from_there() {
    let (_folder, path) = recorded(1);
    let begin = std::time::Instant::now();
    let mut screen = Screen::open(&path, 2.0, AtEnd::Wait);
    while screen.hear() && !matches!(screen.told.last(), Some(What::Paused { .. })) {}
    // A second was recorded.
    assert!(begin.elapsed() >= Duration::from_millis(450), "{:?}", begin.elapsed());
    assert_eq!(screen.steps(), (0..100).collect::<Vec<_>>());
    let noted = |what: &What| matches!(what, What::Noted { text, .. } if text.contains("without an end"));
    assert_eq!(screen.told.iter().filter(|what| noted(what)).count(), 1);
    screen.until_paused(Command::Seek(40));
    assert_eq!((screen.steps().len(), screen.edits()), (40, vec![30]));
    screen.until_paused(Command::RunUntil(45));
}

#[test]
fn where_tensors_were_thinned_out_they_stand_at_the_last_that_was_kept() {
    let (_folder, path) = recorded(8);
    let mut screen = Screen::open(&path, 0.0, AtEnd::Leave);
    while screen.hear() {}
    let squares: Vec<f64> = screen
        .told
        .iter()
        .filter_map(|what| if let What::Steps(batch) = what { Some(batch) } else { None })
        .flat_map(|batch| batch.iter().map(|(_, sums)| sums[0].w2).collect::<Vec<_>>())
        .collect();
    assert_eq!(squares, (0..100).map(|step| (step / 8 * 8) as f64).collect::<Vec<_>>());
}

#[test]
fn alerts_and_left_out_batches_are_told_at_their_time() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("a.wdtop");
    let (mut source, input) = lossless(2);
    let (output, screen) = merging(1);
    drop(screen);
    let recorder = Recorder::create(&path).unwrap().spawn(input, output).unwrap();
    let (level, kind, hint) = (Level::Warning, AlertKind::Overfitting, "more λ".into());
    let alert = Alert { step: 30, seconds: 0.3, level, kind, tensor: None, number: 2.0, bound: 1.0, hint };
    let alert = What::Alert(alert).into();
    let skipped = What::Skipped { step: 60, seconds: 0.6 }.into();
    for event in [serde_json::from_str(STARTED).unwrap(), rows(0..30), alert, rows(30..60), skipped, rows(61..100)] {
        source.send(event).unwrap();
    }
    drop(source);
    recorder.join().unwrap();

    let begin = std::time::Instant::now();
    let mut screen = Screen::open(&path, 1.0, AtEnd::Leave);
    let mut at = Vec::new();
    while screen.hear() {
        if matches!(screen.told.last(), Some(What::Alert(_) | What::Skipped { .. })) {
            at.push((begin.elapsed(), screen.steps().len()));
        }
    }
    let [(alert, before_alert), (skipped, before_skipped)] = at[..] else { panic!("{at:?}") };
    // The recorded time begins with the player: nothing is told before its time, a busy machine may be late.
    assert!(alert >= Duration::from_millis(280) && skipped >= Duration::from_millis(580), "{at:?}");
    assert_eq!((before_alert, before_skipped), (30, 60));

    // To and fro they come and go as edits do.
    let mut screen = Screen::open(&path, 1.0 / 64.0, AtEnd::Wait);
    screen.until_paused(Command::Pause);
    for (target, told) in [(80, 2), (40, 1), (60, 2), (10, 0)] {
        screen.until_paused(Command::Seek(target));
        let marks = screen.told.iter().filter(|what| matches!(what, What::Alert(_) | What::Skipped { .. })).count();
        assert_eq!(marks, told, "sought {target}");
    }
}

#[test]
fn a_speed_has_bounds() {
    assert!([0.0, 1.0, 0.5, 65536.0].iter().all(|speed| check_speed(*speed).is_ok()));
    for wrong in [-1.0, 1e-9, 1e9, f64::NAN] {
        assert!(check_speed(wrong).unwrap_err().contains("from 0.015625 to 65536 times"), "{wrong}");
    }
}
