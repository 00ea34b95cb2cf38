//! A progress bar for a terminal.

use std::io::{self, Write};

use indicatif::{ProgressBar, ProgressStyle};

use super::lines::say;
use super::{Printer, percent, send_line};
use crate::stream::{Event, What, printable};

/// A bar on standard error while lines go to standard output.
pub(super) struct Progress<W> {
    out: W,
    bar: ProgressBar,
}

impl<W: Write> Progress<W> {
    pub(super) fn new(out: W) -> Self {
        Progress { out, bar: ProgressBar::hidden() }
    }
}

impl<W: Write> Printer for Progress<W> {
    fn print(&mut self, event: &Event) -> io::Result<()> {
        match &event.what {
            What::Started(description) => self.bar = bar(description.total_steps),
            What::Steps(batch) => {
                if let Some(row) = batch.rows().last() {
                    self.bar.set_position(row.step + 1);
                    self.bar.set_prefix(format!("loss {:.4}", row.loss));
                }
            }
            What::Evaluated(evaluation) => {
                let score = evaluation.validation;
                self.bar.set_message(format!("validation {:.4} {}", score.loss, percent(score.accuracy)));
            }
            What::Recording { trouble: Some(trouble), .. } => {
                // Nobody to warn is no reason to stop, nor to panic as `eprintln!` would.
                let warning = format!("warning: {}", printable(trouble));
                let _ = self.bar.suspend(|| send_line(&mut io::stderr(), &warning));
            }
            What::Finished(_) | What::Failed { .. } => self.bar.finish_and_clear(),
            _ => {}
        }
        let (bar, out) = (&self.bar, &mut self.out);
        let lines = say(&event.what);
        if lines.is_empty() {
            return Ok(());
        }
        bar.suspend(|| lines.iter().try_for_each(|line| send_line(out, line)))
    }
}

fn bar(total: Option<u64>) -> ProgressBar {
    let (bar, template) = match total {
        Some(total) => {
            (ProgressBar::new(total), "{bar:24} {human_pos}/{human_len} steps  {per_sec}  {eta} left  {prefix}  {msg}")
        }
        None => (ProgressBar::new_spinner(), "{spinner} {human_pos} steps  {per_sec}  {elapsed}  {prefix}  {msg}"),
    };
    // A template that indicatif does not understand leaves its own.
    let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    bar.with_style(style)
}
