//! What a source says: one enum, every variant plain data.

use serde::{Deserialize, Serialize};

use super::alert::Alert;
use super::checkpoint::Checkpoint;
use super::command::{Author, Columns, Knob, Scope};
use super::config::{RunConfig, RunOptions};
use super::distribution::Distribution;
use super::number;
use super::spectra::Spectra;
use super::stats::StepBatch;

/// One thing that happened in a run.
///
/// As JSON it is one flat object whose key `event` names the variant: `{"event":"edited","step":1000,…,"branch":0}`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// What happened.
    #[serde(flatten)]
    pub what: What,
    /// The branch of the run it happened on; 0 is the trunk.
    pub branch: u32,
}

impl From<What> for Event {
    fn from(what: What) -> Self {
        Event { what, branch: 0 }
    }
}

/// The things that can happen. Steps count updates: `step` is the 0-based index of the next update, which is also
/// the number of updates already made. `seconds` is the run's wall time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum What {
    /// The run begins; always the first event.
    Started(Box<Description>),
    /// Statistics of consecutive updates. Not part of the JSON form: columns are kept as columns.
    #[serde(skip)]
    Steps(StepBatch),
    /// Both data sets were evaluated.
    Evaluated(Evaluation),
    /// The singular values of the weights, with an evaluation. Recordings from before there were any have none.
    Spectrum(Spectra),
    /// A hyperparameter changed.
    Edited(Edit),
    /// A command was not taken.
    Refused(Refusal),
    /// The pace changed to this many updates a second; 0 is as fast as it goes.
    Paced {
        /// The next update's index.
        step: u64,
        /// Wall time of the run in seconds.
        #[serde(with = "number")]
        seconds: f64,
        /// The new pace.
        #[serde(with = "number")]
        pace: f64,
    },
    /// From here on the recording keeps the columns of each update, or leaves them out.
    Columns {
        /// The next update's index.
        step: u64,
        /// Wall time of the run in seconds.
        #[serde(with = "number")]
        seconds: f64,
        /// Which of the two.
        columns: Columns,
    },
    /// Training waits.
    Paused {
        /// The next update's index.
        step: u64,
        /// Wall time of the run in seconds.
        #[serde(with = "number")]
        seconds: f64,
    },
    /// Training goes on.
    Resumed {
        /// The next update's index.
        step: u64,
        /// Wall time of the run in seconds.
        #[serde(with = "number")]
        seconds: f64,
    },
    /// The user kept a line of text.
    Noted {
        /// The next update's index.
        step: u64,
        /// Wall time of the run in seconds.
        #[serde(with = "number")]
        seconds: f64,
        /// The line.
        text: String,
    },
    /// A snapshot was taken.
    Snapshot {
        /// The next update's index.
        step: u64,
        /// Wall time of the run in seconds.
        #[serde(with = "number")]
        seconds: f64,
        /// What it holds. Not part of the JSON form, and gone once it is written.
        #[serde(skip)]
        checkpoint: Option<Box<Checkpoint>>,
    },
    /// The weights, the rule's state and running statistics are those of a snapshot again.
    Restored {
        /// The next update's index.
        step: u64,
        /// Wall time of the run in seconds.
        #[serde(with = "number")]
        seconds: f64,
        /// The step of the snapshot.
        to: u64,
    },
    /// The batch of an update was left out: its step has no statistics.
    Skipped {
        /// The index of that update.
        step: u64,
        /// Wall time of the run in seconds.
        #[serde(with = "number")]
        seconds: f64,
    },
    /// Something should not go on like this.
    Alert(Alert),
    /// The loss, a gradient or an update was not finite. The run waits for what to do, or ends.
    Diverged {
        /// The index of the update that was not made, or that went wrong.
        step: u64,
        /// Wall time of the run in seconds.
        #[serde(with = "number")]
        seconds: f64,
        /// The first thing that was not finite, in words: `the output of fc1`, `the gradient of fc1.weight`.
        what: String,
        /// What became of the weights.
        weights: Weights,
    },
    /// The recorder reports on itself; it comes from the recorder, not from the source, and is not recorded.
    Recording {
        /// Bytes written so far.
        bytes: u64,
        /// Why recording stopped, if it did.
        trouble: Option<String>,
    },
    /// The run ended; the last event of a run that did not fail.
    Finished(Box<Summary>),
    /// The source broke down; the last event of a run that did.
    Failed {
        /// The index of the update it broke down in.
        step: u64,
        /// What went wrong.
        message: String,
    },
}

