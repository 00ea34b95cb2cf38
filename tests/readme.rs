//! What the README says of the program is true.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::fs;
use std::path::Path;

fn read(file: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(file)).unwrap()
}

#[test]
fn its_keys_are_those_of_the_program() {
    for keys in [wdtop::tui::keys_as_markdown(), wdtop::tui::board::comparison_keys_as_markdown()] {
        assert!(read("README.md").contains(keys.trim()), "the README's keys should be\n\n{keys}");
    }
}

#[test]
fn its_test_command_is_the_one_that_is_run() {
    let command = "cargo test --workspace";
    assert!(read("README.md").contains(command) && read(".ci/run").contains(command));
}

#[test]
fn its_picture_is_there() {
    assert!(read("README.md").contains("(assets/screen.svg)") && read("assets/screen.svg").ends_with("</svg>\n"));
}
