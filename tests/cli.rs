//! The command line as a user types it: help, errors, exit codes, headless runs, recordings.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::fs;
use std::path::Path;
use std::process::{Command as Process, Stdio};
use std::time::{Duration, Instant};

use assert_cmd::Command;
use predicates::prelude::*;
use serde_json::Value;
use tempfile::TempDir;

/// The program, with sessions of its own and no settings from outside.
fn wdtop(home: &TempDir) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_wdtop"));
    command.env_clear().env("WDTOP_SESSIONS", home.path()).env("PATH", std::env::var_os("PATH").unwrap_or_default());
    command
}

fn home() -> TempDir {
    tempfile::tempdir().unwrap()
}

/// The arguments of a run that takes a moment.
const SHORT: [&str; 6] = ["--steps", "60", "--evaluate-every", "20", "--train-samples", "500"];

fn json_lines(output: &[u8]) -> Vec<Value> {
    let text = std::str::from_utf8(output).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error} in {line}"))).collect()
}

fn train_json(home: &TempDir, arguments: &[&str]) -> Vec<Value> {
    let output = wdtop(home).args(["train", "--json"]).args(SHORT).args(arguments).assert().success();
    json_lines(&output.get_output().stdout)
}

#[test]
fn every_subcommand_has_help_with_examples() {
    let examples = predicate::str::contains("Examples:");
    wdtop(&home()).arg("--help").assert().success().stdout(examples).stderr("");
    for subcommand in [
        "train",
        "list",
        "compare",
        "replay",
        "rerun",
        "resume",
        "export",
        "import",
        "note",
        "name",
        "rm",
        "recipes",
        "bench",
        "completions",
        "man",
    ] {
        let examples = predicate::str::contains("Examples:");
        wdtop(&home()).args([subcommand, "--help"]).assert().success().stdout(examples);
    }
}

#[test]
fn completions_and_the_manual_page_name_every_subcommand() {
    for arguments in [&["completions", "bash"] as &[_], &["completions", "fish"], &["man"]] {
        let output = wdtop(&home()).args(arguments).assert().success();
        let text = String::from_utf8_lossy(&output.get_output().stdout).into_owned();
        for word in ["train", "compare", "list", "recipes", "bench"] {
            assert!(text.contains(word), "{arguments:?} without {word}");
        }
    }
}

