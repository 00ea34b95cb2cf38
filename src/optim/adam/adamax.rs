//! Adamax.

use super::{Block, Now, Rule, StateSpec};
use crate::optim::sweep::sweep;
use crate::scalar::{Scalar, larger};
use crate::stream::TensorSums;

/// `torch.optim.Adamax` (Kingma & Ba 2015), with ε inside the maximum:
///
/// ```text
/// m <- b1*m + (1-b1)*g
/// u <- max( b2*u, |g|+eps )
/// w <- w - lr/(1-b1^t) * m/u
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Adamax;

impl<T: Scalar> Rule<T> for Adamax {
    fn state(&self) -> &'static [StateSpec] {
        const { &[StateSpec::zeros("exp_avg"), StateSpec::zeros("exp_inf")] }
    }

    fn update(&self, block: Block<'_, T>, now: &Now<'_>) -> TensorSums {
        let [beta1, beta2, eps] = now.hyper();
        let step = now.lr / now.correction(beta1);
        let [step, b1, b2, rest1, eps] = [step, beta1, beta2, 1.0 - beta1, eps].map(T::of);
        sweep(block, now, |g, [m, u]| {
            *m = b1 * *m + rest1 * g;
            *u = larger(b2 * *u, g.abs() + eps);
            -(step * (*m / *u))
        })
    }
}
