//! Model folders that cannot be served: the program ends with exit code 2 and one line that names the file and says
//! what to do.

pub(crate) mod breaking;
mod cases;

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

use cases::{CONFIGURATIONS, FOLDERS_AND_FILES, WEIGHTS_AND_TOKENIZERS};

/// A small model that can be served.
pub(crate) fn whole() -> TempDir {
    let folder = TempDir::new().unwrap();
    for file in fs::read_dir(fixture("bert")).unwrap() {
        let path = file.unwrap().path();
        fs::copy(&path, folder.path().join(path.file_name().unwrap())).unwrap();
    }
    folder
}

/// The folder of a small model with random weights.
pub(crate) fn fixture(name: &str) -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "..", "infra-ml", "tests", "fixtures", name].iter().collect()
}

#[test]
fn every_broken_folder_is_one_clear_line_and_exit_code_2() {
    for (name, break_it, words) in
        FOLDERS_AND_FILES.into_iter().chain(CONFIGURATIONS).chain(WEIGHTS_AND_TOKENIZERS)
    {
        let folder = whole();
        break_it(folder.path());
        let arguments = ["models", "--precision", "f32", "--model"];
        let mut command = Command::new(env!("CARGO_BIN_EXE_undertone"));
        let output = command.args(arguments).arg(folder.path()).output().expect("starts");
        let error = String::from_utf8(output.stderr).expect("UTF-8");
        assert_eq!(output.status.code(), Some(2), "{name}: {error}");
        assert!(output.stdout.is_empty(), "{name}");
        let line = error
            .lines()
            .find(|line| line.starts_with("undertone: "))
            .unwrap_or_else(|| panic!("{name}: {error}"));
        assert_eq!(error.lines().count(), 1, "{name}: {error}");
        assert!(line.contains(&*folder.path().to_string_lossy()), "{name}: {line}");
        for word in words {
            assert!(line.contains(word), "{name}: {line:?} lacks {word:?}");
        }
        // The guard cannot remove a file that replaced the folder.
        let _ = fs::remove_file(folder.path());
    }
}

#[test]
fn the_folder_before_it_is_broken_can_be_served() {
    let folder = whole();
    let mut command = Command::new(env!("CARGO_BIN_EXE_undertone"));
    let output = command.args(["models", "--model"]).arg(folder.path()).output().expect("starts");
    assert!(output.status.success(), "{output:?}");
    let models: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(models["items"][0]["self_test"], "passed");
}
