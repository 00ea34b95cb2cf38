//! The binary form of CIFAR-10 and CIFAR-100: records of a label (CIFAR-100: a coarse one, then the fine one that is
//! trained on) and 3072 bytes, the red, green and blue plane of 32×32 pixels. There is no header: a file's length is
//! all there is to tell them by, and to check.

use std::path::{Path, PathBuf};

use thiserror::Error;

use super::draft::{Draft, DraftInputs, DraftTargets};
use super::file::{self, FileError};

const PIXELS: usize = 3 * 32 * 32;
const SIZES: [usize; 3] = [3, 32, 32];

const CIFAR_10_CLASSES: [&str; 10] =
    ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"];

/// Which of the two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// One label of 10.
    Cifar10,
    /// A coarse label of 20, a fine one of 100.
    Cifar100,
}

/// What can be wrong with a CIFAR file.
#[derive(Debug, Error)]
pub enum CifarError {
    /// Not there, or not readable.
    #[error(transparent)]
    File(#[from] FileError),
    /// Without a record.
    #[error("{} is empty: CIFAR-10 has records of 3073 bytes, CIFAR-100 of 3074", .0.display())]
    Empty(PathBuf),
    /// Not whole records of either kind.
    #[error(
        "{}: {len} bytes are no whole number of CIFAR-10's records of 3073 bytes nor of CIFAR-100's of 3074",
        path.display()
    )]
    Length {
        /// The file.
        path: PathBuf,
        /// Its bytes.
        len: usize,
    },
    /// A label that there is not.
    #[error("{}: record {record} has label {label}, {kind} go from 0 to {}", path.display(), most - 1)]
    Label {
        /// The file.
        path: PathBuf,
        /// Which labels.
        kind: &'static str,
        /// The record, from 1.
        record: usize,
        /// The label.
        label: u8,
        /// Number of labels.
        most: u8,
    },
    /// Files of both kinds.
    #[error("{} is not of the same kind as {}: one is CIFAR-10, the other CIFAR-100", path.display(), first.display())]
    Mixed {
        /// A file.
        path: PathBuf,
        /// The first file.
        first: PathBuf,
    },
}

impl Kind {
    fn labels(self) -> usize {
        match self {
            Kind::Cifar10 => 1,
            Kind::Cifar100 => 2,
        }
    }

    /// What to call a set of it on the screen.
    pub fn title(self) -> &'static str {
        match self {
            Kind::Cifar10 => "CIFAR-10",
            Kind::Cifar100 => "CIFAR-100",
        }
    }

    /// Names of the classes: those that stand in the files' folder, or CIFAR-10's own.
    pub fn classes(self, folder: &Path) -> Vec<String> {
        let (file, count) = match self {
            Kind::Cifar10 => ("batches.meta.txt", 10),
            Kind::Cifar100 => ("fine_label_names.txt", 100),
        };
        let text = file::read(&folder.join(file)).ok().and_then(|bytes| String::from_utf8(bytes).ok());
        let names =
            |text: &str| text.lines().map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned).collect();
        let named = text.as_deref().map(names).filter(|names: &Vec<String>| names.len() == count);
        named.unwrap_or_else(|| match self {
            Kind::Cifar10 => CIFAR_10_CLASSES.map(str::to_owned).into(),
            Kind::Cifar100 => (0..count).map(|class| class.to_string()).collect(),
        })
    }
}

/// Reads files of one kind, behind each other.
///
/// # Errors
/// [`CifarError`]
pub fn read(paths: &[PathBuf]) -> Result<(Kind, Draft), CifarError> {
    let (mut all, mut pixels, mut labels) = (None, Vec::new(), Vec::new());
    for path in paths {
        let kind = append(path, &file::read(path)?, &mut pixels, &mut labels)?;
        match all {
            Some(first) if first != kind => {
                return Err(CifarError::Mixed { path: path.clone(), first: paths[0].clone() });
            }
            _ => all = Some(kind),
        }
    }
    let kind = all.ok_or_else(|| CifarError::Empty(PathBuf::new()))?;
    let targets = DraftTargets::Classes(labels);
    Ok((kind, Draft { inputs: DraftInputs::Bytes(pixels), sizes: SIZES.to_vec(), targets }))
}

