//! Convolutions of 3×3 in fewer multiplications: Winograd's minimal filtering F(2×2, 3×3) (Lavin & Gray 2016,
//! arXiv 1509.09308).
//!
//! ```text
//! Y = Aᵀ[(G g Gᵀ)·(Bᵀ d B)]A      d: 4×4 inputs, g: the kernel, Y: 2×2 outputs; · at each of sixteen points
//!
//!      1  0 -1  0          1    0    0
//! Bᵀ = 0  1  1  0      G = 1/2  1/2  1/2      Aᵀ = 1  1  1  0
//!      0 -1  1  0          1/2 -1/2  1/2           0  1 -1 -1
//!      0  1  0 -1          0    0    1
//! ```
//!
//! All is linear, so the sum over input channels is taken at the points: sixteen products of a matrix of kernels with
//! one of inputs give four outputs, where the definition takes thirty-six. The way back is the same with the kernel
//! turned by 180° and the channels' roles exchanged; the gradient by the kernel is the map's transpose, see
//! [`slope`](self::slope).
//!
//! A task computes some tiles of a row, all channels of them; what it makes on its way stays in its core's cache.

mod slope;
#[cfg(test)]
mod tests;
mod transform;

use std::ops::Range;

pub(super) use self::slope::KernelSlope;
use self::transform::{Gather, Spread, kernel_at_points};
use super::crew::{Arena, Crew, Patches};
use super::model::{Window, odd_lines};
use crate::kernel::{Element, Factor, Instructions, LANES, Matrices, Product, Start, Terms, product};

/// Points of a tile.
const POINTS: usize = 16;
/// The one that is added to each output alike, for bias.
const CENTRE: usize = 5;
/// Rows and columns of outputs in a tile.
const TILE: usize = 2;
/// Output channels whose products are taken together.
const BLOCK: usize = 8;
/// Samples, times tiles, of a task.
const TASK: usize = 16 * LANES;
/// Values of inputs at the points that a core's second cache holds beside all else.
const NEAR: usize = 1 << 17;
/// Below so many channels the products' sums are too short to be worth the transforms.
const FEWEST_CHANNELS: usize = 8;

/// Images of some channels.
#[derive(Debug, Clone, Copy)]
pub(super) struct Images<'a, T> {
    pub(super) values: &'a [T],
    /// From one channel to the next.
    pub(super) step: usize,
    /// The first pixel of an image in its channel.
    pub(super) at: usize,
}

/// A convolution, as far as this way to compute it cares.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sizes {
    pub(super) window: Window,
    /// Channels of inputs and of outputs.
    pub(super) channels: [usize; 2],
    /// Height and width of inputs and of outputs.
    pub(super) images: [[usize; 2]; 2],
}

/// Which way values go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// From inputs to outputs.
    Forward,
    /// From the outputs' errors to the inputs'.
    Back,
}

impl Sizes {
    /// Whether it can be computed so, and is worth it: padding is left out of the definition's multiplications, but not
    /// of these, nor are outputs of a tile that are not there.
    pub(super) fn suit_winograd(self, way: Way) -> bool {
        let Sizes { window, channels, .. } = self;
        if [window.height, window.width, window.stride] != [3, 3, 1]
            || window.pad > 2
            || channels.iter().any(|&channels| channels < FEWEST_CHANNELS)
        {
            return false;
        }
        let Plane { inner, outer, margin } = self.plane(way);
        let taps = |of: usize| -> usize {
            let inside = |at: usize| (0..3).filter(|k| (margin..inner[of] + margin).contains(&(at + k))).count();
            (0..outer[of]).map(inside).sum()
        };
        let tiles = outer[0].div_ceil(TILE) * outer[1].div_ceil(TILE);
        4 * tiles * POINTS <= 3 * taps(0) * taps(1)
    }

    fn plane(self, way: Way) -> Plane {
        let [inner, outer] = self.images;
        match way {
            Way::Forward => Plane { inner, outer, margin: self.window.pad },
            Way::Back => Plane { inner: outer, outer: inner, margin: 2 - self.window.pad },
        }
    }
}

