//! The session folder from outside: what goes in comes out, whatever happens in between.

mod reading;
mod sample;
mod tables;
mod writing;
