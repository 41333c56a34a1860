//! What is wrong with a configuration, in the words of the person who wrote it.

use std::io;
use std::path::Path;

use figment::Source;
use figment::error::{Actual, Kind};

/// How alike two keys must be for one to be taken for the other, from 0 to 1.
const ALIKE: f64 = 0.7;

/// Describes on one line what is wrong with which key, and where it was set.
pub(super) fn describe(error: &figment::Error) -> anyhow::Error {
    let key = error.path.join(".");
    let problem = match &error.kind {
        Kind::UnknownField(field, known) => unknown_key(&error.path, field, known),
        Kind::UnknownVariant(value, known) => format!("{key} must be {}, not {value:?}", one_of(known)),
        Kind::InvalidType(actual, expected) | Kind::InvalidValue(actual, expected) => {
            format!("{key} must be {}, not {}", expectation(expected), shown(actual))
        }
        kind => {
            let key = if key.is_empty() { key } else { format!("{key}: ") };
            format!("{key}{}", without_frame(&kind.to_string()))
        }
    };
    anyhow::anyhow!("configuration: {problem}{}", place(error))
}

/// The file `file` of `--config` cannot be read.
pub(super) fn unreadable(file: &Path, error: &io::Error) -> anyhow::Error {
    let reason = error.to_string();
    let reason = reason.split(" (os error ").next().unwrap_or_default().to_lowercase();
    anyhow::anyhow!("cannot read the configuration {}: {reason}; name another with --config", file.display())
}

fn place(error: &figment::Error) -> String {
    match error.metadata.as_ref().and_then(|metadata| metadata.source.as_ref()) {
        Some(Source::File(file)) => format!(" (in {})", file.display()),
        Some(Source::Custom(_)) | None => {
            format!(" (in the environment: UNDERTONE_{})", error.path.join("__").to_uppercase())
        }
        Some(_) => " (in a flag)".to_owned(),
    }
}

/// Names the unknown key, and the one that was probably meant.
fn unknown_key(path: &[String], field: &str, known: &[&str]) -> String {
    let section = match path.split_last() {
        Some((last, above)) if last == field => above,
        _ => path,
    };
    let full = |key: &str| section.iter().map(String::as_str).chain([key]).collect::<Vec<_>>().join(".");
    let alike = known.iter().map(|key| (strsim::jaro_winkler(field, key), key));
    let closest = alike.filter(|(alike, _)| *alike > ALIKE).max_by(|left, right| left.0.total_cmp(&right.0));
    let hint = closest.map_or_else(
        || "`undertone config --reference` lists every key".to_owned(),
        |(_, key)| format!("did you mean {}?", full(key)),
    );
    format!("unknown key {}; {hint}", full(field))
}

fn one_of(values: &[&str]) -> String {
    match values.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} or {last}", rest.join(", ")),
        _ => values.join(", "),
    }
}

/// What a type of Rust stands for.
fn expectation(expected: &str) -> &str {
    match expected {
        "u16" => "a whole number from 0 to 65535",
        "u32" | "u64" | "usize" => "a whole number that is not negative",
        "i32" | "i64" | "isize" => "a whole number",
        "f32" | "f64" => "a number",
        "a boolean" => "true or false",
        "a string" => "text",
        "a sequence" => "a list such as [\"a\", \"b\"]",
        other => other,
    }
}

fn shown(actual: &Actual) -> String {
    match actual {
        Actual::Str(text) => format!("{text:?}"),
        Actual::Bool(value) => value.to_string(),
        Actual::Unsigned(number) => number.to_string(),
        Actual::Signed(number) => number.to_string(),
        Actual::Float(number) => number.to_string(),
        other => other.to_string(),
    }
}

/// A message on one line, without the excerpt of the file that TOML's parser frames by bars.
fn without_frame(text: &str) -> String {
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let framed = |line: &&&str| line.split_whitespace().any(|word| word == "|") || line.starts_with('|');
    let mut plain = lines.iter().filter(|line| !framed(line)).copied();
    let first = plain.next().unwrap_or_default().replace("TOML parse error at ", "");
    let rest: Vec<&str> = plain.collect();
    if rest.is_empty() { first } else { format!("{first}: {}", rest.join(", ")) }
}

#[cfg(test)]
mod tests {
    use cli::Overrides;
    use figment::Jail;

    use crate::config::Settings;

    #[track_caller]
    fn problem_of_file(content: &str) -> String {
        let mut problem = String::new();
        Jail::expect_with(|jail| {
            jail.create_file("undertone.toml", content)?;
            let error = Settings::load(&Overrides::default()).unwrap_err().to_string();
            // The folder of the test has another name each time.
            problem = match error.split_once(" (in ") {
                Some((problem, file)) if file.ends_with("undertone.toml)") => problem.to_owned(),
                _ => error,
            };
            Ok(())
        });
        problem
    }

    #[test]
    fn a_problem_is_one_line_that_names_the_key_and_says_what_it_takes() {
        for (content, expected) in [
            ("[server]\nprot = 1", "unknown key server.prot; did you mean server.port?"),
            ("[server]\nzzz = 1", "unknown key server.zzz; `undertone config --reference` lists every key"),
            ("[sever]\nport = 1", "unknown key sever; did you mean server?"),
            ("[server]\nport = \"many\"", "server.port must be a whole number from 0 to 65535, not \"many\""),
            ("[server]\nhsts = 3", "server.hsts must be true or false, not 3"),
            (
                "[model]\nprecision = \"f31\"",
                "model.precision must be auto, f32, int8, f16 or bf16, not \"f31\"",
            ),
            ("[server\nport = 1", "line 1, column 8: unclosed table, expected `]`"),
            ("[server]\nport =", "line 2, column 7: string values must be quoted, expected literal string"),
            ("[server]\nport = 1\nport = 2", "line 3, column 1: duplicate key"),
            (
                "[server]\nport = eighty",
                "line 2, column 8: string values must be quoted, expected literal string",
            ),
        ] {
            assert_eq!(problem_of_file(content), format!("configuration: {expected}"));
        }
    }

    #[test]
    fn a_file_that_cannot_be_read_is_named() {
        let absent = Overrides { file: Some("absent.toml".into()), values: Vec::new() };
        assert_eq!(
            Settings::load(&absent).unwrap_err().to_string(),
            "cannot read the configuration absent.toml: no such file or directory; name another with --config"
        );
    }
}
