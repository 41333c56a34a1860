use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use anyhow::Context;

use crate::digest::sha256;

/// The folders of the two stores' migrations.
const FOLDERS: [&str; 2] = ["migrations/postgres", "migrations/sqlite"];

/// The SHA-256 of every migration when it landed, in the format of `sha256sum`, with paths from the workspace's root.
const DIGESTS: &str = include_str!("migrations.sha256");

/// The file of [`DIGESTS`].
const DIGESTS_FILE: &str = "crates/xtask/src/tidy/migrations.sha256";

/// Returns a line for each migration that only one store has, that has no `down` step, whose name has the wrong form or
/// that has changed since it landed.
pub(super) fn faults(root: &Path) -> anyhow::Result<Vec<String>> {
    let mut faults = faults_of_names(root)?;
    faults.extend(faults_of_content(root, DIGESTS)?);
    Ok(faults)
}

/// Returns a line for each file that differs from `digests`. A database has the checksum of each step that was applied
/// to it, comments included, and refuses a file that has changed since.
fn faults_of_content(root: &Path, digests: &str) -> anyhow::Result<Vec<String>> {
    let mut landed: BTreeMap<&str, &str> = digests
        .lines()
        .filter_map(|line| line.split_once("  "))
        .map(|(digest, file)| (file, digest))
        .collect();
    let mut faults = Vec::new();
    for folder in FOLDERS {
        for name in files_in(root, folder)? {
            let file = format!("{folder}/{name}");
            let content = fs::read(root.join(&file)).with_context(|| file.clone())?;
            let digest = sha256(&content);
            match landed.remove(file.as_str()) {
                Some(expected) if expected == digest => {}
                Some(_) => {
                    faults.push(format!("{file}: changed after it landed; restore it and add a step"));
                }
                None => {
                    faults.push(format!(
                        "{file}: no digest; add this line to {DIGESTS_FILE}: {digest}  {file}"
                    ));
                }
            }
        }
    }
    faults.extend(landed.into_keys().map(|file| format!("{file}: removed after it landed; restore it")));
    Ok(faults)
}

fn faults_of_names(root: &Path) -> anyhow::Result<Vec<String>> {
    let [one, other] = FOLDERS;
    let (one, other) = (files_in(root, one)?, files_in(root, other)?);
    let mut faults = faults_within(FOLDERS[0], &one);
    faults.extend(faults_within(FOLDERS[1], &other));
    faults.extend(
        one.difference(&other).map(|file| format!("{}/{file}: missing in {}", FOLDERS[0], FOLDERS[1])),
    );
    faults.extend(
        other.difference(&one).map(|file| format!("{}/{file}: missing in {}", FOLDERS[1], FOLDERS[0])),
    );
    Ok(faults)
}

fn files_in(root: &Path, folder: &str) -> anyhow::Result<BTreeSet<String>> {
    let path = root.join(folder);
    if !path.exists() {
        return Ok(BTreeSet::new());
    }
    let entries = fs::read_dir(&path).with_context(|| path.display().to_string())?;
    entries.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned())).collect()
}

fn faults_within(folder: &str, files: &BTreeSet<String>) -> Vec<String> {
    let mut faults = Vec::new();
    let mut names: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for file in files {
        match parse(file) {
            Some((number, name)) => _ = names.entry(number).or_default().insert(name),
            None => faults.push(format!("{folder}/{file}: name it 0001_name.up.sql or 0001_name.down.sql")),
        }
    }
    for (number, names) in names {
        if names.len() > 1 {
            faults.push(format!("{folder}: several migrations {number}; renumber one"));
        }
        for name in names {
            for way in
                ["up", "down"].iter().filter(|way| !files.contains(&format!("{number}_{name}.{way}.sql")))
            {
                faults.push(format!("{folder}/{number}_{name}.{way}.sql: missing; add it"));
            }
        }
    }
    faults
}

