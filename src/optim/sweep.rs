//! The pass over the weights that all rules share: hooks, decay, update and the sums, element by element, at once.

use super::hooks::Hooked;
use super::instructions::{Instructions, Work};
use super::rule::{Block, Decay, Now};
use crate::scalar::Scalar;
use crate::stream::TensorSums;

/// Sums run in this many lanes, element i in lane i mod 8, whatever the vector width: so they have the same bits
/// everywhere.
pub(super) const LANES: usize = 8;

/// Updates a block element by element and returns its sums.
///
/// ```text
/// w' = (1 - d)*w + delta(g, state)
/// ```
///
/// `delta` computes Δ from an element's gradient, after the hooks, and its state, which it overwrites. `S` is the
/// number of state tensors that are needed. Coupled decay is a part of Δ: the rule mixes it with the data's part for
/// good.
///
/// # Panics
/// Where the block has another number of state tensors, or slices of different lengths.
#[inline(always)]
pub fn sweep<T: Scalar, const S: usize>(
    block: Block<'_, T>,
    now: &Now<'_>,
    delta: impl Fn(T, &mut [T; S]) -> T,
) -> TensorSums {
    match now.decay {
        Decay::Plain(share) => {
            let keep = T::of(1.0 - share);
            walk::<T, S, 6>(now.instructions, block, 1.0 - keep.wide(), |w, g, _, state| {
                let change = delta(g, state);
                (keep * w + change, change)
            })
        }
        Decay::Cautious(share) => {
            let keep = T::of(1.0 - share);
            walk::<T, S, 8>(now.instructions, block, 1.0 - keep.wide(), |w, g, _, state| {
                let change = delta(g, state);
                let kept = if agrees(w.wide() * change.wide()) { keep * w } else { w };
                (kept + change, change)
            })
        }
    }
}

/// The same for `Δ = -lr*g`, which keeps coupled decay apart: the share of the weights that it removes becomes a part
/// of d, and Δ is what the data's part of the gradient did. An element-wise hook after the decay mixes them again.
#[inline(always)]
pub fn descend<T: Scalar>(block: Block<'_, T>, now: &Now<'_>) -> TensorSums {
    let lr = T::of(now.lr);
    match (now.decay, block.hooked.pull()) {
        (Decay::Plain(share), Some(pull)) => {
            let keep = T::of(1.0 - share);
            let decay = 1.0 - keep.wide() + (lr * pull).wide();
            walk::<T, 0, 6>(now.instructions, block, decay, |w, g, of_data, []| (keep * w + -(lr * g), -(lr * of_data)))
        }
        _ => sweep::<T, 0>(block, now, |g, []| -(lr * g)),
    }
}

/// Whether cautious decay acts, from w·Δ.
#[inline(always)]
fn agrees(product: f64) -> bool {
    product <= 0.0
}

/// The walk itself: `element` maps (w, g after the hooks, the data's part of that, state) to (w', Δ). The sums are six,
/// or eight where decay is cautious.
#[inline(always)]
fn walk<T: Scalar, const S: usize, const SUMS: usize>(
    instructions: Instructions,
    block: Block<'_, T>,
    decay: f64,
    element: impl Fn(T, T, T, &mut [T; S]) -> (T, T),
) -> TensorSums {
    let Block { weights, gradient, hooked, state } = block;
    let state: &mut [&mut [T]; S] = state.try_into().expect("as many state tensors as the rule asks for");
    assert!(gradient.len() == weights.len() && state.iter().all(|s| s.len() == weights.len()), "slices of one length");
    let sums = instructions.run(Walk::<T, _, S, SUMS> { weights, gradient, hooked, state, element });
    let [w2, g2, d2, wd, wg, agree] = std::array::from_fn(|at| sums[at]);
    let [decayed_w2, decayed_wd] = if SUMS == 8 { [sums[6], sums[7]] } else { [w2, wd] };
    TensorSums { decay, w2, g2, d2, wd, wg, agree, decayed_w2, decayed_wd }
}

struct Walk<'a, 's, T, E, const S: usize, const SUMS: usize> {
    weights: &'a mut [T],
    gradient: &'a [T],
    hooked: Hooked<'a, T>,
    state: &'a mut [&'s mut [T]; S],
    element: E,
}

impl<T: Scalar, E, const S: usize, const SUMS: usize> Work for Walk<'_, '_, T, E, S, SUMS>
where
    E: Fn(T, T, T, &mut [T; S]) -> (T, T),
{
    type Outcome = [f64; SUMS];

    #[inline(always)]
    fn run(self) -> [f64; SUMS] {
        let Walk { weights, gradient, hooked, state, element } = self;
        let mut lanes = [[0.0; LANES]; SUMS];
        let whole = weights.len() / LANES * LANES;
        for at in (0..whole).step_by(LANES) {
            visit::<T, S, SUMS, LANES>(weights, gradient, hooked, state, at, &mut lanes, &element);
        }
        for at in whole..weights.len() {
            // The rest, each element in the lane it would have had.
            let mut single = [[0.0; 1]; SUMS];
            visit::<T, S, SUMS, 1>(weights, gradient, hooked, state, at, &mut single, &element);
            lanes.iter_mut().zip(single).for_each(|(lane, [value])| lane[at % LANES] += value);
        }
        lanes.map(|lane| lane.iter().sum())
    }
}

/// Updates `L` elements from `at` on and adds their terms to the lanes.
#[inline(always)]
fn visit<T: Scalar, const S: usize, const SUMS: usize, const L: usize>(
    weights: &mut [T],
    gradient: &[T],
    hooked: Hooked<'_, T>,
    state: &mut [&mut [T]; S],
    at: usize,
    lanes: &mut [[f64; L]; SUMS],
    element: &impl Fn(T, T, T, &mut [T; S]) -> (T, T),
) {
    let range = at..at + L;
    let mut w = [T::zero(); L];
    let mut g = [T::zero(); L];
    let mut kept = [[T::zero(); L]; S];
    w.copy_from_slice(&weights[range.clone()]);
    g.copy_from_slice(&gradient[range.clone()]);
    kept.iter_mut().zip(state.iter()).for_each(|(kept, state)| kept.copy_from_slice(&state[range.clone()]));
    let (full, of_data) = hooked.gradient(&w, &g, at);

    let mut updated = [T::zero(); L];
    let mut change = [T::zero(); L];
    for lane in 0..L {
        let mut own = [T::zero(); S];
        (0..S).for_each(|slot| own[slot] = kept[slot][lane]);
        let (new, delta) = element(w[lane], full[lane], of_data[lane], &mut own);
        (updated[lane], change[lane]) = (new.flush(), delta);
        (0..S).for_each(|slot| kept[slot][lane] = own[slot].flush());
    }
    for lane in 0..L {
        let (w, g, d) = (w[lane].wide(), g[lane].wide(), change[lane].wide());
        lanes[0][lane] += w * w;
        lanes[1][lane] += g * g;
        lanes[2][lane] += d * d;
        lanes[3][lane] += w * d;
        lanes[4][lane] += w * g;
        lanes[5][lane] += if w * d < 0.0 { 1.0 } else { 0.0 };
        if SUMS == 8 {
            lanes[6][lane] += if agrees(w * d) { w * w } else { 0.0 };
            lanes[7][lane] += if agrees(w * d) { w * d } else { 0.0 };
        }
    }

    weights[range.clone()].copy_from_slice(&updated);
    state.iter_mut().zip(&kept).for_each(|(state, kept)| state[range.clone()].copy_from_slice(kept));
}
