//! The pass over the weights that all rules share: hooks, decay, update and the sums, element by element, at once.
//!
//! What limits it (2 cores of an AMD EPYC of the fourth generation, AVX2): beyond the caches memory does, on all cores;
//! a weight that is overwritten where it was read costs less there than one that is copied elsewhere, so the pass can
//! be faster than a copy. Within the caches the sums do, 20 µs of the 28 that SGD takes for 78,400 weights: eight
//! weights are six widenings and ten multiply-adds in f64, which no order of the loops avoids. Wider vectors
//! (AVX-512) gained nothing there, for this processor runs them in two halves.

use super::hooks::{Hooked, Op, Pulls};
use super::instructions::{Instructions, Work};
use super::rule::{Block, Decay, Now};
use super::sums::{CAUTIOUS, PLAIN, Sums, decays};
use crate::scalar::Scalar;
use crate::stream::TensorSums;

/// Elements that are walked at a time: first the update of all of them, then their sums, while what both need is in the
/// nearest cache. A fixed number, for with a variable one each copy is a call and each loop has an end of its own.
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
            walk::<T, S, 0, PLAIN>(now.instructions, block, 1.0 - keep.wide(), move |w, g, [], state| {
                let change = delta(g, state);
                (keep * w + change, change)
            })
        }
        Decay::Cautious(share) => {
            let keep = T::of(1.0 - share);
            walk::<T, S, 0, CAUTIOUS>(now.instructions, block, 1.0 - keep.wide(), move |w, g, [], state| {
                let change = delta(g, state);
                // Outside of the condition, or there would be a branch where vectors can select.
                let kept = keep * w;
                (if decays(w, change) { kept } else { w } + change, change)
            })
        }
    }
}

/// The same for `Δ = -lr*g`, which keeps coupled decay apart: the share of the weights that it removes becomes a part
/// of d, and Δ is what the data's part of the gradient did. An element-wise hook after the decay mixes them again.
#[inline(always)]
pub fn descend<T: Scalar>(block: Block<'_, T>, now: &Now<'_>) -> TensorSums {
    let lr = T::of(now.lr);
    // The usual chain is computed with the rest, which saves two walks through each chunk.
    if let (Decay::Plain(share), Hooked::Chain(&[Op::Pull(rate)], first)) = (now.decay, block.hooked) {
        let keep = T::of(1.0 - share);
        let decay = 1.0 - keep.wide() + (lr * rate).wide();
        let block = Block { hooked: Hooked::Chain(&[], first), ..block };
        return walk::<T, 0, 0, PLAIN>(now.instructions, block, decay, move |w, of_data, [], []| {
            (keep * w + -(lr * (of_data + rate * w)), -(lr * of_data))
        });
    }
    match (now.decay, block.hooked.pull()) {
        (Decay::Plain(share), Some(pull)) => {
            let keep = T::of(1.0 - share);
            let decay = 1.0 - keep.wide() + (lr * pull).wide();
            walk::<T, 0, 1, PLAIN>(now.instructions, block, decay, move |w, g, [of_data], []| {
                (keep * w + -(lr * g), -(lr * of_data))
            })
        }
        _ => sweep::<T, 0>(block, now, |g, []| -(lr * g)),
    }
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
    let sums = Sums::<SUMS>::new(instructions);
    let (sums, agree) =
        instructions.run(Walk::<T, _, S, DATA, SUMS> { weights, gradient, hooked, state, element, sums });
    let [w2, g2, wg, d2, wd] = std::array::from_fn(|at| sums[at]);
    let [decayed_w2, decayed_wd] = if SUMS == CAUTIOUS { [sums[5], sums[6]] } else { [w2, wd] };
    TensorSums { decay, w2, g2, d2, wd, wg, agree, decayed_w2, decayed_wd }
}

struct Walk<'a, 's, T, E, const S: usize, const DATA: usize, const SUMS: usize> {
    weights: &'a mut [T],
    gradient: &'a [T],
    hooked: Hooked<'a, T>,
    state: &'a mut [&'s mut [T]; S],
    element: E,
    sums: Sums<SUMS>,
}

