//! What PyTorch does at the edges, done here too: each number below is what `torch.nn.functional` gives.

use super::network::{Plan, average_pool, batch_norm, image, linear, max_pool, residual};
use super::{Dropped, Trial};
use crate::kernel::{Element, Instructions};
use crate::nn::model::Shape;
use crate::nn::{Alone, Mode, Passage, Purpose, Setting, Targets};
use crate::stream::{LayerConfig, LossConfig};

/// What some layers make of one sample's values, each value picked out by a weight of 1 among zeros.
fn outputs_of(input: Shape, layers: Vec<LayerConfig>, values: &[f64]) -> Vec<f64> {
    let network = Plan::new(input, [layers, vec![linear(1)]].concat()).network();
    let width = network.source(&network.nodes[network.nodes.len() - 1]).shape.values();
    (0..width)
        .map(|place| {
            let mut weights = vec![0.0; network.parameters()];
            weights[place] = 1.0;
            let setting = Setting { network: &network, weights: &weights, instructions: Instructions::best() };
            let mut passage = Passage::<f64>::new(&network, 1, Purpose::Evaluation);
            *passage.targets() = Targets::Values(vec![0.0]);
            passage.fill(&mut Alone, setting, |_, row| row.copy_from_slice(values));
            passage.forward(&mut Alone, setting, Mode::Evaluation);
            passage.outputs(setting)[0]
        })
        .collect()
}

#[test]
fn an_average_counts_the_padding() {
    let image = image(1, 2, 2);
    // F.avg_pool2d(x, 2, 2, 1)
    assert_eq!(outputs_of(image, vec![average_pool(2, 2, 1)], &[4.0, 8.0, 12.0, 16.0]), [1.0, 2.0, 3.0, 4.0]);
}

#[test]
fn a_largest_value_is_never_padding() {
    let image = image(1, 2, 2);
    // F.max_pool2d(x, 2, 2, 1)
    assert_eq!(outputs_of(image, vec![max_pool(2, 2, 1)], &[-4.0, -8.0, -1.0, -2.0]), [-4.0, -8.0, -1.0, -2.0]);
}

#[test]
fn windows_leave_out_what_does_not_fill_one() {
    let values: Vec<f64> = (0..15).map(f64::from).collect();
    // F.max_pool2d(x, 2) of 3x5, F.avg_pool2d(x, 2, 3)
    assert_eq!(outputs_of(image(1, 3, 5), vec![max_pool(2, 2, 0)], &values), [6.0, 8.0]);
    assert_eq!(outputs_of(image(1, 3, 5), vec![average_pool(2, 3, 0)], &values), [3.0, 6.0]);
}

/// The same for values that need not be finite, which a sum with zeros would mix.
fn images_of<T: Element>(input: Shape, layers: Vec<LayerConfig>, values: &[f64]) -> Vec<T> {
    // γ = 1, β = 0, and a running mean and variance of 0 and 1 make batch norm keep all but a share of eps.
    let norm = LayerConfig::Batchnorm { name: None, eps: Some(1e-30), momentum: 0.1 };
    let network = Plan::new(input, [layers, vec![norm]].concat()).network();
    let channels = network.parameters() / 2;
    let weights: Vec<T> = (0..2 * channels).map(|at| T::of(f64::from(u8::from(at < channels)))).collect();
    let setting = Setting { network: &network, weights: &weights, instructions: Instructions::best() };
    let mut passage = Passage::<T>::new(&network, 1, Purpose::Evaluation);
    *passage.targets() = Targets::Values(vec![T::zero(); network.outputs()]);
    passage.fill(&mut Alone, setting, |_, row| row.iter_mut().zip(values).for_each(|(to, &from)| *to = T::of(from)));
    passage.forward(&mut Alone, setting, Mode::Evaluation);
    passage.outputs(setting)
}

fn nan_places<T: Element>(values: &[T]) -> Vec<usize> {
    (0..values.len()).filter(|&at| values[at].wide().is_nan()).collect()
}

