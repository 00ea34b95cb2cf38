//! Making a session folder and holding its lock.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use super::error::Error;
use super::{EVENTS, FORMAT, LOCK, MANIFEST, Manifest, Origin};

/// A session folder of our own: made by us and locked until dropped. One that never got a manifest is removed then.
#[derive(Debug)]
pub(super) struct Folder {
    path: PathBuf,
    described: bool,
    // Held open for the lock alone.
    _lock: File,
}

impl Folder {
    pub(super) fn create(path: &Path) -> Result<Folder, Error> {
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).map_err(|source| refusal(path, source))?;
        }
        // The one call that only one of two processes can win.
        fs::create_dir(path).map_err(|source| refusal(path, source))?;
        let error = match lock(&path.join(LOCK)) {
            Ok(Some(lock)) => return Ok(Folder { path: path.to_owned(), described: false, _lock: lock }),
            Ok(None) => Error::Busy { path: path.to_owned() },
            Err(source) => refusal(path, source),
        };
        remove_empty(path);
        Err(error)
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Writes the manifest, whole or not at all.
    pub(super) fn describe(&mut self, origin: Origin) -> io::Result<u64> {
        self.write_manifest(&Manifest { format: FORMAT, wdtop: env!("CARGO_PKG_VERSION").to_owned(), origin })
    }

    /// The same with a manifest that is there already.
    pub(super) fn write_manifest(&mut self, manifest: &Manifest) -> io::Result<u64> {
        let mut text = serde_json::to_vec_pretty(manifest)?;
        text.push(b'\n');
        let draft = self.path.join("session.json.new");
        fs::write(&draft, &text)
            .and_then(|()| fs::rename(&draft, self.path.join(MANIFEST)))
            .inspect_err(|_| drop(fs::remove_file(&draft)))?;
        self.described = true;
        Ok(text.len() as u64)
    }

    /// Whether the folder is still where it was made.
    pub(super) fn exists(&self) -> bool {
        self.path.join(EVENTS).exists()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if !self.described {
            remove_empty(&self.path);
        }
    }
}

/// Removes a folder that holds nothing but the lock; where somebody put something else into it, it stays.
fn remove_empty(path: &Path) {
    let _ = fs::remove_file(path.join(LOCK));
    let _ = fs::remove_dir(path);
}

/// Makes and locks a file; `None` where another process has it. A file system without locks is written without.
fn lock(path: &Path) -> io::Result<Option<File>> {
    let file = File::create_new(path)?;
    for _ in 0..10 {
        match file.try_lock() {
            Ok(()) => return Ok(Some(file)),
            Err(TryLockError::Error(error)) if error.kind() == io::ErrorKind::Unsupported => return Ok(Some(file)),
            Err(TryLockError::Error(error)) => return Err(error),
            // A process that looks whether the session runs holds the lock for a moment.
            Err(TryLockError::WouldBlock) => thread::sleep(Duration::from_millis(10)),
        }
    }
    Ok(None)
}

/// Whether a process holds the lock of the session at `path`.
pub(super) fn is_locked(path: &Path) -> bool {
    File::open(path.join(LOCK)).is_ok_and(|file| matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)))
}

/// What a failure to make the folder means.
fn refusal(path: &Path, source: io::Error) -> Error {
    let path = path.to_owned();
    if path.exists() && source.kind() == io::ErrorKind::AlreadyExists {
        return if is_locked(&path) { Error::Busy { path } } else { Error::Exists { path } };
    }
    match path.ancestors().skip(1).find(|ancestor| ancestor.is_file()) {
        Some(file) => Error::ParentIsFile { parent: file.to_owned(), path },
        None => Error::Create { path, source },
    }
}
