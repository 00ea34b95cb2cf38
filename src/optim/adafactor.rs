//! Adafactor.

use super::hyper::{Allowed, HyperSpec};
use super::rule::{Block, Now, Rule, StateSpec, Whole};
use super::sweep::sweep;
use crate::scalar::{Scalar, larger};
use crate::stream::TensorSums;

/// PyTorch's. Its `eps1` is the type's epsilon unless given; runs are in f32.
pub const HYPER: &[HyperSpec] = &[
    HyperSpec::new("beta2_decay", -0.8, Allowed::NotPositive),
    HyperSpec::new("eps1", f32::EPSILON as f64, Allowed::NotNegative),
    HyperSpec::new("eps2", 1e-3, Allowed::NotNegative),
    HyperSpec::new("d", 1.0, Allowed::AtLeastOne),
];

/// `torch.optim.Adafactor` (Shazeer & Stern 2018). Of a tensor with two or more dimensions, the last two are kept as
/// row and column means of g² alone:
///
/// ```text
/// b = t^beta2_decay    rho = min(lr, 1/sqrt(t))    alpha = max(eps2, rms(w))*rho
/// R <- R + b*(mean(g^2, last dim) - R) ; C <- C + b*(mean(g^2, 2nd-last dim) - C)
/// V = R*C/max(mean(R over 2nd-last dim), eps1)        one dimension: V <- V + b*(g^2 - V)
/// U = g/sqrt(max(V, eps1^2)) ; U <- U/max(1, rms(U)/d)
/// w <- w - alpha*U
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Adafactor;

impl<T: Scalar> Rule<T> for Adafactor {
    /// R, or V of a tensor of one dimension, and C, each in the first elements of the tensor's range; the rest of the
    /// range is never touched and so costs no memory.
    fn state(&self) -> &'static [StateSpec] {
        const { &[StateSpec::zeros("row_var"), StateSpec::zeros("col_var")] }
    }

    fn prepares(&self, _shape: &[usize]) -> bool {
        true
    }

    fn prepare(&self, whole: Whole<'_, T>, now: &Now<'_>) {
        let [beta2_decay, eps1, eps2, d] = now.hyper();
        let Whole { weights, gradient, state } = whole;
        let [rows, columns] = state else { unreachable!("it keeps two state tensors") };
        let t = now.t as f64;
        let alpha = rms(weights).max(eps2) * now.lr.min(1.0 / t.sqrt());
        let share = T::of(libm::pow(t, beta2_decay));
        let least = T::of(eps1 * eps1);
        let scaled = |g: T, v: T| g / larger(v, least).sqrt();
        match *now.shape {
            [.., height, width] => {
                let matrices = gradient.chunks_exact_mut(height * width);
                let means = rows.chunks_exact_mut(height).zip(columns.chunks_exact_mut(width));
                for (g, (rows, columns)) in matrices.zip(means) {
                    track_means(g, rows, columns, share);
                    let mean = rows.iter().map(|r| r.wide()).sum::<f64>() / height as f64;
                    let mean = T::of(mean.max(eps1));
                    for (g, &r) in g.chunks_exact_mut(width).zip(&*rows) {
                        g.iter_mut().zip(&*columns).for_each(|(g, &c)| *g = scaled(*g, r * c / mean));
                    }
                }
            }
            _ => {
                for (g, v) in gradient.iter_mut().zip(&mut **rows) {
                    *v = (*v + share * (*g * *g - *v)).flush();
                    *g = scaled(*g, *v);
                }
            }
        }
        let step = T::of(alpha / (rms(gradient) / d).max(1.0));
        gradient.iter_mut().for_each(|u| *u = -(step * *u));
    }

    fn update(&self, block: Block<'_, T>, now: &Now<'_>) -> TensorSums {
        sweep(block, now, |delta, []| delta)
    }
}

/// Moves the row and column means of g² by `share` towards those of one matrix.
fn track_means<T: Scalar>(g: &[T], rows: &mut [T], columns: &mut [T], share: T) {
    let (height, width) = (rows.len(), columns.len());
    let toward = |mean: &mut T, sum: f64, count: usize| {
        *mean = (*mean + share * (T::of(sum / count as f64) - *mean)).flush();
    };
    let mut column_sums = vec![0.0; width];
    for (g, row) in g.chunks_exact(width).zip(&mut *rows) {
        let mut row_sum = 0.0;
        for (g, column) in g.iter().zip(&mut column_sums) {
            row_sum += g.wide() * g.wide();
            *column += g.wide() * g.wide();
        }
        toward(row, row_sum, width);
    }
    columns.iter_mut().zip(column_sums).for_each(|(column, sum)| toward(column, sum, height));
}

/// Root of the mean square.
fn rms<T: Scalar>(values: &[T]) -> f64 {
    (values.iter().map(|x| x.wide() * x.wide()).sum::<f64>() / values.len() as f64).sqrt()
}
