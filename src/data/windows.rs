//! A series cut into samples: so many past values, and the next ones to predict.
//!
//! Training ends where validation begins: no training sample has a value of the validation part in it, neither as an
//! input nor as a target. A validation sample's inputs may reach back into the training part, as they would on the
//! day of the forecast.

use std::ops::Range;

use ndarray::Array2;
use thiserror::Error;

use super::samples::{Inputs, Samples, Scale, Targets};
use super::{DataError, MOST_VALUES, split, standardise};
use crate::stream::{DataConfig, Missing, SeriesConfig, Standardise};

/// Longer windows are taken for a slip; it is also the widest layer there can be.
const LONGEST: usize = 1 << 16;

/// What can be wrong with a series.
#[derive(Debug, Error, PartialEq)]
pub enum SeriesError {
    /// Of no length, or of too much.
    #[error("{key} must be from 1 to {LONGEST}, got {value}")]
    Length {
        /// `window` or `horizon`.
        key: &'static str,
        /// What was asked for.
        value: usize,
    },
    /// Shorter than a sample.
    #[error(
        "{part} has {values} values, fewer than the {window} + {horizon} of a sample: choose a shorter --window or --horizon"
    )]
    TooShort {
        /// Which part of the series.
        part: &'static str,
        /// Its values.
        values: usize,
        /// Past values in a sample.
        window: usize,
        /// Next values in a sample.
        horizon: usize,
    },
    /// A gap.
    #[error(
        "value {at} of the series is missing: --missing drop leaves out the windows with a gap, --missing mean fills it in with the mean"
    )]
    Missing {
        /// Its place, from 1.
        at: usize,
    },
    /// Every window has a gap.
    #[error("{0} has no window without a missing value")]
    AllMissing(&'static str),
    /// More target values than can be meant.
    #[error(
        "{windows} windows of {horizon} values to predict are more than the {MOST_VALUES} values there is room for"
    )]
    TooLarge {
        /// Samples.
        windows: usize,
        /// Next values in a sample.
        horizon: usize,
    },
    /// A value that f32 does not hold once it is standardised.
    #[error("a value of the series lies so far from the training part that f32 cannot hold it once it is standardised")]
    Overflow,
}

/// Samples of a series.
pub struct Windows {
    pub train: Samples,
    pub validation: Samples,
    /// Windows that were left out for a gap.
    pub left_out: usize,
}

/// Cuts a series, NaN where a value is missing. `validation` is a series of its own to validate with; without one it
/// is the last part in time.
///
/// # Errors
/// [`SeriesError`]; [`DataError`] where the share of the validation part or the number of samples is out of range.
pub fn cut(
    series: Vec<f64>,
    validation: Option<Vec<f64>>,
    config: &DataConfig,
    how: SeriesConfig,
) -> Result<Windows, DataError> {
    for (key, value) in [("window", how.window), ("horizon", how.horizon)] {
        if !(1..=LONGEST).contains(&value) {
            return Err(SeriesError::Length { key, value }.into());
        }
    }
    let series = prepare(series, config.missing, how)?;
    let own = validation.is_none();
    let later = validation.map(|values| prepare(values, config.missing, how)).transpose()?;
    let boundary = match own {
        true => {
            series.len() - split::count(series.len(), config.validation_fraction.unwrap_or(split::DEFAULT_FRACTION))?
        }
        false => series.len(),
    };
    let (mut starts, before) = windows(&series, 0..boundary, "the training part", config.missing, how)?;
    let (validation_starts, after) = match &later {
        Some(values) => windows(values, 0..values.len(), "the validation series", config.missing, how)?,
        // The first target is the part's first value.
        None => {
            let from = boundary.saturating_sub(how.window);
            windows(&series, from..series.len(), "the validation part", config.missing, how)?
        }
    };
    if let Some(count) = config.train_samples {
        if count == 0 || count > starts.len() {
            return Err(DataError::TooManySamples { asked: count, have: starts.len() });
        }
        starts.truncate(count);
    }

    let end = starts.last().map_or(0, |start| start + how.window + how.horizon);
    let moments = standardise::of_values(series[..end].iter().copied());
    let (of_inputs, of_targets) = match config.standardise.unwrap_or(Standardise::All) {
        Standardise::None => (Scale::NONE, Scale::NONE),
        Standardise::Inputs => (moments, Scale::NONE),
        Standardise::All => (moments, moments),
    };
    let samples = |values: &[f64], starts: Vec<usize>| {
        let value = |value: f64, scale: Scale| scale.of(if value.is_nan() { moments.mean } else { value }) as f32;
        let inputs: Vec<f32> = values.iter().map(|&own| value(own, of_inputs)).collect();
        let targets = starts.iter().flat_map(|start| &values[start + how.window..][..how.horizon]);
        let targets: Vec<f32> = targets.map(|&own| value(own, of_targets)).collect();
        if inputs.iter().chain(&targets).any(|value| !value.is_finite()) {
            return Err(SeriesError::Overflow);
        }
        let targets = Array2::from_shape_vec((starts.len(), how.horizon), targets).expect("a row for each window");
        Ok(Samples::new(Inputs::Windows(inputs, starts), vec![how.window], 1, Targets::Values(targets)))
    };
    let train = samples(&series[..boundary], starts)?;
    let validation = samples(later.as_deref().unwrap_or(&series), validation_starts)?;
    Ok(Windows { train, validation, left_out: before + after })
}

