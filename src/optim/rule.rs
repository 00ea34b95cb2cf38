//! What an update rule is, and the pass over the weights that all element-wise rules share.

use crate::scalar::Scalar;
use crate::stream::TensorSums;

/// An update rule. It owns no state and no hyperparameter: both are passed in.
///
/// A rule of your own implements this, usually in terms of [`sweep`].
pub trait Rule<T: Scalar>: Send + Sync {
    /// The state tensors it keeps for each parameter, as large as the parameter.
    fn state(&self) -> &'static [StateSpec];

    /// Updates one block of a tensor and returns the block's sums.
    ///
    /// Blocks of one tensor are updated in any order and by any thread; the result may depend on nothing but the
    /// arguments.
    fn update(&self, block: Block<'_, T>, now: &Now<'_>) -> TensorSums;
}

/// A state tensor of a rule.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct StateSpec {
    /// Its name in snapshots.
    pub name: &'static str,
    /// What every element starts from.
    pub initial: f64,
}

/// A block of consecutive elements of one tensor: all slices have the same length.
#[derive(Debug)]
pub struct Block<'a, T> {
    /// The weights; overwritten.
    pub weights: &'a mut [T],
    /// The raw gradient of the data loss.
    pub gradient: &'a [T],
    /// The rule's state, in the order of [`Rule::state`]; overwritten.
    pub state: &'a mut [&'a mut [T]],
}

/// The hyperparameters of one update of one tensor.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Now<'a> {
    /// Number of this update of the tensor, from 1.
    pub t: u64,
    /// η
    pub lr: f64,
    /// How λ enters, and its value for this tensor.
    pub decay: Decay,
    /// The rule's own, in the order of its table.
    pub hyper: &'a [f64],
}

/// How weight decay enters an update, with the λ in force.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Decay {
    /// Not at all.
    None,
    /// g + λ·w takes the gradient's place.
    L2(f64),
    /// w' = (1 − ηλ)·w + Δ
    Decoupled(f64),
}

/// How a rule answers to a change of its gradient.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Response {
    /// Δ = −η·g: coupled decay is a share ηλ of the weights, apart from the data's part.
    Linear,
    /// Any other: coupled decay cannot be told from the data's part.
    Adaptive,
}

/// Sums run in this many lanes, element i in lane i mod 8, whatever the vector width: so they have the same bits
/// everywhere.
const LANES: usize = 8;

/// Updates a block element by element, `w' = (1 − d)·w + Δ`, and returns its sums.
///
/// `delta` computes Δ from an element's gradient (with λ·w added where decay is coupled) and its state, which it
/// overwrites. `S` is the number of state tensors.
///
/// With coupled decay and an adaptive rule the sums have d = 0 and Δ = w' − w; with a linear one d = ηλ and Δ is the
/// data's part alone.
///
/// # Panics
/// Where the block has another number of state tensors, or slices of different lengths.
#[inline(always)]
pub fn sweep<T: Scalar, const S: usize>(
    block: Block<'_, T>,
    now: &Now<'_>,
    response: Response,
    delta: impl Fn(T, &mut [T; S]) -> T,
) -> TensorSums {
    match (now.decay, response) {
        (Decay::None, _) => walk(block, 0.0, |w, g, state| {
            let change = delta(g, state);
            (w + change, change)
        }),
        (Decay::Decoupled(weight_decay), _) => {
            let keep = T::of(1.0 - now.lr * weight_decay);
            walk(block, 1.0 - keep.wide(), |w, g, state| {
                let change = delta(g, state);
                (keep * w + change, change)
            })
        }
        (Decay::L2(weight_decay), Response::Linear) => {
            let rate = T::of(weight_decay);
            walk(block, (T::of(now.lr) * rate).wide(), |w, g, state| {
                // Linear rules keep no state, so asking twice changes nothing.
                (w + delta(g + rate * w, state), delta(g, state))
            })
        }
        (Decay::L2(weight_decay), Response::Adaptive) => {
            let rate = T::of(weight_decay);
            walk(block, 0.0, |w, g, state| {
                let change = delta(g + rate * w, state);
                (w + change, change)
            })
        }
    }
}

/// The walk itself: `element` maps (w, g, state) to (w', Δ).
#[inline(always)]
fn walk<T: Scalar, const S: usize>(
    block: Block<'_, T>,
    decay: f64,
    element: impl Fn(T, T, &mut [T; S]) -> (T, T),
) -> TensorSums {
    let Block { weights, gradient, state } = block;
    let state: &mut [&mut [T]; S] = state.try_into().expect("as many state tensors as the rule asks for");
    assert!(gradient.len() == weights.len() && state.iter().all(|s| s.len() == weights.len()), "slices of one length");

    let mut lanes = [[0.0; LANES]; 6];
    let whole = weights.len() / LANES * LANES;
    for at in (0..whole).step_by(LANES) {
        visit::<T, S, LANES>(weights, gradient, state, at, &mut lanes, &element);
    }
    for at in whole..weights.len() {
        // The rest, each element in the lane it would have had.
        let mut single = [[0.0; 1]; 6];
        visit::<T, S, 1>(weights, gradient, state, at, &mut single, &element);
        lanes.iter_mut().zip(single).for_each(|(lane, [value])| lane[at % LANES] += value);
    }

    let [w2, g2, d2, wd, wg, agree] = lanes.map(|lane| lane.iter().sum());
    TensorSums { decay, w2, g2, d2, wd, wg, agree }
}

/// Updates `L` elements from `at` on and adds their terms to the lanes.
#[inline(always)]
fn visit<T: Scalar, const S: usize, const L: usize>(
    weights: &mut [T],
    gradient: &[T],
    state: &mut [&mut [T]; S],
    at: usize,
    lanes: &mut [[f64; L]; 6],
    element: &impl Fn(T, T, &mut [T; S]) -> (T, T),
) {
    let range = at..at + L;
    let mut w = [T::zero(); L];
    let mut g = [T::zero(); L];
    let mut kept = [[T::zero(); L]; S];
    w.copy_from_slice(&weights[range.clone()]);
    g.copy_from_slice(&gradient[range.clone()]);
    kept.iter_mut().zip(state.iter()).for_each(|(kept, state)| kept.copy_from_slice(&state[range.clone()]));

    let mut updated = [T::zero(); L];
    let mut change = [T::zero(); L];
    for lane in 0..L {
        let mut own = [T::zero(); S];
        (0..S).for_each(|slot| own[slot] = kept[slot][lane]);
        (updated[lane], change[lane]) = element(w[lane], g[lane], &mut own);
        (0..S).for_each(|slot| kept[slot][lane] = own[slot]);
    }
    for lane in 0..L {
        let (w, g, d) = (w[lane].wide(), g[lane].wide(), change[lane].wide());
        lanes[0][lane] += w * w;
        lanes[1][lane] += g * g;
        lanes[2][lane] += d * d;
        lanes[3][lane] += w * d;
        lanes[4][lane] += w * g;
        lanes[5][lane] += if w * d < 0.0 { 1.0 } else { 0.0 };
    }

    weights[range.clone()].copy_from_slice(&updated);
    state.iter_mut().zip(&kept).for_each(|(state, kept)| state[range.clone()].copy_from_slice(kept));
}
