//! Appending to a file so that a failure leaves no half of a record behind.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::error::shown;

/// A file that only grows, its length known without asking.
pub(super) struct Log {
    file: File,
    path: PathBuf,
    bytes: u64,
}

impl Log {
    pub(super) fn create(path: &Path) -> io::Result<Log> {
        let file = File::options().create(true).append(true).open(path).map_err(|error| named(path, error))?;
        Ok(Log { file, path: path.to_owned(), bytes: 0 })
    }

    /// Adds all of it or, as far as the system allows, nothing.
    pub(super) fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes).map_err(|error| {
            // Best effort: readers drop a torn tail, but other programs should not meet one.
            let _ = self.file.set_len(self.bytes);
            named(&self.path, error)
        })?;
        self.bytes += bytes.len() as u64;
        Ok(())
    }

    /// Waits until the system has it on its disk.
    pub(super) fn sync(&self) -> io::Result<()> {
        match self.file.sync_data() {
            // Some file systems have no such call; what was written is still theirs.
            Err(error) if matches!(error.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported) => Ok(()),
            result => result.map_err(|error| named(&self.path, error)),
        }
    }

    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }
}

/// The error with the file's name.
fn named(path: &Path, error: io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", shown(path)))
}
