use super::source::Source;

/// Names that do not describe a module's content.
const VAGUE: [&str; 7] = ["common", "helper", "helpers", "misc", "shared", "util", "utils"];

/// The maximum length of a file.
const MAX_LINES: usize = 500;

/// Returns a line for each rule about names and lengths that a file breaks.
pub(super) fn faults(source: &Source) -> Vec<String> {
    let file = &source.file;
    let mut faults = Vec::new();
    if source.stem() == "mod" {
        faults.push(format!("{file}: move it to foo.rs beside foo/"));
    }
    let within = file.split('/').skip(2).map(|part| part.strip_suffix(".rs").unwrap_or(part));
    for part in within.filter(|part| VAGUE.contains(part)) {
        faults.push(format!("{file}: {part:?} does not describe the content; choose a name that does"));
    }
    let lines = source.text.lines().count();
    if lines > MAX_LINES {
        faults.push(format!("{file}: {lines} lines; split it below {MAX_LINES}, better below 300"));
    }
    faults
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test")]

    use super::*;

    fn count(file: &str, text: &str) -> usize {
        faults(&Source::parse(file, text).unwrap()).len()
    }

    #[test]
    fn vague_names_and_mod_files_are_faults() {
        assert_eq!(count("crates/domain/src/policies/mod.rs", ""), 1);
        assert_eq!(count("crates/domain/src/utils.rs", ""), 1);
        assert_eq!(count("crates/domain/src/helpers/numbers.rs", ""), 1);
        assert_eq!(count("crates/app/tests/common/mod.rs", ""), 2);
        assert_eq!(count("crates/domain/src/policies/softmax.rs", ""), 0);
    }

    #[test]
    fn a_file_of_more_than_500_lines_is_a_fault() {
        assert_eq!(count("crates/domain/src/a.rs", &"\n".repeat(500)), 0);
        assert_eq!(count("crates/domain/src/a.rs", &"\n".repeat(501)), 1);
    }
}
