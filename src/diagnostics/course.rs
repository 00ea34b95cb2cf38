//! Where a norm should be since an edit, by the gradients that came.

use super::equilibrium::{Approach, SETTLED};
use super::forces::Forces;
use super::track::{Track, Tracks};
use super::unknown::Unknown;
use crate::stream::TensorSums;

/// Points of a course that are kept, at most.
const POINTS: usize = 512;

/// The way of a norm since an edit, foretold anew at every update.
///
/// What is foretold at an edit takes all but the edit to stay as it is. For AdamW nothing else stands in the formula; for
/// Lion m does, what updates remember as it was measured before the edit. For both a course is the curve that was foretold.
/// In SGD's formula stands E\[‖g‖²·‖w‖²\], how steep the loss is for weights of length 1, and that no law keeps: the network
/// follows an edit to where the loss is flatter or steeper, and ‖w‖* goes with the fourth root. A course has, for every
/// update, that update's own:
///
/// ```text
/// y = |w|^p,  y' = y + (1 - e^(-rate))*(|end|^p - y)        p = 2 (AdamW, Lion), 4 (SGD); rate, |end| as in Forces::approach
/// SGD: |end|^4 = eta*|g|^2*|w|^2 / (2*wd*(1-mu)), of the update instead of the mean
/// ```
///
/// It begins at the norm that the edit found and is never set to a measured one again. All that enters of what is measured
/// since is SGD's ‖g‖·‖w‖, which scale-invariant weights have whatever their norm; so a norm that stays within the band is
/// evidence of the rest of the formula: gradients at right angles to the weights, and as good as independent of each other.
/// Lion's m stays that of the edit, for what updates add to ‖w‖² by the update is the norm itself: a norm that stays within
/// that band is evidence that updates remember, under the new λ, what they did under the old.
#[derive(Debug, Clone, PartialEq)]
pub struct Course {
    since: u64,
    foretold: Approach,
    /// E[‖g‖²·‖w‖²] that it was foretold with, where it stands in the formula.
    pressure: Option<f64>,
    /// m of Lion's updates that it was foretold with.
    memory: Option<f64>,
    /// Updates that are behind it, of the whole run.
    step: u64,
    /// ‖w‖^p
    y: f64,
    /// How much of the start is left in it, e^(−Σ rate).
    left: f64,
    law: Law,
    drawn: Thinned,
}

/// What one update does to y, as long as the same forces act.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Law {
    forces: Forces,
    /// The share that is left of the distance from where it settles.
    kept: f64,
    /// Where ‖w‖ settles to the power p, of gradients with ‖g‖·‖w‖ = 1 where they stand in it.
    settled: f64,
}

impl Law {
    fn of(forces: &Forces, weights: usize, memory: Option<f64>) -> Result<Law, Unknown> {
        let Approach { target, rate, power, .. } = forces.approach_by(1.0, weights, Some(1.0), memory)?;
        Ok(Law { forces: *forces, kept: (-rate).exp(), settled: target.powf(power) })
    }
}

impl Course {
    /// Begins before the update `step`, with what an edit left in force and what was measured before it.
    ///
    /// # Errors
    /// [`Unknown`]
    pub fn begin(step: u64, norm: f64, forces: &Forces, track: &Track) -> Result<Course, Unknown> {
        if !norm.is_finite() {
            return Err(Unknown::NotMeasured);
        }
        let foretold = forces.approach(norm, track)?;
        let memory = track.memory_of_updates();
        let mut course = Course {
            since: step,
            foretold,
            pressure: track.pressure().filter(|_| forces.needs_gradients()),
            memory,
            step,
            y: norm.powf(foretold.power),
            left: 1.0,
            law: Law::of(forces, track.weights(), memory)?,
            drawn: Thinned { points: Vec::new(), apart: 1 },
        };
        course.drawn.push(step, course.band());
        Ok(course)
    }

