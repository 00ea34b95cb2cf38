//! Both ways and the slope against the definition of a convolution, in f64.

use proptest::prelude::*;

use super::{Images, KernelSlope, Sizes, Way, Winograd};
use crate::kernel::{Instructions, LANES};
use crate::nn::Alone;
use crate::nn::model::Window;
use crate::random::{Generator, Purpose};

/// Pixels of a channel in front of those that are meant.
const AT: usize = 2;
/// Values between channels.
const GAP: usize = 3;

/// A convolution with values for all of its sides.
#[derive(Debug)]
struct Trial {
    sizes: Sizes,
    stride: usize,
    weights: Vec<f64>,
    bias: Vec<f64>,
    inputs: Vec<f64>,
    errors: Vec<f64>,
}

impl Trial {
    fn new(channels: [usize; 2], [height, width]: [usize; 2], pad: usize, vectors: usize, seed: u64) -> Self {
        let window = Window { height: 3, width: 3, stride: 1, pad };
        let images = [[height, width], [height + 2 * pad - 2, width + 2 * pad - 2]];
        let sizes = Sizes { window, channels, images };
        let stride = vectors * LANES;
        let mut generator = Generator::new(seed, Purpose::Init, 0);
        let mut values = |count: usize| -> Vec<f64> { (0..count).map(|_| 2.0 * generator.unit() - 1.0).collect() };
        Trial {
            weights: values(9 * channels[0] * channels[1]),
            bias: values(channels[1]),
            inputs: values(channels[0] * step(images[0], stride)),
            errors: values(channels[1] * step(images[1], stride)),
            sizes,
            stride,
        }
    }

    /// Calls `meet(input, output, weight)`, with the places of each, where two values meet in a product.
    fn each_product(&self, mut meet: impl FnMut(usize, usize, usize)) {
        let Sizes { window, channels: [inputs, outputs], images } = self.sizes;
        let place = |side: usize, channel: usize, [y, x]: [usize; 2]| {
            channel * step(images[side], self.stride) + (AT + y * images[side][1] + x) * self.stride
        };
        for (output, input) in (0..outputs).flat_map(|output| (0..inputs).map(move |input| (output, input))) {
            for (y, x) in (0..images[1][0]).flat_map(|y| (0..images[1][1]).map(move |x| (y, x))) {
                for tap in 0..9 {
                    let at = [y + tap / 3, x + tap % 3].map(|at| at.checked_sub(window.pad));
                    let [Some(above), Some(left)] = at else { continue };
                    if above < images[0][0] && left < images[0][1] {
                        let from = place(0, input, [above, left]);
                        let to = place(1, output, [y, x]);
                        (0..self.stride)
                            .for_each(|sample| meet(from + sample, to + sample, (output * inputs + input) * 9 + tap));
                    }
                }
            }
        }
    }

    /// One way: what it writes, and what the definition gives, over memory that holds 7 everywhere else.
    fn way(&self, way: Way) -> [Vec<f64>; 2] {
        let (from, to) = match way {
            Way::Forward => (0, 1),
            Way::Back => (1, 0),
        };
        let Trial { sizes, stride, weights, bias, inputs, errors } = self;
        let steps = sizes.images.map(|image| step(image, *stride));
        let mut wanted = vec![7.0; sizes.channels[to] * steps[to]];
        for (channel, values) in wanted.chunks_exact_mut(steps[to]).enumerate() {
            let pixels = sizes.images[to][0] * sizes.images[to][1];
            let start = if way == Way::Forward { bias[channel] } else { 0.0 };
            values[AT * stride..(AT + pixels) * stride].fill(start);
        }
        let mut got = vec![7.0; wanted.len()];
        self.each_product(|input, output, weight| match way {
            Way::Forward => wanted[output] += inputs[input] * weights[weight],
            Way::Back => wanted[input] += errors[output] * weights[weight],
        });
        let mut winograd = Winograd::new(*sizes, way, AT, *stride);
        winograd.take_weights(&mut Alone, weights);
        let values = if way == Way::Forward { inputs } else { errors };
        let images = Images { values, step: steps[from], at: AT };
        let bias = (way == Way::Forward).then_some(&bias[..]);
        winograd.compute(&mut Alone, Instructions::best(), images, bias, (&mut got, steps[to]));
        [got, wanted]
    }

