//! Removing, renaming, noting.

use std::fs;

use tempfile::TempDir;

use super::sample::{self, record, run};
use crate::record::{Error, Recorder, Session, add_note, clear_notes, notes, remove, rename};

#[test]
fn a_removed_session_leaves_nothing_behind() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("a.wdtop");
    record(&path, run());
    fs::create_dir(path.join("snapshots")).unwrap();
    fs::write(path.join("snapshots/7.safetensors"), "weights").unwrap();
    add_note(&path, "x").unwrap();
    remove(&path).unwrap();
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn a_live_session_is_neither_removed_nor_renamed_but_noted() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("a.wdtop");
    let recorder = Recorder::create(&path).unwrap();
    assert!(matches!(remove(&path), Err(Error::Live { .. })));
    assert!(matches!(rename(&path, "b"), Err(Error::Live { .. })));
    add_note(&path, "while it\nruns").unwrap();
    assert_eq!(notes(&path).unwrap(), ["while it runs"]);
    sample::record_with(recorder, run());
    assert_eq!(rename(&path, "b").unwrap(), folder.path().canonicalize().unwrap().join("b.wdtop"));
}

#[test]
fn what_is_not_a_sessions_own_is_never_removed() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("a.wdtop");
    record(&path, run());
    for foreign in ["thesis.tex", "snapshots"] {
        fs::write(path.join(foreign), "a year of work").unwrap();
        let error = remove(&path).unwrap_err().to_string();
        assert!(error.contains(foreign) && error.ends_with("remove it by hand"), "{error}");
        fs::remove_file(path.join(foreign)).unwrap();
    }
    Session::open(&path).unwrap();
    #[cfg(unix)]
    {
        let link = folder.path().join("link.wdtop");
        std::os::unix::fs::symlink(&path, &link).unwrap();
        assert!(remove(&link).unwrap_err().to_string().contains("it is a link"));
        Session::open(&path).unwrap();
    }
}

#[test]
fn a_name_is_one_that_a_folder_can_have_and_that_is_free() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("a.wdtop");
    record(&path, run());
    fs::create_dir(folder.path().join("taken.wdtop")).unwrap();
    for name in ["", " ", "..", ".a", "-a", "a/b", "a\\b", "a\nb", "a ", "con:"] {
        assert!(matches!(rename(&path, name), Err(Error::Name { .. })), "{name:?}");
    }
    for name in ["taken", "taken.wdtop", "a"] {
        assert!(matches!(rename(&path, name), Err(Error::Taken { .. })), "{name:?}");
    }
    let path = rename(&path, "λ = 3").unwrap();
    assert_eq!(Session::open(&path).unwrap().name, "λ = 3");
}

#[test]
fn notes_are_lines_and_can_be_cleared() {
    let folder = TempDir::new().unwrap();
    for line in ["one", "two"] {
        add_note(folder.path(), line).unwrap();
    }
    assert_eq!(notes(folder.path()).unwrap(), ["one", "two"]);
    clear_notes(folder.path()).unwrap();
    clear_notes(folder.path()).unwrap();
    assert_eq!(notes(folder.path()).unwrap(), [""; 0]);
}