fn pools_and_activations_keep_nan<T: Element>() {
    const NAN: f64 = f64::NAN;
    for place in 0..4 {
        let mut values = [1.0, 2.0, -1.0, f64::INFINITY, 0.0, 0.0, 0.0, 0.0];
        values[place] = NAN;
        // The window that has the NaN, wherever it is in it.
        let pooled = images_of::<T>(image(1, 2, 4), vec![max_pool(2, 2, 0)], &values);
        assert_eq!(nan_places(&pooled), [place / 2], "max pooling with a NaN at {place}");
        let pooled = images_of::<T>(image(1, 2, 4), vec![average_pool(2, 2, 0)], &values);
        assert_eq!(nan_places(&pooled), [place / 2], "average pooling with a NaN at {place}");
    }
    use LayerConfig::{Gelu, LeakyRelu, Relu, Sigmoid, Silu, Tanh};
    for layer in [Relu, LeakyRelu { slope: 0.0 }, LeakyRelu { slope: 0.1 }, Gelu, Silu, Tanh, Sigmoid] {
        let out = images_of::<T>(Shape::row(3), vec![layer.clone()], &[-1.0, NAN, 1.0]);
        assert_eq!(nan_places(&out), [1], "{layer:?}");
    }
}

#[test]
fn a_nan_stays_one() {
    pools_and_activations_keep_nan::<f32>();
    pools_and_activations_keep_nan::<f64>();
}

#[test]
fn activations_are_right_far_from_zero() {
    let far = [-1e4, -50.0, 50.0, 1e4];
    for (layer, wanted) in [
        (LayerConfig::Relu, [0.0, 0.0, 50.0, 1e4]),
        (LayerConfig::LeakyRelu { slope: 0.5 }, [-5e3, -25.0, 50.0, 1e4]),
        (LayerConfig::Gelu, [0.0, 0.0, 50.0, 1e4]),
        (LayerConfig::Silu, [0.0, 0.0, 50.0, 1e4]),
        (LayerConfig::Tanh, [-1.0, -1.0, 1.0, 1.0]),
        (LayerConfig::Sigmoid, [0.0, 0.0, 1.0, 1.0]),
    ] {
        let double = outputs_of(Shape::row(4), vec![layer.clone()], &far);
        let close = double.iter().zip(wanted).all(|(a, b)| (a - b).abs() < 1e-12);
        assert!(close, "{layer:?}: {double:?}");
        let single = images_of::<f32>(Shape::row(4), vec![layer.clone()], &far);
        let close = single.iter().zip(wanted).all(|(&a, b)| (f64::from(a) - b).abs() < 1e-3);
        assert!(close, "{layer:?} in f32: {single:?}");
    }
}

/// A kink's slope is that of PyTorch: 0 for ReLU at 0, the leaky slope there, the first of equal values of a window.
#[test]
fn slopes_at_a_kink_are_those_of_pytorch() {
    let slope_at_zero = |layer: LayerConfig| {
        let plan = Plan::new(Shape::row(1), vec![linear(1), layer]).with_loss(LossConfig::Mse);
        let mut trial = Trial::new(&plan, 1, 1);
        trial.weights.fill(0.0);
        trial.targets = Targets::Values(vec![-0.5]);
        // The loss's slope is 2·(0 + 0.5) = 1 where the output is 0.
        trial.run_alone::<f64>().gradient[1]
    };
    assert_eq!(slope_at_zero(LayerConfig::Relu), 0.0);
    assert_eq!(slope_at_zero(LayerConfig::LeakyRelu { slope: 0.25 }), 0.25);
    // Four equal values: the first takes the whole error.
    let norm = LayerConfig::Layernorm { name: None, eps: None };
    let plan = Plan::new(image(1, 2, 2), vec![norm, max_pool(2, 2, 0)]).with_loss(LossConfig::Mse);
    let mut trial = Trial::new(&plan, 1, 1);
    trial.samples.fill(3.0);
    trial.weights = vec![1.0, 1.0, 1.0, 1.0, 0.0, 0.0, 0.0, 0.0];
    trial.targets = Targets::Values(vec![-0.5]);
    assert_eq!(trial.run_alone::<f64>().gradient[4..], [1.0, 0.0, 0.0, 0.0]);
}

