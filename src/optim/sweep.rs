//! The pass over the weights that all rules share: hooks, decay, update and the sums, element by element, at once.

use super::hooks::{Hooked, Pulls};
use super::instructions::{Instructions, Work};
use super::rule::{Block, Decay, Now};
use crate::scalar::Scalar;
use crate::stream::TensorSums;

/// Sums run in this many lanes, element i in lane i mod 8, whatever the vector width: so they have the same bits
/// everywhere.
pub(super) const LANES: usize = 8;

/// Elements that are walked at a time, through copies on the stack: whole lanes, few enough for the nearest cache, and
/// known to overlap nothing, without which the compiler makes no vectors of the loops.
pub(super) const CHUNK: usize = 128;

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
            walk::<T, S, 0, 6>(now.instructions, block, 1.0 - keep.wide(), |w, g, [], state| {
                let change = delta(g, state);
                (keep * w + change, change)
            })
        }
        Decay::Cautious(share) => {
            let keep = T::of(1.0 - share);
            walk::<T, S, 0, 8>(now.instructions, block, 1.0 - keep.wide(), |w, g, [], state| {
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
            walk::<T, 0, 1, 6>(now.instructions, block, decay, |w, g, [of_data], []| {
                (keep * w + -(lr * g), -(lr * of_data))
            })
        }
        _ => sweep::<T, 0>(block, now, |g, []| -(lr * g)),
    }
}

/// Whether cautious decay acts, from w·Δ.
#[inline(always)]
fn agrees(product: f64) -> bool {
    product <= 0.0
}

/// The walk itself: `element` maps (w, g after the hooks, the data's part of that where `DATA` is 1, state) to (w', Δ).
/// The sums are six, or eight where decay is cautious.
#[inline(always)]
fn walk<T: Scalar, const S: usize, const DATA: usize, const SUMS: usize>(
    instructions: Instructions,
    block: Block<'_, T>,
    decay: f64,
    element: impl Fn(T, T, [T; DATA], &mut [T; S]) -> (T, T),
) -> TensorSums {
    let Block { weights, gradient, hooked, state } = block;
    let state: &mut [&mut [T]; S] = state.try_into().expect("as many state tensors as the rule asks for");
    assert!(gradient.len() == weights.len() && state.iter().all(|s| s.len() == weights.len()), "slices of one length");
    let sums = instructions.run(Walk::<T, _, S, DATA, SUMS> { weights, gradient, hooked, state, element });
    let [w2, g2, wg, d2, wd, agree] = std::array::from_fn(|at| sums[at]);
    let [decayed_w2, decayed_wd] = if SUMS == 8 { [sums[6], sums[7]] } else { [w2, wd] };
    TensorSums { decay, w2, g2, d2, wd, wg, agree, decayed_w2, decayed_wd }
}

struct Walk<'a, 's, T, E, const S: usize, const DATA: usize, const SUMS: usize> {
    weights: &'a mut [T],
    gradient: &'a [T],
    hooked: Hooked<'a, T>,
    state: &'a mut [&'s mut [T]; S],
    element: E,
}

impl<T: Scalar, E, const S: usize, const DATA: usize, const SUMS: usize> Work for Walk<'_, '_, T, E, S, DATA, SUMS>
where
    E: Fn(T, T, [T; DATA], &mut [T; S]) -> (T, T),
{
    type Outcome = [f64; SUMS];

    #[inline(always)]
    fn run(self) -> [f64; SUMS] {
        let Walk { weights, gradient, hooked, state, element } = self;
        let mut lanes = [[0.0; LANES]; SUMS];
        let [mut w, mut raw, mut g, mut updated, mut change] = [[T::zero(); CHUNK]; 5];
        let (mut of_data, mut kept) = ([[T::zero(); CHUNK]; DATA], [[T::zero(); CHUNK]; S]);
        let mut wide = [[0.0; CHUNK]; 3];
        for at in (0..weights.len()).step_by(CHUNK) {
            let len = CHUNK.min(weights.len() - at);
            let range = at..at + len;
            w[..len].copy_from_slice(&weights[range.clone()]);
            raw[..len].copy_from_slice(&gradient[range.clone()]);
            hooked.write(&w[..len], &raw[..len], at, Pulls::Kept, &mut g[..len]);
            for of_data in &mut of_data {
                hooked.write(&w[..len], &raw[..len], at, Pulls::LeftOut, &mut of_data[..len]);
            }
            for (kept, state) in kept.iter_mut().zip(state.iter()) {
                kept[..len].copy_from_slice(&state[range.clone()]);
            }

            // Always a whole chunk: what is beyond the block's end is computed and dropped.
            for i in 0..CHUNK {
                let mut own = [T::zero(); S];
                for slot in 0..S {
                    own[slot] = kept[slot][i];
                }
                let mut data = [T::zero(); DATA];
                for part in 0..DATA {
                    data[part] = of_data[part][i];
                }
                let (new, delta) = element(w[i], g[i], data, &mut own);
                updated[i] = new.flush();
                change[i] = delta;
                for slot in 0..S {
                    kept[slot][i] = own[slot].flush();
                }
            }

            weights[range.clone()].copy_from_slice(&updated[..len]);
            for (kept, state) in kept.iter().zip(state.iter_mut()) {
                state[range.clone()].copy_from_slice(&kept[..len]);
            }
            if len < CHUNK {
                for dropped in [&mut w, &mut raw, &mut change] {
                    dropped[len..].fill(T::zero());
                }
            }
            for (wide, narrow) in wide.iter_mut().zip([&w, &raw, &change]) {
                for i in 0..CHUNK {
                    wide[i] = narrow[i].wide();
                }
            }
            add_terms(&wide, &mut lanes);
        }
        lanes.map(|lane| lane.iter().sum())
    }
}

/// Adds the terms of a chunk (w, g and Δ in f64) to the lanes of Σw², Σg², Σw·g, ΣΔ², Σw·Δ and the agreement, and of Σw²
/// and Σw·Δ over the weights that cautious decay shrinks.
#[inline(always)]
fn add_terms<const SUMS: usize>([w, g, d]: &[[f64; CHUNK]; 3], lanes: &mut [[f64; LANES]; SUMS]) {
    add(w, w, &mut lanes[0], |w, _| w * w);
    add(g, g, &mut lanes[1], |g, _| g * g);
    add(w, g, &mut lanes[2], |w, g| w * g);
    add(d, d, &mut lanes[3], |d, _| d * d);
    add(w, d, &mut lanes[4], |w, d| w * d);
    add(w, d, &mut lanes[5], |w, d| if w * d < 0.0 { 1.0 } else { 0.0 });
    if SUMS == 8 {
        add(w, d, &mut lanes[6], |w, d| if agrees(w * d) { w * w } else { 0.0 });
        add(w, d, &mut lanes[7], |w, d| if agrees(w * d) { w * d } else { 0.0 });
    }
}

/// One sum at a time: the compiler makes vectors of this loop, and shuffles of one over several sums.
#[inline(always)]
fn add(a: &[f64; CHUNK], b: &[f64; CHUNK], lanes: &mut [f64; LANES], term: impl Fn(f64, f64) -> f64) {
    let mut sums = *lanes;
    for (a, b) in a.as_chunks::<LANES>().0.iter().zip(b.as_chunks::<LANES>().0) {
        for lane in 0..LANES {
            sums[lane] += term(a[lane], b[lane]);
        }
    }
    *lanes = sums;
}
