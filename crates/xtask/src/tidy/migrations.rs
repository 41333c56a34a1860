use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use anyhow::Context;

/// The folders of the twins.
const TWINS: [&str; 2] = ["migrations/postgres", "migrations/sqlite"];

/// Migrations that lack their twin, their way back or a name of the right form.
pub(super) fn faults(root: &Path) -> anyhow::Result<Vec<String>> {
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
        faults(root.path()).unwrap()
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
