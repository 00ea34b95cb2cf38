//! Files and folders: IDX, CIFAR and NumPy arrays.

use std::fs;

use super::*;
use crate::data::npy::tests::file as npy;
use crate::data::npz::tests::archive;
use crate::stream::{Missing, Task};

fn idx(folder: &Path, prefix: &str, count: u8) {
    let pixels = vec![7; 2 * usize::from(count)];
    let images = [&[0, 0, 8, 3, 0, 0, 0, count, 0, 0, 0, 1, 0, 0, 0, 2], pixels.as_slice()];
    let labels: Vec<u8> = (0..count).map(|label| label % 3).collect();
    put(folder, &format!("{prefix}-images-idx3-ubyte"), images.concat());
    put(folder, &format!("{prefix}-labels-idx1-ubyte"), [&[0, 0, 8, 1, 0, 0, 0, count], labels.as_slice()].concat());
}

#[test]
fn an_idx_folder_has_a_test_part_or_a_share_is_held_out() {
    let folder = tempfile::tempdir().unwrap();
    idx(folder.path(), "train", 10);
    let source = folder.path().to_str().unwrap();
    let data = Dataset::load(&DataConfig::new(source)).unwrap();
    assert_eq!((data.info.train, data.info.validation, data.info.classes.len()), (8, 2, 3));
    idx(folder.path(), "t10k", 4);
    assert_eq!(Dataset::load(&DataConfig::new(source)).unwrap().info.validation, 4);
    let images = folder.path().join("t10k-images-idx3-ubyte");
    let by_file = DataConfig {
        validation: Some(images.to_str().unwrap().into()),
        ..DataConfig::new(folder.path().join("train-images-idx3-ubyte").to_str().unwrap())
    };
    let data = Dataset::load(&by_file).unwrap();
    assert_eq!((data.info.train, data.info.validation), (10, 4));
}

#[test]
fn a_cifar_folder_reads_with_the_names_of_its_classes() {
    let record = |labels: &[u8]| [labels, &[9; 3072]].concat();
    let folder = tempfile::tempdir().unwrap();
    put(folder.path(), "data_batch_1.bin", record(&[3]));
    put(folder.path(), "data_batch_2.bin", [record(&[9]), record(&[0])].concat());
    put(folder.path(), "test_batch.bin", record(&[1]));
    let source = folder.path().to_str().unwrap();
    let data = Dataset::load(&DataConfig { repeat_channels: 3, ..DataConfig::new(source) }).unwrap();
    assert_eq!((data.train.shape(), data.info.title.as_str()), ([3, 32, 32].as_slice(), "CIFAR-10"));
    assert_eq!((classes(&data.train), data.info.validation), ([3, 9, 0].as_slice(), 1));
    assert_eq!(data.info.classes[9], "truck");
    put(folder.path(), "test_batch.bin", record(&[1, 1]));
    assert!(refusal(&DataConfig::new(source)).contains("of another kind"));

    let folder = tempfile::tempdir().unwrap();
    put(folder.path(), "fine_label_names.txt", (0..100).map(|at| format!("class {at}\n")).collect::<String>());
    let file = put(folder.path(), "train.bin", [record(&[1, 42]), record(&[1, 41])].concat());
    for source in [folder.path().to_str().unwrap(), &file] {
        let data = Dataset::load(&DataConfig { validation_fraction: Some(0.5), ..DataConfig::new(source) }).unwrap();
        assert_eq!((data.info.classes[42].as_str(), data.info.outputs), ("class 42", 100));
    }
}

fn floats(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}

