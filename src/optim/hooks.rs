//! What is done to the gradient before the rule sees it: a chain of hooks, each over all tensors before the next.
//!
//! A hook is resolved, tensor by tensor, into one or two element-wise operations ([`Op`]) before the weights are
//! walked. One that needs a norm (clipping by the global norm, LARS) is measured first, with the operations before it
//! already in place, so that no changed gradient is ever stored.

use super::hyper::{Allowed, HyperSpec};
use super::sums::LANES;
use super::sweep::CHUNK;
use crate::random::{Generator, Purpose, normal_at};
use crate::scalar::{Scalar, larger, sign, smaller};
use crate::stream::{Convention, Hook};

/// One element-wise operation on the gradient.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Op<T> {
    /// g + rate·w
    Pull(T),
    /// g + rate·sign(w), sign(0) = 0
    Lasso(T),
    /// g·scale
    Scale(T),
    /// min(max(g, lower), upper)
    Clip(T, T),
    /// g + N(0, deviation²), drawn by key and element.
    Noise(T, u64),
}

impl<T: Scalar> Op<T> {
    /// The operation on a stretch that begins with the tensor's element `first`.
    #[inline(always)]
    fn apply(self, w: &[T], g: &mut [T], first: usize) {
        match self {
            Op::Pull(rate) => g.iter_mut().zip(w).for_each(|(g, &w)| *g = *g + rate * w),
            Op::Lasso(rate) => g.iter_mut().zip(w).for_each(|(g, &w)| *g = *g + rate * sign(w)),
            Op::Scale(scale) => g.iter_mut().for_each(|g| *g = *g * scale),
            Op::Clip(lower, upper) => g.iter_mut().for_each(|g| *g = smaller(larger(*g, lower), upper)),
            Op::Noise(deviation, key) => {
                for (at, g) in g.iter_mut().enumerate() {
                    *g = *g + deviation * T::of(normal_at(key, (first + at) as u64));
                }
            }
        }
    }
}

/// Whether coupled decay is a part of the gradient.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pulls {
    /// It is.
    Kept,
    /// What remains is the data's part.
    LeftOut,
}

/// What stands for the gradient of a block in the rule.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Hooked<'a, T> {
    /// The raw gradient after these operations. The block's first element is this one of the tensor.
    Chain(&'a [Op<T>], usize),
    /// What [`Rule::prepare`](super::Rule::prepare) made of it: as long as the block.
    Prepared(&'a [T]),
}

impl<T: Scalar> Hooked<'_, T> {
    /// Writes what the rule sees of a stretch that begins with the block's element `at`.
    #[inline(always)]
    pub fn write(self, weights: &[T], gradient: &[T], at: usize, pulls: Pulls, hooked: &mut [T]) {
        match self {
            Hooked::Chain(ops, first) => {
                hooked.copy_from_slice(gradient);
                for op in ops.iter().filter(|op| pulls == Pulls::Kept || !matches!(op, Op::Pull(_))) {
                    op.apply(weights, hooked, first + at);
                }
            }
            Hooked::Prepared(values) => hooked.copy_from_slice(&values[at..at + hooked.len()]),
        }
    }

    /// What the rule sees of a whole chunk that begins with the block's element `at`: where it is as it lies in memory,
    /// it is not copied into the `room`.
    #[inline(always)]
    pub(super) fn see<'c>(
        &'c self,
        weights: &[T; CHUNK],
        gradient: &'c [T; CHUNK],
        at: usize,
        room: &'c mut [T; CHUNK],
    ) -> &'c [T; CHUNK] {
        match self {
            Hooked::Chain([], _) => gradient,
            Hooked::Chain(..) => {
                self.write(weights, gradient, at, Pulls::Kept, room);
                room
            }
            Hooked::Prepared(values) => values[at..].first_chunk().expect("as long as the block"),
        }
    }

    /// The factor c of c·w in the gradient, where decay can be told from the data's part: after it come only scales.
    pub(super) fn pull(self) -> Option<T> {
        let Hooked::Chain(ops, _) = self else { return None };
        ops.iter().try_fold(T::zero(), |pull, &op| match op {
            Op::Pull(rate) => Some(pull + rate),
            Op::Scale(scale) => Some(pull * scale),
            Op::Lasso(_) | Op::Clip(..) | Op::Noise(..) => (pull == T::zero()).then_some(pull),
        })
    }

    /// Sums over a block: of the gradient as the rule sees it, and of the weights.
    pub fn measure(self, weights: &[T], gradient: &[T]) -> Norms {
        let mut hooked = [T::zero(); CHUNK];
        let mut norms = Norms::default();
        for at in (0..weights.len()).step_by(CHUNK) {
            let range = at..(at + CHUNK).min(weights.len());
            let (w, g) = (&weights[range.clone()], &mut hooked[..range.len()]);
            self.write(w, &gradient[range], at, Pulls::Kept, g);
            norms.g2 += square(g);
            norms.w2 += square(w);
        }
        norms
    }
}