impl What {
    /// Its place in the run: the number of updates made when it happened, of statistics the index of the first. What
    /// comes before the run, or is not of it, has none.
    pub fn step(&self) -> Option<u64> {
        match self {
            What::Started(_) | What::Recording { .. } => None,
            What::Steps(batch) => batch.rows().first().map(|row| row.step),
            What::Evaluated(evaluation) => Some(evaluation.step),
            What::Spectrum(spectra) => Some(spectra.step),
            What::Edited(edit) => Some(edit.step),
            What::Refused(refusal) => Some(refusal.step),
            What::Finished(summary) => Some(summary.steps),
            What::Alert(alert) => Some(alert.step),
            What::Paced { step, .. }
            | What::Columns { step, .. }
            | What::Paused { step, .. }
            | What::Resumed { step, .. }
            | What::Noted { step, .. }
            | What::Snapshot { step, .. }
            | What::Restored { step, .. }
            | What::Skipped { step, .. }
            | What::Diverged { step, .. }
            | What::Failed { step, .. } => Some(*step),
        }
    }

    /// Wall time of the run in seconds when it happened, of statistics that of the first; none where it is not kept.
    pub fn seconds(&self) -> Option<f64> {
        match self {
            What::Started(_) | What::Recording { .. } | What::Refused(_) | What::Failed { .. } => None,
            What::Steps(batch) => batch.rows().first().map(|row| row.seconds),
            What::Evaluated(evaluation) => Some(evaluation.seconds),
            What::Spectrum(spectra) => Some(spectra.seconds),
            What::Edited(edit) => Some(edit.seconds),
            What::Finished(summary) => Some(summary.seconds),
            What::Alert(alert) => Some(alert.seconds),
            What::Paced { seconds, .. }
            | What::Columns { seconds, .. }
            | What::Paused { seconds, .. }
            | What::Resumed { seconds, .. }
            | What::Noted { seconds, .. }
            | What::Snapshot { seconds, .. }
            | What::Restored { seconds, .. }
            | What::Skipped { seconds, .. }
            | What::Diverged { seconds, .. } => Some(*seconds),
        }
    }
}

/// What became of the weights when something was not finite.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Weights {
    /// They are those before the update.
    Kept,
    /// The gradients were finite, but not the update: it has been written.
    Lost,
}

impl std::fmt::Display for Weights {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Weights::Kept => "the weights are those before it",
            Weights::Lost => "the weights are lost",
        })
    }
}

/// All there is to know of a run before its first update.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Description {
    /// What determines the weights.
    pub config: RunConfig,
    /// What does not.
    pub options: RunOptions,
    /// The data as it was loaded.
    pub data: DataInfo,
    /// The parameters, in the order of every per-tensor statistic.
    pub tensors: Vec<TensorInfo>,
    /// The hyperparameters of the update rule that can be turned, besides λ and η.
    pub hyper: Vec<Hyper>,
    /// Updates in an epoch.
    pub steps_per_epoch: u64,
    /// Updates until it ends by itself; `None` while it runs until stopped.
    pub total_steps: Option<u64>,
    /// Where it runs.
    pub machine: Machine,
    /// When it began, RFC 3339.
    pub started: String,
}

impl Description {
    /// Updates between two evaluations.
    pub fn evaluation_period(&self) -> u64 {
        match self.config.evaluate_every {
            0 => self.steps_per_epoch,
            every => every,
        }
    }

    /// Number of weights and biases.
    pub fn parameters(&self) -> usize {
        self.tensors.iter().map(TensorInfo::len).sum()
    }
}

