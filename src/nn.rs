//! Networks: what they are made of, how they start, forward and backward.
//!
//! A [`Network`] is a description; weights are passed in as one slice in which every tensor has its place, and what a
//! pass over a batch needs is kept in a [`Passage`]. It goes forward and backward stage by stage; within a stage tasks
//! compute channels, and who runs them is the business of a [`Crew`]. The gradient of a tensor is then computed for any
//! range of its rows.

mod backward;
mod builder;
mod crew;
mod forward;
mod gradient;
mod init;
mod local;
mod loss;
mod model;
mod model_error;
mod passage;
mod taps;
#[cfg(test)]
mod tests;
mod text;
mod winograd;

pub use crew::{Alone, Arena, Crew, Patches};
pub use init::initialise;
pub use local::Mode;
pub use loss::Targets;
pub use model::{Activation, Layer, Network, Role, Shape, Tensor};
pub use model_error::ModelError;
pub use passage::{Passage, Purpose, Setting};
pub use text::Needs;