/// Σ x², in lanes.
fn square<T: Scalar>(values: &[T]) -> f64 {
    let mut lanes = [0.0; LANES];
    let (whole, rest) = values.as_chunks::<LANES>();
    for values in whole {
        (0..LANES).for_each(|lane| lanes[lane] += values[lane].wide() * values[lane].wide());
    }
    lanes.iter_mut().zip(rest).for_each(|(lane, x)| *lane += x.wide() * x.wide());
    lanes.iter().sum()
}

/// Σ g² of the gradient so far, and Σ w².
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Norms {
    /// Σ g²
    pub g2: f64,
    /// Σ w²
    pub w2: f64,
}

/// The hooks of a run, in their order, and where their hyperparameters stand.
#[derive(Debug, Clone, PartialEq)]
pub struct Hooks {
    placed: Vec<(Hook, usize)>,
    convention: Convention,
    seed: u64,
}

impl Hooks {
    /// Hooks whose hyperparameters follow one another from place `first` on. `seed` determines the noise.
    pub fn new(hooks: &[Hook], convention: Convention, first: usize, seed: u64) -> Self {
        let mut at = first;
        let place = |&hook: &Hook| {
            let here = at;
            at += table(hook, convention).len();
            (hook, here)
        };
        Hooks { placed: hooks.iter().map(place).collect(), convention, seed }
    }

    /// Whether one of them needs a norm.
    pub fn measure(&self) -> bool {
        self.placed.iter().any(|&(hook, _)| needs_norms(hook))
    }

    /// Number of hooks.
    pub fn len(&self) -> usize {
        self.placed.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.placed.is_empty()
    }

    /// Whether the hook at `place` needs norms.
    pub fn needs_norms(&self, place: usize) -> bool {
        needs_norms(self.placed[place].0)
    }

    /// Resolves the hook at `place` for each tensor, in the update number `t`: appends its operations to the tensors'
    /// chains. `hyper` holds every hyperparameter of the run, `decay` λ of each tensor; `norms`, of each tensor with
    /// the chains as they are, are looked at where [`Hooks::needs_norms`].
    pub fn resolve<T: Scalar>(
        &self,
        place: usize,
        t: u64,
        hyper: &[f64],
        decay: impl Fn(usize) -> f64,
        norms: &[Norms],
        chains: &mut [Vec<Op<T>>],
    ) {
        let (hook, at) = self.placed[place];
        let own = &hyper[at..at + table(hook, self.convention).len()];
        let every = |chains: &mut [Vec<Op<T>>], op: Op<T>| chains.iter_mut().for_each(|chain| chain.push(op));
        match (hook, own) {
            (Hook::WeightDecay, _) => {
                for (tensor, chain) in chains.iter_mut().enumerate() {
                    chain.extend(pull(decay(tensor)));
                }
            }
            (Hook::Lasso, &[rate]) => every(chains, Op::Lasso(T::of(rate))),
            (Hook::ClipNorm, &[threshold]) => {
                let norm = norms.iter().map(|norms| norms.g2).sum::<f64>().sqrt();
                let slack = if self.convention == Convention::Torch { 1e-6 } else { 0.0 };
                let scale = threshold / (norm + slack);
                if scale < 1.0 {
                    every(chains, Op::Scale(T::of(scale)));
                }
            }
            (Hook::ClipValue, &[bound]) => every(chains, Op::Clip(T::of(-bound), T::of(bound))),
            (Hook::ClipValue, &[lower, upper]) => every(chains, Op::Clip(T::of(lower), T::of(upper))),
            (Hook::Lars, &[threshold, weight_decay, eps]) => {
                for (norms, chain) in norms.iter().zip(chains) {
                    let (w, g) = (norms.w2.sqrt(), norms.g2.sqrt());
                    let scale = if w > threshold { w / (eps + g + weight_decay * w) } else { 1.0 };
                    chain.extend(pull(weight_decay));
                    chain.push(Op::Scale(T::of(scale)));
                }
            }
            (Hook::Noise, &[eta]) => {
                // Variance eta/(1 + updates made)^0.55; each tensor draws numbers of its own.
                let deviation = T::of((eta / libm::pow(t as f64, 0.55)).sqrt());
                let mut generator = Generator::new(self.seed, Purpose::GradientNoise, t);
                chains.iter_mut().for_each(|chain| chain.push(Op::Noise(deviation, generator.key())));
            }
            _ => unreachable!("each hook has as many hyperparameters as its table"),
        }
    }
}

