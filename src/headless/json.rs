//! JSON lines: each event as it is serialised, and updates as objects of their own.

use std::io::{self, Write};

use serde::{Serialize, Serializer};

use super::Printer;
use crate::diagnostics::{Reader, Reading};
use crate::stream::{Event, StepBatch, What, number};

/// Writes JSON lines.
pub(super) struct Json<W> {
    out: W,
    every: u64,
    tensors: Vec<String>,
    reader: Option<Reader>,
}

/// An update as one JSON object.
#[derive(Serialize)]
struct StepLine<'a> {
    event: &'static str,
    step: u64,
    #[serde(with = "number")]
    epoch: f64,
    #[serde(with = "number")]
    seconds: f64,
    #[serde(with = "number")]
    loss: f64,
    #[serde(with = "number")]
    accuracy: f64,
    #[serde(with = "number")]
    penalty: f64,
    #[serde(with = "number")]
    lr: f64,
    #[serde(with = "number")]
    weight_decay: f64,
    tensors: Vec<TensorEntry<'a>>,
    branch: u32,
}

#[derive(Serialize)]
struct TensorEntry<'a> {
    name: &'a str,
    #[serde(with = "number")]
    norm: f64,
    #[serde(with = "number")]
    grad_norm: f64,
    #[serde(with = "number")]
    update_ratio: f64,
    diagnostics: Diagnostics,
}

/// A reading's values by name; what there is not has no key.
struct Diagnostics(Option<Reading>);

#[derive(Serialize)]
#[serde(transparent)]
struct Float(#[serde(with = "number")] f64);

impl Serialize for Diagnostics {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let values = self.0.iter().flat_map(|reading| Reading::ALL.iter().map(|(name, value)| (*name, value(reading))));
        serializer.collect_map(values.filter(|(_, value)| !value.is_nan()).map(|(name, value)| (name, Float(value))))
    }
}

impl<W: Write> Json<W> {
    pub(super) fn new(out: W, every: u64) -> Self {
        Json { out, every, tensors: Vec::new(), reader: None }
    }

    fn print_steps(&mut self, batch: &StepBatch, branch: u32) -> io::Result<()> {
        if self.every == 0 {
            return Ok(());
        }
        for (row, sums) in batch.iter() {
            // Averages and memories need every update, told or not.
            let readings = self.reader.as_mut().map_or_else(Vec::new, |reader| reader.read(row, sums));
            if !row.step.is_multiple_of(self.every) {
                continue;
            }
            let tensors = self.tensors.iter().zip(sums).enumerate().map(|(at, (name, sums))| TensorEntry {
                name,
                norm: sums.norm(),
                grad_norm: sums.grad_norm(),
                update_ratio: sums.update_ratio(),
                diagnostics: Diagnostics(readings.get(at).copied()),
            });
            let line = StepLine {
                event: "step",
                step: row.step,
                epoch: row.epoch,
                seconds: row.seconds,
                loss: row.loss,
                accuracy: row.accuracy,
                penalty: row.penalty,
                lr: row.lr,
                weight_decay: row.weight_decay,
                tensors: tensors.collect(),
                branch,
            };
            serde_json::to_writer(&mut self.out, &line)?;
            self.out.write_all(b"\n")?;
        }
        Ok(())
    }
}

impl<W: Write> Printer for Json<W> {
    fn print(&mut self, event: &Event) -> io::Result<()> {
        match &event.what {
            What::Steps(batch) => return self.print_steps(batch, event.branch),
            // Not of the run: only a failure to record is worth a line.
            What::Recording { trouble: None, .. } => return Ok(()),
            What::Started(description) => {
                self.tensors = description.tensors.iter().map(|tensor| tensor.name.clone()).collect();
                self.reader = Some(Reader::new(description));
            }
            what => {
                if let Some(reader) = &mut self.reader {
                    reader.take(what);
                }
            }
        }
        serde_json::to_writer(&mut self.out, event)?;
        self.out.write_all(b"\n")?;
        self.out.flush()
    }
}
