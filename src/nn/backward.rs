//! From losses to errors and gradients, stage by stage.

use super::crew::{Arena, Crew};
use super::forward::clear_beyond;
use super::local::{Channel, Mode};
use super::model::{ERROR_SUM, Kind, LARGEST_ERROR, LARGEST_VALUE, Node};
use super::passage::{Band, Passage, Setting, sample_step};
use super::winograd::Images;
use crate::kernel::{
    Element, Factor, LANES, Measure, Product, Start, Terms, largest, measure, product, transpose, zip, zip_from_two,
};
use crate::scalar::is_finite;

impl<T: Element> Passage<T> {
    /// Computes the errors of every layer from those of the outputs, and all else that gradients need.
    pub fn backward(&mut self, crew: &mut impl Crew, setting: Setting<'_, T>) {
        let network = setting.network;
        self.turn_rows(crew, setting);
        for stage in (0..network.stages.len()).rev().take_while(|&stage| network.stages[stage].learns) {
            self.backward_stage(crew, setting, stage);
            if let Kind::LayerNorm(_) = network.head(stage).kind {
                self.measure_errors(setting, stage);
            }
        }
    }

    /// Lays out what fully connected layers take by samples: the gradient's products read it so.
    fn turn_rows(&mut self, crew: &mut impl Crew, setting: Setting<'_, T>) {
        let network = setting.network;
        let (stride, bands, blocks) = (self.stride, &self.bands, &self.row_blocks);
        let rows = Arena { values: &mut self.rows, bounds: &blocks.bounds, unit: 1 };
        crew.share_out(blocks.tasks.len(), [rows], |task, [rows]| {
            let [stage, first] = blocks.tasks[task];
            let source = network.source(network.head(stage));
            let values = &bands[source.stage].values;
            let step = network.stages[source.stage].values_step(stride);
            let (pixels, row) = (source.shape.pixels(), sample_step(source.shape.values()));
            let (turns, together, from_row) =
                if pixels == 1 { (1, source.shape.channels, step) } else { (source.shape.channels, pixels, stride) };
            for turn in 0..turns {
                let from = &values[turn * step + source.at * stride + first..];
                let to = &mut rows[turn * together..];
                transpose(setting.instructions, (from, from_row), (to, row), [together, LANES]);
            }
        });
    }

    fn backward_stage(&mut self, crew: &mut impl Crew, setting: Setting<'_, T>, index: usize) {
        let network = setting.network;
        let (instructions, stage) = (setting.instructions, &network.stages[index]);
        let (stride, used) = (self.stride, self.used);
        let piece = stage.errors_step(stride);
        let value_piece = stage.values_step(stride);
        let (earlier, later) = self.bands.split_at_mut(index + 1);
        let (own, earlier) = earlier.split_last_mut().expect("the stage itself");
        let Band { values, errors, numbers, bounds, slope, .. } = own;
        if let Some(Band { errors: from, back: Some(winograd), .. }) = later.first_mut() {
            let step = network.stages[index + 1].errors_step(stride);
            let from = Images { values: from, step, at: network.head(index + 1).error };
            winograd.compute(crew, instructions, from, None, (errors, piece));
        }
        let (earlier, later) = (&*earlier, &*later);
        let (values, bounds) = (&*values, &*bounds);
        let arenas =
            [Arena { values: errors, bounds, unit: piece }, Arena { values: numbers, bounds, unit: stage.numbers }];
        crew.share_out(bounds.len() - 1, arenas, |task, [errors, numbers]| {
            let channels = bounds[task]..bounds[task + 1];
            let head = network.head(index);
            let in_one_piece = stage.errors == head.shape.pixels();
            if let Some(next) = later.first() {
                from_next(setting, index, next, values, channels.clone(), [used, stride], errors);
            }
            for (channel, (errors, numbers)) in
                errors.chunks_exact_mut(piece).zip(numbers.chunks_exact_mut(stage.numbers)).enumerate()
            {
                let number = channels.start + channel;
                // What is dropped is known from the way forward.
                let mode = Mode::Training(0);
                let channel = Channel { setting, mode, stride, used, channel: number, earlier };
                let values = &values[number * value_piece..(number + 1) * value_piece];
                for node in network.nodes[stage.nodes.clone()].iter().rev() {
                    let rows = node.error * stride..(node.error + node.shape.pixels()) * stride;
                    for &sum in &node.sums {
                        let sum = &network.nodes[sum];
                        let theirs = sum.error * stride..(sum.error + sum.shape.pixels()) * stride;
                        if sum.stage == index {
                            let sum = theirs.start;
                            for (at, place) in rows.clone().enumerate() {
                                errors[place] = errors[place] + errors[sum + at];
                            }
                        } else {
                            let each = network.stages[sum.stage].errors_step(stride);
                            let band = &later[sum.stage - index - 1].errors;
                            let theirs = &band[number * each..(number + 1) * each][theirs];
                            zip(instructions, &mut errors[rows.clone()], theirs, |error, more| error + more);
                        }
                    }
                    if !node.is_head() {
                        channel.backward(node, values, errors, numbers);
                    }
                }
                if let Kind::Conv(_) = head.kind {
                    // A normalisation right behind it has measured them already.
                    let next = network.nodes[stage.nodes.clone()].get(1);
                    if !next.is_some_and(|next| matches!(next.kind, Kind::BatchNorm { .. }) && head.sums.is_empty()) {
                        let rows = head.error * stride..(head.error + head.shape.pixels()) * stride;
                        note(numbers, measure(instructions, &errors[rows], stride));
                    }
                } else if !in_one_piece {
                    let rows = head.error * stride..(head.error + head.shape.pixels()) * stride;
                    numbers[LARGEST_ERROR] = T::from_magnitude(largest(instructions, &errors[rows]));
                }
            }
            if in_one_piece && !matches!(head.kind, Kind::Conv(_)) {
                // Of all of the task's channels, in the place of the first one's.
                numbers[LARGEST_ERROR] = T::from_magnitude(largest(instructions, errors));
            }
        });
        if let Some(slope) = slope {
            let (head, source) = (network.head(index), network.source(network.head(index)));
            let step = network.stages[source.stage].values_step(stride);
            let images = Images { values: &earlier[source.stage].values, step, at: source.at };
            slope.sum(crew, instructions, images, Images { values: errors, step: piece, at: head.error });
        }
    }

