//! The map in `src/lib.rs` is kept true: each module imports only what it may know.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

const FILES: &[&str] = &["std::fs", "std::io", "std::path"];
const CLOCKS: &[&str] = &["std::time", "Instant::now", "SystemTime", "jiff"];
const THREADS: &[&str] = &["std::thread", "std::sync", "thread::spawn", "Mutex"];
const CHANNELS: &[&str] = &["crossbeam_channel", "mpsc"];
const TERMINALS: &[&str] = &["ratatui", "crossterm", "indicatif", "println!", "eprintln!"];
/// The generators that no seed determines.
const CHANCE: &[&str] = &["rand::rng()", "rand::random", "thread_rng", "SysRng", "StdRng"];

/// A module of the crate.
struct Layer {
    name: &'static str,
    /// Modules that it may import.
    knows: &'static [&'static str],
    /// Words that must not stand in its code.
    never: &'static [&'static [&'static str]],
}

const LAYERS: &[Layer] = &[
    Layer { name: "scalar", knows: &[], never: &[FILES, CLOCKS, THREADS, CHANNELS, TERMINALS, CHANCE] },
    Layer { name: "kernel", knows: &["scalar"], never: &[FILES, CLOCKS, THREADS, CHANNELS, TERMINALS, CHANCE] },
    Layer { name: "random", knows: &[], never: &[FILES, CLOCKS, THREADS, CHANNELS, TERMINALS, CHANCE] },
    Layer { name: "series", knows: &[], never: &[FILES, CLOCKS, THREADS, CHANNELS, TERMINALS, CHANCE] },
    Layer { name: "chart", knows: &["series"], never: &[FILES, CLOCKS, THREADS, CHANNELS, TERMINALS, CHANCE] },
    Layer { name: "stream", knows: &[], never: &[FILES, CLOCKS, THREADS, TERMINALS, CHANCE] },
    Layer {
        name: "optim",
        knows: &["kernel", "random", "scalar", "stream"],
        never: &[FILES, CLOCKS, THREADS, CHANNELS, TERMINALS, CHANCE],
    },
    Layer {
        name: "nn",
        knows: &["kernel", "random", "scalar", "stream"],
        never: &[FILES, CLOCKS, THREADS, CHANNELS, TERMINALS, CHANCE],
    },
    Layer {
        name: "data",
        knows: &["kernel", "random", "scalar", "stream"],
        never: &[CLOCKS, THREADS, CHANNELS, TERMINALS, CHANCE],
    },
    Layer {
        name: "diagnostics",
        knows: &["scalar", "series", "stream"],
        never: &[FILES, CLOCKS, THREADS, CHANNELS, TERMINALS, CHANCE],
    },
    Layer {
        name: "train",
        knows: &["data", "diagnostics", "kernel", "nn", "optim", "random", "scalar", "stream"],
        never: &[TERMINALS, CHANCE],
    },
    Layer { name: "record", knows: &["chart", "diagnostics", "series", "stream"], never: &[TERMINALS, CHANCE] },
    Layer { name: "replay", knows: &["record", "stream"], never: &[TERMINALS, CHANCE] },
    Layer { name: "headless", knows: &["diagnostics", "stream"], never: &[CHANCE] },
    Layer { name: "tui", knows: &["chart", "diagnostics", "series", "stream"], never: &[CHANCE] },
    Layer {
        name: "cli",
        knows: &["data", "diagnostics", "headless", "nn", "optim", "record", "replay", "stream", "train", "tui"],
        never: &[CHANCE],
    },
];

/// Every `.rs` file below a path that does not hold tests alone.
fn sources(path: &Path, found: &mut Vec<(String, String)>) {
    let is_test = |path: &Path| path.file_stem().is_some_and(|stem| stem == "tests");
    if path.is_dir() && !is_test(path) {
        let mut entries: Vec<_> = fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()).collect();
        entries.sort();
        entries.iter().for_each(|entry| sources(entry, found));
    } else if path.extension().is_some_and(|extension| extension == "rs") && !is_test(path) {
        found.push((path.display().to_string(), code(&fs::read_to_string(path).unwrap())));
    }
}

/// The code of a file: without comments, and up to its tests.
fn code(text: &str) -> String {
    let text = text.split("#[cfg(test)]\nmod tests {").next().unwrap();
    text.lines().map(|line| line.split("//").next().unwrap()).collect::<Vec<_>>().join("\n")
}

/// The top-level modules that a piece of code names after `crate::`.
fn imports(code: &str) -> BTreeSet<String> {
    let first_word = |text: &str| text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>();
    let mut names = BTreeSet::new();
    for after in code.split("crate::").skip(1) {
        match after.strip_prefix('{') {
            None => _ = names.insert(first_word(after)),
            // A group: the names at its own depth.
            Some(group) => {
                let mut depth = 0;
                let mut start = true;
                for (at, c) in group.char_indices() {
                    match c {
                        '{' => depth += 1,
                        '}' if depth == 0 => break,
                        '}' => depth -= 1,
                        ',' if depth == 0 => start = true,
                        c if start && c.is_alphabetic() => {
                            names.insert(first_word(&group[at..]));
                            start = false;
                        }
                        _ => {}
                    }
                }
            }
        }
    }
    names
}

fn files_of(layer: &Layer) -> Vec<(String, String)> {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    sources(&src.join(layer.name), &mut files);
    sources(&src.join(format!("{}.rs", layer.name)), &mut files);
    files
}

#[test]
fn every_module_has_its_layer() {
    let map = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/lib.rs")).unwrap();
    let declared: BTreeSet<&str> =
        map.lines().filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';')).collect();
    assert_eq!(declared, LAYERS.iter().map(|layer| layer.name).collect::<BTreeSet<_>>());
    for name in declared {
        assert!(map.contains(&format!("//! | [`{name}`] |")), "src/lib.rs has no line for {name} in its map");
    }
}

#[test]
fn modules_import_only_what_they_may_know() {
    for layer in LAYERS {
        let files = files_of(layer);
        assert!(!files.is_empty(), "there is no src/{}.rs", layer.name);
        for (file, code) in files {
            for name in imports(&code) {
                let is_layer = LAYERS.iter().any(|layer| layer.name == name);
                let known = name == layer.name || layer.knows.contains(&name.as_str());
                assert!(!is_layer || known, "{file} imports {name}, which {} must not know", layer.name);
            }
        }
    }
}

#[test]
fn pure_modules_touch_no_file_clock_thread_channel_or_terminal() {
    for layer in LAYERS {
        for (file, code) in files_of(layer) {
            for word in layer.never.iter().copied().flatten() {
                assert!(!code.contains(word), "{file} has {word}, which {} must not know", layer.name);
            }
        }
    }
}

#[test]
fn imports_are_found_in_every_form() {
    let found = |code: &str| imports(code).into_iter().collect::<Vec<_>>().join(" ");
    assert_eq!(found("use crate::train::Team;"), "train");
    assert_eq!(found("use crate::{tui, nn::{Layer, Network}, stream as events};"), "nn stream tui");
    assert_eq!(found("fn f() { crate::record::open() }"), "record");
    assert_eq!(found("pub(crate) fn f() {}"), "");
}
