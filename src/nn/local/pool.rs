//! Pooling of a channel: for each window the largest value or the mean.

use super::Channel;
use crate::kernel::{Element, LANES, Lanes, Work};
use crate::nn::model::{Node, Pooling, Shape, Window};
use crate::nn::taps::inside;

impl<T: Element> Channel<'_, T> {
    /// `kept` takes the number of the place that was the largest, the first of several.
    pub(super) fn pool(
        &self,
        [source, node]: [&Node; 2],
        window: Window,
        pooling: Pooling,
        input: &[T],
        output: &mut [T],
        kept: &mut [T],
    ) {
        let windows = Windows { source, node, window, stride: self.stride };
        match pooling {
            Pooling::Max => self.instructions().run(Largest { windows, input, output, kept }),
            Pooling::Mean => self.instructions().run(Mean { windows, input, output }),
        }
    }

    pub(super) fn pool_back(
        &self,
        [source, node]: [&Node; 2],
        window: Window,
        pooling: Pooling,
        kept: &[T],
        errors: &[T],
        below: &mut [T],
    ) {
        let windows = Windows { source, node, window, stride: self.stride };
        below.fill(T::zero());
        match pooling {
            Pooling::Max => self.instructions().run(LargestBack { windows, kept, errors, below }),
            Pooling::Mean => self.instructions().run(MeanBack { windows, errors, below }),
        }
    }
}

/// The windows of a channel.
#[derive(Clone, Copy)]
struct Windows<'a> {
    source: &'a Node,
    node: &'a Node,
    window: Window,
    stride: usize,
}

impl Windows<'_> {
    /// Visits each window, sixteen samples at a time: where the output is.
    #[inline(always)]
    fn each(&self, mut visit: impl FnMut(usize, usize, usize, usize)) {
        for y in 0..self.node.shape.height {
            for x in 0..self.node.shape.width {
                let start = (y * self.node.shape.width + x) * self.stride;
                for first in (0..self.stride).step_by(LANES) {
                    visit(y, x, first, start + first);
                }
            }
        }
    }

    /// Visits the places of a window that lie on the image: their number in it, and where the input is.
    #[inline(always)]
    fn places(&self, y: usize, x: usize, first: usize, mut visit: impl FnMut(usize, usize)) {
        let (window, image) = (self.window, self.source.shape);
        for ky in 0..window.height {
            for kx in 0..window.width {
                let (row, column) = (y * window.stride + ky, x * window.stride + kx);
                if let Some(pixel) = inside(row, column, window.pad, image.height, image.width) {
                    visit(ky * window.width + kx, pixel * self.stride + first);
                }
            }
        }
    }
}

/// Disjoint square windows that cover an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Tiles {
    side: usize,
    /// Windows below and beside each other.
    windows: [usize; 2],
}

impl Tiles {
    /// None where windows overlap or leave something out.
    pub(super) fn new(image: Shape, window: Window) -> Option<Self> {
        let side = window.stride;
        let square = window.height == side && window.width == side && window.pad == 0;
        let whole = image.height.is_multiple_of(side) && image.width.is_multiple_of(side);
        (square && whole).then(|| Tiles { side, windows: [image.height / side, image.width / side] })
    }

    /// Visits each window, sixteen samples at a time: where the output is, and the input at the window's corner.
    #[inline(always)]
    pub(super) fn each(self, stride: usize, mut visit: impl FnMut(usize, usize)) {
        let [height, width] = self.windows;
        for y in 0..height {
            for x in 0..width {
                let (to, corner) = (y * width + x, (y * width * self.side + x) * self.side);
                for first in (0..stride).step_by(LANES) {
                    visit(to * stride + first, corner * stride + first);
                }
            }
        }
    }

    /// Visits a window's places: their number, and how far they are from its corner.
    #[inline(always)]
    pub(super) fn each_place(self, stride: usize, mut visit: impl FnMut(usize, usize)) {
        for y in 0..self.side {
            for x in 0..self.side {
                visit(y * self.side + x, (y * self.windows[1] * self.side + x) * stride);
            }
        }
    }
}

