//! What the sums of one update tell, exactly. The norm budget and the size of the whole change are methods of
//! [`TensorSums`] itself.

use crate::stream::{DecayMode, TensorSums};

/// θ, the angle between w and w' in radians; not a number where the weights are all 0.
///
/// ```text
/// theta = atan2( sqrt(max(0, D2 - WD^2/W2)), (1-d)*sqrt(W2) + WD/sqrt(W2) )
/// ```
///
/// This form stays accurate for small angles, which arccos does not. Kosson, Messmer, Jaggi 2024 (arXiv 2305.17212).
/// Cautious decay, which shrinks a part of the weights, turns them too: two terms more that vanish elsewhere.
pub fn rotation(sums: &TensorSums) -> f64 {
    let TensorSums { decay: d, w2, d2, wd, decayed_w2, decayed_wd, .. } = *sums;
    let part = decayed_w2 / w2;
    let across = d2 - wd * wd / w2 + d * d * decayed_w2 * (1.0 - part) - 2.0 * d * (decayed_wd - wd * part);
    let norm = w2.sqrt();
    across.max(0.0).sqrt().atan2((1.0 - d * part) * norm + wd / norm)
}

/// How hard decay pulls beside the gradient's step: above 1 decay wins. Not a number where nothing moves.
///
/// ```text
/// decoupled:  d*sqrt(W2) / sqrt(D2)        coupled:  wd*sqrt(W2) / sqrt(G2)
/// ```
///
/// `weight_decay` is the tensor's λ, which coupled decay is measured by.
pub fn decay_pull(sums: &TensorSums, mode: DecayMode, weight_decay: f64) -> f64 {
    match mode {
        DecayMode::None => 0.0,
        DecayMode::L2 => weight_decay * (sums.w2 / sums.g2).sqrt(),
        DecayMode::Decoupled | DecayMode::Corrected => sums.decay * (sums.w2 / sums.d2).sqrt(),
        DecayMode::Cautious => sums.decay * (sums.decayed_w2 / sums.d2).sqrt(),
    }
}

/// ‖g‖/‖w‖; for SGD on scale-invariant weights it tends to √(2λ(1−μ)/η) (Defazio 2025, arXiv 2506.02285).
pub fn gradient_ratio(sums: &TensorSums) -> f64 {
    (sums.g2 / sums.w2).sqrt()
}

/// The share of the weights whose update points the way decay does, A/C (cautious decay, arXiv 2510.12402).
pub fn agreement(sums: &TensorSums, weights: usize) -> f64 {
    sums.agree / weights as f64
}

/// The cosine between weights and gradient, WG/√(W2·G2); scale invariance forces it to 0.
pub fn alignment(sums: &TensorSums) -> f64 {
    sums.wg / (sums.w2 * sums.g2).sqrt()
}

/// What one tensor adds to the L2 penalty, ½·λ·W2; with decoupled decay it is virtual, no part of any objective
/// (Loshchilov & Hutter 2019, arXiv 1711.05101).
pub fn penalty(sums: &TensorSums, weight_decay: f64) -> f64 {
    0.5 * weight_decay * sums.w2
}

/// max θ / min θ over tensors; `None` where fewer than two of them turn. AdamW keeps it near 1, Adam with L2 does not
/// (Kosson, Messmer, Jaggi 2024, arXiv 2305.17212).
pub fn balance(rotations: impl Iterator<Item = f64>) -> Option<f64> {
    let turning = rotations.filter(|rotation| rotation.is_finite() && *rotation > 0.0);
    let (count, low, high) =
        turning.fold((0, f64::INFINITY, 0f64), |(count, low, high), it| (count + 1, low.min(it), high.max(it)));
    (count > 1).then_some(high / low)
}

/// The generalisation gap: validation loss − training loss, both of one evaluation. Decay changes it through the
/// dynamics rather than as a regulariser (D'Angelo et al. 2023, arXiv 2310.04415).
pub fn gap(evaluation: &crate::stream::Evaluation) -> f64 {
    evaluation.validation.loss - evaluation.train.loss
}

/// The slope of a line through points, least squares; `None` where there are fewer than two places.
pub fn slope(points: &[(f64, f64)]) -> Option<f64> {
    let count = points.len() as f64;
    let [x, y] = [points.iter().map(|p| p.0).sum::<f64>() / count, points.iter().map(|p| p.1).sum::<f64>() / count];
    let across: f64 = points.iter().map(|p| (p.0 - x) * (p.0 - x)).sum();
    let along: f64 = points.iter().map(|p| (p.0 - x) * (p.1 - y)).sum();
    (across > 0.0).then(|| along / across)
}