#[test]
fn bad_input_is_one_line_that_names_the_thing_and_what_is_allowed() {
    let home = home();
    let torn = home.path().join("torn");
    fs::create_dir(&torn).unwrap();
    fs::write(torn.join("train-images-idx3-ubyte"), [0, 0, 8, 3, 0, 0]).unwrap();
    fs::write(torn.join("train-labels-idx1-ubyte"), [0, 0, 8, 1]).unwrap();
    let torn = torn.to_str().unwrap().to_owned();
    let occupied = home.path().join("occupied");
    fs::write(&occupied, "a file").unwrap();
    let below_a_file = occupied.join("session").to_str().unwrap().to_owned();

    for (arguments, code, parts) in [
        (&["train", "nope", "--headless"] as &[&str], 2, ["unknown recipe `nope`", "demo, article-mlp"]),
        (&["train", "--headless", "--model", "mlp:784"], 2, ["model `mlp:784`", "mlp:784-256-128-10"]),
        (&["train", "--headless", "--model", "mlp:28-10"], 2, ["takes 28 values", "784"]),
        (&["train", "--headless", "--model", "mlp:784-5"], 2, ["5 outputs", "10 classes"]),
        (&["train", "--headless", "--optimizer", "lbfgs"], 2, ["unknown optimizer `lbfgs`", "sgd, adam, adamw"]),
        (&["train", "--headless", "--lr", "-0.1"], 2, ["learning rate", "at least 0, got -0.1"]),
        (&["train", "--headless", "--lr", "inf"], 2, ["learning rate", "finite"]),
        (&["train", "--headless", "--weight-decay", "nan"], 2, ["weight decay", "got NaN"]),
        (&["train", "--headless", "--batch", "0"], 2, ["'0' for '--batch", "at least 1"]),
        (&["train", "--headless", "--threads", "0"], 2, ["'0' for '--threads", "at least 1"]),
        (&["train", "--headless", "--threads", "99999"], 2, ["threads", "from 1 to 1024, got 99999"]),
        (&["train", "--headless", "--set", "gamma=1"], 2, ["unknown key `gamma`", "beta1, beta2, eps"]),
        (&["train", "--headless", "--set", "beta1=2"], 2, ["beta1", "below 1, got 2"]),
        (&["train", "--headless", "--set", "batch=-3"], 2, ["batch", "-3"]),
        (&["train", "--headless", "--label-noise", "1.5"], 2, ["label-noise", "from 0 to 1, got 1.5"]),
        (&["train", "--headless", "--pace", "-1"], 2, ["pace must be 0", "got -1"]),
        (&["train", "--headless", "--pace", "1e-300"], 2, ["pace must be 0", "from 0.001"]),
        (&["train", "--headless", "--model", "mlp:784-60000-60000-10"], 2, ["parameters", "at most 134217728"]),
        (&["train", "--headless", "--edit", "10"], 2, ["--edit takes STEP:KEY=VALUE", "got `10`"]),
        (&["train", "--headless", "--edit", "10:gamma=1"], 2, ["edit at step 10", "unknown key `gamma`"]),
        (&["train", "--headless", "--edit", "9000:lr=1"], 2, ["edit at step 9000", "ends after 2500 steps"]),
        (&["train", "--headless", "--data", "nowhere"], 2, ["data `nowhere`", "folder of IDX files"]),
        (&["train", "--headless", "--data", &torn], 2, ["train-images-idx3-ubyte", "within the header of 16"]),
        (
            &["train", "--headless", "--train-samples", "20000"],
            2,
            ["train-samples must be from 1 to 12000", "got 20000"],
        ),
        (&["train", "--headless", "--record", &below_a_file], 1, ["occupied", "record"]),
        (&["train", "--headless", "--steps", "1", "--epochs", "1"], 2, ["--steps", "--epochs"]),
        (
            &["recipes", "nope"],
            2,
            [
                "unknown recipe `nope`",
                "choose one of demo, article-mlp, article-cnn, article-custom, forecast, fashion-cnn",
            ],
        ),
        (&["compare", "a", "b"], 1, ["no session `a`", "wdtop list"]),
        (&["compare"], 2, ["SESSION", "required"]),
        (&["compare", "--where", "name=a"], 2, ["at least 2 sessions", "none"]),
        (&["export", "a", "--to", "csv"], 1, ["no session `a`", "wdtop list"]),
        (&["export", "a", "--to", "xml"], 2, ["'xml' for '--to", "csv, jsonl, tensorboard, markdown"]),
        (&["import", "nowhere.csv"], 1, ["cannot read nowhere.csv", "No such file"]),
        (&["list", "--where", "lr"], 2, ["KEY OPERATOR VALUE", "`lr`"]),
        (&["rm", "a"], 1, ["no session `a`", "wdtop list"]),
        (&["note", "a", "text"], 1, ["no session `a`", "wdtop list"]),
        (&["bench", "--model", "nope"], 2, ["unknown recipe `nope`", "mlp:784-256-128-10"]),
        (&["bench", "--model", "mlp:784-x"], 2, ["model `mlp:784-x`", "sizes must be from 1 to 65536"]),
        (&["bench", "--model", "cnn:c4-f3"], 2, ["3 outputs", "10 classes"]),
        (&["bench", "--model", "cnn:c4-p-p-p-p-p-f10"], 2, ["maxpool2d", "4x1x1"]),
        (&["bench", "--optimizer", "lbfgs"], 2, ["unknown optimizer `lbfgs`", "sgd, adam, adamw"]),
        (&["bench", "--batch", "0"], 2, ["'0' for '--batch", "at least 1"]),
        (&["bench", "--threads", "5000"], 2, ["threads", "from 1 to 1024, got 5000"]),
        (&["bench", "--rounds", "0"], 2, ["--rounds", "0"]),
        (&["bench", "--telemetry", "some"], 2, ["--telemetry", "full, off"]),
        (&["frobnicate"], 2, ["frobnicate", "--help"]),
        (&["train"], 2, ["not a terminal", "--headless"]),
        (&[], 2, ["not a terminal", "--headless"]),
    ] {
        let output = wdtop(&home).args(arguments).assert().code(code).stdout("");
        let stderr = String::from_utf8_lossy(&output.get_output().stderr).into_owned();
        assert_eq!(stderr.lines().count(), 1, "{arguments:?}: {stderr}");
        assert!(
            stderr.starts_with("wdtop: ") && parts.iter().all(|part| stderr.contains(part)),
            "{arguments:?}: {stderr}"
        );
    }
    let left: Vec<_> = fs::read_dir(home.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left.len(), 2, "nothing but what this test made is left: {left:?}");
}

