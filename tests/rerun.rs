//! Recorded runs trained again: the same bits, or the first that differs.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::fs;
use std::path::Path;
use std::process::{Command as Process, Stdio};
use std::time::Duration;

use assert_cmd::Command;
use crossbeam_channel::{Sender, bounded};
use tempfile::TempDir;
use wdtop::record::{Recorder, Session};
use wdtop::stream::{Author, Command as Order, DecayMode, EventReceiver, Knob, Setting, What, lossless};
use wdtop::train::{self, Experiment, Sentinel};

fn home() -> TempDir {
    tempfile::tempdir().unwrap()
}

fn wdtop(home: &TempDir, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_wdtop"));
    command.env_clear().env("WDTOP_SESSIONS", home.path()).current_dir(home.path()).args(arguments);
    command
}

/// A run of 40 updates of a small network under a hand on the knobs.
struct Live {
    commands: Sender<Order>,
    events: EventReceiver,
}

impl Live {
    fn start(path: &Path, options: &[&str]) -> Live {
        let short = ["--steps", "40", "--train-samples", "500", "--evaluate-every", "10", "--threads", "2"];
        let slow = ["--model", "mlp:784-37-10", "--pace", "0.001"];
        let (config, options) = wdtop::cli::configure("demo", &[&short[..], &slow, options].concat()).unwrap();
        let (commands, obeyed) = bounded(train::COMMANDS_WAITING);
        let (to_recorder, recorded) = lossless(64);
        let (to_us, events) = lossless(64);
        drop(Recorder::create(path).unwrap().spawn(recorded, to_us).unwrap());
        let experiment = Experiment::prepare(config, options).unwrap().with_sentinel(Sentinel::Asks);
        train::spawn(experiment, obeyed, to_recorder).unwrap();
        let live = Live { commands, events };
        // At this pace the first update is the last for a long time: what is asked for now comes before the second.
        live.run_until(5, Order::Pace(0.0));
        live
    }

    fn ask(&self, order: Order) {
        self.commands.send(order).unwrap();
    }

    fn set(&self, knob: Knob, scope: &str, value: Option<f64>) {
        self.ask(Order::Set(Setting { knob, scope: scope.parse().unwrap(), value, by: Author::Keys }));
    }

    fn wait(&self, kind: impl Fn(&What) -> bool) {
        while !kind(&self.events.channel().recv_timeout(Duration::from_secs(30)).unwrap().what) {}
    }

    fn run_until(&self, step: u64, also: Order) {
        self.ask(Order::RunUntil(step));
        self.ask(also);
        self.wait(|what| matches!(what, What::Paused { step: at, .. } if *at == step));
    }

    fn end(self, with: Order) {
        self.ask(with);
        self.wait(|what| matches!(what, What::Finished(_)));
        while self.events.recv().is_ok() {}
    }
}

/// A session with edits of every kind, some under a schedule that moves η.
fn edited(path: &Path) {
    let live = Live::start(path, &["--lr-schedule", "cosine"]);
    live.set(Knob::WeightDecay, "all", Some(3.0));
    live.set(Knob::WeightDecay, "fc1", Some(1.5));
    live.run_until(13, Order::Evaluate);
    live.set(Knob::LearningRate, "all", Some(0.0123));
    live.set(Knob::Hyper("beta1".into()), "all", Some(0.5));
    live.set(Knob::WeightDecay, "fc2.bias", Some(0.1));
    live.set(Knob::LearningRate, "all", Some(f64::NAN));
    live.run_until(25, Order::Evaluate);
    live.set(Knob::WeightDecay, "fc1", None);
    live.end(Order::Resume);
}

#[test]
fn a_run_under_a_hand_is_repeated_bit_for_bit_on_any_number_of_threads() {
    let home = home();
    edited(&home.path().join("a.wdtop"));
    for threads in ["1", "3"] {
        let output = wdtop(&home, &["rerun", "a", "--verify", "--threads", threads]).assert().success().stderr("");
        output.stdout("same bits: 40 steps, 7 evaluations, 6 edits\n");
    }
}

