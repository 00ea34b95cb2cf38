//! Forward and backward for a block of samples.

use std::ops::Range;

use ndarray::linalg::general_mat_mul;
use ndarray::{Array2, ArrayView1, ArrayView2, ArrayViewMut2, Axis, s};

use super::loss::{predicted, softmax_cross_entropy};
use super::model::{Activation, Layer, Network, Role, Tensor};
use crate::scalar::{Scalar, largest};

/// A block of samples on its way through a network, with memory for as many rows as it was made for.
#[derive(Debug, Clone)]
pub struct Rows<T: Scalar> {
    used: usize,
    input: Array2<T>,
    labels: Vec<u8>,
    /// Each layer's output after its activation.
    outputs: Vec<Array2<T>>,
    /// The loss's gradient by each layer's output before its activation.
    errors: Vec<Array2<T>>,
    loss: f64,
    correct: usize,
    bounds: Vec<T>,
}

impl<T: Scalar> Rows<T> {
    /// Memory for at most `rows` samples of a network.
    pub fn new(network: &Network, rows: usize) -> Self {
        let outputs = || network.layers().iter().map(|layer| Array2::zeros((rows, layer.outputs))).collect();
        Rows {
            used: 0,
            input: Array2::zeros((rows, network.inputs())),
            labels: vec![0; rows],
            outputs: outputs(),
            errors: outputs(),
            loss: 0.0,
            correct: 0,
            bounds: vec![T::zero(); network.layers().len()],
        }
    }

    /// Sets the number of samples, and gives their places to fill in: `[count, inputs]` and their classes.
    ///
    /// # Panics
    /// Where that is more than there is memory for.
    pub fn fill(&mut self, count: usize) -> (ArrayViewMut2<'_, T>, &mut [u8]) {
        self.used = count;
        (self.input.slice_mut(s![..count, ..]), &mut self.labels[..count])
    }

    /// Sum of the samples' losses, as the last pass found it.
    pub fn loss(&self) -> f64 {
        self.loss
    }

    /// Number of samples that the last pass classified correctly.
    pub fn correct(&self) -> usize {
        self.correct
    }

    /// For the layer at `index`, the largest |input|, or 1 if that is larger, times the largest |error|: no term of a
    /// gradient of this layer is larger. NaN where a value is.
    pub fn bound(&self, index: usize) -> T {
        self.bounds[index]
    }

    /// Forward: losses and correct predictions.
    pub fn evaluate(&mut self, network: &Network, weights: &[T]) {
        self.forward(network, weights);
        self.judge(T::zero());
    }

    /// Forward and backward. `share` is the part of one sample in the loss: 1/batch for the batch's mean.
    pub fn learn(&mut self, network: &Network, weights: &[T], share: T) {
        self.forward(network, weights);
        self.judge(share);
        self.backward(network, weights);
    }

    fn forward(&mut self, network: &Network, weights: &[T]) {
        for (index, layer) in network.layers().iter().enumerate() {
            let (before, from_here) = self.outputs.split_at_mut(index);
            let input = before.last().unwrap_or(&self.input).slice(s![..self.used, ..]);
            let mut output = from_here[0].slice_mut(s![..self.used, ..]);
            output.assign(&bias(network, layer, weights));
            general_mat_mul(T::one(), &input, &weight(network, layer, weights).t(), T::one(), &mut output);
            if layer.activation == Activation::Relu {
                // Written so that a NaN stays one: the sentinel must find it.
                output.mapv_inplace(|y| if y < T::zero() { T::zero() } else { y });
            }
        }
    }

    /// Losses, predictions, and the error of the last layer.
    fn judge(&mut self, share: T) {
        (self.loss, self.correct) = (0.0, 0);
        let (Some(logits), Some(errors)) = (self.outputs.last(), self.errors.last_mut()) else { return };
        let mut errors = errors.slice_mut(s![..self.used, ..]);
        errors.assign(&logits.slice(s![..self.used, ..]));
        for (mut row, &label) in errors.rows_mut().into_iter().zip(&self.labels) {
            let Some(row) = row.as_slice_mut() else { continue };
            self.correct += usize::from(predicted(row) == usize::from(label));
            self.loss += softmax_cross_entropy(row, label, share).wide();
        }
    }

    fn backward(&mut self, network: &Network, weights: &[T]) {
        for (index, layer) in network.layers().iter().enumerate().rev() {
            let (before, from_here) = self.errors.split_at_mut(index);
            let error = from_here[0].slice(s![..self.used, ..]);
            let input = if index == 0 { &self.input } else { &self.outputs[index - 1] };
            let input = input.slice(s![..self.used, ..]);
            let inputs = largest(input.iter().copied().chain([T::one()]));
            self.bounds[index] = inputs * largest(error.iter().copied());
            if let Some(below) = before.last_mut() {
                let mut below = below.slice_mut(s![..self.used, ..]);
                general_mat_mul(T::one(), &error, &weight(network, layer, weights), T::zero(), &mut below);
                if network.layers()[index - 1].activation == Activation::Relu {
                    below.zip_mut_with(&input, |error, &y| *error = if y <= T::zero() { T::zero() } else { *error });
                }
            }
        }
    }