#[test]
fn data_that_cannot_be_meant_is_one_line_and_leaves_nothing_behind() {
    let (home, data) = (home(), home());
    let put = |name: &str, bytes: &[u8]| {
        let path = data.path().join(name);
        fs::write(&path, bytes).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let flowers = put("flowers.csv", b"length,colour,kind\n1,red,rose\n3,,iris\n2,blue,rose\n");
    let ragged = put("ragged.csv", b"a,b\n1,2\n1,2,3\n");
    let control = put("control.csv", b"a,\x1b[2Jb\n1,2\n");
    let empty = put("empty.csv", b"");
    let cifar = put("cifar.bin", &[0; 3000]);
    let no_npy = put("x.npy", b"a,b\n1,2\n");
    let no_npz = put("a.npz", b"PK\x03\x04 and then nothing of the kind");
    let huge = [b"\x93NUMPY\x02\x00\xff\xff\xff\xff{'descr'".as_slice()].concat();
    fs::create_dir(data.path().join("huge")).unwrap();
    let huge = put("huge/x.npy", &huge);
    let folder = data.path().to_str().unwrap().to_owned();
    fs::remove_file(data.path().join("x.npy")).unwrap();
    let unlike = put("x_.npy", b"\x93NUMP");
    let series = put("series.csv", b"week,ppm\nw1,2\nw2,3\nw3,\nw4,5\nw5,6\nw6,7\n");
    for (arguments, parts) in [
        (&["--data", &flowers] as &[&str], ["which column is to be predicted?", "length, colour, kind"]),
        (&["--data", &flowers, "--target", "knd"], ["no column `knd`", "length, colour, kind"]),
        (
            &["--data", &flowers, "--target", "kind"],
            ["flowers.csv, line 3: column `colour` has no value", "--missing drop"],
        ),
        (&["--data", &ragged, "--target", "b"], ["ragged.csv, line 3 has 3 cells", "first line has 2"]),
        (&["--data", &control, "--target", "c"], ["no column `c`", "control.csv"]),
        (&["--data", &empty, "--target", "b"], ["empty.csv is empty", "first line must name the columns"]),
        (&["--data", &cifar], ["cifar.bin: 3000 bytes", "3073"]),
        (&["--data", &no_npy], ["data `", "x.npy` is neither"]),
        (&["--data", &no_npz], ["a.npz is no NPZ archive", "wdtop: "]),
        (&["--data", &huge], ["x.npy: the header should have 4294967295 bytes", "the file has"]),
        (&["--data", &unlike], ["x_.npy is no NPY array", "NUMPY"]),
        (&["--data", &folder], ["has none of train-images-idx3-ubyte", "x_train.npy"]),
        (&["--data", &series, "--window", "2"], ["value 3 of the series is missing", "--missing"]),
        (&["--data", &series, "--window", "9", "--missing", "drop"], ["the training part has 5 values", "--window"]),
        (&["--data", "co2-weekly"], ["`co2-weekly` is a series", "--window N"]),
        (&["--window", "9"], ["window needs a series", "`fashion-mnist-12k`"]),
        (&["--horizon", "9"], ["horizon needs window", "past values"]),
        (&["--window", "0"], ["'0' for '--window", "at least 1"]),
        (&["--missing", "guess"], ["'guess' for '--missing", "error, drop, mean"]),
        (&["--validation-fraction", "1"], ["validation-fraction must be above 0 and below 1", "got 1"]),
        (&["--validation", &flowers, "--validation-fraction", "0.5"], ["--validation", "cannot be used with"]),
        (&["--validation", &flowers], ["flowers.csv` is of another kind", "fashion-mnist-12k"]),
        (&["forecast", "--validation", "nowhere.csv"], ["cannot read nowhere.csv", "No such file"]),
        (&["--repeat-channels", "99"], ["repeat-channels must be from 1 to 64", "got 99"]),
        (&["--augment", "flip,spin"], ["augment takes flip and shift=PIXELS", "got `spin`"]),
        (&["--augment", "shift=30"], ["augment needs images", "30×30"]),
        (&["--set", "missing=7"], ["in `missing`", "expected string"]),
        (&["--set", "target=[1]"], ["a word or a list of words", "in `target`"]),
        (&["--set", "repeat_channels=\"two\""], ["in `repeat_channels`", "two"]),
    ] {
        let output = wdtop(&home).args(["train", "--headless"]).args(arguments).assert().code(2).stdout("");
        let stderr = String::from_utf8_lossy(&output.get_output().stderr).into_owned();
        assert!(stderr.lines().count() == 1 && !stderr.contains('\x1b'), "{arguments:?}: {stderr}");
        assert!(
            stderr.starts_with("wdtop: ") && parts.iter().all(|part| stderr.contains(part)),
            "{arguments:?}: {stderr}"
        );
    }
    assert_eq!(fs::read_dir(home.path()).unwrap().count(), 0, "nothing is recorded of a run that never began");
}

#[test]
fn a_table_is_trained_on_by_the_name_of_its_target() {
    let home = home();
    let rows = (0..60).map(|at| format!("{at},{},{}\n", ["red", "blue"][at % 2], ["rose", "iris"][at % 2]));
    let path = home.path().join("flowers.csv");
    fs::write(&path, format!("length,colour,kind\n{}", rows.collect::<String>())).unwrap();
    let output = wdtop(&home)
        .args(["train", "--json", "--no-record", "--data", path.to_str().unwrap(), "--target", "kind"])
        .args(["--model", "mlp:3-8-2", "--steps", "200", "--lr", "0.01", "--every", "0"])
        .assert()
        .success();
    let lines = json_lines(&output.get_output().stdout);
    let data = &lines[0]["data"];
    assert_eq!((data["train"].as_u64(), data["validation"].as_u64()), (Some(48), Some(12)), "a fifth is held out");
    assert_eq!(data["classes"], serde_json::json!(["iris", "rose"]));
    assert_eq!(lines.last().unwrap()["validation"]["accuracy"], 1.0);
}

#[test]
fn recipes_are_listed_and_what_is_printed_trains() {
    let home = home();
    let output = wdtop(&home).arg("recipes").assert().success().stderr("");
    let list = String::from_utf8_lossy(&output.get_output().stdout).into_owned();
    let names: Vec<&str> = list.lines().map(|line| line.split_once("  ").unwrap().0.trim()).collect();
    assert!(
        names.starts_with(&["demo", "article-mlp", "article-cnn", "article-custom"])
            && list.lines().all(|line| line.len() > 40)
    );
    let output = wdtop(&home).args(["recipes", "article-custom"]).assert().success();
    let copy = home.path().join("copy.toml");
    fs::write(&copy, &output.get_output().stdout).unwrap();
    let digest = |recipe: &str| train_json(&home, &[recipe, "--no-record"]).last().unwrap()["digest"].clone();
    let own = digest("article-custom");
    assert_eq!(digest(copy.to_str().unwrap()), own);
    assert_eq!(digest("article-mlp"), own, "another optimizer of the same arithmetic");
}

#[test]
fn settings_come_from_recipe_environment_options_and_set_in_this_order() {
    let home = home();
    let recipe = home.path().join("mine.toml");
    fs::write(&recipe, "optimizer = \"sgd\"\nlr = 0.5\nmodel = \"mlp:784-7-10\"\nsteps = 3\n").unwrap();
    let recipe = recipe.to_str().unwrap();
    let lr = |environment: Option<&str>, arguments: &[&str]| {
        let mut command = wdtop(&home);
        if let Some(value) = environment {
            command.env("WDTOP_LR", value);
        }
        let output = command.args(["train", recipe, "--json", "--no-record"]).args(arguments).assert().success();
        json_lines(&output.get_output().stdout)[0]["config"]["lr"].as_f64().unwrap()
    };
    assert_eq!(lr(None, &[]), 0.5);
    assert_eq!(lr(Some("0.25"), &[]), 0.25);
    assert_eq!(lr(Some("0.25"), &["--lr", "0.125"]), 0.125);
    let mut command = wdtop(&home);
    command.env("WDTOP_STEPS", "7").args(["train", recipe, "--json", "--no-record", "--epochs", "1"]);
    let output = command.args(["--train-samples", "300"]).assert().success();
    assert_eq!(json_lines(&output.get_output().stdout).last().unwrap()["steps"], 3, "an option wins over a variable");
    assert_eq!(lr(Some("0.25"), &["--lr", "0.125", "--set", "lr=1"]), 1.0);
    fs::write(home.path().join("wrong.toml"), "lr = 0.5\nlearning_rate = 0.5\n").unwrap();
    let wrong = home.path().join("wrong.toml");
    let named = predicate::str::contains("unknown key `learning_rate`");
    wdtop(&home).args(["train", wrong.to_str().unwrap(), "--headless"]).assert().code(2).stderr(named);
}

#[test]
fn json_tells_every_event_and_ends_with_the_summary() {
    let home = home();
    let lines = train_json(&home, &["--every", "25", "--edit", "30:weight_decay=3", "--no-record"]);
    let of = |kind: &str| lines.iter().filter(|line| line["event"] == kind).collect::<Vec<_>>();
    assert_eq!(lines[0]["event"], "started");
    assert_eq!(of("step").iter().map(|line| line["step"].as_u64().unwrap()).collect::<Vec<_>>(), [0, 25, 50]);
    assert_eq!(of("evaluated").len(), 4);
    let edit = of("edited")[0];
    assert_eq!((edit["step"].as_u64(), edit["from"].as_f64(), edit["to"].as_f64()), (Some(30), Some(0.0), Some(3.0)));
    let last = lines.last().unwrap();
    let keys: Vec<&str> = last.as_object().unwrap().keys().map(String::as_str).collect();
    for key in [
        "event",
        "reason",
        "steps",
        "epochs",
        "seconds",
        "samples_per_second",
        "train",
        "validation",
        "tensors",
        "digest",
    ] {
        assert!(keys.contains(&key), "no {key} in {keys:?}");
    }
    assert_eq!((last["reason"].as_str(), last["steps"].as_u64()), (Some("completed"), Some(60)));
    assert_eq!(last["tensors"][0]["name"], "fc1.weight");
    assert!(last["digest"].as_str().unwrap().starts_with("sha256:"));
}

#[test]
fn recording_pace_and_threads_do_not_change_the_digest() {
    let home = home();
    let digest = |arguments: &[&str]| train_json(&home, arguments).last().unwrap()["digest"].clone();
    let one = digest(&["--no-record", "--threads", "1"]);
    assert_eq!(digest(&["--threads", "2", "--record", home.path().join("a").to_str().unwrap()]), one);
    assert_eq!(digest(&["--threads", "7", "--pace", "120", "--no-record"]), one);
    assert_ne!(digest(&["--no-record", "--seed", "2"]), one);
}

#[test]
fn two_recordings_are_listed_and_compared() {
    let home = home();
    for (name, decay) in [("a", "0"), ("b", "3")] {
        let path = home.path().join(name);
        train_json(&home, &["--record", path.to_str().unwrap(), "--edit", "30:lr=0.002", "--weight-decay", decay]);
    }
    let listed = predicate::str::contains("a ").and(predicate::str::contains("finished"));
    wdtop(&home).arg("list").assert().success().stdout(listed);
    let output = wdtop(&home).args(["compare", "a", "b"]).assert().success();
    let text = String::from_utf8_lossy(&output.get_output().stdout).into_owned();
    for part in ["weight_decay", "validation", "fc1.weight", "0.001", "0.002", "30"] {
        assert!(text.contains(part), "no {part} in\n{text}");
    }
    assert!(!text.contains("label_noise"), "a setting that does not differ is left out:\n{text}");
}

#[test]
fn sessions_are_named_noted_and_removed() {
    let home = home();
    for name in ["a", "bad\u{1b}name"] {
        train_json(&home, &["--record", home.path().join(name).to_str().unwrap()]);
    }
    let contains = predicate::str::contains::<&str>;
    wdtop(&home).args(["name", "a", "base/line"]).assert().code(2).stderr(contains("must be text without /"));
    wdtop(&home).args(["name", "a", "baseline"]).assert().success().stdout("");
    wdtop(&home).args(["note", "base", "for the\u{1b}[2J talk"]).assert().success().stdout("");
    wdtop(&home).args(["note", "baseline"]).assert().success().stdout("for the\u{fffd}[2J talk\n");
    let listed =
        contains("baseline: for the\u{fffd}[2J talk").and(contains("bad\u{fffd}name")).and(contains("\u{1b}").not());
    wdtop(&home).arg("list").assert().success().stdout(listed);
    let one = contains("baseline").and(contains("bad").not());
    wdtop(&home).args(["list", "--where", "note~talk and optimizer=adamw"]).assert().success().stdout(one);
    let unknown = contains("unknown key `gamma`; there are name");
    wdtop(&home).args(["list", "--where", "gamma=3"]).assert().code(2).stderr(unknown);
    wdtop(&home).args(["rm", "baseline"]).assert().code(2).stderr(contains("--yes"));
    wdtop(&home).args(["rm", "base", "--yes"]).assert().code(1).stderr(contains("no session `base`"));
    wdtop(&home).args(["rm", "baseline", "missing", "--yes"]).assert().code(1).stderr(contains("`missing`"));
    assert!(home.path().join("baseline.wdtop").exists(), "where one is missing nothing is removed");
    wdtop(&home).args(["rm", "baseline", "--yes"]).assert().success().stdout("");
    wdtop(&home).args(["list", "--json"]).assert().success().stdout(contains("baseline").not());
    assert_eq!(fs::read_dir(home.path()).unwrap().count(), 1, "nothing of it is left");
}

#[test]
fn bench_times_steps_beside_a_product() {
    // Forward and the gradient by the weights, and from the second layer on that by the input.
    let (rows, images) = (2 * 784 * 20 + 3 * 20 * 10, 2 * 784 * 4 * 9 + 3 * 4 * 196 * 10);
    let article = 2 * 784 * 32 * 27 + 3 * (196 * 64 * 288 + 64 * 49 * 10);
    for (arguments, model, batch, optimizer, multiply_adds) in [
        (
            &["--model", "mlp:784-20-10", "--optimizer", "sgd", "--telemetry", "off"][..],
            "mlp:784-20-10",
            100,
            "sgd",
            rows,
        ),
        (&["--model", "cnn:c4-p-f10", "--batch", "30"], "cnn:c4-p-f10", 30, "adamw", images),
        (&["--model", "article-cnn", "--threads", "2"], "article-cnn", 64, "adam", article),
    ] {
        let output = wdtop(&home()).args(["bench", "--json", "--rounds", "2"]).args(arguments).assert().success();
        let report = &json_lines(&output.get_output().stdout)[0];
        let number = |key: &str| report[key].as_f64().unwrap_or_else(|| panic!("no {key} in {report}"));
        assert_eq!((report["model"].as_str(), report["optimizer"].as_str()), (Some(model), Some(optimizer)));
        let off = arguments.contains(&"off");
        assert_eq!(
            (report["telemetry"].as_str(), number("batch")),
            (Some(if off { "off" } else { "full" }), f64::from(batch))
        );
        let seconds = number("seconds_per_step");
        assert!(seconds > 1e-6 && seconds <= number("median_seconds_per_step") && number("threads") >= 1.0, "{report}");
        for (key, wanted) in [
            ("steps_per_second", 1.0 / seconds),
            ("samples_per_second", f64::from(batch) / seconds),
            ("gflops", 2e-9 * f64::from(multiply_adds * batch) / seconds),
        ] {
            assert!((number(key) / wanted - 1.0).abs() < 1e-9, "{key}: {report}");
        }
        assert!(number("peak_gflops") > 0.1, "{report}");
    }
    let output = wdtop(&home()).args(["bench", "--rounds", "1", "--threads", "1"]).assert().success();
    let text = String::from_utf8_lossy(&output.get_output().stdout).into_owned();
    let first = text.lines().next().unwrap();
    assert_eq!((first, text.lines().count()), ("mlp:784-256-128-10, batch 100, adamw, 1 thread, telemetry full", 5));
}

#[test]
fn a_run_that_diverges_exits_with_1_and_says_what_was_not_finite() {
    let home = home();
    let stderr = predicate::str::contains("is not finite at step").and(predicate::str::contains("weights"));
    wdtop(&home)
        .args(["train", "--headless", "--no-record", "--optimizer", "sgd", "--lr", "1e30"])
        .args(SHORT)
        .assert()
        .code(1)
        .stderr(stderr);
}

#[cfg(unix)]
#[test]
fn a_signal_ends_a_headless_run_in_order() {
    let home = home();
    let mut child = Process::new(env!("CARGO_BIN_EXE_wdtop"))
        .args(["train", "--headless", "--pace", "20", "--record"])
        .arg(home.path().join("stopped"))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    wait_for_evaluation(&home.path().join("stopped.wdtop"));
    assert!(Process::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap().success());
    assert_eq!(child.wait().unwrap().code(), Some(128 + 15));
    wdtop(&home).arg("list").assert().success().stdout(predicate::str::contains("stopped"));
}

#[cfg(unix)]
#[test]
fn a_killed_run_leaves_a_session_with_every_edit() {
    let home = home();
    for name in ["killed", "whole"] {
        let mut child = Process::new(env!("CARGO_BIN_EXE_wdtop"))
            .args(["train", "--headless", "--pace", "100", "--steps", "100", "--edit", "3:weight_decay=3", "--record"])
            .arg(home.path().join(name))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        if name == "killed" {
            wait_for_evaluation(&home.path().join("killed.wdtop"));
            child.kill().unwrap();
        }
        child.wait().unwrap();
    }
    wdtop(&home).arg("list").assert().success().stdout(predicate::str::contains("crashed"));
    let output = wdtop(&home).args(["compare", "killed", "whole"]).assert().success();
    let text = String::from_utf8_lossy(&output.get_output().stdout).into_owned();
    assert!(text.contains("λ") || text.contains("weight_decay"), "the edit is there:\n{text}");
}

/// Waits until a session has the evaluation at step 20 or later.
#[cfg(unix)]
fn wait_for_evaluation(session: &Path) {
    let begin = Instant::now();
    while begin.elapsed() < Duration::from_secs(60) {
        let events = fs::read_to_string(session.join("events.jsonl")).unwrap_or_default();
        if events.lines().filter(|line| line.contains("\"evaluated\"")).count() >= 2 {
            return;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    panic!("no evaluation in {} after a minute", session.display());
}
