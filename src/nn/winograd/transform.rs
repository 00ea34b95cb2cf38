//! From images to points and back, sixteen samples at a time.
//!
//! There are loops where closures would read better: those are not always inlined, and then compiled for any processor.

#![expect(clippy::needless_range_loop, reason = "arrays are indexed alike on both sides, and must stay in registers")]

use std::ops::Range;

use super::{Images, POINTS, Part, Plane, TILE};
use crate::kernel::{Columns, Element, LANES, Lanes, Work};

/// `G g Gᵀ`
pub(super) fn kernel_at_points<T: Element>(kernel: [T; 9]) -> [T; POINTS] {
    let half = T::of(0.5);
    let along = |a: T, b: T, c: T| [a, half * (a + c + b), half * (a + c - b), c];
    let columns: [[T; 4]; 3] = std::array::from_fn(|x| along(kernel[x], kernel[3 + x], kernel[6 + x]));
    let mut points = [T::zero(); POINTS];
    for (y, row) in points.chunks_exact_mut(4).enumerate() {
        row.copy_from_slice(&along(columns[0][y], columns[1][y], columns[2][y]));
    }
    points
}

/// `Gᵀ M G`
pub(super) fn kernel_of_points<T: Element>(points: [T; POINTS]) -> [T; 9] {
    let half = T::of(0.5);
    let along = |a: T, b: T, c: T, d: T| {
        let both = half * (b + c);
        [a + both, half * (b - c), both + d]
    };
    let columns: [[T; 3]; 4] = std::array::from_fn(|x| along(points[x], points[4 + x], points[8 + x], points[12 + x]));
    let mut kernel = [T::zero(); 9];
    for (y, row) in kernel.chunks_exact_mut(3).enumerate() {
        row.copy_from_slice(&along(columns[0][y], columns[1][y], columns[2][y], columns[3][y]));
    }
    kernel
}

/// `Bᵀ d B`: `[point][channel][tile][sample]`.
pub(super) struct Spread<'a, 'b, T> {
    pub(super) images: Images<'a, T>,
    pub(super) channels: usize,
    pub(super) stride: usize,
    pub(super) plane: Plane,
    pub(super) part: &'b Part,
    pub(super) to: &'b mut [T],
    /// From one point to the next: no power of two, for sixteen lines at a time must find room in the nearest cache.
    pub(super) point_step: usize,
}

impl<T: Element> Work<T> for Spread<'_, '_, T> {
    type Outcome = ();

    #[inline(always)]
    fn run<V: Lanes<T>>(self) {
        let Spread { images, channels, stride, plane, part, to, point_step } = self;
        let Plane { inner: [height, width], margin, .. } = plane;
        let (samples, len) = (part.samples.len(), part.len());
        let signs = Signs::<V>::new::<T>();
        // What of a tile's four rows is within the image.
        let rows: [Option<usize>; 4] = std::array::from_fn(|y| {
            let y = (TILE * part.row + y).checked_sub(margin)?;
            (y < height).then_some((images.at + y * width) * stride + part.samples.start)
        });
        for channel in 0..channels {
            let image = &images.values[channel * images.step..];
            for (tile, column) in part.tiles.clone().enumerate() {
                for sample in (0..samples).step_by(LANES) {
                    let mut columns = [signs.zeros(); 4];
                    for x in 0..4 {
                        if let Some(x_inside) = (TILE * column + x).checked_sub(margin)
                            && x_inside < width
                        {
                            let mut values = signs.zeros();
                            for y in 0..4 {
                                if let Some(row) = rows[y] {
                                    values[y] = V::of(image, row + x_inside * stride + sample);
                                }
                            }
                            columns[x] = signs.spread(values);
                        }
                    }
                    for y in 0..4 {
                        let spread = signs.spread([columns[0][y], columns[1][y], columns[2][y], columns[3][y]]);
                        let place = channel * len + tile * samples + sample;
                        for x in 0..4 {
                            spread[x].write(to, (4 * y + x) * point_step + place);
                        }
                    }
                }
            }
        }
    }
}

/// `Aᵀ M A` of `[point][channel][tile][sample]`.
pub(super) struct Gather<'a, 'b, 'c, T> {
    pub(super) products: &'a [T],
    pub(super) point_step: usize,
    pub(super) channels: Range<usize>,
    pub(super) stride: usize,
    pub(super) plane: Plane,
    pub(super) part: &'a Part,
    /// The patch's first value in a row of outputs.
    pub(super) left: usize,
    /// Rows of outputs.
    pub(super) to: &'b mut Columns<'c, T>,
}