#[test]
fn numpy_files_side_by_side_are_inputs_and_targets() {
    let folder = tempfile::tempdir().unwrap();
    let x = put(folder.path(), "x_train.npy", npy("<f4", "(4, 2)", &floats(&[1., 2., 3., 2., 1., 2., 3., 2.])));
    put(folder.path(), "y_train.npy", npy("<i8", "(4,)", &[0u64, 1, 2, 1].map(u64::to_le_bytes).concat()));
    let test = put(folder.path(), "x_test.npy", npy("<f4", "(1, 2)", &floats(&[5., 2.])));
    put(folder.path(), "y_test.npy", npy("|u1", "(1, 1)", &[3]));
    for config in [
        DataConfig::new(folder.path().to_str().unwrap()),
        DataConfig { validation: Some(test.clone()), ..DataConfig::new(&x) },
    ] {
        let data = Dataset::load(&config).unwrap();
        assert_eq!(rows(&data.train)[..2], [[-1.0, 0.0], [1.0, 0.0]]);
        assert_eq!(row(&data.validation, 0), [3.0, 0.0]);
        assert_eq!((classes(&data.train), classes(&data.validation)), ([0, 1, 2, 1].as_slice(), [3].as_slice()));
        assert_eq!((data.info.outputs, data.info.shape.as_slice()), (4, [2].as_slice()));
    }
    let as_values =
        DataConfig { task: Some(Task::Values), standardise: Some(Standardise::None), ..DataConfig::new(&x) };
    let data = Dataset::load(&DataConfig { validation: Some(test), ..as_values }).unwrap();
    assert_eq!((values(&data.train), data.info.classes.len()), (vec![0., 1., 2., 1.], 0));
    assert_eq!(row(&data.train, 1), [3., 2.]);
}

#[test]
fn an_archive_has_images_with_channels_first_or_last() {
    let folder = tempfile::tempdir().unwrap();
    let method = rawzip::CompressionMethod::DEFLATE;
    let labels = npy("|u1", "(2,)", &[0, 1]);
    let image: Vec<u8> = (0..24).collect();
    let last = archive(&[("x_train.npy", npy("|u1", "(2, 2, 2, 3)", &image)), ("y_train.npy", labels.clone())], method);
    let last = put(folder.path(), "last.npz", last);
    let half = |source: &str| DataConfig { validation_fraction: Some(0.5), ..DataConfig::new(source) };
    let data = Dataset::load(&half(&last)).unwrap();
    assert_eq!(data.train.shape(), [3, 2, 2]);
    let first = row(if classes(&data.train) == [0] { &data.train } else { &data.validation }, 0);
    let bytes: Vec<f32> = first.iter().map(|value| (value * 255.0).round()).collect();
    assert_eq!(bytes, [0., 3., 6., 9., 1., 4., 7., 10., 2., 5., 8., 11.]);
    let grey = archive(&[("X.npy", npy("|u1", "(2, 3, 4)", &image)), ("y.npy", labels)], method);
    let grey = put(folder.path(), "grey.npz", grey);
    assert_eq!(Dataset::load(&half(&grey)).unwrap().train.shape(), [1, 3, 4]);
}