/// The values that are cut: as they are, or what each adds to the one before.
fn prepare(series: Vec<f64>, missing: Missing, how: SeriesConfig) -> Result<Vec<f64>, SeriesError> {
    match series.iter().position(|value| value.is_nan()) {
        Some(at) if missing == Missing::Error => Err(SeriesError::Missing { at: at + 1 }),
        _ if how.difference => Ok(series.windows(2).map(|pair| pair[1] - pair[0]).collect()),
        _ => Ok(series),
    }
}

/// Where the windows of a part begin, and how many were left out.
fn windows(
    values: &[f64],
    part: Range<usize>,
    name: &'static str,
    missing: Missing,
    how: SeriesConfig,
) -> Result<(Vec<usize>, usize), SeriesError> {
    let SeriesConfig { window, horizon, .. } = how;
    let Some(last) = part.len().checked_sub(window + horizon) else {
        return Err(SeriesError::TooShort { part: name, values: part.len(), window, horizon });
    };
    let all = last + 1;
    if all.saturating_mul(horizon) > MOST_VALUES {
        return Err(SeriesError::TooLarge { windows: all, horizon });
    }
    // The last gap up to each place tells in one walk whether a window has one.
    let mut gap_before = vec![0; values.len() + 1];
    for (at, value) in values.iter().enumerate() {
        gap_before[at + 1] = if value.is_nan() { at + 1 } else { gap_before[at] };
    }
    let stays = |&start: &usize| {
        let looked_at = if missing == Missing::Mean { start + window } else { start };
        gap_before[start + window + horizon] <= looked_at
    };
    let starts: Vec<usize> = (part.start..part.start + all).filter(stays).collect();
    if starts.is_empty() {
        return Err(SeriesError::AllMissing(name));
    }
    let left_out = all - starts.len();
    Ok((starts, left_out))
}

#[cfg(test)]
mod tests {
    use super::*;

    const GAP: f64 = f64::NAN;

    fn how(window: usize, horizon: usize) -> SeriesConfig {
        SeriesConfig { window, horizon, difference: false }
    }

    fn config() -> DataConfig {
        DataConfig { standardise: Some(Standardise::None), ..DataConfig::new("test") }
    }

    fn rows(samples: &Samples) -> Vec<(Vec<f32>, Vec<f32>)> {
        let Targets::Values(targets) = samples.targets() else { panic!("a series has values") };
        let row = |index: usize| {
            let mut row = vec![0f32; samples.width()];
            samples.write(index, &mut row);
            (row, targets.row(index).to_vec())
        };
        (0..samples.len()).map(row).collect()
    }

    fn count_up(end: usize) -> Vec<f64> {
        (0..end).map(|value| value as f64).collect()
    }