/// The data as it was loaded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DataInfo {
    /// What to call it on the screen.
    pub title: String,
    /// Training samples after slicing.
    pub train: usize,
    /// Validation samples.
    pub validation: usize,
    /// Training labels that were redrawn.
    pub noisy_labels: usize,
    /// Names of the classes, or their numbers; empty where values are to be predicted.
    pub classes: Vec<String>,
    /// Outputs that a network needs: one for each class, or one for each value. 0 in recordings from before there were
    /// values.
    #[serde(default)]
    pub outputs: usize,
    /// A sample's sizes as the network sees it, `[width]` or `[channels, height, width]`; empty where outputs is 0.
    #[serde(default)]
    pub shape: Vec<usize>,
    /// Samples that were left out because a value is missing.
    #[serde(default)]
    pub left_out: usize,
    /// A named hash over the samples and labels as they are trained on: `sha256:…`.
    pub fingerprint: String,
}

/// One parameter tensor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TensorInfo {
    /// `layer.role`, for example `fc1.weight`.
    pub name: String,
    /// The layer it belongs to, for example `fc1`.
    pub layer: String,
    /// Sizes, outermost first; a weight matrix is `[out, in]`.
    pub shape: Vec<usize>,
    /// Whether weight decay acts on it.
    pub decays: bool,
}

impl TensorInfo {
    /// Number of elements.
    pub fn len(&self) -> usize {
        self.shape.iter().product()
    }

    /// Whether it has no element; a network never has such a tensor.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// One of the update rule's own hyperparameters, and what it may be.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Hyper {
    /// Its key in recipes, options and edits.
    pub key: String,
    /// Its value at the start.
    #[serde(with = "number")]
    pub value: f64,
    /// What is allowed, in words: `at least 0 and below 1`.
    pub allowed: String,
}

/// Where a run took place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Machine {
    /// Operating system.
    pub os: String,
    /// Instruction set architecture.
    pub arch: String,
    /// The processor's name, where the system tells it.
    pub cpu: String,
    /// Logical processors.
    pub cores: usize,
    /// Vector extensions the processor has.
    pub features: Vec<String>,
    /// Version of the program that trained.
    pub wdtop: String,
}

/// A data set's mean loss, without the penalty, and the share of its samples that were classified correctly.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Score {
    /// Mean loss over the samples.
    #[serde(with = "number")]
    pub loss: f64,
    /// Correct share, 0 to 1.
    #[serde(with = "number")]
    pub accuracy: f64,
}

/// Both data sets, evaluated with the weights after `step` updates.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Evaluation {
    /// Updates made so far.
    pub step: u64,
    /// Epochs made so far.
    #[serde(with = "number")]
    pub epoch: f64,
    /// Wall time of the run in seconds.
    #[serde(with = "number")]
    pub seconds: f64,
    /// A fixed part of the training set, as many samples as validation has where there are so many.
    pub train: Score,
    /// The whole validation set.
    pub validation: Score,
    /// How the weights of each tensor lie, in the tensors' order; none in recordings from before there were any.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub weights: Vec<Distribution>,
}

/// A hyperparameter as it was changed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Edit {
    /// 0-based index of the first update that used the new value.
    pub step: u64,
    /// Wall time of the run in seconds.
    #[serde(with = "number")]
    pub seconds: f64,
    /// What was turned.
    pub knob: Knob,
    /// Whose value was turned.
    pub scope: Scope,
    /// The value before. Of a layer whose tensors differed it is the first tensor's.
    #[serde(with = "number")]
    pub from: f64,
    /// The value from `step` on.
    #[serde(with = "number")]
    pub to: f64,
    /// Whether the scope gave up a value of its own and follows "all" again.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub inherits: bool,
    /// Whether the value stays as it is from here on, because its schedule's factor was 0 and no base value could
    /// have given it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub constant: bool,
    /// Who asked for it.
    pub by: Author,
}

