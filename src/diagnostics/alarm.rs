//! When to raise an alert.

use super::forces::Forces;
use super::measured::{balance, decay_pull};
use super::median::RecentMedian;
use super::recent::RecentMax;
use super::track::{Invariance, Tracks};
use crate::stream::{Alert, AlertKind, Evaluation, Level, StepRow, TensorInfo, TensorSums};

/// The longest time that an alert looks back over, and waits for before it comes again.
const LONGEST: u64 = 500;
/// Updates whose losses a spike is measured by.
const LOSSES: usize = 200;
/// A spike is this many times their median.
const SPIKE: f64 = 3.0;
/// A norm below this share of its start is lost.
const LOST: f64 = 0.01;
/// Rotations outside of θ*/3 to 3·θ* are worth a word.
const ROTATION: f64 = 3.0;
/// Layers whose rotations differ by more are out of balance.
const BALANCE: f64 = 10.0;
/// Evaluations in a row that make a trend.
const TREND: usize = 5;

/// Watches a run: fed with every update and evaluation, it says when something should not go on like this.
///
/// With T = min(τ/4, 500 updates) of a tensor, there is never more than one alert of a kind for it within T, and none
/// comes again before its reason was gone.
#[derive(Debug, Clone)]
pub struct Alarms {
    tracks: Tracks,
    tensors: Vec<Watched>,
    losses: RecentMedian,
    spike: Latch,
    imbalance: Latch,
    overfitting: Latch,
    not_finite: Latch,
    /// Training and validation losses of the last evaluations, each validation loss above the one before.
    evaluations: Vec<(f64, f64)>,
    /// T of the tensor whose is shortest, for what is no single tensor's.
    apart: u64,
    /// Since when equilibrium is where it is.
    edited: u64,
    /// The last edit, if there was one.
    last_edit: Option<u64>,
}

/// One tensor under watch.
#[derive(Debug, Clone)]
struct Watched {
    name: String,
    is_matrix: bool,
    start: Option<f64>,
    largest: RecentMax,
    /// Updates in a row in which decay pulled harder than the gradient stepped.
    pulled: u64,
    pull: Latch,
    halved: Latch,
    lost: Latch,
    fast: Latch,
    slow: Latch,
}

/// Whether an alert of a kind may be raised.
#[derive(Debug, Clone, Copy, Default)]
struct Latch {
    is_open: bool,
    last: Option<u64>,
}

impl Latch {
    /// Whether to raise: the reason is there, was gone in between, and the last time is long enough ago.
    fn raises(&mut self, step: u64, there: bool, apart: u64) -> bool {
        if !there {
            self.is_open = false;
            return false;
        }
        let raises = !self.is_open && self.last.is_none_or(|last| step >= last + apart);
        if raises {
            *self = Latch { is_open: true, last: Some(step) };
        }
        raises
    }
}

/// An alert's level, kind and numbers.
type Finding = (Level, AlertKind, f64, f64);

impl Alarms {
    /// For a network of these tensors.
    pub fn new(tensors: &[TensorInfo]) -> Self {
        let watched = |tensor: &TensorInfo| Watched {
            name: tensor.name.clone(),
            is_matrix: tensor.shape.len() > 1,
            start: None,
            largest: RecentMax::default(),
            pulled: 0,
            pull: Latch::default(),
            halved: Latch::default(),
            lost: Latch::default(),
            fast: Latch::default(),
            slow: Latch::default(),
        };
        Alarms {
            tracks: Tracks::new(tensors.iter().map(TensorInfo::len)),
            tensors: tensors.iter().map(watched).collect(),
            losses: RecentMedian::new(LOSSES),
            spike: Latch::default(),
            imbalance: Latch::default(),
            overfitting: Latch::default(),
            not_finite: Latch::default(),
            evaluations: Vec::new(),
            apart: LONGEST,
            edited: 0,
            last_edit: None,
        }
    }