/// One value in a channel has no variance: PyTorch refuses such a batch; here it is β, its error is 0, and what is
/// remembered of the variance takes in a 0.
#[test]
fn batch_normalisation_of_one_value_is_its_shift() {
    let plan = Plan::new(Shape::row(2), vec![linear(3), batch_norm()]).with_loss(LossConfig::Mse);
    let trial = Trial::new(&plan, 1, 3);
    let outcome = trial.run_alone::<f64>();
    let shift = &trial.weights[trial.network.tensors()[3].place.clone()];
    assert_eq!(outcome.outputs, shift);
    assert!(outcome.gradient[..12].iter().all(|&slope| slope == 0.0), "{:?}", outcome.gradient);
    assert!(outcome.buffers[1].iter().all(|&variance| (variance - 0.9).abs() < 1e-12), "{:?}", outcome.buffers);
}

/// `running_var` takes in the variance with n − 1, the values are divided by that with n.
#[test]
fn batch_normalisation_remembers_the_corrected_variance() {
    let plan = Plan::new(image(1, 1, 2), vec![batch_norm()]).with_loss(LossConfig::Mse);
    let mut trial = Trial::new(&plan, 2, 3);
    trial.samples = vec![1.0, 2.0, 3.0, 6.0];
    trial.weights = vec![1.0, 0.0];
    let outcome = trial.run_alone::<f64>();
    assert!((outcome.buffers[0][0] - 0.3).abs() < 1e-12, "{:?}", outcome.buffers);
    assert!((outcome.buffers[1][0] - (0.9 + 0.1 * 14.0 / 3.0)).abs() < 1e-12, "{:?}", outcome.buffers);
    assert!((outcome.outputs[3] - 3.0 / (3.5f64 + 1e-5).sqrt()).abs() < 1e-12, "{:?}", outcome.outputs);
}

#[test]
fn dropout_keeps_its_share_and_the_mean() {
    let plan = Plan::new(Shape::row(100), vec![LayerConfig::Dropout { p: 0.3 }, LayerConfig::Flatten, linear(100)]);
    let mut trial = Trial::new(&plan, 64, 3);
    trial.samples.fill(1.0);
    trial.weights.fill(0.0);
    (0..100).for_each(|place| trial.weights[place * 101] = 1.0);
    let outputs = trial.run_alone::<f64>().outputs;
    let kept: Vec<f64> = outputs.iter().copied().filter(|&value| value != 0.0).collect();
    assert!(kept.iter().all(|value| (value - 1.0 / 0.7).abs() < 1e-12));
    let share = kept.len() as f64 / outputs.len() as f64;
    assert!((share - 0.7).abs() < 0.02, "{share}");
    trial.dropped = Dropped::Given(vec![vec![1.0; 6400]]);
    assert!(trial.run_alone::<f64>().outputs.iter().all(|value| (value - 1.0 / 0.7).abs() < 1e-12));
}

#[test]
fn a_residual_block_adds_its_input() {
    let got = outputs_of(Shape::row(3), vec![residual(vec![LayerConfig::Relu])], &[-1.0, 0.5, 2.0]);
    assert_eq!(got, [-1.0, 1.0, 4.0]);
}

/// ln Σ e^z where all but one are far below, or above what exp can take.
#[test]
fn cross_entropy_is_finite_for_far_logits() {
    let plan = Plan::new(Shape::row(3), vec![linear(3)]);
    let mut trial = Trial::new(&plan, 1, 1);
    trial.weights = vec![1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0];
    trial.samples = vec![1e4, -1e4, 0.0];
    trial.targets = Targets::Classes(vec![1]);
    let outcome = trial.run_alone::<f32>();
    assert_eq!((outcome.loss, outcome.correct), (2e4, Some(0)));
    assert_eq!(outcome.gradient[9..], [1.0, -1.0, 0.0]);
}

#[test]
fn of_equal_logits_the_first_is_the_prediction() {
    let plan = Plan::new(Shape::row(1), vec![linear(3)]);
    for (class, correct) in [(0, 1), (1, 0), (2, 0)] {
        let mut trial = Trial::new(&plan, 1, 1);
        trial.weights.fill(0.0);
        trial.targets = Targets::Classes(vec![class]);
        let outcome = trial.run_alone::<f64>();
        assert_eq!(outcome.correct, Some(correct));
        assert!((outcome.loss - 3f64.ln()).abs() < 1e-15, "{}", outcome.loss);
    }
}
