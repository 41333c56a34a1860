use super::source::Source;

/// The most columns of a line that is a comment. rustfmt does not wrap comments.
const MOST_COLUMNS: usize = 120;

/// Returns a line for each comment that is too wide. An address alone on its line may be as wide as it is.
pub(super) fn faults(source: &Source) -> Vec<String> {
    let comments = source.text.lines().enumerate().filter(|(_, line)| line.trim_start().starts_with("//"));
    let too_wide = comments
        .filter(|(_, line)| line.chars().count() > MOST_COLUMNS && line.split_whitespace().count() > 2);
    too_wide
        .map(|(index, line)| {
            let columns = line.chars().count();
            format!(
                "{}:{}: a comment of {columns} columns; wrap it at {MOST_COLUMNS}",
                source.file,
                index + 1
            )
        })
        .collect()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test")]

    use super::*;

    fn faults_of(text: &str) -> Vec<String> {
        faults(&Source::parse("crates/domain/src/a.rs", text).unwrap())
    }

    #[test]
    fn a_comment_of_more_than_120_columns_is_a_fault() {
        let docs = |columns: usize| format!("/// {}ü.\nstruct A;\n", "ab ".repeat((columns - 6) / 3));
        assert_eq!(faults_of(&docs(120)), Vec::<String>::new());
        assert_eq!(
            faults_of(&format!("\n{}", docs(123))),
            ["crates/domain/src/a.rs:2: a comment of 123 columns; wrap it at 120"]
        );
    }

    #[test]
    fn long_addresses_and_long_code_pass() {
        let long = "a".repeat(140);
        assert_eq!(faults_of(&format!("/// <https://{long}>\nstruct A;")), Vec::<String>::new());
        assert_eq!(faults_of(&format!("const A: &str = \"// {long} b c\";")), Vec::<String>::new());
    }
}
