//! A session as a stream of events, while it is written and afterwards.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow_schema::{Field, Schema};
use tempfile::TempDir;

use super::sample::{self, edit, narrowed, record, run, steps};
use crate::record::steps::StepsWriter;
use crate::record::{EVENTS, Error, Follow, LOCK, MANIFEST, STEPS, STEPS_CRC, Session, columns};
use crate::stream::*;

/// Everything that there is now, an event a line; updates one by one, so that batches do not matter.
fn read_on(follow: &mut Follow) -> Vec<String> {
    let mut told = Vec::new();
    while let Some(event) = follow.next().unwrap() {
        told.extend(lines(&event));
    }
    told
}

fn lines(event: &Event) -> Vec<String> {
    match &event.what {
        What::Steps(batch) => batch.iter().map(|(row, sums)| format!("{:?}", (event.branch, row, sums))).collect(),
        _ => vec![format!("{event:?}")],
    }
}

/// What a run tells, its values as the columns keep them.
fn told(events: &[Event]) -> Vec<String> {
    let mut rows = narrowed(events).into_iter();
    events
        .iter()
        .flat_map(|event| match &event.what {
            What::Steps(batch) => {
                let rows = rows.by_ref().take(batch.len());
                rows.map(|(branch, row, sums)| format!("{:?}", (branch, &row, sums.as_slice()))).collect()
            }
            _ => lines(event),
        })
        .collect()
}

fn recorded(events: Vec<Event>) -> (TempDir, PathBuf) {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("a.wdtop");
    record(&path, events);
    (folder, path)
}

#[test]
fn a_session_is_told_in_the_order_in_which_it_happened() {
    let (_folder, path) = recorded(run());
    let mut follow = Follow::open(&path).unwrap();
    assert_eq!(read_on(&mut follow), told(&run()));
    assert_eq!(follow.dropped(), [""; 0]);
    assert!(!follow.is_live());
}

#[test]
fn updates_of_one_batch_are_parted_where_an_event_comes_between_them() {
    // As a file can be that another recorder wrote: all updates in one batch, the events in theirs.
    let (_folder, path) = recorded(vec![What::Started(Box::new(sample::description())).into(), steps(0..7)]);
    let mut events = String::new();
    for step in [0, 3, 3, 7] {
        events += &(serde_json::to_string(&edit(step, "all", 0.0, 1.0)).unwrap() + "\n");
    }
    fs::write(path.join(EVENTS), events).unwrap();
    let mut follow = Follow::open(&path).unwrap();
    let mut order = Vec::new();
    while let Some(event) = follow.next().unwrap() {
        order.push(match &event.what {
            What::Steps(batch) => format!("{}..{}", batch.rows()[0].step, batch.rows().last().unwrap().step + 1),
            What::Edited(edit) => format!("edit {}", edit.step),
            _ => "start".into(),
        });
    }
    assert_eq!(order, ["start", "edit 0", "0..3", "edit 3", "edit 3", "3..7", "edit 7"]);
}

#[test]
fn a_follower_has_each_event_once_and_each_edit_before_the_update_that_used_it() {
    // Both files grow in pieces of any size, in the order in which a recorder writes them.
    let (_folder, path) = recorded(run());
    let whole = read_on(&mut Follow::open(&path).unwrap());
    let writes = writes(&path);
    for piece in [1, 7, 64, 1000, usize::MAX] {
        let folder = TempDir::new().unwrap();
        fs::copy(path.join(MANIFEST), folder.path().join(MANIFEST)).unwrap();
        let lock = File::create(folder.path().join(LOCK)).unwrap();
        lock.lock().unwrap();
        let mut follow = Follow::open(folder.path()).unwrap();
        let mut told = read_on(&mut follow);
        for (file, bytes) in &writes {
            for bytes in bytes.chunks(piece) {
                let path = folder.path().join(file);
                File::options().create(true).append(true).open(path).unwrap().write_all(bytes).unwrap();
                told.extend(read_on(&mut follow));
                assert!(whole.starts_with(&told), "{} is out of order at {}", told.last().unwrap(), told.len());
            }
        }
        assert_eq!(told, whole, "pieces of {piece}");
        assert!(follow.is_live());
        drop(lock);
        assert!(!follow.is_live());
        assert_eq!(follow.dropped(), [""; 0]);
    }
}

