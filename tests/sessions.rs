//! Recordings under odd conditions, through the command line: left-out columns, failing disks, other programs, damage.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::fs;
use std::process::{Command as Process, Stdio};
use std::time::{Duration, Instant};

use assert_cmd::Command;
use crossbeam_channel::bounded;
use predicates::prelude::*;
use tempfile::TempDir;
use wdtop::record::{Recorder, Session};
use wdtop::stream::{Columns, Command as Order, What, lossless};
use wdtop::train::{self, Experiment};

const SHORT: [&str; 8] =
    ["--steps", "40", "--evaluate-every", "10", "--train-samples", "300", "--model", "mlp:784-12-10"];

fn home() -> TempDir {
    tempfile::tempdir().unwrap()
}

fn wdtop(home: &TempDir, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_wdtop"));
    command.env_clear().env("WDTOP_SESSIONS", home.path()).current_dir(home.path()).args(arguments);
    command
}

fn train(home: &TempDir, arguments: &[&str]) {
    wdtop(home, &["train", "--headless"]).args(SHORT).args(arguments).assert().success();
}

#[test]
fn a_thinned_recording_is_verified_compared_and_exported_like_any_other() {
    let home = home();
    train(&home, &["--record", "a", "--record-every", "8", "--edit", "9:weight_decay=3"]);
    train(&home, &["--record", "b"]);
    wdtop(&home, &["rerun", "a", "--verify"])
        .assert()
        .success()
        .stdout("same bits: 40 steps, 5 evaluations, 1 edits\n");
    let compared = wdtop(&home, &["compare", "a", "b", "--curve", "fc1.weight/norm", "--points", "3"]);
    compared.assert_ok().stdout(predicate::str::contains("fc1.weight/norm by step"));
    wdtop(&home, &["export", "a", "--to", "svg", "--chart", "rotation"]).assert_ok();
    wdtop(&home, &["export", "a", "b", "--to", "svg", "--chart", "fc1.weight/norm", "--align", "epoch"]).assert_ok();
    for wrong in [["a", "--chart", "norm"].as_slice(), &["a", "--align", "epoch"], &["a", "b"]] {
        wdtop(&home, &[&["export", "--to", "csv"], wrong].concat()).assert().code(2);
    }
    for format in ["csv", "jsonl", "markdown", "svg"] {
        wdtop(&home, &["export", "a", "--to", format]).assert_ok();
    }
    wdtop(&home, &["export", "a", "--to", "jsonl", "--output", "a.jsonl"]).assert_ok();
    wdtop(&home, &["import", "a.jsonl", "--name", "again"]).assert_ok();
    let csv = |name: &str| wdtop(&home, &["export", name, "--to", "csv"]).assert_ok().get_output().stdout.clone();
    assert_eq!(csv("a"), csv("again"));
    wdtop(&home, &["rm", "a", "--yes"]).assert_ok();
}

trait Succeeds {
    fn assert_ok(self) -> assert_cmd::assert::Assert;
}

impl Succeeds for Command {
    fn assert_ok(mut self) -> assert_cmd::assert::Assert {
        self.assert().success()
    }
}

/// A run of 40 updates whose columns were left out from this step to step 23, with edits before and after that.
fn gapped(path: &std::path::Path, left_out: u64) {
    let edits = ["--pace", "0.001", "--edit", "9:weight_decay=3", "--edit", "30:lr=0.002"];
    let (config, options) = wdtop::cli::configure("demo", &[&SHORT[..], &edits].concat()).unwrap();
    let (commands, obeyed) = bounded(train::COMMANDS_WAITING);
    let (to_recorder, recorded) = lossless(64);
    let (to_us, events) = lossless(64);
    let recording = Recorder::create(path).unwrap().spawn(recorded, to_us).unwrap();
    let until = |step: u64, also: Order| {
        commands.send(Order::RunUntil(step)).unwrap();
        commands.send(also).unwrap();
        while !matches!(events.recv().unwrap().what, What::Paused { step: at, .. } if at == step) {}
    };
    if left_out == 0 {
        commands.send(Order::Columns(Columns::LeftOut)).unwrap();
    }
    train::spawn(Experiment::prepare(config, options).unwrap(), obeyed, to_recorder).unwrap();
    until(12, Order::Pace(0.0));
    commands.send(Order::Columns(Columns::LeftOut)).unwrap();
    until(23, Order::Evaluate);
    commands.send(Order::Columns(Columns::Kept)).unwrap();
    commands.send(Order::Resume).unwrap();
    while events.recv().is_ok() {}
    recording.join().unwrap();
}

