//! The commands that administer tenants, keys and the audit of a store.

use std::path::Path;
use std::process::Output;

use serde_json::Value;

use crate::command_line::undertone;

pub(crate) struct Commands<'a> {
    pub(crate) folder: &'a Path,
    pub(crate) store: &'a str,
    /// Further settings, `section.key=value`.
    pub(crate) settings: &'a [&'a str],
}

impl Commands<'_> {
    /// Runs the command in `line`, separated by spaces.
    pub(crate) fn run(&self, line: &str) -> Output {
        let mut arguments = vec!["--store", self.store];
        self.settings.iter().for_each(|setting| arguments.extend(["--set", setting]));
        arguments.extend(line.split(' '));
        undertone(self.folder, &arguments, "")
    }

    /// Runs a command that succeeds, and returns its standard output.
    #[track_caller]
    pub(crate) fn succeed(&self, line: &str) -> String {
        let output = self.run(line);
        assert!(output.status.success(), "{line}: {output:?}");
        String::from_utf8(output.stdout).expect("UTF-8")
    }

    /// Runs a command that fails with `code`, and returns its one line of error.
    #[track_caller]
    pub(crate) fn fail(&self, line: &str, code: i32) -> String {
        let output = self.run(line);
        assert_eq!(output.status.code(), Some(code), "{line}: {output:?}");
        let error = String::from_utf8(output.stderr).expect("UTF-8");
        let mut errors = error.lines().filter(|line| line.starts_with("undertone: "));
        let (first, second) = (errors.next(), errors.next());
        assert!(first.is_some() && second.is_none(), "{line}: {error}");
        first.unwrap_or_default().to_owned()
    }

    /// Issues a key.
    #[track_caller]
    pub(crate) fn issue(&self, arguments: &str) -> String {
        let printed = self.succeed(&format!("keys issue {arguments}"));
        let key = printed.trim_end().to_owned();
        assert!(printed == format!("{key}\n") && key.starts_with("ut_") && key.len() == 65, "{printed}");
        key
    }

    /// Returns the items of a list in JSON.
    #[track_caller]
    pub(crate) fn items(&self, line: &str) -> Vec<Value> {
        let text = self.succeed(&format!("{line} --json"));
        let mut list: Value = serde_json::from_str(&text).expect("JSON");
        list["items"].as_array_mut().map(std::mem::take).expect("items")
    }
}

/// The id of a key.
pub(crate) fn id_of(key: &str) -> &str {
    key.split('_').nth(1).expect("an id")
}
