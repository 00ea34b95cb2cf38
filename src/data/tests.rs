//! Data sets from their source to what a network sees.

mod files;
mod images;
mod tables;

use std::path::Path;

use super::*;

/// What a set that a configuration asks for cannot be loaded for.
fn refusal(config: &DataConfig) -> String {
    let message = Dataset::load(config).err().unwrap_or_else(|| panic!("{config:?} loads")).to_string();
    assert!(!message.contains('\n'), "{message}");
    message
}

/// A sample as a network sees it.
fn row(samples: &Samples, index: usize) -> Vec<f32> {
    let mut row = vec![f32::NAN; samples.width()];
    samples.write(index, &mut row);
    row
}

fn rows(samples: &Samples) -> Vec<Vec<f32>> {
    (0..samples.len()).map(|index| row(samples, index)).collect()
}

fn classes(samples: &Samples) -> &[u32] {
    match samples.targets() {
        Targets::Classes(classes) => classes,
        Targets::Values(_) => panic!("they are values"),
    }
}

fn values(samples: &Samples) -> Vec<f32> {
    match samples.targets() {
        Targets::Classes(_) => panic!("they are classes"),
        Targets::Values(values) => values.iter().copied().collect(),
    }
}

/// A file in a folder, and its path as a setting.
fn put(folder: &Path, name: &str, bytes: impl AsRef<[u8]>) -> String {
    let path = folder.join(name);
    std::fs::write(&path, bytes).unwrap();
    path.to_str().unwrap().to_owned()
}
