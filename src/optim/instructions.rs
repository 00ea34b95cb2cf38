//! The vector instructions that the pass over the weights is compiled for.
//!
//! The baseline of x86-64 has vectors of 16 bytes, AVX2 of 32, three times as fast. Wider ones gained nothing.

use crate::kernel;

/// One of the instruction sets that the pass is compiled for, and that this processor has.
///
/// The bits are the same with each: no sum depends on the width of a vector, and a product is fused with a sum only
/// where it is exact.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Instructions(Set);

/// Only this module wraps one in [`Instructions`], after it has asked the processor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Set {
    Baseline,
    /// With FMA and POPCNT, which every processor with AVX2 has that was ever built.
    #[cfg(target_arch = "x86_64")]
    Avx2,
}

impl From<kernel::Instructions> for Instructions {
    /// The widest that is no wider than what the kernel is to use.
    fn from(kernel: kernel::Instructions) -> Self {
        match kernel.to_string().as_str() {
            "portable" => Instructions(Set::Baseline),
            _ => Instructions::best(),
        }
    }
}

impl Instructions {
    /// All that this processor has, from the narrowest to the widest.
    pub fn all() -> Vec<Instructions> {
        #[cfg(target_arch = "x86_64")]
        if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") && is_x86_feature_detected!("popcnt") {
            return vec![Instructions(Set::Baseline), Instructions(Set::Avx2)];
        }
        vec![Instructions(Set::Baseline)]
    }

    /// The widest that this processor has.
    pub fn best() -> Instructions {
        Instructions::all().pop().unwrap_or(Instructions(Set::Baseline))
    }

    /// Which they are: for what is written for each set.
    #[inline(always)]
    pub(super) fn set(self) -> Set {
        self.0
    }

    /// Runs `work`, compiled for these instructions.
    #[inline(always)]
    pub(super) fn run<W: Work>(self, work: W) -> W::Outcome {
        match self.0 {
            Set::Baseline => work.run(),
            #[cfg(target_arch = "x86_64")]
            // SAFETY: `all` made this value, after it had found that the processor has all three.
            Set::Avx2 => unsafe { with_avx2(work) },
        }
    }
}

/// What can be compiled for several instruction sets: `run` must be inlined always, or it is compiled for the baseline.
pub(super) trait Work {
    /// What it results in.
    type Outcome;

    /// Does it.
    fn run(self) -> Self::Outcome;
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma,popcnt")]
fn with_avx2<W: Work>(work: W) -> W::Outcome {
    work.run()
}
