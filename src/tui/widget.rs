//! Widgets that know numbers and cells, and nothing of training.

pub(super) mod axis;
pub(super) mod braille;
pub(super) mod plot;
pub(super) mod slider;
pub(super) mod sparkline;
