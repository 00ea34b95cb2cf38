//! Other tools read what wdtop writes: Arrow's own library, polars, TensorBoard, safetensors.
//!
//! `WDTOP_TOOLS` names a Python that has what `tests/fixtures/tools.txt` lists; without it the test says that it was
//! left out, and under CI it fails.

use std::io::Write;
use std::path::Path;
use std::process::Command as Process;

use assert_cmd::Command;

#[test]
fn other_tools_read_a_session_and_its_exports() {
    let Some(python) = std::env::var_os("WDTOP_TOOLS") else {
        assert!(std::env::var_os("CI").is_none(), "WDTOP_TOOLS names no Python: under CI the tools have to be there");
        // Past the capture of the tests' output: who runs them should see it.
        let _ = writeln!(std::io::stderr(), "left out: WDTOP_TOOLS names no Python with the tools");
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let wdtop = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_wdtop"));
        command.current_dir(folder.path()).env("WDTOP_SESSIONS", folder.path()).args(arguments).assert().success();
    };
    let short = ["--steps", "60", "--evaluate-every", "20", "--train-samples", "500"];
    let edited = ["train", "--json", "--record", "a", "--edit", "30:weight_decay=3", "--snapshot-every", "20"];
    wdtop(&[edited.as_slice(), &short].concat());
    wdtop(&["export", "a", "--to", "csv", "--output", "a.csv"]);
    wdtop(&["export", "a", "--to", "tensorboard", "--output", "runs/a"]);
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/read_tools.py");
    let read = Process::new(python)
        .current_dir(folder.path())
        .arg(script)
        .args(["a.wdtop", "a.csv", "runs/a"])
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&read.stdout).into_owned() + &String::from_utf8_lossy(&read.stderr);
    assert!(read.status.success(), "{told}");
}