#[test]
fn a_decay_mode_that_is_turned_from_the_start_is_the_one_that_was_chosen() {
    let home = home();
    let digest = |name: &str, options: &[&str]| {
        let short = ["--steps", "12", "--train-samples", "300", "--model", "mlp:784-12-10", "--weight-decay", "3"];
        let arguments =
            [&["train", "--headless", "--optimizer", "adam", "--record", name], &short[..], options].concat();
        wdtop(&home, &arguments).assert().success();
        let session = Session::open(&home.path().join(format!("{name}.wdtop"))).unwrap();
        session.summary().unwrap().digest.clone()
    };
    let modes = ["l2", "decoupled", "cautious", "none"];
    let chosen = modes.map(|mode| digest(mode, &["--decay-mode", mode]));
    for (mode, chosen) in modes.iter().zip(&chosen) {
        for first in modes.iter().filter(|first| *first != mode) {
            let edit = format!("0:decay_mode={mode}");
            let turned = digest(&format!("{first}-{mode}"), &["--decay-mode", first, "--edit", &edit]);
            assert_eq!(turned, *chosen, "from {first} to {mode}");
        }
    }
    assert!((1..modes.len()).all(|at| !chosen[..at].contains(&chosen[at])));
}

#[test]
fn a_run_whose_decay_mode_was_turned_is_repeated_from_its_start_and_from_a_snapshot() {
    let home = home();
    let live = Live::start(&home.path().join("a.wdtop"), &[]);
    let mode = |mode: DecayMode| live.set(Knob::DecayMode, "all", Some(mode.number()));
    live.set(Knob::WeightDecay, "all", Some(3.0));
    mode(DecayMode::Cautious);
    // AdamW has no coupled decay: nothing changes.
    mode(DecayMode::L2);
    live.run_until(13, Order::Pace(0.0));
    live.ask(Order::Snapshot);
    mode(DecayMode::Decoupled);
    live.run_until(25, Order::Evaluate);
    mode(DecayMode::Cautious);
    mode(DecayMode::None);
    live.end(Order::Resume);
    let session = Session::open(&home.path().join("a.wdtop")).unwrap();
    let edits: Vec<String> = session.edits().map(|edit| edit.describe(|value| value.to_string())).collect();
    assert_eq!(edits[1..3], ["decay decoupled → cautious", "decay cautious → decoupled"]);
    assert_eq!(session.steps().unwrap().map(|stretch| stretch.batch.len()).sum::<usize>(), 40);
    let columns = |name: &str| session.columns().contains(&name.to_owned());
    assert!(columns("fc1.weight/norm") && home.path().join("a.wdtop/steps-001.arrows").exists());
    wdtop(&home, &["rerun", "a", "--verify"])
        .assert()
        .success()
        .stdout("same bits: 40 steps, 6 evaluations, 5 edits\n");
    wdtop(&home, &["rerun", "a", "--verify", "--from", "13"]).assert().success();
}

#[test]
fn a_new_session_of_the_same_run_has_the_same_weights() {
    let home = home();
    edited(&home.path().join("a.wdtop"));
    wdtop(&home, &["rerun", "a", "--headless", "--record", "b"]).assert().success();
    let [one, two] = ["a.wdtop", "b.wdtop"].map(|name| Session::open(&home.path().join(name)).unwrap());
    assert_eq!(one.summary().unwrap().digest, two.summary().unwrap().digest);
    let edits = |session: &Session| session.edits().map(|edit| (edit.step, edit.to)).collect::<Vec<_>>();
    assert_eq!(edits(&one), edits(&two));
    wdtop(&home, &["rerun", "b", "--verify"]).assert().success();
}

