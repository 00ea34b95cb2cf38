//! The list and the comparison as they are shown.

use std::fs;
use std::time::{Duration, Instant};

use jiff::tz::TimeZone;
use tempfile::TempDir;

use super::sample::{description, edit, evaluation, record, run, steps};
use crate::record::{Alignment, Entry, MANIFEST, Number, Session, compare, list, tabulate};
use crate::stream::*;

/// A finished session, a crashed one with other settings, and a damaged one.
fn sessions() -> TempDir {
    let folder = TempDir::new().unwrap();
    let mut first = run();
    first.retain(|event| !matches!(event.what, What::Diverged { .. }));
    record(&folder.path().join("first.wdtop"), first);

    let mut other = description();
    other.started = "2020-11-23T17:05:00+01:00".into();
    other.config.weight_decay = 0.001;
    other.config.length = Length::Epochs(20);
    other.config.optimizer.hyper.insert("beta1".into(), 0.85);
    other.config.edits = vec![PlannedEdit { step: 3, knob: Knob::WeightDecay, scope: Scope::All, value: Some(1e-7) }];
    let events = vec![
        What::Started(Box::new(other)).into(),
        steps(0..3),
        edit(3, "all", 0.001, 1e-7),
        evaluation(3, 0.65, 0.5),
        steps(3..4),
    ];
    record(&folder.path().join("second-with-a-very-long-name.wdtop"), events);

    fs::create_dir(folder.path().join("third.wdtop")).unwrap();
    fs::write(folder.path().join("third.wdtop").join(MANIFEST), "{}").unwrap();
    folder
}

fn compared(folder: &TempDir) -> crate::record::Comparison {
    let names = ["first", "second-with-a-very-long-name"];
    let open = |name: &str| Session::open(&folder.path().join(format!("{name}.wdtop"))).unwrap();
    compare(&names.map(open)).unwrap()
}

#[test]
fn a_comparison_fits_80_columns_and_marks_the_best() {
    let text = compared(&sessions()).to_text();
    let expected = "\
session                           first   second-with-a…ry-long-name
state                          finished                      crashed
steps                                 7                            4
epochs                             3.50                         2.00
seconds                             0.8                          0.3
samples/s                         1,235                        1,200
best validation loss             0.7000                       0.6500*
best validation accuracy        81.00 %*                     50.00 %
final validation loss            0.7000                       0.6500*
final validation accuracy       81.00 %*                     50.00 %
final training loss              0.2500*                      0.3250
final training accuracy         95.00 %*                     90.00 %
step of best loss                     7                            3
step of best accuracy                 7                            3
penalty                           10.77                        5.667
‖fc1.weight‖                      12.50                        5.508
‖fc1.bias‖                      0.01250                        5.508
weights' digest            fedcba987654                            -

Settings that differ
setting                first  second-with-a…ry-long-name
length.epochs              -                          20
length.steps               7                           -
optimizer.hyper.beta1    0.9                        0.85
weight_decay               0                       0.001

Edits
step  first                 second-with-a…ry-long-name
   3  λ 0 → 3               λ 0.001 → 1e-7
   6  λ fc1.weight 3 → 0.3  -
   6  λ fc1.bias 3 → 0      -

second-with-a-very-long-name (crashed) has no end: its final values are of its last evaluation and last recorded update
";
    assert_eq!(text, expected);
    let widest = text.lines().take_while(|line| !line.contains("has no end")).map(|line| line.chars().count()).max();
    assert!(widest.unwrap() <= 80);
}

#[test]
fn a_comparison_as_csv_has_full_values() {
    let csv = compared(&sessions()).to_csv();
    let expected = "\
session,first,second-with-a-very-long-name
state,finished,crashed
steps,7,4
epochs,3.5,2
seconds,0.75,0.33333333333333337
samples/s,1234.5,1199.9999999999998
best validation loss,0.7,0.65
best validation accuracy,0.81,0.5
final validation loss,0.7,0.65
final validation accuracy,0.81,0.5
final training loss,0.25,0.325
final training accuracy,0.95,0.9
step of best loss,7,3
step of best accuracy,7,3
penalty,10.766666412353516,5.666666507720947
‖fc1.weight‖,12.5,5.507570547286102
‖fc1.bias‖,0.0125,5.507570547286102
weights' digest,sha256:fedcba9876543210ffff,
setting length.epochs,,20
setting length.steps,7,
setting optimizer.hyper.beta1,0.9,0.85
setting weight_decay,0,0.001
edit at step 3,λ 0 → 3,λ 0.001 → 1e-7
edit at step 6,λ fc1.weight 3 → 0.30000000000000004,
edit at step 6,λ fc1.bias 3 → 0,
";
    assert_eq!(csv, expected);
}

#[test]
fn a_comparison_as_markdown_is_made_of_tables() {
    let text = compared(&sessions()).to_markdown();
    assert!(text.starts_with("| session | first | second-with-a…ry-long-name |\n| --- | ---: | ---: |\n"), "{text}");
    assert!(text.contains("| best validation loss | 0.7000 | **0.6500** |\n"), "{text}");
    assert!(text.contains("\n### Edits\n\n| step | first |"), "{text}");
}

