//! Pooling of a channel: for each window the largest value or the mean.

use super::Channel;
use crate::kernel::{Element, zip, zip_from_two, zip_two};
use crate::nn::model::{Node, Pooling, Window};
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
        let stride = self.stride;
        let share = T::one() / T::of((window.height * window.width) as f64);
        for pixel in 0..node.shape.pixels() {
            let own = pixel * stride..(pixel + 1) * stride;
            let output = &mut output[own.clone()];
            match pooling {
                Pooling::Max => {
                    let kept = &mut kept[own];
                    let mut first = true;
                    for_each_place([source, node], window, pixel, |place, from| {
                        let row = &input[from * stride..(from + 1) * stride];
                        let place = T::of(place as f64);
                        if std::mem::take(&mut first) {
                            output.copy_from_slice(row);
                            kept.fill(place);
                            return;
                        }
                        // A NaN is larger than all, and stays.
                        zip_two(self.instructions(), output, kept, row, |best, kept, x| {
                            if x > best || x != x { (x, place) } else { (best, kept) }
                        });
                    });
                }
                Pooling::Mean => {
                    output.fill(T::zero());
                    for_each_place([source, node], window, pixel, |_, from| {
                        zip(self.instructions(), output, &input[from * stride..(from + 1) * stride], |sum, x| sum + x);
                    });
                    output.iter_mut().for_each(|sum| *sum = *sum * share);
                }
            }
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
        let stride = self.stride;
        let share = T::one() / T::of((window.height * window.width) as f64);
        below.fill(T::zero());
        for pixel in 0..node.shape.pixels() {
            let own = pixel * stride..(pixel + 1) * stride;
            let error = &errors[own.clone()];
            for_each_place([source, node], window, pixel, |place, from| {
                let below = &mut below[from * stride..(from + 1) * stride];
                match pooling {
                    Pooling::Max => {
                        let place = T::of(place as f64);
                        zip_from_two(self.instructions(), below, error, &kept[own.clone()], |below, error, kept| {
                            if kept == place { below + error } else { below }
                        });
                    }
                    Pooling::Mean => {
                        zip(self.instructions(), below, error, |below, error| below + error * share);
                    }
                }
            });
        }
    }
}

/// Visits the places of a pixel's window that lie on the image: their number in the window, and the source's pixel.
fn for_each_place([source, node]: [&Node; 2], window: Window, pixel: usize, mut visit: impl FnMut(usize, usize)) {
    let (y, x) = (pixel / node.shape.width, pixel % node.shape.width);
    for ky in 0..window.height {
        for kx in 0..window.width {
            let (row, column) = (y * window.stride + ky, x * window.stride + kx);
            if let Some(from) = inside(row, column, window.pad, source.shape.height, source.shape.width) {
                visit(ky * window.width + kx, from);
            }
        }
    }
}
