//! eˣ and the hyperbolic tangent in f32, without a branch, so that a loop over many becomes vectors.
//!
//! Every product that is followed by a sum is fused explicitly: the bits are the same on every machine.

/// eˣ, within 1 unit in the last place.
///
/// x = n·ln 2 + r with |r| ≤ ln 2/2, and eʳ by a polynomial of degree 7 (Cephes, S. L. Moshier).
#[inline(always)]
pub fn exp(x: f32) -> f32 {
    /// Adding and subtracting it rounds to a whole number; the number stands in its last bits meanwhile.
    const ROUND: f32 = 12_582_912.0;
    const LN_2_HIGH: f32 = 0.693_359_4;
    const LN_2_LOW: f32 = -2.121_944_4e-4;

    let shifted = x.mul_add(std::f32::consts::LOG2_E, ROUND);
    let n = shifted - ROUND;
    let r = (-n).mul_add(LN_2_LOW, (-n).mul_add(LN_2_HIGH, x));
    let mut sum = 1.987_569_1e-4f32;
    for term in [1.398_199_9e-3, 8.333_452e-3, 4.166_579_6e-2, 1.666_666_5e-1, 0.5, 1.0, 1.0] {
        sum = sum.mul_add(r, term);
    }
    // 2ⁿ as a product of two, since n goes beyond an exponent's range at both ends.
    let n = (shifted.to_bits().wrapping_sub(ROUND.to_bits())) as i32;
    let half = n >> 1;
    let power = |n: i32| f32::from_bits(((n + 127) as u32) << 23);
    let inner = x.clamp(-104.0, 88.73);
    let scaled = sum * power(half.clamp(-126, 127)) * power((n - half).clamp(-126, 127));
    if inner == x || x.is_nan() {
        scaled
    } else if x > 0.0 {
        f32::INFINITY
    } else {
        0.0
    }
}

/// The hyperbolic tangent, within 2 units in the last place.
#[inline(always)]
pub fn tanh(x: f32) -> f32 {
    let size = x.abs();
    let square = x * x;
    let mut sum = -5.704_988_7e-3f32;
    for term in [2.063_908_8e-2, -5.373_971_6e-2, 1.333_144_2e-1, -3.333_328_3e-1] {
        sum = sum.mul_add(square, term);
    }
    let small = (sum * square).mul_add(x, x);
    let large = 1.0 - 2.0 / (exp(2.0 * size) + 1.0);
    (if size < 0.625 { small } else { large }).copysign(x)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The distance in units in the last place of the right value.
    fn distance(got: f32, right: f64) -> f64 {
        let unit = f64::from(f32::from_bits((right as f32).abs().to_bits().max(0x0080_0000) + 1))
            - f64::from(f32::from_bits((right as f32).abs().to_bits().max(0x0080_0000)));
        (f64::from(got) - right).abs() / unit
    }

    #[test]
    fn the_exponential_is_within_one_unit() {
        let worst = (-1040..887)
            .flat_map(|tenth| (0..40).map(move |part| tenth as f32 / 10.0 + part as f32 * 0.002_47))
            .map(|x| distance(exp(x), libm::exp(f64::from(x))))
            .fold(0.0, f64::max);
        assert!(worst <= 1.0, "{worst}");
        assert_eq!(exp(0.0), 1.0);
        assert_eq!(
            (exp(89.0), exp(f32::INFINITY), exp(-105.0), exp(f32::NEG_INFINITY)),
            (f32::INFINITY, f32::INFINITY, 0.0, 0.0)
        );
        assert_eq!(exp(1e30), f32::INFINITY);
        assert!(exp(f32::NAN).is_nan());
    }

    #[test]
    fn the_tangent_is_within_two_units() {
        let worst = (-10_000..10_000)
            .map(|at| at as f32 * 1.1e-3)
            .map(|x| distance(tanh(x), libm::tanh(f64::from(x))))
            .fold(0.0, f64::max);
        assert!(worst <= 2.0, "{worst}");
        assert_eq!((tanh(50.0), tanh(-50.0), tanh(f32::INFINITY)), (1.0, -1.0, 1.0));
        assert!(tanh(-0.0).is_sign_negative() && tanh(f32::NAN).is_nan());
    }
}
