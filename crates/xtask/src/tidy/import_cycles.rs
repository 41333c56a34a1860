use std::collections::{BTreeSet, HashMap, VecDeque};

use super::imports::{Imports, imports};
use super::source::Source;

/// The crates' roots, each with the folder or file below it that must be free of cycles.
const FREE_OF_CYCLES: [(&str, &str); 3] = [
    ("crates/application/src", "crates/application/src"),
    ("crates/http-actix/src", "crates/http-actix/src"),
    ("crates/infra-ml/src", "crates/infra-ml/src/architecture"),
];

/// Returns a line for each cycle of files that import one another.
pub(super) fn faults(sources: &[Source]) -> Vec<String> {
    FREE_OF_CYCLES.iter().flat_map(|(root, part)| faults_in(root, part, sources)).collect()
}

fn faults_in(root: &str, part: &str, sources: &[Source]) -> Vec<String> {
    let of_crate: Vec<&Source> = sources.iter().filter(|source| source.file.starts_with(root)).collect();
    let mut imports = imports(root, &of_crate);
    imports.retain(|file, _| file.starts_with(part));
    let mut seen = BTreeSet::new();
    let mut faults = Vec::new();
    for file in imports.keys() {
        // One shortest cycle for each file, unless another file's cycle has it already.
        let Some(cycle) = cycle_through(file, &imports).filter(|_| !seen.contains(file)) else { continue };
        let mut lines = vec![format!(
            "{file}:{}: an import cycle; move what these files share into one that imports none of them:",
            imports[file][cycle[1 % cycle.len()]]
        )];
        for (from, to) in cycle.iter().zip(cycle.iter().cycle().skip(1)) {
            lines.push(format!("    {from}:{} imports {to}", imports[from][to]));
        }
        faults.push(lines.join("\n"));
        seen.extend(cycle);
    }
    faults
}

/// The files of a shortest cycle, beginning with `file`; none where no import leads back to it.
fn cycle_through<'a>(file: &'a str, imports: &Imports<'a>) -> Option<Vec<&'a str>> {
    let mut importer_of: HashMap<&str, &str> = HashMap::new();
    let mut next = VecDeque::from([file]);
    while let Some(importer) = next.pop_front() {
        for imported in imports.get(importer).into_iter().flat_map(|imported| imported.keys()) {
            if *imported == file {
                let mut cycle = vec![importer];
                while let Some(before) = importer_of.get(cycle[cycle.len() - 1]) {
                    cycle.push(before);
                }
                cycle.reverse();
                return Some(cycle);
            }
            if !importer_of.contains_key(imported) {
                importer_of.insert(imported, importer);
                next.push_back(imported);
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test")]

    use super::*;

    /// The faults of a crate of these files.
    fn faults_of(files: &[(&str, &str)]) -> Vec<String> {
        let files = [("lib.rs", "")].iter().chain(files);
        let sources: Vec<Source> =
            files.map(|(file, text)| Source::parse(format!("a/src/{file}"), *text).unwrap()).collect();
        faults_in("a/src", "a/src", &sources)
    }

    #[test]
    fn files_that_import_one_another_are_a_fault_with_every_line() {
        let faults = faults_of(&[
            ("one.rs", "\nuse crate::two::Two;\npub struct One;"),
            ("two.rs", "pub struct Two(super::three::Three);"),
            ("three.rs", "use super::one::{self, One};\npub struct Three;"),
        ]);
        let expected = "a/src/one.rs:2: an import cycle; move what these files share into one that imports none of \
                        them:\n    a/src/one.rs:2 imports a/src/two.rs\n    a/src/two.rs:1 imports a/src/three.rs\n    \
                        a/src/three.rs:1 imports a/src/one.rs";
        assert_eq!(faults, [expected]);
    }

    #[test]
    fn imports_in_one_direction_pass() {
        let files = [
            ("lib.rs", "mod one;\nmod two;\npub fn f() { one::f(); two::f(); }"),
            ("one.rs", "use crate::two;\npub fn f() { two::f() }"),
            ("two.rs", "use std::one::One;\nuse one::Two;\npub fn f() {}"),
        ];
        assert_eq!(faults_of(&files), Vec::<String>::new());
    }

    #[test]
    fn an_import_through_a_re_export_counts_for_the_file_of_the_item() {
        let ports = (
            "ports.rs",
            "mod clock;\nmod ids;\npub use clock::Clock;\npub(crate) use ids::Ids as Identifiers;",
        );
        let clock = ("ports/clock.rs", "pub trait Clock {}");
        let ids = ("ports/ids.rs", "use super::Clock;\npub struct Ids;");
        assert_eq!(faults_of(&[ports, clock, ids]), Vec::<String>::new());
        let clock = ("ports/clock.rs", "use crate::ports::Identifiers;\npub trait Clock {}");
        assert_eq!(faults_of(&[ports, clock, ids]).len(), 1);
    }

    #[test]
    fn a_parent_with_items_of_its_own_is_a_file_like_any_other() {
        let child = ("queue/job.rs", "use super::Queue;\npub struct Job;");
        assert_eq!(faults_of(&[("queue.rs", "mod job;\npub struct Queue;"), child]), Vec::<String>::new());
        let both = ("queue.rs", "mod job;\nuse job::Job;\npub struct Queue;");
        assert_eq!(faults_of(&[both, child]).len(), 1);
    }

    #[test]
    fn a_function_named_as_its_module_and_inline_modules_are_resolved() {
        let lib = ("lib.rs", "mod action;\nmod one;\npub use action::action;");
        let action = (
            "action.rs",
            "pub fn action() { inner::f() }\nmod inner { pub fn f() { super::super::one::f() } }",
        );
        let one = ("one.rs", "pub fn f() { crate::action() }");
        assert_eq!(faults_of(&[lib, action, one]).len(), 1);
        let one = ("one.rs", "use one::one;\npub fn f() { one() }");
        assert_eq!(faults_of(&[lib, action, one]), Vec::<String>::new());
    }

    #[test]
    fn imports_of_tests_do_not_count() {
        let two = ("two.rs", "use crate::one;\npub fn f() {}");
        let one = ("one.rs", "pub fn f() {}\n#[cfg(test)]\nmod tests { use crate::two::f; }");
        assert_eq!(faults_of(&[one, two]), Vec::<String>::new());
        let one = ("one.rs", "pub fn f() {}\nmod inner { use crate::two::f; }");
        assert_eq!(faults_of(&[one, two]).len(), 1);
    }
}
