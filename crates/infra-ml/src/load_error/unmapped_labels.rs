use std::collections::BTreeSet;
use std::fmt::{self, Display, Formatter, Write};
use std::path::PathBuf;

use domain::value_objects::ProblemType;

use crate::settings::SettingsPlace;

/// Labels of which it is unknown what they stand for. The message has the line to add to the settings, with all
/// sentiments for each label: it is accepted once they are reduced to one.
#[derive(Debug, Clone)]
pub struct UnmappedLabels {
    /// The model's configuration.
    pub path: PathBuf,
    /// The labels.
    pub labels: Vec<String>,
    /// What the outputs mean.
    pub problem_type: ProblemType,
    /// Where the model's settings were given.
    pub place: SettingsPlace,
}

/// The most labels that the line has.
const MOST_LABELS: usize = 32;

/// What each label may stand for. It is no sentiment, so that the line is refused while it is not edited.
const CHOICE: &str = "\"negative|neutral|positive\"";

const FILE: &str = "the configuration file (by default undertone.toml)";

impl UnmappedLabels {
    /// The section of the configuration; none for a request.
    fn section(&self) -> Option<String> {
        match &self.place {
            SettingsPlace::DefaultSection => Some("model".to_owned()),
            SettingsPlace::NamedSection(name) => Some(format!("models.{}", toml_key(name))),
            SettingsPlace::Request => None,
        }
    }

    /// A TOML line for a section of the configuration.
    fn toml(&self) -> String {
        format!("labels = {{ {} }}", self.entries(|label| format!("{} = {CHOICE}", toml_key(label))))
    }

    /// A member of the JSON object in a request.
    fn json(&self) -> String {
        format!("\"labels\": {{{}}}", self.entries(|label| format!("{}: {CHOICE}", quoted(label))))
    }

    fn entries(&self, entry: impl Fn(&String) -> String) -> String {
        let mut seen = BTreeSet::new();
        let distinct = self.labels.iter().filter(|label| seen.insert(*label));
        distinct.take(MOST_LABELS).map(entry).collect::<Vec<_>>().join(", ")
    }
}

impl Display for UnmappedLabels {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        let path = self.path.display();
        let (add, raw, line) = match self.section() {
            Some(section) => {
                (format!("add to the section [{section}] of {FILE}"), "labels = \"raw\"", self.toml())
            }
            None => ("send".to_owned(), "\"labels\": \"raw\"", self.json()),
        };
        if self.problem_type == ProblemType::Regression {
            let reason = "has the problem_type regression, whose numbers stand for no sentiments";
            return write!(out, "{path} {reason}; {add} this line: {raw}");
        }
        let count = self.labels.len();
        let part =
            if count > MOST_LABELS { format!("; it has {MOST_LABELS} of {count}") } else { String::new() };
        write!(
            out,
            "the labels in {path} name no sentiments; {add} either {raw}, for predictions without sentiments, or this \
             line, with only the right sentiment left for each label (see the model's card{part}): {line}"
        )
    }
}

fn toml_key(text: &str) -> String {
    if is_bare_key(text) { text.to_owned() } else { quoted(text) }
}

/// Whether TOML takes `key` without quotes.
fn is_bare_key(key: &str) -> bool {
    !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
}

/// `text` as a string of both TOML and JSON, on one line and without characters that a terminal hides or obeys.
fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for character in text.chars() {
        match character {
            '"' | '\\' => quoted.extend(['\\', character]),
            _ if is_invisible(character) => {
                // Writing to a string does not fail.
                let _ = write!(quoted, "\\u{:04X}", u32::from(character));
            }
            _ => quoted.push(character),
        }
    }
    quoted.push('"');
    quoted
}

/// Controls, separators of lines, and the marks that change the direction of writing; all are below U+10000.
fn is_invisible(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::{Value, json};

    use super::*;

    fn message(labels: &[&str], place: SettingsPlace) -> String {
        let labels = labels.iter().map(|label| (*label).to_owned()).collect();
        let problem_type = ProblemType::SingleLabel;
        UnmappedLabels { path: "m/config.json".into(), labels, problem_type, place }.to_string()
    }

    #[test]
    fn the_message_names_the_section_and_has_the_line_for_it() {
        let labels = ["LABEL_0", "2 \"stars\"", "très\u{202e} bon\n\\", "LABEL_0"];
        let line = r#"labels = { LABEL_0 = "negative|neutral|positive", "2 \"stars\"" = "negative|neutral|positive", "très\u202E bon\u000A\\" = "negative|neutral|positive" }"#;
        for (place, section) in [
            (SettingsPlace::DefaultSection, "section [model] of"),
            (SettingsPlace::NamedSection("fast".to_owned()), "section [models.fast] of"),
            (SettingsPlace::NamedSection("v1.2".to_owned()), "section [models.\"v1.2\"] of"),
        ] {
            let message = message(&labels, place);
            assert!(message.contains(section) && message.contains("m/config.json"), "{message}");
            assert!(message.ends_with(&format!("): {line}")), "{message}");
            assert!(message.contains("labels = \"raw\""), "{message}");
            assert_eq!(message.lines().count(), 1);
        }
    }

    #[test]
    fn for_a_request_the_message_has_a_member_of_its_body() {
        let labels = ["LABEL_0", "2 \"stars\"", "ポジ\u{7f}\u{85}ティブ"];
        let message = message(&labels, SettingsPlace::Request);
        let (_, member) = message.split_once("card): ").unwrap();
        let body: Value = serde_json::from_str(&format!("{{{member}}}")).unwrap();
        let choice = "negative|neutral|positive";
        assert_eq!(body, json!({ "labels": BTreeMap::from(labels.map(|label| (label, choice))) }));
        assert!(message.contains("\"labels\": \"raw\"") && !message.contains("[model]"), "{message}");
    }

    #[test]
    fn of_very_many_labels_the_line_has_the_first() {
        let labels: Vec<String> = (0..100).map(|index| format!("LABEL_{index}")).collect();
        let labels: Vec<&str> = labels.iter().map(String::as_str).collect();
        let message = message(&labels, SettingsPlace::DefaultSection);
        assert!(message.contains("it has 32 of 100") && message.contains("LABEL_31 = "), "{message}");
        assert!(!message.contains("LABEL_32"), "{message}");
    }

    #[test]
    fn a_regression_can_only_be_served_raw() {
        let labels = vec!["LABEL_0".to_owned()];
        let (path, place) = ("m/config.json".into(), SettingsPlace::DefaultSection);
        let regression = UnmappedLabels { path, labels, problem_type: ProblemType::Regression, place };
        let message = regression.to_string();
        assert!(message.ends_with("undertone.toml) this line: labels = \"raw\""), "{message}");
    }
}
