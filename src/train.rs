//! Training: one step, the team of threads that computes it, the thread that runs it and listens to commands.

mod checkpoint;
mod clock;
mod experiment;
mod learner;
mod machine;
mod pass;
mod spectrometer;
mod team;
mod timing;
mod trainer;
mod watch;

#[cfg(test)]
mod tests;

pub use checkpoint::Continuation;
pub use experiment::{Experiment, PrepareError, Sentinel};
pub use learner::{Learner, LearnerOptions, LearnerState, NotFinite, Progress};
pub use pass::{Census, Pass, PassOptions, PassState, PassTensor, RestoreError, Task};
pub use spectrometer::Spectrometer;
pub use team::{Cuts, Pieces, Team};
pub use timing::{Peak, Telemetry, Timing};
pub use trainer::{COMMANDS_WAITING, spawn};
