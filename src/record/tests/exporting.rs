//! What other programs get.

use std::fs;
use std::path::{Path, PathBuf};
use std::slice;

use tempfile::TempDir;

use super::sample::{self, record, run, steps};
use crate::record::{
    Alignment, CsvTable, EVENTS, Error, Existing, MANIFEST, Mapping, Named, Session, add_note, import, notes, to_csv,
    to_json_lines, to_markdown, to_svg, to_tensorboard, write_file, write_run,
};
use crate::stream::*;

fn recorded() -> (TempDir, Session) {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("a.wdtop");
    record(&path, run());
    add_note(&path, "the *first* one").unwrap();
    (folder, Session::open(&path).unwrap())
}

fn text(write: impl FnOnce(&mut dyn std::io::Write) -> Result<(), Error>) -> String {
    let mut bytes = Vec::new();
    write(&mut bytes).unwrap();
    String::from_utf8_lossy(&bytes).into_owned()
}

/// All rows, exactly.
fn rows(session: &Session) -> String {
    format!(
        "{:?}",
        session
            .steps()
            .unwrap()
            .collect::<Vec<_>>()
            .iter()
            .flat_map(|stretch| {
                stretch.batch.iter().map(|(row, sums)| format!("{:?}", (stretch.branch, row, sums))).collect::<Vec<_>>()
            })
            .collect::<Vec<_>>()
    )
}

fn import_into(folder: &Path, name: &str, file: &Path) -> Result<PathBuf, Error> {
    let named = Named::As(name.into());
    import(file, folder, &named, &Mapping::default(), "2026-11-23T15:30:37Z").map(|mut made| made.remove(0))
}

#[test]
fn json_lines_make_the_same_session_again() {
    let (folder, session) = recorded();
    let file = folder.path().join("a.jsonl");
    write_file(&file, Existing::Keep, |out| to_json_lines(&session, out)).unwrap();
    let again = Session::open(&import_into(folder.path(), "again", &file).unwrap()).unwrap();
    assert_eq!(again.manifest, session.manifest);
    assert_eq!(format!("{:?}", again.events), format!("{:?}", session.events));
    assert_eq!(rows(&again), rows(&session));
    assert!(rows(&session).contains("loss: NaN"), "a value that is not finite is among them");
    assert_eq!(notes(&again.path).unwrap(), ["the *first* one"]);
    assert_eq!(text(|out| to_json_lines(&again, out)), fs::read_to_string(&file).unwrap());
    for name in [MANIFEST, EVENTS] {
        assert_eq!(fs::read(again.path.join(name)).unwrap(), fs::read(session.path.join(name)).unwrap(), "{name}");
    }
}

