//! Files of other tools, as the tools wrote them (`tests/fixtures/make_tools.py`) and as they should not be.

use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::record::{Error, Mapping, Named, Roles, Session, SourceKind, State, compare, import, list};

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/tools").join(name)
}

fn imported(path: &Path) -> (TempDir, Vec<Session>) {
    let folder = TempDir::new().unwrap();
    let made = import(path, folder.path(), &Named::BySource, &Mapping::default(), "2026-11-23T15:30:37Z").unwrap();
    let sessions = made.iter().map(|path| Session::open(path).unwrap()).collect();
    (folder, sessions)
}

/// A curve as `step:value`.
fn curve(session: &Session, name: &str) -> String {
    let curve = session.curves(&[name]).unwrap().remove(0);
    curve.iter().map(|at| format!("{}:{}", at.step, at.value as f32)).collect::<Vec<_>>().join(" ")
}

/// What all tools were given as a loss.
const LOSSES: &str = "0:2 10:0.18181819 20:0.0952381 30:0.06451613 40:0.048780486 50:0.039215688 60:0.032786883 \
                      70:0.028169014 80:NaN 90:0.021978023";

#[test]
fn lightnings_table_with_its_holes_is_read() {
    let (_folder, sessions) = imported(&fixture("lightning/version_0"));
    let [session] = &sessions[..] else { panic!("one file, one session") };
    let about = session.imported().unwrap();
    assert_eq!((session.name.as_str(), about.kind), ("version_0", SourceKind::Csv));
    assert_eq!(session.state, State::Imported);
    assert_eq!(session.columns(), ["train_loss", "val_acc", "val_loss"]);
    assert_eq!(curve(session, "train_loss"), LOSSES);
    assert_eq!(curve(session, "validation/loss"), "40:0.024390243 90:0.010989011");
    assert_eq!(session.curves(&["val_acc"]).unwrap()[0][1].epoch, 1.0);
    assert_eq!(about.settings["optimizer"], "adamw");
}

#[test]
fn tensorboards_simple_values_and_tensors_are_read_and_torn_tails_left_out() {
    let (_folder, sessions) = imported(&fixture("tensorboard"));
    let names: Vec<&str> = sessions.iter().map(|session| session.name.as_str()).collect();
    assert_eq!(names, ["simple", "tensors", "torn"]);
    assert_eq!(curve(&sessions[0], "train/loss"), LOSSES);
    assert_eq!(curve(&sessions[1], "validation/loss"), LOSSES);
    let torn = sessions[2].imported().unwrap();
    assert!(torn.notes[0].contains("torn or garbled"), "{:?}", torn.notes);
    assert_eq!(curve(&sessions[2], "train/loss"), LOSSES.rsplit_once(' ').unwrap().0);
    assert_eq!(torn.started.as_deref(), Some("2023-11-14T22:13:20Z"));
    assert_eq!(sessions[0].curves(&["val/accuracy"]).unwrap()[0][9].seconds, 90.0);
}

#[test]
fn mlflows_folder_gives_a_session_for_each_run() {
    let (_folder, mut sessions) = imported(&fixture("mlflow/mlruns"));
    sessions.sort_by(|one, other| one.name.cmp(&other.name));
    let [decayed, plain] = &sessions[..] else { panic!("two runs, two sessions") };
    assert_eq!((decayed.name.as_str(), plain.name.as_str()), ("decayed", "plain"));
    assert_eq!(curve(plain, "val_loss"), LOSSES);
    assert_eq!(curve(plain, "train/accuracy").split(' ').count(), 10);
    let text = compare(&[decayed.clone(), plain.clone()]).unwrap().to_text();
    assert!(text.contains("weight_decay      0.1    0.0\n") && !text.contains("optimizer"), "{text}");
}

#[test]
fn dvclives_tables_are_one_session() {
    let (_folder, sessions) = imported(&fixture("dvclive"));
    let [session] = &sessions[..] else { panic!("one folder, one session") };
    assert_eq!(session.columns(), ["train/loss", "val/acc"]);
    assert_eq!(curve(session, "train/loss"), LOSSES);
    assert_eq!(session.imported().unwrap().settings["optimizer.name"], "adamw");
    assert_eq!(session.imported().unwrap().kind, SourceKind::Dvclive);
}

#[test]
fn imported_sessions_are_listed_and_compared_and_nothing_is_made_up() {
    let (folder, _) = imported(&fixture("lightning/version_0"));
    let (folder_b, session) = imported(&fixture("tensorboard/tensors"));
    fs::rename(&session[0].path, folder.path().join("t.wdtop")).unwrap();
    drop(folder_b);
    let listed = serde_json::to_value(list(folder.path())).unwrap();
    assert_eq!(listed[1]["state"], "imported");
    assert_eq!(listed[1]["recipe"], serde_json::Value::Null);
    assert_eq!(listed[1]["steps"], 90);
    let manifest = fs::read_to_string(folder.path().join("t.wdtop/session.json")).unwrap();
    for absent in ["optimizer", "seed", "machine", "fingerprint", "tensors\":"] {
        assert!(!manifest.contains(absent), "{absent} in {manifest}");
    }
}

