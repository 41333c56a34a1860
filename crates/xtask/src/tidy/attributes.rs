use super::source::Source;

/// Attributes that hide a fault, with what to do instead.
const REFUSED: [(&str, &str); 3] = [
    ("ignore", "a test that does not run proves nothing: make it run, or delete it"),
    ("should_panic", "it passes on any panic: look at the outcome instead"),
    ("allow", "write #[expect(…, reason = \"…\")], which fails once it is not needed"),
];

/// Attributes that no source has, and examples in docs that are not run.
pub(super) fn faults(source: &Source) -> Vec<String> {
    let mut faults = Vec::new();
    for (open, attribute) in attributes(source) {
        for (name, advice) in REFUSED.iter().filter(|(name, _)| uses(attribute, name)) {
            faults.push(format!("{}:{}: #[{name}]: {advice}", source.file, source.line_of(open)));
        }
    }
    for (index, line) in source.text.lines().enumerate() {
        let line = line.trim_start();
        if (line.starts_with("///") || line.starts_with("//!")) && line.contains("```ignore") {
            faults.push(format!("{}:{}: an example that is not run: let it run", source.file, index + 1));
        }
    }
    faults
}

/// Every attribute of the code: its offset and what stands between its brackets.
fn attributes(source: &Source) -> impl Iterator<Item = (usize, &str)> {
    source.code.match_indices('#').filter_map(|(hash, _)| {
        let after = source.code[hash + 1..].trim_start_matches('!');
        let open = source.code.len() - after.len();
        after.starts_with('[').then(|| {
            let end = source.closing(open, (b'[', b']'));
            (hash, source.code[open + 1..end].trim_end_matches(']'))
        })
    })
}

/// Whether an attribute is `name`, by itself or under a condition.
fn uses(attribute: &str, name: &str) -> bool {
    let mut words = attribute.split(|character: char| !(character.is_alphanumeric() || character == '_'));
    match words.find(|word| !word.is_empty()) {
        Some("cfg_attr") => words.any(|word| word == name),
        first => first == Some(name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults_of(text: &str) -> Vec<String> {
        faults(&Source::new("crates/domain/src/a.rs", text))
    }

    #[test]
    fn skipped_tests_expected_panics_and_allowed_lints_are_faults() {
        for text in [
            "#[test]\n#[ignore]\nfn f() {}",
            "\n#[ignore = \"slow\"]\nfn f() {}",
            "\n#[should_panic(expected = \"x\")]\nfn f() {}",
            "\n#![allow(dead_code)]",
            "\n#[cfg_attr(test, allow(clippy::unwrap_used))]\nfn f() {}",
            "\n#[ cfg_attr(not(unix), ignore) ]\nfn f() {}",
            "\n//! ```ignore",
        ] {
            let faults = faults_of(text);
            assert_eq!(faults.len(), 1, "{text}");
            assert!(faults[0].starts_with("crates/domain/src/a.rs:2: "), "{}", faults[0]);
        }
    }

    #[test]
    fn words_in_comments_strings_and_other_attributes_are_none() {
        for text in [
            "// #[ignore]\nlet x = \"#[allow(x)]\";",
            "#[expect(dead_code, reason = \"allow\")]\nfn f() {}",
            "#[serde(rename_all = \"snake_case\")]\n#[arg(ignore_case = true)]\nstruct S;",
            "let x = a # b; allow(x); ignore[0];",
        ] {
            assert_eq!(faults_of(text), Vec::<String>::new(), "{text}");
        }
    }
}
