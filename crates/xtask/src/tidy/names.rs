use super::source::Source;

/// Names that say nothing about what is inside.
const SAY_NOTHING: [&str; 7] = ["common", "helper", "helpers", "misc", "shared", "util", "utils"];

/// The most lines of a file.
const MOST_LINES: usize = 500;

/// Files that are named or sized as no file is here.
pub(super) fn faults(source: &Source) -> Vec<String> {
    let file = &source.file;
    let mut faults = Vec::new();
    if source.stem() == "mod" {
        faults.push(format!("{file}: a module is foo.rs beside foo/, not mod.rs"));
    }
    let within = file.split('/').skip(2).map(|part| part.strip_suffix(".rs").unwrap_or(part));
    for part in within.filter(|part| SAY_NOTHING.contains(part)) {
        faults.push(format!("{file}: the name {part:?} does not say what is inside"));
    }
    let lines = source.text.lines().count();
    if lines > MOST_LINES {
        faults.push(format!("{file}: {lines} lines; {MOST_LINES} are the most, 300 are long"));
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
    fn names_that_say_nothing_and_mod_files_are_faults() {
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
