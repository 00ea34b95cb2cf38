//! The largest singular value of a matrix, by power iteration.

use crate::scalar::{Scalar, is_finite};

/// The spectral norm σ₁ of a matrix, and how many directions carry it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Spectrum {
    /// σ₁
    pub norm: f64,
    /// ‖W‖_F²/σ₁², between 1 and the rank.
    pub stable_rank: f64,
}

/// A matrix as far as power iteration sees it. Who computes its products, and on how many threads, is not said here.
pub trait Matrix<T> {
    /// Rows and columns.
    fn shape(&self) -> [usize; 2];
    /// `to = W·vector`; as many values as columns make as many as rows.
    fn times(&mut self, vector: &[T], to: &mut [T]);
    /// `to = Wᵀ·vector`; as many values as rows make as many as columns.
    fn transposed_times(&mut self, vector: &[T], to: &mut [T]);
}

/// Power iteration on WᵀW, warm-started: a few rounds from the vector of the last time are enough, since weights move
/// little between two evaluations.
///
/// `square` is ‖W‖_F². `direction` is the last right singular vector and is overwritten with the new one; one of another
/// length starts afresh. `None` where all weights are 0 or one is not finite, or a product with a vector of length 1 is
/// not.
///
/// ```text
/// u <- W*v / |W*v|,  v <- W'u / |W'u|,  sigma = |W'u|
/// ```
pub fn measure<T: Scalar>(
    matrix: &mut impl Matrix<T>,
    square: f64,
    direction: &mut Vec<T>,
    rounds: usize,
) -> Option<Spectrum> {
    let [rows, columns] = matrix.shape();
    if direction.len() != columns || direction.iter().any(|v| !is_finite(*v)) {
        // Not along an axis, nor orthogonal to anything by symmetry.
        *direction = (0..columns).map(|at| T::of(1.0 + (at * 37 % 101) as f64 / 101.0)).collect();
    }
    normalise(direction)?;
    let mut sigma = 0.0;
    let mut left = vec![T::zero(); rows];
    for _ in 0..rounds.max(1) {
        matrix.times(direction, &mut left);
        normalise(&mut left)?;
        matrix.transposed_times(&left, direction);
        sigma = normalise(direction)?;
    }
    square.is_finite().then(|| Spectrum { norm: sigma, stable_rank: square / (sigma * sigma) })
}

/// Makes a vector one of length 1 and gives its length; `None` where that is 0 or not finite.
fn normalise<T: Scalar>(vector: &mut [T]) -> Option<f64> {
    let norm = vector.iter().map(|x| x.wide() * x.wide()).sum::<f64>().sqrt();
    if norm == 0.0 || !norm.is_finite() {
        return None;
    }
    vector.iter_mut().for_each(|x| *x = T::of(x.wide() / norm));
    Some(norm)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Row behind row, with the products written out.
    struct Plain<'a, T>(&'a [T], [usize; 2]);

    impl<T: Scalar> Matrix<T> for Plain<'_, T> {
        fn shape(&self) -> [usize; 2] {
            self.1
        }

        fn times(&mut self, vector: &[T], to: &mut [T]) {
            for (to, row) in to.iter_mut().zip(self.0.chunks_exact(vector.len())) {
                *to = row.iter().zip(vector).fold(T::zero(), |sum, (&w, &v)| sum + w * v);
            }
        }

        fn transposed_times(&mut self, vector: &[T], to: &mut [T]) {
            for (column, to) in to.iter_mut().enumerate() {
                let terms = self.0.iter().skip(column).step_by(self.1[1]).zip(vector);
                *to = terms.fold(T::zero(), |sum, (&w, &v)| sum + w * v);
            }
        }
    }

    fn spectrum<T: Scalar>(weights: &[T], rows: usize, direction: &mut Vec<T>, rounds: usize) -> Option<Spectrum> {
        let square = weights.iter().map(|w| w.wide() * w.wide()).sum();
        measure(&mut Plain(weights, [rows, weights.len() / rows]), square, direction, rounds)
    }

    #[test]
    fn a_sum_of_two_outer_products_has_the_larger_one_for_its_norm() {
        // 5·a·b' + 2·c·d' with orthonormal a, c and b, d.
        let (a, c) = ([0.6, 0.8], [-0.8, 0.6]);
        let (b, d) = ([2.0 / 3.0, 2.0 / 3.0, 1.0 / 3.0], [-2.0 / 3.0, 1.0 / 3.0, 2.0 / 3.0]);
        let weights: Vec<f64> = (0..6).map(|at| 5.0 * a[at / 3] * b[at % 3] + 2.0 * c[at / 3] * d[at % 3]).collect();
        let mut direction = Vec::new();
        let cold = spectrum(&weights, 2, &mut direction, 20).unwrap();
        assert!((cold.norm - 5.0).abs() < 1e-10 && (cold.stable_rank - 29.0 / 25.0).abs() < 1e-10, "{cold:?}");
        let warm = spectrum(&weights, 2, &mut direction, 1).unwrap();
        assert!((warm.norm - 5.0).abs() < 1e-12, "{warm:?}");
    }

    #[test]
    fn a_matrix_of_zeros_has_no_spectrum_and_the_next_one_has() {
        let mut direction = Vec::new();
        assert_eq!(spectrum(&[0f32; 6], 2, &mut direction, 3), None);
        assert_eq!(spectrum(&[1f32, f32::NAN], 1, &mut direction, 3), None);
        let found = spectrum(&[3f32, 0.0, 0.0, 0.0], 2, &mut direction, 30).unwrap();
        assert!((found.norm - 3.0).abs() < 1e-12 && (found.stable_rank - 1.0).abs() < 1e-12);
    }
}
