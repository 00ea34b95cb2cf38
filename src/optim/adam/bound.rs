//! AdaBound and AMSBound.

use super::{Allowed, BETA1, BETA2, Block, CURRENT, EPS, ETA, HyperSpec, LARGEST, Now, Rule, Squares, StateSpec};
use super::{average, chainer_alpha};
use crate::optim::rule::{ScalarSpec, Start};
use crate::scalar::{Scalar, larger, smaller};
use crate::stream::TensorSums;

/// Chainer's.
pub const BOUND: &[HyperSpec] = &[
    BETA1,
    BETA2,
    EPS,
    ETA,
    HyperSpec::new("final_lr", 0.1, Allowed::NotNegative),
    HyperSpec::new("gamma", 1e-3, Allowed::Positive),
];

/// Chainer's `AdaBound`, and `AMSBound` with the largest second moment (Luo, Xiong, Liu, Sun 2019):
///
/// ```text
/// s = clip( a_t/(sqrt(v)+eps), lo, hi ) ; w <- w - eta*s*m
/// f = final_lr*lr/lr0    lo = f*(1 - 1/(gamma*t+1))    hi = f*(1 + 1/(gamma*t))
/// ```
///
/// lr0 is η at the run's start, whatever is edited later; where that is 0 the bounds do not follow η.
#[derive(Debug, Clone, Copy)]
pub struct AdaBound(pub Squares);

impl<T: Scalar> Rule<T> for AdaBound {
    fn state(&self) -> &'static [StateSpec] {
        match self.0 {
            Squares::Current => CURRENT,
            Squares::Largest => LARGEST,
        }
    }

    fn scalars(&self) -> &'static [ScalarSpec] {
        const { &[ScalarSpec { name: "initial_lr", start: Start::LearningRate }] }
    }

    fn decay_factor(&self, now: &Now<'_>) -> f64 {
        let [_, _, _, eta, ..]: [f64; 6] = now.hyper();
        eta
    }

    fn update(&self, block: Block<'_, T>, now: &Now<'_>) -> TensorSums {
        let ([beta1, beta2, eps, eta, final_lr, gamma], [initial_lr]) = (now.hyper(), now.scalars());
        let ratio = if initial_lr == 0.0 { 1.0 } else { now.lr / initial_lr };
        let (limit, speed) = (final_lr * ratio, gamma * now.t as f64);
        let (low, high) = (limit * (1.0 - 1.0 / (speed + 1.0)), limit * (1.0 + 1.0 / speed));
        let alpha = chainer_alpha(now, [beta1, beta2]);
        let [alpha, low, high, eta, eps] = [alpha, low, high, eta, eps].map(T::of);
        average(block, now, [beta1, beta2], self.0, |_, m, v| {
            -(eta * (smaller(larger(alpha / (v.sqrt() + eps), low), high) * m))
        })
    }
}
