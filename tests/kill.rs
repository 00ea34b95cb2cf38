//! `kill -9` at any moment: what was shown is there, and no more than the last second is missing.
#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;
use wdtop::record::{Session, State};

/// What was shown this long before the kill is there.
const LOST: Duration = Duration::from_secs(1);

/// What the run has shown before it was killed.
#[derive(Default)]
struct Shown {
    edits: Vec<u64>,
    steps: Vec<(u64, Instant)>,
}

#[test]
fn fifty_kills_lose_no_edit_and_at_most_the_last_second() {
    // Most of the time of a turn is waiting for the moment of its kill.
    thread::scope(|scope| {
        for first in 0..3 {
            scope.spawn(move || kill_some((first..50).step_by(3)));
        }
    });
}

fn kill_some(turns: impl Iterator<Item = u64>) {
    let home = tempfile::tempdir().unwrap();
    let edits: Vec<String> =
        (1..400).flat_map(|at| ["--edit".to_owned(), format!("{}:weight_decay={at}", at * 7)]).collect();
    for turn in turns {
        let name = format!("run-{turn}");
        let mut run = Command::new(env!("CARGO_BIN_EXE_wdtop"))
            .args(["train", "--json", "--steps", "1000000", "--train-samples", "200", "--evaluate-every", "50"])
            .args(["--model", "mlp:784-8-10", "--threads", "1", "--pace", "2000", "--record", &name])
            .args(["--record-every", if turn % 2 == 0 { "1" } else { "5" }])
            .args(&edits)
            .current_dir(home.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let shown = Arc::new(Mutex::new(Shown::default()));
        let (out, kept) = (run.stdout.take().unwrap(), Arc::clone(&shown));
        let reader = thread::spawn(move || {
            for line in BufReader::new(out).lines().map_while(Result::ok) {
                // The last line may be torn.
                let Ok(line) = serde_json::from_str::<Value>(&line) else { continue };
                let step = line["step"].as_u64().unwrap_or(0);
                match line["event"].as_str() {
                    Some("edited") => kept.lock().unwrap().edits.push(step),
                    Some("step") => kept.lock().unwrap().steps.push((step, Instant::now())),
                    _ => {}
                }
            }
        });
        let begin = Instant::now();
        while shown.lock().unwrap().steps.is_empty() {
            assert!(begin.elapsed() < Duration::from_secs(60), "no step was shown");
            thread::sleep(Duration::from_millis(2));
        }
        // From no time to more than a second, in an order without a pattern.
        thread::sleep(Duration::from_millis(turn * 7919 % 1300));
        let killed = Instant::now();
        run.kill().unwrap();
        run.wait().unwrap();
        reader.join().unwrap();

        let session = Session::open(&home.path().join(format!("{name}.wdtop"))).unwrap();
        assert_eq!(session.state, State::Crashed);
        let shown = shown.lock().unwrap();
        let recorded: Vec<u64> = session.edits().map(|edit| edit.step).collect();
        assert!(recorded.starts_with(&shown.edits), "turn {turn}: shown {:?}, recorded {recorded:?}", shown.edits);
        let rows = session.last_update().unwrap().0.map_or(0, |last| last.row.step + 1);
        let missing = shown.steps.iter().find(|(step, _)| *step >= rows);
        let lost = missing.map_or(Duration::ZERO, |(_, at)| killed.saturating_duration_since(*at));
        assert!(lost < LOST, "turn {turn}: rows from step {rows} on are missing, shown {lost:?} before the kill");
        // An edit behind the last row is one of a step that was not recorded any more, and none comes before its time.
        assert!(recorded.iter().all(|step| *step <= rows), "turn {turn}: {recorded:?} with {rows} rows");
    }
}
