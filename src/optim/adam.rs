//! Adam, AdamW and AMSGrad; its relatives have files of their own.

mod adamax;
mod bound;
mod nadam;
mod radam;

pub use adamax::Adamax;
pub use bound::{AdaBound, BOUND};
pub use nadam::{NADAM, NAdam};
pub use radam::RAdam;

use super::hyper::{Allowed, HyperSpec};
use super::rule::{Block, Now, Rule, StateSpec};
use super::sweep::sweep;
use crate::scalar::{Scalar, larger};
use crate::stream::TensorSums;

const BETA1: HyperSpec = HyperSpec::new("beta1", 0.9, Allowed::Share);
const BETA2: HyperSpec = HyperSpec::new("beta2", 0.999, Allowed::Share);
const EPS: HyperSpec = HyperSpec::new("eps", 1e-8, Allowed::Positive);
const ETA: HyperSpec = HyperSpec::new("eta", 1.0, Allowed::NotNegative);

/// β1, β2 and ε, with the defaults of both libraries.
pub const MOMENTS: &[HyperSpec] = &[BETA1, BETA2, EPS];
/// PyTorch's.
pub const TORCH: &[HyperSpec] = &[BETA1, BETA2, EPS, HyperSpec::flag("amsgrad")];
/// Chainer's.
pub const CHAINER: &[HyperSpec] = &[BETA1, BETA2, EPS, ETA];

/// Which average of squared gradients a step is divided by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Squares {
    /// The one as it is.
    Current,
    /// The largest that there was (AMSGrad; Reddi, Kale, Kumar 2018), before any correction.
    Largest,
}

/// The state that rules with two moments keep.
const CURRENT: &[StateSpec] = &[StateSpec::zeros("exp_avg"), StateSpec::zeros("exp_avg_sq")];
/// The same, and the largest second moment.
const LARGEST: &[StateSpec] =
    &[StateSpec::zeros("exp_avg"), StateSpec::zeros("exp_avg_sq"), StateSpec::zeros("max_exp_avg_sq")];
/// The same where the flag of PyTorch's table is up.
const FLAGGED: &[StateSpec] = &[
    StateSpec::zeros("exp_avg"),
    StateSpec::zeros("exp_avg_sq"),
    StateSpec::where_needed("max_exp_avg_sq", |hyper| hyper[3] == 1.0),
];

/// What all of the family do first; `delta` maps (g, m, v) to Δ:
///
/// ```text
/// m <- b1*m + (1-b1)*g
/// v <- b2*v + (1-b2)*g^2        largest: vmax <- max(vmax, v) takes v's place
/// ```
#[inline(always)]
fn average<T: Scalar>(
    block: Block<'_, T>,
    now: &Now<'_>,
    [beta1, beta2]: [f64; 2],
    squares: Squares,
    delta: impl Fn(T, T, T) -> T,
) -> TensorSums {
    let [b1, b2, rest1, rest2] = [beta1, beta2, 1.0 - beta1, 1.0 - beta2].map(T::of);
    match squares {
        Squares::Current => sweep(block, now, |g, [m, v]| {
            *m = b1 * *m + rest1 * g;
            *v = b2 * *v + rest2 * (g * g);
            delta(g, *m, *v)
        }),
        Squares::Largest => sweep(block, now, |g, [m, v, top]| {
            *m = b1 * *m + rest1 * g;
            *v = b2 * *v + rest2 * (g * g);
            *top = larger(*top, *v);
            delta(g, *m, *top)
        }),
    }
}

/// A step of Adam's form, of which the rules are settings:
///
/// ```text
/// w <- w - step * m / ( sqrt(v)/scale + eps )
/// ```
#[derive(Debug, Clone, Copy)]
struct Step {
    step: f64,
    scale: f64,
    eps: f64,
}

impl Step {
    #[inline(always)]
    fn update<T: Scalar>(self, block: Block<'_, T>, now: &Now<'_>, betas: [f64; 2], squares: Squares) -> TensorSums {
        let [step, scale, eps] = [self.step, self.scale, self.eps].map(T::of);
        average(block, now, betas, squares, |_, m, v| -(step * (m / (v.sqrt() / scale + eps))))
    }
}

/// `torch.optim.Adam`, and `AdamW` where decay is decoupled (Kingma & Ba 2015; Loshchilov & Hutter 2019):
///
/// ```text
/// step = lr/(1-b1^t)    scale = sqrt(1-b2^t)
/// ```
#[derive(Debug, Clone, Copy)]
pub struct TorchAdam;

impl<T: Scalar> Rule<T> for TorchAdam {
    fn state(&self) -> &'static [StateSpec] {
        FLAGGED
    }

    fn update(&self, block: Block<'_, T>, now: &Now<'_>) -> TensorSums {
        let [beta1, beta2, eps, amsgrad] = now.hyper();
        let squares = if amsgrad == 1.0 { Squares::Largest } else { Squares::Current };
        update_as_torch(block, now, now.lr, [beta1, beta2, eps], squares)
    }
}

/// PyTorch's Adam with an η of one's own.
pub(super) fn update_as_torch<T: Scalar>(
    block: Block<'_, T>,
    now: &Now<'_>,
    lr: f64,
    [beta1, beta2, eps]: [f64; 3],
    squares: Squares,
) -> TensorSums {
    let step = Step { step: lr / now.correction(beta1), scale: now.correction(beta2).sqrt(), eps };
    step.update(block, now, [beta1, beta2], squares)
}

/// Chainer's `Adam`, `AdamW` and `AMSGrad`: ε stands beside the uncorrected √v, and decoupled decay is `eta*wd`, of
/// which η (`lr`, there `alpha`) is no factor:
///
/// ```text
/// step = eta*a_t    a_t = lr*sqrt(1-b2^t)/(1-b1^t)    scale = 1
/// ```
#[derive(Debug, Clone, Copy)]
pub struct ChainerAdam(pub Squares);

impl<T: Scalar> Rule<T> for ChainerAdam {
    fn state(&self) -> &'static [StateSpec] {
        match self.0 {
            Squares::Current => CURRENT,
            Squares::Largest => LARGEST,
        }
    }

    fn decay_factor(&self, now: &Now<'_>) -> f64 {
        let [_, _, _, eta] = now.hyper();
        eta
    }

    fn update(&self, block: Block<'_, T>, now: &Now<'_>) -> TensorSums {
        let [beta1, beta2, eps, eta] = now.hyper();
        let step = Step { step: eta * chainer_alpha(now, [beta1, beta2]), scale: 1.0, eps };
        step.update(block, now, [beta1, beta2], self.0)
    }
}

/// Chainer's `alpha_t`, which holds both bias corrections.
fn chainer_alpha(now: &Now<'_>, [beta1, beta2]: [f64; 2]) -> f64 {
    now.lr * now.correction(beta2).sqrt() / now.correction(beta1)
}
