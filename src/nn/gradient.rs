//! The gradient of any rows of a tensor, from the values and errors of a batch.

use std::ops::Range;

use super::local::{SCALE_GRADIENT, SHIFT_GRADIENT};
use super::model::{ERROR_SUM, Kind, Role, Tensor};
use super::passage::{Passage, Setting, copy_at, sample_row, sample_step};
use crate::kernel::{Dot, Element, Factor, Product, Start, Terms, dot, product_before, sum};

impl<T: Element> Passage<T> {
    /// Writes the gradient of the mean loss by some rows of a tensor (those that share the first index), before a walk over
    /// it and over `next`, slices that lie as it does.
    ///
    /// # Panics
    /// Where `gradient` is not as long as those rows, or before [`Passage::backward`].
    pub fn gradient(
        &self,
        setting: Setting<'_, T>,
        tensor: &Tensor,
        rows: Range<usize>,
        gradient: &mut [T],
        next: &[&[T]],
    ) {
        let (network, instructions, stride) = (setting.network, setting.instructions, self.stride);
        let node = &network.nodes[tensor.node];
        let band = &self.bands[node.stage];
        let step = network.stages[node.stage].errors_step(stride);
        let source = network.source(node);
        let row_of = |channel: usize| &band.errors[channel * step + node.error * stride..];
        match (tensor.role, node.kind) {
            (Role::Weight, Kind::Linear) => {
                let (b, row) = match self.row_blocks.starts.get(node.stage).copied().flatten() {
                    Some(start) => (&self.rows[start..], sample_step(source.shape.values())),
                    None => {
                        let copy = copy_at(self.copies, rows.start, tensor.shape[0]);
                        (&self.samples[copy * stride * sample_row(network)..], sample_row(network))
                    }
                };
                let columns = tensor.row_len();
                let product = Product {
                    a: Factor { values: row_of(rows.start), row: step },
                    b,
                    terms: Terms::Even { runs: 1, run_step: [0, 0], terms: self.used, step: [1, row] },
                    c: gradient,
                    c_row: columns,
                    rows: rows.len(),
                    columns,
                    start: Start::Zero,
                };
                product_before(instructions, product, next);
            }
            (Role::Weight, Kind::Conv(_)) if let Some(slope) = &band.slope => {
                slope.write(instructions, rows.start, gradient);
            }
            (Role::Weight, Kind::Conv(window)) => {
                let from = &self.bands[source.stage].values;
                let values = network.stages[source.stage].values_step(stride);
                let area = window.height * window.width;
                let Some(taps) = &band.taps else { return };
                for (place, meeting) in taps.weight.iter().enumerate() {
                    dot(
                        instructions,
                        Dot {
                            a: &band.errors[rows.start * step..],
                            a_row: step,
                            b: from,
                            b_row: values,
                            segments: &meeting.segments,
                            len: meeting.len,
                            c: &mut gradient[place..],
                            c_row: tensor.row_len(),
                            c_column: area,
                            rows: rows.len(),
                            columns: source.shape.channels,
                        },
                    );
                }
            }
            // The way back has summed its errors while they were at hand.
            (Role::Bias, Kind::Conv(_)) => {
                let each = network.stages[node.stage].numbers;
                for (channel, gradient) in rows.zip(gradient) {
                    *gradient = band.numbers[channel * each + ERROR_SUM];
                }
            }
            (Role::Bias, _) => {
                let len = node.shape.pixels() * stride;
                for (channel, gradient) in rows.zip(gradient) {
                    let errors = &row_of(channel)[..len];
                    *gradient = sum(instructions, errors, errors, |error, _| error);
                }
            }
            (role, Kind::LayerNorm(_)) => {
                let (means, inverses) = (&band.columns[..stride], &band.columns[stride..2 * stride]);
                let values = network.stages[source.stage].values_step(stride);
                let pixels = node.shape.pixels();
                let from = &self.bands[source.stage].values;
                for (channel, gradient) in rows.zip(gradient.chunks_exact_mut(pixels)) {
                    for (pixel, gradient) in gradient.iter_mut().enumerate() {
                        let errors = &row_of(channel)[pixel * stride..(pixel + 1) * stride];
                        let input = channel * values + (source.at + pixel) * stride;
                        let input = &from[input..input + stride];
                        let mut all = T::zero();
                        for sample in 0..self.used {
                            let normal = (input[sample] - means[sample]) * inverses[sample];
                            let factor = if role == Role::Scale { normal } else { T::one() };
                            all = all + errors[sample] * factor;
                        }
                        *gradient = all;
                    }
                }
            }
            (role, _) => {
                let number = node.numbers + if role == Role::Scale { SCALE_GRADIENT } else { SHIFT_GRADIENT };
                let each = network.stages[node.stage].numbers;
                for (channel, gradient) in rows.zip(gradient) {
                    *gradient = band.numbers[channel * each + number];
                }
            }
        }
    }
}
