//! Plain lines, for files and for people who read them there.

use std::io::{self, Write};

use super::{Printer, percent, send_line};
use crate::stream::{Columns, Description, Edit, Evaluation, Event, Refusal, Summary, What, printable};

/// Writes plain lines; warnings go to a writer of their own.
pub(super) struct Lines<W, E> {
    out: W,
    warnings: E,
    /// Step and time of the last evaluation, for the speed since.
    before: (u64, f64),
}

impl<W: Write, E: Write> Lines<W, E> {
    pub(super) fn new(out: W, warnings: E) -> Self {
        Lines { out, warnings, before: (0, 0.0) }
    }

    fn print_evaluation(&mut self, evaluation: &Evaluation) -> io::Result<()> {
        let (step, seconds) = self.before;
        self.before = (evaluation.step, evaluation.seconds);
        let speed = evaluation.step.saturating_sub(step) as f64 / (evaluation.seconds - seconds);
        let speed = if speed.is_finite() && speed > 0.0 { format!("   {speed:.1} steps/s") } else { String::new() };
        let Evaluation { step, epoch, train, validation, .. } = evaluation;
        let line = format!(
            "step {step:>7}   epoch {epoch:>7.2}   train {:.4} {:>8}   validation {:.4} {:>8}{speed}",
            train.loss,
            percent(train.accuracy),
            validation.loss,
            percent(validation.accuracy),
        );
        send_line(&mut self.out, &line)
    }
}

impl<W: Write, E: Write> Printer for Lines<W, E> {
    fn print(&mut self, event: &Event) -> io::Result<()> {
        match &event.what {
            What::Evaluated(evaluation) => self.print_evaluation(evaluation),
            What::Recording { trouble: Some(trouble), .. } => {
                // Nobody to warn is no reason to stop.
                let _ = send_line(&mut self.warnings, &format!("warning: {}", printable(trouble)));
                Ok(())
            }
            what => say(what).iter().try_for_each(|line| send_line(&mut self.out, line)),
        }
    }
}

/// The lines for an event that is neither statistics nor an evaluation.
pub(super) fn say(what: &What) -> Vec<String> {
    match what {
        What::Started(description) => introduce(description),
        What::Edited(edit) => vec![describe_edit(edit)],
        What::Refused(Refusal { step, reason, .. }) => vec![format!("step {step:>7}   refused: {}", printable(reason))],
        What::Paced { step, pace, .. } if *pace > 0.0 => vec![format!("step {step:>7}   pace {pace} steps/s")],
        What::Paced { step, .. } => vec![format!("step {step:>7}   pace: as fast as it goes")],
        What::Columns { step, columns: Columns::Kept, .. } => {
            vec![format!("step {step:>7}   columns are recorded again")]
        }
        What::Columns { step, columns: Columns::LeftOut, .. } => {
            vec![format!("step {step:>7}   columns are not recorded from here on: R records them again")]
        }
        What::Paused { step, .. } => vec![format!("step {step:>7}   paused")],
        What::Resumed { step, .. } => vec![format!("step {step:>7}   resumed")],
        What::Noted { step, text, .. } => vec![format!("step {step:>7}   note: {}", printable(text))],
        What::Snapshot { step, .. } => vec![format!("step {step:>7}   snapshot")],
        What::Restored { step, to, .. } => vec![format!("step {step:>7}   back to the snapshot of step {to}")],
        What::Skipped { step, .. } => vec![format!("step {step:>7}   its batch was left out")],
        What::Alert(alert) => {
            let line =
                format!("step {:>7}   {}: {}", alert.step, alert.describe(|value| format!("{value:.3e}")), alert.hint);
            vec![printable(&line).into_owned()]
        }
        What::Diverged { step, what, weights, .. } => {
            vec![format!("step {step:>7}   diverged: {} is not finite; {weights}", printable(what))]
        }
        What::Finished(summary) => summarise(summary),
        What::Failed { step, message } => vec![format!("step {step:>7}   failed: {}", printable(message))],
        What::Steps(_) | What::Evaluated(_) | What::Spectrum(_) | What::Recording { .. } => Vec::new(),
    }
}

fn introduce(run: &Description) -> Vec<String> {
    let config = &run.config;
    let noisy = match run.data.noisy_labels {
        0 => String::new(),
        noisy => format!(", {noisy} labels redrawn"),
    };
    let left_out = match run.data.left_out {
        0 => String::new(),
        left_out => format!(", {left_out} left out for missing values"),
    };
    let lines = [
        format!(
            "{}: {} ({} parameters) on {} ({} training and {} validation samples{noisy}{left_out})",
            config.recipe,
            config.model,
            run.parameters(),
            run.data.title,
            run.data.train,
            run.data.validation,
        ),
        format!(
            "{} ({}), η {}, λ {} ({}, decays {}), batch {}, seed {}, threads {}",
            config.optimizer.name,
            config.optimizer.convention,
            config.lr,
            config.weight_decay,
            config.optimizer.decay_mode,
            config.decay,
            config.batch,
            config.seed,
            run.options.threads,
        ),
    ];
    lines.iter().map(|line| printable(line).into_owned()).collect()
}

fn describe_edit(edit: &Edit) -> String {
    let line = edit.describe(|value| value.to_string());
    format!("step {:>7}   {}", edit.step, printable(&line))
}

fn summarise(summary: &Summary) -> Vec<String> {
    let norms: Vec<String> =
        summary.tensors.iter().map(|tensor| format!("{} {:.4}", tensor.name, tensor.norm)).collect();
    let lines = [
        format!(
            "{} after {} steps, {:.2} epochs, {:.1} s, {:.0} samples/s",
            summary.reason, summary.steps, summary.epochs, summary.seconds, summary.samples_per_second
        ),
        format!("train       {:.4} {:>8}", summary.train.loss, percent(summary.train.accuracy)).trim_end().to_owned(),
        format!("validation  {:.4} {:>8}", summary.validation.loss, percent(summary.validation.accuracy))
            .trim_end()
            .to_owned(),
        format!("norms       {}", norms.join("   ")),
        format!("weights     {}", summary.digest),
    ];
    lines.iter().map(|line| printable(line).into_owned()).collect()
}
