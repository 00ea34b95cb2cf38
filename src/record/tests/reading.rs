//! Reading back, whole and damaged.

use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::sample::{self, narrowed, record, run};
use crate::record::{EVENTS, Error, MANIFEST, STEPS, STEPS_CRC, Session, State};
use crate::stream::*;

fn recorded(events: Vec<Event>) -> (TempDir, PathBuf) {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("a.wdtop");
    record(&path, events);
    (folder, path)
}

/// Rows as text: NaN equals itself there, and Debug of a float is exact.
fn rows(session: &Session) -> (Vec<String>, Option<String>) {
    let mut steps = session.steps().unwrap();
    let mut rows = Vec::new();
    for stretch in steps.by_ref() {
        rows.extend(stretch.batch.iter().map(|(row, sums)| format!("{:?}", (stretch.branch, row, sums))));
    }
    (rows, steps.dropped().map(str::to_owned))
}

fn expected_rows(events: &[Event]) -> Vec<String> {
    narrowed(events).iter().map(|row| format!("{row:?}")).collect()
}

fn logged(events: &[Event]) -> String {
    let logged: Vec<_> =
        events.iter().filter(|event| !matches!(event.what, What::Started(_) | What::Steps(_))).collect();
    format!("{logged:?}")
}

#[test]
fn what_was_recorded_reads_back() {
    let mut events = run();
    events.insert(6, Event { branch: 3, ..sample::steps(4..6) });
    let (_folder, path) = recorded(events.clone());
    let session = Session::open(&path).unwrap();
    assert_eq!(session.name, "a");
    assert_eq!(session.description(), Some(&sample::description()));
    assert_eq!(session.manifest.format, 1);
    assert_eq!(session.state, State::Finished(StopReason::Completed));
    assert_eq!(session.dropped, None);
    assert_eq!(format!("{:?}", session.events), logged(&events));
    assert_eq!(rows(&session), (expected_rows(&events), None));
    let (last, dropped) = session.last_update().unwrap();
    let last = last.unwrap();
    assert_eq!(format!("{:?}", (0, &last.row, &last.sums)), *expected_rows(&events).last().unwrap());
    assert_eq!(dropped, None);
}

#[test]
fn a_session_cut_at_any_byte_reads_as_a_prefix() {
    let (_folder, path) = recorded(run());
    let whole = Session::open(&path).unwrap();
    let all_events: Vec<String> = whole.events.iter().map(|event| format!("{event:?}")).collect();
    let all_rows = rows(&whole).0;
    for file in [EVENTS, STEPS, STEPS_CRC] {
        let bytes = fs::read(path.join(file)).unwrap();
        let mut fewest = usize::MAX;
        for cut in (0..bytes.len()).rev() {
            fs::write(path.join(file), &bytes[..cut]).unwrap();
            let session = Session::open(&path).unwrap();
            let events: Vec<String> = session.events.iter().map(|event| format!("{event:?}")).collect();
            let (rows, dropped) = rows(&session);
            assert!(all_events.starts_with(&events), "{file} cut at {cut}");
            assert!(all_rows.starts_with(&rows), "{file} cut at {cut}");
            let last = session.last_update().unwrap();
            assert_eq!(last.0.map(|last| last.row.step + 1).unwrap_or(0), rows.len() as u64, "{file} cut at {cut}");
            assert_eq!(last.1, dropped, "{file} cut at {cut}");
            let kept = events.len() + rows.len();
            assert!(kept <= fewest, "{file} cut at {cut}: more is read from less");
            fewest = kept;
        }
        assert_eq!(fewest, if file == EVENTS { all_rows.len() } else { all_events.len() }, "{file}");
        fs::remove_file(path.join(file)).unwrap();
        Session::open(&path).unwrap().last_update().unwrap();
        fs::write(path.join(file), &bytes).unwrap();
    }
}