#[test]
fn where_no_update_before_a_snapshot_was_recorded_a_check_begins_with_it() {
    let home = home();
    gapped(&home.path().join("a.wdtop"), 0);
    let told = wdtop(&home, &["rerun", "a", "--verify"]).assert().success();
    let told = told.stderr("wdtop: a: begins with the snapshot of step 23, no update before it was recorded\n");
    told.stdout("same bits: 17 steps, 2 evaluations, 1 edits\n");
    let whole = wdtop(&home, &["rerun", "a", "--verify", "--from", "0"]).assert().success().stderr("");
    whole.stdout("same bits: 17 steps, 6 evaluations, 2 edits\n");
}

#[test]
fn a_rerun_passes_over_what_was_not_recorded_and_begins_again_with_the_snapshot() {
    let home = home();
    let path = home.path().join("a.wdtop");
    gapped(&path, 12);
    let session = Session::open(&path).unwrap();
    let steps: Vec<u64> =
        session.steps().unwrap().flat_map(|rows| rows.batch.rows().to_vec()).map(|row| row.step).collect();
    assert_eq!(steps, (0..12).chain(23..40).collect::<Vec<_>>());
    assert!(path.join("snapshots/23.safetensors").exists());
    let told = wdtop(&home, &["rerun", "a", "--verify"]).assert().success();
    told.stdout(predicate::str::starts_with("same bits: 29 steps, "));
    let told = wdtop(&home, &["rerun", "a", "--verify", "--from", "23"]).assert().success();
    let told = told.stderr("wdtop: a: begins with the snapshot of step 23, as asked for\n");
    told.stdout("same bits: 17 steps, 2 evaluations, 1 edits\n");
    let told = wdtop(&home, &["rerun", "a", "--verify", "--from", "22"]).assert().code(2);
    told.stderr(predicate::str::contains("has no snapshot of step 22; it has 23, and 0 is the beginning"));
    // From that snapshot on a run of its own.
    let events = fs::read_to_string(path.join("events.jsonl")).unwrap();
    let open: String = events.split_inclusive('\n').filter(|line| !line.contains("\"finished\"")).collect();
    fs::write(path.join("events.jsonl"), open).unwrap();
    wdtop(&home, &["resume", "a", "--headless", "--record", "b"]).assert().success();
    let digest = |name: &str| Session::open(&home.path().join(name)).unwrap().summary().map(|end| end.digest.clone());
    assert_eq!(digest("b.wdtop"), session.summary().map(|end| end.digest.clone()));
}