/// What the recorder wrote, in its order: the messages before an event, then the event.
fn writes(path: &Path) -> Vec<(&'static str, Vec<u8>)> {
    let (table, sums) = (fs::read(path.join(STEPS)).unwrap(), fs::read_to_string(path.join(STEPS_CRC)).unwrap());
    let mut end = 0;
    let mut messages = sums.lines().map(|line| {
        let length: usize = line.split(' ').nth(1).unwrap().parse().unwrap();
        let message = table[end..end + length].to_vec();
        end += length;
        [(STEPS, message), (STEPS_CRC, format!("{line}\n").into_bytes())]
    });
    let mut writes: Vec<_> = messages.next().unwrap().into();
    // Each batch of the sample ends where an event follows.
    let events = fs::read_to_string(path.join(EVENTS)).unwrap();
    let mut batch_ends = vec![3, 6, 7].into_iter().peekable();
    for line in events.lines() {
        let event: Event = serde_json::from_str(line).unwrap();
        if batch_ends.next_if(|end| event.what.step().unwrap() >= *end).is_some() {
            writes.extend(messages.next().unwrap());
        }
        writes.push((EVENTS, format!("{line}\n").into_bytes()));
    }
    assert!(messages.next().is_none(), "all batches are placed");
    writes.push((STEPS, table[end..].to_vec()));
    writes
}

/// A session whose second pair of files has other columns: those of the tensors are gone.
fn with_other_columns() -> (TempDir, PathBuf) {
    let (folder, path) = recorded(vec![What::Started(Box::new(sample::description())).into(), steps(0..3)]);
    let full = columns::schema(&["fc1.weight".into(), "fc1.bias".into()], DecayMode::Decoupled);
    let fields: Vec<Field> = full.fields().iter().take(9).map(|field| field.as_ref().clone()).collect();
    let mut writer = StepsWriter::create(&path, 1, Arc::new(Schema::new(fields))).unwrap();
    let Event { what: What::Steps(batch), .. } = steps(3..5) else { panic!("steps are steps") };
    let mut bare = StepBatch::new(0);
    batch.rows().iter().for_each(|row| bare.push(*row, &[]));
    writer.write(&bare, &[0, 0]).unwrap();
    writer.finish().unwrap();
    (folder, path)
}

fn updates(session: &Session) -> (Vec<(u64, bool)>, Option<String>) {
    let mut steps = session.steps().unwrap();
    let mut updates = Vec::new();
    for stretch in steps.by_ref() {
        updates.extend(stretch.batch.iter().map(|(row, sums)| (row.step, sums[0].w2.is_nan())));
    }
    (updates, steps.dropped().map(str::to_owned))
}

#[test]
fn a_changed_set_of_columns_reads_on_and_what_was_not_recorded_is_no_number() {
    let (_folder, path) = with_other_columns();
    let session = Session::open(&path).unwrap();
    let all = vec![(0, false), (1, false), (2, false), (3, true), (4, true)];
    assert_eq!(updates(&session), (all.clone(), None));
    assert_eq!(session.last_update().unwrap().0.unwrap().row.step, 4);
    let told = read_on(&mut Follow::open(&path).unwrap());
    assert_eq!(told.len(), 1 + all.len());
}

#[test]
fn nothing_is_read_behind_a_torn_pair_of_files() {
    let (_folder, path) = with_other_columns();
    let whole = fs::read(path.join(STEPS)).unwrap();
    for cut in [whole.len() - 1, whole.len() - 8, whole.len() - 9, 100] {
        fs::write(path.join(STEPS), &whole[..cut]).unwrap();
        let session = Session::open(&path).unwrap();
        let (read, dropped) = updates(&session);
        assert!(read.iter().all(|(step, _)| *step < 3), "cut at {cut}: {read:?}");
        assert!(dropped.is_some(), "cut at {cut} went unsaid");
        assert_eq!(session.last_update().unwrap().0.map(|last| last.row.step), read.last().map(|(step, _)| *step));
    }
}

#[test]
fn a_torn_end_is_told_of_a_session_that_is_over() {
    let (_folder, path) = recorded(run());
    let events = fs::read(path.join(EVENTS)).unwrap();
    fs::write(path.join(EVENTS), &events[..events.len() - 5]).unwrap();
    let mut follow = Follow::open(&path).unwrap();
    let all = told(&run());
    assert_eq!(read_on(&mut follow), all[..all.len() - 1]);
    assert!(follow.dropped()[0].starts_with("events.jsonl: the last "), "{:?}", follow.dropped());
    fs::write(path.join(EVENTS), [b"nonsense\n", events.as_slice()].concat()).unwrap();
    let mut follow = Follow::open(&path).unwrap();
    assert_eq!(read_on(&mut follow).len(), 1 + 7);
    assert!(follow.dropped()[0].contains("from line 1 on is garbled"), "{:?}", follow.dropped());
}

#[test]
fn what_is_no_session_cannot_be_followed() {
    let folder = TempDir::new().unwrap();
    assert!(matches!(Follow::open(folder.path()), Err(Error::NoSession { .. })));
}
