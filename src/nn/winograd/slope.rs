//! The gradient by a convolution's kernel, in fewer multiplications.
//!
//! ```text
//! dg = Gᵀ[ Σ (A dY Aᵀ)·(Bᵀ d B) ]G      over tiles and samples
//! ```
//!
//! the transpose of the map from a kernel to its outputs. Tasks sum over some tiles each, into a matrix of output by
//! input channels for each point; these are added up in the order of the tasks when a channel's gradient is asked for.

use super::transform::{Scatter, Spread, kernel_of_points};
use super::{BLOCK, Images, NEAR, POINTS, Part, Plane, Sizes, Way, make_room};
use crate::kernel::{
    Element, Factor, Instructions, LANES, Lanes, Matrices, Product, Start, Terms, Work, product, transpose,
};
use crate::nn::crew::{Crew, Patches};
use crate::nn::model::odd_lines;

/// Above so many kernels a task's matrices do not stay in its core's cache.
const MOST_KERNELS: usize = 1 << 13;
/// Tasks, at most.
const TASKS: usize = 16;

/// Sums of products of errors and inputs at the points.
#[derive(Debug, Clone)]
pub(in crate::nn) struct KernelSlope<T> {
    plane: Plane,
    /// Channels of inputs and of outputs.
    channels: [usize; 2],
    stride: usize,
    /// Tiles, row behind row, cut into tasks: without regard to the samples that there is memory for, which would
    /// change the order of sums.
    tasks: Vec<usize>,
    /// The tasks, each cut off from the next.
    rows: Vec<usize>,
    /// `[task][point][output][input]`, inputs padded to whole vectors.
    sums: Vec<T>,
    /// For each thread inputs at the points, the same by samples, and errors at the points.
    scratch: Vec<Vec<T>>,
}

impl<T: Element> KernelSlope<T> {
    /// For rows of `stride` samples; `None` where it is not worth it.
    pub(in crate::nn) fn new(sizes: Sizes, stride: usize) -> Option<Self> {
        let [inputs, outputs] = sizes.channels;
        let is_worth_it = sizes.suit_winograd(Way::Forward) && inputs * outputs <= MOST_KERNELS;
        is_worth_it.then(|| KernelSlope::of(sizes, stride))
    }

    /// The same in any case.
    pub(super) fn of(sizes: Sizes, stride: usize) -> Self {
        let [inputs, outputs] = sizes.channels;
        let plane = sizes.plane(Way::Forward);
        let tiles = plane.tiles().into_iter().product::<usize>();
        let tasks = tiles.min(TASKS);
        KernelSlope {
            plane,
            channels: sizes.channels,
            stride,
            tasks: (0..=tasks).map(|task| task * tiles / tasks).collect(),
            rows: (0..=tasks).collect(),
            sums: vec![T::zero(); tasks * POINTS * outputs * inputs.next_multiple_of(LANES)],
            scratch: Vec::new(),
        }
    }