#[test]
fn what_another_program_recorded_is_compared_within_a_tolerance_and_told_so() {
    let home = home();
    train(&home, &["--record", "a", "--edit", "9:weight_decay=3"]);
    let (manifest, events) = (home.path().join("a.wdtop/session.json"), home.path().join("a.wdtop/events.jsonl"));
    let (text, lines) = (fs::read_to_string(&manifest).unwrap(), fs::read_to_string(&events).unwrap());
    let loss = Session::open(&home.path().join("a.wdtop")).unwrap().evaluations().nth(2).unwrap().validation.loss;
    for (from, to, told) in [
        (format!("\"wdtop\": \"{}\"", env!("CARGO_PKG_VERSION")), "\"wdtop\": \"0.0.9\"", "recorded by wdtop 0.0.9"),
        (format!("\"arch\": \"{}\"", std::env::consts::ARCH), "\"arch\": \"riscv64\"", "another kind of processor"),
    ] {
        assert!(text.contains(&from), "{text}");
        fs::write(&manifest, text.replace(&from, to)).unwrap();
        // A little more than the last bit.
        fs::write(&events, lines.replace(&loss.to_string(), &(loss * 1.0001).to_string())).unwrap();
        let near = wdtop(&home, &["rerun", "a", "--verify"]).assert().success();
        near.stdout("the same within 2 %: 40 steps, 5 evaluations, 1 edits\n").stderr(predicate::str::contains(told));
        fs::write(&events, lines.replace(&loss.to_string(), &(loss * 1.1).to_string())).unwrap();
        let far = wdtop(&home, &["rerun", "a", "--verify"]).assert().code(1);
        far.stdout(predicate::str::starts_with("not the same within 2 %: step 20: validation/loss was "));
    }
}

#[test]
fn a_damaged_recording_is_resumed_from_before_the_damage_and_told_so() {
    let home = home();
    train(&home, &["--record", "a", "--snapshot-every", "10"]);
    let path = home.path().join("a.wdtop");
    let (events, table) = (path.join("events.jsonl"), path.join("steps-000.arrows"));
    let open: String = fs::read_to_string(&events)
        .unwrap()
        .split_inclusive('\n')
        .filter(|line| !line.contains("\"finished\"") && !line.contains("\"step\":40"))
        .collect();
    fs::write(&events, open).unwrap();
    // Of the steps from 10 to 20 one byte.
    let sums = fs::read_to_string(path.join("steps-000.crc")).unwrap();
    let offset = |line: usize| sums.lines().nth(line).unwrap().split(' ').next().unwrap().parse::<usize>().unwrap();
    let whole = fs::read(&table).unwrap();
    let garble = |batch: usize| {
        let mut bytes = whole.clone();
        bytes[offset(batch) + 300] ^= 1;
        fs::write(&table, bytes).unwrap();
    };
    let line = (1..sums.lines().count())
        .find(|line| {
            garble(*line);
            let made = Session::open(&path).unwrap().last_update().unwrap().0.map_or(0, |last| last.row.step + 1);
            (10..20).contains(&made)
        })
        .unwrap();
    garble(line);
    let told = predicate::str::contains("resumed from a at step 10").and(predicate::str::contains("garbled"));
    wdtop(&home, &["resume", "a", "--headless", "--record", "b"]).assert().success().stderr(told);
    let again = Session::open(&home.path().join("b.wdtop")).unwrap();
    assert_eq!((again.summary().unwrap().steps, again.dropped), (40, None));
    garble(1);
    let refused = predicate::str::contains("no snapshot is from before the damage");
    wdtop(&home, &["resume", "a", "--headless", "--record", "c"]).assert().code(1).stderr(refused);
    assert!(!home.path().join("c.wdtop").exists());
}

#[test]
fn snapshots_without_a_recording_are_one_clear_error() {
    let home = home();
    let told = predicate::str::contains("--snapshot-every 10").and(predicate::str::contains("--no-record"));
    let arguments = ["train", "--headless", "--no-record", "--snapshot-every", "10"];
    wdtop(&home, &arguments)
        .assert()
        .code(2)
        .stderr(told.and(predicate::function(|text: &str| text.lines().count() == 1)));
    for wrong in [["--record-every", "0"].as_slice(), &["--record-required", "--no-record"]] {
        wdtop(&home, &["train", "--headless"]).args(wrong).assert().code(2);
    }
}

