//! The spectrum of each weight matrix, at evaluations.

use super::team::Team;
use crate::diagnostics::spectrum::{Matrix, Spectrum, measure};
use crate::kernel::{Element, Instructions, columns_by_vector, rows_by_vector};
use crate::nn::{Arena, Crew};
use crate::stream::{TensorInfo, TensorSpectrum};

/// Rounds of power iteration on weights that were not looked at before, and on those that were: they move little
/// between two evaluations.
const FIRST: usize = 16;
const LATER: usize = 1;

/// Weights of a task, about; a matrix of fewer is one task.
const TASK: usize = 16 * 1024;
/// Columns are shared out so many at a time, which a row has in four lines of the cache.
const ABREAST: usize = 64;

/// Remembers each matrix's first right singular vector from one evaluation to the next.
#[derive(Debug)]
pub struct Spectrometer<T> {
    directions: Vec<Vec<T>>,
    /// A step that a run may go on from, which would know no directions then.
    kept: Option<u64>,
}

impl<T> Default for Spectrometer<T> {
    fn default() -> Self {
        Spectrometer { directions: Vec::new(), kept: None }
    }
}

impl<T: Element> Spectrometer<T> {
    /// A snapshot was taken after so many updates. What is measured after more of them begins anew, so that a run that
    /// goes on from the snapshot finds the same bits.
    pub fn kept(&mut self, step: u64) {
        self.kept = Some(step);
    }

    /// Measures the matrices among these tensors after so many updates; `weights` holds them one behind another, `squares`
    /// has each tensor's ‖w‖². Changes no weight. The team changes no bit: each element of a product is defined without
    /// regard to the cut.
    pub fn look(
        &mut self,
        (team, instructions): (&mut Team, Instructions),
        step: u64,
        tensors: &[TensorInfo],
        (weights, squares): (&[T], &[f64]),
    ) -> Vec<TensorSpectrum> {
        if self.kept.is_some_and(|kept| kept < step) {
            *self = Spectrometer::default();
        }
        self.directions.resize_with(tensors.len(), Vec::new);
        let mut rest = weights;
        let mut found = Vec::new();
        for ((tensor, direction), &square) in tensors.iter().zip(&mut self.directions).zip(squares) {
            let (values, others) = rest.split_at(tensor.len());
            rest = others;
            let rows = tensor.shape[0];
            if tensor.shape.len() < 2 || rows == 0 {
                continue;
            }
            let rounds = if direction.is_empty() { FIRST } else { LATER };
            let columns = values.len() / rows;
            let mut matrix = Shared { team, instructions, values, rows, columns };
            if let Some(Spectrum { norm, stable_rank }) = measure(&mut matrix, square, direction, rounds) {
                found.push(TensorSpectrum { name: tensor.name.clone(), norm, stable_rank });
            }
        }
        found
    }
}

/// A matrix whose products the team shares out.
struct Shared<'a, T> {
    team: &'a mut Team,
    instructions: Instructions,
    /// Row behind row.
    values: &'a [T],
    rows: usize,
    columns: usize,
}

impl<T> Shared<'_, T> {
    /// Bounds around each task's part of `len` results, whole numbers of `unit`.
    fn cut(&self, len: usize, unit: usize) -> Vec<usize> {
        let units = len.div_ceil(unit);
        let tasks = self.values.len().div_ceil(TASK).min(units).max(1);
        (0..=tasks).map(|task| len.min(task * units / tasks * unit)).collect()
    }
}

impl<T: Element> Matrix<T> for Shared<'_, T> {
    fn shape(&self) -> [usize; 2] {
        [self.rows, self.columns]
    }

    fn times(&mut self, vector: &[T], to: &mut [T]) {
        let bounds = self.cut(self.rows, 1);
        let Shared { team, instructions, values, columns, .. } = self;
        let arena = Arena { values: to, bounds: &bounds, unit: 1 };
        team.share_out(bounds.len() - 1, [arena], |task, [to]| {
            let rows = &values[bounds[task] * *columns..bounds[task + 1] * *columns];
            rows_by_vector(*instructions, rows, vector, to);
        });
    }

    fn transposed_times(&mut self, vector: &[T], to: &mut [T]) {
        let bounds = self.cut(self.columns, ABREAST);
        let Shared { team, instructions, values, columns, .. } = self;
        let arena = Arena { values: to, bounds: &bounds, unit: 1 };
        team.share_out(bounds.len() - 1, [arena], |task, [to]| {
            columns_by_vector(*instructions, (values, *columns), bounds[task], vector, to);
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn matrices_are_found_among_tensors_and_followed_as_they_change() {
        let info = |name: &str, shape: &[usize]| TensorInfo {
            name: name.into(),
            layer: name.into(),
            shape: shape.to_vec(),
            decays: true,
        };
        // A vector, a diagonal matrix, and a convolution that is [1, 2·1·2].
        let tensors = [info("bias", &[2]), info("fc", &[2, 2]), info("conv", &[1, 2, 1, 2])];
        let mut weights: Vec<f32> = vec![9.0, 9.0, 3.0, 0.0, 0.0, 1.0, 1.0, 2.0, 2.0, 4.0];
        let (mut spectrometer, mut team) = (Spectrometer::default(), Team::new(1));
        let mut look = |weights: &[f32]| {
            let squares: Vec<f64> =
                [0..2, 2..6, 6..10].map(|it| weights[it].iter().map(|w| f64::from(w * w)).sum()).to_vec();
            spectrometer.look((&mut team, Instructions::best()), 0, &tensors, (weights, &squares))
        };
        for turned in [false, true] {
            if turned {
                weights.swap(2, 5);
                // So large a turn takes one round after another.
                (0..30).for_each(|_| drop(look(&weights)));
            }
            let found = look(&weights);
            let near = |at: usize, name, norm: f64, rank: f64| {
                found[at].name == name
                    && (found[at].norm - norm).abs() < 1e-6
                    && (found[at].stable_rank - rank).abs() < 1e-6
            };
            assert!(near(0, "fc", 3.0, 10.0 / 9.0) && near(1, "conv", 5.0, 1.0), "{found:?}");
        }
    }

    #[test]
    fn threads_and_instructions_do_not_change_bits() {
        // Wider and higher than a task, and neither a whole number of vectors.
        let shape = [301, 207];
        let tensors = [TensorInfo { name: "fc".into(), layer: "fc".into(), shape: shape.to_vec(), decays: true }];
        let weights: Vec<f32> = (0..shape[0] * shape[1]).map(|at| (at as f32 * 0.7).sin()).collect();
        let square: f64 = weights.iter().map(|&w| f64::from(w) * f64::from(w)).sum();
        let looks = |threads: usize, instructions| {
            let (mut spectrometer, mut team) = (Spectrometer::default(), Team::new(threads));
            let mut look = || spectrometer.look((&mut team, instructions), 0, &tensors, (&weights, &[square]));
            [look(), look()]
        };
        let one = looks(1, Instructions::all()[0]);
        assert!(one[0][0].norm > 1.0, "{one:?}");
        for instructions in Instructions::all() {
            for threads in [1, 2, 3] {
                assert_eq!(looks(threads, instructions), one, "{threads} threads with {instructions}");
            }
        }
    }
}
