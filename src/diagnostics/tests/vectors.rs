//! One update, computed from its vectors.

use super::super::measured::{
    agreement, alignment, balance, decay_pull, gap, gradient_ratio, penalty, rotation, slope,
};
use super::super::{Amount, Exchange, HalfLife, Unknown, applied_in_f32};
use super::*;
use crate::stream::{Evaluation, Score};

fn close(found: f64, wanted: f64, bound: f64) {
    assert!((found - wanted).abs() <= bound * wanted.abs(), "{found:e}, but it is {wanted:e}");
}

/// The angle between two vectors through the chord between their directions: accurate where arccos is not.
fn angle(a: &[f64], b: &[f64]) -> f64 {
    let (a_norm, b_norm) = (norm(a), norm(b));
    let chord = a.iter().zip(b).map(|(a, b)| (a / a_norm - b / b_norm).powi(2)).sum::<f64>().sqrt();
    2.0 * (0.5 * chord).asin()
}

#[test]
fn every_measure_is_that_of_the_whole_vectors() {
    let mut chance = Chance(1);
    let (w, g) = (chance.vector(300), chance.vector(300));
    for size in [1e-5, 1e-2, 1.0] {
        let delta: Vec<f64> = chance.vector(300).iter().zip(&w).map(|(x, w)| size * (x - 0.2 * w)).collect();
        for decay in [0.0, 1e-3, 0.3] {
            let plain = |_: f64, _: f64| true;
            let cautious = |w: f64, delta: f64| w * delta <= 0.0;
            for (mode, rule) in
                [(DecayMode::Decoupled, &plain as &dyn Fn(f64, f64) -> bool), (DecayMode::Cautious, &cautious)]
            {
                let sums = sums(&w, &g, &delta, decay, rule);
                let step = |(w, delta): (&f64, &f64)| if rule(*w, *delta) { (1.0 - decay) * w } else { *w } + delta;
                let new: Vec<f64> = w.iter().zip(&delta).map(step).collect();
                let change: Vec<f64> = new.iter().zip(&w).map(|(new, w)| new - w).collect();
                close(rotation(&sums), angle(&w, &new), 1e-7);
                close(sums.update_ratio(), norm(&change) / norm(&w), 1e-9);
                let told: f64 = sums.budget().iter().sum();
                let both = dot(&new, &new) + dot(&w, &w);
                assert!((told - (dot(&new, &new) - dot(&w, &w))).abs() <= 1e-12 * both);
                let shrunk: f64 = w.iter().zip(&delta).filter(|(w, d)| rule(**w, **d)).map(|(w, _)| w * w).sum();
                close(decay_pull(&sums, mode, 7.0), decay * shrunk.sqrt() / norm(&delta), 1e-12);
                close(agreement(&sums, 300), sums.agree / 300.0, 0.0);
            }
        }
    }
    let sums = sums(&w, &g, &g, 0.0, |_, _| true);
    close(gradient_ratio(&sums), norm(&g) / norm(&w), 1e-12);
    close(alignment(&sums), dot(&w, &g) / (norm(&w) * norm(&g)), 1e-12);
    close(decay_pull(&sums, DecayMode::L2, 0.3), 0.3 * norm(&w) / norm(&g), 1e-12);
    close(penalty(&sums, 0.3), w.iter().map(|w| 0.15 * w * w).sum(), 1e-12);
}

#[test]
fn the_effective_learning_rate_is_how_far_a_step_turns_the_weights() {
    let mut chance = Chance(5);
    let (w, draw) = (chance.vector(300), chance.vector(300));
    let w: Vec<f64> = w.iter().map(|w| 7.0 * w).collect();
    let along = dot(&w, &draw) / dot(&w, &w);
    let across: Vec<f64> = draw.iter().zip(&w).map(|(x, w)| x - along * w).collect();
    let turned = |step: f64| angle(&w, &w.iter().zip(&across).map(|(w, u)| w - step * u).collect::<Vec<f64>>());
    // The same gradient again and again, which goes as 1/‖w‖: a buffer comes to 1/(1−μ) of it.
    let (lr, mu, w2) = (1e-3, 0.9, dot(&w, &w));
    let mut buffer = 0.0;
    (0..400).for_each(|_| buffer = mu * buffer + 1.0 / norm(&w));
    let effective = |family, mode| forces(family, mode, lr, 0.1).effective_lr(w2);
    close(effective(heavy(mu), DecayMode::L2) * norm(&across), turned(lr * buffer), 1e-6);
    // Adaptive steps have the length of η in every weight, whatever the gradient.
    let each = 1.0 / (norm(&across) / 300f64.sqrt());
    close(effective(ADAM, DecayMode::Decoupled) * 300f64.sqrt(), turned(lr * each), 1e-6);
    close(effective(LION, DecayMode::Decoupled), lr / norm(&w), 1e-12);
}

