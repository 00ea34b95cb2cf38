//! Which tensors decay.

use crate::stream::DecayMask;

/// What a tensor is to weight decay: a matrix or kernel, or one of the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A weight matrix or kernel.
    Weight,
    /// A bias and the like.
    Other,
}

/// Whether a tensor is inside the mask.
pub fn covers(mask: &DecayMask, name: &str, kind: Kind) -> bool {
    match mask {
        DecayMask::All => true,
        DecayMask::Weights => kind == Kind::Weight,
        DecayMask::Glob(pattern) => matches(pattern.as_bytes(), name.as_bytes()),
    }
}

/// `*` stands for any characters, `?` for one.
fn matches(pattern: &[u8], name: &[u8]) -> bool {
    match (pattern.split_first(), name.split_first()) {
        (None, _) => name.is_empty(),
        (Some((b'*', rest)), _) => (0..=name.len()).any(|skipped| matches(rest, &name[skipped..])),
        (Some((b'?', rest)), Some((_, name))) => matches(rest, name),
        (Some((wanted, rest)), Some((found, name))) => wanted == found && matches(rest, name),
        (Some(_), None) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_is_matched_over_the_whole_name() {
        let cases = [
            ("fc1.weight", "fc1.weight", true),
            ("fc1", "fc1.weight", false),
            ("fc1.*", "fc1.weight", true),
            ("*.bias", "fc1.weight", false),
            ("fc?.weight", "fc2.weight", true),
            ("fc?.weight", "fc12.weight", false),
            ("*", "fc1.weight", true),
            ("*w*t", "fc1.weight", true),
            ("", "fc1.weight", false),
        ];
        for (pattern, name, wanted) in cases {
            assert_eq!(covers(&DecayMask::Glob(pattern.into()), name, Kind::Other), wanted, "{pattern} on {name}");
        }
        assert!(covers(&DecayMask::All, "fc1.bias", Kind::Other) && !covers(&DecayMask::Weights, "w", Kind::Other));
    }
}
