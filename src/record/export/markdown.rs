//! A report of one session for a document.

use std::io::Write;

use super::unwritten;
use crate::chart::digits::thousands;
use crate::record::curves::Diagnosis;
use crate::record::error::Error;
use crate::record::table::{Cell, Mark, Side, Table, brief, significant};
use crate::record::{Best, Session, compare, notes, settings};
use crate::stream::{Evaluation, TensorSums, printable};

/// Evaluations that a report shows.
const MOST_EVALUATIONS: usize = 20;

/// Writes a report: what the session came to, its edits and evaluations, what decay does to each tensor in the end, its
/// settings.
///
/// # Errors
/// Where a file of the session cannot be read, or the writer fails.
pub fn to_markdown(session: &Session, out: &mut dyn Write) -> Result<(), Error> {
    let comparison = compare(std::slice::from_ref(session))?;
    let mut text = format!("# {}\n\nStarted {}.\n", escaped(&session.name), escaped(session.started()));
    for note in notes(&session.path)? {
        text.push_str(&format!("\n> {}\n", escaped(&note)));
    }
    let mut part = |title: &str, table: &Table| {
        text.push_str(&format!("\n## {title}\n\n"));
        text.push_str(&if table.rows.len() > 1 { table.to_markdown() } else { "none\n".to_owned() });
    };
    part("Results", &comparison.values());
    part("Edits", &comparison.edit_table());
    part("Evaluations", &evaluations(session, comparison.sessions.first().and_then(|session| session.best_loss)));
    if session.imported().is_none() {
        part("What decay does in the last update", &diagnostics(session)?);
    }
    let mut table = Table { sides: vec![Side::Left; 2], rows: vec![["setting", "value"].map(Cell::text).to_vec()] };
    table.rows.extend(settings(session).into_iter().map(|(key, value)| vec![Cell::text(key), Cell::text(value)]));
    part("Settings", &table);
    out.write_all(text.as_bytes()).map_err(unwritten)
}

/// Evaluations at even distances, the first, the best and the last among them.
fn evaluations(session: &Session, best: Option<Best>) -> Table {
    let header = ["step", "epoch", "train loss", "train accuracy", "validation loss", "validation accuracy"];
    let mut table = Table { sides: vec![Side::Right; header.len()], rows: vec![header.map(Cell::text).to_vec()] };
    let all: Vec<&Evaluation> = session.evaluations().collect();
    let every = all.len().div_ceil(MOST_EVALUATIONS).max(1);
    let best_step = best.map(|best| best.step);
    for (at, evaluation) in all.iter().enumerate() {
        let is_best = Some(evaluation.step) == best_step;
        if !(at.is_multiple_of(every) || is_best || at + 1 == all.len()) {
            continue;
        }
        let loss = |value: f64| Cell::text(significant(value, 4));
        let share = |value: f64| Cell::text(format!("{:.2} %", 100.0 * value));
        table.rows.push(vec![
            Cell::text(thousands(evaluation.step)),
            Cell::text(brief(evaluation.epoch)),
            loss(evaluation.train.loss),
            share(evaluation.train.accuracy),
            loss(evaluation.validation.loss).marked(if is_best { Mark::Best } else { Mark::Plain }),
            share(evaluation.validation.accuracy),
        ]);
    }
    table
}

/// Of each tensor the measures and predictions that tell most, as of the last update, and its spectrum as it was
/// measured last. The predictions ‖w‖\*, θ\* and what is foretold, which is ‖w‖\* or of Lion √m‖w‖\*, hold for scale-invariant
/// tensors; where another one's norm settles is a trend.
fn diagnostics(session: &Session) -> Result<Table, Error> {
    let run = session.run()?;
    let columns: [&str; 13] = [
        "tensor",
        "‖w‖",
        "‖w‖\\*",
        "‖w‖ foretold",
        "trend of ‖w‖",
        "θ",
        "θ\\*",
        "scale-invariant",
        "decay pull",
        "τ (steps)",
        "memory of the start",
        "σ₁",
        "stable rank",
    ];
    let mut sides = vec![Side::Right; columns.len()];
    sides[0] = Side::Left;
    let mut table = Table { sides, rows: vec![columns.map(Cell::text).to_vec()] };
    let mut diagnosis = Diagnosis::new(run, &session.events);
    let mut last = None;
    for stretch in session.steps()? {
        let readings = diagnosis.read(&stretch.batch);
        if let Some(((_, sums), readings)) = stretch.batch.iter().zip(readings).last() {
            let norms: Vec<f64> = sums.iter().map(TensorSums::norm).collect();
            last = Some((norms, readings));
        }
    }
    let Some((norms, readings)) = last else { return Ok(table) };
    let spectra = session.spectra().last();
    for ((tensor, norm), reading) in run.tensors.iter().zip(norms).zip(&readings) {
        let spectrum = spectra.and_then(|spectra| spectra.of(&tensor.name));
        let number = |value: f64| match value {
            value if value.is_nan() => Cell::missing(),
            f64::INFINITY => Cell::text("∞"),
            value => Cell::text(significant(value, 3)),
        };
        let invariant = match reading.scale_invariant {
            value if value.is_nan() => Cell::missing(),
            0.0 => Cell::text("no"),
            _ => Cell::text("yes"),
        };
        table.rows.push(vec![
            Cell::text(escaped(&tensor.name)),
            number(norm),
            number(reading.equilibrium_norm),
            number(reading.foretold_norm),
            number(reading.trend_norm),
            number(reading.rotation),
            number(reading.equilibrium_rotation),
            invariant,
            number(reading.decay_pull),
            number(reading.timescale),
            number(reading.memory_of_start),
            number(spectrum.map_or(f64::NAN, |spectrum| spectrum.norm)),
            number(spectrum.map_or(f64::NAN, |spectrum| spectrum.stable_rank)),
        ]);
    }
    Ok(table)
}

/// Text in which Markdown finds nothing to obey.
fn escaped(text: &str) -> String {
    let special = |c: char| r"\`*_{}[]<>#|".contains(c);
    printable(text).chars().flat_map(|c| special(c).then_some('\\').into_iter().chain([c])).collect()
}