/// Changes bytes of the step file that stand there once, and makes its sums right again.
fn garble(session: &Path, from: &[u8], to: &[u8]) {
    let table = session.join("steps-000.arrows");
    let mut bytes = fs::read(&table).unwrap();
    let places: Vec<usize> = (0..bytes.len() - from.len()).filter(|&at| bytes[at..].starts_with(from)).collect();
    let [place] = places[..] else { panic!("the value is {} times in the file", places.len()) };
    bytes[place..place + to.len()].copy_from_slice(to);
    fs::write(&table, &bytes).unwrap();
    let sums = session.join("steps-000.crc");
    let right = |line: &str| {
        let numbers: Vec<usize> = line.split(' ').take(2).map(|word| word.parse().unwrap()).collect();
        let crc = crc32fast::hash(&bytes[numbers[0]..numbers[0] + numbers[1]]);
        format!("{} {} {crc:08x}\n", numbers[0], numbers[1])
    };
    fs::write(&sums, fs::read_to_string(&sums).unwrap().lines().map(right).collect::<String>()).unwrap();
}

#[test]
fn the_first_value_that_differs_is_told_with_its_step_and_column() {
    let home = home();
    let path = home.path().join("a.wdtop");
    edited(&path);
    let rows: Vec<_> = Session::open(&path).unwrap().steps().unwrap().collect();
    let sums: Vec<_> = rows.iter().flat_map(|rows| rows.batch.iter().map(|(row, sums)| (row.step, sums[2]))).collect();
    let (step, before) = (sums[17].0, sums[17].1.w2);
    let after = f64::from_bits(before.to_bits() ^ 1);
    garble(&path, &before.to_le_bytes(), &after.to_le_bytes());
    let told = format!("not the same bits: step {step}: fc2.weight/w2 was {after}, now it is {before}\n");
    wdtop(&home, &["rerun", "a", "--verify"]).assert().code(1).stdout(told);

    // An evaluation before it comes first.
    let events = path.join("events.jsonl");
    let text = fs::read_to_string(&events).unwrap();
    let loss = Session::open(&path).unwrap().evaluations().nth(1).unwrap().validation.loss;
    fs::write(&events, text.replacen(&loss.to_string(), "0.5", 1)).unwrap();
    let told = format!("not the same bits: step 5: validation/loss was 0.5, now it is {loss}\n");
    wdtop(&home, &["rerun", "a", "--verify"]).assert().code(1).stdout(told);

    // So is what follows from the weights: spectra, and how many lie where.
    for (key, value, name) in [
        ("\"stable_rank\":", "1.5", "stable rank of fc1.weight"),
        ("\"highest\":", "7.5", "highest weight of tensor 0"),
    ] {
        let now = text.split(key).nth(1).unwrap().split([',', '}']).next().unwrap();
        fs::write(&events, text.replacen(&format!("{key}{now}"), &format!("{key}{value}"), 1)).unwrap();
        let told = format!("not the same bits: step 0: {name} was {value}, now it is {now}\n");
        wdtop(&home, &["rerun", "a", "--verify"]).assert().code(1).stdout(told);
    }
}

