//! The largest singular value of a matrix, by power iteration.

/// The spectral norm σ₁ of a matrix, and how many directions carry it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Spectrum {
    /// σ₁
    pub norm: f64,
    /// ‖W‖_F²/σ₁², between 1 and the rank.
    pub stable_rank: f64,
}

/// Power iteration on WᵀW, warm-started: a few rounds from the vector of the last time are enough, since weights move
/// little between two evaluations.
///
/// A matrix is `rows` rows of equal length in `weights`; a convolution is one of shape \[out, in·k·k\]. `direction`
/// is the last right singular vector and is overwritten with the new one; one of another length starts afresh.
/// `None` where all weights are 0 or one is not finite.
///
/// ```text
/// u <- W*v / |W*v|,  v <- W'u / |W'u|,  sigma = |W'u|
/// ```
pub fn measure<T: Copy + Into<f64>>(
    weights: &[T],
    rows: usize,
    direction: &mut Vec<f64>,
    rounds: usize,
) -> Option<Spectrum> {
    let columns = weights.len() / rows.max(1);
    if direction.len() != columns || direction.iter().any(|v| !v.is_finite()) {
        // Not along an axis, nor orthogonal to anything by symmetry.
        *direction = (0..columns).map(|at| 1.0 + (at * 37 % 101) as f64 / 101.0).collect();
    }
    normalise(direction)?;
    let mut sigma = 0.0;
    let mut left = vec![0.0; rows];
    for _ in 0..rounds.max(1) {
        for (u, row) in left.iter_mut().zip(weights.chunks_exact(columns)) {
            *u = product(row, direction);
        }
        normalise(&mut left)?;
        direction.fill(0.0);
        for (&u, row) in left.iter().zip(weights.chunks_exact(columns)) {
            for (v, &w) in direction.iter_mut().zip(row) {
                *v += u * w.into();
            }
        }
        sigma = normalise(direction)?;
    }
    Some(Spectrum { norm: sigma, stable_rank: square(weights) / (sigma * sigma) })
}

/// Partial sums that do not wait for one another.
const LANES: usize = 8;

/// The product of a row with a vector.
fn product<T: Copy + Into<f64>>(row: &[T], vector: &[f64]) -> f64 {
    let mut lanes = [0.0; LANES];
    let (whole, rest) = (row.chunks_exact(LANES), row.chunks_exact(LANES).remainder());
    for (row, vector) in whole.zip(vector.chunks_exact(LANES)) {
        for lane in 0..LANES {
            lanes[lane] += row[lane].into() * vector[lane];
        }
    }
    let tail = vector.len() - rest.len();
    let rest: f64 = rest.iter().zip(&vector[tail..]).map(|(&w, v)| w.into() * v).sum();
    lanes.iter().sum::<f64>() + rest
}

/// Σw² of a row.
fn square<T: Copy + Into<f64>>(row: &[T]) -> f64 {
    let mut lanes = [0.0; LANES];
    for row in row.chunks(LANES) {
        for (lane, &w) in lanes.iter_mut().zip(row) {
            *lane += w.into() * w.into();
        }
    }
    lanes.iter().sum()
}

/// Makes a vector one of length 1 and gives its length; `None` where that is 0 or not finite.
fn normalise(vector: &mut [f64]) -> Option<f64> {
    let norm = vector.iter().map(|x| x * x).sum::<f64>().sqrt();
    if norm == 0.0 || !norm.is_finite() {
        return None;
    }
    vector.iter_mut().for_each(|x| *x /= norm);
    Some(norm)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sum_of_two_outer_products_has_the_larger_one_for_its_norm() {
        // 5·a·b' + 2·c·d' with orthonormal a, c and b, d.
        let (a, c) = ([0.6, 0.8], [-0.8, 0.6]);
        let (b, d) = ([2.0 / 3.0, 2.0 / 3.0, 1.0 / 3.0], [-2.0 / 3.0, 1.0 / 3.0, 2.0 / 3.0]);
        let weights: Vec<f64> = (0..6).map(|at| 5.0 * a[at / 3] * b[at % 3] + 2.0 * c[at / 3] * d[at % 3]).collect();
        let mut direction = Vec::new();
        let cold = measure(&weights, 2, &mut direction, 20).unwrap();
        assert!((cold.norm - 5.0).abs() < 1e-10 && (cold.stable_rank - 29.0 / 25.0).abs() < 1e-10, "{cold:?}");
        let warm = measure(&weights, 2, &mut direction, 1).unwrap();
        assert!((warm.norm - 5.0).abs() < 1e-12, "{warm:?}");
    }

    #[test]
    fn a_matrix_of_zeros_has_no_spectrum_and_the_next_one_has() {
        let mut direction = Vec::new();
        assert_eq!(measure(&[0f32; 6], 2, &mut direction, 3), None);
        assert_eq!(measure(&[1f32, f32::NAN], 1, &mut direction, 3), None);
        let found = measure(&[3f32, 0.0, 0.0, 0.0], 2, &mut direction, 30).unwrap();
        assert!((found.norm - 3.0).abs() < 1e-12 && (found.stable_rank - 1.0).abs() < 1e-12);
    }
}
