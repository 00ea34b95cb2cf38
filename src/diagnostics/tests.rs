//! The formulas against whole weight vectors, old and new ones kept in f64, and against random walks.

mod alarms;
mod trends;
mod vectors;
mod walks;

use super::{Factor, Family, Forces, Form, Momentum, Regime};
use crate::stream::{DecayMode, TensorSums};

/// Numbers that look like chance: normal enough for a walk, the same in every run.
struct Chance(u64);

impl Chance {
    fn uniform(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        let mixed = (self.0 ^ (self.0 >> 29)).wrapping_mul(0xbf58476d1ce4e5b9);
        ((mixed >> 11) as f64 + 0.5) / (1u64 << 53) as f64
    }

    fn normal(&mut self) -> f64 {
        let (radius, angle) = (self.uniform(), self.uniform());
        (-2.0 * radius.ln()).sqrt() * (std::f64::consts::TAU * angle).cos()
    }

    fn vector(&mut self, len: usize) -> Vec<f64> {
        (0..len).map(|_| self.normal()).collect()
    }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn norm(a: &[f64]) -> f64 {
    dot(a, a).sqrt()
}

/// The sums of an update that moves w by Δ and by decay, where `decays` says so.
fn sums(w: &[f64], g: &[f64], delta: &[f64], decay: f64, decays: impl Fn(f64, f64) -> bool) -> TensorSums {
    let decayed: Vec<f64> = w.iter().zip(delta).map(|(&w, &delta)| if decays(w, delta) { w } else { 0.0 }).collect();
    TensorSums {
        decay,
        w2: dot(w, w),
        g2: dot(g, g),
        d2: dot(delta, delta),
        wd: dot(w, delta),
        wg: dot(w, g),
        agree: w.iter().zip(delta).filter(|(w, delta)| *w * *delta < 0.0).count() as f64,
        decayed_w2: dot(&decayed, &decayed),
        decayed_wd: dot(&decayed, delta),
    }
}

fn forces(family: Family, decay_mode: DecayMode, lr: f64, weight_decay: f64) -> Forces {
    Forces { regime: Regime { family, decay_mode, factor: Factor::Lr, hooks: 0 }, lr, lr_factor: 1.0, weight_decay }
}

fn heavy(momentum: f64) -> Family {
    Family::Sgd(Momentum { momentum, dampening: 0.0, form: Form::Heavy })
}

const ADAM: Family = Family::Adam { beta1: 0.9 };
const LION: Family = Family::Lion { beta1: 0.9, beta2: 0.99 };
