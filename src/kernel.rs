//! The arithmetic of networks: matrix products, dot products and row loops, for one thread.
//!
//! Every result is defined without regard to how it is computed: an output of a [`product`] is one chain of fused
//! multiply-adds over its terms in their order, a [`dot`] is sixteen such chains, added up in a fixed tree. Neither
//! the tile, nor the cut into tasks, nor the width of the processor's vectors is part of that, so that
//! [every instruction set](Instructions) gives the same bits.
//!
//! What limits a product is the rate of fused multiply-adds, as long as its operands are at hand. A tile of outputs stays
//! in registers while its terms go by; one operand is read a vector at a time, the other a value at a time. Terms come in
//! blocks that all tiles of a group of rows share while they are in the nearest cache. Only a transposed operand is
//! packed: sixteen f32 of the other one are a line as they lie, where rows begin at lines. What every step walks over is
//! kept so, in large pages ([`Buffer`]); asking the system for them is all that this module knows of one.

mod bins;
mod columns;
mod dot;
mod elements;
mod instructions;
mod lanes;
mod memory;
mod product;
mod vector;

pub use bins::{Extent, MOST_BINS, count, extent};
pub use columns::{Columns, Matrices};
pub use dot::{Dot, dot};
pub use elements::{Gauge, Measure, largest, map, measure, prefetch, shades, sum, transpose, zip, zip_from_two};
pub use instructions::{Instructions, UnknownInstructions, Work};
pub use lanes::{Element, LANES, Lanes, Vector};
pub use memory::Buffer;
pub use product::{Factor, Places, Product, Start, Terms, product, product_before};
pub use vector::{columns_by_vector, rows_by_vector};
