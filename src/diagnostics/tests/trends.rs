//! Trends against budgets whose end is known.

use super::super::{Tracks, Unknown};
use super::*;

const WEIGHTS: usize = 1000;

/// Follows a norm whose gain answers to it as ‖w‖^`answer`, from 20 on; the gain at norm 1 is `gain`. Its gradient points
/// along the weights.
fn follow(forces: &Forces, gain: f64, answer: f64, updates: u64) -> (Tracks, f64) {
    let mut tracks = Tracks::new([WEIGHTS].into_iter());
    let mut w2 = 400.0;
    for step in 0..updates {
        let gained = gain * f64::powf(w2, answer / 2.0);
        let separable = forces.regime.is_separable();
        let (decay, lost) = match forces.share() {
            Ok(d) => (d, (2.0 * d - d * d) * w2),
            Err(_) => (0.0, 2.0 / forces.timescale().map_or(f64::INFINITY, |it| it.steps) * w2),
        };
        // All of the gain is along the weights.
        let along = if separable { gained } else { gained - lost };
        let wd = along / (2.0 * (1.0 - decay));
        let sums = TensorSums {
            decay,
            w2,
            g2: 1.0,
            wd,
            wg: -w2.sqrt(),
            decayed_w2: w2,
            decayed_wd: wd,
            ..TensorSums::default()
        };
        tracks.update(step, [(&sums, *forces)].into_iter());
        w2 += gained - lost;
    }
    (tracks, w2.sqrt())
}

#[test]
fn a_trend_is_where_the_norm_settles() {
    let adam = forces(ADAM, DecayMode::Decoupled, 1e-3, 3.0);
    let momentum = forces(heavy(0.9), DecayMode::L2, 0.1, 3e-3);
    for forces in [adam, momentum] {
        let (_, settled) = follow(&forces, 1.0, -0.5, 20_000);
        for updates in [100, 400, 1000] {
            let (tracks, norm) = follow(&forces, 1.0, -0.5, updates);
            let trend = forces.trend(tracks.get(0).unwrap()).unwrap();
            assert!((trend.target / settled - 1.0).abs() < 0.05, "{trend:?} after {updates}: {settled}, from {norm}");
            assert!((trend.after(100_000.0) / settled - 1.0).abs() < 0.05);
            let (_, later) = follow(&forces, 1.0, -0.5, updates + 200);
            assert!((trend.after(200.0) / later - 1.0).abs() < 0.02, "{later} 200 updates after {updates}");
        }
    }
}

#[test]
fn a_trend_foretells_another_lambda_before_it_is_in_force() {
    let [one, three] = [1.0, 3.0].map(|weight_decay| forces(ADAM, DecayMode::Decoupled, 1e-3, weight_decay));
    let (tracks, _) = follow(&one, 1.0, -0.5, 10_000);
    let (_, settled) = follow(&three, 1.0, -0.5, 10_000);
    let trend = three.trend(tracks.get(0).unwrap()).unwrap();
    assert!((trend.target / settled - 1.0).abs() < 0.01, "{trend:?}, {settled}");
}

#[test]
fn there_is_no_trend_without_decay_updates_or_gain() {
    let adam = forces(ADAM, DecayMode::Decoupled, 1e-3, 3.0);
    let of = |forces: &Forces, gain, updates| forces.trend(follow(&adam, gain, 0.0, updates).0.get(0).unwrap());
    assert_eq!(of(&Forces { weight_decay: 0.0, ..adam }, 1.0, 100), Err(Unknown::NoDecay));
    assert_eq!(of(&Forces { weight_decay: 1000.0, ..adam }, 1.0, 100), Err(Unknown::Overshoots));
    assert_eq!(of(&forces(ADAM, DecayMode::L2, 1e-3, 3.0), 1.0, 100), Err(Unknown::Mixed));
    assert_eq!(of(&adam, 1.0, 49), Err(Unknown::Untested));
    assert_eq!(of(&adam, -0.01, 100), Err(Unknown::NoGain));
}