#[test]
fn json_lines_have_each_edit_before_the_update_that_used_it() {
    let (_folder, session) = recorded();
    let lines = text(|out| to_json_lines(&session, out));
    let at = |part: &str| lines.lines().position(|line| line.contains(part)).unwrap();
    assert!(at(r#""event":"step","step":2,"#) < at(r#""event":"edited","step":3"#));
    assert!(at(r#""event":"edited","step":3"#) < at(r#""event":"step","step":3,"#));
    assert!(lines.lines().next().unwrap().starts_with(r#"{"event":"session","format":1,"wdtop":"#));
    assert!(lines.contains(r#""loss":"NaN""#));
    // What diagnostics makes of an update is there, as in the CSV table.
    let csv = text(|out| to_csv(&session, CsvTable::Diagnostics, out));
    let (head, row) = (csv.lines().next().unwrap(), csv.lines().nth(1).unwrap());
    let update: serde_json::Value =
        serde_json::from_str(lines.lines().find(|line| line.contains(r#""event":"step","step":0,"#)).unwrap()).unwrap();
    let mut compared = 0;
    for (key, value) in head.split(',').zip(row.split(',')).skip(1) {
        assert_eq!(update.get(key).is_none(), value.is_empty(), "{key}");
        if let Some(number) = update.get(key).and_then(serde_json::Value::as_f64) {
            assert_eq!(number, value.parse::<f64>().unwrap(), "{key}");
            compared += 1;
        }
    }
    assert!(compared > 5, "{compared} values of diagnostics");
}

#[test]
fn json_lines_cut_or_garbled_make_no_session() {
    let (folder, session) = recorded();
    let lines = text(|out| to_json_lines(&session, out));
    let file = folder.path().join("cut.jsonl");
    let wrong = [
        &lines[..lines.len() - 9],
        &lines.replacen(r#""penalty":"#, r#""penalty":"x","p":"#, 1),
        &lines.replacen(r#""format":1"#, r#""format":9"#, 1),
        &lines.replacen(r#"{"event":"columns""#, r#"{"event":"rows""#, 1),
    ];
    for wrong in wrong {
        fs::write(&file, wrong).unwrap();
        let error = import_into(folder.path(), "cut", &file).unwrap_err().to_string();
        assert!(error.starts_with("cannot import ") && error.contains("line "), "{error}");
    }
    let left: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left.len(), 2, "{left:?}");
}

#[test]
fn csv_has_a_table_of_updates_of_evaluations_and_of_edits() {
    let (_folder, session) = recorded();
    let steps = text(|out| to_csv(&session, CsvTable::Steps, out));
    let mut lines = steps.lines();
    assert!(
        lines
            .next()
            .unwrap()
            .starts_with("step,epoch,seconds,loss,accuracy,penalty,branch,lr,weight_decay,fc1.weight/w2,")
    );
    assert_eq!(lines.clone().count(), 7);
    let loss = lines.nth(4).unwrap().split(',').nth(3).unwrap();
    assert_eq!(loss, "NaN");
    let evaluations = text(|out| to_csv(&session, CsvTable::Evaluations, out));
    assert_eq!(
        evaluations,
        "step,epoch,seconds,train_loss,train_accuracy,validation_loss,validation_accuracy\n\
         3,1.5,0.30000000000000004,0.75,0.9,1.5,0.5\n\
         7,3.5,0.7000000000000001,NaN,0.9,NaN,0.1\n"
    );
    let diagnostics = text(|out| to_csv(&session, CsvTable::Diagnostics, out));
    let mut lines = diagnostics.lines();
    assert!(lines.next().unwrap().starts_with("step,fc1.weight/rotation,fc1.weight/equilibrium_rotation,"));
    assert_eq!(lines.count(), 7);
    let spectra = text(|out| to_csv(&session, CsvTable::Spectrum, out));
    assert_eq!(
        spectra,
        "step,seconds,fc1.weight/spectral_norm,fc1.weight/stable_rank\n3,0.30000000000000004,2.25,1.5\n"
    );
    let edits = text(|out| to_csv(&session, CsvTable::Edits, out));
    assert!(
        edits.contains("6,0.6000000000000001,weight_decay,fc1.weight,3,0.30000000000000004,false,false,keys\n"),
        "{edits}"
    );
}

#[test]
fn a_picture_has_the_charts_that_were_asked_for() {
    let (_folder, session) = recorded();
    let picture = |charts: &[&str]| {
        let charts: Vec<String> = charts.iter().map(|chart| (*chart).to_owned()).collect();
        text(|out| to_svg(slice::from_ref(&session), &charts, Alignment::Step, out))
    };
    let titles = |svg: &str| svg.matches("font-weight=\"bold\"").count();
    assert_eq!(titles(&picture(&[])), 2);
    let svg = picture(&["accuracy", "budget_decay", "fc1.weight/norm"]);
    assert!(svg.contains(">budget_decay</text>") && svg.contains(">fc1.bias "), "{svg}");
    assert_eq!(titles(&svg), 3);
    let fails = |charts: &[&str]| {
        let charts: Vec<String> = charts.iter().map(|chart| (*chart).to_owned()).collect();
        to_svg(slice::from_ref(&session), &charts, Alignment::Step, &mut Vec::new()).unwrap_err().to_string()
    };
    let wrong = fails(&["colour"]);
    assert!(wrong.contains("no session has a column `colour`; there are validation/loss, "), "{wrong}");
    assert!(wrong.contains(", rotation, ") && !wrong.contains("fc1.weight"), "{wrong}");
    // It takes a hundred updates until it is known.
    let empty = fails(&["loss", "scale_invariant"]);
    assert_eq!(empty, "there is nothing to draw of `scale_invariant`: the session has no finite value of it");
}

#[test]
fn a_picture_tells_gaps_edits_notes_and_last_values() {
    let (_folder, session) = recorded();
    let svg = text(|out| to_svg(slice::from_ref(&session), &["loss".to_owned()], Alignment::Step, out));
    // A batch and an evaluation of both data sets have losses that are no numbers.
    for part in
        [">× 3 not finite · log y · smooth 0.9</text>", ">×</text>", ">①</text>", ">λ 0 → 3</text>", ">ⓐ</text>"]
    {
        assert!(svg.contains(part), "no {part} in {svg}");
    }
    for part in [">train 0.750</text>", ">validation 1.50</text>", ">① step 3: λ 0 → 3 · ⓐ step 6: two"] {
        assert!(svg.contains(part), "no {part} in {svg}");
    }
    assert!(
        svg.contains(" · ② step 6: λ fc1.weight 3 → 0.3 · ③ step 6: ") && !svg.contains("NaN") && !svg.contains("inf"),
        "{svg}"
    );
}

#[test]
fn a_picture_of_several_sessions_has_their_curves_over_each_other() {
    let folder = TempDir::new().unwrap();
    let sessions = ["one", "other"].map(|name| {
        let path = folder.path().join(format!("{name}.wdtop"));
        record(&path, run());
        Session::open(&path).unwrap()
    });
    let picture = |charts: &[String], align| text(|out| to_svg(&sessions, charts, align, out));
    let svg = picture(&[], Alignment::Edit(1));
    for part in [">validation/loss</text>", ">a 1.50</text>", ">b 1.50</text>", ">steps since edit</text>"] {
        assert!(svg.contains(part), "no {part} in {svg}");
    }
    assert!(svg.contains(">a one · b other · a① +0 steps: λ 0 → 3"), "{svg}");
    for (align, name) in [(Alignment::Epoch, "epoch"), (Alignment::Time, "time")] {
        assert!(picture(&["fc1.weight/norm".into()], align).contains(&format!(">{name}</text>")), "{name}");
    }
    // The norm of which tensor?
    let wrong = to_svg(&sessions, &["norm".into()], Alignment::Step, &mut Vec::new()).unwrap_err().to_string();
    assert!(wrong.contains("no session has a column `norm`") && wrong.contains("fc1.weight/norm"), "{wrong}");
}

#[test]
fn a_report_tells_results_edits_evaluations_and_settings() {
    let (_folder, session) = recorded();
    let report = text(|out| to_markdown(&session, out));
    for part in [
        "# a\n\nStarted 2020-11-23T15:30:37Z.\n\n> the \\*first\\* one\n\n## Results\n",
        "| best validation loss | 0.7000 |",
        "\n## Edits\n\n| step | a |\n| ---: | --- |\n| 3 | λ 0 → 3 |\n",
        "| 3 | 1.5 | 0.7500 | 90.00 % | 1.500 | 50.00 % |",
        "| optimizer.hyper.beta1 | 0.9 |",
        "\n## What decay does in the last update\n\n| tensor | ‖w‖ |",
    ] {
        assert!(report.contains(part), "no {part} in\n{report}");
    }
    // A row for each tensor, with the numbers of the CSV table's last row and the last spectrum's.
    let rows: Vec<&str> = report.lines().filter(|line| line.starts_with("| fc1.")).collect();
    assert_eq!(rows.len(), session.tensors().len(), "{report}");
    let csv = text(|out| to_csv(&session, CsvTable::Diagnostics, out));
    let (head, last) = (csv.lines().next().unwrap(), csv.lines().last().unwrap());
    let rotation = head.split(',').zip(last.split(',')).find(|(key, _)| *key == "fc1.weight/rotation").unwrap().1;
    let rotation = crate::record::table::significant(rotation.parse().unwrap(), 3);
    let cells: Vec<&str> = rows[0].split('|').map(str::trim).collect();
    assert_eq!((cells[6], cells[12], cells[13]), (&*rotation, "2.25", "1.50"), "{report}");
}

#[test]
fn tensorboard_events_read_back() {
    let (folder, session) = recorded();
    let run = folder.path().join("runs").join("a");
    write_run(&run, Existing::Keep, |out| to_tensorboard(&session, out)).unwrap();
    let again = Session::open(&import_into(folder.path(), "again", &run).unwrap()).unwrap();
    let values = |name: &str| {
        let curve = again.curves(&[name]).unwrap().remove(0);
        curve.iter().map(|point| (point.step, point.value as f32)).collect::<Vec<_>>()
    };
    assert_eq!(values("validation/accuracy"), [(3, 0.5), (7, 0.1)]);
    assert_eq!(values("fc1.weight/spectral_norm"), [(3, 2.25)]);
    assert_eq!(values("edits/weight_decay"), [(3, 3.0)]);
    assert_eq!(values("edits/weight_decay/fc1.bias"), [(6, 0.0)]);
    assert_eq!(values("norm/fc1.weight").len(), 7);
    // Diagnostics are there as the CSV table has them, where they are.
    let csv = text(|out| to_csv(&session, CsvTable::Diagnostics, out));
    let head: Vec<&str> = csv.lines().next().unwrap().split(',').collect();
    let mut compared = 0;
    for (at, name) in head.iter().enumerate().skip(1) {
        let (tensor, name) = name.split_once('/').unwrap();
        let cells = csv.lines().skip(1).filter_map(|line| line.split(',').nth(at)?.parse::<f64>().ok());
        let wanted: Vec<f32> = cells.map(|value| value as f32).collect();
        let found: Vec<f32> = values(&format!("{name}/{tensor}")).iter().map(|(_, value)| *value).collect();
        assert_eq!(found, wanted, "{name} of {tensor}");
        compared += wanted.len();
    }
    assert!(compared > 35, "{compared} values of diagnostics");
    assert_eq!(again.imported().unwrap().started.as_deref(), Some("2020-11-23T15:30:37.033Z"));
}

#[test]
fn an_output_that_is_there_is_kept_and_a_failed_one_leaves_nothing() {
    let (folder, session) = recorded();
    let file = folder.path().join("a.csv");
    fs::write(&file, "a year of work").unwrap();
    let write = |out: &mut dyn std::io::Write| to_csv(&session, CsvTable::Steps, out);
    let error = write_file(&file, Existing::Keep, write).unwrap_err().to_string();
    assert!(error.ends_with("exists already; choose another path, or use --force"), "{error}");
    assert_eq!(fs::read_to_string(&file).unwrap(), "a year of work");
    let failing = |out: &mut dyn std::io::Write| {
        out.write_all(b"half").unwrap();
        Err(Error::Export { source: std::io::Error::other("full") })
    };
    assert!(write_file(&file, Existing::Replace, failing).is_err());
    assert_eq!(fs::read_to_string(&file).unwrap(), "a year of work");
    assert!(write_run(&folder.path().join("run"), Existing::Keep, failing).is_err());
    assert!(write_file(folder.path(), Existing::Replace, write).unwrap_err().to_string().contains("is no file"));
    write_file(&file, Existing::Replace, write).unwrap();
    assert!(fs::read_to_string(&file).unwrap().starts_with("step,"));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
}

#[test]
fn spectra_are_curves_where_they_were_recorded() {
    let (_folder, session) = recorded();
    let names = ["fc1.weight/spectral_norm", "fc1.weight/stable_rank"];
    assert!(names.iter().all(|name| session.columns().iter().any(|column| column == name)));
    let curves = session.curves(&names).unwrap();
    assert_eq!(
        curves.iter().map(|curve| (curve[0].step, curve[0].epoch, curve[0].value)).collect::<Vec<_>>(),
        [(3, 1.5, 2.25), (3, 1.5, 1.5)]
    );
    // A recording from before there were any.
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("old.wdtop");
    let old = |event: &Event| !matches!(event.what, What::Spectrum(_));
    record(&path, sample::run().into_iter().filter(old).collect());
    let session = Session::open(&path).unwrap();
    assert!(session.columns().iter().all(|column| !column.contains("spectral")));
    assert!(session.curves(&names).unwrap().iter().all(Vec::is_empty));
    assert_eq!(text(|out| to_csv(&session, CsvTable::Spectrum, out)).lines().count(), 1);
}

#[test]
fn a_run_without_updates_is_exported_too() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("a.wdtop");
    record(&path, vec![What::Started(Box::new(sample::description())).into(), steps(0..0)]);
    let session = Session::open(&path).unwrap();
    assert!(text(|out| to_csv(&session, CsvTable::Steps, out)).starts_with("step,epoch,"));
    assert!(text(|out| to_markdown(&session, out)).contains("## Evaluations\n\nnone\n"));
    assert_eq!(text(|out| to_json_lines(&session, out)).lines().count(), 1);
    assert!(!text(|out| to_tensorboard(&session, out)).is_empty());
}
