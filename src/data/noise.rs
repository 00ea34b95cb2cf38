//! Label noise.

use crate::random::{Generator, Purpose};

/// Redraws the labels of a random `share` of the samples uniformly over all classes, the old one included, and
/// returns how many were redrawn: the share of the labels, rounded.
pub fn redraw_labels(labels: &mut [u32], share: f64, classes: usize, seed: u64) -> usize {
    let count = (share * labels.len() as f64).round() as usize;
    let mut generator = Generator::new(seed, Purpose::LabelNoise, 0);
    let mut order: Vec<usize> = (0..labels.len()).collect();
    generator.shuffle(&mut order);
    for &index in &order[..count] {
        labels[index] = generator.below(classes) as u32;
    }
    count
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn noise_is_uniform_over_all_classes_and_follows_the_seed() {
        let noisy = |seed| {
            let mut labels = vec![0; 10_000];
            assert_eq!(redraw_labels(&mut labels, 0.5, 10, seed), 5_000);
            labels
        };
        let labels = noisy(1);
        for class in 1..10 {
            let count = labels.iter().filter(|&&label| label == class).count();
            assert!((400..600).contains(&count), "class {class}: {count}");
        }
        assert_eq!(labels, noisy(1));
        assert_ne!(labels, noisy(2));
    }
}