    /// The gradient of some rows of a tensor, over all blocks of a batch in their order.
    ///
    /// # Panics
    /// Where `gradient` is not as long as those rows.
    pub fn gradient(blocks: &[Rows<T>], tensor: &Tensor, rows: Range<usize>, gradient: &mut [T]) {
        match tensor.role {
            Role::Weight => {
                let shape = (rows.len(), tensor.row_len());
                let mut gradient = ArrayViewMut2::from_shape(shape, gradient).expect("as long as the rows");
                let mut keep = T::zero();
                for block in blocks.iter().filter(|block| block.used > 0) {
                    let errors = block.errors[tensor.layer].slice(s![..block.used, rows.clone()]);
                    let input = if tensor.layer == 0 { &block.input } else { &block.outputs[tensor.layer - 1] };
                    general_mat_mul(T::one(), &errors.t(), &input.slice(s![..block.used, ..]), keep, &mut gradient);
                    keep = T::one();
                }
            }
            Role::Bias => {
                gradient.fill(T::zero());
                for block in blocks {
                    for errors in block.errors[tensor.layer].slice(s![..block.used, rows.clone()]).axis_iter(Axis(0)) {
                        gradient.iter_mut().zip(errors).for_each(|(sum, &error)| *sum = *sum + error);
                    }
                }
            }
        }
    }
}

/// A layer's W, `[outputs, inputs]`.
fn weight<'a, T>(network: &Network, layer: &Layer, weights: &'a [T]) -> ArrayView2<'a, T> {
    let place = network.tensors()[layer.weight].place.clone();
    ArrayView2::from_shape((layer.outputs, layer.inputs), &weights[place]).expect("a place as large as the shape")
}

/// A layer's b, `[outputs]`.
fn bias<'a, T>(network: &Network, layer: &Layer, weights: &'a [T]) -> ArrayView1<'a, T> {
    ArrayView1::from(&weights[network.tensors()[layer.bias].place.clone()])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nn::initialise;
    use crate::random::{Generator, Purpose};
    use crate::stream::Init;

    /// Two blocks of samples with random values and classes.
    fn blocks(network: &Network, counts: [usize; 2]) -> Vec<Rows<f64>> {
        let mut generator = Generator::new(4, Purpose::Order, 0);
        counts
            .map(|count| {
                let mut rows = Rows::new(network, 5);
                let (mut inputs, labels) = rows.fill(count);
                inputs.mapv_inplace(|_| generator.normal());
                labels.iter_mut().for_each(|label| *label = generator.below(network.outputs()) as u8);
                rows
            })
            .into()
    }

    fn mean_loss(network: &Network, weights: &[f64], blocks: &mut [Rows<f64>]) -> f64 {
        let samples: usize = blocks.iter().map(|block| block.used).sum();
        blocks.iter_mut().map(|block| (block.evaluate(network, weights), block.loss()).1).sum::<f64>() / samples as f64
    }

    #[test]
    fn gradients_are_the_slopes_of_the_mean_loss_at_odd_shapes() {
        for (model, counts) in
            [("mlp:3-4-2", [5, 2]), ("mlp:1-1-1-2", [1, 1]), ("mlp:7-5-3", [4, 0]), ("mlp:2-3", [3, 3])]
        {
            let network = Network::parse(model).unwrap();
            let weights = initialise::<f64>(&network, Init::Torch, 2);
            let mut blocks = blocks(&network, counts);
            let samples: usize = counts.iter().sum();
            blocks.iter_mut().for_each(|block| block.learn(&network, &weights, 1.0 / samples as f64));
            let mut gradient = vec![0.0; network.parameters()];
            for tensor in network.tensors() {
                // In two parts, as a step may cut it.
                let (rows, len) = (tensor.shape[0], tensor.row_len());
                let (first, second) = gradient[tensor.place.clone()].split_at_mut(rows / 2 * len);
                Rows::gradient(&blocks, tensor, 0..rows / 2, first);
                Rows::gradient(&blocks, tensor, rows / 2..rows, second);
            }
            for at in 0..weights.len() {
                let mut shifted = |by: f64| {
                    let mut weights = weights.clone();
                    weights[at] += by;
                    mean_loss(&network, &weights, &mut blocks)
                };
                let slope = (shifted(1e-5) - shifted(-1e-5)) / 2e-5;
                assert!((slope - gradient[at]).abs() < 1e-8, "{model} weight {at}: {slope} for {}", gradient[at]);
            }
        }
    }

    #[test]
    fn a_nan_in_a_sample_reaches_loss_and_bound_through_relu() {
        let network = Network::parse("mlp:3-4-2").unwrap();
        let weights = initialise::<f64>(&network, Init::Torch, 2);
        let mut rows = blocks(&network, [5, 0]).remove(0);
        rows.input[(2, 1)] = f64::NAN;
        rows.learn(&network, &weights, 0.2);
        assert!(rows.loss().is_nan() && rows.bound(0).is_nan() && rows.bound(1).is_nan());
    }
}