/// A limit on the size of files fails like a full disk does.
#[cfg(unix)]
#[test]
fn a_disk_that_fills_up_stops_the_recording_and_where_it_is_required_the_run() {
    let home = home();
    let run = |name: &str, options: &str| {
        let train = "train --headless --steps 3000 --train-samples 200 --model mlp:784-4-10 --evaluate-every 1000";
        let binary = env!("CARGO_BIN_EXE_wdtop");
        let script = format!("trap '' XFSZ; ulimit -f 200; exec {binary} {train} --record {name} {options}");
        let mut command = Command::new("bash");
        command.current_dir(home.path()).args(["-c", &script]);
        command
    };
    let told = || predicate::str::contains("recording stopped at step").and(predicate::str::contains("incomplete"));
    run("a", "").assert().success().stderr(told()).stdout(predicate::str::contains("completed after 3000 steps"));
    run("b", "--record-required")
        .assert()
        .code(1)
        .stderr(told().and(predicate::str::contains("recording is required")));
    for name in ["a.wdtop", "b.wdtop"] {
        let session = Session::open(&home.path().join(name)).unwrap();
        let (last, dropped) = session.last_update().unwrap();
        assert!(last.is_some() && dropped.is_none(), "{name}: {dropped:?}");
    }
}

#[test]
fn a_folder_that_vanishes_stops_a_run_that_requires_its_recording() {
    let home = home();
    let mut run = Process::new(env!("CARGO_BIN_EXE_wdtop"))
        .args(["train", "--headless", "--steps", "1000000", "--pace", "50", "--train-samples", "200"])
        .args(["--model", "mlp:784-4-10", "--record", "a", "--record-required"])
        .current_dir(home.path())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let path = home.path().join("a.wdtop");
    let begin = Instant::now();
    while !path.join("events.jsonl").exists() {
        assert!(begin.elapsed() < Duration::from_secs(60), "it never began");
        std::thread::sleep(Duration::from_millis(20));
    }
    fs::remove_dir_all(&path).unwrap();
    while run.try_wait().unwrap().is_none() {
        assert!(begin.elapsed() < Duration::from_secs(60), "it never stopped");
        std::thread::sleep(Duration::from_millis(20));
    }
    let output = run.wait_with_output().unwrap();
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{told}");
    assert!(told.contains("is gone") && told.contains("required"), "{told}");
}

#[test]
fn a_replay_without_a_terminal_tells_the_run_in_lines() {
    let home = home();
    train(&home, &["--record", "a", "--edit", "9:weight_decay=3"]);
    let told = || predicate::str::contains("λ 0 → 3").and(predicate::str::contains("completed after 40 steps"));
    wdtop(&home, &["replay", "a"]).assert().success().stdout(told());
    wdtop(&home, &["replay", "a", "--follow"]).assert().success().stdout(told());
    let output = wdtop(&home, &["replay", "a", "--json", "--every", "10"]).assert().success();
    let lines = String::from_utf8_lossy(&output.get_output().stdout).into_owned();
    assert_eq!(lines.lines().filter(|line| line.starts_with(r#"{"event":"step""#)).count(), 4, "{lines}");
    for (arguments, told) in [
        (["replay", "nobody", "--headless"], "no session `nobody`"),
        (["replay", "a", "--speed=-1"], "speed must be 0"),
    ] {
        wdtop(&home, &arguments).assert().code(2).stderr(predicate::str::contains(told));
    }
}

#[test]
fn a_picture_of_a_session_is_sound_xml_with_both_charts_and_the_edits() {
    let home = home();
    train(&home, &["--record", "<a&b>", "--edit", "9:weight_decay=3"]);
    wdtop(&home, &["export", "<a&b>", "--to", "svg", "--output", "a.svg"]).assert().success();
    let svg = fs::read_to_string(home.path().join("a.svg")).unwrap();
    for part in ["<title>&lt;a&amp;b&gt;</title>", ">loss</text>", ">‖w‖</text>", ">λ 0 → 3</text>", ">fc2.bias "]
    {
        assert!(svg.contains(part), "no {part} in {svg}");
    }
    assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg}");
    assert_eq!(svg.matches("<text").count(), svg.matches("</text>").count());
}
