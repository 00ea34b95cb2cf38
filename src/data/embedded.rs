//! The data sets that are part of the program.

use std::path::Path;

use super::draft::Loaded;
use super::idx::{self, IdxError};
use super::table::{Table, TableError, read_series};

/// An embedded set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Embedded {
    /// 12,000 training and 2,000 test images of Fashion-MNIST.
    FashionMnist12k,
    /// Weekly CO₂ at Mauna Loa, 1958 to 2001, with gaps.
    Co2Weekly,
    /// Monthly sunspots, 1749 to 2009.
    SunspotsMonthly,
}

/// Every set by the name that `--data` takes.
pub const NAMES: [(&str, Embedded); 3] = [
    ("fashion-mnist-12k", Embedded::FashionMnist12k),
    ("co2-weekly", Embedded::Co2Weekly),
    ("sunspots-monthly", Embedded::SunspotsMonthly),
];

/// The set of that name.
pub fn named(name: &str) -> Option<Embedded> {
    NAMES.iter().find(|(own, _)| *own == name).map(|(_, set)| *set)
}

const CLASSES: [&str; 10] =
    ["T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"];

macro_rules! asset {
    ($name:literal) => {
        ($name, include_bytes!(concat!("../../assets/", $name)).as_slice())
    };
}

/// Fashion-MNIST (MIT, © 2017 Zalando SE; the licence is beside the files): of the official files in their order, the
/// first 1,200 and 200 of each class.
pub fn fashion_mnist_12k() -> Result<Loaded, IdxError> {
    let pair = |images: (&str, &[u8]), labels: (&str, &[u8])| {
        idx::pair_from_bytes((Path::new(images.0), images.1), (Path::new(labels.0), labels.1))
    };
    let train = pair(
        asset!("fashion-mnist-12k/train-images-idx3-ubyte.gz"),
        asset!("fashion-mnist-12k/train-labels-idx1-ubyte.gz"),
    )?;
    let validation = pair(
        asset!("fashion-mnist-12k/t10k-images-idx3-ubyte.gz"),
        asset!("fashion-mnist-12k/t10k-labels-idx1-ubyte.gz"),
    )?;
    Ok(Loaded {
        title: "Fashion-MNIST".into(),
        train,
        validation: Some(validation),
        classes: CLASSES.map(str::to_owned).into(),
        left_out: 0,
    })
}

/// Weekly CO₂ in ppm (public domain, from statsmodels), NaN in weeks without a measurement.
pub fn co2_weekly() -> Result<Vec<f64>, TableError> {
    series(asset!("timeseries/co2_mauna_loa_weekly.csv"), "co2_ppm")
}

/// Monthly numbers of sunspots (public domain, from statsmodels, NOAA).
pub fn sunspots_monthly() -> Result<Vec<f64>, TableError> {
    series(asset!("timeseries/sunspots_monthly.csv"), "sunspots")
}

fn series((name, bytes): (&str, &[u8]), column: &str) -> Result<Vec<f64>, TableError> {
    read_series(&Table::new(Path::new(name), bytes.to_vec())?, &[column.to_owned()])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_series_are_the_documented_ones() {
        let co2 = co2_weekly().unwrap();
        assert_eq!((co2.len(), co2.iter().filter(|value| value.is_nan()).count()), (2284, 59));
        assert_eq!((co2[0], co2[2283]), (316.1, 371.5));
        let sunspots = sunspots_monthly().unwrap();
        assert_eq!((sunspots.len(), sunspots[0], sunspots[3125]), (3126, 58.0, 2.6));
        assert!(sunspots.iter().all(|value| value.is_finite()));
    }
}
