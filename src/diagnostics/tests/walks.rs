//! Random walks on the sphere: gradients at right angles to the weights that shrink as their norm grows, as those of a
//! scale-invariant loss do.

use super::super::{Invariance, Tracks};
use super::*;

const WEIGHTS: usize = 1000;

/// What a walk is made by.
struct Walk {
    forces: Forces,
    w: Vec<f64>,
    first: Vec<f64>,
    second: Vec<f64>,
    step: u64,
    tracks: Tracks,
    chance: Chance,
}

impl Walk {
    fn new(forces: Forces, norm: f64) -> Walk {
        let mut chance = Chance(7);
        let w = chance.vector(WEIGHTS);
        let scale = norm / super::norm(&w);
        Walk {
            forces,
            w: w.iter().map(|w| scale * w).collect(),
            first: vec![0.0; WEIGHTS],
            second: vec![0.0; WEIGHTS],
            step: 0,
            tracks: Tracks::new([WEIGHTS].into_iter()),
            chance,
        }
    }

    fn update(&mut self) {
        let Forces { regime, lr, weight_decay, .. } = self.forces;
        let (length, draw) = (norm(&self.w), self.chance.vector(WEIGHTS));
        let along = dot(&draw, &self.w) / (length * length);
        let g: Vec<f64> = draw.iter().zip(&self.w).map(|(x, w)| (x - along * w) / length).collect();
        let t = self.step as i32 + 1;
        let mut delta = vec![0.0; WEIGHTS];
        let mut decay = 0.0;
        for at in 0..WEIGHTS {
            let (m, v) = (&mut self.first[at], &mut self.second[at]);
            delta[at] = match regime.family {
                // β2 remembers less than the weights do: else v lags behind a norm that moves.
                Family::Adam { beta1 } => {
                    *m = beta1 * *m + (1.0 - beta1) * g[at];
                    *v = 0.99 * *v + 0.01 * g[at] * g[at];
                    decay = lr * weight_decay;
                    -lr * (*m / (1.0 - beta1.powi(t))) / ((*v / (1.0 - 0.99f64.powi(t))).sqrt() + 1e-12)
                }
                Family::Lion { beta1, beta2 } => {
                    let direction = (beta1 * *m + (1.0 - beta1) * g[at]).signum();
                    *m = beta2 * *m + (1.0 - beta2) * g[at];
                    decay = lr * weight_decay;
                    -lr * direction
                }
                Family::Sgd(Momentum { momentum: 0.0, .. }) => {
                    decay = lr * weight_decay;
                    -lr * g[at]
                }
                Family::Sgd(Momentum { momentum, .. }) => {
                    *m = momentum * *m + g[at] + weight_decay * self.w[at];
                    -lr * *m
                }
                Family::Other => unreachable!("no such walk"),
            };
        }
        let sums = sums(&self.w, &g, &delta, decay, |_, _| true);
        self.tracks.update(self.step, [(&sums, self.forces)].into_iter());
        for (w, delta) in self.w.iter_mut().zip(&delta) {
            *w = (1.0 - decay) * *w + delta;
        }
        self.step += 1;
    }

    /// θ and ‖w‖, the mean over so many updates.
    fn watch(&mut self, updates: usize) -> (f64, f64) {
        let mut totals = (0.0, 0.0);
        for _ in 0..updates {
            let before = self.w.clone();
            self.update();
            let cosine = dot(&before, &self.w) / (norm(&before) * norm(&self.w));
            totals = (totals.0 + cosine.min(1.0).acos(), totals.1 + norm(&self.w));
        }
        (totals.0 / updates as f64, totals.1 / updates as f64)
    }

    fn pressure(&self) -> Option<f64> {
        self.tracks.get(0).unwrap().pressure()
    }
}

fn settled(forces: Forces) -> [f64; 2] {
    let mut walk = Walk::new(forces, 10.0);
    let tau = forces.timescale().unwrap().steps as usize;
    walk.watch(4 * tau);
    let (rotation, norm) = walk.watch(tau);
    let ideal = forces.equilibrium_norm(WEIGHTS, walk.pressure()).unwrap();
    let track = walk.tracks.get(0).unwrap();
    assert_eq!(track.invariance(), Invariance::Holds);
    let budget = track.budget().unwrap();
    // What is told and what is measured are averages over stretches that end one update apart.
    assert!((budget.sum() - budget.measured.unwrap()).abs() < 0.1 * budget.growth, "{budget:?}");
    assert!(track.memory_of_start() < 0.01);
    [rotation / forces.equilibrium_rotation().unwrap(), norm / ideal]
}

