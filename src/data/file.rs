//! Files on their way into memory.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use flate2::read::MultiGzDecoder;
use thiserror::Error;

/// A file that cannot be read.
#[derive(Debug, Error)]
#[error("cannot read {}: {source}", path.display())]
pub struct FileError {
    path: PathBuf,
    source: io::Error,
}

impl FileError {
    pub(super) fn new(path: &Path, source: io::Error) -> Self {
        FileError { path: path.into(), source }
    }
}

/// Opens a file, gzipped or not.
pub fn open(path: &Path) -> Result<Box<dyn Read>, FileError> {
    File::open(path).and_then(unzip).map_err(|source| FileError::new(path, source))
}

/// All of a file, unzipped where it is gzipped.
pub fn read(path: &Path) -> Result<Vec<u8>, FileError> {
    let mut bytes = Vec::new();
    open(path)?.read_to_end(&mut bytes).map_err(|source| FileError::new(path, source))?;
    Ok(bytes)
}

/// Unzips what starts with gzip's magic number, passes on what does not.
pub fn unzip<'a>(mut source: impl Read + 'a) -> io::Result<Box<dyn Read + 'a>> {
    let mut start = Vec::new();
    source.by_ref().take(2).read_to_end(&mut start)?;
    let zipped = start == [0x1f, 0x8b];
    let whole = io::Cursor::new(start).chain(io::BufReader::with_capacity(1 << 16, source));
    Ok(if zipped { Box::new(MultiGzDecoder::new(whole)) } else { Box::new(whole) })
}

/// A file's name without folder and endings, for a title.
pub fn title(path: &Path) -> String {
    let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy();
    let name = name.strip_suffix(".gz").unwrap_or(&name);
    name.rsplit_once('.').map_or(name, |(stem, _)| stem).to_owned()
}

/// A file's ending in lower case, `.gz` left out.
pub fn ending(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
    let name = name.strip_suffix(".gz").unwrap_or(&name);
    name.rsplit_once('.').map_or("", |(_, ending)| ending).to_owned()
}