impl Edit {
    /// The edit in a few words, `λ fc1 0 → 3`: the scope unless it is all, values as `number` writes them.
    pub fn describe(&self, number: impl Fn(f64) -> String) -> String {
        let scope = match &self.scope {
            Scope::All => String::new(),
            scope => format!("{scope} "),
        };
        let follows = if self.inherits { " (as all)" } else { "" };
        let [from, to] = [self.from, self.to].map(|value| self.knob.show(value, &number));
        format!("{} {scope}{from} → {to}{follows}", self.knob.symbol())
    }
}

/// A command that was not taken, with the reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// The next update's index.
    pub step: u64,
    /// The knob it was about, if it was about one.
    pub knob: Option<Knob>,
    /// One line: the thing, the value, what is allowed.
    pub reason: String,
}

/// Why a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StopReason {
    /// It made all its epochs or steps.
    Completed,
    /// It was asked to stop.
    Stopped,
    /// A loss or gradient was not finite.
    Diverged,
}

impl std::fmt::Display for StopReason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            StopReason::Completed => "completed",
            StopReason::Stopped => "stopped",
            StopReason::Diverged => "diverged",
        })
    }
}

/// How a run ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// Why.
    pub reason: StopReason,
    /// Updates made.
    pub steps: u64,
    /// Epochs made.
    #[serde(with = "number")]
    pub epochs: f64,
    /// Wall time in seconds, pauses included.
    #[serde(with = "number")]
    pub seconds: f64,
    /// Training samples processed for each second.
    #[serde(with = "number")]
    pub samples_per_second: f64,
    /// The whole training set, its own slice and labels, with the final weights.
    pub train: Score,
    /// The whole validation set with the final weights.
    pub validation: Score,
    /// Final norms, in the order of the tensors.
    pub tensors: Vec<FinalNorm>,
    /// A named hash over the final weights' little-endian bytes in tensor order: `sha256:…`.
    pub digest: String,
}

/// A tensor at the end of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FinalNorm {
    /// The tensor's name.
    pub name: String,
    /// 2-norm of the final weights.
    #[serde(with = "number")]
    pub norm: f64,
    /// 2-norm of the raw gradient in the last update.
    #[serde(with = "number")]
    pub grad_norm: f64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_edit_is_one_flat_json_object_and_reads_back() {
        let event = Event::from(What::Edited(Edit {
            step: 1000,
            seconds: 0.1 + 0.2,
            knob: Knob::WeightDecay,
            scope: Scope::All,
            from: 0.0,
            to: 3.0,
            inherits: false,
            constant: false,
            by: Author::Keys,
        }));
        let line = serde_json::to_string(&event).unwrap();
        assert_eq!(
            line,
            r#"{"event":"edited","step":1000,"seconds":0.30000000000000004,"knob":"weight_decay","scope":"all","from":0.0,"to":3.0,"by":"keys","branch":0}"#
        );
        assert_eq!(serde_json::from_str::<Event>(&line).unwrap(), event);
    }

    #[test]
    fn a_value_that_is_not_finite_survives_json() {
        let event = Event::from(What::Evaluated(Evaluation {
            step: 7,
            epoch: 0.35,
            seconds: 1.0,
            train: Score { loss: f64::INFINITY, accuracy: 0.1 },
            validation: Score { loss: f64::NEG_INFINITY, accuracy: 0.1 },
            weights: vec![Distribution::of([0.25, f64::NAN].into_iter())],
        }));
        let line = serde_json::to_string(&event).unwrap();
        assert!(line.contains(r#""loss":"Infinity""#) && line.contains(r#""loss":"-Infinity""#), "{line}");
        assert_eq!(serde_json::from_str::<Event>(&line).unwrap(), event);
        let (before, after) = line.split_once(r#","weights":[{"lowest":0.25,"#).unwrap();
        let without = format!("{before}{}", &after[after.find(r#","branch""#).unwrap()..]);
        assert!(matches!(serde_json::from_str::<Event>(&without).unwrap().what,
            What::Evaluated(evaluation) if evaluation.weights.is_empty()));
    }
}
