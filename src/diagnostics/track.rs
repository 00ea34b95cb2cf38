//! What is kept of every tensor from update to update.

use super::forces::Forces;
use super::measured::{alignment, decay_pull, rotation};
use super::recent::RecentMean;
use super::trend::SEEN;
use super::unknown::Unknown;
use crate::series::Average;
use crate::stream::TensorSums;

/// Updates over which scale invariance is tested.
const TESTED: usize = 100;
/// The fewest weights for that test.
const ENOUGH_WEIGHTS: usize = 64;
/// The share of the past that averages keep: some fifty updates.
const MEMORY: f64 = 0.98;
/// The same for E[‖g‖²·‖w‖²], some hundred updates.
const PRESSURE_MEMORY: f64 = 0.99;
/// The same for what Lion's updates remember, some 500 updates: of few weights that is as noisy as w·Δ, whose sign stays
/// for as long as the momentum's.
const UPDATES_MEMORY: f64 = 0.998;
/// Updates that it needs: the first hundreds, whose momentum begins at 0, remember less.
const REMEMBERED: u64 = 1000;

/// Every tensor of a run.
#[derive(Debug, Clone, PartialEq)]
pub struct Tracks {
    tensors: Vec<Track>,
}

/// One tensor.
#[derive(Debug, Clone, PartialEq)]
pub struct Track {
    weights: usize,
    alignments: RecentMean,
    pressure: Average,
    rotation: Average,
    bars: [Average; 3],
    change: Average,
    gain: Average,
    coupled_loss: Average,
    pull: Average,
    memory: Average,
    seen: u64,
    since_start: f64,
    since_edit: f64,
    last: Option<Seen>,
}

/// The last update of a tensor.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Seen {
    step: u64,
    w2: f64,
    decay: f64,
}

/// What made ‖w‖² change, each as a share of ‖w‖², averaged over some fifty updates.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Budget {
    /// What decay took, at most 0.
    pub decay: f64,
    /// What the update did along the weights.
    pub radial: f64,
    /// What it added across them.
    pub growth: f64,
    /// How ‖w‖² really changed; `None` before two updates in a row were seen.
    pub measured: Option<f64>,
}

impl Budget {
    /// The three parts together.
    pub fn sum(&self) -> f64 {
        self.decay + self.radial + self.growth
    }
}

/// Whether a tensor's length matters to the loss.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Invariance {
    /// It does not: the gradient stands at a right angle to the weights.
    Holds,
    /// It does, by as much as this root mean square cosine is above the bound.
    Broken {
        /// The root mean square of WG/√(W2·G2) over the window.
        cosine: f64,
        /// 0.1/√C
        bound: f64,
    },
    /// The window is not full.
    Untested,
    /// Too few weights to tell.
    TooSmall,
}

impl Invariance {
    /// Why predictions are not to be believed; `None` where they hold.
    pub fn doubt(self) -> Option<Unknown> {
        match self {
            Invariance::Holds => None,
            Invariance::Broken { .. } => Some(Unknown::NotInvariant),
            Invariance::Untested => Some(Unknown::Untested),
            Invariance::TooSmall => Some(Unknown::TooSmall),
        }
    }
}

impl Tracks {
    /// For tensors of these numbers of weights.
    pub fn new(weights: impl Iterator<Item = usize>) -> Self {
        Tracks { tensors: weights.map(Track::new).collect() }
    }

    /// Takes in an update: of each tensor its sums and what acted on it. Updates that were left out between are taken
    /// to have decayed as this one.
    pub fn update<'a>(&mut self, step: u64, tensors: impl Iterator<Item = (&'a TensorSums, Forces)>) {
        for (track, (sums, forces)) in self.tensors.iter_mut().zip(tensors) {
            track.update(step, sums, &forces);
        }
    }

    /// A hyperparameter was edited: the memory of the time before it starts to fade.
    pub fn edited(&mut self) {
        self.tensors.iter_mut().for_each(|track| track.since_edit = 1.0);
    }

    /// The weights are those of a snapshot again: nothing measured before says anything of what comes.
    pub fn restored(&mut self) {
        for track in &mut self.tensors {
            let (since_start, since_edit) = (track.since_start, track.since_edit);
            *track = Track { since_start, since_edit, ..Track::new(track.weights) };
        }
    }

    /// One tensor's.
    pub fn get(&self, tensor: usize) -> Option<&Track> {
        self.tensors.get(tensor)
    }

    /// All tensors', in their order.
    pub fn iter(&self) -> impl Iterator<Item = &Track> {
        self.tensors.iter()
    }
}

impl Track {
    fn new(weights: usize) -> Self {
        Track {
            weights,
            alignments: RecentMean::new(TESTED),
            pressure: Average::new(PRESSURE_MEMORY),
            rotation: Average::new(MEMORY),
            bars: [Average::new(MEMORY); 3],
            change: Average::new(MEMORY),
            gain: Average::new(MEMORY),
            coupled_loss: Average::new(MEMORY),
            pull: Average::new(MEMORY),
            memory: Average::new(UPDATES_MEMORY),
            seen: 0,
            since_start: 1.0,
            since_edit: 1.0,
            last: None,
        }
    }