    /// Sums over all tiles and samples.
    pub(in crate::nn) fn sum(
        &mut self,
        crew: &mut impl Crew,
        instructions: Instructions,
        images: Images<'_, T>,
        errors: Images<'_, T>,
    ) {
        let KernelSlope { plane, channels: [inputs, outputs], stride, tasks, rows, sums, scratch } = self;
        let (plane, inputs, outputs, stride, tasks) = (*plane, *inputs, *outputs, *stride, &*tasks);
        let across = plane.tiles()[1];
        let width = inputs.next_multiple_of(LANES);
        let most = NEAR / 2 / (POINTS * width);
        let longest = most.max(LANES);
        let room = POINTS * (odd_lines(inputs * longest) + odd_lines(width * longest) + odd_lines(BLOCK * longest));
        make_room(scratch, crew.threads(), room);
        let row = POINTS * outputs * width;
        let layout = Matrices { count: 1, step: sums.len(), rows: tasks.len() - 1, row };
        let patches = Patches { values: sums, layout, rows, columns: &[0, row] };
        crew.share_out_patches(scratch, patches, |[task, _], scratch, mut patch| {
            let sums = patch.row(0, task);
            let mut start = Start::Zero;
            let (first, end) = (tasks[task], tasks[task + 1]);
            let parts = (first / across..end.div_ceil(across)).map(|row| Part {
                row,
                tiles: first.max(row * across) - row * across..end.min((row + 1) * across) - row * across,
                samples: 0..stride,
            });
            for part in parts.flat_map(|part| part.cut(most)) {
                let len = part.len();
                let (point_step, turned_step) = (odd_lines(inputs * len), odd_lines(width * len));
                let (spread, rest) = scratch.split_at_mut(POINTS * point_step);
                let (turned, scattered) = rest.split_at_mut(POINTS * turned_step);
                let part = &part;
                instructions.run(Spread { images, channels: inputs, stride, plane, part, to: spread, point_step });
                for (from, to) in spread.chunks_exact(point_step).zip(turned.chunks_exact_mut(turned_step)) {
                    transpose(instructions, (from, len), (to, width), [inputs, len]);
                }
                for first in (0..outputs).step_by(BLOCK) {
                    let channels = first..outputs.min(first + BLOCK);
                    let (rows, point_step) = (channels.len(), odd_lines(channels.len() * len));
                    let to = &mut scattered[..POINTS * point_step];
                    instructions.run(Scatter { errors, channels, stride, plane, part, to, point_step });
                    for point in 0..POINTS {
                        let place = (point * outputs + first) * width;
                        product(
                            instructions,
                            Product {
                                a: Factor { values: &scattered[point * point_step..], row: len },
                                b: &turned[point * turned_step..],
                                terms: Terms::Even { runs: 1, run_step: [0, 0], terms: len, step: [1, width] },
                                c: &mut sums[place..place + rows * width],
                                c_row: width,
                                rows,
                                columns: width,
                                start,
                            },
                        );
                    }
                }
                start = Start::Sum;
            }
        });
    }

    /// Writes the gradient by the kernels of some output channels, `[output][input][9]`.
    pub(in crate::nn) fn write(&self, instructions: Instructions, first: usize, gradient: &mut [T]) {
        let [inputs, outputs] = self.channels;
        instructions.run(AddUp { sums: &self.sums, inputs, outputs, first, gradient });
    }
}

/// `Gᵀ[…]G` of the sum over tasks.
struct AddUp<'a, T> {
    sums: &'a [T],
    inputs: usize,
    outputs: usize,
    first: usize,
    gradient: &'a mut [T],
}

impl<T: Element> Work<T> for AddUp<'_, T> {
    type Outcome = ();

    #[inline(always)]
    fn run<V: Lanes<T>>(self) {
        let AddUp { sums, inputs, outputs, first, gradient } = self;
        let width = inputs.next_multiple_of(LANES);
        let one = V::splat(T::one());
        let mut points = [[T::zero(); LANES]; POINTS];
        for (output, kernels) in gradient.chunks_exact_mut(9 * inputs).enumerate() {
            for (vector, kernels) in kernels.chunks_mut(9 * LANES).enumerate() {
                for (point, lanes) in points.iter_mut().enumerate() {
                    let place = (point * outputs + first + output) * width + vector * LANES;
                    let mut sum = V::splat(T::zero());
                    for sums in sums.chunks_exact(POINTS * outputs * width) {
                        sum = V::of(sums, place).mul_add(one, sum);
                    }
                    sum.write(lanes, 0);
                }
                for (lane, kernel) in kernels.chunks_exact_mut(9).enumerate() {
                    let mut own = [T::zero(); POINTS];
                    own.iter_mut().zip(&points).for_each(|(own, lanes)| *own = lanes[lane]);
                    kernel.copy_from_slice(&kernel_of_points(own));
                }
            }
        }
    }
}