#[test]
fn what_cannot_be_imported_is_told_and_leaves_nothing() {
    let folder = TempDir::new().unwrap();
    let here = |name: &str| folder.path().join(name);
    let sessions = here("sessions");
    let mapping = |step: &str| Mapping { step: Some(step.into()), ..Mapping::default() };
    let role = Mapping { roles: Roles { validation_loss: Some("x".into()), ..Roles::default() }, ..Mapping::default() };
    let none = Mapping::default();
    for (file, content, mapping, part) in [
        ("a.csv", "loss,acc\n1,2\n", &none, "name the column of steps with --step, it has loss, acc"),
        ("a.csv", "step,loss\n1,2\n", &mapping("iteration"), "no column `iteration`; it has step, loss"),
        ("a.csv", "step,loss\n1,2\nx,3\n", &none, "line 3: a step must be a whole number of at least 0, got `x`"),
        ("a.csv", "step,loss\n1,2\n2\n3,4\n", &none, "line 3 has 1 cells, the header has 2"),
        ("a.csv", "step,loss\n", &none, "has no numbers"),
        ("a.csv", "step,loss\n1,2\n", &role, "no column `x`; it has loss"),
        ("a.jsonl", "{\"loss\":1}\n", &none, "line 1: it has no step"),
        ("a.jsonl", "[1]\n", &none, "line 1: it is no JSON object"),
        ("a.png", "x", &none, "its kind is unknown; known are .csv"),
        ("x.tfevents", "not at all what it should be", &none, "it is no event file"),
    ] {
        fs::write(here(file), content).unwrap();
        let error = import(&here(file), &sessions, &Named::BySource, mapping, "now").unwrap_err();
        assert!(matches!(error, Error::Import { .. }), "{error:?}");
        assert!(error.to_string().contains(part), "{error}");
        fs::remove_file(here(file)).unwrap();
    }
    let error = import(folder.path(), &sessions, &Named::BySource, &none, "now").unwrap_err().to_string();
    assert!(error.contains("the folder has none of these"), "{error}");
    let two = import(&fixture("mlflow/mlruns"), &sessions, &Named::As("x".into()), &none, "now").unwrap_err();
    assert!(two.to_string().contains("holds 2 runs"), "{two}");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn tables_of_many_dialects_are_read() {
    let folder = TempDir::new().unwrap();
    for (name, content, expected) in [
        ("tabs.tsv", "step\tloss\n0\t1\n1\tNaN\n", "0:1 1:NaN"),
        ("semicolons.csv", "\u{feff}Step;loss\r\n0.0;1\r\n1.0;inf\r\n", "0:1 1:inf"),
        ("quoted.csv", "global_step,\"loss\",why\n0,\"1\",\"a, \"\"b\"\"\"\n1,,c\n2,3,d\n", "0:1 2:3"),
        ("torn.csv", "step,loss,x\n0,1,1\n1,2", "0:1"),
        ("clock.csv", "Wall time,Step,loss\n1700000000.5,0,1\n1700000002.5,5,2\n", "0:1 5:2"),
        ("lines.jsonl", "{\"step\":0,\"loss\":1,\"x\":{\"y\":2}}\n{\"step\":1,\"loss\":\"NaN\"}\n{\"ste", "0:1 1:NaN"),
    ] {
        let file = folder.path().join(name);
        fs::write(&file, content).unwrap();
        let (_folder, sessions) = imported(&file);
        assert_eq!(curve(&sessions[0], "loss"), expected, "{name}");
        match name {
            "clock.csv" => assert_eq!(sessions[0].curves(&["loss"]).unwrap()[0][1].seconds, 2.0),
            "lines.jsonl" => assert_eq!(curve(&sessions[0], "x/y"), "0:2"),
            "quoted.csv" => assert_eq!(sessions[0].imported().unwrap().notes, ["column why is text and was left out"]),
            "torn.csv" => {
                assert_eq!(sessions[0].imported().unwrap().notes, ["line 3, the last, is torn and was left out"])
            }
            _ => {}
        }
    }
}

#[test]
fn a_taken_name_gets_a_number_unless_it_was_asked_for() {
    let folder = TempDir::new().unwrap();
    let file = fixture("lightning/version_0/metrics.csv");
    let again = |named| import(&file, folder.path(), &named, &Mapping::default(), "now");
    for name in ["version_0.wdtop", "version_0-2.wdtop"] {
        assert_eq!(again(Named::BySource).unwrap(), [folder.path().join(name)]);
    }
    assert!(matches!(again(Named::As("version_0".into())), Err(Error::Taken { .. })));
    assert!(matches!(again(Named::As("../x".into())), Err(Error::Name { .. })));
}