    fn update(&mut self, step: u64, sums: &TensorSums, forces: &Forces) {
        let before = self.last.replace(Seen { step, w2: sums.w2, decay: sums.decay });
        let steps = before.map_or(1, |before| step.saturating_sub(before.step));
        if steps == 0 {
            return;
        }
        // What shrank: where the sums cannot tell, momentum's timescale does.
        let kept = match forces.timescale() {
            Ok(timescale) if !forces.regime.is_separable() => timescale.kept(),
            _ => 1.0 - sums.decay,
        };
        let kept = kept.abs().powf(steps as f64);
        self.since_start *= kept;
        self.since_edit *= kept;
        if sums.w2 > 0.0 {
            let cosine = alignment(sums);
            // Without a gradient there is nothing that could point along the weights.
            self.alignments.push(if sums.g2 > 0.0 { cosine * cosine } else { 0.0 });
            self.pressure.push(sums.g2 * sums.w2);
            self.rotation.push(rotation(sums));
            let [_, radial, growth] = sums.budget();
            for (average, part) in self.bars.iter_mut().zip(sums.budget()) {
                average.push(part / sums.w2);
            }
            self.gain.push(radial + growth);
            if let Some(walk) = forces.gain_of_walk(self.weights) {
                self.memory.push((radial + growth) / walk);
            }
            // Where decay has no sum of its own, momentum's timescale tells what it took.
            let lost = match forces.timescale() {
                Ok(timescale) if !forces.regime.is_separable() => 2.0 * sums.w2 / timescale.steps,
                _ => 0.0,
            };
            self.coupled_loss.push(lost);
            self.pull.push(decay_pull(sums, forces.regime.decay_mode, forces.weight_decay));
            self.seen += 1;
        }
        if let Some(before) = before.filter(|before| steps == 1 && before.w2 > 0.0) {
            self.change.push((sums.w2 - before.w2) / before.w2);
        }
    }

    /// C, the number of weights.
    pub fn weights(&self) -> usize {
        self.weights
    }

    /// d of the last update, as it was applied.
    pub fn decay(&self) -> f64 {
        self.last.map_or(0.0, |last| last.decay)
    }

    /// ‖w‖ before the last update.
    pub fn norm(&self) -> Option<f64> {
        self.last.map(|last| last.w2.sqrt())
    }

    /// Scale invariance forces WG = 0: a tensor qualifies while the root mean square over 100 updates of
    /// WG/√(W2·G2) is below 0.1/√C.
    pub fn invariance(&self) -> Invariance {
        if self.weights < ENOUGH_WEIGHTS {
            return Invariance::TooSmall;
        }
        let bound = 0.1 / (self.weights as f64).sqrt();
        match self.alignments.mean().map(f64::sqrt) {
            None => Invariance::Untested,
            Some(cosine) if cosine < bound => Invariance::Holds,
            Some(cosine) => Invariance::Broken { cosine, bound },
        }
    }

    /// E\[‖g‖²·‖w‖²\], an exponential average: for scale-invariant weights the same whatever their norm, but not wherever
    /// the network goes ([`Course`](super::Course)).
    pub fn pressure(&self) -> Option<f64> {
        Some(self.pressure.value()).filter(|value| value.is_finite())
    }

    /// θ, averaged.
    pub fn rotation(&self) -> Option<f64> {
        Some(self.rotation.value()).filter(|value| value.is_finite())
    }

    /// The norm's budget, averaged; `None` before the first update.
    pub fn budget(&self) -> Option<Budget> {
        let [decay, radial, growth] = self.bars.each_ref().map(Average::value);
        let measured = Some(self.change.value()).filter(|value| value.is_finite());
        decay.is_finite().then_some(Budget { decay, radial, growth, measured })
    }

    /// R, what an update adds to ‖w‖² apart from decay, averaged; `None` before there were enough updates.
    pub fn gain(&self) -> Option<f64> {
        (self.seen >= SEEN).then(|| self.gain.value()).filter(|value| value.is_finite())
    }

    /// m, what Lion's updates add to ‖w‖² apart from decay, R, in multiples of what those of a walk do, averaged over some
    /// 500 updates: how far they go on in the direction of those before. `None` before 1,000 updates, and for other rules.
    ///
    /// ```text
    /// m = R/(s^2*C) / (2/(pi*kappa^2)),  R = 2(1-d)*WD + D2,  kappa as in Forces::equilibrium_rotation
    /// ```
    pub fn memory_of_updates(&self) -> Option<f64> {
        Some(self.memory.value()).filter(|value| self.seen >= REMEMBERED && value.is_finite() && *value > 0.0)
    }

    /// What decay takes from ‖w‖² in an update where it is mixed into the step, averaged.
    pub(super) fn coupled_loss(&self) -> f64 {
        self.coupled_loss.value()
    }

    /// How hard decay pulls beside the gradient's step, averaged; above 1 decay wins. `None` where nothing pulls.
    pub fn decay_pull(&self) -> Option<f64> {
        Some(self.pull.value()).filter(|value| value.is_finite() && *value > 0.0)
    }

    /// The share of the initial weights that is still inside, Π|1 − d|.
    pub fn memory_of_start(&self) -> f64 {
        self.since_start
    }

    /// The share of the weights before the last edit that is still inside.
    pub fn memory_of_edit(&self) -> f64 {
        self.since_edit
    }
}