/// Returns the number and the name in a migration's file name.
fn parse(file: &str) -> Option<(&str, &str)> {
    let stem = file.strip_suffix(".up.sql").or_else(|| file.strip_suffix(".down.sql"))?;
    let (number, name) = stem.split_once('_')?;
    let is_number = number.len() == 4 && number.bytes().all(|byte| byte.is_ascii_digit());
    let is_name = !name.is_empty()
        && name.bytes().all(|byte| byte.is_ascii_lowercase() || b"_0123456789".contains(&byte));
    (is_number && is_name).then_some((number, name))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test")]

    use super::*;

    const UP_AND_DOWN: [&str; 2] = ["0001_predictions.up.sql", "0001_predictions.down.sql"];

    fn faults_of(postgres: &[&str], sqlite: &[&str]) -> Vec<String> {
        let root = tempfile::tempdir().unwrap();
        for (folder, files) in FOLDERS.into_iter().zip([postgres, sqlite]) {
            fs::create_dir_all(root.path().join(folder)).unwrap();
            for file in files {
                fs::write(root.path().join(folder).join(file), "").unwrap();
            }
        }
        faults_of_names(root.path()).unwrap()
    }

    /// Returns the faults of a folder whose only file has `content` and landed with the content `landed`.
    fn faults_of_file(content: &str, landed: &str) -> Vec<String> {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir_all(root.path().join(FOLDERS[1])).unwrap();
        fs::write(root.path().join(FOLDERS[1]).join("0001_a.up.sql"), content).unwrap();
        let digest = sha256(landed.as_bytes());
        faults_of_content(root.path(), &format!("{digest}  migrations/sqlite/0001_a.up.sql\n")).unwrap()
    }

    #[test]
    fn a_landed_migration_must_not_change_even_in_a_comment() {
        assert_eq!(faults_of_file("-- a\nSELECT 1;\n", "-- a\nSELECT 1;\n"), Vec::<String>::new());
        assert_eq!(
            faults_of_file("-- b\nSELECT 1;\n", "-- a\nSELECT 1;\n"),
            ["migrations/sqlite/0001_a.up.sql: changed after it landed; restore it and add a step"]
        );
    }

    #[test]
    fn a_migration_without_a_digest_and_a_digest_without_its_migration_are_faults() {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir_all(root.path().join(FOLDERS[0])).unwrap();
        fs::write(root.path().join(FOLDERS[0]).join("0001_a.up.sql"), "").unwrap();
        let faults = faults_of_content(root.path(), "00  migrations/postgres/0002_b.up.sql\n").unwrap();
        let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        let line = format!("{empty}  migrations/postgres/0001_a.up.sql");
        assert!(faults[0].ends_with(&format!("add this line to {DIGESTS_FILE}: {line}")), "{faults:?}");
        assert_eq!(faults[1..], ["migrations/postgres/0002_b.up.sql: removed after it landed; restore it"]);
    }

    #[test]
    fn the_committed_migrations_have_their_digests() {
        let workspace = crate::workspace::Workspace::new().unwrap();
        assert_eq!(faults(workspace.root()).unwrap(), Vec::<String>::new());
        assert!(DIGESTS.lines().count() >= 16);
    }

    #[test]
    fn migrations_of_both_stores_with_up_and_down_pass() {
        assert_eq!(faults_of(&UP_AND_DOWN, &UP_AND_DOWN), Vec::<String>::new());
    }

    #[test]
    fn a_migration_that_one_store_lacks_is_a_fault() {
        assert_eq!(faults_of(&UP_AND_DOWN, &[]).len(), 2);
        assert_eq!(faults_of(&[], &UP_AND_DOWN).len(), 2);
    }

    #[test]
    fn a_missing_down_step_a_repeated_number_and_a_wrong_name_are_faults() {
        let up = ["0001_predictions.up.sql"];
        assert_eq!(
            faults_of(&up, &up),
            [
                "migrations/postgres/0001_predictions.down.sql: missing; add it",
                "migrations/sqlite/0001_predictions.down.sql: missing; add it"
            ]
        );
        let repeated = ["0001_a.up.sql", "0001_a.down.sql", "0001_b.up.sql", "0001_b.down.sql"];
        assert_eq!(faults_of(&repeated, &repeated).len(), 2);
        let misnamed = ["1_predictions.sql"];
        assert_eq!(faults_of(&misnamed, &misnamed).len(), 2);
    }
}
