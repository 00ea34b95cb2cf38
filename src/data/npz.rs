//! NPZ, NumPy's format for several arrays: a ZIP archive of NPY files.

use std::io::Read;
use std::path::{Path, PathBuf};

use flate2::read::DeflateDecoder;
use rawzip::{CompressionMethod, ZipArchive};
use thiserror::Error;

use super::file::{self, FileError};
use super::npy::{self, Array, NpyError};

/// What can be wrong with an NPZ file.
#[derive(Debug, Error)]
pub enum NpzError {
    /// Not there, or not readable.
    #[error(transparent)]
    File(#[from] FileError),
    /// Not an archive, or a torn one.
    #[error("{} is no NPZ archive: {problem}", path.display())]
    Archive {
        /// The file.
        path: PathBuf,
        /// The reader's words.
        problem: String,
    },
    /// Packed in a way that NumPy does not.
    #[error("{}: {name} is packed in another way than NumPy does (stored or deflated)", path.display())]
    Packed {
        /// The file.
        path: PathBuf,
        /// The array.
        name: String,
    },
    /// An array in it.
    #[error(transparent)]
    Array(#[from] NpyError),
}

/// An archive in memory.
pub struct Archive {
    path: PathBuf,
    bytes: Vec<u8>,
    /// The arrays' names, without `.npy`.
    pub names: Vec<String>,
}

impl Archive {
    /// Reads a file and the names in it.
    ///
    /// # Errors
    /// [`NpzError`]
    pub fn open(path: &Path) -> Result<Archive, NpzError> {
        Archive::new(path, file::read(path)?)
    }

    fn new(path: &Path, bytes: Vec<u8>) -> Result<Archive, NpzError> {
        let mut archive = Archive { path: path.into(), bytes, names: Vec::new() };
        let mut names = Vec::new();
        archive.find(|name| {
            names.push(name.to_owned());
            Wanted::No
        })?;
        archive.names = names;
        Ok(archive)
    }

    /// The array of this name.
    ///
    /// # Errors
    /// [`NpzError`]; there being none is none.
    pub fn read(&self, name: &str) -> Result<Option<Array>, NpzError> {
        self.find(|own| if own == name { Wanted::Yes } else { Wanted::No })
    }

    /// Walks the directory and reads the first entry that is wanted.
    fn find(&self, mut wanted: impl FnMut(&str) -> Wanted) -> Result<Option<Array>, NpzError> {
        let wrong = |error: rawzip::Error| NpzError::Archive { path: self.path.clone(), problem: error.to_string() };
        let archive = ZipArchive::from_slice(&self.bytes).map_err(wrong)?;
        let mut entries = archive.entries();
        while let Some(entry) = entries.next_entry().map_err(wrong)? {
            let file = String::from_utf8_lossy(entry.file_path().as_ref()).into_owned();
            let name = file.strip_suffix(".npy").unwrap_or(&file);
            if wanted(name) == Wanted::No {
                continue;
            }
            let method = entry.compression_method();
            let local = archive.get_entry(entry.wayfinder()).map_err(wrong)?;
            let source: Box<dyn Read + '_> = match method {
                CompressionMethod::STORE => Box::new(local.data()),
                CompressionMethod::DEFLATE => Box::new(DeflateDecoder::new(local.data())),
                _ => return Err(NpzError::Packed { path: self.path.clone(), name: file }),
            };
            // Read to its end, so that the checksum is compared.
            let place = self.path.join(&file);
            return Ok(Some(npy::read(&place, local.verifying_reader(source))?));
        }
        Ok(None)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wanted {
    Yes,
    No,
}

#[cfg(test)]
pub(super) mod tests {
    use std::io::Write;

    use super::*;
    use crate::data::npy::tests::file as npy_file;

    /// An archive of these files.
    pub fn archive(files: &[(&str, Vec<u8>)], method: CompressionMethod) -> Vec<u8> {
        let mut output = Vec::new();
        let mut archive = rawzip::ZipArchiveWriter::new(&mut output);
        for (name, bytes) in files {
            let (mut entry, config) = archive.new_file(name).compression_method(method).start().unwrap();
            let descriptor = if method == CompressionMethod::DEFLATE {
                let encoder = flate2::write::DeflateEncoder::new(&mut entry, flate2::Compression::default());
                let mut writer = config.wrap(encoder);
                writer.write_all(bytes).unwrap();
                let (encoder, descriptor) = writer.finish().unwrap();
                encoder.finish().unwrap();
                descriptor
            } else {
                let mut writer = config.wrap(&mut entry);
                writer.write_all(bytes).unwrap();
                writer.finish().unwrap().1
            };
            entry.finish(descriptor).unwrap();
        }
        archive.finish().unwrap();
        output
    }

    fn load(bytes: &[u8]) -> Result<Option<Array>, String> {
        let archive = Archive::new(Path::new("a.npz"), bytes.to_vec()).map_err(|error| error.to_string())?;
        archive.read("x").map_err(|error| error.to_string())
    }

    fn small(method: CompressionMethod) -> Vec<u8> {
        let files = [("x.npy", npy_file("|u1", "(4,)", &[1, 2, 3, 4])), ("y.npy", npy_file("|u1", "(1,)", &[5]))];
        archive(&files, method)
    }

    #[test]
    fn stored_and_deflated_arrays_read_alike() {
        for method in [CompressionMethod::STORE, CompressionMethod::DEFLATE] {
            let bytes = small(method);
            assert_eq!(load(&bytes).unwrap().unwrap().values(), [1.0, 2.0, 3.0, 4.0]);
            let archive = Archive::new(Path::new("a.npz"), bytes).unwrap();
            assert_eq!(archive.names, ["x", "y"]);
            assert_eq!(archive.read("z").unwrap(), None);
        }
    }

    #[test]
    fn a_torn_archive_is_an_error_at_every_byte() {
        for method in [CompressionMethod::STORE, CompressionMethod::DEFLATE] {
            let whole = small(method);
            for end in 0..whole.len() {
                assert!(load(&whole[..end]).is_err(), "cut at {end} of {}", whole.len());
            }
        }
    }

    #[test]
    fn every_garbled_byte_is_refused_or_harmless() {
        for method in [CompressionMethod::STORE, CompressionMethod::DEFLATE] {
            let whole = small(method);
            for at in 0..whole.len() {
                for flip in [0x01, 0x80, 0xff] {
                    let mut bytes = whole.clone();
                    bytes[at] ^= flip;
                    // The checksum covers the elements: what is read is right.
                    if let Ok(Some(array)) = load(&bytes) {
                        assert_eq!(array.values(), [1.0, 2.0, 3.0, 4.0], "byte {at}");
                    }
                }
            }
        }
    }

    #[test]
    fn an_array_that_claims_more_than_there_is_is_told_with_its_place() {
        let files = [("x.npy", npy_file("<f8", "(9, 1000)", &[1, 2, 3, 4]))];
        let error = load(&archive(&files, CompressionMethod::DEFLATE)).unwrap_err();
        assert_eq!(error, "a.npz/x.npy: the header promises 72000 bytes of data, the file has 4");
    }
}
