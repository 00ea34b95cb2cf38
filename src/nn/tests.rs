//! Networks of every kind: slopes against differences, the same bits in every way to compute them, errors, edges.

mod batches;
mod bits;
mod edges;
mod errors;
mod network;
mod slopes;

use super::crew::{Arena, Crew, Patches};
use super::loss::Targets;
use super::model::{Network, Role};
use super::passage::{Passage, Purpose, Setting};
use super::{Alone, Mode};
use crate::kernel::{Columns, Element, Instructions, Matrices};
use crate::random::{self, Generator};
use crate::stream::LossConfig;
use network::Plan;

/// A network with a batch for it.
#[derive(Debug, Clone)]
struct Trial {
    network: Network,
    loss: LossConfig,
    dropped: Dropped,
    weights: Vec<f64>,
    /// `[sample][value]`
    samples: Vec<f64>,
    targets: Targets<f64>,
}

/// What dropout leaves out.
#[derive(Debug, Clone)]
enum Dropped {
    Drawn(u64),
    Given(Vec<Vec<f64>>),
}

/// All that a pass over a batch results in.
#[derive(Debug, Clone, PartialEq)]
struct Outcome<T> {
    loss: f64,
    correct: Option<usize>,
    outputs: Vec<T>,
    gradient: Vec<T>,
    buffers: Vec<Vec<T>>,
}

impl<T: Element> Outcome<T> {
    /// Every bit of it; two NaNs are equal where theirs are.
    fn bits(&self) -> Vec<u8> {
        let mut bytes = self.loss.to_le_bytes().to_vec();
        bytes.extend(self.correct.map_or(u64::MAX, |correct| correct as u64).to_le_bytes());
        let numbers = self.outputs.iter().chain(&self.gradient).chain(self.buffers.iter().flatten());
        numbers.for_each(|number| number.write_le(&mut bytes));
        bytes
    }
}

/// How many rows of a tensor get their gradient at once.
#[derive(Debug, Clone, Copy)]
enum Cut {
    Whole,
    Rows(usize),
}

impl Trial {
    /// Weights, samples and targets that a seed determines.
    fn new(plan: &Plan, samples: usize, seed: u64) -> Trial {
        let network = plan.network();
        let mut generator = Generator::new(seed, random::Purpose::Init, 0);
        let mut within = |size: f64| size * (2.0 * generator.unit() - 1.0);
        let mut weights = Vec::new();
        for tensor in network.tensors() {
            weights.extend(tensor.place.clone().map(|_| match tensor.role {
                Role::Weight => within((3.0 / tensor.fan_in as f64).sqrt()),
                Role::Bias | Role::Shift => within(0.5),
                Role::Scale => 1.0 + within(0.5),
            }));
        }
        let outputs = network.outputs();
        let values = (0..samples * network.input().values()).map(|_| within(1.5)).collect();
        let targets = match plan.loss {
            LossConfig::Mse => Targets::Values((0..samples * outputs).map(|_| within(1.0)).collect()),
            LossConfig::SoftmaxCrossEntropy { .. } => {
                let class = |at: f64| ((at + 1.0) / 2.0 * outputs as f64) as u32;
                Targets::Classes((0..samples).map(|_| class(within(1.0))).collect())
            }
        };
        Trial { loss: plan.loss, network, dropped: Dropped::Drawn(seed), weights, samples: values, targets }
    }

    fn count(&self) -> usize {
        self.targets.samples(self.network.outputs())
    }

    fn passage<T: Element>(&self, samples: usize) -> Passage<T> {
        Passage::shared_by(1 + samples % 3, &self.network, samples, Purpose::Training)
    }

    fn weights<T: Element>(&self) -> Vec<T> {
        self.weights.iter().map(|&weight| T::of(weight)).collect()
    }

    /// Takes the batch in and computes its loss.
    fn forward<T: Element>(
        &self,
        passage: &mut Passage<T>,
        crew: &mut impl Crew,
        instructions: Instructions,
        weights: &[T],
    ) -> f64 {
        let setting = Setting { network: &self.network, weights, instructions };
        let width = self.network.input().values();
        *passage.targets() = match &self.targets {
            Targets::Classes(classes) => Targets::Classes(classes.clone()),
            Targets::Values(values) => Targets::Values(values.iter().map(|&value| T::of(value)).collect()),
        };
        passage.fill(crew, setting, |sample, row| {
            row.iter_mut().zip(&self.samples[sample * width..]).for_each(|(to, &from)| *to = T::of(from));
        });
        match &self.dropped {
            Dropped::Drawn(key) => passage.forward(crew, setting, Mode::Training(*key)),
            Dropped::Given(masks) => {
                let masks: Vec<Vec<T>> =
                    masks.iter().map(|mask| mask.iter().map(|&kept| T::of(kept)).collect()).collect();
                passage.forward(crew, setting, Mode::Masked(&masks));
            }
        }
        passage.judge(setting, self.loss);
        passage.loss(setting) / self.count() as f64
    }

