//! The number type that everything numeric is generic over: f32 is what runs, f64 is what is checked.

mod exponential;

use std::fmt::Debug;
use std::ops::Neg;

use ndarray::LinalgScalar;

/// f32 or f64.
///
/// `exp`, `ln`, `tanh` and `erf` are written in Rust, most of them libm's: the platform's own differ between machines in
/// the last bit, and a run must not.
pub trait Scalar: LinalgScalar + PartialOrd + Neg<Output = Self> + Default + Debug + Send + Sync {
    /// The magnitude's bit pattern, ordered as magnitudes are: finite < infinite < NaN.
    type Bits: Ord + Copy + Default + Send + Sync;

    /// The bit pattern of infinity; whatever is below it is finite.
    const INFINITY_BITS: Self::Bits;
    /// The largest finite value.
    const LARGEST: f64;

    /// The nearest value of this type.
    fn of(value: f64) -> Self;
    /// value/255, correctly rounded: a pixel as a network sees it.
    fn of_pixel(value: u8) -> Self;
    /// The same value in f64.
    fn wide(self) -> f64;
    /// Square root, correctly rounded.
    fn sqrt(self) -> Self;
    /// `self·b + c`, rounded once.
    fn mul_add(self, b: Self, c: Self) -> Self;
    /// The magnitude.
    fn abs(self) -> Self;
    /// In f32, 0 in place of a subnormal number: what decays towards zero arrives there, and the processor's slow
    /// path for such numbers is not taken step after step. f64 is what is checked, and stays exact.
    fn flush(self) -> Self;
    /// eˣ
    fn exp(self) -> Self;
    /// Natural logarithm.
    fn ln(self) -> Self;
    /// Hyperbolic tangent.
    fn tanh(self) -> Self;
    /// The error function.
    fn erf(self) -> Self;
    /// The magnitude's bit pattern.
    fn magnitude_bits(self) -> Self::Bits;
    /// The value whose magnitude has this pattern.
    fn from_magnitude(bits: Self::Bits) -> Self;
    /// The same values where this type is f32, for what is written with f32's own vector instructions.
    fn as_singles<const N: usize>(values: &[Self; N]) -> Option<&[f32; N]>;
    /// Appends the little-endian bytes.
    fn write_le(self, bytes: &mut Vec<u8>);
}

macro_rules! scalar {
    ($type:ty, $bits:ty, $smallest:expr, $exp:path, $ln:path, $tanh:path, $erf:path, $singles:expr) => {
        impl Scalar for $type {
            type Bits = $bits;

            const INFINITY_BITS: $bits = <$type>::INFINITY.to_bits();
            const LARGEST: f64 = <$type>::MAX as f64;

            #[inline(always)]
            fn of(value: f64) -> Self {
                value as $type
            }

            // Two products and a sum in place of a division, which a vector unit is slow at. HIGH has 8 bits less than
            // the type, so that its product is exact and the sum alone rounds; a test compares all 256.
            #[inline(always)]
            fn of_pixel(value: u8) -> Self {
                const HIGH: $type = <$type>::from_bits((1.0 as $type / 255.0).to_bits() & !0xff);
                const LOW: $type = (1.0 - 255.0 * HIGH) / 255.0;
                let value = <$type>::from(value);
                value * HIGH + value * LOW
            }

            #[inline(always)]
            fn wide(self) -> f64 {
                self as f64
            }

            #[inline(always)]
            fn sqrt(self) -> Self {
                <$type>::sqrt(self)
            }

            #[inline(always)]
            fn mul_add(self, b: Self, c: Self) -> Self {
                <$type>::mul_add(self, b, c)
            }

            #[inline(always)]
            fn abs(self) -> Self {
                <$type>::abs(self)
            }

            #[inline(always)]
            fn flush(self) -> Self {
                if self.abs() < $smallest { 0.0 } else { self }
            }

            #[inline(always)]
            fn exp(self) -> Self {
                $exp(self)
            }

            #[inline]
            fn ln(self) -> Self {
                $ln(self)
            }

            #[inline(always)]
            fn tanh(self) -> Self {
                $tanh(self)
            }

            #[inline]
            fn erf(self) -> Self {
                $erf(self)
            }

            #[inline(always)]
            fn magnitude_bits(self) -> $bits {
                self.abs().to_bits()
            }

            #[inline(always)]
            fn from_magnitude(bits: $bits) -> Self {
                <$type>::from_bits(bits)
            }

            #[inline(always)]
            fn as_singles<const N: usize>(values: &[Self; N]) -> Option<&[f32; N]> {
                $singles(values)
            }

            fn write_le(self, bytes: &mut Vec<u8>) {
                bytes.extend_from_slice(&self.to_le_bytes());
            }
        }
    };
}

scalar!(f32, u32, f32::MIN_POSITIVE, exponential::exp, libm::logf, exponential::tanh, libm::erff, Some);
scalar!(f64, u64, 0.0, libm::exp, libm::log, libm::tanh, libm::erf, |_| None);

/// The larger of two; the second where one is NaN.
#[inline(always)]
pub fn larger<T: Scalar>(a: T, b: T) -> T {
    if a > b { a } else { b }
}

/// The smaller of two; the second where one is NaN.
#[inline(always)]
pub fn smaller<T: Scalar>(a: T, b: T) -> T {
    if a < b { a } else { b }
}

/// -1, 0 or 1: unlike `signum`, 0 where the value is 0.
#[inline(always)]
pub fn sign<T: Scalar>(value: T) -> T {
    if value > T::zero() {
        T::one()
    } else if value < T::zero() {
        -T::one()
    } else {
        T::zero()
    }
}

/// The largest magnitude among `values`; NaN if one of them is NaN.
pub fn largest<T: Scalar>(values: impl IntoIterator<Item = T>) -> T {
    T::from_magnitude(values.into_iter().fold(T::Bits::default(), |most, value| most.max(value.magnitude_bits())))
}

/// Whether the value is neither infinite nor NaN.
#[inline(always)]
pub fn is_finite<T: Scalar>(value: T) -> bool {
    value.magnitude_bits() < T::INFINITY_BITS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pixel_is_its_quotient_by_255_to_the_last_bit() {
        for value in 0..=u8::MAX {
            assert_eq!(f32::of_pixel(value), f32::from(value) / 255.0, "{value}");
            assert_eq!(f64::of_pixel(value), f64::from(value) / 255.0, "{value}");
        }
    }

    #[test]
    fn the_largest_magnitude_does_not_lose_a_nan() {
        assert_eq!(largest([1.0f32, -3.0, 2.0]), 3.0);
        assert_eq!(largest::<f32>([]), 0.0);
        assert_eq!(largest([1.0f64, f64::NEG_INFINITY, 2.0]), f64::INFINITY);
        assert!(largest([f32::NAN, f32::INFINITY, 1.0]).is_nan());
        assert!(is_finite(f32::MAX) && !is_finite(f32::NAN) && !is_finite(f64::INFINITY));
    }
}