/// Records a run with these settings and kills it once an evaluation of this step is written.
fn killed(home: &TempDir, name: &str, settings: &[&str], step: u64) {
    let mut run = Process::new(env!("CARGO_BIN_EXE_wdtop"))
        .env("WDTOP_SESSIONS", home.path())
        .current_dir(home.path())
        .args(["train", "--headless", "--train-samples", "500", "--evaluate-every", "7", "--model", "mlp:784-12-10"])
        .args(["--record", name, "--pace", "100"])
        .args(settings)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let events = home.path().join(format!("{name}.wdtop/events.jsonl"));
    let begin = std::time::Instant::now();
    while !fs::read_to_string(&events).unwrap_or_default().contains(&format!(r#""step":{step}"#)) {
        assert!(begin.elapsed() < Duration::from_secs(60), "no such step");
        std::thread::sleep(Duration::from_millis(20));
    }
    run.kill().unwrap();
    run.wait().unwrap();
}

#[test]
fn what_a_killed_run_recorded_is_repeated() {
    let home = home();
    killed(&home, "a", &["--edit", "20:weight_decay=3"], 42);
    let steps = Session::open(&home.path().join("a.wdtop")).unwrap().last_update().unwrap().0.unwrap().row.step + 1;
    assert!(steps >= 42);
    let output = wdtop(&home, &["rerun", "a", "--verify"]).assert().success();
    let told = String::from_utf8_lossy(&output.get_output().stdout).into_owned();
    assert!(told.starts_with(&format!("same bits: {steps} steps, ")) && told.ends_with(", 1 edits\n"), "{told}");
}

#[test]
fn a_changed_data_file_is_refused_before_anything_is_trained() {
    let home = home();
    let table: String = (0..60).map(|row| format!("{},{},{}\n", row, row % 7, row % 2)).collect();
    let data = home.path().join("a.csv");
    fs::write(&data, format!("x,y,class\n{table}")).unwrap();
    let settings = ["--data", "a.csv", "--target", "class", "--model", "mlp:2-3-2", "--steps", "9", "--batch", "10"];
    wdtop(&home, &["train", "--headless", "--record", "a"]).args(settings).assert().success();
    wdtop(&home, &["rerun", "a", "--verify"]).assert().success();
    fs::write(&data, format!("x,y,class\n{}", table.replacen("17,3,1", "17,4,1", 1))).unwrap();
    let recorded = Session::open(&home.path().join("a.wdtop")).unwrap().run().unwrap().data.fingerprint.clone();
    for options in [&["--verify"] as &[&str], &["--headless", "--record", "b"]] {
        let output = wdtop(&home, &["rerun", "a"]).args(options).assert().code(2).stdout("");
        let told = String::from_utf8_lossy(&output.get_output().stderr).into_owned();
        assert!(told.contains("the data have changed") && told.contains(&recorded), "{told}");
        assert_eq!(told.matches("sha256:").count(), 2, "{told}");
    }
    assert!(!home.path().join("b.wdtop").exists());
}

/// Convolutions, batch normalisation and dropout: everything that a snapshot has to hold.
const DEEP: &str = r#"
data = "fashion-mnist-12k"
train_samples = 300
optimizer = "adamw"
lr = 1e-3
weight_decay = 0.1
batch = 32
steps = 40
evaluate_every = 9
augment = ["flip", "shift=2"]

[[layers]]
type = "conv2d"
out = 3
kernel = 3
pad = 1
[[layers]]
type = "batchnorm"
[[layers]]
type = "relu"
[[layers]]
type = "maxpool2d"
kernel = 4
[[layers]]
type = "flatten"
[[layers]]
type = "dropout"
p = 0.3
[[layers]]
type = "linear"
out = 10
"#;

#[test]
fn a_run_that_is_resumed_becomes_the_one_that_never_stopped() {
    let home = home();
    fs::write(home.path().join("deep.toml"), DEEP).unwrap();
    let edits = ["--edit", "12:weight_decay@fc1=2", "--edit", "21:lr=0.002", "--edit", "33:weight_decay@fc1=inherit"];
    let schedule = ["--lr-schedule", "cosine", "--snapshot-every", "10", "--headless"];
    let whole = [&["train", "deep.toml", "--record", "whole"] as &[_], &edits, &schedule].concat();
    wdtop(&home, &whole).assert().success();
    // The same run, cut off behind its step 27, as a killed one leaves it.
    let copy = home.path().join("cut.wdtop");
    fs::create_dir_all(copy.join("snapshots")).unwrap();
    let whole = home.path().join("whole.wdtop");
    for name in ["session.json", "steps-000.arrows", "snapshots/10.safetensors", "snapshots/20.safetensors"] {
        fs::copy(whole.join(name), copy.join(name)).unwrap();
    }
    let events = fs::read_to_string(whole.join("events.jsonl")).unwrap();
    let early: String = events.split_inclusive('\n').take_while(|line| !line.contains(r#""step":30"#)).collect();
    assert!(early.contains(r#""step":27"#), "{early}");
    fs::write(copy.join("events.jsonl"), early).unwrap();
    let sums = fs::read_to_string(whole.join("steps-000.crc")).unwrap();
    let lines = (1..=sums.lines().count()).rev().find(|&lines| {
        let kept: String = sums.split_inclusive('\n').take(lines).collect();
        fs::write(copy.join("steps-000.crc"), kept).unwrap();
        Session::open(&copy).unwrap().last_update().unwrap().0.is_none_or(|last| last.row.step < 29)
    });
    assert!(lines.unwrap() > 3);

    wdtop(&home, &["resume", "cut", "--headless", "--record", "resumed", "--threads", "3"]).assert().success();
    let [whole, resumed] = ["whole.wdtop", "resumed.wdtop"].map(|name| Session::open(&home.path().join(name)).unwrap());
    assert_eq!(resumed.summary().unwrap().digest, whole.summary().unwrap().digest);
    let edits = |session: &Session| session.edits().map(|edit| (edit.step, edit.to)).collect::<Vec<_>>();
    assert_eq!(edits(&resumed), edits(&whole));
    let scores = |session: &Session| session.evaluations().map(|at| (at.step, at.validation)).collect::<Vec<_>>();
    assert_eq!(scores(&resumed), scores(&whole));
    let spectra = |session: &Session| {
        session
            .spectra()
            .map(|at| (at.step, at.tensors.iter().map(|its| its.norm).collect()))
            .collect::<Vec<(u64, Vec<f64>)>>()
    };
    assert_eq!(spectra(&resumed), spectra(&whole));
    let rows = |session: &Session| {
        let all = session.steps().unwrap().flat_map(|rows| rows.batch.rows().to_vec());
        all.map(|row| (row.step, row.loss, row.lr)).collect::<Vec<_>>()
    };
    assert_eq!(rows(&resumed), rows(&whole));
    for step in ["10", "20", "30", "40"] {
        assert!(resumed.path.join(format!("snapshots/{step}.safetensors")).exists(), "the snapshot of step {step}");
    }
    // What was resumed is a session like any other.
    wdtop(&home, &["rerun", "resumed", "--verify"]).assert().success();
    wdtop(&home, &["resume", "whole", "--headless"]).assert().code(1).stderr(predicates::str::contains("is complete"));
}

/// The weights' digest at the end of a run of 300 updates with these settings that was never stopped, and of the same
/// that was killed behind its step 42, changed in its folder, and resumed.
fn stopped_or_not(settings: &[&str], change: impl Fn(&Path)) -> (String, String) {
    let home = home();
    let digest = |name: &str| {
        let session = Session::open(&home.path().join(format!("{name}.wdtop"))).unwrap();
        session.summary().unwrap().digest.clone()
    };
    let settings = [&["--steps", "300", "--weight-decay", "3", "--snapshot-every", "10"], settings].concat();
    killed(&home, "cut", &settings, 42);
    change(&home.path().join("cut.wdtop"));
    wdtop(&home, &["resume", "cut", "--headless", "--record", "resumed"]).assert().success();
    wdtop(&home, &["train", "--headless", "--train-samples", "500", "--evaluate-every", "7"])
        .args(["--model", "mlp:784-12-10", "--record", "whole"])
        .args(settings)
        .assert()
        .success();
    (digest("whole"), digest("resumed"))
}

#[test]
fn a_run_is_resumed_with_the_decay_mode_that_it_was_turned_to() {
    let edits = ["25:decay_mode=none", "60:decay_mode=cautious"];
    let edits = edits.map(|edit| ["--edit", edit]).concat();
    let (whole, resumed) = stopped_or_not(&edits, |_| {});
    assert_eq!(resumed, whole);
}

#[test]
fn a_snapshot_that_does_not_say_the_decay_mode_goes_on_with_that_of_the_run() {
    // As snapshots were before the mode could be turned: blanks stand where it is told.
    let forget = |session: &Path| {
        let told = br#",\"decay_mode\":\"cautious\""#;
        let mut changed = 0;
        for snapshot in fs::read_dir(session.join("snapshots")).unwrap() {
            let path = snapshot.unwrap().path();
            let mut bytes = fs::read(&path).unwrap();
            let place = bytes.windows(told.len()).position(|window| window == told).unwrap();
            bytes[place..place + told.len()].fill(b' ');
            fs::write(&path, bytes).unwrap();
            changed += 1;
        }
        assert!(changed >= 4, "{changed} snapshots");
    };
    let (whole, resumed) = stopped_or_not(&["--decay-mode", "cautious"], forget);
    assert_eq!(resumed, whole);
}

#[test]
fn a_live_session_is_not_resumed_and_one_without_snapshots_cannot_be() {
    let home = home();
    let path = home.path().join("a.wdtop");
    let live = Live::start(&path, &[]);
    let refused = predicates::str::contains("is being written by a process");
    wdtop(&home, &["resume", "a", "--headless"]).assert().code(1).stderr(refused);
    live.end(Order::Stop);
    let refused = predicates::str::contains("has no snapshot to go on from");
    wdtop(&home, &["resume", "a", "--headless"]).assert().code(1).stderr(refused);
}

#[test]
fn going_back_to_a_snapshot_is_recorded_and_repeated() {
    let home = home();
    let path = home.path().join("a.wdtop");
    let live = Live::start(&path, &[]);
    live.run_until(10, Order::Pace(0.0));
    live.ask(Order::Snapshot);
    live.set(Knob::WeightDecay, "all", Some(300.0));
    live.run_until(20, Order::Pace(0.0));
    live.ask(Order::Restore(7));
    live.wait(|what| matches!(what, What::Refused(refusal) if refusal.reason.contains("of step 10")));
    live.ask(Order::Restore(10));
    live.ask(Order::Evaluate);
    live.wait(|what| matches!(what, What::Restored { step: 20, to: 10, .. }));
    live.end(Order::Resume);
    let session = Session::open(&path).unwrap();
    let scores: Vec<_> = session.evaluations().map(|at| (at.step, at.validation)).collect();
    let at = |step: u64, which: usize| scores.iter().filter(|(its, _)| *its == step).nth(which).unwrap().1;
    // The weights are those of step 10 again, though the step is 20.
    assert_ne!(at(20, 0), at(10, 0));
    assert_eq!(scores.iter().rfind(|(step, _)| *step == 20).unwrap().1, at(10, 0));
    for threads in ["1", "2"] {
        wdtop(&home, &["rerun", "a", "--verify", "--threads", threads]).assert().success();
    }
    wdtop(&home, &["rerun", "a", "--headless", "--record", "b"]).assert().success();
    let again = Session::open(&home.path().join("b.wdtop")).unwrap();
    assert_eq!(again.summary().unwrap().digest, session.summary().unwrap().digest);
    assert!(home.path().join("b.wdtop/snapshots/10.safetensors").exists());
}

#[test]
fn what_was_chosen_after_a_divergence_is_recorded_and_repeated() {
    let home = home();
    let path = home.path().join("a.wdtop");
    let live = Live::start(&path, &[]);
    live.ask(Order::Snapshot);
    // One update of this size is finite, the next forward pass is not.
    live.set(Knob::LearningRate, "all", Some(1e30));
    live.ask(Order::Resume);
    live.wait(|what| matches!(what, What::Diverged { step: 6, .. }));
    live.ask(Order::Restore(5));
    live.set(Knob::LearningRate, "all", Some(1e-3));
    live.ask(Order::SkipBatch);
    live.ask(Order::Pause);
    live.wait(|what| matches!(what, What::Skipped { step: 6, .. }));
    live.wait(|what| matches!(what, What::Paused { step: 7, .. }));
    live.end(Order::Resume);
    let session = Session::open(&path).unwrap();
    assert!(session.summary().unwrap().validation.loss.is_finite());
    for threads in ["1", "2"] {
        wdtop(&home, &["rerun", "a", "--verify", "--threads", threads]).assert().success();
    }
    wdtop(&home, &["rerun", "a", "--headless", "--record", "b"]).assert().success();
    let again = Session::open(&home.path().join("b.wdtop")).unwrap();
    assert_eq!(again.summary().unwrap().digest, session.summary().unwrap().digest);
    let skipped = |session: &Session| session.events.iter().any(|at| matches!(at.what, What::Skipped { step: 6, .. }));
    assert!(skipped(&session) && skipped(&again));
}
