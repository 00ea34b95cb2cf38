//! TensorBoard event files: scalars for each update, diagnostics among them, and each evaluation, edits as scalars and text,
//! notes and settings as text.
//!
//! A tag's first part is its group on TensorBoard's page: the norms of all tensors stand together as `norm/TENSOR`, and
//! beside them `rotation/TENSOR` and every other measure and prediction.

use std::io::Write;

use jiff::Timestamp;

use super::{scalar, unwritten};
use crate::diagnostics::Reading;
use crate::record::curves::Diagnosis;
use crate::record::error::Error;
use crate::record::table::plain;
use crate::record::tensorboard::{EventWriter, Summary};
use crate::record::{Session, notes, settings};
use crate::stream::{Edit, Event, Scope, StepRow, TensorInfo, TensorSums, What};

/// Writes the events of a session.
///
/// # Errors
/// Where a file of the session cannot be read, or the writer fails.
pub fn to_tensorboard(session: &Session, out: &mut dyn Write) -> Result<(), Error> {
    let started = session.started().parse::<Timestamp>().map_or(0.0, |time| time.as_duration().as_secs_f64());
    let mut board = Board { events: EventWriter::create(out, started).map_err(unwritten)?, started };
    board.write_texts(session)?;
    if session.imported().is_some() { board.write_imported(session) } else { board.write_run(session) }
}

struct Board<'a> {
    events: EventWriter<'a>,
    /// Unix time.
    started: f64,
}

impl Board<'_> {
    /// Settings and notes, at step 0.
    fn write_texts(&mut self, session: &Session) -> Result<(), Error> {
        let mut table = "| setting | value |\n| --- | --- |\n".to_owned();
        for (key, value) in settings(session) {
            table.push_str(&format!("| {} | {} |\n", key.replace('|', "\\|"), value.replace('|', "\\|")));
        }
        let mut summary = Summary::default();
        summary.add_text("settings", &table);
        let about = notes(&session.path)?;
        if !about.is_empty() {
            summary.add_text("about", &about.join("\n\n"));
        }
        self.write(0, 0.0, &summary)
    }

    fn write_run(&mut self, session: &Session) -> Result<(), Error> {
        let tensors: Vec<[String; 4]> = session
            .tensors()
            .iter()
            .map(|tensor| ["norm", "grad_norm", "update_ratio", "decay"].map(|name| format!("{name}/{tensor}")))
            .collect();
        let run = session.run()?;
        let of_tensor = |tensor: &TensorInfo| Reading::ALL.map(|(name, _)| format!("{name}/{}", tensor.name));
        let diagnosed: Vec<_> = run.tensors.iter().map(of_tensor).collect();
        let mut diagnosis = Diagnosis::new(run, &session.events);
        let mut events = session.events.iter().peekable();
        for stretch in session.steps()? {
            let readings = diagnosis.read(&stretch.batch);
            for ((row, sums), readings) in stretch.batch.iter().zip(&readings) {
                while let Some(event) = events.next_if(|event| event.what.step() <= Some(row.step)) {
                    self.write_event(event)?;
                }
                let mut summary = summary_of(row, sums, &tensors);
                for (tags, reading) in diagnosed.iter().zip(readings) {
                    for (tag, (_, value)) in tags.iter().zip(Reading::ALL) {
                        // What there is not has no point.
                        let value = Some(value(reading)).filter(|value| !value.is_nan());
                        value.iter().for_each(|value| summary.add_scalar(tag, *value));
                    }
                }
                self.write(row.step, row.seconds, &summary)?;
            }
        }
        events.try_for_each(|event| self.write_event(event))
    }

    fn write_event(&mut self, event: &Event) -> Result<(), Error> {
        let mut summary = Summary::default();
        let (step, seconds) = match &event.what {
            What::Evaluated(evaluation) => {
                summary.add_scalar("validation/loss", evaluation.validation.loss);
                summary.add_scalar("validation/accuracy", evaluation.validation.accuracy);
                summary.add_scalar("train/loss", evaluation.train.loss);
                summary.add_scalar("train/accuracy", evaluation.train.accuracy);
                (evaluation.step, evaluation.seconds)
            }
            What::Spectrum(spectra) => {
                for spectrum in &spectra.tensors {
                    summary.add_scalar(&format!("{}/spectral_norm", spectrum.name), spectrum.norm);
                    summary.add_scalar(&format!("{}/stable_rank", spectrum.name), spectrum.stable_rank);
                }
                (spectra.step, spectra.seconds)
            }
            What::Edited(edit) => {
                summary.add_scalar(&tag_of(edit), edit.to);
                summary.add_text("edits", &edit.describe(plain));
                (edit.step, edit.seconds)
            }
            What::Noted { step, seconds, text } => {
                summary.add_text("notes", text);
                (*step, *seconds)
            }
            What::Diverged { step, seconds, what, weights } => {
                summary.add_text("diverged", &format!("{what} is not finite; {weights}"));
                (*step, *seconds)
            }
            _ => return Ok(()),
        };
        self.write(step, seconds, &summary)
    }

    fn write_imported(&mut self, session: &Session) -> Result<(), Error> {
        let names = session.columns();
        for batch in session.batches()? {
            let value = |name: &str, row| batch.column_by_name(name).and_then(|column| scalar(column, row));
            for row in 0..batch.num_rows() {
                let mut summary = Summary::default();
                for name in &names {
                    value(name, row).iter().for_each(|value| summary.add_scalar(name, value.as_f64()));
                }
                let step = value("step", row).map_or(0.0, |step| step.as_f64()) as u64;
                let seconds = value("seconds", row).map_or(0.0, |seconds| seconds.as_f64());
                self.write(step, seconds, &summary)?;
            }
        }
        Ok(())
    }

    fn write(&mut self, step: u64, seconds: f64, summary: &Summary) -> Result<(), Error> {
        self.events.write(self.started + seconds, step, summary).map_err(unwritten)
    }
}

/// What an update recorded of the network and of each tensor.
fn summary_of(row: &StepRow, sums: &[TensorSums], tensors: &[[String; 4]]) -> Summary {
    let mut summary = Summary::default();
    let of_network = [
        ("batch/loss", row.loss),
        ("batch/accuracy", row.accuracy),
        ("penalty", row.penalty),
        ("lr", row.lr),
        ("weight_decay", row.weight_decay),
        ("epoch", row.epoch),
    ];
    of_network.iter().for_each(|(tag, value)| summary.add_scalar(tag, *value));
    for (tags, sums) in tensors.iter().zip(sums) {
        let values = [sums.norm(), sums.grad_norm(), sums.update_ratio(), sums.decay];
        tags.iter().zip(values).for_each(|(tag, value)| summary.add_scalar(tag, value));
    }
    summary
}

/// `edits/weight_decay`, and `edits/weight_decay/fc1` where a layer or a tensor was edited.
fn tag_of(edit: &Edit) -> String {
    match &edit.scope {
        Scope::All => format!("edits/{}", edit.knob.key()),
        scope => format!("edits/{}/{scope}", edit.knob.key()),
    }
}
