//! Random walks on the sphere: gradients at right angles to the weights that shrink as their norm grows, as those of a
//! scale-invariant loss do.

use super::super::{Course, Courses, Invariance, Tracks, Unknown};
use super::*;

const WEIGHTS: usize = 1000;

/// What a walk is made by.
struct Walk {
    forces: Forces,
    w: Vec<f64>,
    first: Vec<f64>,
    second: Vec<f64>,
    step: u64,
    /// ‖g‖·‖w‖ as a multiple of a draw's length.
    steepness: f64,
    /// How much of the last draws, an average over some 50, the next gradient takes back.
    recoil: f64,
    past: Vec<f64>,
    /// ‖g‖² of the last update.
    g2: f64,
    courses: Courses,
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
            steepness: 1.0,
            recoil: 0.0,
            past: vec![0.0; WEIGHTS],
            g2: 0.0,
            courses: Courses::new(1),
            tracks: Tracks::new([WEIGHTS].into_iter()),
            chance,
        }
    }

    fn update(&mut self) {
        let Forces { regime, lr, weight_decay, .. } = self.forces;
        let length = norm(&self.w);
        let mut draw = self.chance.vector(WEIGHTS);
        for (draw, past) in draw.iter_mut().zip(&mut self.past) {
            let fresh = *draw;
            *draw -= self.recoil * *past;
            *past += 0.02 * (fresh - *past);
        }
        let along = dot(&draw, &self.w) / (length * length);
        let g: Vec<f64> = draw.iter().zip(&self.w).map(|(x, w)| self.steepness * (x - along * w) / length).collect();
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
        self.g2 = dot(&g, &g);
        self.courses.update(self.step, [(&sums, self.forces)].into_iter(), &self.tracks);
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

    /// Turns λ.
    fn edit(&mut self, times: f64) {
        self.forces.weight_decay *= times;
        self.courses.edited();
    }

    fn course(&self) -> Option<&Course> {
        self.courses.get(0)
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
fn gradients_of_descent_settle_where_the_formula_says() {
    for (momentum, lr) in [(0.9, 0.1), (0.0, 1.0)] {
        let forces = forces(heavy(momentum), DecayMode::L2, lr, 0.002);
        let mut walk = Walk::new(forces, 10.0);
        let tau = forces.timescale().unwrap().steps as usize;
        walk.watch(4 * tau);
        let mut ratio = 0.0;
        for _ in 0..tau {
            let length = norm(&walk.w);
            walk.update();
            ratio += walk.g2.sqrt() / length / tau as f64;
        }
        let ideal = forces.equilibrium_gradient_ratio().unwrap();
        assert!((ratio / ideal - 1.0).abs() < 0.03, "{ratio}, but {ideal}");
    }
    let adam = forces(ADAM, DecayMode::Decoupled, 0.1, 0.002);
    assert_eq!(adam.equilibrium_gradient_ratio(), Err(Unknown::NoFormula));
}

#[test]
fn an_edit_of_lambda_settles_within_the_band() {
    for forces in [forces(ADAM, DecayMode::Decoupled, 0.02, 0.1), forces(heavy(0.9), DecayMode::L2, 0.1, 0.002)] {
        let mut walk = Walk::new(forces, 10.0);
        let tau = forces.timescale().unwrap().steps as usize;
        walk.watch(4 * tau);
        let edited = Forces { weight_decay: 3.0 * forces.weight_decay, ..forces };
        let approach = edited.approach(norm(&walk.w), walk.tracks.get(0).unwrap()).unwrap();
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
fn a_course_follows_a_loss_that_becomes_flatter_as_the_edit_did_not_foretell() {
    let mut walk = Walk::new(forces(heavy(0.9), DecayMode::L2, 0.1, 0.002), 10.0);
    let tau = walk.forces.timescale().unwrap().steps as usize;
    walk.watch(4 * tau);
    assert_eq!(walk.course(), None, "there was no edit");
    walk.edit(3.0);
    let (start, before) = (walk.step, walk.pressure().unwrap());
    let mut bands = vec![];
    // What it follows, by sums of the test's own: y' = y + (1 - e^-k)·(y* − y).
    let Forces { lr, weight_decay, .. } = walk.forces;
    let (mut y, share) = (norm(&walk.w).powi(4), 1.0 - (-4.0 * lr * weight_decay / (1.0 - 0.9)).exp());
    for update in 1..=tau {
        // ‖g‖²·‖w‖² falls to a quarter within a third of τ.
        walk.steepness = 0.5 + 0.5 * (-9.0 * update as f64 / tau as f64).exp();
        let before = walk.w.clone();
        walk.update();
        y += share * (lr * walk.g2 * dot(&before, &before) / (2.0 * weight_decay * (1.0 - 0.9)) - y);
        let (course, length) = (walk.course().unwrap(), norm(&walk.w));
        assert!((course.norm() / y.powf(0.25) - 1.0).abs() < 1e-9, "{} is not {}", course.norm(), y.powf(0.25));
        let (low, high) = course.band();
        assert!(low <= length && length <= high, "{length} after {update}: {low} to {high}");
        bands.push((walk.step, (low, high)));
    }
    let course = walk.course().unwrap();
    assert_eq!(course.since(), start);
    let end = tau as f64;
    assert!(norm(&walk.w) < course.foretold().band(end).0, "the band of the edit is left");
    let times = course.steepened(walk.tracks.get(0).unwrap()).unwrap();
    assert!((times - walk.pressure().unwrap() / before).abs() < 1e-12 && (0.2..0.3).contains(&times), "{times}");
    assert!(bands.iter().all(|(step, band)| course.band_at(*step) == Some(*band)), "{bands:?}");
    assert_eq!((course.band_at(start - 1), course.band_at(walk.step + 1)), (None, None));
    walk.courses.restored();
    assert_eq!(walk.course(), None);
}

/// Lion's, at τ = 1,000 through an edit of λ times 3, after which gradients take back so much of those before: the norm
/// where it had settled beside ‖w‖*, the way that was foretold, and the largest distance from its middle as a share.
fn through_an_edit_of_lion(before: f64, after: f64) -> (f64, Walk, f64) {
    let mut walk = Walk::new(forces(LION, DecayMode::Decoupled, 0.02, 0.05), 10.0);
    walk.recoil = before;
    walk.watch(4000);
    let (_, length) = walk.watch(1000);
    let settled = length / walk.forces.equilibrium_norm(WEIGHTS, None).unwrap();
    walk.edit(3.0);
    walk.recoil = after;
    let mut farthest = 0f64;
    for _ in 0..1000 {
        walk.update();
        farthest = farthest.max((norm(&walk.w) / walk.course().unwrap().norm() - 1.0).abs());
    }
    (settled, walk, farthest)
}

#[test]
fn gradients_that_turn_back_shorten_lions_memory_and_an_edit_is_foretold_all_the_same() {
    let (settled, walk, farthest) = through_an_edit_of_lion(0.7, 0.7);
    assert!(settled < 0.8, "they turn back too little for this test: {settled}");
    assert!(farthest < 0.13, "{farthest} off");
    let (course, ideal) = (walk.course().unwrap(), walk.forces.equilibrium_norm(WEIGHTS, None).unwrap());
    let settles = course.foretold().target;
    assert!((settles / (settled * ideal) - 1.0).abs() < 0.05, "{settles}, {settled} of {ideal}");
    // The formula by itself would have missed by more than its band is wide.
    let length = norm(&walk.w);
    assert!(length < 0.8 * ideal, "{length}, {ideal}");
    let track = walk.tracks.get(0).unwrap();
    assert!((track.memory_of_updates().unwrap() - settled * settled).abs() < 0.2 * settled * settled);
}

#[test]
fn a_memory_that_does_not_outlive_the_edit_leaves_the_band() {
    let (_, walk, farthest) = through_an_edit_of_lion(0.7, 0.0);
    assert!(farthest > 0.15, "{farthest} off");
    let (_, high) = walk.course().unwrap().band();
    assert!(norm(&walk.w) > high, "{}, {high}", norm(&walk.w));
}

#[test]
fn memory_of_updates_is_lions_and_takes_a_thousand_of_them() {
    let decoupled = |family| forces(family, DecayMode::Decoupled, 0.02, 0.1);
    let of = |forces: Forces, updates: u64| {
        let mut tracks = Tracks::new([WEIGHTS].into_iter());
        // R = 2·(1 − d)·w·Δ + ‖Δ‖², of steps of which a tenth of the weights takes none.
        let sums = TensorSums {
            decay: 0.002,
            w2: 9.0,
            g2: 1.0,
            d2: 0.36,
            wd: 4.0,
            decayed_w2: 9.0,
            decayed_wd: 4.0,
            ..Default::default()
        };
        (0..updates).for_each(|step| tracks.update(step, [(&sums, forces)].into_iter()));
        tracks.get(0).unwrap().memory_of_updates()
    };
    let memory = of(decoupled(LION), 1000).unwrap();
    let kappa2 = 0.01 + 0.81 * 0.01 / 1.99;
    let wanted = (2.0 * 0.998 * 4.0 + 0.36) / (0.02 * 0.02 * 1000.0) / (2.0 / (std::f64::consts::PI * kappa2));
    assert!((memory / wanted - 1.0).abs() < 1e-12, "{memory}, {wanted}");
    // λ stands not in it: without decay it is measured too.
    assert_eq!(of(forces(LION, DecayMode::Decoupled, 0.02, 0.0), 1000), Some(memory));
    assert_eq!([of(decoupled(LION), 999), of(decoupled(ADAM), 1000)], [None, None]);
}

#[test]
fn without_measured_gradients_in_the_formula_a_course_is_what_was_foretold() {
    for family in [ADAM, LION] {
        let mut walk = Walk::new(forces(family, DecayMode::Decoupled, 0.02, 0.1), 10.0);
        walk.watch(300);
        walk.edit(3.0);
        // More updates than points are kept.
        for update in 1..=1200 {
            walk.steepness = 1.0 / f64::from(update);
            walk.update();
            let course = walk.course().unwrap();
            let foretold = course.foretold().after(f64::from(update));
            assert!((course.norm() / foretold - 1.0).abs() < 1e-9, "{} is not {foretold}", course.norm());
            let ((low, _), (foretold, _)) = (course.band(), course.foretold().band(f64::from(update)));
            assert!((low / foretold - 1.0).abs() < 1e-9);
        }
        // Of so many updates every fourth is kept.
        let (course, since) = (walk.course().unwrap(), walk.course().unwrap().since());
        for update in (0..=1200).step_by(50) {
            let (low, _) = course.band_at(since + update).unwrap();
            let foretold = |earlier: u64| course.foretold().band((update - earlier.min(update)) as f64).0;
            assert!((0..4).any(|earlier| (low / foretold(earlier) - 1.0).abs() < 1e-9), "{low} after {update}");
        }
        assert_eq!(walk.course().unwrap().steepened(walk.tracks.get(0).unwrap()), None);
        // Where there is no formula there is no course, and it ends with it.
        walk.forces.weight_decay = 0.0;
        assert_eq!(walk.forces.equilibrium_rotation(), Err(Unknown::NoDecay));
        walk.update();
        assert_eq!(walk.course(), None);
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
