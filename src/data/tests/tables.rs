//! Tables and series.

use super::*;
use crate::stream::{Missing, SeriesConfig, Task};

const FLOWERS: &str = "length,colour,kind\n1,red,rose\n3,blue,iris\n1,red,rose\n3,white,lily\n";

struct Csv {
    folder: tempfile::TempDir,
}

impl Csv {
    fn new() -> Self {
        Csv { folder: tempfile::tempdir().unwrap() }
    }

    /// A table to train on and one to validate with.
    fn config(&self, train: &str, validation: &str, target: &str) -> DataConfig {
        DataConfig {
            validation: Some(put(self.folder.path(), "validation.csv", validation)),
            ..self.alone(train, target)
        }
    }

    fn alone(&self, train: &str, target: &str) -> DataConfig {
        let target = target.split(',').filter(|name| !name.is_empty()).map(str::to_owned).collect();
        DataConfig { target, ..DataConfig::new(put(self.folder.path(), "train.csv", train)) }
    }
}

#[test]
fn categories_become_columns_and_numbers_are_standardised() {
    let csv = Csv::new();
    let data = Dataset::load(&csv.config(FLOWERS, "kind,length,colour\nlily,5,green\n", "kind")).unwrap();
    assert_eq!(data.info.classes, ["iris", "lily", "rose"]);
    assert_eq!(classes(&data.train), [2, 0, 2, 1]);
    // Length, then blue, green, red and white.
    assert_eq!(rows(&data.train)[..2], [[-1., 0., 0., 1., 0.], [1., 1., 0., 0., 0.]]);
    assert_eq!((row(&data.validation, 0), classes(&data.validation)), (vec![3., 0., 1., 0., 0.], [1].as_slice()));
    assert_eq!((data.info.title.as_str(), data.info.outputs), ("train", 3));
}

#[test]
fn a_target_of_numbers_is_classes_where_it_counts_from_0_without_a_gap() {
    let csv = Csv::new();
    let table = |targets: [&str; 4]| format!("x,y\n{}", targets.map(|y| format!("1,{y}\n")).concat());
    let load = |targets, task| {
        let config = DataConfig { task, ..csv.config(&table(targets), "x,y\n1,0\n", "y") };
        Dataset::load(&config).unwrap()
    };
    assert_eq!(classes(&load(["0", "2", "1", "1.0"], None).train), [0, 2, 1, 1]);
    assert_eq!(values(&load(["1", "3", "1", "3"], None).train), [-1., 1., -1., 1.]);
    assert_eq!(values(&load(["0", "1", "0", "1"], Some(Task::Values)).train), [-1., 1., -1., 1.]);
    let forced = load(["5", "-3", "5", "2.5"], Some(Task::Classes));
    assert_eq!((classes(&forced.train), forced.info.classes.join(" ")), ([3, 0, 3, 2].as_slice(), "-3 0 2.5 5".into()));
    let all = csv.config("x,a,b\n1,2,30\n1,4,10\n", "x,a,b\n1,6,20\n", "b,a");
    let data = Dataset::load(&all).unwrap();
    assert_eq!((values(&data.train), values(&data.validation)), (vec![1., -1., -1., 1.], vec![0., 3.]));
    assert_eq!((data.info.outputs, data.info.classes.len()), (2, 0));
}

#[test]
fn gaps_are_told_left_out_or_filled_in_from_the_training_rows() {
    let csv = Csv::new();
    let table = "x,c,y\n1,a,0.5\n,b,1.5\n5,,2.5\n3,a,\n6,a,4.5\n";
    let with = |missing| DataConfig { missing, ..csv.config(table, "x,c,y\n,b,1\n100,a,1\n", "y") };
    let message = refusal(&with(Missing::Error));
    assert!(message.contains("train.csv, line 3: column `x` has no value: --missing drop"), "{message}");
    let dropped = Dataset::load(&with(Missing::Drop)).unwrap();
    assert_eq!((dropped.info.train, dropped.info.validation, dropped.info.left_out), (2, 1, 4));
    // Only `a` is left of the categories.
    assert_eq!(dropped.train.width(), 2);
    let filled = DataConfig { standardise: Some(Standardise::None), ..with(Missing::Mean) };
    let filled = Dataset::load(&filled).unwrap();
    assert_eq!((filled.info.train, filled.info.validation, filled.info.left_out), (4, 2, 1));
    assert_eq!(rows(&filled.train)[1], [4., 0., 1.]);
    let shares = &rows(&filled.train)[2];
    assert_eq!((shares[0], (shares[1] * 3.).round(), (shares[2] * 3.).round()), (5., 2., 1.));
    assert_eq!(row(&filled.validation, 0), [4., 0., 1.]);
}

