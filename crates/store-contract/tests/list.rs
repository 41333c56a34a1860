//! No case is left out of the list, and no name stands in it that is none.

#![expect(clippy::expect_used, reason = "a test")]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

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
