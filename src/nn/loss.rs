//! Softmax cross-entropy.

use crate::scalar::Scalar;

/// The loss −ln softmax(logits)[label] of one sample. Overwrites the logits with the loss's gradient by them, times
/// `share`: `(softmax − one-hot)·share`.
///
/// The largest logit is taken off first, so that nothing overflows that need not.
pub fn softmax_cross_entropy<T: Scalar>(logits: &mut [T], label: u8, share: T) -> T {
    let label = usize::from(label);
    let most = logits.iter().copied().fold(logits[0], |most, logit| if logit > most { logit } else { most });
    let at_label = logits[label] - most;
    let mut sum = T::zero();
    for logit in logits.iter_mut() {
        *logit = (*logit - most).exp();
        sum = sum + *logit;
    }
    logits.iter_mut().for_each(|part| *part = *part / sum * share);
    logits[label] = logits[label] - share;
    sum.ln() - at_label
}

/// The class with the largest logit, the first of several.
pub fn predicted<T: Scalar>(logits: &[T]) -> usize {
    (1..logits.len()).fold(0, |best, class| if logits[class] > logits[best] { class } else { best })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_gradient_is_the_slope_of_the_loss() {
        let logits = [0.3f64, -1.2, 2.0, 0.0];
        let loss = |logits: [f64; 4]| softmax_cross_entropy(&mut logits.clone(), 1, 1.0);
        let mut gradient = logits;
        softmax_cross_entropy(&mut gradient, 1, 0.5);
        for at in 0..4 {
            let shifted = |by: f64| {
                let mut logits = logits;
                logits[at] += by;
                loss(logits)
            };
            let slope = (shifted(1e-6) - shifted(-1e-6)) / 2e-6;
            assert!((0.5 * slope - gradient[at]).abs() < 1e-9, "{at}: {slope} {}", gradient[at]);
        }
    }

    #[test]
    fn large_logits_do_not_overflow_and_nan_stays() {
        let mut logits = [1e4f32, 0.0, -1e4];
        assert_eq!(softmax_cross_entropy(&mut logits, 0, 1.0), 0.0);
        assert_eq!(softmax_cross_entropy(&mut [1e4f32, 0.0, -1e4], 2, 1.0), 2e4);
        assert!(softmax_cross_entropy(&mut [0.0, f32::NAN, 1.0], 0, 1.0).is_nan());
        assert_eq!(predicted(&[0.5f32, 2.0, 2.0]), 1);
    }
}
