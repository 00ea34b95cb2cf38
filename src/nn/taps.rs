//! The places that a convolution's products run over.
//!
//! An output pixel is a product of the kernel with the input pixels under it, an input pixel's error one with the
//! errors of the output pixels that it is a part of. At the border some places of the kernel lie outside; pixels with
//! the same places inside share a list of terms.

use super::model::{Kind, Network, Node, Window};
use crate::kernel;

/// Lists of terms, and which of them each pixel uses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Taps {
    /// For each output pixel.
    pub(super) forward: Places,
    /// For each input pixel.
    pub(super) backward: Places,
    /// For each place of the kernel, where it meets the image.
    pub(super) weight: Vec<Meeting>,
}

/// For each pixel the list of its terms, and where they begin in the other operand.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Places {
    /// Places in the kernel and in the other operand's rows.
    pub(super) lists: Vec<kernel::Places>,
    /// Index of the list, and what its places in the other operand are counted from.
    pub(super) pixels: Vec<[usize; 2]>,
}

/// Where a place of the kernel meets pixels of the output and of the input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Meeting {
    /// Begins of stretches in a channel of the errors and of the values.
    pub(super) segments: Vec<[u32; 2]>,
    /// Length of each.
    pub(super) len: usize,
}

impl Taps {
    /// For rows of `stride` values.
    pub(super) fn new(network: &Network, conv: &Node, window: Window, stride: usize) -> Taps {
        let source = network.source(conv);
        debug_assert!(matches!(conv.kind, Kind::Conv(_)));
        let (inner, outer) = (source.shape, conv.shape);
        let area = window.height * window.width;
        // From one channel to the next.
        let values = network.stages[source.stage].values_step(stride);
        let errors = network.stages[conv.stage].errors_step(stride);
        let reach = (inner.channels * values).max(outer.channels * errors).max(inner.channels * outer.channels * area);
        assert!(u32::try_from(reach).is_ok(), "a batch of images takes at most 2^32 values");
        let mut forward = Places::default();
        for y in 0..outer.height {
            for x in 0..outer.width {
                let mut terms = Vec::new();
                for_each_place(window, |tap, ky, kx| {
                    let (row, column) = (y * window.stride + ky, x * window.stride + kx);
                    if let Some(pixel) = inside(row, column, window.pad, inner.height, inner.width) {
                        terms.push([tap, pixel * stride]);
                    }
                });
                forward.add(&terms, source.at * stride, inner.channels, [area, values]);
            }
        }
        let mut backward = Places::default();
        for y in 0..inner.height {
            for x in 0..inner.width {
                let mut terms = Vec::new();
                for_each_place(window, |tap, ky, kx| {
                    let back = |at: usize, k: usize, side: usize| {
                        let from = (at + window.pad).checked_sub(k)?;
                        (from % window.stride == 0 && from / window.stride < side).then_some(from / window.stride)
                    };
                    if let (Some(row), Some(column)) = (back(y, ky, outer.height), back(x, kx, outer.width)) {
                        terms.push([tap, (row * outer.width + column) * stride]);
                    }
                });
                backward.add(&terms, conv.error * stride, outer.channels, [inner.channels * area, errors]);
            }
        }
        let mut weight = Vec::new();
        for_each_place(window, |_, ky, kx| {
            let mut segments: Vec<[u32; 2]> = Vec::new();
            let mut len = stride;
            for y in 0..outer.height {
                let pixels: Vec<[usize; 2]> = (0..outer.width)
                    .filter_map(|x| {
                        let (row, column) = (y * window.stride + ky, x * window.stride + kx);
                        let pixel = inside(row, column, window.pad, inner.height, inner.width)?;
                        Some([conv.error + y * outer.width + x, source.at + pixel])
                    })
                    .collect();
                // Neighbours in the output are neighbours in the input where the window moves by one.
                if pixels.is_empty() {
                    continue;
                }
                let step = if window.stride == 1 { pixels.len() } else { 1 };
                len = step * stride;
                segments.extend(pixels.iter().step_by(step).map(|at| at.map(|pixel| (pixel * stride) as u32)));
            }
            weight.push(Meeting { segments, len });
        });
        Taps { forward, backward, weight }
    }
}

impl Places {
    /// Adds a pixel with these places of one channel, for all channels.
    fn add(&mut self, terms: &[[usize; 2]], origin: usize, channels: usize, steps: [usize; 2]) {
        let first = terms.iter().map(|term| term[1]).min().unwrap_or(0);
        let list: Vec<[u32; 2]> = (0..channels)
            .flat_map(|channel| {
                let place = move |term: &[usize; 2]| {
                    [(channel * steps[0] + term[0]) as u32, (channel * steps[1] + term[1] - first) as u32]
                };
                terms.iter().map(place)
            })
            .collect();
        let list = kernel::Places::new(list);
        let index = self.lists.iter().position(|known| *known == list).unwrap_or_else(|| {
            self.lists.push(list);
            self.lists.len() - 1
        });
        self.pixels.push([index, origin + first]);
    }
}

fn for_each_place(window: Window, mut visit: impl FnMut(usize, usize, usize)) {
    for ky in 0..window.height {
        for kx in 0..window.width {
            visit(ky * window.width + kx, ky, kx);
        }
    }
}

/// The pixel at a place of the padded image, if it is not padding.
#[inline(always)]
pub(super) fn inside(row: usize, column: usize, pad: usize, height: usize, width: usize) -> Option<usize> {
    let (row, column) = (row.checked_sub(pad)?, column.checked_sub(pad)?);
    (row < height && column < width).then_some(row * width + column)
}