    /// Takes in an update with what acted on each tensor, and adds what it raises.
    pub fn update<'a>(
        &mut self,
        row: &StepRow,
        tensors: impl Iterator<Item = (&'a TensorSums, Forces)> + Clone,
        alerts: &mut Vec<Alert>,
    ) {
        let step = row.step + 1;
        let after_edit = |time: u64| self.last_edit.is_some_and(|edit| step <= edit.saturating_add(time));
        self.tracks.update(row.step, tensors.clone());
        let mut shortest = LONGEST;
        for (index, (sums, forces)) in tensors.enumerate() {
            let Some(watched) = self.tensors.get_mut(index) else { break };
            let tau = forces.timescale().map_or(f64::INFINITY, |timescale| timescale.steps);
            // A time that is infinite or not a number is the longest.
            let span = if tau < 4.0 * LONGEST as f64 { ((tau / 4.0) as u64).max(1) } else { LONGEST };
            if !forces.is_free() {
                shortest = shortest.min(span);
            }
            let at = Moment { step, seconds: row.seconds, is_settling: after_edit(4 * span) };
            let settled = !forces.is_free() && step as f64 > self.edited as f64 + 3.0 * tau;
            let ideal = self.tracks.get(index).filter(|track| settled && track.invariance() == Invariance::Holds);
            let turning = ideal.and_then(|track| track.rotation().zip(forces.equilibrium_rotation().ok()));
            watched.look(at, span, sums, &forces, turning, alerts);
        }
        self.apart = shortest;
        let at = Moment { step, seconds: row.seconds, is_settling: after_edit(4 * shortest) };
        let decayed = self.tensors.iter().zip(self.tracks.iter()).filter(|(watched, _)| watched.is_matrix);
        let balance = balance(decayed.filter_map(|(_, track)| track.rotation())).unwrap_or(1.0);
        if self.imbalance.raises(step, balance > BALANCE, shortest) {
            alerts.push(at.alert(None, (Level::Info, AlertKind::Imbalance, balance, BALANCE)));
        }
        let bound = self.losses.median().map_or(f64::INFINITY, |median| SPIKE * median);
        if self.spike.raises(step, bound > 0.0 && row.loss > bound, shortest) {
            alerts.push(at.alert(None, (Level::Warning, AlertKind::LossSpike, row.loss, bound)));
        }
        self.losses.push(row.loss);
    }

    /// Takes in an evaluation, and adds what it raises.
    pub fn evaluated(&mut self, evaluation: &Evaluation, alerts: &mut Vec<Alert>) {
        let at = Moment { step: evaluation.step, seconds: evaluation.seconds, is_settling: false };
        let (train, validation) = (evaluation.train.loss, evaluation.validation.loss);
        let is_finite = train.is_finite() && validation.is_finite();
        if self.not_finite.raises(at.step, !is_finite, self.apart) {
            let number = if validation.is_finite() { train } else { validation };
            alerts.push(at.alert(None, (Level::Critical, AlertKind::NotFinite, number, f64::MAX)));
        }
        if !is_finite {
            return self.evaluations.clear();
        }
        if self.evaluations.last().is_some_and(|(_, before)| validation <= *before) {
            self.evaluations.clear();
        }
        if self.evaluations.len() > TREND {
            self.evaluations.remove(0);
        }
        self.evaluations.push((train, validation));
        let (before, lowest) = self.evaluations[0];
        let memorises = self.evaluations.len() > TREND && train < before;
        if self.overfitting.raises(at.step, memorises, self.apart) {
            alerts.push(at.alert(None, (Level::Warning, AlertKind::Overfitting, validation, lowest)));
        }
    }

    /// A hyperparameter was edited before the update with this index: equilibrium is elsewhere from now on.
    pub fn edited(&mut self, step: u64) {
        self.edited = step;
        self.last_edit = Some(step);
        self.tracks.edited();
    }