impl<T: Element> Work<T> for Gather<'_, '_, '_, T> {
    type Outcome = ();

    #[inline(always)]
    fn run<V: Lanes<T>>(self) {
        let Gather { products, point_step, channels, stride, plane, part, left, to } = self;
        let [height, width] = plane.outer;
        let (samples, len) = (part.samples.len(), part.len());
        let first = TILE * part.row;
        let signs = Signs::<V>::new::<T>();
        for (number, channel) in channels.enumerate() {
            for y in 0..TILE.min(height - first) {
                let row = to.row(channel, first + y);
                for (tile, column) in part.tiles.clone().enumerate() {
                    let pixel = TILE * column * stride + part.samples.start - left;
                    for sample in (0..samples).step_by(LANES) {
                        let mut columns = signs.zeros();
                        for x in 0..4 {
                            let mut points = signs.zeros();
                            for y in 0..4 {
                                let place = (4 * y + x) * point_step + number * len + tile * samples + sample;
                                points[y] = V::of(products, place);
                            }
                            columns[x] = signs.gather(points)[y];
                        }
                        let outputs = signs.gather(columns);
                        for x in 0..TILE.min(width - TILE * column) {
                            outputs[x].write(row, pixel + x * stride + sample);
                        }
                    }
                }
            }
        }
    }
}

/// `A dY Aᵀ`: `[point][channel][tile][sample]`.
pub(super) struct Scatter<'a, 'b, T> {
    pub(super) errors: Images<'a, T>,
    pub(super) channels: Range<usize>,
    pub(super) stride: usize,
    pub(super) plane: Plane,
    pub(super) part: &'b Part,
    pub(super) to: &'b mut [T],
    /// From one point to the next.
    pub(super) point_step: usize,
}

impl<T: Element> Work<T> for Scatter<'_, '_, T> {
    type Outcome = ();

    #[inline(always)]
    fn run<V: Lanes<T>>(self) {
        let Scatter { errors, channels, stride, plane, part, to, point_step } = self;
        let [height, width] = plane.outer;
        let (samples, len) = (part.samples.len(), part.len());
        let signs = Signs::<V>::new::<T>();
        for (number, channel) in channels.enumerate() {
            let image = &errors.values[channel * errors.step..];
            for (tile, column) in part.tiles.clone().enumerate() {
                let corner = (errors.at + TILE * part.row * width + TILE * column) * stride + part.samples.start;
                for sample in (0..samples).step_by(LANES) {
                    let mut columns = [signs.zeros(); TILE];
                    for x in 0..TILE.min(width - TILE * column) {
                        let mut values = [signs.zero; TILE];
                        for y in 0..TILE.min(height - TILE * part.row) {
                            values[y] = V::of(image, corner + (y * width + x) * stride + sample);
                        }
                        columns[x] = signs.scatter(values);
                    }
                    for y in 0..4 {
                        let points = signs.scatter([columns[0][y], columns[1][y]]);
                        let place = number * len + tile * samples + sample;
                        for x in 0..4 {
                            points[x].write(to, (4 * y + x) * point_step + place);
                        }
                    }
                }
            }
        }
    }
}

/// 0, 1 and −1 in registers: sums of vectors are products with them, rounded once.
#[derive(Clone, Copy)]
struct Signs<V> {
    zero: V,
    plus: V,
    minus: V,
}

impl<V: Copy> Signs<V> {
    #[inline(always)]
    fn new<T: Element>() -> Self
    where
        V: Lanes<T>,
    {
        Signs { zero: V::splat(T::zero()), plus: V::splat(T::one()), minus: V::splat(-T::one()) }
    }

    #[inline(always)]
    fn zeros(&self) -> [V; 4] {
        [self.zero; 4]
    }

    /// `Bᵀ` times four values.
    #[inline(always)]
    fn spread<T: Element>(&self, [a, b, c, d]: [V; 4]) -> [V; 4]
    where
        V: Lanes<T>,
    {
        [c.mul_add(self.minus, a), b.mul_add(self.plus, c), b.mul_add(self.minus, c), d.mul_add(self.minus, b)]
    }

    /// `Aᵀ` times four values.
    #[inline(always)]
    fn gather<T: Element>(&self, [a, b, c, d]: [V; 4]) -> [V; TILE]
    where
        V: Lanes<T>,
    {
        let (both, apart) = (b.mul_add(self.plus, c), c.mul_add(self.minus, b));
        [a.mul_add(self.plus, both), d.mul_add(self.minus, apart)]
    }

    /// `A` times two values.
    #[inline(always)]
    fn scatter<T: Element>(&self, [a, b]: [V; TILE]) -> [V; 4]
    where
        V: Lanes<T>,
    {
        [a, a.mul_add(self.plus, b), b.mul_add(self.minus, a), b.mul_add(self.minus, self.zero)]
    }
}
