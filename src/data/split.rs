//! Which samples are held out for validation.

use super::DataError;
use crate::random::{Generator, Purpose};

/// The share that is held out where a source has no validation part and nobody says how much.
pub const DEFAULT_FRACTION: f64 = 0.2;

/// Of so many samples, those to train on and those to validate with, each in their order: a share that the seed
/// draws.
///
/// # Errors
/// [`DataError::Fraction`], [`DataError::TooFewToSplit`]
pub fn draw(samples: usize, fraction: f64, seed: u64) -> Result<(Vec<usize>, Vec<usize>), DataError> {
    let held_out = count(samples, fraction)?;
    let mut order: Vec<usize> = (0..samples).collect();
    Generator::new(seed, Purpose::Split, 0).shuffle(&mut order);
    let (validation, train) = order.split_at_mut(held_out);
    validation.sort_unstable();
    train.sort_unstable();
    Ok((train.to_vec(), validation.to_vec()))
}

/// How many of so many are held out: the share, rounded, which leaves one on either side.
pub fn count(samples: usize, fraction: f64) -> Result<usize, DataError> {
    if !(fraction > 0.0 && fraction < 1.0) {
        return Err(DataError::Fraction(fraction));
    }
    let held_out = (samples as f64 * fraction).round() as usize;
    if held_out == 0 || held_out >= samples {
        return Err(DataError::TooFewToSplit { samples, fraction });
    }
    Ok(held_out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_sample_is_on_one_side_and_the_seed_says_on_which() {
        let (train, validation) = draw(100, 0.2, 1).unwrap();
        assert_eq!((train.len(), validation.len()), (80, 20));
        let mut all = [train.clone(), validation.clone()].concat();
        all.sort_unstable();
        assert_eq!(all, (0..100).collect::<Vec<_>>());
        assert!(train.is_sorted() && validation.is_sorted());
        assert_eq!(draw(100, 0.2, 1).unwrap(), (train, validation.clone()));
        assert_ne!(draw(100, 0.2, 2).unwrap().1, validation);
    }

    #[test]
    fn a_share_that_leaves_a_side_empty_is_refused() {
        for fraction in [0.0, 1.0, -0.5, f64::NAN, f64::INFINITY] {
            assert!(matches!(draw(10, fraction, 1), Err(DataError::Fraction(_))), "{fraction}");
        }
        assert!(matches!(draw(1, 0.5, 1), Err(DataError::TooFewToSplit { .. })));
        assert!(matches!(draw(10, 0.01, 1), Err(DataError::TooFewToSplit { .. })));
    }
}
