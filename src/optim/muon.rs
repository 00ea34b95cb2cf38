//! Muon.

use super::adam::{self, Squares};
use super::hyper::{Allowed, HyperSpec};
use super::rule::{Block, Now, Rule, StateSpec, Whole};
use super::sweep::sweep;
use crate::kernel::{self, Element, Factor, LANES, Product, Start, Terms, product, transpose};
use crate::stream::TensorSums;

/// How the step of a matrix follows its shape, `A` rows by `B` columns.
const ADJUSTMENTS: &[&str] = &["original", "match_rms_adamw", "spectral_unclamped"];

/// PyTorch's, and those of the AdamW that takes the tensors which are no matrices.
pub const HYPER: &[HyperSpec] = &[
    HyperSpec::new("momentum", 0.95, Allowed::Share),
    HyperSpec { default: 1.0, ..HyperSpec::flag("nesterov") },
    HyperSpec::new("ns_a", 3.4445, Allowed::Finite),
    HyperSpec::new("ns_b", -4.775, Allowed::Finite),
    HyperSpec::new("ns_c", 2.0315, Allowed::Finite),
    HyperSpec::new("eps", 1e-7, Allowed::Positive),
    HyperSpec::new("ns_steps", 5.0, Allowed::Count),
    HyperSpec::new("adjust_lr_fn", 0.0, Allowed::OneOf(ADJUSTMENTS)),
    HyperSpec::new("adamw_lr", 1e-3, Allowed::NotNegative),
    HyperSpec::new("adamw_beta1", 0.9, Allowed::Share),
    HyperSpec::new("adamw_beta2", 0.999, Allowed::Share),
    HyperSpec::new("adamw_eps", 1e-8, Allowed::NotNegative),
];

/// `torch.optim.Muon` (Jordan et al. 2024), with Newton and Schulz's iteration in the type of the weights, where
/// PyTorch has bfloat16. A tensor of more dimensions is the matrix \[first, all others\]; biases and the like get AdamW
/// with an η of their own, which follows η's schedule.
///
/// ```text
/// B <- mu*B + (1-mu)*g
/// U = (1-mu)*g + mu*B (nesterov), B (else)
/// w <- w - lr*ratio*NS(U)
/// ratio = sqrt(max(1, A/B)) (original), 0.2*sqrt(max(A, B)) (match_rms_adamw), sqrt(A/B) (spectral_unclamped)
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Muon;

impl<T: Element> Rule<T> for Muon {
    /// The first is the momentum of a matrix and the first moment of other tensors; the second is theirs alone.
    fn state(&self) -> &'static [StateSpec] {
        const { &[StateSpec::zeros("momentum"), StateSpec::zeros("exp_avg_sq")] }
    }

    fn decay_factor(&self, now: &Now<'_>) -> f64 {
        if is_matrix(now.shape) { now.lr } else { adamw_lr(now) }
    }

    fn prepares(&self, shape: &[usize]) -> bool {
        is_matrix(shape)
    }

    fn prepare(&self, whole: Whole<'_, T>, now: &Now<'_>) {
        let [momentum, nesterov, a, b, c, eps, steps, adjustment, ..]: [f64; 12] = now.hyper();
        let rows = now.shape[0];
        let columns = whole.gradient.len() / rows;
        let (ahead, follow) = if nesterov == 1.0 { (1.0 - momentum, momentum) } else { (0.0, 1.0) };
        let [keep, take, ahead, follow] = [momentum, 1.0 - momentum, ahead, follow].map(T::of);
        for (g, b) in whole.gradient.iter_mut().zip(&mut *whole.state[0]) {
            *b = (keep * *b + take * *g).flush();
            *g = ahead * *g + follow * *b;
        }
        let (a_rows, b_columns) = (rows as f64, columns as f64);
        let ratio = match ADJUSTMENTS[adjustment as usize] {
            "match_rms_adamw" => 0.2 * a_rows.max(b_columns).sqrt(),
            "spectral_unclamped" => (a_rows / b_columns).sqrt(),
            _ => (a_rows / b_columns).max(1.0).sqrt(),
        };
        let step = T::of(now.lr * ratio);
        let orthogonal = orthogonalise([rows, columns], whole.gradient, [a, b, c], eps, steps as usize);
        whole.gradient.iter_mut().zip(orthogonal).for_each(|(delta, o)| *delta = -(step * o));
    }

    fn update(&self, block: Block<'_, T>, now: &Now<'_>) -> TensorSums {
        if is_matrix(now.shape) {
            return sweep(block, now, |delta, []| delta);
        }
        let [.., beta1, beta2, eps]: [f64; 12] = now.hyper();
        adam::update_as_torch(block, now, adamw_lr(now), [beta1, beta2, eps], Squares::Current)
    }
}

