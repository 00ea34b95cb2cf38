//! How the weights of every tensor lie, counted block by block.

use super::Pass;
use crate::kernel::{Element, Extent, Instructions, count, extent};
use crate::stream::{BINS, Distribution};
use crate::train::team::Team;

/// All tensors' weights as they are between two updates, one entry for each tensor.
#[derive(Debug, Clone, PartialEq)]
pub struct Census {
    /// How they lie.
    pub distributions: Vec<Distribution>,
    /// ‖w‖²; of weights that are not all finite it is not either.
    pub squares: Vec<f64>,
}

impl<T: Element> Pass<T> {
    /// Walks over the weights twice, each thread over those that it updates: their bins are known once the lowest and
    /// the highest are. What is counted are whole numbers, and squares are added up in block order: threads change no bit.
    pub fn census(&mut self, team: &mut Team, instructions: Instructions) -> Census {
        let Pass { cuts, tasks, tensors, weights, .. } = self;
        let mut parts = vec![Extent::none(); tasks.len()];
        team.for_each_cut::<T, _>(cuts, &mut [], &mut parts, |index, _, part| {
            *part = extent(instructions, &weights[cuts.ranges()[index].clone()]);
        });
        let mut extents = vec![Extent::none(); tensors.len()];
        for (task, part) in tasks.iter().zip(parts) {
            extents[task.tensor] = extents[task.tensor].and(part);
        }
        let mut parts = vec![[0; BINS]; tasks.len()];
        team.for_each_cut::<T, _>(cuts, &mut [], &mut parts, |index, _, counts| {
            let Extent { lowest, highest, .. } = extents[tasks[index].tensor];
            count(instructions, &weights[cuts.ranges()[index].clone()], (lowest.wide(), highest.wide()), counts);
        });
        let none = |it: &Extent<T>| Distribution {
            lowest: it.lowest.wide(),
            highest: it.highest.wide(),
            counts: vec![0; BINS],
        };
        let mut distributions: Vec<Distribution> = extents.iter().map(none).collect();
        for (task, counts) in tasks.iter().zip(&parts) {
            let all = &mut distributions[task.tensor].counts;
            all.iter_mut().zip(counts).for_each(|(all, count)| *all += count);
        }
        Census { distributions, squares: extents.iter().map(|it| it.square).collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::train::Experiment;

    #[test]
    fn a_census_on_any_number_of_threads_is_the_plain_count_of_each_tensor() {
        for threads in ["1", "2", "3"] {
            let arguments = ["--model", "mlp:784-100-10", "--threads", threads, "--evaluate-every", "1000"];
            let (config, options) = crate::cli::configure("demo", &arguments).unwrap();
            let Experiment { mut learner, description, .. } = Experiment::prepare(config, options).unwrap();
            let census = learner.census();
            let mut rest = learner.weights();
            for (at, tensor) in description.tensors.iter().enumerate() {
                let (weights, others) = rest.split_at(tensor.len());
                rest = others;
                let wide = weights.iter().map(|&weight| f64::from(weight));
                assert_eq!(census.distributions[at], Distribution::of(wide.clone()), "{} on {threads}", tensor.name);
                let square: f64 = wide.map(|weight| weight * weight).sum();
                assert!((census.squares[at] - square).abs() <= 1e-12 * square, "{} on {threads}", tensor.name);
            }
        }
    }
}
