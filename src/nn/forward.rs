//! From samples to losses, stage by stage.

use super::crew::{Arena, Crew};
use super::local::{Channel, Mode};
use super::loss::{CrossEntropy, Targets, squared_error};
use super::model::{Kind, LARGEST_VALUE, Node};
use super::passage::{Band, Passage, Setting, copy_at};
use super::taps::Taps;
use super::winograd::Images;
use crate::kernel::{Element, Factor, LANES, Product, Start, Terms, largest, product, zip};
use crate::stream::LossConfig;

impl<T: Element> Passage<T> {
    /// Computes the outputs of the batch that was filled in.
    pub fn forward(&mut self, crew: &mut impl Crew, setting: Setting<'_, T>, mode: Mode<'_, T>) {
        // Of an input without operations of its own, all is known.
        let first = usize::from(setting.network.stages[0].nodes.len() == 1);
        for stage in first..setting.network.stages.len() {
            if let Kind::LayerNorm(eps) = setting.network.head(stage).kind {
                self.measure_columns(setting, stage, eps);
            }
            self.forward_stage(crew, setting, mode, stage);
        }
    }

    fn forward_stage(&mut self, crew: &mut impl Crew, setting: Setting<'_, T>, mode: Mode<'_, T>, index: usize) {
        let (network, instructions) = (setting.network, setting.instructions);
        let stage = &network.stages[index];
        let (stride, used, copies) = (self.stride, self.used, self.copies);
        let piece = stage.values_step(stride);
        let (earlier, own) = self.bands.split_at_mut(index);
        let earlier = &*earlier;
        let Band { values, numbers, columns, bounds, taps, forward, back, .. } = &mut own[0];
        let head = network.head(index);
        for way in [&mut *forward, back].into_iter().flatten() {
            way.take_weights(crew, &setting.weights[network.tensors()[head.tensors[0]].place.clone()]);
        }
        if let Some(winograd) = forward {
            let source = network.source(head);
            let from = Images {
                values: &earlier[source.stage].values,
                step: network.stages[source.stage].values_step(stride),
                at: source.at,
            };
            let bias = &setting.weights[network.tensors()[head.tensors[1]].place.clone()];
            winograd.compute(crew, instructions, from, Some(bias), (values, piece));
        }
        let is_computed = forward.is_some();
        let (bounds, columns, taps) = (&*bounds, &*columns, &*taps);
        // The numbers of all channels lie behind each other as their values do, in units of their own.
        let arenas = [Arena { values, bounds, unit: piece }, Arena { values: numbers, bounds, unit: stage.numbers }];
        let tasks = bounds.len() - 1;
        crew.share_out(tasks, arenas, |task, [values, numbers]| {
            let first = bounds[task];
            let channels = bounds[task + 1] - first;
            let source = network.source(head);
            let at = head.at * stride;
            match head.kind {
                // Samples were laid out as they came.
                Kind::Input => {}
                Kind::Linear => {
                    let from = &earlier[source.stage];
                    let step = network.stages[source.stage].values_step(stride);
                    let inputs = source.shape.values();
                    let copy =
                        if source.stage == 0 { copy_at(copies, task, tasks) * source.shape.channels * step } else { 0 };
                    let pixels = source.shape.pixels();
                    let weights = &setting.weights[network.tensors()[head.tensors[0]].place.clone()][first * inputs..];
                    let bias = &setting.weights[network.tensors()[head.tensors[1]].place.clone()][first..];
                    product(
                        instructions,
                        Product {
                            a: Factor { values: weights, row: inputs },
                            b: &from.values[copy + source.at * stride..],
                            terms: Terms::Even {
                                runs: source.shape.channels,
                                run_step: [pixels, step],
                                terms: pixels,
                                step: [1, stride],
                            },
                            c: &mut values[at..],
                            c_row: piece,
                            rows: channels,
                            columns: used,
                            start: Start::Bias(bias),
                        },
                    );
                }
                Kind::Conv(_) if is_computed => {}
                Kind::Conv(_) => {
                    let from = &earlier[source.stage].values;
                    let area = network.tensors()[head.tensors[0]].row_len();
                    let weights = &setting.weights[network.tensors()[head.tensors[0]].place.clone()][first * area..];
                    let bias = &setting.weights[network.tensors()[head.tensors[1]].place.clone()][first..];
                    let Some(Taps { forward, .. }) = taps else { return };
                    for (pixel, &[list, origin]) in forward.pixels.iter().enumerate() {
                        product(
                            instructions,
                            Product {
                                a: Factor { values: weights, row: area },
                                b: &from[origin..],
                                terms: Terms::Listed(&forward.lists[list]),
                                c: &mut values[at + pixel * stride..],
                                c_row: piece,
                                rows: channels,
                                columns: used,
                                start: Start::Bias(bias),
                            },
                        );
                    }
                }
                Kind::Flatten => {
                    let step = network.stages[source.stage].values_step(stride);
                    let pixels = source.shape.pixels();
                    for (channel, values) in values.chunks_exact_mut(piece).enumerate() {
                        let from =
                            (first + channel) / pixels * step + (source.at + (first + channel) % pixels) * stride;
                        values[at..at + stride].copy_from_slice(&earlier[source.stage].values[from..from + stride]);
                    }
                }
                Kind::LayerNorm(_) => {
                    let step = network.stages[source.stage].values_step(stride);
                    let pixels = head.shape.pixels();
                    for (channel, values) in values.chunks_exact_mut(piece).enumerate() {
                        for pixel in 0..pixels {
                            let from = (first + channel) * step + (source.at + pixel) * stride;
                            let from = &earlier[source.stage].values[from..from + stride];
                            let place = (first + channel) * pixels + pixel;
                            let parameter = |which: usize| {
                                setting.weights[network.tensors()[head.tensors[which]].place.start + place]
                            };
                            let (scale, shift) = (parameter(0), parameter(1));
                            let row = &mut values[at + pixel * stride..at + (pixel + 1) * stride];
                            row.copy_from_slice(from);
                            zip(instructions, row, &columns[..stride], |x, mean| x - mean);
                            zip(instructions, row, &columns[stride..2 * stride], |x, inverse| {
                                (x * inverse).mul_add(scale, shift)
                            });
                        }
                    }
                }
                _ => unreachable!("no stage begins with it"),
            }
            if used < stride && matches!(head.kind, Kind::Linear | Kind::Conv(_)) {
                values.chunks_exact_mut(piece).for_each(|values| clear_beyond(values, head.at, head, used, stride));
            }
            let last = network.last(index);
            let in_one_piece = stage.values == last.shape.pixels();
            for (channel, (values, numbers)) in
                values.chunks_exact_mut(piece).zip(numbers.chunks_exact_mut(stage.numbers)).enumerate()
            {
                let channel = Channel { setting, mode, stride, used, channel: first + channel, earlier };
                channel.forward_all(&network.nodes[stage.nodes.start + 1..stage.nodes.end], values, numbers);
                if !in_one_piece {
                    let outputs = &values[last.at * stride..(last.at + last.shape.pixels()) * stride];
                    numbers[LARGEST_VALUE] = T::from_magnitude(largest(instructions, outputs));
                }
            }
            if in_one_piece {
                // Of all of the task's channels, in the place of the first one's.
                numbers[LARGEST_VALUE] = T::from_magnitude(largest(instructions, values));
            }
        });
    }