#[test]
fn a_share_is_held_out_by_the_split_seed() {
    let csv = Csv::new();
    let table = format!("x,y\n{}", (0..50).map(|at| format!("{at},{}\n", at % 2)).collect::<String>());
    let load = |split_seed| {
        let config = DataConfig { split_seed, standardise: Some(Standardise::None), ..csv.alone(&table, "y") };
        let data = Dataset::load(&config).unwrap();
        (rows(&data.train).concat(), rows(&data.validation).concat())
    };
    let (train, validation) = load(1);
    assert_eq!((train.len(), validation.len()), (40, 10));
    assert!(validation.iter().all(|value| !train.contains(value)));
    assert_eq!(load(1), (train, validation.clone()));
    assert_ne!(load(2).1, validation);
}

#[test]
fn tables_that_cannot_be_meant_are_told() {
    let csv = Csv::new();
    let many = format!("id,y\n{}", (0..300).map(|at| format!("n{at},{}\n", at % 2)).collect::<String>());
    let of = |config: DataConfig| refusal(&config);
    let ignore = |names: &[&str]| names.iter().map(|name| name.to_string()).collect::<Vec<_>>();
    for (message, part) in [
        (of(csv.alone(FLOWERS, "")), "which column is to be predicted? choose with --target: length, colour, kind"),
        (of(csv.alone(FLOWERS, "knd")), "has no column `knd`: it has length, colour, kind"),
        (of(DataConfig { ignore: ignore(&["kind"]), ..csv.alone(FLOWERS, "kind") }), "both --target and --ignore"),
        (of(DataConfig { ignore: ignore(&["size"]), ..csv.alone(FLOWERS, "kind") }), "has no column `size`"),
        (
            of(DataConfig { ignore: ignore(&["length", "colour"]), ..csv.alone(FLOWERS, "kind") }),
            "no column left to predict kind from",
        ),
        (of(csv.alone(FLOWERS, "kind,colour")), "classes stand in one column, --target names 2"),
        (of(csv.alone("x,y\n1,0\ntwo,1\n", "y")), "line 3: column `x` has the text `two` among numbers"),
        (of(csv.alone("x,y\n1,0\n1,one\n", "y")), "line 3: column `y` has the text `one` among numbers"),
        (
            of(DataConfig { task: Some(Task::Values), ..csv.alone(FLOWERS, "kind") }),
            "line 2: column `kind` has the text `rose` where a number is needed",
        ),
        (of(csv.alone(&many, "y")), "column `id` has more than 256 different texts"),
        (of(csv.alone("x,y\n1,inf\n", "y")), "line 2: column `y` has `inf`"),
        (of(csv.alone("x,y\n", "y")), "has no rows"),
        (of(csv.alone("x,y\n1\n", "y")), "line 2 has 1 cell where the first line has 2"),
        (of(csv.alone("", "y")), "train.csv is empty"),
        (of(csv.alone(",x,y\n0,1,2\n", "y")), "column 1 has no name"),
        (of(csv.config(FLOWERS, "length,kind\n1,rose\n", "kind")), "validation.csv has no column `colour`"),
        (of(csv.config("x,y\n1,a\n", "x,y\n1,2\n", "y")), "among numbers"),
        (of(DataConfig { missing: Missing::Drop, ..csv.alone("x,y\n,1\n,2\n", "y") }), "every row has a missing value"),
        (
            of(DataConfig { missing: Missing::Mean, ..csv.alone("c,y\na,\n,1\n,2\n,3\n", "y") }),
            "every row has a missing value",
        ),
        (of(csv.alone("x,y\n1,1\n", "y")), "leaves none"),
        (
            of(DataConfig { label_noise: 0.1, ..csv.alone("x,y\n1,1.5\n2,2.5\n3,4.5\n", "y") }),
            "label-noise needs classes",
        ),
        (of(DataConfig { repeat_channels: 3, ..csv.alone(FLOWERS, "kind") }), "repeat-channels needs images"),
        (of(DataConfig { augment: vec![Augmentation::Flip], ..csv.alone(FLOWERS, "kind") }), "augment needs images"),
        (
            of(DataConfig { validation: Some("fashion-mnist-12k".into()), ..csv.alone(FLOWERS, "kind") }),
            "fashion-mnist-12k",
        ),
    ] {
        assert!(message.contains(part), "{message}");
    }
    let named = DataConfig { ignore: ignore(&["#1"]), ..csv.alone(",x,y\n0,1,2\n1,2,3\n2,3,5\n", "y") };
    assert_eq!(Dataset::load(&named).unwrap().train.width(), 1);
}