#[test]
fn random_walks_settle_where_the_formulas_say() {
    for (name, forces, [rotation_bound, norm_bound]) in [
        ("AdamW", forces(ADAM, DecayMode::Decoupled, 0.02, 0.1), [0.03, 0.09]),
        ("Lion", forces(LION, DecayMode::Decoupled, 0.02, 0.1), [0.07, 0.09]),
        ("SGD", forces(heavy(0.9), DecayMode::L2, 0.1, 0.002), [0.02, 0.02]),
        ("plain SGD", forces(heavy(0.0), DecayMode::L2, 1.0, 0.002), [0.02, 0.02]),
    ] {
        let [rotation, norm] = settled(forces);
        assert!((rotation - 1.0).abs() < rotation_bound, "{name} turns {rotation} times as fast");
        assert!((norm - 1.0).abs() < norm_bound, "{name} is {norm} times as long");
    }
}

#[test]
fn an_edit_of_lambda_settles_within_the_band() {
    for forces in [forces(ADAM, DecayMode::Decoupled, 0.02, 0.1), forces(heavy(0.9), DecayMode::L2, 0.1, 0.002)] {
        let mut walk = Walk::new(forces, 10.0);
        let tau = forces.timescale().unwrap().steps as usize;
        walk.watch(4 * tau);
        let edited = Forces { weight_decay: 3.0 * forces.weight_decay, ..forces };
        let approach = edited.approach(norm(&walk.w), WEIGHTS, walk.pressure()).unwrap();
        walk.forces = edited;
        for steps in 1..=tau {
            walk.update();
            let (low, high) = approach.band(steps as f64);
            let length = norm(&walk.w);
            assert!(low <= length && length <= high, "{length} after {steps}: {low} to {high}");
        }
        let time = approach.time();
        assert!(time > 0.0 && time < 2.0 * tau as f64, "{time}");
        assert!((approach.after(time) / approach.target - 1.0).abs() < 0.0501);
        assert_eq!(super::super::Approach { from: approach.target, ..approach }.time(), 0.0);
    }
}

#[test]
fn a_gradient_along_the_weights_is_found() {
    let forces = forces(ADAM, DecayMode::Decoupled, 0.02, 0.1);
    let mut tracks = Tracks::new([WEIGHTS, 63].into_iter());
    let mut chance = Chance(3);
    let w = chance.vector(WEIGHTS);
    for step in 0..100 {
        assert_eq!(tracks.get(0).unwrap().invariance(), Invariance::Untested);
        let g: Vec<f64> = chance.vector(WEIGHTS).iter().zip(&w).map(|(x, w)| x + 0.05 * w).collect();
        let sums = sums(&w, &g, &g, 0.0, |_, _| true);
        tracks.update(step, [(&sums, forces), (&sums, forces)].into_iter());
    }
    let Invariance::Broken { cosine, bound } = tracks.get(0).unwrap().invariance() else { panic!("{tracks:?}") };
    assert!((0.02..0.1).contains(&cosine) && bound == 0.1 / (WEIGHTS as f64).sqrt());
    assert_eq!(tracks.get(1).unwrap().invariance(), Invariance::TooSmall);
    tracks.restored();
    assert_eq!(tracks.get(0).unwrap().invariance(), Invariance::Untested);
}

#[test]
fn memory_fades_by_what_each_update_keeps_and_anew_from_an_edit() {
    let decoupled = forces(ADAM, DecayMode::Decoupled, 0.02, 0.1);
    let momentum = forces(heavy(0.9), DecayMode::L2, 0.01, 0.1);
    let sums = TensorSums { decay: 0.25, w2: 1.0, g2: 1.0, d2: 1.0, ..Default::default() };
    let unseparated = TensorSums { decay: 0.0, ..sums };
    let mut tracks = Tracks::new([100, 100].into_iter());
    let update = |tracks: &mut Tracks, step| {
        tracks.update(step, [(&sums, decoupled), (&unseparated, momentum)].into_iter());
    };
    update(&mut tracks, 0);
    update(&mut tracks, 1);
    tracks.edited();
    // One update was never seen.
    update(&mut tracks, 3);
    let both = |tracks: &Tracks, at: usize| {
        let track = tracks.get(at).unwrap();
        [track.memory_of_start(), track.memory_of_edit()]
    };
    assert_eq!(both(&tracks, 0), [0.75f64.powi(4), 0.75f64.powi(2)]);
    // τ = 100 updates.
    let [start, edit] = both(&tracks, 1);
    assert!((start - (-0.04f64).exp()).abs() < 1e-12 && (edit - (-0.02f64).exp()).abs() < 1e-12);
}