#[test]
fn a_comparison_as_json_has_the_values_as_they_are() {
    let json = serde_json::to_value(compared(&sessions())).unwrap();
    let first = &json["sessions"][0];
    assert_eq!(first["best_loss"], serde_json::json!({"value": 0.7, "step": 7}));
    assert_eq!(first["norms"][1], serde_json::json!({"name": "fc1.bias", "norm": 0.0125}));
    assert_eq!(json["sessions"][1]["standing"], "so_far");
    assert_eq!(json["settings"][0], serde_json::json!({"key": "length.epochs", "values": [null, "20"]}));
    assert_eq!(json["edits"][0]["edits"][1]["to"], 1e-7);
    assert_eq!(serde_json::to_string(&Number(f64::INFINITY)).unwrap(), "\"Infinity\"");
}

#[test]
fn sessions_with_nothing_to_show_compare_too() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("a.wdtop");
    record(&path, vec![What::Started(Box::new(description())).into()]);
    let session = Session::open(&path).unwrap();
    let text = compare(&[session.clone(), session]).unwrap().to_text();
    assert!(text.contains("\nSettings: all the same\n\nEdits: none\n"), "{text}");
}

#[test]
fn the_list_has_the_newest_last_and_the_damaged_with_its_trouble() {
    let folder = sessions();
    let mut listed = list(folder.path());
    // Sizes depend on the encoder, and the damaged one has the time of the test.
    for listed in &mut listed {
        listed.bytes = 12_345;
        if listed.name == "third" {
            listed.started = "2026-11-23T18:00:00Z".into();
        }
    }
    let text = tabulate(&listed, &TimeZone::UTC).replace(folder.path().to_str().unwrap(), "HERE");
    let expected = "\
name                          state     recipe  started           steps  best loss  accuracy  edits   size
first                         finished  demo    2020-11-23 15:30      7     0.7000   81.00 %      3  12 kB
second-with-a-very-long-name  crashed   demo    2020-11-23 16:05      4     0.6500   50.00 %      1  12 kB
third                         damaged   -       2026-11-23 18:00      -          -         -      -  12 kB
third: session.json of HERE/third.wdtop is damaged: missing field `format` at line 1 column 2
";
    assert_eq!(text, expected);
}

#[test]
fn two_hundred_sessions_are_listed_within_a_second() {
    let folder = TempDir::new().unwrap();
    let first = folder.path().join("s0.wdtop");
    let mut events = run();
    events.truncate(events.len() - 1);
    record(&first, events);
    for at in 1..200 {
        let path = folder.path().join(format!("s{at}.wdtop"));
        fs::create_dir(&path).unwrap();
        for file in fs::read_dir(&first).unwrap().map(Result::unwrap) {
            fs::copy(file.path(), path.join(file.file_name())).unwrap();
        }
    }
    fs::write(folder.path().join("s7.wdtop").join(MANIFEST), "{").unwrap();
    let since = Instant::now();
    let listed = list(folder.path());
    assert!(since.elapsed() < Duration::from_secs(1), "{:?}", since.elapsed());
    assert_eq!(listed.len(), 200);
    let troubled: Vec<_> = listed
        .iter()
        .filter(|listed| matches!(listed.entry, Entry::Trouble { .. }))
        .map(|listed| &listed.name)
        .collect();
    assert_eq!(troubled, ["s7"]);
}

#[test]
fn a_baseline_and_curves_are_told_in_every_form() {
    let folder = sessions();
    let open = |name: &str| Session::open(&folder.path().join(format!("{name}.wdtop"))).unwrap();
    let sessions = ["first", "second-with-a-very-long-name"].map(open);
    let mut comparison = compare(&sessions).unwrap();
    comparison.baseline = Some(0);
    let columns = ["validation/accuracy".to_owned(), "fc1.weight/norm".to_owned()];
    comparison.add_curves(&sessions, &columns, Alignment::Edit(1), 3).unwrap();
    let text = comparison.to_text();
    for part in [
        "best validation loss             0.7000                       0.6500*\n\
         \x20 less baseline                       -                     -0.05000\n",
        "\nvalidation/accuracy by steps since edit\nsteps since edit   first  second-with-a…ry-long-name\n",
        "fc1.weight/norm by steps since edit",
        "              -3  1.742                       1.742\n   less baseline      -                           0\n",
    ] {
        assert!(text.contains(part), "no {part} in\n{text}");
    }
    let csv = comparison.to_csv();
    assert!(csv.contains("fc1.weight/norm at steps since edit 0,5.507570547286102,5.507570547286102\n"), "{csv}");
    assert!(csv.contains("final training loss less baseline,,0.07500000000000001\n"), "{csv}");
    assert!(comparison.to_markdown().contains("\n### validation/accuracy by steps since edit\n"));
    let json = serde_json::to_value(&comparison).unwrap();
    assert_eq!(json["baseline"], 0);
    assert_eq!(json["curves"][0]["rows"][1]["at"], 2.0);
    let error = comparison.add_curves(&sessions, &["gamma".into()], Alignment::Step, 3).unwrap_err().to_string();
    assert!(error.starts_with("no session has a column `gamma`; there are accuracy, fc1.bias/agreement,"), "{error}");
}