/// Adds rate·w, where the rate is not 0: then the gradient is left as it is, its zeros' signs included.
fn pull<T: Scalar>(rate: f64) -> Option<Op<T>> {
    (rate != 0.0).then(|| Op::Pull(T::of(rate)))
}

fn needs_norms(hook: Hook) -> bool {
    matches!(hook, Hook::ClipNorm | Hook::Lars)
}

/// Every hook.
pub const HOOKS: [Hook; 6] = [Hook::WeightDecay, Hook::Lasso, Hook::ClipNorm, Hook::ClipValue, Hook::Lars, Hook::Noise];

/// What a hook does, in a line.
pub fn about(hook: Hook, convention: Convention) -> &'static str {
    match (hook, convention) {
        (Hook::WeightDecay, _) => "g += wd*w, the place of coupled decay among the others; last unless it is named",
        (Hook::Lasso, _) => "g += lasso*sign(w), all tensors",
        (Hook::ClipNorm, Convention::Torch) => "g *= min(1, clip_norm/(|g| + 1e-6)), |g| over all tensors",
        (Hook::ClipNorm, Convention::Chainer) => "g *= min(1, clip_norm/|g|), |g| over all tensors",
        (Hook::ClipValue, Convention::Torch) => "g = min(max(g, -clip_value), clip_value)",
        (Hook::ClipValue, Convention::Chainer) => "g = min(max(g, clip_lower), clip_upper)",
        (Hook::Lars, _) => "g = r*(g + d*w), r = |w|/(eps + |g| + d*|w|) where |w| > threshold, for each tensor",
        (Hook::Noise, _) => "g += N(0, noise/t^0.55)",
    }
}

/// A hook's hyperparameters.
pub fn table(hook: Hook, convention: Convention) -> &'static [HyperSpec] {
    match (hook, convention) {
        (Hook::WeightDecay, _) => &[],
        (Hook::Lasso, _) => const { &[HyperSpec::new("lasso", 1e-4, Allowed::NotNegative)] },
        (Hook::ClipNorm, _) => const { &[HyperSpec::new("clip_norm", 1.0, Allowed::NotNegative)] },
        (Hook::ClipValue, Convention::Torch) => const { &[HyperSpec::new("clip_value", 1.0, Allowed::NotNegative)] },
        (Hook::ClipValue, Convention::Chainer) => {
            const {
                &[
                    HyperSpec::new("clip_lower", -1.0, Allowed::Finite),
                    HyperSpec::new("clip_upper", 1.0, Allowed::Finite),
                ]
            }
        }
        (Hook::Lars, _) => {
            const {
                &[
                    HyperSpec::new("lars_threshold", 1e-2, Allowed::NotNegative),
                    HyperSpec::new("lars_weight_decay", 0.0, Allowed::NotNegative),
                    HyperSpec::new("lars_eps", 1e-9, Allowed::NotNegative),
                ]
            }
        }
        (Hook::Noise, _) => const { &[HyperSpec::new("noise", 1e-2, Allowed::NotNegative)] },
    }
}