/// Heights and widths.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Plane {
    /// Of what is read.
    inner: [usize; 2],
    /// Of what is written.
    outer: [usize; 2],
    /// Rows and columns of zeros around what is read.
    margin: usize,
}

impl Plane {
    /// Rows of tiles, and tiles in a row.
    fn tiles(self) -> [usize; 2] {
        self.outer.map(|side| side.div_ceil(TILE))
    }

    /// The tiles of a row, cut into tasks: bounds.
    fn task_tiles(self, stride: usize) -> Vec<usize> {
        let across = self.tiles()[1];
        let parts = (across * stride).div_ceil(TASK).clamp(1, across.max(1));
        (0..=parts).map(|part| part * across / parts).collect()
    }
}

/// Some tiles of a row, and some samples.
#[derive(Debug, Clone)]
struct Part {
    row: usize,
    tiles: Range<usize>,
    samples: Range<usize>,
}

impl Part {
    fn len(&self) -> usize {
        self.tiles.len() * self.samples.len()
    }

    /// Cut into parts of at most so many samples times tiles, or of one vector.
    fn cut(self, most: usize) -> impl Iterator<Item = Part> {
        let Part { row, tiles, samples } = self;
        let vectors = samples.len() / LANES;
        let most = (most / LANES).max(1);
        let sample_parts = vectors.div_ceil(most).max(1);
        let tile_parts = tiles.len().div_ceil((most / vectors.max(1)).max(1)).max(1);
        (0..tile_parts * sample_parts).map(move |part| {
            let (tile_part, sample_part) = (part / sample_parts, part % sample_parts);
            let tile = |part: usize| tiles.start + part * tiles.len() / tile_parts;
            let sample = |part: usize| samples.start + part * vectors / sample_parts * LANES;
            Part {
                row,
                tiles: tile(tile_part)..tile(tile_part + 1),
                samples: sample(sample_part)..sample(sample_part + 1),
            }
        })
    }
}

/// One way, forward or back, of a convolution.
#[derive(Debug, Clone)]
pub(super) struct Winograd<T> {
    way: Way,
    plane: Plane,
    /// Kernels at the points, `[block of outputs][point][output][input]`.
    kernels: Vec<T>,
    /// Output channels, cut into blocks.
    blocks: Vec<usize>,
    inputs: usize,
    /// The first pixel of an output in its channel.
    at: usize,
    stride: usize,
    /// Rows of outputs, cut into rows of tiles.
    rows: Vec<usize>,
    /// The tiles of a row, cut into tasks, and the values of a row of outputs.
    tiles: Vec<usize>,
    columns: Vec<usize>,
    /// Each thread's inputs at the points, and behind them the products.
    scratch: Vec<Vec<T>>,
}

impl<T: Element> Winograd<T> {
    /// For rows of `stride` samples, where the first pixel of an output is the `at`-th of its channel.
    pub(super) fn new(sizes: Sizes, way: Way, at: usize, stride: usize) -> Self {
        let plane = sizes.plane(way);
        let [inputs, outputs] = match way {
            Way::Forward => sizes.channels,
            Way::Back => [sizes.channels[1], sizes.channels[0]],
        };
        let [height, width] = plane.outer;
        let tiles = plane.task_tiles(stride);
        Winograd {
            way,
            plane,
            kernels: vec![T::zero(); outputs * POINTS * inputs],
            blocks: (0..outputs).step_by(BLOCK).chain([outputs]).collect(),
            inputs,
            at,
            stride,
            rows: (0..height).step_by(TILE).chain([height]).collect(),
            columns: tiles.iter().map(|tile| (TILE * tile).min(width) * stride).collect(),
            tiles,
            scratch: Vec::new(),
        }
    }

