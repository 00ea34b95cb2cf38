//! RMSprop and its relatives.

use super::hyper::{Allowed, HyperSpec};
use super::rule::{Block, Now, Rule, Start, StateSpec};
use super::sweep::sweep;
use crate::scalar::{Scalar, larger, smaller};
use crate::stream::TensorSums;

const ALPHA: HyperSpec = HyperSpec::new("alpha", 0.99, Allowed::Share);
const EPS: HyperSpec = HyperSpec::new("eps", 1e-8, Allowed::Positive);

/// PyTorch's.
pub const TORCH: &[HyperSpec] =
    &[ALPHA, EPS, HyperSpec::new("momentum", 0.0, Allowed::NotNegative), HyperSpec::flag("centered")];
/// Chainer's.
pub const CHAINER: &[HyperSpec] = &[ALPHA, EPS, HyperSpec::flag("eps_inside_sqrt")];

/// Tieleman & Hinton 2012:
///
/// ```text
/// s <- a*s + (1-a)*g^2
/// q <- a*q + (1-a)*g                     centered (torch)
/// d = sqrt(s - q^2 + inside) + outside   eps is the one or the other; not centered: q = 0
/// B <- mu*B + g/d ; w <- w - lr*B        momentum (torch)
/// w <- w - lr*g/d                        without
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RmsProp {
    /// `torch.optim.RMSprop`: ε outside the root.
    Torch,
    /// `chainer.optimizers.RMSprop`: ε outside or inside; neither centered nor with momentum.
    Chainer,
}

impl<T: Scalar> Rule<T> for RmsProp {
    fn state(&self) -> &'static [StateSpec] {
        match self {
            RmsProp::Torch => {
                const {
                    &[
                        StateSpec::zeros("square_avg"),
                        StateSpec::where_needed("grad_avg", |hyper| hyper[3] == 1.0),
                        StateSpec::where_needed("momentum_buffer", |hyper| hyper[2] > 0.0),
                    ]
                }
            }
            RmsProp::Chainer => const { &[StateSpec::zeros("square_avg")] },
        }
    }

    fn update(&self, block: Block<'_, T>, now: &Now<'_>) -> TensorSums {
        let ([alpha, eps], inside, momentum, centered) = match self {
            RmsProp::Torch => {
                let [alpha, eps, momentum, centered] = now.hyper();
                ([alpha, eps], false, momentum, centered == 1.0)
            }
            RmsProp::Chainer => {
                let [alpha, eps, inside] = now.hyper();
                ([alpha, eps], inside == 1.0, 0.0, false)
            }
        };
        let (inside, outside) = if inside { (eps, 0.0) } else { (0.0, eps) };
        let [lr, mu, a, rest, inside, outside] = [now.lr, momentum, alpha, 1.0 - alpha, inside, outside].map(T::of);
        let average = |mean: &mut T, value: T| {
            *mean = a * *mean + rest * value;
            *mean
        };
        // Rounding may bring s below q^2 where the gradient is always the same.
        let root = |s: T, q: T| (larger(s - q * q, T::zero()) + inside).sqrt() + outside;
        let keep = |b: &mut T, value: T| {
            *b = mu * *b + value;
            *b
        };
        match (centered, momentum > 0.0) {
            (false, false) => sweep(block, now, |g, [s]| -(lr * (g / root(average(s, g * g), T::zero())))),
            (true, false) => sweep(block, now, |g, [s, q]| -(lr * (g / root(average(s, g * g), average(q, g))))),
            (false, true) => sweep(block, now, |g, [s, b]| -(lr * keep(b, g / root(average(s, g * g), T::zero())))),
            (true, true) => {
                sweep(block, now, |g, [s, q, b]| -(lr * keep(b, g / root(average(s, g * g), average(q, g)))))
            }
        }
    }
}

/// Chainer's.
pub const GRAVES: &[HyperSpec] = &[
    HyperSpec { default: 0.95, ..ALPHA },
    HyperSpec::new("momentum", 0.9, Allowed::NotNegative),
    HyperSpec { default: 1e-4, ..EPS },
];

/// Chainer's `RMSpropGraves` (Graves 2013): centered, with momentum, η inside the velocity and ε inside the root:
///
/// ```text
/// n <- a*n + (1-a)*g^2 ; q <- a*q + (1-a)*g
/// d <- mu*d - lr*g/sqrt(n - q^2 + eps)
/// w <- w + d
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Graves;

impl<T: Scalar> Rule<T> for Graves {
    fn state(&self) -> &'static [StateSpec] {
        const { &[StateSpec::zeros("n"), StateSpec::zeros("g"), StateSpec::zeros("delta")] }
    }

    fn update(&self, block: Block<'_, T>, now: &Now<'_>) -> TensorSums {
        let [alpha, momentum, eps] = now.hyper();
        let [lr, mu, a, rest, eps] = [now.lr, momentum, alpha, 1.0 - alpha, eps].map(T::of);
        sweep(block, now, |g, [n, q, d]| {
            *n = a * *n + rest * (g * g);
            *q = a * *q + rest * g;
            *d = mu * *d - lr * (g / (*n - *q * *q + eps).sqrt());
            *d
        })
    }
}

/// Chainer's.
pub const SMORMS3: &[HyperSpec] = &[HyperSpec { default: 1e-16, ..EPS }];

/// Chainer's `SMORMS3` (Funk 2015): a memory for each weight, as long as its gradients agree:
///
/// ```text
/// r = 1/(mem+1)
/// q <- (1-r)*q + r*g ; s <- (1-r)*s + r*g^2
/// x = q^2/(s+eps)
/// w <- w - g*min(x, lr)/(sqrt(s)+eps)
/// mem <- 1 + mem*(1-x)
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Smorms3;

impl<T: Scalar> Rule<T> for Smorms3 {
    fn state(&self) -> &'static [StateSpec] {
        const MEMORY: StateSpec = StateSpec { name: "mem", start: Start::At(1.0), needed: |_| true };
        const { &[MEMORY, StateSpec::zeros("g"), StateSpec::zeros("g2")] }
    }

    fn update(&self, block: Block<'_, T>, now: &Now<'_>) -> TensorSums {
        let [eps] = now.hyper();
        let ([lr, eps], one) = ([now.lr, eps].map(T::of), T::one());
        sweep(block, now, |g, [memory, q, s]| {
            let r = one / (*memory + one);
            *q = (one - r) * *q + r * g;
            *s = (one - r) * *s + r * (g * g);
            let x = *q * *q / (*s + eps);
            *memory = one + *memory * (one - x);
            -(g * smaller(x, lr) / (s.sqrt() + eps))
        })
    }
}