#[test]
fn a_cut_manifest_is_a_clear_error() {
    let (_folder, path) = recorded(run());
    let bytes = fs::read(path.join(MANIFEST)).unwrap();
    // Without its last byte, a line feed, it is still whole.
    for cut in 0..bytes.len() - 1 {
        fs::write(path.join(MANIFEST), &bytes[..cut]).unwrap();
        let error = Session::open(&path).unwrap_err();
        assert!(matches!(error, Error::Manifest { .. }), "cut at {cut}: {error}");
    }
    fs::remove_file(path.join(MANIFEST)).unwrap();
    let error = Session::open(&path).unwrap_err().to_string();
    assert!(error.ends_with("a.wdtop is no session: it has no session.json"), "{error}");
}

#[test]
fn a_torn_tail_is_told() {
    let (_folder, path) = recorded(run());
    let shorten = |file: &str, by: usize| {
        let bytes = fs::read(path.join(file)).unwrap();
        fs::write(path.join(file), &bytes[..bytes.len() - by]).unwrap();
    };
    shorten(EVENTS, 5);
    shorten(STEPS, 9);
    let session = Session::open(&path).unwrap();
    assert_eq!(session.state, State::Crashed);
    let (line, bytes) = (session.events.len() + 1, fs::read(path.join(EVENTS)).unwrap());
    let torn = bytes.len() - bytes.iter().rposition(|byte| *byte == b'\n').unwrap() - 1;
    assert_eq!(
        session.dropped.as_deref(),
        Some(
            format!("events.jsonl: the last {torn} bytes, from line {line} on, are torn or garbled and were dropped")
                .as_str()
        )
    );
    let dropped = rows(&session).1.unwrap();
    assert!(dropped.ends_with("bytes, from step 6 on, are torn or garbled and were dropped"), "{dropped}");
}

#[test]
fn a_garbled_byte_is_found_and_read_as_the_end() {
    let (_folder, path) = recorded(run());
    let all_rows = rows(&Session::open(&path).unwrap()).0;
    for file in [STEPS, STEPS_CRC] {
        let bytes = fs::read(path.join(file)).unwrap();
        let marker = if file == STEPS { bytes.len() - 8 } else { bytes.len() };
        for at in 0..bytes.len() {
            let mut garbled = bytes.clone();
            garbled[at] ^= 0x04;
            fs::write(path.join(file), &garbled).unwrap();
            let (rows, dropped) = rows(&Session::open(&path).unwrap());
            assert!(all_rows.starts_with(&rows), "{file} garbled at {at}");
            assert!(rows.len() < all_rows.len() || at >= marker, "{file} garbled at {at} went unseen");
            assert!(dropped.is_some(), "{file} garbled at {at} went unsaid");
        }
        fs::write(path.join(file), &bytes).unwrap();
    }
}

#[test]
fn a_newer_format_is_refused() {
    let (_folder, path) = recorded(run());
    fs::write(path.join(MANIFEST), r#"{"format": 2, "other": []}"#).unwrap();
    let error = Session::open(&path).unwrap_err().to_string();
    assert!(
        error.ends_with("a.wdtop has format 2, this program reads formats up to 1; update wdtop to read it"),
        "{error}"
    );
}

#[test]
fn sessions_are_found_by_path_name_and_beginning() {
    let folder = TempDir::new().unwrap();
    let here = |name: &str| folder.path().join(name);
    for name in ["demo-1.wdtop", "demo-2.wdtop", "mlp.wdtop"] {
        record(&here(name), vec![What::Started(Box::new(sample::description())).into()]);
    }
    fs::create_dir(here("other")).unwrap();
    let resolve = |name: &str| crate::record::resolve(folder.path(), name);
    for (name, found) in [("demo-1", "demo-1.wdtop"), ("demo-2.wdtop", "demo-2.wdtop"), ("m", "mlp.wdtop")] {
        assert_eq!(resolve(name).unwrap(), here(found));
    }
    let path = here("demo-1");
    assert_eq!(crate::record::resolve(Path::new("/nowhere"), path.to_str().unwrap()).unwrap(), here("demo-1.wdtop"));
    assert_eq!(resolve("demo").unwrap_err().to_string(), "`demo` may be demo-1, demo-2; type more of the name");
    for name in ["other", "x\x1b[2J", ""] {
        let error = resolve(name).unwrap_err().to_string();
        assert!(error.starts_with("no session `") && error.ends_with("`wdtop list` shows those there are"), "{error}");
        assert!(!error.contains('\x1b'));
    }
}
