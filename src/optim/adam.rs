//! Adam, which with decoupled decay is AdamW.

use super::knobs::{Allowed, HyperSpec};
use super::rule::{Block, Now, Response, Rule, StateSpec, sweep};
use crate::scalar::Scalar;
use crate::stream::TensorSums;

/// β1, β2 and ε with PyTorch's defaults.
pub const HYPER: &[HyperSpec] = &[
    HyperSpec { key: "beta1", default: 0.9, allowed: Allowed::Share },
    HyperSpec { key: "beta2", default: 0.999, allowed: Allowed::Share },
    HyperSpec { key: "eps", default: 1e-8, allowed: Allowed::NotNegative },
];

/// `torch.optim.Adam`, and `AdamW` where decay is decoupled (Kingma & Ba 2015; Loshchilov & Hutter 2019):
///
/// ```text
/// m <- b1*m + (1-b1)*g
/// v <- b2*v + (1-b2)*g^2
/// w <- w - lr/(1-b1^t) * m / ( sqrt(v)/sqrt(1-b2^t) + eps )
/// ```
///
/// An edit of β acts on the bias correction of the whole past: `b^t` is taken with the new β.
#[derive(Debug, Clone, Copy)]
pub struct Adam;

impl<T: Scalar> Rule<T> for Adam {
    fn state(&self) -> &'static [StateSpec] {
        const STATE: &[StateSpec] =
            &[StateSpec { name: "exp_avg", initial: 0.0 }, StateSpec { name: "exp_avg_sq", initial: 0.0 }];
        STATE
    }

    fn update(&self, block: Block<'_, T>, now: &Now<'_>) -> TensorSums {
        let &[beta1, beta2, eps] = now.hyper else { unreachable!("the table has three entries") };
        let correction = |beta: f64| 1.0 - libm::pow(beta, now.t as f64);
        let step = T::of(now.lr / correction(beta1));
        let scale = T::of(correction(beta2).sqrt());
        let (b1, b2, eps) = (T::of(beta1), T::of(beta2), T::of(eps));
        let (rest1, rest2) = (T::of(1.0 - beta1), T::of(1.0 - beta2));
        sweep::<T, 2>(block, now, Response::Adaptive, |g, [m, v]| {
            *m = b1 * *m + rest1 * g;
            *v = b2 * *v + rest2 * (g * g);
            -(step * (*m / (v.sqrt() / scale + eps)))
        })
    }
}
