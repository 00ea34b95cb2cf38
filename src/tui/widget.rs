//! Widgets that know numbers and cells, and nothing of training.

pub(super) mod dots;
pub(super) mod histogram;
pub(super) mod plot;
pub(super) mod slider;
pub(super) mod sparkline;
