//! Networks: what they are made of, how they start, forward and backward.
//!
//! A network is a description; weights are passed in as one slice in which every tensor has its place, and what a
//! pass over some samples needs is kept in a [`Rows`]. A sample's row needs no other row, so that samples are
//! processed in blocks by any thread; the gradient of a tensor is computed for any range of its rows from all blocks
//! in their order.

mod init;
mod loss;
mod model;
mod rows;

pub use init::initialise;
pub use model::{Activation, Layer, ModelError, Network, Role, Tensor};
pub use rows::Rows;
