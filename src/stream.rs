//! The one stream everything hangs on: plain data that sources produce and consumers read.
//!
//! A *source* (the training thread, a recording) produces [`Event`]s and may accept [`Command`]s; a *consumer* (the
//! screen, the recorder, the headless printer) reads events. The types here know neither side: they depend on nothing
//! else in the crate, and everything else may depend on them.

mod alert;
mod checkpoint;
mod command;
mod config;
mod data;
mod distribution;
mod event;
mod network;
pub mod number;
mod optimizer;
mod script;
mod spectra;
mod spending;
mod stats;
mod text;
mod wire;

pub use alert::{Alert, AlertKind, Level};
pub use checkpoint::{Checkpoint, Dial, KnobState};
pub use command::{Author, Columns, Command, Knob, Scope, Setting};
pub use config::{Init, Length, PaceError, PlannedEdit, RunConfig, RunOptions};
pub use data::{Augmentation, AugmentationError, DataConfig, Missing, SPLIT_SEED, SeriesConfig, Standardise, Task};
pub use distribution::{BINS, Distribution};
pub use event::{
    DataInfo, Description, Edit, Evaluation, Event, FinalNorm, Hyper, Machine, Refusal, Score, StopReason, Summary,
    TensorInfo, Weights, What,
};
pub use network::{LayerConfig, LossConfig};
pub use optimizer::{Convention, DecayMask, DecayMode, Hook, OptimizerConfig, Schedule};
pub use script::{Act, Script};
pub use spectra::{Spectra, TensorSpectrum};
pub use spending::{Phase, Spending};
pub use stats::{StepBatch, StepRow, TensorSums};
pub use text::printable;
pub use wire::{Closed, EventReceiver, EventSender, lossless, merging};