    /// Takes in the update `step` of a tensor of so many weights, made with these forces. Updates that were left out
    /// between are taken to have been like it.
    ///
    /// # Errors
    /// [`Unknown`] where the formula holds no longer, as when a schedule brings λ to 0.
    pub fn update(&mut self, step: u64, weights: usize, sums: &TensorSums, forces: &Forces) -> Result<(), Unknown> {
        if self.law.forces != *forces {
            self.law = Law::of(forces, weights, self.memory)?;
        }
        let Law { kept, settled, .. } = self.law;
        let settled = if self.pressure.is_some() { settled * sums.g2 * sums.w2 } else { settled };
        // An update whose sums were not recorded is one that was left out.
        if !settled.is_finite() {
            return Ok(());
        }
        let kept = match (step + 1).saturating_sub(self.step) {
            1 => kept,
            updates => kept.powf(updates as f64),
        };
        self.y = settled + kept * (self.y - settled);
        self.left *= kept;
        self.step = step + 1;
        if self.drawn.is_due(self.step) {
            self.drawn.push(self.step, self.band());
        }
        Ok(())
    }

    /// The first update that the edit acted on.
    pub fn since(&self) -> u64 {
        self.since
    }

    /// What was foretold at the edit.
    pub fn foretold(&self) -> &Approach {
        &self.foretold
    }

    /// What Lion's updates remembered at the edit, where that stands in what was foretold.
    pub fn memory(&self) -> Option<f64> {
        self.memory
    }

    /// E\[‖g‖²·‖w‖²\] now as a multiple of what it was at the edit, where that has moved ‖w‖* by more than [`SETTLED`].
    pub fn steepened(&self, track: &Track) -> Option<f64> {
        let times = track.pressure()? / self.pressure?;
        (times.powf(0.25).ln().abs() > SETTLED).then_some(times)
    }

    /// Where ‖w‖ should be now.
    pub fn norm(&self) -> f64 {
        self.y.powf(1.0 / self.foretold.power)
    }

    /// The lower and the upper end of the band around it, as wide as that of [`Approach::band`].
    pub fn band(&self) -> (f64, f64) {
        let (norm, width) = (self.norm(), self.foretold.width(self.left));
        (norm * (1.0 - width), norm * (1.0 + width))
    }

    /// The band before an update, at the last point that is kept until then; `None` outside of the course.
    pub fn band_at(&self, step: u64) -> Option<(f64, f64)> {
        if step > self.step { None } else { self.drawn.last_until(step) }
    }
}

/// A band over time in as many points as can be drawn.
#[derive(Debug, Clone, PartialEq)]
struct Thinned {
    points: Vec<(u64, (f64, f64))>,
    /// Updates from one point to the next.
    apart: u64,
}

impl Thinned {
    fn is_due(&self, step: u64) -> bool {
        self.points.last().is_none_or(|(last, _)| step >= last + self.apart)
    }

    fn push(&mut self, step: u64, band: (f64, f64)) {
        if self.points.len() == POINTS {
            let mut keep = [true, false].into_iter().cycle();
            self.points.retain(|_| keep.next() == Some(true));
            self.apart *= 2;
        }
        self.points.push((step, band));
    }

    fn last_until(&self, step: u64) -> Option<(f64, f64)> {
        let behind = self.points.partition_point(|(at, _)| *at <= step);
        behind.checked_sub(1).map(|at| self.points[at].1)
    }
}

/// The courses of every tensor since the last edit.
#[derive(Debug, Clone, PartialEq)]
pub struct Courses {
    tensors: Vec<Option<Course>>,
    /// An edit was made and no update since.
    begin: bool,
}

impl Courses {
    /// For so many tensors, before any edit.
    pub fn new(tensors: usize) -> Self {
        Courses { tensors: vec![None; tensors], begin: false }
    }

    /// Takes in an update, before [`Tracks`] do: a course begins with what was measured before its edit.
    pub fn update<'a>(&mut self, step: u64, tensors: impl Iterator<Item = (&'a TensorSums, Forces)>, tracks: &Tracks) {
        for ((course, track), (sums, forces)) in self.tensors.iter_mut().zip(tracks.iter()).zip(tensors) {
            if self.begin {
                *course = Course::begin(step, sums.norm(), &forces, track).ok();
            }
            if course.as_mut().is_some_and(|course| course.update(step, track.weights(), sums, &forces).is_err()) {
                *course = None;
            }
        }
        self.begin = false;
    }

    /// A hyperparameter was edited: what was foretold before is over.
    pub fn edited(&mut self) {
        self.begin = true;
    }

    /// The weights are those of a snapshot again, to which no course leads.
    pub fn restored(&mut self) {
        *self = Courses::new(self.tensors.len());
    }

    /// One tensor's; `None` before an edit, and where there is no formula.
    pub fn get(&self, tensor: usize) -> Option<&Course> {
        self.tensors.get(tensor)?.as_ref()
    }
}