    /// The weights are those of a snapshot again, before the update with this index.
    pub fn restored(&mut self, step: u64) {
        self.edited = step;
        self.tracks.restored();
        self.losses = RecentMedian::new(LOSSES);
        self.evaluations.clear();
        for watched in &mut self.tensors {
            watched.largest.clear();
            watched.pulled = 0;
        }
    }
}

impl Watched {
    /// `turning` is θ beside θ*, where they can be compared.
    fn look(
        &mut self,
        at: Moment,
        span: u64,
        sums: &TensorSums,
        forces: &Forces,
        turning: Option<(f64, f64)>,
        alerts: &mut Vec<Alert>,
    ) {
        let step = at.step;
        let mut raise = |latch: &mut Latch, there: bool, finding: Finding| {
            if latch.raises(step, there, span) {
                alerts.push(at.alert(Some(&self.name), finding));
            }
        };
        if let Some((rotation, ideal)) = turning {
            let (low, high) = (ideal / ROTATION, ideal * ROTATION);
            raise(&mut self.fast, rotation > high, (Level::Info, AlertKind::RotationFast, rotation, high));
            raise(&mut self.slow, rotation < low, (Level::Info, AlertKind::RotationSlow, rotation, low));
        }
        // A bias that starts at 0 has no share of anything; a tensor without decay is not decay's business.
        if forces.is_free() || sums.w2 == 0.0 {
            return;
        }
        let pull = decay_pull(sums, forces.regime.decay_mode, forces.weight_decay);
        self.pulled = if pull > 1.0 { self.pulled + 1 } else { 0 };
        raise(&mut self.pull, self.pulled >= span, (Level::Warning, AlertKind::DecayWins, pull, 1.0));
        let norm = sums.norm();
        let half = 0.5 * self.largest.push(step, norm, span + 1);
        raise(&mut self.halved, norm < half, (Level::Warning, AlertKind::NormHalved, norm, half));
        let lost = LOST * *self.start.get_or_insert(norm);
        raise(&mut self.lost, norm < lost, (Level::Critical, AlertKind::NormLost, norm, lost));
    }
}

/// When something was seen.
#[derive(Debug, Clone, Copy)]
struct Moment {
    step: u64,
    seconds: f64,
    /// An edit is so recent that what is seen may be what it was meant to do.
    is_settling: bool,
}

impl Moment {
    fn alert(self, tensor: Option<&str>, (level, kind, number, bound): Finding) -> Alert {
        let Moment { step, seconds, is_settling } = self;
        let (tensor, hint) = (tensor.map(str::to_owned), hint(kind, is_settling).to_owned());
        Alert { step, seconds, level, kind, tensor, number, bound, hint }
    }
}

/// What it means, and what to do. Soon after an edit advice to turn back would be hasty: more λ lets norms fall and the
/// training loss rise, which is what it is for.
fn hint(kind: AlertKind, is_settling: bool) -> &'static str {
    match kind {
        AlertKind::DecayWins if is_settling => "the norm falls since the last edit: lower λ if it does not settle",
        AlertKind::NormHalved if is_settling => "the last edit shortens it quickly: see where it settles, or undo",
        AlertKind::LossSpike if is_settling => "it moves since the last edit: give that some time, or undo",
        AlertKind::DecayWins => "decay removes more than the gradient writes: lower λ",
        AlertKind::NormHalved => "the norm collapses within a quarter of decay's timescale: lower λ or η",
        AlertKind::NormLost => "hardly anything of the weights is left: lower λ, or go back to a snapshot",
        AlertKind::RotationFast => "updates are large beside the weights: lower η, or wait for the norm to grow",
        AlertKind::RotationSlow => "the weights hardly turn: raise η, or λ, which makes them shorter",
        AlertKind::Imbalance => "some layers learn ten times faster than others; decoupled decay evens them out",
        AlertKind::Overfitting => "it memorises: raise λ, lower η, or stop here",
        AlertKind::LossSpike => "an update was too large, or its batch odd: lower η if it happens again",
        AlertKind::NotFinite => "an evaluation overflowed: lower η, or go back to a snapshot",
    }
}