fn append(path: &Path, bytes: &[u8], pixels: &mut Vec<u8>, labels: &mut Vec<u32>) -> Result<Kind, CifarError> {
    if bytes.is_empty() {
        return Err(CifarError::Empty(path.into()));
    }
    let fits = |kind: Kind| bytes.len().is_multiple_of(kind.labels() + PIXELS);
    let kind = match (fits(Kind::Cifar10), fits(Kind::Cifar100)) {
        // 3074 records of one are 3073 of the other: only the right cut has labels throughout.
        (true, true) if check(path, Kind::Cifar10, bytes).is_err() => Kind::Cifar100,
        (true, _) => Kind::Cifar10,
        (false, true) => Kind::Cifar100,
        (false, false) => return Err(CifarError::Length { path: path.into(), len: bytes.len() }),
    };
    check(path, kind, bytes)?;
    for record in bytes.chunks_exact(kind.labels() + PIXELS) {
        let (own, image) = record.split_at(kind.labels());
        labels.extend(own.last().map(|&label| u32::from(label)));
        pixels.extend_from_slice(image);
    }
    Ok(kind)
}

/// Looks at every label.
fn check(path: &Path, kind: Kind, bytes: &[u8]) -> Result<(), CifarError> {
    let names: &[(&str, u8)] = match kind {
        Kind::Cifar10 => &[("the labels of CIFAR-10", 10)],
        Kind::Cifar100 => &[("the coarse labels of CIFAR-100", 20), ("the labels of CIFAR-100", 100)],
    };
    for (index, record) in bytes.chunks_exact(kind.labels() + PIXELS).enumerate() {
        for (&label, &(kind, most)) in record.iter().zip(names) {
            if label >= most {
                return Err(CifarError::Label { path: path.into(), kind, record: index + 1, label, most });
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn record(labels: &[u8], pixel: u8) -> Vec<u8> {
        [labels, &[pixel; PIXELS]].concat()
    }

    fn read_bytes(bytes: &[u8]) -> Result<(Kind, Draft), String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("set.bin");
        fs::write(&path, bytes).unwrap();
        read(&[path]).map_err(|error| error.to_string())
    }

    #[test]
    fn both_kinds_are_told_by_their_length() {
        let (kind, draft) = read_bytes(&[record(&[3], 7), record(&[9], 8)].concat()).unwrap();
        assert_eq!((kind, draft.len(), draft.sizes.as_slice()), (Kind::Cifar10, 2, [3, 32, 32].as_slice()));
        let DraftTargets::Classes(classes) = &draft.targets else { panic!("labels are classes") };
        assert_eq!(classes, &[3, 9]);
        let (kind, draft) = read_bytes(&[record(&[19, 99], 7), record(&[0, 42], 8)].concat()).unwrap();
        let DraftTargets::Classes(classes) = &draft.targets else { panic!("labels are classes") };
        assert_eq!((kind, classes.as_slice()), (Kind::Cifar100, [99, 42].as_slice()));
    }

    #[test]
    fn a_length_that_both_have_is_told_by_the_labels() {
        let hundred = record(&[19, 99], 200).repeat(3073);
        let ten = record(&[9], 200).repeat(3074);
        assert_eq!(hundred.len(), ten.len());
        assert_eq!(read_bytes(&hundred).unwrap().0, Kind::Cifar100);
        assert_eq!(read_bytes(&ten).unwrap().0, Kind::Cifar10);
    }

    #[test]
    fn a_torn_file_is_an_error_at_every_byte() {
        let whole = [record(&[3], 7), record(&[9], 8)].concat();
        for end in (0..whole.len()).filter(|end| end % 3073 != 0) {
            let (mut pixels, mut labels) = (Vec::new(), Vec::new());
            // 3074 bytes are one record of the other kind, whose label is a pixel.
            let result = append(Path::new("set.bin"), &whole[..end], &mut pixels, &mut labels);
            assert!(result.is_err() || end == 3074, "cut at {end}");
        }
    }

    #[test]
    fn labels_beyond_the_last_and_mixed_files_are_told() {
        let error = read_bytes(&[record(&[3], 7), record(&[10], 8)].concat()).unwrap_err();
        assert!(error.ends_with("record 2 has label 10, the labels of CIFAR-10 go from 0 to 9"), "{error}");
        let error = read_bytes(&record(&[20, 5], 7)).unwrap_err();
        assert!(error.ends_with("label 20, the coarse labels of CIFAR-100 go from 0 to 19"), "{error}");
        assert!(read_bytes(&[]).unwrap_err().contains("is empty"));
        let folder = tempfile::tempdir().unwrap();
        let paths = ["a.bin", "b.bin"].map(|name| folder.path().join(name));
        fs::write(&paths[0], record(&[3], 7)).unwrap();
        fs::write(&paths[1], record(&[3, 3], 7)).unwrap();
        assert!(read(&paths).unwrap_err().to_string().contains("not of the same kind"));
    }
}