    /// Of each sample the means of γ·error, and of γ·error times the normalised value.
    fn measure_errors(&mut self, setting: Setting<'_, T>, stage: usize) {
        let network = setting.network;
        let (head, stride) = (network.head(stage), self.stride);
        let source = network.source(head);
        let count = T::of(head.shape.values() as f64);
        let (earlier, own) = self.bands.split_at_mut(stage);
        let Band { errors, columns, .. } = &mut own[0];
        let (known, wanted) = columns.split_at_mut(2 * stride);
        let (means, inverses) = known.split_at(stride);
        let (plain, wanted) = wanted.split_at_mut(stride);
        let (along, row) = wanted.split_at_mut(stride);
        plain.fill(T::zero());
        along.fill(T::zero());
        let scales = &setting.weights[network.tensors()[head.tensors[0]].place.clone()];
        let each = setting.instructions;
        let inputs = super::forward::rows_of(source, network.stages[source.stage].values_step(stride), stride);
        let at_error = Node { at: head.error, ..head.clone() };
        let outputs = super::forward::rows_of(&at_error, network.stages[stage].errors_step(stride), stride);
        for ((input, output), &scale) in inputs.zip(outputs).zip(scales) {
            row.copy_from_slice(&errors[output]);
            row.iter_mut().for_each(|error| *error = *error * scale);
            zip(each, plain, row, |sum, error| sum + error);
            let input = &earlier[source.stage].values[input];
            zip_from_two(each, row, input, means, |error, x, mean| error * (x - mean));
            zip_from_two(each, along, row, inverses, |sum, product, inverse| sum + product * inverse);
        }
        plain.iter_mut().for_each(|sum| *sum = *sum / count);
        along.iter_mut().for_each(|sum| *sum = *sum / count);
    }

    /// Whether no sum in any gradient can leave the finite range: the largest |input| and |error| of each layer, times
    /// the number of terms, bound them. Half of the range is left for rounding. On the way of a convolution's gradient in
    /// fewer multiplications sums are up to sixteen times as large, which the root leaves room for.
    pub fn gradients_are_bounded(&self, setting: Setting<'_, T>) -> bool {
        let network = setting.network;
        let most = |stage: usize, number: usize| {
            let each = network.stages[stage].numbers;
            let numbers = self.bands[stage].numbers.chunks_exact(each);
            T::from_magnitude(numbers.map(|numbers| numbers[number].magnitude_bits()).max().unwrap_or_default()).wide()
        };
        let layers = network.nodes.iter().all(|node| {
            if !node.is_head() || node.kind == Kind::Input {
                return true;
            }
            let source = network.source(node);
            let input = match node.kind {
                // A normalised value is at most the root of their number.
                Kind::LayerNorm(_) => (source.shape.values() as f64).sqrt(),
                _ => most(source.stage, LARGEST_VALUE),
            };
            let terms = (self.used * node.shape.pixels()) as f64;
            // Not `max`, which prefers 1 to a NaN.
            let input = if input < 1.0 { 1.0 } else { input };
            input * most(node.stage, LARGEST_ERROR) * terms < T::LARGEST.sqrt() / 2.0
        });
        let norms = network.nodes.iter().filter(|node| matches!(node.kind, Kind::BatchNorm { .. }));
        layers
            && norms
                .flat_map(|node| {
                    let each = network.stages[node.stage].numbers;
                    self.bands[node.stage].numbers.chunks_exact(each).map(move |numbers| &numbers[node.numbers..])
                })
                .all(|numbers| super::local::gradients(numbers).into_iter().all(|g| is_finite(g * g)))
    }
}