    #[test]
    fn training_ends_where_validation_targets_begin() {
        let windows = cut(count_up(10), None, &config(), how(3, 2)).unwrap();
        assert_eq!(
            rows(&windows.train),
            [(0..3, 3..5), (1..4, 4..6), (2..5, 5..7), (3..6, 6..8)].map(|(x, y)| {
                let floats = |range: Range<i32>| range.map(|value| value as f32).collect::<Vec<_>>();
                (floats(x), floats(y))
            })
        );
        assert_eq!(rows(&windows.validation), [(vec![5.0, 6.0, 7.0], vec![8.0, 9.0])]);
    }

    #[test]
    fn differences_are_taken_before_the_cut() {
        let squares = count_up(12).iter().map(|value| value * value).collect();
        let windows = cut(squares, None, &config(), SeriesConfig { difference: true, ..how(2, 1) }).unwrap();
        assert_eq!(rows(&windows.train)[0], (vec![1.0, 3.0], vec![5.0]));
        assert_eq!(rows(&windows.validation)[1], (vec![17.0, 19.0], vec![21.0]));
    }

    #[test]
    fn the_scale_is_that_of_the_training_part_alone() {
        let mut series = vec![1.0, 3.0, 1.0, 3.0, 1.0, 3.0, 1.0, 3.0, 100.0, 200.0];
        let standard = DataConfig { standardise: None, ..config() };
        let windows = cut(series.clone(), None, &standard, how(2, 1)).unwrap();
        assert_eq!(rows(&windows.train)[0], (vec![-1.0, 1.0], vec![-1.0]));
        assert_eq!(rows(&windows.validation)[0], (vec![-1.0, 1.0], vec![98.0]));
        series[9] = -1e6;
        let other = cut(series, None, &standard, how(2, 1)).unwrap();
        assert_eq!(rows(&other.train), rows(&windows.train));
        let inputs = DataConfig { standardise: Some(Standardise::Inputs), ..config() };
        let windows = cut(vec![1.0, 3.0, 1.0, 3.0, 1.0, 3.0], Some(vec![5.0; 3]), &inputs, how(2, 1)).unwrap();
        assert_eq!(rows(&windows.validation)[0], (vec![3.0, 3.0], vec![5.0]));
    }

    #[test]
    fn a_gap_is_an_error_or_leaves_windows_out_or_is_filled_in_where_it_is_no_target() {
        let series = vec![1.0, 2.0, GAP, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0];
        let with = |missing| cut(series.clone(), None, &DataConfig { missing, ..config() }, how(2, 1));
        assert_eq!(
            with(Missing::Error).err().unwrap().to_string().split(':').next(),
            Some("value 3 of the series is missing")
        );
        let dropped = with(Missing::Drop).unwrap();
        assert_eq!((dropped.train.len(), dropped.left_out), (3, 3));
        assert_eq!(rows(&dropped.train)[0], (vec![4.0, 5.0], vec![6.0]));
        let filled = with(Missing::Mean).unwrap();
        assert_eq!((filled.train.len(), filled.left_out), (5, 1));
        let mean = (1.0 + 2.0 + 4.0 + 5.0 + 6.0 + 7.0 + 8.0) / 7.0;
        assert_eq!(rows(&filled.train)[0], (vec![2.0, mean as f32], vec![4.0]));
    }

    #[test]
    fn what_leaves_no_window_is_refused() {
        let message = |result: Result<Windows, DataError>| result.err().unwrap().to_string();
        assert!(message(cut(count_up(10), None, &config(), how(7, 2))).starts_with("the training part has 8 values"));
        assert!(message(cut(count_up(10), None, &config(), how(0, 2))).starts_with("window must be from 1"));
        assert!(message(cut(count_up(10), None, &config(), how(2, 0))).starts_with("horizon must be from 1"));
        let far = DataConfig { validation_fraction: Some(0.1), ..config() };
        assert!(message(cut(count_up(10), None, &far, how(2, 2))).starts_with("the validation part has 3 values"));
        let drop = DataConfig { missing: Missing::Drop, ..config() };
        let gaps = (0..10).map(|at| if at % 2 == 0 { GAP } else { 1.0 }).collect();
        assert_eq!(
            message(cut(gaps, None, &drop, how(2, 1))),
            "the training part has no window without a missing value"
        );
        let first = DataConfig { train_samples: Some(99), ..config() };
        assert!(message(cut(count_up(10), None, &first, how(2, 1))).contains("from 1 to 6"));
    }
}