    /// Mean and 1/deviation of each sample, over all values of the source.
    fn measure_columns(&mut self, setting: Setting<'_, T>, stage: usize, eps: f64) {
        let network = setting.network;
        let source = network.source(network.head(stage));
        let (stride, count) = (self.stride, T::of(source.shape.values() as f64));
        let (earlier, own) = self.bands.split_at_mut(stage);
        let (means, rest) = own[0].columns.split_at_mut(stride);
        let inverses = &mut rest[..stride];
        let from = &earlier[source.stage].values;
        let step = network.stages[source.stage].values_step(stride);
        let rows = || rows_of(source, step, stride).map(|row| &from[row]);
        let each = setting.instructions;
        means.fill(T::zero());
        rows().for_each(|row| zip(each, means, row, |sum, x| sum + x));
        means.iter_mut().for_each(|sum| *sum = *sum / count);
        inverses.fill(T::zero());
        for row in rows() {
            crate::kernel::zip_from_two(each, inverses, row, means, |sum, x, mean| (x - mean).mul_add(x - mean, sum));
        }
        inverses.iter_mut().for_each(|sum| *sum = T::one() / (*sum / count + T::of(eps)).sqrt());
    }

    /// Losses, correct predictions, and, where the passage is for training, the errors of the outputs: the slope of
    /// the batch's mean loss.
    pub fn judge(&mut self, setting: Setting<'_, T>, loss: LossConfig) {
        let network = setting.network;
        let last = &network.nodes[network.nodes.len() - 1];
        let (stage, stride, outputs) = (&network.stages[last.stage], self.stride, last.shape.values());
        let Band { values, errors, .. } = &mut self.bands[last.stage];
        let pixels = last.shape.pixels();
        let place = |of: usize, at: usize, each: usize| of / pixels * each + (at + of % pixels) * stride;
        let row = |output: usize| &values[place(output, last.at, stage.values_step(stride))..][..stride];
        let training = !errors.is_empty();
        if training {
            // Columns beyond the batch, whole vectors of them, get no slope below.
            for output in 0..outputs {
                let start = place(output, last.error, stage.errors_step(stride));
                errors[start + self.used / LANES * LANES..start + stride].fill(T::zero());
            }
        }
        let write = |output: usize, first: usize, slopes: [T; LANES]| {
            if training {
                let start = place(output, last.error, stage.errors_step(stride)) + first;
                errors[start..start + LANES].copy_from_slice(&slopes);
            }
        };
        let samples = self.used as f64;
        let losses = &mut self.losses[..];
        self.correct = match (&self.targets, loss) {
            (Targets::Classes(classes), LossConfig::SoftmaxCrossEntropy { label_smoothing }) => {
                let share = T::one() / T::of(samples);
                let smoothing = label_smoothing;
                setting.instructions.run(CrossEntropy {
                    outputs,
                    classes,
                    smoothing,
                    share,
                    logits: row,
                    errors: write,
                    losses,
                })
            }
            (Targets::Values(targets), _) => {
                let share = T::one() / T::of(samples * outputs as f64);
                squared_error(outputs, targets, share, row, write, losses);
                0
            }
            (Targets::Classes(_), LossConfig::Mse) => unreachable!("squared error has values for targets"),
        };
    }

