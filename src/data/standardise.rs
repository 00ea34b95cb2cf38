//! Means and standard deviations, of the training samples alone.

use super::draft::{Column, Draft, DraftInputs, DraftTargets};
use super::samples::Scale;
use crate::stream::Standardise;

/// What is done where nobody says otherwise: images are left as they are, numbers are standardised.
pub fn default_for(draft: &Draft) -> Standardise {
    match draft.inputs {
        DraftInputs::Floats(..) if draft.sizes.len() == 1 => Standardise::All,
        _ => Standardise::None,
    }
}

/// The scale of each input column, or of each channel of images, over training samples; a missing value is in none of
/// them. Columns of categories keep their 0 and 1.
pub fn input_scales(train: &Draft) -> Vec<Scale> {
    let (channels, plane) = match train.sizes.as_slice() {
        &[channels, height, width] => (channels, height * width),
        _ => (train.width(), 1),
    };
    match &train.inputs {
        DraftInputs::Bytes(values) => {
            let mut counts = vec![[0u64; 256]; channels];
            for (pixels, channel) in values.chunks_exact(plane).zip((0..channels).cycle()) {
                pixels.iter().for_each(|&pixel| counts[channel][usize::from(pixel)] += 1);
            }
            counts.iter().map(of_pixels).collect()
        }
        DraftInputs::Floats(values, columns) => {
            let mut scales = of_columns(values, channels, plane);
            for (scale, column) in scales.iter_mut().zip(columns) {
                if *column == Column::Category {
                    *scale = Scale::NONE;
                }
            }
            scales
        }
    }
}

/// The scale of each target value.
pub fn target_scales(train: &Draft) -> Vec<Scale> {
    match &train.targets {
        DraftTargets::Classes(_) => Vec::new(),
        DraftTargets::Values(columns, values) => of_columns(values, *columns, 1),
    }
}

/// The mean of each input column over training samples, for what is missing; of a category it is its share.
pub fn input_means(train: &Draft) -> Vec<f64> {
    match &train.inputs {
        DraftInputs::Bytes(_) => Vec::new(),
        DraftInputs::Floats(values, _) => of_columns(values, train.width(), 1).iter().map(|scale| scale.mean).collect(),
    }
}

/// Puts the means where values are missing.
pub fn fill_in(draft: &mut Draft, means: &[f64]) {
    if let DraftInputs::Floats(values, _) = &mut draft.inputs {
        let cells = values.iter_mut().zip(means.iter().cycle());
        cells.filter(|(value, _)| value.is_nan()).for_each(|(value, &mean)| *value = mean);
    }
}

/// Mean and deviation of what is there; an empty or constant list has deviation 1.
pub fn of_values(values: impl Iterator<Item = f64> + Clone) -> Scale {
    let there = values.filter(|value| !value.is_nan());
    let (count, sum) = there.clone().fold((0u64, 0.0), |(count, sum), value| (count + 1, sum + value));
    let count = count.max(1) as f64;
    let mean = sum / count;
    scale(mean, there.fold(0.0, |sum, value| sum + (value - mean) * (value - mean)) / count)
}

fn scale(mean: f64, variance: f64) -> Scale {
    let deviation = variance.sqrt();
    // A constant column differs from its mean by rounding alone.
    let constant = deviation <= mean.abs() * 1e-12;
    Scale { mean, deviation: if constant { 1.0 } else { deviation } }
}

/// Row-major cells of `channels` planes each.
fn of_columns(values: &[f64], channels: usize, plane: usize) -> Vec<Scale> {
    let row = channels * plane;
    let of = |channel: usize| {
        let cells = values.chunks_exact(row).flat_map(move |row| &row[channel * plane..(channel + 1) * plane]);
        of_values(cells.copied())
    };
    (0..channels).map(of).collect()
}

/// Of pixels over 255, by how often each occurs.
fn of_pixels(counts: &[u64; 256]) -> Scale {
    let total = counts.iter().sum::<u64>().max(1) as f64;
    let moment = |of: &dyn Fn(f64) -> f64| {
        (0u8..=255).zip(counts).map(|(value, &count)| count as f64 * of(f64::from(value) / 255.0)).sum::<f64>() / total
    };
    let mean = moment(&|value| value);
    scale(mean, moment(&|value| (value - mean) * (value - mean)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_scaled_by_their_own_moments_and_categories_are_not() {
        let values = vec![1.0, 5.0, 0.0, 3.0, 5.0, 1.0, f64::NAN, 5.0, 1.0];
        let columns = vec![Column::Number, Column::Number, Column::Category];
        let inputs = DraftInputs::Floats(values, columns);
        let mut draft = Draft { inputs, sizes: vec![3], targets: DraftTargets::Values(1, vec![2.0, 4.0, 6.0]) };
        let scales = input_scales(&draft);
        assert_eq!(scales, [Scale { mean: 2.0, deviation: 1.0 }, Scale { mean: 5.0, deviation: 1.0 }, Scale::NONE]);
        assert_eq!(target_scales(&draft)[0].mean, 4.0);
        let means = input_means(&draft);
        assert_eq!(means, [2.0, 5.0, 2.0 / 3.0]);
        fill_in(&mut draft, &means);
        let DraftInputs::Floats(values, _) = draft.inputs else { panic!("they were numbers") };
        assert_eq!(values[6], 2.0);
    }

    #[test]
    fn pixels_are_scaled_by_channel() {
        let draft = Draft {
            inputs: DraftInputs::Bytes(vec![0, 255, 51, 51, 255, 0, 51, 51]),
            sizes: vec![2, 1, 2],
            targets: DraftTargets::Classes(vec![0, 1]),
        };
        let [first, second] = input_scales(&draft).try_into().unwrap();
        assert_eq!(first, Scale { mean: 0.5, deviation: 0.5 });
        assert_eq!(second, Scale { mean: 0.2, deviation: 1.0 });
    }
}