    /// Takes the convolution's weights, `[output][input][9]`, to the points.
    pub(super) fn take_weights(&mut self, crew: &mut impl Crew, weights: &[T]) {
        let (way, inputs, blocks) = (self.way, self.inputs, &self.blocks);
        let outputs = blocks[blocks.len() - 1];
        let kernels = Arena { values: &mut self.kernels, bounds: blocks, unit: POINTS * inputs };
        crew.share_out(blocks.len() - 1, [kernels], |block, [kernels]| {
            let (first, rows) = (blocks[block], blocks[block + 1] - blocks[block]);
            for row in 0..rows {
                for input in 0..inputs {
                    let place = match way {
                        Way::Forward => (first + row) * inputs + input,
                        Way::Back => input * outputs + first + row,
                    };
                    let mut kernel: [T; 9] = std::array::from_fn(|tap| weights[9 * place + tap]);
                    if way == Way::Back {
                        kernel.reverse();
                    }
                    for (point, value) in kernel_at_points(kernel).into_iter().enumerate() {
                        kernels[(point * rows + row) * inputs + input] = value;
                    }
                }
            }
        });
    }

    /// Computes the outputs of all channels, whose memory `to` is, `step` values from one to the next; forward from a
    /// bias for each.
    pub(super) fn compute(
        &mut self,
        crew: &mut impl Crew,
        instructions: Instructions,
        images: Images<'_, T>,
        bias: Option<&[T]>,
        (to, step): (&mut [T], usize),
    ) {
        let Winograd { kernels, blocks, inputs, plane, rows, tiles, columns, stride, at, scratch, .. } = self;
        let (kernels, blocks, inputs, plane, tiles, stride) = (&*kernels, &*blocks, *inputs, *plane, &*tiles, *stride);
        let most = NEAR / (POINTS * inputs);
        let longest = most.max(LANES);
        let room = POINTS * (odd_lines(inputs * longest) + odd_lines(BLOCK * longest));
        make_room(scratch, crew.threads(), room);
        let [height, width] = plane.outer;
        let count = blocks[blocks.len() - 1];
        let layout = Matrices { count, step, rows: height, row: width * stride };
        let patches = Patches { values: &mut to[*at * stride..], layout, rows, columns };
        crew.share_out_patches(scratch, patches, |[row, task], scratch, mut patch| {
            let left = columns[task];
            let whole = Part { row, tiles: tiles[task]..tiles[task + 1], samples: 0..stride };
            for part in whole.cut(most) {
                let len = part.len();
                let point_step = odd_lines(inputs * len);
                let (spread, products) = scratch.split_at_mut(POINTS * point_step);
                instructions.run(Spread {
                    images,
                    channels: inputs,
                    stride,
                    plane,
                    part: &part,
                    to: spread,
                    point_step,
                });
                for block in blocks.windows(2) {
                    let channels = block[1] - block[0];
                    let product_step = odd_lines(channels * len);
                    let kernels = &kernels[block[0] * POINTS * inputs..block[1] * POINTS * inputs];
                    for point in 0..POINTS {
                        let start = match bias {
                            Some(bias) if point == CENTRE => Start::Bias(&bias[block[0]..]),
                            _ => Start::Zero,
                        };
                        product(
                            instructions,
                            Product {
                                a: Factor { values: &kernels[point * channels * inputs..], row: inputs },
                                b: &spread[point * point_step..],
                                terms: Terms::Even { runs: 1, run_step: [0, 0], terms: inputs, step: [1, len] },
                                c: &mut products[point * product_step..(point + 1) * product_step],
                                c_row: len,
                                rows: channels,
                                columns: len,
                                start,
                            },
                        );
                    }
                    let (channels, point_step) = (block[0]..block[1], product_step);
                    let gather =
                        Gather { products, point_step, channels, stride, plane, part: &part, left, to: &mut patch };
                    instructions.run(gather);
                }
            }
        });
    }
}

/// Scratch for each thread; in the first pass there is none yet.
fn make_room<T: Element>(scratch: &mut Vec<Vec<T>>, threads: usize, room: usize) {
    scratch.resize_with(threads.max(scratch.len()), Vec::new);
    for scratch in scratch.iter_mut().filter(|scratch| scratch.len() < room) {
        scratch.resize(room, T::zero());
    }
}
