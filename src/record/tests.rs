//! The session folder from outside: what goes in comes out, whatever happens in between.

mod following;
mod managing;
mod reading;
mod sample;
mod tables;
mod writing;
