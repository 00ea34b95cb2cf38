//! Recordings that leave something out: tensors' columns of most updates, or updates altogether.

use std::fs;
use std::path::{Path, PathBuf};

use crossbeam_channel::bounded;
use tempfile::TempDir;

use super::sample::{self, edit, narrowed, record_with, run, steps};
use crate::record::{EVENTS, Recorder, STEPS, STEPS_CRC, Session};
use crate::stream::*;

const TENSORS: &str = "steps-000-tensors.arrows";
const TENSORS_CRC: &str = "steps-000-tensors.crc";

fn thinned(every: u64, events: Vec<Event>) -> (TempDir, PathBuf) {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("a.wdtop");
    let (_, recorded) = record_with(Recorder::create(&path).unwrap().thinned(every), events);
    assert_eq!(recorded.trouble, None);
    let size: u64 = fs::read_dir(&path).unwrap().map(|file| file.unwrap().metadata().unwrap().len()).sum();
    assert_eq!(recorded.bytes, size);
    (folder, path)
}

/// Rows as text: NaN equals itself there.
fn rows(path: &Path) -> (Vec<String>, Option<String>) {
    let mut steps = Session::open(path).unwrap().steps().unwrap();
    let mut rows = Vec::new();
    for stretch in steps.by_ref() {
        rows.extend(stretch.batch.iter().map(|(row, sums)| format!("{:?}", (stretch.branch, row, sums))));
    }
    (rows, steps.dropped().map(str::to_owned))
}

#[test]
fn every_row_has_its_network_and_every_third_its_tensors() {
    let (_folder, path) = thinned(3, run());
    let whole = narrowed(&run());
    let (read, dropped) = rows(&path);
    assert_eq!((read.len(), dropped), (whole.len(), None));
    for (read, (branch, row, sums)) in read.iter().zip(&whole) {
        let network = format!("({branch}, {row:?}, ");
        assert!(read.starts_with(&network), "{read}");
        let tensors = format!("{network}{sums:?})");
        assert_eq!(*read == tensors, row.step.is_multiple_of(3), "{read}\n{tensors}");
        assert_eq!(read.contains("decay: NaN"), !row.step.is_multiple_of(3), "{read}");
    }
    let session = Session::open(&path).unwrap();
    let curves = session.curves(&["fc1.weight/norm", "loss"]).unwrap();
    assert_eq!(curves.map_lengths(), [3, 7]);
    let names = session.batches().unwrap().column_names().unwrap();
    assert!(names.contains(&"fc1.bias/w2".to_owned()) && names.contains(&"loss".to_owned()), "{names:?}");
    let mut csv = Vec::new();
    crate::record::to_csv(&session, crate::record::CsvTable::Steps, &mut csv).unwrap();
    assert_eq!(String::from_utf8(csv).unwrap().lines().filter(|line| line.ends_with(",,,,,,")).count(), 4);
}

trait Lengths {
    fn map_lengths(&self) -> Vec<usize>;
}

impl<T> Lengths for Vec<Vec<T>> {
    fn map_lengths(&self) -> Vec<usize> {
        self.iter().map(Vec::len).collect()
    }
}

#[test]
fn batches_without_a_kept_row_are_read_over() {
    let mut events = vec![What::Started(Box::new(sample::description())).into()];
    // Each edit makes a batch of one row.
    for step in 0..40 {
        events.extend([steps(step..step + 1), edit(step + 1, "all", 0.0, 1.0)]);
    }
    let (_folder, path) = thinned(10, events.clone());
    let (read, dropped) = rows(&path);
    assert_eq!((read.len(), dropped), (40, None));
    let whole: Vec<usize> = (0..40).filter(|at| !read[*at].contains("decay: NaN")).collect();
    assert_eq!(whole, [0, 10, 20, 30]);
    assert_eq!(Session::open(&path).unwrap().last_update().unwrap().0.unwrap().row.step, 39);
}

#[test]
fn thinned_out_a_recording_is_as_much_smaller() {
    let long = || vec![What::Started(Box::new(sample::description())).into(), steps(0..4000)];
    let [(_a, whole), (_b, thin)] = [thinned(1, long()), thinned(100, long())];
    let size =
        |path: &Path| -> u64 { fs::read_dir(path).unwrap().map(|file| file.unwrap().metadata().unwrap().len()).sum() };
    // 64 bytes of a row are the network's, 72 are the two tensors'.
    assert!(size(&thin) * 2 < size(&whole) + 20_000, "{} of {}", size(&thin), size(&whole));
}