#[test]
fn balance_and_gap_and_slope_are_what_their_names_say() {
    close(balance([0.2, 0.1, f64::NAN, 0.05, 0.0].into_iter()).unwrap(), 4.0, 1e-12);
    assert_eq!(balance([0.2].into_iter()), None);
    let score = |loss| Score { loss, accuracy: 0.5 };
    let weights = Vec::new();
    let (train, validation) = (score(0.25), score(1.0));
    let evaluation = Evaluation { step: 0, epoch: 0.0, seconds: 0.0, train, validation, weights };
    assert_eq!(gap(&evaluation), 0.75);
    close(slope(&[(0.0, 1.0), (10.0, 3.0), (20.0, 5.0)]).unwrap(), 0.2, 1e-12);
    assert_eq!(slope(&[(1.0, 1.0), (1.0, 2.0)]), None);
}

#[test]
fn the_timescale_is_that_of_a_weight_that_only_decays() {
    // Plain, decoupled and momentum: after τ updates without a gradient a weight is down to 1/e.
    for (family, mode, bound) in [
        (ADAM, DecayMode::Decoupled, 1e-2),
        (heavy(0.0), DecayMode::L2, 1e-2),
        (heavy(0.9), DecayMode::L2, 2e-2),
        (Family::Sgd(Momentum { momentum: 0.9, dampening: 0.5, form: Form::Heavy }), DecayMode::L2, 2e-2),
        (Family::Sgd(Momentum { momentum: 0.9, dampening: 0.0, form: Form::Nesterov }), DecayMode::L2, 2e-2),
    ] {
        let forces = forces(family, mode, 0.01, 0.01);
        let timescale = forces.timescale().unwrap();
        let (mut w, mut buffer) = (1.0, 0.0);
        let (mut half, mut steps) = (None, 0);
        while w > (-1f64).exp() {
            steps += 1;
            match (family, mode) {
                (Family::Sgd(Momentum { momentum, dampening, form }), DecayMode::L2) => {
                    let g = 0.01 * w;
                    buffer = if steps == 1 { g } else { momentum * buffer + (1.0 - dampening) * g };
                    w -= 0.01 * if form == Form::Nesterov { g + momentum * buffer } else { buffer };
                }
                _ => w *= 1.0 - 0.01 * 0.01,
            }
            half = half.or((w <= 0.5).then_some(steps));
        }
        close(timescale.steps, f64::from(steps), bound);
        let HalfLife::Steps(half_life) = timescale.half_life() else { panic!("{timescale:?}") };
        close(half_life, f64::from(half.unwrap()), bound);
        close(forces.weight_decay_for(timescale.steps).unwrap(), 0.01, 1e-12);
        close(timescale.epochs(50), timescale.steps / 50.0, 0.0);
    }
    assert_eq!(forces(ADAM, DecayMode::L2, 0.01, 0.1).timescale(), Err(Unknown::Mixed));
    assert_eq!(forces(ADAM, DecayMode::Decoupled, 0.01, 0.0).timescale().unwrap().steps, f64::INFINITY);
    let past = forces(ADAM, DecayMode::Decoupled, 0.1, 10.0).timescale().unwrap();
    assert_eq!(past.half_life(), HalfLife::Overshoots);
}

#[test]
fn what_f32_rounds_away_has_no_effect() {
    assert_eq!(applied_in_f32(2e-8), 0.0);
    assert!(applied_in_f32(4e-8) > 0.0);
    for share in [2e-8, 3e-8, 1e-5, 0.1] {
        assert_eq!(applied_in_f32(share), 1.0 - f64::from((1.0 - share) as f32));
    }
    assert!(forces(ADAM, DecayMode::Decoupled, 1e-3, 2e-5).is_lost_in_f32());
    assert!(!forces(ADAM, DecayMode::Decoupled, 1e-3, 4e-5).is_lost_in_f32());
    // Coupled decay is added to the gradient, not multiplied.
    assert!(!forces(heavy(0.0), DecayMode::L2, 1e-3, 2e-5).is_lost_in_f32());
}

