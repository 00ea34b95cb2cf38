//! Writing while things go wrong.

use std::fs;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::sample::{self, record, record_with, run, steps};
use crate::record::{EVENTS, Error, Recorder, STEPS, STEPS_CRC, Session, State, create};
use crate::stream::*;

fn started() -> Event {
    What::Started(Box::new(sample::description())).into()
}

/// The events without the recorder's own, as text: NaN equals itself there.
fn others(events: &[Event]) -> Vec<String> {
    let others = events.iter().filter(|event| !matches!(event.what, What::Recording { .. }));
    others.map(|event| format!("{event:?}")).collect()
}

#[test]
fn every_event_is_passed_on_in_order_and_the_end_is_last() {
    let folder = TempDir::new().unwrap();
    let (passed, recorded) = record(&folder.path().join("a.wdtop"), run());
    assert_eq!(others(&passed), others(&run()));
    assert!(matches!(passed.last().unwrap().what, What::Finished(_)));
    let size: u64 = fs::read_dir(&recorded.path).unwrap().map(|file| file.unwrap().metadata().unwrap().len()).sum();
    assert_eq!((recorded.bytes, recorded.trouble), (size, None));
    let told = passed.iter().rev().find_map(|event| match event.what {
        What::Recording { bytes, trouble: None } => Some(bytes),
        _ => None,
    });
    assert_eq!(told, Some(size));
}

#[test]
fn rows_reach_the_disk_within_a_second_and_an_edit_before_it_is_passed_on() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("a.wdtop");
    let (mut source, input) = lossless(2);
    let (output, screen) = merging(100);
    let thread = Recorder::create(&path).unwrap().spawn(input, output).unwrap();
    source.send(started()).unwrap();
    source.send(sample::edit(0, "all", 0.0, 3.0)).unwrap();
    while !matches!(screen.recv().unwrap().what, What::Edited(_)) {}
    let session = Session::open(&path).unwrap();
    assert_eq!((session.edits().count(), &session.state, session.dropped), (1, &State::Running, None));

    source.send(steps(0..3)).unwrap();
    let since = Instant::now();
    while Session::open(&path).unwrap().last_update().unwrap().0.is_none() {
        assert!(since.elapsed() < Duration::from_secs(5), "the rows never came");
        std::thread::sleep(Duration::from_millis(10));
    }
    // Generous: the machine that tests may be busy.
    assert!(since.elapsed() < Duration::from_secs(3));

    let error = Recorder::create(&path).unwrap_err().to_string();
    assert!(error.ends_with("is being written by another process; choose another path for the recording"), "{error}");

    source.send(sample::edit(3, "all", 3.0, 1.0)).unwrap();
    drop(source);
    thread.join().unwrap();
    let session = Session::open(&path).unwrap();
    assert_eq!((session.edits().count(), &session.state), (2, &State::Crashed));
    let error = Recorder::create(&path).unwrap_err().to_string();
    assert!(error.ends_with("a.wdtop exists already; choose another path for the recording"), "{error}");
}

#[test]
fn a_closed_screen_does_not_stop_the_recording() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("a.wdtop");
    let (mut source, input) = lossless(2);
    let (output, screen) = merging(1);
    drop(screen);
    let thread = Recorder::create(&path).unwrap().spawn(input, output).unwrap();
    for event in run() {
        source.send(event).unwrap();
    }
    drop(source);
    assert_eq!(thread.join().unwrap().trouble, None);
    assert_eq!(Session::open(&path).unwrap().last_update().unwrap().0.unwrap().row.step, 6);
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_stops_the_recording_and_nothing_else() {
    let folder = TempDir::new().unwrap();
    // The events' file is the last to notice: the rows before the first event are written by then.
    for (file, step) in [(STEPS, 0), (STEPS_CRC, 0), (EVENTS, 3)] {
        let path = folder.path().join(format!("{file}.wdtop"));
        let recorder = Recorder::create(&path).unwrap();
        std::os::unix::fs::symlink("/dev/full", path.join(file)).unwrap();
        let (passed, recorded) = record_with(recorder, run());
        assert_eq!(others(&passed), others(&run()));
        let trouble = recorded.trouble.unwrap();
        assert!(trouble.starts_with(&format!("recording stopped at step {step}: ")), "{trouble}");
        assert!(trouble.contains(file) && trouble.contains("No space left"), "{trouble}");
        assert!(passed.contains(&What::Recording { bytes: recorded.bytes, trouble: Some(trouble) }.into()));
    }
}

#[test]
fn a_folder_that_vanishes_is_trouble() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("a.wdtop");
    let (mut source, input) = lossless(2);
    let (output, screen) = merging(100);
    let thread = Recorder::create(&path).unwrap().spawn(input, output).unwrap();
    source.send(started()).unwrap();
    source.send(steps(0..1)).unwrap();
    while !matches!(screen.recv().unwrap().what, What::Steps(_)) {}
    fs::remove_dir_all(&path).unwrap();
    let trouble = loop {
        if let What::Recording { trouble: Some(trouble), .. } = screen.recv().unwrap().what {
            break trouble;
        }
    };
    assert!(trouble.ends_with("a.wdtop is gone"), "{trouble}");
    drop(source);
    assert_eq!(thread.join().unwrap().trouble, Some(trouble));
    assert!(!path.exists());
}

#[test]
fn a_run_that_never_starts_leaves_no_folder() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("deep/a.wdtop");
    drop(Recorder::create(&path).unwrap());
    assert!(!path.exists());
    record(&path, Vec::new());
    assert!(!path.exists());
}

#[test]
fn a_folder_that_cannot_be_made_is_one_clear_line() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    let error = Recorder::create(&file.join("a.wdtop")).unwrap_err().to_string();
    assert!(error.starts_with("cannot record to ") && error.contains("file is a file; choose a path"), "{error}");
    assert!(matches!(Recorder::create(&file), Err(Error::Exists { .. })));
    #[cfg(target_os = "linux")]
    {
        let error = Recorder::create(std::path::Path::new("/proc/a.wdtop")).unwrap_err().to_string();
        assert!(error.contains("choose a folder that can be written, or do not record"), "{error}");
    }
}

#[test]
fn names_come_from_recipe_and_time_and_never_clash() {
    let folder = TempDir::new().unwrap();
    let time: jiff::Timestamp = "2026-11-23T15:30:37Z".parse().unwrap();
    let now = time.to_zoned(jiff::tz::TimeZone::UTC);
    let made: Vec<_> = (0..3).map(|_| create(folder.path(), "../my demo", &now).unwrap()).collect();
    let names: Vec<_> = made.iter().map(|made| made.path().file_name().unwrap().to_str().unwrap()).collect();
    let first = "-my-demo-20261123-153037";
    assert_eq!(names, [format!("{first}.wdtop"), format!("{first}-2.wdtop"), format!("{first}-3.wdtop")]);
}
