//! The session folder from outside: what goes in comes out, whatever happens in between.

mod exporting;
mod following;
mod importing;
mod managing;
mod reading;
mod sample;
mod tables;
mod thinning;
mod writing;
