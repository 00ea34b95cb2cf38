//! Curves at the places where they are drawn.

use super::{Alignment, Entrant, Point};
use crate::chart::Places;
use crate::series::Points;
use crate::stream::Edit;

/// The curves of one column.
#[derive(Debug, Clone, Default)]
pub(super) enum Curves {
    /// Nothing was asked for yet.
    #[default]
    None,
    /// They were asked for.
    Loading,
    /// They cannot be read, for this reason.
    Failed(String),
    /// They are here.
    Here(Loaded),
}

/// Curves as they were read, and as they are drawn.
#[derive(Debug, Clone)]
pub(super) struct Loaded {
    /// Of each session.
    curves: Vec<Vec<Point>>,
    /// Where they lie.
    pub(super) places: Places,
    /// The same curves there. A session without the edit that they are aligned by has none.
    pub(super) placed: Vec<Points>,
}

impl Loaded {
    pub(super) fn new(curves: Vec<Vec<Point>>, align: Alignment, entrants: &[Entrant]) -> Loaded {
        let mut loaded = Loaded { curves, places: Places::default(), placed: Vec::new() };
        loaded.align(align, entrants);
        loaded
    }

    /// Puts the curves to the places of another alignment.
    pub(super) fn align(&mut self, align: Alignment, entrants: &[Entrant]) {
        let edit = |at: usize, number: usize| entrants.get(at)?.edits.get(number - 1).map(|edit| edit.step);
        self.places = Places::new(align, self.curves.len(), edit);
        let placed = |(at, curve): (usize, &Vec<Point>)| self.places.curve(at, curve).into_iter().collect();
        self.placed = self.curves.iter().enumerate().map(placed).collect();
    }

    /// Where an edit of a session lies; `None` where that is not known.
    pub(super) fn place_of(&self, session: usize, edit: &Edit) -> Option<u64> {
        let epoch = self.epoch_of(session, edit.step).unwrap_or(f64::NAN);
        self.places.of(session, edit.step, epoch, edit.seconds)
    }

    /// The epoch of a step, between the points around it.
    fn epoch_of(&self, session: usize, step: u64) -> Option<f64> {
        let points = self.curves.get(session)?;
        let after = points.partition_point(|point| point.step < step);
        let (Some(before), Some(next)) = (after.checked_sub(1).map(|at| points[at]), points.get(after)) else {
            return points.get(after).or(points.last()).map(|point| point.epoch);
        };
        let share = (step - before.step) as f64 / (next.step - before.step).max(1) as f64;
        Some(before.epoch + share * (next.epoch - before.epoch))
    }

    /// The last place of any curve.
    pub(super) fn end(&self) -> u64 {
        self.placed.iter().filter_map(|points| points.at().last()).max().unwrap_or(0)
    }
}
