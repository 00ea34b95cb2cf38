//! NAdam.

use super::{Allowed, BETA1, BETA2, Block, CURRENT, EPS, HyperSpec, Now, Rule, Squares, StateSpec, average};
use crate::optim::rule::{ScalarSpec, Start};
use crate::scalar::Scalar;
use crate::stream::TensorSums;

/// PyTorch's.
pub const NADAM: &[HyperSpec] = &[BETA1, BETA2, EPS, HyperSpec::new("momentum_decay", 4e-3, Allowed::NotNegative)];

/// `torch.optim.NAdam` (Dozat 2016):
///
/// ```text
/// mu_t = b1*(1 - 0.5*0.96^(t*psi))    Pi <- Pi*mu_t
/// den = sqrt( v/(1-b2^t) ) + eps
/// w <- w - lr*(1-mu_t)/(1-Pi) * g/den - lr*mu_n/(1-Pi*mu_n) * m/den        mu_n = mu_(t+1)
/// ```
///
/// Pi is a running product: an edit of β1 leaves the past in it.
#[derive(Debug, Clone, Copy)]
pub struct NAdam;

fn momentum(t: u64, beta1: f64, momentum_decay: f64) -> f64 {
    beta1 * (1.0 - 0.5 * libm::pow(0.96, t as f64 * momentum_decay))
}

impl<T: Scalar> Rule<T> for NAdam {
    fn state(&self) -> &'static [StateSpec] {
        CURRENT
    }

    fn scalars(&self) -> &'static [ScalarSpec] {
        const { &[ScalarSpec { name: "mu_product", start: Start::At(1.0) }] }
    }

    fn advance(&self, scalars: &mut [f64], now: &Now<'_>) {
        let [beta1, _, _, momentum_decay] = now.hyper();
        scalars[0] *= momentum(now.t, beta1, momentum_decay);
    }

    fn update(&self, block: Block<'_, T>, now: &Now<'_>) -> TensorSums {
        let ([beta1, beta2, eps, decay], [product]) = (now.hyper(), now.scalars());
        let [this, next] = [now.t, now.t + 1].map(|t| momentum(t, beta1, decay));
        let of_gradient = now.lr * (1.0 - this) / (1.0 - product);
        let of_momentum = now.lr * next / (1.0 - product * next);
        let [of_gradient, of_momentum, correction, eps] =
            [of_gradient, of_momentum, now.correction(beta2), eps].map(T::of);
        average(block, now, [beta1, beta2], Squares::Current, |g, m, v| {
            let root = (v / correction).sqrt() + eps;
            -(of_gradient * (g / root)) - of_momentum * (m / root)
        })
    }
}