fn is_matrix(shape: &[usize]) -> bool {
    shape.len() > 1
}

fn adamw_lr(now: &Now<'_>) -> f64 {
    let [.., lr, _, _, _]: [f64; 12] = now.hyper();
    lr * now.lr_factor
}

/// Newton and Schulz's iteration, towards the nearest matrix whose singular values are all 1:
///
/// ```text
/// X = U / max(|U|, eps)        transposed where there are more rows than columns
/// G = X*X' ; X <- a*X + (b*G + c*G*G)*X        ns_steps times
/// ```
fn orthogonalise<T: Element>(
    [rows, columns]: [usize; 2],
    values: &[T],
    coefficients: [f64; 3],
    eps: f64,
    steps: usize,
) -> Vec<T> {
    let [a, b, c] = coefficients.map(T::of);
    let norm = values.iter().map(|u| u.wide() * u.wide()).sum::<f64>().sqrt();
    let scale = T::of(norm.max(eps));
    let (short, long) = (rows.min(columns), rows.max(columns));
    let mut x = Matrix::new(short, long);
    for row in 0..rows {
        for column in 0..columns {
            let value = values[row * columns + column] / scale;
            let [row, column] = if rows > columns { [column, row] } else { [row, column] };
            x.values[row * x.stride + column] = value;
        }
    }
    let [mut gram, mut square] = [(); 2].map(|()| Matrix::new(short, short));
    let (mut turned, mut next) = (Matrix::new(long, short), Matrix::new(short, long));
    for _ in 0..steps {
        x.turn_into(&mut turned);
        gram.set_product(&x, &turned);
        square.set_product(&gram, &gram);
        // b*G + c*G*G
        square.values.iter_mut().zip(&gram.values).for_each(|(square, &gram)| *square = b * gram + c * *square);
        next.set_product(&square, &x);
        next.values.iter_mut().zip(&x.values).for_each(|(next, &x)| *next = a * x + *next);
        std::mem::swap(&mut x, &mut next);
    }
    let place = |row: usize, column: usize| {
        let [row, column] = if rows > columns { [column, row] } else { [row, column] };
        x.values[row * x.stride + column]
    };
    (0..rows)
        .flat_map(|row| (0..columns).map(move |column| (row, column)))
        .map(|(row, column)| place(row, column))
        .collect()
}

/// A matrix whose rows are padded with zeros to whole vectors.
struct Matrix<T> {
    values: Vec<T>,
    rows: usize,
    columns: usize,
    stride: usize,
}

impl<T: Element> Matrix<T> {
    fn new(rows: usize, columns: usize) -> Self {
        let stride = columns.next_multiple_of(LANES);
        Matrix { values: vec![T::zero(); rows * stride], rows, columns, stride }
    }

    /// `self = a·b`
    fn set_product(&mut self, a: &Matrix<T>, b: &Matrix<T>) {
        let (rows, columns) = (self.rows, self.columns);
        product(
            kernel::Instructions::best(),
            Product {
                a: Factor { values: &a.values, row: a.stride },
                b: &b.values,
                terms: Terms::Even { runs: 1, run_step: [0, 0], terms: a.columns, step: [1, b.stride] },
                c: &mut self.values,
                c_row: self.stride,
                rows,
                columns,
                start: Start::Zero,
            },
        );
    }

    fn turn_into(&self, other: &mut Matrix<T>) {
        let to = (&mut other.values[..], other.stride);
        transpose(kernel::Instructions::best(), (&self.values, self.stride), to, [self.rows, self.columns]);
    }
}