    fn slope(&self) -> [Vec<f64>; 2] {
        let Trial { sizes, stride, weights, inputs, errors, .. } = self;
        let mut wanted = vec![0.0; weights.len()];
        self.each_product(|input, output, weight| wanted[weight] += inputs[input] * errors[output]);
        let mut slope = KernelSlope::of(*sizes, *stride);
        let [inputs, errors] = [(inputs, 0), (errors, 1)].map(|(values, side)| Images {
            values,
            step: step(sizes.images[side], *stride),
            at: AT,
        });
        slope.sum(&mut Alone, Instructions::best(), inputs, errors);
        // Memory that is not at rest: a second batch forgets the first.
        slope.sum(&mut Alone, Instructions::best(), inputs, errors);
        let mut got = vec![f64::NAN; weights.len()];
        let row = 9 * sizes.channels[0];
        for (channel, kernels) in got.chunks_mut(2 * row).enumerate() {
            slope.write(Instructions::best(), 2 * channel, kernels);
        }
        [got, wanted]
    }
}

/// From one channel of such images to the next.
fn step([height, width]: [usize; 2], stride: usize) -> usize {
    (AT + height * width) * stride + GAP
}

fn are_near([got, wanted]: [Vec<f64>; 2], what: &str) -> Result<(), TestCaseError> {
    let size = wanted.iter().fold(1.0, |most: f64, value| most.max(value.abs()));
    for (place, (got, wanted)) in got.iter().zip(&wanted).enumerate() {
        prop_assert!((got - wanted).abs() <= 1e-13 * size, "{what}[{place}]: {got} for {wanted}");
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn fewer_multiplications_give_what_the_definition_gives(
        channels in (1usize..20, 1usize..20),
        height in 1usize..7,
        width in 1usize..10,
        pad in 0usize..3,
        vectors in 1usize..4,
        seed in any::<u64>(),
    ) {
        prop_assume!(height + 2 * pad > 2 && width + 2 * pad > 2);
        let trial = Trial::new([channels.0, channels.1], [height, width], pad, vectors, seed);
        are_near(trial.way(Way::Forward), "output")?;
        are_near(trial.way(Way::Back), "input error")?;
        are_near(trial.slope(), "slope")?;
    }
}

/// So many channels and samples that a task's inputs are computed in several parts, of tiles and of samples.
#[test]
fn parts_of_a_task_give_it_too() {
    for (channels, image, vectors) in [([40, 9], [3, 20], 3), ([9, 70], [3, 4], 20), ([130, 8], [2, 5], 17)] {
        let trial = Trial::new(channels, image, 1, vectors, 5);
        for (outcome, what) in
            [(trial.way(Way::Forward), "output"), (trial.way(Way::Back), "input error"), (trial.slope(), "slope")]
        {
            are_near(outcome, what).unwrap();
        }
    }
}

#[test]
fn it_is_taken_where_it_saves_multiplications() {
    let suits = |channels, image: [usize; 2], window: Window| {
        let images = [image, image.map(|side| side + 2 * window.pad - 2)];
        Sizes { window, channels, images }.suit_winograd(Way::Forward)
    };
    let three = Window { height: 3, width: 3, stride: 1, pad: 1 };
    assert!(suits([32, 64], [14, 14], three));
    assert!(!suits([3, 32], [28, 28], three), "too few channels");
    assert!(!suits([32, 64], [14, 14], Window { stride: 2, ..three }), "a stride");
    assert!(!suits([32, 64], [1, 14], three), "most of a tile is padding");
}
