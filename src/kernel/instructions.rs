//! The vector instructions that numeric loops are compiled for, and which of them to use.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

use super::lanes::{Element, Lanes, Portable};

/// One of the instruction sets that this processor has. The bits are the same with each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Instructions(Set);

/// Only this module makes one, after it has asked the processor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Set {
    Portable,
    #[cfg(target_arch = "x86_64")]
    Avx2,
    #[cfg(target_arch = "x86_64")]
    Avx512,
}

/// An instruction set that there is not, or not here.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("instructions `{asked}` are not among those of this processor: {}", .have.join(", "))]
pub struct UnknownInstructions {
    asked: String,
    have: Vec<String>,
}

impl Instructions {
    /// All that this processor has, from the narrowest to the widest.
    pub fn all() -> Vec<Instructions> {
        #[cfg_attr(not(target_arch = "x86_64"), expect(unused_mut, reason = "there is one"))]
        let mut sets = vec![Instructions(Set::Portable)];
        #[cfg(target_arch = "x86_64")]
        if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
            sets.push(Instructions(Set::Avx2));
            if is_x86_feature_detected!("avx512f") {
                sets.push(Instructions(Set::Avx512));
            }
        }
        sets
    }

    /// The widest that this processor has.
    pub fn best() -> Instructions {
        #[cfg(target_arch = "x86_64")]
        if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
            return Instructions(if is_x86_feature_detected!("avx512f") { Set::Avx512 } else { Set::Avx2 });
        }
        Instructions(Set::Portable)
    }

    /// Runs `work`, compiled for these instructions.
    #[inline(always)]
    pub fn run<T: Element, W: Work<T>>(self, work: W) -> W::Outcome {
        match self.0 {
            #[cfg(target_arch = "x86_64")]
            Set::Portable if is_x86_feature_detected!("fma") => {
                // SAFETY: the processor has just been asked.
                unsafe { with_fma(work) }
            }
            // A processor that cannot fuse a product with a sum has a library do it: slow, but the same bits.
            Set::Portable => work.run::<Portable<T>>(),
            #[cfg(target_arch = "x86_64")]
            // SAFETY: `all` made this value, after it had found that the processor has AVX2 and FMA.
            Set::Avx2 => unsafe { with_avx2(work) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: `all` made this value, after it had found that the processor has AVX-512.
            Set::Avx512 => unsafe { with_avx512(work) },
        }
    }
}

impl fmt::Display for Instructions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            Set::Portable => "portable",
            #[cfg(target_arch = "x86_64")]
            Set::Avx2 => "avx2",
            #[cfg(target_arch = "x86_64")]
            Set::Avx512 => "avx512",
        })
    }
}

impl FromStr for Instructions {
    type Err = UnknownInstructions;

    fn from_str(name: &str) -> Result<Self, UnknownInstructions> {
        let all = Instructions::all();
        let found = all.iter().find(|set| set.to_string() == name).copied();
        found.ok_or_else(|| UnknownInstructions {
            asked: name.to_owned(),
            have: all.iter().map(Instructions::to_string).collect(),
        })
    }
}

/// What can be compiled for several instruction sets: `run` and all that it calls must be inlined always, or it is
/// compiled for the baseline.
pub trait Work<T: Element> {
    /// What it results in.
    type Outcome;

    /// Does it.
    fn run<V: Lanes<T>>(self) -> Self::Outcome;
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "fma")]
fn with_fma<T: Element, W: Work<T>>(work: W) -> W::Outcome {
    work.run::<Portable<T>>()
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn with_avx2<T: Element, W: Work<T>>(work: W) -> W::Outcome {
    work.run::<T::Avx2>()
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx2,fma")]
fn with_avx512<T: Element, W: Work<T>>(work: W) -> W::Outcome {
    work.run::<T::Avx512>()
}
