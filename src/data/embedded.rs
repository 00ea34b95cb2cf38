//! The data sets that are part of the program.

use std::path::Path;

use super::Samples;
use super::idx::{self, IdxError};

/// The name of the embedded Fashion-MNIST subset.
pub const FASHION_MNIST_12K: &str = "fashion-mnist-12k";

const CLASSES: [&str; 10] =
    ["T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"];

macro_rules! asset {
    ($name:literal) => {
        ($name, include_bytes!(concat!("../../assets/fashion-mnist-12k/", $name)).as_slice())
    };
}

/// 12,000 training and 2,000 test images of Fashion-MNIST (MIT, © 2017 Zalando SE; the licence is beside the files):
/// of the official files in their order, the first 1,200 and 200 of each class.
pub fn fashion_mnist_12k() -> Result<(Samples, Samples, String, Vec<String>), IdxError> {
    let pair = |images: (&str, &[u8]), labels: (&str, &[u8])| {
        idx::pair_from_bytes((Path::new(images.0), images.1), (Path::new(labels.0), labels.1))
    };
    let train = pair(asset!("train-images-idx3-ubyte.gz"), asset!("train-labels-idx1-ubyte.gz"))?;
    let validation = pair(asset!("t10k-images-idx3-ubyte.gz"), asset!("t10k-labels-idx1-ubyte.gz"))?;
    Ok((train, validation, "Fashion-MNIST".into(), CLASSES.map(str::to_owned).into()))
}