    /// Forward and backward.
    fn run<T: Element>(
        &self,
        passage: &mut Passage<T>,
        crew: &mut impl Crew,
        instructions: Instructions,
        cut: Cut,
    ) -> Outcome<T> {
        let weights = self.weights();
        let loss = self.forward(passage, crew, instructions, &weights);
        let setting = Setting { network: &self.network, weights: &weights, instructions };
        passage.backward(crew, setting);
        let mut gradient = vec![T::of(f64::NAN); weights.len()];
        for tensor in self.network.tensors() {
            let all = tensor.shape[0];
            let rows = match cut {
                Cut::Whole => all,
                Cut::Rows(rows) => rows,
            };
            let pieces = gradient[tensor.place.clone()].chunks_mut(rows * tensor.row_len());
            for (index, piece) in pieces.enumerate() {
                let rows = index * rows..all.min((index + 1) * rows);
                passage.gradient(setting, tensor, rows, piece, &[]);
            }
        }
        Outcome {
            loss,
            correct: passage.correct(),
            outputs: passage.outputs(setting),
            gradient,
            buffers: passage.buffers(&self.network),
        }
    }

    /// The same in memory of its own, by this thread.
    fn run_alone<T: Element>(&self) -> Outcome<T> {
        self.run(&mut self.passage(self.count()), &mut Alone, Instructions::best(), Cut::Whole)
    }
}

/// Runs tasks on the thread that asks, but in an order of its own for each phase.
#[derive(Debug)]
struct Shuffled(Generator);

impl Shuffled {
    fn new(seed: u64) -> Shuffled {
        Shuffled(Generator::new(seed, random::Purpose::Order, 0))
    }

    fn order(&mut self, tasks: usize) -> Vec<usize> {
        let mut order: Vec<usize> = (0..tasks).collect();
        self.0.shuffle(&mut order);
        order
    }
}

impl Crew for Shuffled {
    fn threads(&self) -> usize {
        3
    }

    fn share_out<T: Send, const N: usize>(
        &mut self,
        tasks: usize,
        arenas: [Arena<'_, T>; N],
        task: impl Fn(usize, [&mut [T]; N]) + Sync,
    ) {
        let mut arenas = arenas.map(|arena| parts_of(tasks, arena));
        for index in self.order(tasks) {
            task(index, arenas.each_mut().map(|parts| parts[index].take().unwrap()));
        }
    }

    fn share_out_columns<T: Send, const N: usize>(
        &mut self,
        tasks: usize,
        arenas: [Arena<'_, T>; N],
        (values, layout, bounds): (&mut [T], Matrices, &[usize]),
        task: impl Fn(usize, [&mut [T]; N], Columns<'_, T>) + Sync,
    ) {
        let mut arenas = arenas.map(|arena| parts_of(tasks, arena));
        for index in self.order(tasks) {
            let columns = Columns::of(values, layout, bounds[index]..bounds[index + 1]);
            task(index, arenas.each_mut().map(|parts| parts[index].take().unwrap()), columns);
        }
    }

    fn share_out_patches<T: Send, S: Send>(
        &mut self,
        scratch: &mut [S],
        patches: Patches<'_, T>,
        task: impl Fn([usize; 2], &mut S, Columns<'_, T>) + Sync,
    ) {
        for index in self.order(patches.tasks()) {
            let (parts, [rows, columns]) = Patches::<T>::of_task(index, patches.rows, patches.columns);
            let patch = Columns::in_rows(patches.values, patches.layout, rows, columns);
            task(parts, &mut scratch[index % self.threads()], patch);
        }
    }
}

/// Each task's part, to be taken once.
fn parts_of<'a, T>(tasks: usize, Arena { values, bounds, unit }: Arena<'a, T>) -> Vec<Option<&'a mut [T]>> {
    let (_, mut rest) = values.split_at_mut(bounds[0] * unit);
    let mut parts = Vec::new();
    for bounds in bounds.windows(2) {
        let (part, later) = rest.split_at_mut((bounds[1] - bounds[0]) * unit);
        parts.push(Some(part));
        rest = later;
    }
    assert_eq!(parts.len(), tasks, "a part for each task");
    parts
}