#[test]
fn arrays_that_do_not_fit_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let pair = |x: Vec<u8>, y: Vec<u8>| {
        put(folder.path(), "y.npy", y);
        DataConfig::new(put(folder.path(), "x.npy", x))
    };
    let x = npy("<f4", "(2, 1)", &floats(&[1., 2.]));
    let y = npy("|u1", "(2,)", &[0, 1]);
    let large = npy("<i8", "(2,)", &[0i64, 65_536].map(i64::to_le_bytes).concat());
    let negative = npy("<i8", "(2,)", &[0i64, -1].map(i64::to_le_bytes).concat());
    for (x, y, part) in [
        (x.clone(), npy("|u1", "(3,)", &[0, 1, 2]), "has 2 samples, 3 are in its targets"),
        (x.clone(), negative, "sample 1 has the class -1"),
        (x.clone(), large, "sample 1 has the class 65536, classes are whole numbers from 0 to 65535"),
        (x.clone(), npy("|u1", "(2, 1, 1)", &[0, 1]), "targets of shape (2, 1, 1)"),
        (npy("<f4", "(2,)", &floats(&[1., 2.])), y.clone(), "inputs of shape (2)"),
        (npy("<f4", "(2, 1)", &floats(&[1., f32::INFINITY])), y.clone(), "sample 1 has inf"),
        (npy("<f8", "(2, 1)", &[1e39f64, 0.].map(f64::to_le_bytes).concat()), y.clone(), "sample 0 has 1"),
        (npy("<f4", "(2, 1)", &floats(&[1., f32::NAN])), y.clone(), "sample 1 has a value that is missing"),
        (b"a,b\n1,2\n".to_vec(), y.clone(), "is no NPY array"),
        (Vec::new(), y.clone(), "is no NPY array"),
    ] {
        let message = refusal(&pair(x, y));
        assert!(message.contains(part), "{message}");
    }
    let one = |samples| refusal(&DataConfig { validation_fraction: Some(samples), ..pair(x.clone(), y.clone()) });
    assert!(one(0.1).contains("leaves none"));
    fs::remove_file(folder.path().join("y.npy")).unwrap();
    assert!(
        refusal(&DataConfig::new(folder.path().join("x.npy").to_str().unwrap())).contains("has no y.npy beside it")
    );
    let other = put(folder.path(), "data.npy", &x);
    assert!(refusal(&DataConfig::new(other)).contains("starts with x"));
    let none = archive(&[("a.npy", x.clone())], rawzip::CompressionMethod::STORE);
    assert!(refusal(&DataConfig::new(put(folder.path(), "a.npz", none))).ends_with("it has a"));
    assert!(refusal(&DataConfig::new(put(folder.path(), "b.npz", "PK"))).contains("is no NPZ archive"));
    assert!(refusal(&DataConfig::new(put(folder.path(), "b.xyz", "PK"))).contains("is none of .csv"));
    let images = DataConfig { series: Some(series()), ..pair(x, y) };
    assert!(refusal(&images).contains("a series is an array of one dimension"));
}

fn series() -> crate::stream::SeriesConfig {
    crate::stream::SeriesConfig { window: 2, horizon: 1, difference: false }
}

#[test]
fn missing_numbers_of_arrays_are_left_out_or_filled_in() {
    let folder = tempfile::tempdir().unwrap();
    put(folder.path(), "y.npy", npy("<f4", "(5,)", &floats(&[1., 2., f32::NAN, 4., 5.])));
    let x = put(folder.path(), "x.npy", npy("<f4", "(5, 1)", &floats(&[1., f32::NAN, 3., 4., 5.])));
    let with = |missing| {
        let plain = DataConfig { standardise: Some(Standardise::None), ..DataConfig::new(&x) };
        let config = DataConfig { missing, validation_fraction: Some(0.25), ..plain };
        Dataset::load(&config).unwrap()
    };
    assert_eq!((with(Missing::Drop).info.left_out, with(Missing::Drop).info.train), (2, 2));
    let filled = with(Missing::Mean);
    assert_eq!((filled.info.left_out, filled.info.train + filled.info.validation), (1, 4));
    assert!(rows(&filled.train).concat().iter().all(|value| value.is_finite()));
}

#[test]
fn a_series_may_be_an_array_of_one_dimension() {
    let folder = tempfile::tempdir().unwrap();
    let path = put(folder.path(), "waves.npy", npy("<f4", "(10,)", &floats(&[0., 1., 0., 1., 0., 1., 0., 1., 0., 1.])));
    let data = Dataset::load(&DataConfig { series: Some(series()), ..DataConfig::new(path) }).unwrap();
    assert_eq!((data.info.train, data.info.validation, data.info.title.as_str()), (6, 2, "waves"));
    assert_eq!((row(&data.train, 0), values(&data.train)[0]), (vec![-1., 1.], -1.));
}

#[test]
fn rows_and_images_of_a_program_are_samples_too() {
    let targets = Targets::Values(ndarray::arr2(&[[1.0], [2.0]]));
    let samples = Samples::of_rows(ndarray::arr2(&[[0.5, 1.5], [2.5, 3.5]]), targets);
    assert_eq!((rows(&samples), values(&samples)), (vec![vec![0.5, 1.5], vec![2.5, 3.5]], vec![1.0, 2.0]));
    let images = Samples::of_images(vec![0, 51, 255, 102], [2, 1, 1], Targets::Classes(vec![0, 1]));
    assert_eq!((rows(&images), images.shape()), (vec![vec![0.0, 0.2], vec![1.0, 0.4]], [2, 1, 1].as_slice()));
}
