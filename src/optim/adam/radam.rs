//! RAdam.

use super::{Block, CURRENT, Now, Rule, Squares, StateSpec, Step};
use crate::scalar::Scalar;
use crate::stream::TensorSums;

/// `torch.optim.RAdam` (Liu et al. 2020): while too few gradients are known for a variance, a plain momentum step.
///
/// ```text
/// rinf = 2/(1-b2) - 1    rt = rinf - 2*t*b2^t/(1-b2^t)
/// rt > 5:  w <- w - lr/(1-b1^t)*m * r*sqrt(1-b2^t)/(sqrt(v)+eps)    r = sqrt( (rt-4)(rt-2)rinf/((rinf-4)(rinf-2)rt) )
/// else:    w <- w - lr/(1-b1^t)*m
/// ```
#[derive(Debug, Clone, Copy)]
pub struct RAdam;

impl<T: Scalar> Rule<T> for RAdam {
    fn state(&self) -> &'static [StateSpec] {
        CURRENT
    }

    fn update(&self, block: Block<'_, T>, now: &Now<'_>) -> TensorSums {
        let [beta1, beta2, eps] = now.hyper();
        let momentum = now.lr / now.correction(beta1);
        let correction = now.correction(beta2);
        let most = 2.0 / (1.0 - beta2) - 1.0;
        let length = most - 2.0 * now.t as f64 * libm::pow(beta2, now.t as f64) / correction;
        let step = if length > 5.0 {
            let rectified = (length - 4.0) * (length - 2.0) * most / ((most - 4.0) * (most - 2.0) * length);
            Step { step: momentum * rectified.sqrt() * correction.sqrt(), scale: 1.0, eps }
        } else {
            // The denominator is 1: m/(sqrt(v)/inf + 1)
            Step { step: momentum, scale: f64::INFINITY, eps: 1.0 }
        };
        step.update(block, now, [beta1, beta2], Squares::Current)
    }
}
