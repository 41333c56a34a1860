//! The list contains every case, and nothing else.

#![expect(clippy::expect_used, reason = "a test")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// The `pub async fn`s of every file in `src/cases/`.
fn written() -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/cases");
    let mut names = Vec::new();
    for file in fs::read_dir(folder).expect("the folder of cases") {
        let source = fs::read_to_string(file.expect("a file of cases").path()).expect("a file of cases");
        let lines = source.lines().filter_map(|line| line.strip_prefix("pub async fn "));
        names.extend(lines.filter_map(|line| line.split(['(', '<']).next()).map(str::to_owned));
    }
    names
}

#[test]
fn every_case_is_in_the_list() {
    let listed: BTreeSet<_> = store_contract::CASES.iter().map(|case| (*case).to_owned()).collect();
    assert_eq!(written().into_iter().collect::<BTreeSet<_>>(), listed);
}

#[test]
fn every_case_has_a_name_of_its_own() {
    let unique: BTreeSet<_> = store_contract::CASES.iter().collect();
    assert_eq!(unique.len(), store_contract::CASES.len());
}

/// Every Rust file under `folder`.
fn sources(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("a folder of sources");
    let paths = entries.map(|entry| entry.expect("an entry").path());
    paths.flat_map(|path| if path.is_dir() { sources(&path) } else { vec![path] }).collect()
}

/// A port's docs name the case for each "must", in backticks.
#[test]
fn every_case_that_a_port_names_exists() {
    let ports = Path::new(env!("CARGO_MANIFEST_DIR")).join("../application/src/ports");
    let mut named = 0;
    for path in sources(&ports) {
        let source = fs::read_to_string(&path).expect("a port");
        let docs: String = source.lines().filter(|line| line.trim_start().starts_with("///")).collect();
        let is_sentence = |word: &&str| {
            word.matches('_').count() >= 3 && word.chars().all(|c| c.is_ascii_lowercase() || c == '_')
        };
        for case in docs.split('`').filter(is_sentence) {
            assert!(store_contract::CASES.contains(&case), "{case} in {}", path.display());
            named += 1;
        }
    }
    assert!(named >= 10, "the ports name only {named} cases");
}
