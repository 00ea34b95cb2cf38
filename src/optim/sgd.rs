//! Stochastic gradient descent, plain and with momentum.

use super::hyper::{Allowed, HyperSpec};
use super::rule::{Block, Now, Rule, ScalarSpec, Start, StateSpec};
use super::sweep::{descend, sweep};
use crate::scalar::Scalar;
use crate::stream::TensorSums;

/// `w <- w - lr*g`
///
/// With coupled L2, `g + wd*w` in place of g: the same bits as PyTorch's `SGD(weight_decay=)`, Chainer's `SGD` with
/// the `WeightDecay` hook, and the article's optimizer of one's own.
#[derive(Debug, Clone, Copy)]
pub struct PlainSgd;

impl<T: Scalar> Rule<T> for PlainSgd {
    fn update(&self, block: Block<'_, T>, now: &Now<'_>) -> TensorSums {
        descend(block, now)
    }
}

/// PyTorch's.
pub const TORCH: &[HyperSpec] = &[
    HyperSpec::new("momentum", 0.0, Allowed::NotNegative),
    HyperSpec::new("dampening", 0.0, Allowed::Finite),
    HyperSpec::flag("nesterov"),
];

/// `torch.optim.SGD`:
///
/// ```text
/// B <- mu*B + (1-dampening)*g        the first time: B <- g
/// w <- w - lr*d        d = g + mu*B (nesterov), B (else)
/// ```
///
/// Without momentum it is plain, and B is neither used nor updated: it is stale when momentum returns.
#[derive(Debug, Clone, Copy)]
pub struct TorchSgd;

impl<T: Scalar> Rule<T> for TorchSgd {
    fn state(&self) -> &'static [StateSpec] {
        const { &[StateSpec::where_needed("momentum_buffer", |hyper| hyper[0] != 0.0)] }
    }

    fn scalars(&self) -> &'static [ScalarSpec] {
        const { &[ScalarSpec { name: "momentum_updates", start: Start::At(0.0) }] }
    }

    fn advance(&self, scalars: &mut [f64], now: &Now<'_>) {
        let [momentum, ..]: [f64; 3] = now.hyper();
        scalars[0] += if momentum != 0.0 { 1.0 } else { 0.0 };
    }

    fn update(&self, block: Block<'_, T>, now: &Now<'_>) -> TensorSums {
        let [momentum, dampening, nesterov] = now.hyper();
        if momentum == 0.0 {
            return descend(block, now);
        }
        let [updates] = now.scalars();
        let (keep, take) = if updates == 1.0 { (0.0, 1.0) } else { (momentum, 1.0 - dampening) };
        let (ahead, follow) = if nesterov == 1.0 { (1.0, momentum) } else { (0.0, 1.0) };
        let [lr, keep, take, ahead, follow] = [now.lr, keep, take, ahead, follow].map(T::of);
        sweep(block, now, |g, [b]| {
            *b = keep * *b + take * g;
            -(lr * (ahead * g + follow * *b))
        })
    }
}

/// Chainer's.
pub const MOMENTUM: &[HyperSpec] = &[HyperSpec::new("momentum", 0.9, Allowed::NotNegative)];

/// Chainer's three rules with momentum, which differ in where η stands and which gradient is looked ahead of:
///
/// ```text
/// v <- mu*v - a*g ; w <- w + b*v - c*g
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Velocity {
    /// `MomentumSGD`: a = lr, b = 1, c = 0. η is part of v: after an edit the old velocity keeps its scale.
    Momentum,
    /// `CorrectedMomentumSGD`: a = 1, b = lr, c = 0, as PyTorch's.
    Corrected,
    /// `NesterovAG`: a = lr, b = mu², c = (1+mu)*lr, with the new v, where the paper (arXiv 1212.0901) has the old one.
    Nesterov,
}

impl<T: Scalar> Rule<T> for Velocity {
    fn state(&self) -> &'static [StateSpec] {
        const { &[StateSpec::zeros("v")] }
    }

    fn update(&self, block: Block<'_, T>, now: &Now<'_>) -> TensorSums {
        let ([momentum], lr) = (now.hyper(), now.lr);
        let (a, b, c) = match self {
            Velocity::Momentum => (lr, 1.0, 0.0),
            Velocity::Corrected => (1.0, lr, 0.0),
            Velocity::Nesterov => (lr, momentum * momentum, (1.0 + momentum) * lr),
        };
        let [momentum, a, b, c] = [momentum, a, b, c].map(T::of);
        sweep(block, now, |g, [v]| {
            *v = momentum * *v - a * g;
            b * *v - c * g
        })
    }
}
