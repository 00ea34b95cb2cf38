//! IDX, the format of MNIST and its relatives: a magic number that holds the element type and the number of
//! dimensions, the dimensions as big-endian u32, the elements. Files may be gzipped.
//!
//! Nothing is allocated by what a header claims: memory grows with the bytes that are really there, up to the
//! claimed size and one more, which is how a file that is too long is found.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use thiserror::Error;

use super::draft::{Draft, DraftInputs, DraftTargets};
use super::file::unzip;

/// The element type code of unsigned bytes, the only one that MNIST and its relatives use.
const UNSIGNED_BYTE: u8 = 0x08;

/// What can be wrong with an IDX file.
#[derive(Debug, Error)]
pub enum IdxError {
    /// Not there, or not readable.
    #[error("cannot read {}: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Neither the plain nor the gzipped file is in the folder.
    #[error("{} has no {name} and no {name}.gz", folder.display())]
    Missing {
        /// The folder.
        folder: PathBuf,
        /// The file's name without `.gz`.
        name: String,
    },
    /// A file whose labels cannot be found by its name.
    #[error("{}: the name of a file of images has images-idx3 in it, that of its labels labels-idx1", .0.display())]
    Name(PathBuf),
    /// The magic number is another one.
    #[error("{}: the magic number is {got:#010x}, IDX {what} start with {want:#010x}", path.display())]
    Magic {
        /// The file.
        path: PathBuf,
        /// What it should hold.
        what: &'static str,
        /// What it starts with.
        got: u32,
        /// What it should start with.
        want: u32,
    },
    /// It ends within the header.
    #[error("{}: ends after {got} bytes, within the header of {want}", path.display())]
    ShortHeader {
        /// The file.
        path: PathBuf,
        /// Bytes there.
        got: usize,
        /// Bytes of the header.
        want: usize,
    },
    /// It holds fewer or more elements than its header says.
    #[error("{}: the header promises {want} bytes of data, the file has {}", path.display(), at_least(*.got, *.want))]
    Length {
        /// The file.
        path: PathBuf,
        /// Bytes there.
        got: usize,
        /// Bytes promised.
        want: u64,
    },
    /// A dimension is 0.
    #[error("{}: dimension {dimension} is 0, it must be at least 1", path.display())]
    Empty {
        /// The file.
        path: PathBuf,
        /// Which, counted from 1.
        dimension: usize,
    },
    /// Images and labels do not match.
    #[error("{} has {images} images, {} has {count} labels: they must agree", path.display(), labels.display())]
    Mismatch {
        /// The images' file.
        path: PathBuf,
        /// Images in it.
        images: usize,
        /// The labels' file.
        labels: PathBuf,
        /// Labels in it.
        count: usize,
    },
}

/// Says that reading stopped one byte past what was promised.
fn at_least(got: usize, want: u64) -> String {
    if got as u64 > want { "more".to_owned() } else { got.to_string() }
}

/// The name of a file of images in a folder, without `.gz`.
pub fn images_name(prefix: &str) -> String {
    format!("{prefix}-images-idx3-ubyte")
}

/// Reads `PREFIX-images-idx3-ubyte` and `PREFIX-labels-idx1-ubyte` from a folder, each plain or with `.gz`.
///
/// # Errors
/// [`IdxError`], naming the file and what is wrong with it.
pub fn read_pair(folder: &Path, prefix: &str) -> Result<Draft, IdxError> {
    let images = find(folder, images_name(prefix))?;
    read_images(&images)
}

/// Reads a file of images with the file of labels beside it, whose name has `labels-idx1` for `images-idx3`.
///
/// # Errors
/// [`IdxError`]
pub fn read_images(images: &Path) -> Result<Draft, IdxError> {
    let name = images.file_name().unwrap_or_default().to_string_lossy();
    let name = name.strip_suffix(".gz").unwrap_or(&name);
    if !name.contains("images-idx3") {
        return Err(IdxError::Name(images.into()));
    }
    let folder = images.parent().unwrap_or(Path::new(""));
    let labels = find(folder, name.replace("images-idx3", "labels-idx1"))?;
    let open = |path: &Path| File::open(path).map_err(|source| IdxError::Unreadable { path: path.into(), source });
    pair(images, open(images)?, &labels, open(&labels)?)
}

/// The plain file, or the gzipped one.
fn find(folder: &Path, name: String) -> Result<PathBuf, IdxError> {
    let candidates = [folder.join(&name), folder.join(format!("{name}.gz"))];
    candidates.into_iter().find(|path| path.exists()).ok_or_else(|| IdxError::Missing { folder: folder.into(), name })
}

/// The same from memory; the paths are for messages.
pub fn pair_from_bytes(images: (&Path, &[u8]), labels: (&Path, &[u8])) -> Result<Draft, IdxError> {
    pair(images.0, images.1, labels.0, labels.1)
}

fn pair(images: &Path, image_bytes: impl Read, labels: &Path, label_bytes: impl Read) -> Result<Draft, IdxError> {
    let ([count, rows, columns], pixels) = read(images, "images", image_bytes)?;
    let ([label_count], classes) = read(labels, "labels", label_bytes)?;
    if count != label_count {
        return Err(IdxError::Mismatch {
            path: images.into(),
            images: count,
            labels: labels.into(),
            count: label_count,
        });
    }
    Ok(Draft {
        inputs: DraftInputs::Bytes(pixels),
        sizes: vec![1, rows, columns],
        targets: DraftTargets::Classes(classes.into_iter().map(u32::from).collect()),
    })
}

