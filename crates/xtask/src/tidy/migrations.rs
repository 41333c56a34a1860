use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::fs;
use std::path::Path;

use anyhow::Context;
use sha2::{Digest, Sha256};

/// The folders of the twins.
const TWINS: [&str; 2] = ["migrations/postgres", "migrations/sqlite"];

/// The digest of every migration as it landed, in the form that `sha256sum --check` reads in the workspace's root.
const DIGESTS: &str = include_str!("migrations.sha256");

/// Where [`DIGESTS`] stand.
const LIST: &str = "crates/xtask/src/tidy/migrations.sha256";

/// Migrations that lack their twin, their way back or a name of the right form, and those that are not what they were
/// when they landed.
pub(super) fn faults(root: &Path) -> anyhow::Result<Vec<String>> {
    let mut faults = faults_of_names(root)?;
    faults.extend(faults_of_content(root, DIGESTS)?);
    Ok(faults)
}

/// Files that differ from `digests`. Databases remember the checksum of each step that was applied to them, comments
/// included, so that a changed file is refused by every database that has it.
fn faults_of_content(root: &Path, digests: &str) -> anyhow::Result<Vec<String>> {
    let mut landed: BTreeMap<&str, &str> = digests
        .lines()
        .filter_map(|line| line.split_once("  "))
        .map(|(digest, file)| (file, digest))
        .collect();
    let mut faults = Vec::new();
    for folder in TWINS {
        for name in files_in(root, folder)? {
            let file = format!("{folder}/{name}");
            let content = fs::read(root.join(&file)).with_context(|| file.clone())?;
            let digest = sha256(&content);
            match landed.remove(file.as_str()) {
                Some(expected) if expected == digest => {}
                Some(_) => {
                    faults.push(format!("{file}: changed after it landed; undo that and add a step"));
                }
                None => {
                    faults.push(format!("{file}: has no digest; add this line to {LIST}: {digest}  {file}"));
                }
            }
        }
    }
    faults.extend(landed.into_keys().map(|file| format!("{file}: removed after it landed; bring it back")));
    Ok(faults)
}

/// The SHA-256 of `content`, in lower-case hexadecimal digits.
fn sha256(content: &[u8]) -> String {
    let mut digits = String::with_capacity(64);
    for byte in Sha256::digest(content) {
        // Strings grow.
        let _ = write!(digits, "{byte:02x}");
    }
    digits
}

fn faults_of_names(root: &Path) -> anyhow::Result<Vec<String>> {
    let [one, other] = TWINS;
    let (one, other) = (files_in(root, one)?, files_in(root, other)?);
    let mut faults = faults_within(TWINS[0], &one);
    faults.extend(faults_within(TWINS[1], &other));
    faults.extend(one.difference(&other).map(|file| format!("{}/{file}: no twin in {}", TWINS[0], TWINS[1])));
    faults.extend(other.difference(&one).map(|file| format!("{}/{file}: no twin in {}", TWINS[1], TWINS[0])));
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
            None => faults
                .push(format!("{folder}/{file}: not of the form 0001_name.up.sql or 0001_name.down.sql")),
        }
    }
    for (number, names) in names {
        if names.len() > 1 {
            faults.push(format!("{folder}: more than one migration {number}"));
        }
        for name in names {
            for way in
                ["up", "down"].iter().filter(|way| !files.contains(&format!("{number}_{name}.{way}.sql")))
            {
                faults.push(format!("{folder}/{number}_{name}.{way}.sql: missing"));
            }
        }
    }
    faults
}

/// The number and the name of a migration's file.
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

    const BOTH_WAYS: [&str; 2] = ["0001_predictions.up.sql", "0001_predictions.down.sql"];

    fn faults_of(postgres: &[&str], sqlite: &[&str]) -> Vec<String> {
        let root = tempfile::tempdir().unwrap();
        for (folder, files) in TWINS.into_iter().zip([postgres, sqlite]) {
            fs::create_dir_all(root.path().join(folder)).unwrap();
            for file in files {
                fs::write(root.path().join(folder).join(file), "").unwrap();
            }
        }
        faults_of_names(root.path()).unwrap()
    }

    /// The faults of a folder in which one file has `content`, of which `landed` landed.
    fn faults_of_file(content: &str, landed: &str) -> Vec<String> {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir_all(root.path().join(TWINS[1])).unwrap();
        fs::write(root.path().join(TWINS[1]).join("0001_a.up.sql"), content).unwrap();
        let digest = sha256(landed.as_bytes());
        faults_of_content(root.path(), &format!("{digest}  migrations/sqlite/0001_a.up.sql\n")).unwrap()
    }

    #[test]
    fn a_changed_byte_of_a_landed_migration_is_a_fault_even_in_a_comment() {
        assert_eq!(faults_of_file("-- a\nSELECT 1;\n", "-- a\nSELECT 1;\n"), Vec::<String>::new());
        assert_eq!(
            faults_of_file("-- b\nSELECT 1;\n", "-- a\nSELECT 1;\n"),
            ["migrations/sqlite/0001_a.up.sql: changed after it landed; undo that and add a step"]
        );
    }

    #[test]
    fn a_migration_without_a_digest_and_a_digest_without_its_migration_are_faults() {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir_all(root.path().join(TWINS[0])).unwrap();
        fs::write(root.path().join(TWINS[0]).join("0001_a.up.sql"), "").unwrap();
        let faults = faults_of_content(root.path(), "00  migrations/postgres/0002_b.up.sql\n").unwrap();
        let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        let line = format!("{empty}  migrations/postgres/0001_a.up.sql");
        assert!(faults[0].ends_with(&format!("add this line to {LIST}: {line}")), "{faults:?}");
        assert_eq!(
            faults[1..],
            ["migrations/postgres/0002_b.up.sql: removed after it landed; bring it back"]
        );
    }

    #[test]
    fn the_committed_migrations_are_those_that_landed() {
        let workspace = crate::workspace::Workspace::new().unwrap();
        assert_eq!(faults(workspace.root()).unwrap(), Vec::<String>::new());
        assert!(DIGESTS.lines().count() >= 16);
    }

    #[test]
    fn twins_with_both_ways_are_good() {
        assert_eq!(faults_of(&BOTH_WAYS, &BOTH_WAYS), Vec::<String>::new());
    }

    #[test]
    fn a_migration_without_its_twin_is_a_fault_on_either_side() {
        assert_eq!(faults_of(&BOTH_WAYS, &[]).len(), 2);
        assert_eq!(faults_of(&[], &BOTH_WAYS).len(), 2);
    }

    #[test]
    fn a_missing_way_back_a_number_used_twice_and_a_strange_name_are_faults() {
        let up = ["0001_predictions.up.sql"];
        assert_eq!(
            faults_of(&up, &up),
            [
                "migrations/postgres/0001_predictions.down.sql: missing",
                "migrations/sqlite/0001_predictions.down.sql: missing"
            ]
        );
        let twice = ["0001_a.up.sql", "0001_a.down.sql", "0001_b.up.sql", "0001_b.down.sql"];
        assert_eq!(faults_of(&twice, &twice).len(), 2);
        let strange = ["1_predictions.sql"];
        assert_eq!(faults_of(&strange, &strange).len(), 2);
    }
}
