//! Plain stochastic gradient descent.

use super::knobs::HyperSpec;
use super::rule::{Block, Now, Response, Rule, StateSpec, sweep};
use crate::scalar::Scalar;
use crate::stream::TensorSums;

/// It has none of its own.
pub const HYPER: &[HyperSpec] = &[];

/// `w <- w - lr*g`
///
/// With coupled L2, `g + wd*w` in place of g: the same bits as PyTorch's `SGD(weight_decay=)`, Chainer's `SGD` with
/// the `WeightDecay` hook, and the article's optimizer of one's own.
#[derive(Debug, Clone, Copy)]
pub struct Sgd;

impl<T: Scalar> Rule<T> for Sgd {
    fn state(&self) -> &'static [StateSpec] {
        &[]
    }

    fn update(&self, block: Block<'_, T>, now: &Now<'_>) -> TensorSums {
        let lr = T::of(now.lr);
        sweep::<T, 0>(block, now, Response::Linear, |g, []| -(lr * g))
    }
}
