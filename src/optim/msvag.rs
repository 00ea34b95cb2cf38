//! M-SVAG.

use super::hyper::{Allowed, HyperSpec};
use super::rule::{Block, Now, Rule, ScalarSpec, Start, StateSpec};
use super::sweep::sweep;
use crate::scalar::{Scalar, smaller};
use crate::stream::TensorSums;

/// Chainer's.
pub const HYPER: &[HyperSpec] =
    &[HyperSpec::new("beta", 0.9, Allowed::Share), HyperSpec::new("eta", 1.0, Allowed::NotNegative)];

/// Chainer's `MSVAG` (Balles & Hennig 2018): the step of momentum, scaled by how sure the gradient's sign is.
///
/// ```text
/// m <- b*m + (1-b)*g ; v <- b*v + (1-b)*g^2
/// mt = m/(1-P) ; vt = v/(1-P)
/// rho = min( (1-b)^2*(1-P^2) / ((1-P)^2*(1-b^2)), 0.9999 )
/// s = (vt-mt^2)/(1-rho)
/// f = clip( mt^2/(mt^2+rho*s), 0, 1 ), 0 where that is no number
/// w <- w - eta*lr*mt*f ; P <- P*b
/// ```
///
/// P starts from β as it is at the run's start and is a running product: an edit of β leaves the past in it.
#[derive(Debug, Clone, Copy)]
pub struct Msvag;

impl<T: Scalar> Rule<T> for Msvag {
    fn state(&self) -> &'static [StateSpec] {
        const { &[StateSpec::zeros("m"), StateSpec::zeros("v")] }
    }

    /// P of this update, and of the next.
    fn scalars(&self) -> &'static [ScalarSpec] {
        const {
            &[
                ScalarSpec { name: "beta_power", start: Start::At(0.0) },
                ScalarSpec { name: "next_beta_power", start: Start::Hyper(0) },
            ]
        }
    }

    fn advance(&self, scalars: &mut [f64], now: &Now<'_>) {
        let [beta, _] = now.hyper();
        scalars[0] = scalars[1];
        scalars[1] *= beta;
    }

    fn decay_factor(&self, now: &Now<'_>) -> f64 {
        let [_, eta] = now.hyper();
        eta
    }

    fn update(&self, block: Block<'_, T>, now: &Now<'_>) -> TensorSums {
        let ([beta, eta], [power, _]) = (now.hyper(), now.scalars());
        let (rest, debt) = (1.0 - beta, 1.0 - power);
        let rho = (rest * rest * (1.0 - power * power) / (debt * debt * (1.0 - beta * beta))).min(0.9999);
        let [step, beta, rest, debt, rho, spread] = [eta * now.lr, beta, rest, debt, rho, 1.0 - rho].map(T::of);
        sweep(block, now, |g, [m, v]| {
            *m = beta * *m + rest * g;
            *v = beta * *v + rest * (g * g);
            let (mean, square) = (*m / debt, *v / debt);
            let variance = (square - mean * mean) / spread;
            let sure = mean * mean / (mean * mean + rho * variance);
            let sure = if sure > T::zero() { smaller(sure, T::one()) } else { T::zero() };
            -(step * (mean * sure))
        })
    }
}