/// Reads one file of `D` dimensions: its sizes and its elements.
fn read<const D: usize>(path: &Path, what: &'static str, source: impl Read) -> Result<([usize; D], Vec<u8>), IdxError> {
    let unreadable = |source| IdxError::Unreadable { path: path.into(), source };
    let mut stream = unzip(source).map_err(unreadable)?;
    let header_len = 4 + 4 * D;
    let mut header = Vec::new();
    stream.by_ref().take(header_len as u64).read_to_end(&mut header).map_err(unreadable)?;
    let word = |at: usize| header.get(4 * at..4 * at + 4).map(|b| u32::from_be_bytes([b[0], b[1], b[2], b[3]]));
    let want = u32::from_be_bytes([0, 0, UNSIGNED_BYTE, D as u8]);
    match word(0) {
        Some(got) if got != want => return Err(IdxError::Magic { path: path.into(), what, got, want }),
        _ if header.len() < header_len => {
            return Err(IdxError::ShortHeader { path: path.into(), got: header.len(), want: header_len });
        }
        _ => {}
    }
    let sizes: [usize; D] = std::array::from_fn(|at| word(at + 1).unwrap_or(0) as usize);
    if let Some(dimension) = sizes.iter().position(|&size| size == 0) {
        return Err(IdxError::Empty { path: path.into(), dimension: dimension + 1 });
    }
    // Three sizes of 32 bits can overflow 64: then the file is too short in any case.
    let promised = sizes.iter().try_fold(1u64, |product, &size| product.checked_mul(size as u64)).unwrap_or(u64::MAX);
    let mut elements = Vec::new();
    stream.take(promised.saturating_add(1)).read_to_end(&mut elements).map_err(unreadable)?;
    if elements.len() as u64 != promised {
        return Err(IdxError::Length { path: path.into(), got: elements.len(), want: promised });
    }
    Ok((sizes, elements))
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn images(sizes: [u32; 3], data: &[u8]) -> Vec<u8> {
        let mut bytes = vec![0, 0, 8, 3];
        sizes.iter().for_each(|size| bytes.extend_from_slice(&size.to_be_bytes()));
        bytes.extend_from_slice(data);
        bytes
    }

    fn labels(count: u32, data: &[u8]) -> Vec<u8> {
        let mut bytes = vec![0, 0, 8, 1];
        bytes.extend_from_slice(&count.to_be_bytes());
        bytes.extend_from_slice(data);
        bytes
    }

    fn load(images: &[u8], labels: &[u8]) -> Result<Draft, String> {
        pair_from_bytes((Path::new("images"), images), (Path::new("labels"), labels)).map_err(|error| error.to_string())
    }

    #[test]
    fn plain_and_gzipped_files_read_alike() {
        let plain = images([2, 1, 3], &[1, 2, 3, 4, 5, 6]);
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(&plain).unwrap();
        let zipped = encoder.finish().unwrap();
        for bytes in [&plain, &zipped] {
            let samples = load(bytes, &labels(2, &[7, 8])).unwrap();
            assert_eq!((samples.len(), samples.sizes.as_slice()), (2, [1, 1, 3].as_slice()));
            let DraftTargets::Classes(classes) = samples.targets else { panic!("labels are classes") };
            assert_eq!(classes, [7, 8]);
        }
    }

    #[test]
    fn every_header_field_is_checked() {
        let (good_images, good_labels) = (images([2, 1, 2], &[1, 2, 3, 4]), labels(2, &[0, 1]));
        assert!(load(&good_images, &good_labels).is_ok());
        let cases = [
            (
                labels(2, &[0, 1]),
                good_labels.clone(),
                "the magic number is 0x00000801, IDX images start with 0x00000803",
            ),
            (good_images.clone(), good_images.clone(), "IDX labels start with 0x00000801"),
            (images([2, 1, 2], &[1, 2, 3]), good_labels.clone(), "promises 4 bytes of data, the file has 3"),
            (images([2, 1, 2], &[1, 2, 3, 4, 5]), good_labels.clone(), "promises 4 bytes of data, the file has more"),
            (images([0, 1, 2], &[]), good_labels.clone(), "dimension 1 is 0"),
            (images([2, 1, 0], &[]), good_labels.clone(), "dimension 3 is 0"),
            (images([u32::MAX; 3], &[1, 2, 3, 4]), good_labels.clone(), "the file has 4"),
            (good_images[..7].to_vec(), good_labels.clone(), "ends after 7 bytes, within the header of 16"),
            (vec![], good_labels.clone(), "ends after 0 bytes"),
            (good_images.clone(), labels(3, &[0, 1, 1]), "has 2 images, labels has 3 labels"),
        ];
        for (images, labels, message) in cases {
            let error = load(&images, &labels).unwrap_err();
            assert!(error.contains(message), "{error}");
        }
    }

    #[test]
    fn a_torn_file_is_an_error_at_every_byte() {
        let (whole, labels) = (images([2, 1, 2], &[1, 2, 3, 4]), labels(2, &[0, 1]));
        for end in 0..whole.len() {
            assert!(load(&whole[..end], &labels).is_err(), "cut at {end}");
        }
        for end in 0..labels.len() {
            assert!(load(&whole, &labels[..end]).is_err(), "cut at {end}");
        }
    }

    #[test]
    fn a_torn_gzip_stream_is_an_error() {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(&images([2, 1, 2], &[1, 2, 3, 4])).unwrap();
        let zipped = encoder.finish().unwrap();
        for end in 2..zipped.len() {
            assert!(load(&zipped[..end], &labels(2, &[0, 1])).is_err(), "cut at {end}");
        }
    }
}
