//! Images: the embedded set, IDX and CIFAR; channels, scales, augmentation.

use ndarray::Array2;

use super::*;

fn config(samples: Option<usize>, label_noise: f64) -> DataConfig {
    DataConfig { train_samples: samples, label_noise, ..DataConfig::new("fashion-mnist-12k") }
}

fn small() -> DataConfig {
    config(Some(50), 0.0)
}

#[test]
fn the_embedded_set_is_the_documented_one() {
    let data = Dataset::load(&config(None, 0.0)).unwrap();
    assert_eq!((data.train.len(), data.validation.len(), data.train.width()), (12_000, 2_000, 784));
    assert_eq!((data.train.shape(), data.info.outputs), ([1, 28, 28].as_slice(), 10));
    assert_eq!(classes(&data.train)[..10], [9, 0, 0, 3, 0, 2, 7, 2, 5, 5]);
    let mut counts = [0; 10];
    classes(&data.train).iter().for_each(|&label| counts[label as usize] += 1);
    assert_eq!(counts, [1200; 10]);
    let sum: f64 = rows(&data.train).iter().flatten().map(|&value| f64::from(value)).sum();
    let mean = sum / (12_000.0 * 784.0);
    assert!((mean - 0.28653).abs() < 1e-5, "{mean}");
    assert_eq!(data.info.classes[9], "Ankle boot");
}

#[test]
fn recorded_fingerprints_of_plain_images_stay_what_they_were() {
    // Of a version that knew nothing but images.
    let whole = Dataset::load(&config(None, 0.0)).unwrap();
    assert_eq!(whole.info.fingerprint, "sha256:217027e446c78b6ff36ae26af7ceb2e3c360bc94f08e1895a48a18eb8ff4a269");
    let noisy = Dataset::load(&config(Some(2000), 0.2)).unwrap();
    assert_eq!(noisy.info.fingerprint, "sha256:75e8fcf980892a11d0f872d162ba61571ff929287c02bbbfd30e1a1f6330c60c");
}

#[test]
fn a_slice_keeps_the_first_samples_and_noise_its_share_of_labels() {
    let clean = Dataset::load(&config(Some(2000), 0.0)).unwrap();
    let noisy = Dataset::load(&config(Some(2000), 0.2)).unwrap();
    assert_eq!((clean.info.noisy_labels, noisy.info.noisy_labels), (0, 400));
    let differ = classes(&clean.train).iter().zip(classes(&noisy.train)).filter(|(a, b)| a != b).count();
    // A redrawn label is the old one again in one case of ten.
    assert!((330..400).contains(&differ), "{differ}");
    assert_ne!(clean.info.fingerprint, noisy.info.fingerprint);
    assert_eq!(noisy.info.fingerprint, Dataset::load(&config(Some(2000), 0.2)).unwrap().info.fingerprint);
}

#[test]
fn gathered_pixels_are_divided_by_255() {
    let samples = Samples::of_images(vec![0, 255, 51, 102], [1, 1, 2], Targets::Classes(vec![3, 4]));
    let mut inputs = Array2::<f32>::zeros((2, 2));
    let mut labels = [0; 2];
    samples.gather([1, 0], inputs.view_mut(), &mut labels);
    assert_eq!(inputs.as_slice().unwrap(), [0.2, 0.4, 0.0, 1.0]);
    assert_eq!(labels, [4, 3]);
}

#[test]
fn every_setting_that_changes_the_samples_changes_the_fingerprint() {
    let configs = [
        small(),
        DataConfig { repeat_channels: 3, ..small() },
        DataConfig { standardise: Some(Standardise::Inputs), ..small() },
        DataConfig { augment: vec![Augmentation::Flip], ..small() },
        DataConfig { augment: vec![Augmentation::Shift(1)], ..small() },
        DataConfig { validation_fraction: Some(0.5), ..small() },
        DataConfig { validation_fraction: Some(0.5), split_seed: 4, ..small() },
        config(Some(51), 0.0),
        config(Some(50), 0.1),
    ];
    let mut prints: Vec<String> =
        configs.iter().map(|config| Dataset::load(config).unwrap().info.fingerprint).collect();
    prints.sort();
    prints.dedup();
    assert_eq!(prints.len(), configs.len());
}

#[test]
fn grey_images_are_shown_once_for_each_channel() {
    let (grey, three) =
        [1, 3].map(|repeat_channels| Dataset::load(&DataConfig { repeat_channels, ..small() }).unwrap()).into();
    assert_eq!((three.train.shape(), three.train.width()), ([3, 28, 28].as_slice(), 3 * 784));
    assert_eq!(row(&three.train, 7), row(&grey.train, 7).repeat(3));
    assert_eq!(row(&three.validation, 7), row(&grey.validation, 7).repeat(3));
}

#[test]
fn images_are_standardised_by_the_training_samples_alone() {
    let standard = DataConfig { standardise: Some(Standardise::Inputs), ..small() };
    let data = Dataset::load(&standard).unwrap();
    let moments = |samples: &Samples| {
        let values: Vec<f64> = rows(samples).concat().into_iter().map(f64::from).collect();
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        (mean, values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / values.len() as f64)
    };
    let (mean, variance) = moments(&data.train);
    assert!(mean.abs() < 1e-6 && (variance - 1.0).abs() < 1e-5, "{mean} {variance}");
    assert!(moments(&data.validation).0.abs() > 1e-3, "of the validation samples they are others");
}