/// Sixteen values.
#[inline(always)]
fn read<T: Element>(from: &[T], at: usize) -> [T; LANES] {
    let mut lanes = [T::zero(); LANES];
    lanes.copy_from_slice(&from[at..at + LANES]);
    lanes
}

struct Largest<'a, T> {
    windows: Windows<'a>,
    input: &'a [T],
    output: &'a mut [T],
    kept: &'a mut [T],
}

impl<T: Element> Work<T> for Largest<'_, T> {
    type Outcome = ();

    #[inline(always)]
    fn run<V: Lanes<T>>(self) {
        let Largest { windows, input, output, kept } = self;
        windows.each(|y, x, first, to| {
            let mut best: Option<[V; 2]> = None;
            windows.places(y, x, first, |place, from| {
                let (values, place) = (V::of(input, from), V::splat(T::of(place as f64)));
                best = Some(match best {
                    None => [values, place],
                    Some([most, its_place]) => most.larger(values, [its_place, place]),
                });
            });
            // At least one place of a window lies on the image, for padding is at most half of it.
            if let Some([most, place]) = best {
                most.write(output, to);
                place.write(kept, to);
            }
        });
    }
}

struct LargestBack<'a, T> {
    windows: Windows<'a>,
    kept: &'a [T],
    errors: &'a [T],
    below: &'a mut [T],
}

impl<T: Element> Work<T> for LargestBack<'_, T> {
    type Outcome = ();

    #[inline(always)]
    fn run<V: Lanes<T>>(self) {
        let LargestBack { windows, kept, errors, below } = self;
        windows.each(|y, x, first, at| {
            let (errors, kept) = (read(errors, at), read(kept, at));
            windows.places(y, x, first, |place, to| {
                let (mut sums, place) = (read(below, to), T::of(place as f64));
                for lane in 0..LANES {
                    let more = if kept[lane] == place { errors[lane] } else { T::zero() };
                    sums[lane] = sums[lane] + more;
                }
                below[to..to + LANES].copy_from_slice(&sums);
            });
        });
    }
}

struct Mean<'a, T> {
    windows: Windows<'a>,
    input: &'a [T],
    output: &'a mut [T],
}

impl<T: Element> Work<T> for Mean<'_, T> {
    type Outcome = ();

    #[inline(always)]
    fn run<V: Lanes<T>>(self) {
        let Mean { windows, input, output } = self;
        let share = windows.share::<T>();
        windows.each(|y, x, first, to| {
            let mut sums = [T::zero(); LANES];
            windows.places(y, x, first, |_, from| {
                let values = read(input, from);
                for lane in 0..LANES {
                    sums[lane] = sums[lane] + values[lane];
                }
            });
            output[to..to + LANES].copy_from_slice(&sums.map(|sum| sum * share));
        });
    }
}

struct MeanBack<'a, T> {
    windows: Windows<'a>,
    errors: &'a [T],
    below: &'a mut [T],
}

impl<T: Element> Work<T> for MeanBack<'_, T> {
    type Outcome = ();

    #[inline(always)]
    fn run<V: Lanes<T>>(self) {
        let MeanBack { windows, errors, below } = self;
        let share = windows.share::<T>();
        windows.each(|y, x, first, at| {
            let errors = read(errors, at);
            windows.places(y, x, first, |_, to| {
                let mut sums = read(below, to);
                for lane in 0..LANES {
                    sums[lane] = sums[lane] + errors[lane] * share;
                }
                below[to..to + LANES].copy_from_slice(&sums);
            });
        });
    }
}

impl Windows<'_> {
    /// A value's part of a window's mean; padding counts.
    #[inline(always)]
    fn share<T: Element>(&self) -> T {
        T::one() / T::of((self.window.height * self.window.width) as f64)
    }
}
