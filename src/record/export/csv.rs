//! CSV as RFC 4180 has it: a header, then a row for each update, evaluation or edit.

use std::io::{self, Write};

use super::{Scalar, scalar, unwritten};
use crate::diagnostics::Reading;
use crate::record::Session;
use crate::record::curves::Diagnosis;
use crate::record::error::Error;

/// What the rows are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum CsvTable {
    /// A row for each update, the columns of the step files.
    #[default]
    Steps,
    /// A row for each evaluation.
    Evaluations,
    /// A row for each edit.
    Edits,
    /// A row for each evaluation, `TENSOR/spectral_norm` and `TENSOR/stable_rank` of every matrix.
    Spectrum,
    /// A row for each update, `TENSOR/rotation` and every other measure and prediction of diagnostics.
    Diagnostics,
}

/// Writes one table of a session. A missing value is empty; one that is not finite is `NaN`, `inf` or `-inf`, as pandas
/// and polars read it.
///
/// # Errors
/// Where a step file cannot be opened, or the writer fails.
pub fn to_csv(session: &Session, table: CsvTable, out: &mut dyn Write) -> Result<(), Error> {
    match table {
        CsvTable::Steps => write_steps(session, out),
        CsvTable::Evaluations => write_evaluations(session, out).map_err(unwritten),
        CsvTable::Spectrum => write_spectra(session, out),
        CsvTable::Edits => write_edits(session, out).map_err(unwritten),
        CsvTable::Diagnostics => write_diagnostics(session, out),
    }
}

fn write_steps(session: &Session, out: &mut dyn Write) -> Result<(), Error> {
    let names = session.batches()?.column_names()?;
    write_row(out, names.iter().map(|name| quoted(name))).map_err(unwritten)?;
    for batch in session.batches()? {
        let columns: Vec<_> = names.iter().map(|name| batch.column_by_name(name)).collect();
        for row in 0..batch.num_rows() {
            let cell =
                |column: &Option<_>| column.and_then(|column| scalar(column, row)).map_or_else(String::new, plain);
            write_row(out, columns.iter().map(cell)).map_err(unwritten)?;
        }
    }
    Ok(())
}

fn write_diagnostics(session: &Session, out: &mut dyn Write) -> Result<(), Error> {
    let run = session.run()?;
    let columns = run.tensors.iter().flat_map(|tensor| Reading::ALL.map(|(name, _)| format!("{}/{name}", tensor.name)));
    let head = std::iter::once("step".to_owned()).chain(columns.map(|name| quoted(&name)));
    write_row(out, head).map_err(unwritten)?;
    let mut diagnosis = Diagnosis::new(run, &session.events);
    for stretch in session.steps()? {
        for (row, readings) in stretch.batch.rows().iter().zip(diagnosis.read(&stretch.batch)) {
            let values = readings.iter().flat_map(|reading| Reading::ALL.map(|(_, value)| value(reading)));
            // What there is not is empty.
            let cell = |value: f64| if value.is_nan() { String::new() } else { value.to_string() };
            write_row(out, std::iter::once(row.step.to_string()).chain(values.map(cell))).map_err(unwritten)?;
        }
    }
    Ok(())
}

fn write_evaluations(session: &Session, out: &mut dyn Write) -> io::Result<()> {
    out.write_all(b"step,epoch,seconds,train_loss,train_accuracy,validation_loss,validation_accuracy\n")?;
    for at in session.evaluations() {
        let (train, validation) = (at.train, at.validation);
        let values = [at.epoch, at.seconds, train.loss, train.accuracy, validation.loss, validation.accuracy];
        write_row(out, std::iter::once(at.step.to_string()).chain(values.map(|value| value.to_string())))?;
    }
    Ok(())
}

fn write_spectra(session: &Session, out: &mut dyn Write) -> Result<(), Error> {
    let matrices = || session.run().map(|run| run.tensors.iter().filter(|tensor| tensor.shape.len() > 1));
    let columns =
        matrices()?.flat_map(|tensor| ["spectral_norm", "stable_rank"].map(|of| format!("{}/{of}", tensor.name)));
    let head = ["step", "seconds"].map(str::to_owned).into_iter().chain(columns.map(|name| quoted(&name)));
    write_row(out, head).map_err(unwritten)?;
    for at in session.spectra() {
        let of_tensor = |name: &str| match at.of(name) {
            Some(spectrum) => [spectrum.norm.to_string(), spectrum.stable_rank.to_string()],
            // What there is not is empty.
            None => [String::new(), String::new()],
        };
        let values = matrices()?.flat_map(|tensor| of_tensor(&tensor.name));
        let row = [at.step.to_string(), at.seconds.to_string()].into_iter().chain(values);
        write_row(out, row).map_err(unwritten)?;
    }
    Ok(())
}

fn write_edits(session: &Session, out: &mut dyn Write) -> io::Result<()> {
    out.write_all(b"step,seconds,knob,scope,from,to,inherits,constant,by\n")?;
    for edit in session.edits() {
        // The names that events have.
        let by = serde_json::to_value(edit.by)?;
        let cells = [
            edit.step.to_string(),
            edit.seconds.to_string(),
            quoted(edit.knob.key()),
            quoted(&edit.scope.to_string()),
            edit.from.to_string(),
            edit.to.to_string(),
            edit.inherits.to_string(),
            edit.constant.to_string(),
            by.as_str().unwrap_or_default().to_owned(),
        ];
        write_row(out, cells.into_iter())?;
    }
    Ok(())
}

fn write_row(out: &mut dyn Write, cells: impl Iterator<Item = String>) -> io::Result<()> {
    for (at, cell) in cells.enumerate() {
        if at > 0 {
            out.write_all(b",")?;
        }
        out.write_all(cell.as_bytes())?;
    }
    out.write_all(b"\n")
}

/// The shortest text that reads back as the same value of its type.
fn plain(value: Scalar) -> String {
    match value {
        Scalar::Whole(value) => value.to_string(),
        Scalar::Narrow(value) => value.to_string(),
        Scalar::Wide(value) => value.to_string(),
    }
}

fn quoted(text: &str) -> String {
    if text.contains([',', '"', '\n', '\r']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text.to_owned() }
}
