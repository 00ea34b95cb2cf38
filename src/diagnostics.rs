//! What weight decay does, and what it would do: pure functions from an update's sums and the hyperparameters to what
//! panels, exports and alerts show.
//!
//! Notation, throughout: w the weights before an update, g the raw data gradient, d the share that decay removes,
//! `w' = (1 − d)·w + Δ`; η learning rate, λ weight decay, μ momentum, C the number of a tensor's weights. The sums are
//! those of [`TensorSums`](crate::stream::TensorSums): W2 = Σw², G2 = Σg², D2 = Σ Δ², WD = Σ w·Δ, WG = Σ w·g.
//!
//! - *Measured* ([`measured`]): of one update, exact.
//! - *Predicted* ([`Forces`]): where a random walk with decay settles, and the way there ([`Forces::approach`]), for which
//!   SGD's gradients and what Lion's updates remember are measured. A prediction that there is none of comes as a
//!   reason, [`Unknown`]. All of them assume that the weights are scale-invariant, which [`Invariance`] tests.
//! - *Extrapolated* ([`Forces::trend`]): where a norm settles if its budget goes on as it is, for weights of any kind.
//! - *Followed* ([`Course`]): where a norm should be since an edit, foretold anew with the gradients of each update.
//! - *Tracked* ([`Tracks`], [`Alarms`], [`Reader`]): plain structs that are fed with every update.
//!
//! Nothing here writes a weight: a run with diagnostics has the bits of one without.

mod alarm;
mod course;
mod equilibrium;
mod forces;
pub mod measured;
mod median;
mod reader;
mod recent;
mod regime;
pub mod spectrum;
mod timescale;
mod track;
mod trend;
mod unit;
mod unknown;

pub use alarm::Alarms;
pub use course::{Course, Courses};
pub use equilibrium::{Approach, SETTLED};
pub use forces::Forces;
pub use reader::{NamedReading, Reader, Reading};
pub use regime::{Factor, Family, Form, Momentum, Regime};
pub use timescale::{HalfLife, Timescale, applied_in_f32};
pub use track::{Budget, Invariance, Track, Tracks};
pub use unit::{Amount, AmountError, Exchange};
pub use unknown::Unknown;

#[cfg(test)]
mod tests;