#[test]
fn a_share_of_the_training_samples_takes_the_place_of_the_test_images() {
    let data = Dataset::load(&DataConfig { validation_fraction: Some(0.25), ..config(None, 0.0) }).unwrap();
    assert_eq!((data.train.len(), data.validation.len()), (9_000, 3_000));
    let other = Dataset::load(&DataConfig { validation: Some("fashion-mnist-12k".into()), ..config(None, 0.0) });
    assert_eq!(other.unwrap().info.validation, 2_000);
}

#[test]
fn an_augmented_image_is_determined_and_the_validation_images_are_not_augmented() {
    let augment = vec![Augmentation::Flip, Augmentation::Shift(3)];
    let config = DataConfig { augment, repeat_channels: 2, ..small() };
    let data = Dataset::load(&config).unwrap().seeded(5);
    let shown = |samples: &Samples, index, epoch| {
        let mut row = vec![f32::NAN; samples.width()];
        samples.write_augmented(index, epoch, &mut row);
        row
    };
    let first: Vec<Vec<f32>> = (0..50).map(|index| shown(&data.train, index, 0)).collect();
    assert_eq!(first, (0..50).map(|index| shown(&data.train, index, 0)).collect::<Vec<_>>());
    assert_ne!(first, (0..50).map(|index| shown(&data.train, index, 1)).collect::<Vec<_>>());
    assert_ne!(first, rows(&data.train));
    let other = Dataset::load(&config).unwrap().seeded(6);
    assert_ne!(first, (0..50).map(|index| shown(&other.train, index, 0)).collect::<Vec<_>>());
    for row in &first {
        let (one, two) = row.split_at(784);
        assert!(one == two && row.iter().all(|value| (0.0..=1.0).contains(value)));
    }
    assert_eq!(shown(&data.validation, 3, 0), row(&data.validation, 3));
    let plain = Dataset::load(&small()).unwrap();
    assert_eq!(shown(&plain.train, 3, 9), row(&plain.train, 3));
}

#[test]
fn what_comes_in_from_outside_is_black_in_standardised_images_too() {
    let config =
        DataConfig { augment: vec![Augmentation::Shift(27)], standardise: Some(Standardise::Inputs), ..small() };
    let data = Dataset::load(&config).unwrap().seeded(1);
    let black = row(&data.train, 0)[0];
    let mut shown = vec![f32::NAN; 784];
    let most_black = (0..50).map(|index| {
        data.train.write_augmented(index, 0, &mut shown);
        shown.iter().filter(|&&value| value == black).count()
    });
    // Moved by half its size both ways, three quarters of an image come from outside.
    assert!(most_black.max().unwrap() > 600);
}

#[test]
fn settings_that_mean_nothing_for_images_are_refused_by_name() {
    let unknown = DataConfig { train_samples: None, ..DataConfig::new("no-such-set") };
    assert!(refusal(&unknown).contains("`no-such-set`"));
    let of = |config: DataConfig| refusal(&config);
    let words = |words: &[&str]| words.iter().map(|word| word.to_string()).collect::<Vec<_>>();
    for (message, part) in [
        (
            of(config(Some(12_001), 0.0)),
            "train-samples must be from 1 to 12000, the size of the training set, got 12001",
        ),
        (of(config(Some(0), 0.0)), "got 0"),
        (of(config(None, 1.5)), "label-noise must be a share from 0 to 1, got 1.5"),
        (of(config(None, f64::NAN)), "label-noise must be a share"),
        (of(DataConfig { target: words(&["label"]), ..small() }), "target needs a .csv or .tsv file"),
        (of(DataConfig { ignore: words(&["label"]), ..small() }), "ignore needs a .csv or .tsv file"),
        (of(DataConfig { task: Some(crate::stream::Task::Values), ..small() }), "task needs a table"),
        (of(DataConfig { repeat_channels: 0, ..small() }), "repeat-channels must be from 1 to 64, got 0"),
        (of(DataConfig { repeat_channels: 65, ..small() }), "repeat-channels must be from 1 to 64, got 65"),
        (of(DataConfig { augment: vec![Augmentation::Shift(28)], ..small() }), "more than 28×28 pixels"),
        (of(DataConfig { augment: vec![Augmentation::Flip; 2], ..small() }), "augment has flip twice"),
        (of(DataConfig { validation_fraction: Some(1.0), ..small() }), "above 0 and below 1, got 1"),
        (
            of(DataConfig { validation: Some("a".into()), validation_fraction: Some(0.5), ..small() }),
            "--validation-fraction, not both",
        ),
        (of(DataConfig { validation: Some("nowhere".into()), ..small() }), "data `nowhere`"),
        (of(DataConfig { validation: Some("co2-weekly".into()), ..small() }), "of another kind"),
    ] {
        assert!(message.contains(part), "{message}");
    }
}
