//! Commands of the program that are expected to succeed.

use std::path::Path;
use std::process::Command;

/// Runs the program with the store `store` and returns what it wrote to standard output.
#[track_caller]
pub(crate) fn undertone(folder: &Path, store: &str, arguments: &[&str]) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_undertone"));
    let output =
        command.current_dir(folder).args(["--store", store]).args(arguments).output().expect("it runs");
    assert!(output.status.success(), "{arguments:?}: {output:?}");
    String::from_utf8(output.stdout).expect("UTF-8")
}