#[test]
fn each_rule_without_a_formula_has_a_reason() {
    let reason = |family, mode, hooks| {
        let mut forces = forces(family, mode, 0.01, 0.01);
        forces.regime.hooks = hooks;
        forces.equilibrium_norm(1000, Some(1.0)).err()
    };
    assert_eq!(reason(ADAM, DecayMode::L2, 0), Some(Unknown::Mixed));
    assert_eq!(reason(ADAM, DecayMode::Cautious, 0), Some(Unknown::Cautious));
    assert_eq!(reason(ADAM, DecayMode::None, 0), Some(Unknown::NoDecay));
    assert_eq!(reason(ADAM, DecayMode::Decoupled, 1), Some(Unknown::Hooked));
    assert_eq!(reason(Family::Other, DecayMode::Decoupled, 0), Some(Unknown::NoFormula));
    assert_eq!(reason(heavy(0.9), DecayMode::Decoupled, 0), Some(Unknown::NoFormula));
    let ahead = Family::Sgd(Momentum { momentum: 0.9, dampening: 0.0, form: Form::Nesterov });
    assert_eq!(reason(ahead, DecayMode::L2, 0), Some(Unknown::NoFormula));
    assert_eq!(reason(ADAM, DecayMode::Decoupled, 0), None);
    let sgd = forces(heavy(0.9), DecayMode::L2, 0.01, 0.1);
    assert_eq!(sgd.equilibrium_norm(1000, None), Err(Unknown::NotMeasured));
    assert_eq!(forces(heavy(0.9), DecayMode::L2, 0.01, 0.0).equilibrium_rotation(), Err(Unknown::NoDecay));
    assert_eq!(forces(ADAM, DecayMode::Decoupled, 1.0, 1.0).equilibrium_rotation(), Err(Unknown::Overshoots));
}

#[test]
fn every_unit_comes_back_as_the_lambda_it_was_made_of() {
    let exchange = |family, mode| Exchange {
        forces: forces(family, mode, 0.01, 0.0),
        steps_per_epoch: 20,
        root_batches: Some(50.0),
    };
    let adamw = exchange(ADAM, DecayMode::Decoupled);
    for (text, weight_decay) in [
        ("0.3", 0.3),
        ("tau=500", 0.2),
        (" tau = 2ep ", 2.5),
        ("half=500", 100.0 * (1.0 - 0.5f64.powf(1.0 / 500.0))),
        ("half=25 ep", 100.0 * (1.0 - 0.5f64.powf(1.0 / 500.0))),
        ("d=1e-5", 1e-3),
        ("lambda_norm=0.05", 0.1),
    ] {
        close(adamw.weight_decay(text.parse().unwrap()).unwrap(), weight_decay, 1e-12);
    }
    let momentum = exchange(heavy(0.9), DecayMode::L2);
    close(momentum.weight_decay(Amount::Steps(100.0)).unwrap(), 0.1, 1e-12);
    close(momentum.weight_decay(Amount::HalfLife(100.0 * std::f64::consts::LN_2)).unwrap(), 0.1, 1e-12);
    for (exchange, text, words) in [
        (
            adamw,
            "tau=",
            "`tau=` is no amount of weight decay: a number, or tau=500, tau=2ep, half=500, d=1e-5, lambda_norm=0.05",
        ),
        (adamw, "tau=0", "tau must be finite and above 0, got 0"),
        (momentum, "d=1e-5", "d has no meaning here: decay is mixed into an adaptive step (L2)"),
        (
            Exchange { root_batches: None, ..adamw },
            "lambda_norm=1",
            "lambda_norm needs a run with an end; this one runs until it is stopped",
        ),
        (Exchange { forces: Forces { lr: 0.0, ..adamw.forces }, ..adamw }, "tau=5", "no λ gives tau=5 while η is 0"),
    ] {
        let refused = text.parse().and_then(|amount| exchange.weight_decay(amount));
        assert_eq!(refused.unwrap_err().to_string(), words);
    }
    let shown = adamw.describe(1e-7, |value| format!("{value}"));
    assert!(shown[1].ends_with("(no effect in f32)"), "{shown:?}");
    let shown = adamw.describe(0.0, |value| format!("{value}")).join(" ");
    assert_eq!(shown, "λ 0 d 0 τ ∞ steps τ ∞ epochs half-life ∞ λ_norm 0");
}