#[test]
fn a_torn_table_is_read_or_refused_at_every_byte() {
    let csv = Csv::new();
    let whole = format!("{FLOWERS}\"2\",\"a \"\"b\"\"\",rose\r\n");
    for end in 0..whole.len() {
        for missing in [Missing::Error, Missing::Drop, Missing::Mean] {
            let _ = Dataset::load(&DataConfig { missing, ..csv.alone(&whole[..end], "kind") });
        }
    }
}

proptest::proptest! {
    #[test]
    fn a_garbled_table_is_read_or_refused(at in 0usize..FLOWERS.len(), byte: u8, with in 0usize..3) {
        let csv = Csv::new();
        let mut config = csv.alone(FLOWERS, "kind");
        let mut bytes = FLOWERS.as_bytes().to_vec();
        bytes[at] = byte;
        config.missing = [Missing::Error, Missing::Drop, Missing::Mean][with];
        config.source = put(csv.folder.path(), "train.csv", bytes);
        let _ = Dataset::load(&config);
    }
}

fn forecast() -> SeriesConfig {
    SeriesConfig { window: 104, horizon: 4, difference: true }
}

#[test]
fn the_embedded_series_are_cut_in_time() {
    let co2 = DataConfig { missing: Missing::Drop, series: Some(forecast()), ..DataConfig::new("co2-weekly") };
    let data = Dataset::load(&co2).unwrap();
    // 2,283 differences, of which the last 457 are held out.
    assert_eq!((data.info.validation, data.info.outputs, data.train.width()), (457 - 3, 4, 104));
    assert_eq!(data.info.train + data.info.left_out, 2283 - 457 - 107);
    let sunspots = DataConfig { series: Some(forecast()), ..DataConfig::new("sunspots-monthly") };
    assert_eq!(Dataset::load(&sunspots).unwrap().info.train, 3125 - 625 - 107);
    assert!(refusal(&DataConfig { missing: Missing::Error, ..co2 }).contains("value 7 of the series is missing"));
    assert!(refusal(&DataConfig::new("co2-weekly")).contains("give --window N"));
    let noisy = DataConfig { label_noise: 0.5, ..sunspots.clone() };
    assert!(refusal(&noisy).contains("label-noise needs classes"));
    assert!(
        refusal(&DataConfig { series: Some(forecast()), ..DataConfig::new("fashion-mnist-12k") })
            .contains("window needs a series")
    );
    let target = DataConfig { target: vec!["sunspots".into()], ..sunspots };
    assert!(refusal(&target).contains("target needs a .csv or .tsv file"));
}

#[test]
fn a_series_of_a_table_has_a_file_of_its_own_to_validate_with() {
    let csv = Csv::new();
    let table =
        |from: i32| format!("week,v\n{}", (from..from + 20).map(|at| format!("w{at},{at}\n")).collect::<String>());
    let series = Some(SeriesConfig { window: 3, horizon: 1, difference: false });
    let config = DataConfig { series, standardise: Some(Standardise::None), ..csv.config(&table(0), &table(100), "v") };
    let data = Dataset::load(&config).unwrap();
    assert_eq!((data.info.train, data.info.validation), (17, 17));
    assert_eq!((row(&data.validation, 16), values(&data.validation)[16]), (vec![116., 117., 118.], 119.));
}
