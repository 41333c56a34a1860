use std::collections::BTreeSet;

use cli::{Finding, Overrides};

use crate::config::{self, Settings};

const SUBJECT: &str = "configuration";

/// Where the settings are from, and variables that look like settings but are not read. The configuration itself is
/// valid, or there would be no `settings`.
pub(super) fn examine(settings: &Settings, overrides: &Overrides) -> Finding {
    let names: Vec<String> = config::variables().iter().map(|(name, _)| name.to_string()).collect();
    let sections = serde_json::to_value(settings).unwrap_or_default();
    let sections: BTreeSet<String> =
        sections.as_object().into_iter().flatten().map(|(key, _)| key.clone()).collect();
    match names.iter().find_map(|name| Some((name, misspelled(name, &sections)?))) {
        None => Finding::ok(SUBJECT, sources(&names, overrides)),
        Some((name, meant)) => Finding::warn(
            SUBJECT,
            format!("the variable UNDERTONE_{} is not read", name.to_uppercase()),
            format!("two underscores separate section and key: UNDERTONE_{meant}"),
        ),
    }
}

/// The variable that was probably meant by `name`, which has a section and one underscore.
fn misspelled(name: &str, sections: &BTreeSet<String>) -> Option<String> {
    let (section, key) = name.split_once('_')?;
    let is_setting = key.is_empty() || name.contains("__") || !sections.contains(section);
    (!is_setting).then(|| format!("{}__{}", section.to_uppercase(), key.to_uppercase()))
}

/// Where the settings are from, in words.
fn sources(names: &[String], overrides: &Overrides) -> String {
    let file = Settings::file(overrides).map(|file| file.display().to_string());
    let variables = names.iter().filter(|name| name.contains("__")).count();
    let counted = |count: usize, what: &str| match count {
        0 => None,
        1 => Some(format!("1 {what}")),
        _ => Some(format!("{count} {what}s")),
    };
    let flags = counted(overrides.values.len(), "flag");
    let parts: Vec<String> =
        [file, counted(variables, "environment variable"), flags].into_iter().flatten().collect();
    if parts.is_empty() { "defaults".to_owned() } else { format!("defaults, {}", parts.join(", ")) }
}

#[cfg(test)]
mod tests {
    use figment::Jail;

    use super::*;

    #[test]
    fn the_sources_of_settings_are_named() {
        Jail::expect_with(|jail| {
            let seen = |overrides: &Overrides| examine(&Settings::default(), overrides).seen;
            assert_eq!(seen(&Overrides::default()), "defaults");
            jail.create_file("undertone.toml", "")?;
            jail.set_env("UNDERTONE_SERVER__PORT", "2");
            jail.set_env("UNDERTONE_KEY", "a key");
            let values = vec![("a.b".to_owned(), "c".to_owned()); 2];
            let seen = seen(&Overrides { file: None, values });
            assert_eq!(seen, "defaults, undertone.toml, 1 environment variable, 2 flags");
            Ok(())
        });
    }

    #[test]
    fn a_variable_with_one_underscore_is_not_read() {
        Jail::expect_with(|jail| {
            jail.set_env("UNDERTONE_STORE_URL", "sqlite:x.db");
            let finding = examine(&Settings::default(), &Overrides::default());
            assert_eq!(finding.verdict, cli::Verdict::Warn);
            assert!(finding.advice.unwrap().ends_with("UNDERTONE_STORE__URL"));
            Ok(())
        });
    }
}