    /// The outputs, `[sample][value]`.
    pub fn outputs(&self, setting: Setting<'_, T>) -> Vec<T> {
        let network = setting.network;
        let last = &network.nodes[network.nodes.len() - 1];
        let step = network.stages[last.stage].values_step(self.stride);
        let rows: Vec<_> = rows_of(last, step, self.stride).collect();
        let values = &self.bands[last.stage].values;
        (0..self.used).flat_map(|sample| rows.iter().map(move |row| values[row.start + sample])).collect()
    }

    /// Sum of the samples' losses; for squared error, of their values' mean.
    pub fn loss(&self, setting: Setting<'_, T>) -> f64 {
        let sum: f64 = self.losses[..self.used].iter().map(|loss| loss.wide()).sum();
        match self.targets {
            Targets::Classes(_) => sum,
            Targets::Values(_) => sum / setting.network.outputs() as f64,
        }
    }

    /// Samples that were classified correctly; none where there are no classes.
    pub fn correct(&self) -> Option<usize> {
        matches!(self.targets, Targets::Classes(_)).then_some(self.correct)
    }
}

/// Where an operation's rows are, channel by channel.
pub(super) fn rows_of(node: &Node, step: usize, stride: usize) -> impl Iterator<Item = std::ops::Range<usize>> {
    let (at, pixels) = (node.at, node.shape.pixels());
    (0..node.shape.channels).flat_map(move |channel| {
        (0..pixels).map(move |pixel| {
            let start = channel * step + (at + pixel) * stride;
            start..start + stride
        })
    })
}

/// Zeros in the columns beyond the batch, where an operation's rows begin at this pixel of a channel's piece.
pub(super) fn clear_beyond<T: Element>(piece: &mut [T], at: usize, node: &Node, used: usize, stride: usize) {
    let rows = &mut piece[at * stride..(at + node.shape.pixels()) * stride];
    rows.chunks_exact_mut(stride).for_each(|row| row[used..].fill(T::zero()));
}