#[test]
fn a_thinned_session_cut_or_garbled_at_any_byte_of_any_file_reads_as_a_prefix() {
    let (_folder, path) = thinned(2, run());
    let all = rows(&path).0;
    for file in [TENSORS, TENSORS_CRC, STEPS, STEPS_CRC] {
        let bytes = fs::read(path.join(file)).unwrap();
        let mut fewest = usize::MAX;
        for cut in (0..bytes.len()).rev() {
            fs::write(path.join(file), &bytes[..cut]).unwrap();
            let (read, dropped) = rows(&path);
            assert!(all.starts_with(&read), "{file} cut at {cut}");
            assert!(
                read.len() == all.len() || dropped.is_some() || file == STEPS_CRC || cut == 0,
                "{file} cut at {cut}"
            );
            assert!(read.len() <= fewest, "{file} cut at {cut}: more is read from less");
            let last = Session::open(&path).unwrap().last_update().unwrap().0;
            assert_eq!(last.map_or(0, |last| last.row.step + 1), read.len() as u64, "{file} cut at {cut}");
            fewest = read.len();
        }
        assert_eq!(fewest, 0, "{file}");
        for at in 0..bytes.len() {
            let mut garbled = bytes.clone();
            garbled[at] ^= 0x04;
            fs::write(path.join(file), &garbled).unwrap();
            assert!(all.starts_with(&rows(&path).0), "{file} garbled at {at}");
        }
        fs::remove_file(path.join(file)).unwrap();
        assert_eq!(rows(&path).0.len(), 0, "{file} is gone");
        fs::write(path.join(file), &bytes).unwrap();
    }
}

#[test]
fn a_large_session_cut_or_garbled_anywhere_reads_as_a_prefix() {
    let mut events = vec![What::Started(Box::new(sample::description())).into()];
    for part in 0..40 {
        events.extend([steps(part * 500..(part + 1) * 500), edit((part + 1) * 500, "all", 0.0, part as f64)]);
    }
    for every in [1, 7] {
        let (_folder, path) = thinned(every, events.clone());
        let all = rows(&path).0;
        assert_eq!(all.len(), 20_000);
        let files = if every == 1 { vec![STEPS, STEPS_CRC, EVENTS] } else { vec![TENSORS, TENSORS_CRC, STEPS] };
        // Knuth's generator: the places are the same each time.
        let mut state = 0x2545_f491_4f6c_dd1d_u64;
        for turn in 0..60 {
            let file = files[turn % files.len()];
            let bytes = fs::read(path.join(file)).unwrap();
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let at = (state >> 20) as usize % bytes.len();
            let mut damaged = bytes.clone();
            if turn % 2 == 0 {
                damaged.truncate(at);
            } else {
                damaged[at] ^= 0x10;
            }
            fs::write(path.join(file), &damaged).unwrap();
            let session = Session::open(&path).unwrap();
            assert!(session.edits().zip(0..).all(|(edit, part)| edit.step == (part + 1) * 500), "{file} at {at}");
            let (read, _) = rows(&path);
            assert!(all.starts_with(&read), "{file} damaged at {at}");
            assert!(
                file == EVENTS || turn % 2 == 0 || read.len() < all.len() || at + 8 >= bytes.len(),
                "{file} at {at}"
            );
            fs::write(path.join(file), &bytes).unwrap();
        }
    }
}

#[test]
fn columns_that_are_switched_off_leave_a_gap_and_edits_all_the_same() {
    let columns = |step, columns| What::Columns { step, seconds: 0.0, columns }.into();
    let started = What::Started(Box::new(sample::description())).into();
    let events: Vec<Event> = vec![
        started,
        steps(0..10),
        columns(10, Columns::LeftOut),
        steps(10..20),
        edit(20, "all", 0.0, 3.0),
        steps(20..30),
        columns(30, Columns::Kept),
        steps(30..40),
    ];
    let (_folder, path) = thinned(1, events);
    let session = Session::open(&path).unwrap();
    let read = session.steps().unwrap().flat_map(|stretch| stretch.batch.rows().to_vec());
    assert_eq!(read.map(|row| row.step).collect::<Vec<_>>(), (0..10).chain(30..40).collect::<Vec<_>>());
    assert_eq!(session.edits().map(|edit| edit.step).collect::<Vec<_>>(), [20]);
    assert_eq!(session.events.len(), 3);
}

#[cfg(target_os = "linux")]
#[test]
fn a_recording_that_is_required_and_fails_stops_the_run() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("a.wdtop");
    let (commands, obeyed) = bounded(1);
    // The one place is taken: the wish has to wait for its turn.
    commands.send(Command::Pause).unwrap();
    let recorder = Recorder::create(&path).unwrap().required(commands);
    std::os::unix::fs::symlink("/dev/full", path.join(STEPS)).unwrap();
    let (mut source, input) = lossless(2);
    let (output, _screen) = merging(100);
    let thread = recorder.spawn(input, output).unwrap();
    for event in run().into_iter().take(3) {
        source.send(event).unwrap();
    }
    assert_eq!(obeyed.recv().unwrap(), Command::Pause);
    assert_eq!(obeyed.recv_timeout(std::time::Duration::from_secs(20)).unwrap(), Command::Stop);
    drop(source);
    assert!(thread.join().unwrap().trouble.unwrap().contains("No space left"));
}
