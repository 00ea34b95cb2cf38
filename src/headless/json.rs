//! JSON lines: each event as it is serialised, and updates as objects of their own.

use std::io::{self, Write};

use serde::Serialize;

use super::Printer;
use crate::stream::{Event, StepBatch, What, number};

/// Writes JSON lines.
pub(super) struct Json<W> {
    out: W,
    every: u64,
    tensors: Vec<String>,
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
}

impl<W: Write> Json<W> {
    pub(super) fn new(out: W, every: u64) -> Self {
        Json { out, every, tensors: Vec::new() }
    }

    fn print_steps(&mut self, batch: &StepBatch, branch: u32) -> io::Result<()> {
        for (row, sums) in batch.iter().filter(|(row, _)| self.every > 0 && row.step.is_multiple_of(self.every)) {
            let tensors = self.tensors.iter().zip(sums).map(|(name, sums)| TensorEntry {
                name,
                norm: sums.norm(),
                grad_norm: sums.grad_norm(),
                update_ratio: sums.update_ratio(),
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
            }
            _ => {}
        }
        serde_json::to_writer(&mut self.out, event)?;
        self.out.write_all(b"\n")?;
        self.out.flush()
    }
}