/// The errors of some channels of a stage's outputs, from those of the next stage's first operation.
fn from_next<T: Element>(
    setting: Setting<'_, T>,
    index: usize,
    next: &Band<T>,
    values: &[T],
    channels: std::ops::Range<usize>,
    [used, stride]: [usize; 2],
    errors: &mut [T],
) {
    let (network, instructions) = (setting.network, setting.instructions);
    let (stage, last, head) = (&network.stages[index], network.last(index), network.head(index + 1));
    let (piece, at) = (stage.errors_step(stride), last.error * stride);
    let step = network.stages[index + 1].errors_step(stride);
    let pixels = last.shape.pixels();
    let place = |which: usize| network.tensors()[head.tensors[which]].place.clone();
    match head.kind {
        Kind::Linear => {
            let inputs = last.shape.values();
            let weights = &setting.weights[place(0)];
            let terms = Terms::Even { runs: 1, run_step: [0, 0], terms: head.shape.channels, step: [inputs, step] };
            let b = &next.errors[head.error * stride..];
            // A channel of one pixel is a row, and channels are rows of one product.
            let (turns, rows, c_row) =
                if pixels == 1 { (1, channels.len(), piece) } else { (channels.len(), pixels, stride) };
            for turn in 0..turns {
                let a = Factor { values: &weights[(channels.start + turn) * pixels..], row: 1 };
                let c = &mut errors[turn * piece + at..];
                product(instructions, Product { a, b, terms, c, c_row, rows, columns: used, start: Start::Zero });
            }
        }
        Kind::Conv(_) if next.back.is_some() => {}
        Kind::Conv(window) => {
            let area = window.height * window.width;
            let weights = &setting.weights[place(0)][channels.start * area..];
            let Some(taps) = &next.taps else { return };
            for (pixel, &[list, origin]) in taps.backward.pixels.iter().enumerate() {
                product(
                    instructions,
                    Product {
                        a: Factor { values: weights, row: area },
                        b: next.errors.get(origin..).unwrap_or_default(),
                        terms: Terms::Listed(&taps.backward.lists[list]),
                        c: &mut errors[at + pixel * stride..],
                        c_row: piece,
                        rows: channels.len(),
                        columns: used,
                        start: Start::Zero,
                    },
                );
            }
        }
        Kind::Flatten => {
            for (channel, errors) in channels.zip(errors.chunks_exact_mut(piece)) {
                for pixel in 0..pixels {
                    let from = (channel * pixels + pixel) * step + head.error * stride;
                    let to = at + pixel * stride;
                    errors[to..to + stride].copy_from_slice(&next.errors[from..from + stride]);
                }
            }
        }
        Kind::LayerNorm(_) => {
            let (means, rest) = next.columns.split_at(stride);
            let (inverses, rest) = rest.split_at(stride);
            let (plain, rest) = rest.split_at(stride);
            let along = &rest[..stride];
            let scales = &setting.weights[place(0)];
            for (channel, errors) in channels.zip(errors.chunks_exact_mut(piece)) {
                for pixel in 0..pixels {
                    let scale = scales[channel * pixels + pixel];
                    let from = channel * step + (head.error + pixel) * stride;
                    let input = channel * stage.values_step(stride) + (last.at + pixel) * stride;
                    let (from, input) = (&next.errors[from..from + stride], &values[input..input + stride]);
                    let row = &mut errors[at + pixel * stride..at + (pixel + 1) * stride];
                    row.copy_from_slice(input);
                    zip_from_two(instructions, row, means, inverses, |x, mean, inverse| (x - mean) * inverse);
                    zip(instructions, row, along, |normal, along| normal * along);
                    zip_from_two(instructions, row, from, plain, |back, error, plain| error * scale - plain - back);
                    zip(instructions, row, inverses, |error, inverse| error * inverse);
                }
            }
        }
        _ => unreachable!("no stage begins with it"),
    }
    if used < stride {
        errors.chunks_exact_mut(piece).for_each(|errors| clear_beyond(errors, last.error, last, used, stride));
    }
}

/// Puts the measure of a convolution's errors among a channel's numbers.
pub(super) fn note<T: Element>(numbers: &mut [T], measure: Measure<T>) {
    numbers[LARGEST_ERROR] = T::from_magnitude(measure.largest);
    numbers[ERROR_SUM] = measure.sum;
}

impl Node {
    /// Whether a stage begins with it.
    pub(super) fn is_head(&self) -> bool {
        matches!(self.kind, Kind::Input | Kind::Linear | Kind::Conv(_) | Kind::LayerNorm(_) | Kind::Flatten)
    }
}