impl<T: Scalar, E, const S: usize, const DATA: usize, const SUMS: usize> Work for Walk<'_, '_, T, E, S, DATA, SUMS>
where
    E: Fn(T, T, [T; DATA], &mut [T; S]) -> (T, T),
{
    type Outcome = ([f64; SUMS], f64);

    #[inline(always)]
    fn run(self) -> ([f64; SUMS], f64) {
        let Walk { weights, gradient, hooked, state, element, mut sums } = self;
        let (weights, last_weights) = weights.as_chunks_mut::<CHUNK>();
        let (gradient, last_gradient) = gradient.as_chunks::<CHUNK>();
        let mut last_state = state.each_mut().map(|state| state.as_chunks_mut::<CHUNK>());
        let [mut hooked_room, mut before, mut change] = [[T::zero(); CHUNK]; 3];
        let mut of_data = [[T::zero(); CHUNK]; DATA];
        let mut at = 0;
        for (index, (w, raw)) in weights.iter_mut().zip(gradient).enumerate() {
            let g = hooked.see(w, raw, at, &mut hooked_room);
            for of_data in &mut of_data {
                hooked.write(w, raw, at, Pulls::LeftOut, of_data);
            }
            let state = last_state.each_mut().map(|(whole, _)| &mut whole[index]);
            update(w, g, &of_data, state, &mut before, &mut change, &element);
            sums.add(&before, raw, &change);
            at += CHUNK;
        }
        if !last_weights.is_empty() {
            // Computed as a whole chunk; what is beyond the block's end is dropped.
            let len = last_weights.len();
            let [mut w, mut raw, mut g] = [[T::zero(); CHUNK]; 3];
            w[..len].copy_from_slice(last_weights);
            raw[..len].copy_from_slice(last_gradient);
            hooked.write(last_weights, last_gradient, at, Pulls::Kept, &mut g[..len]);
            for of_data in &mut of_data {
                hooked.write(last_weights, last_gradient, at, Pulls::LeftOut, &mut of_data[..len]);
            }
            let mut kept = [[T::zero(); CHUNK]; S];
            for (kept, (_, last)) in kept.iter_mut().zip(&last_state) {
                kept[..len].copy_from_slice(last);
            }
            update(&mut w, &g, &of_data, kept.each_mut(), &mut before, &mut change, &element);
            change[len..].fill(T::zero());
            sums.add(&before, &raw, &change);
            last_weights.copy_from_slice(&w[..len]);
            for (kept, (_, last)) in kept.iter().zip(&mut last_state) {
                last.copy_from_slice(&kept[..len]);
            }
        }
        sums.total()
    }
}

/// Updates a chunk, and writes down its weights as they were and Δ.
///
/// That nothing here overlaps is what the compiler makes vectors of the loop by. It believes it of references that are
/// arguments of their own, and not of those in an array: so the state is taken apart.
#[inline(always)]
fn update<T: Scalar, const S: usize, const DATA: usize>(
    w: &mut [T; CHUNK],
    g: &[T; CHUNK],
    of_data: &[[T; CHUNK]; DATA],
    state: [&mut [T; CHUNK]; S],
    before: &mut [T; CHUNK],
    change: &mut [T; CHUNK],
    element: &impl Fn(T, T, [T; DATA], &mut [T; S]) -> (T, T),
) {
    let [mut a, mut b, mut c] = [[T::zero(); CHUNK]; 3];
    let mut state = state;
    match &mut state[..] {
        [] => update_apart(w, g, of_data, &mut a, &mut b, &mut c, &mut [], before, change, element),
        [a] => update_apart(w, g, of_data, a, &mut b, &mut c, &mut [], before, change, element),
        [a, b] => update_apart(w, g, of_data, a, b, &mut c, &mut [], before, change, element),
        [a, b, c, more @ ..] => update_apart(w, g, of_data, a, b, c, more, before, change, element),
    }
}

#[inline(always)]
#[expect(clippy::too_many_arguments, reason = "references that are to be known to overlap nothing")]
fn update_apart<T: Scalar, const S: usize, const DATA: usize>(
    w: &mut [T; CHUNK],
    g: &[T; CHUNK],
    of_data: &[[T; CHUNK]; DATA],
    a: &mut [T; CHUNK],
    b: &mut [T; CHUNK],
    c: &mut [T; CHUNK],
    more: &mut [&mut [T; CHUNK]],
    before: &mut [T; CHUNK],
    change: &mut [T; CHUNK],
    element: &impl Fn(T, T, [T; DATA], &mut [T; S]) -> (T, T),
) {
    for i in 0..CHUNK {
        let mut own = [T::zero(); S];
        for slot in 0..S {
            own[slot] = match slot {
                0 => a[i],
                1 => b[i],
                2 => c[i],
                _ => more[slot - 3][i],
            };
        }
        let mut data = [T::zero(); DATA];
        for part in 0..DATA {
            data[part] = of_data[part][i];
        }
        before[i] = w[i];
        let (new, delta) = element(w[i], g[i], data, &mut own);
        w[i] = new.flush();
        change[i] = delta;
        for slot in 0..S {
            let place = match slot {
                0 => &mut a[i],
                1 => &mut b[i],
                2 => &mut c[i],
                _ => &mut more[slot - 3][i],
            };
            *place = own[slot].flush();
        }
    }
}
