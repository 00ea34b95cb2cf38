//! Lion.

use super::hyper::{Allowed, HyperSpec};
use super::rule::{Block, Now, Rule, StateSpec};
use super::sweep::sweep;
use crate::scalar::{Scalar, sign};
use crate::stream::TensorSums;

/// The paper's.
pub const HYPER: &[HyperSpec] =
    &[HyperSpec::new("beta1", 0.9, Allowed::Share), HyperSpec::new("beta2", 0.99, Allowed::Share)];

/// Chen et al. 2023 (arXiv 2302.06675), sign(0) = 0:
///
/// ```text
/// w <- w - lr*sign( b1*m + (1-b1)*g )
/// m <- b2*m + (1-b2)*g
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Lion;

impl<T: Scalar> Rule<T> for Lion {
    fn state(&self) -> &'static [StateSpec] {
        const { &[StateSpec::zeros("exp_avg")] }
    }

    fn update(&self, block: Block<'_, T>, now: &Now<'_>) -> TensorSums {
        let [beta1, beta2] = now.hyper();
        let [lr, b1, rest1, b2, rest2] = [now.lr, beta1, 1.0 - beta1, beta2, 1.0 - beta2].map(T::of);
        sweep(block, now, |g, [m]| {
            let direction = sign(b1 * *m + rest1 * g);
            *m = b2 * *m + rest2 * g;
            -(lr * direction)
        })
    }
}
