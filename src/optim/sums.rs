//! The sums that every update yields, added up chunk by chunk.

#[cfg(target_arch = "x86_64")]
mod avx2;

use super::instructions::Instructions;
#[cfg(target_arch = "x86_64")]
use super::instructions::Set;
use super::sweep::CHUNK;
use crate::scalar::{Scalar, larger, smaller};

/// Sums run in this many lanes, element i in lane i mod 8, whatever the vector width: so they have the same bits
/// everywhere.
pub(super) const LANES: usize = 8;

const _: () = assert!(CHUNK.is_multiple_of(LANES), "a chunk is a number of whole lanes");

/// Number of sums in f64: Σw², Σg², Σw·g, ΣΔ², Σw·Δ.
pub(super) const PLAIN: usize = 5;
/// The same, and Σw² and Σw·Δ over the weights that cautious decay shrinks.
pub(super) const CAUTIOUS: usize = 7;

/// The sums so far, [`PLAIN`] or [`CAUTIOUS`], and how often w and Δ differ in sign.
pub(super) struct Sums<const SUMS: usize> {
    instructions: Instructions,
    lanes: [[f64; LANES]; SUMS],
    agree: u64,
}

impl<const SUMS: usize> Sums<SUMS> {
    /// None so far, to be added up with these instructions.
    pub(super) fn new(instructions: Instructions) -> Self {
        Sums { instructions, lanes: [[0.0; LANES]; SUMS], agree: 0 }
    }

    /// Adds the terms of a chunk: w before the update, the raw gradient, Δ.
    ///
    /// A product of two f32 is exact in f64: fused with the addition or not, the bits are the same. A product of two
    /// f64 is not, so those are never fused.
    #[inline(always)]
    pub(super) fn add<T: Scalar>(&mut self, w: &[T; CHUNK], g: &[T; CHUNK], d: &[T; CHUNK]) {
        #[cfg(target_arch = "x86_64")]
        if let (Set::Avx2, Some(w), Some(g), Some(d)) =
            (self.instructions.set(), T::as_singles(w), T::as_singles(g), T::as_singles(d))
        {
            // SAFETY: `Instructions` says AVX2 only after it has found that the processor has AVX2, FMA and POPCNT.
            unsafe { avx2::add(&mut self.lanes, &mut self.agree, w, g, d) };
            return;
        }
        self.add_portably(w, g, d);
    }

    #[inline(always)]
    fn add_portably<T: Scalar>(&mut self, w: &[T; CHUNK], g: &[T; CHUNK], d: &[T; CHUNK]) {
        let apart = |(&w, &d): (&T, &T)| {
            let zero = T::zero();
            u32::from((w < zero) & (d > zero) | (w > zero) & (d < zero))
        };
        self.agree += u64::from(w.iter().zip(d).map(apart).sum::<u32>());
        let [w, g, d] = [w, g, d].map(widen);
        let lanes = &mut self.lanes;
        add_terms(&w, &w, &mut lanes[0], |w, _| w * w);
        add_terms(&g, &g, &mut lanes[1], |g, _| g * g);
        add_terms(&w, &g, &mut lanes[2], |w, g| w * g);
        add_terms(&d, &d, &mut lanes[3], |d, _| d * d);
        add_terms(&w, &d, &mut lanes[4], |w, d| w * d);
        if SUMS == CAUTIOUS {
            add_terms(&w, &d, &mut lanes[5], |w, d| if decays(w, d) { w * w } else { 0.0 });
            add_terms(&w, &d, &mut lanes[6], |w, d| if decays(w, d) { w * d } else { 0.0 });
        }
    }

    /// The sums, and how often the signs differed.
    pub(super) fn total(self) -> ([f64; SUMS], f64) {
        (self.lanes.map(|lanes| lanes.iter().sum()), self.agree as f64)
    }
}

/// Whether cautious decay acts on a weight: where w·Δ ≤ 0. By signs, so that no small product is taken for 0.
#[inline(always)]
pub(super) fn decays<T: Scalar>(w: T, d: T) -> bool {
    larger(smaller(w, d), -larger(w, d)) <= T::zero()
}

#[inline(always)]
fn widen<T: Scalar>(narrow: &[T; CHUNK]) -> [f64; CHUNK] {
    let mut wide = [0.0; CHUNK];
    for i in 0..CHUNK {
        wide[i] = narrow[i].wide();
    }
    wide
}

/// One sum at a time: the compiler makes vectors of this loop, and shuffles of one over several sums.
#[inline(always)]
fn add_terms(a: &[f64; CHUNK], b: &[f64; CHUNK], lanes: &mut [f64; LANES], term: impl Fn(f64, f64) -> f64) {
    let mut sums = *lanes;
    for (a, b) in a.as_chunks::<LANES>().0.iter().zip(b.as_chunks::<LANES>().0) {
        for lane in 0..LANES {
            sums[lane] += term(a[lane], b[lane]);
        }
    }
    *lanes = sums;
}
