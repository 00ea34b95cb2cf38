//! Append-only columns that answer "what does this stretch look like in so many pixels" at any length.
//!
//! A [`Column`] holds one value for each update and, above them, a pyramid of extents, so that a chart of a million
//! updates costs as much as one of a thousand and still shows every spike. [`Positions`] tell which update a value
//! belongs to where not every update has one; [`Points`] are the two together, for sparse series. An [`Average`]
//! smooths.
//!
//! Nothing here knows files, clocks, threads, channels or terminals.

mod average;
mod column;
mod points;

pub use average::Average;
pub use column::{Column, Extent};
pub use points::{Points, Positions};
