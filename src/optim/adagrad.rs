//! AdaGrad and AdaDelta.

use super::hyper::{Allowed, HyperSpec};
use super::rule::{Block, Now, Rule, Start, StateSpec};
use super::sweep::sweep;
use crate::scalar::Scalar;
use crate::stream::TensorSums;

/// PyTorch's.
pub const TORCH_ADAGRAD: &[HyperSpec] = &[
    HyperSpec::new("lr_decay", 0.0, Allowed::NotNegative),
    HyperSpec::new("initial_accumulator_value", 0.0, Allowed::NotNegative),
    HyperSpec::new("eps", 1e-10, Allowed::Positive),
];
/// Chainer's.
pub const CHAINER_ADAGRAD: &[HyperSpec] = &[HyperSpec::new("eps", 1e-8, Allowed::Positive)];

/// Duchi, Hazan, Singer 2011. Chainer's has no decay of η and starts from 0:
///
/// ```text
/// h <- h + g^2
/// w <- w - lr/(1+(t-1)*lr_decay) * g/(sqrt(h)+eps)
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AdaGrad {
    /// `torch.optim.Adagrad`
    Torch,
    /// `chainer.optimizers.AdaGrad`
    Chainer,
}

impl<T: Scalar> Rule<T> for AdaGrad {
    fn state(&self) -> &'static [StateSpec] {
        const INITIAL: StateSpec = StateSpec { name: "sum", start: Start::Hyper(1), needed: |_| true };
        match self {
            AdaGrad::Torch => const { &[INITIAL] },
            AdaGrad::Chainer => const { &[StateSpec::zeros("sum")] },
        }
    }

    fn update(&self, block: Block<'_, T>, now: &Now<'_>) -> TensorSums {
        let (lr_decay, eps) = match self {
            AdaGrad::Torch => {
                let [lr_decay, _, eps] = now.hyper();
                (lr_decay, eps)
            }
            AdaGrad::Chainer => (0.0, now.hyper::<1>()[0]),
        };
        let lr = now.lr / (1.0 + (now.t - 1) as f64 * lr_decay);
        let [lr, eps] = [lr, eps].map(T::of);
        sweep(block, now, |g, [h]| {
            *h = *h + g * g;
            -(lr * (g / (h.sqrt() + eps)))
        })
    }
}

const RHO: HyperSpec = HyperSpec::new("rho", 0.9, Allowed::Share);
/// PyTorch's.
pub const TORCH_ADADELTA: &[HyperSpec] = &[RHO, HyperSpec::new("eps", 1e-6, Allowed::Positive)];
/// Chainer's.
pub const CHAINER_ADADELTA: &[HyperSpec] =
    &[HyperSpec { default: 0.95, ..RHO }, HyperSpec::new("eps", 1e-6, Allowed::Positive)];

/// Zeiler 2012; Chainer's has no η, which is 1 then:
///
/// ```text
/// a <- rho*a + (1-rho)*g^2
/// dx = sqrt( (d+eps)/(a+eps) )*g
/// d <- rho*d + (1-rho)*dx^2
/// w <- w - lr*dx
/// ```
#[derive(Debug, Clone, Copy)]
pub struct AdaDelta;

impl<T: Scalar> Rule<T> for AdaDelta {
    fn state(&self) -> &'static [StateSpec] {
        const { &[StateSpec::zeros("square_avg"), StateSpec::zeros("acc_delta")] }
    }

    fn update(&self, block: Block<'_, T>, now: &Now<'_>) -> TensorSums {
        let [rho, eps] = now.hyper();
        let [lr, rho, rest, eps] = [now.lr, rho, 1.0 - rho, eps].map(T::of);
        sweep(block, now, |g, [a, d]| {
            *a = rho * *a + rest * (g * g);
            let dx = (*d + eps).sqrt() / (*a + eps).sqrt() * g;
            *d = rho * *d + rest * (dx * dx);
            -(lr * dx)
        })
    }
}
