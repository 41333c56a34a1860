use std::fmt;
use std::str::FromStr;

/// A model on the hub at a revision: `org/name`, or `org/name@revision`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct HubModel {
    repo: String,
    revision: String,
}

/// The revision where none is given.
const DEFAULT_REVISION: &str = "main";

/// The longest owner, name, or part of a revision.
const LONGEST: usize = 96;

impl HubModel {
    /// The repository: `org/name`, or `name` alone for the few that have no owner.
    pub(crate) fn repo(&self) -> &str {
        &self.repo
    }

    /// The branch, tag or commit.
    pub(crate) fn revision(&self) -> &str {
        &self.revision
    }

    /// The repository's own name, without its owner.
    pub(crate) fn name(&self) -> &str {
        self.repo.split_once('/').map_or(self.repo.as_str(), |(_, name)| name)
    }
}

/// Whether a revision is a commit as the hub writes it. Its files never change.
pub(super) fn is_commit(revision: &str) -> bool {
    revision.len() == 40 && revision.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

impl fmt::Display for HubModel {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}@{}", self.repo, self.revision)
    }
}

impl FromStr for HubModel {
    type Err = HubModelError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (repo, revision) = text.split_once('@').unwrap_or((text, DEFAULT_REVISION));
        let refused = |reason| Err(HubModelError { given: text.to_owned(), reason });
        if repo.split('/').count() > 2 {
            return refused("a repository has an owner and a name, with one slash between them");
        }
        if !repo.split('/').all(is_repo_part) {
            return refused(
                "an owner and a name have 1 to 96 letters, digits, '-', '_' and '.', neither begin nor end with '-' or \
                 '.', and have neither '--' nor '..'",
            );
        }
        if !revision.split('/').all(is_revision_part) {
            return refused("after '@' must follow a branch, a tag or a commit");
        }
        Ok(Self { repo: repo.to_owned(), revision: revision.to_owned() })
    }
}

/// The hub's own rule. It also prevents names that lead out of the cache, where they become folders.
fn is_repo_part(part: &str) -> bool {
    let edge = |byte: Option<u8>| byte.is_none_or(|byte| matches!(byte, b'-' | b'.'));
    part.len() <= LONGEST
        && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'))
        && !edge(part.bytes().next())
        && !edge(part.bytes().last())
        && !part.contains("--")
        && !part.contains("..")
}

/// A revision becomes a path in the cache, so no part of it may lead out of it.
fn is_revision_part(part: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'+' | b'#');
    !part.is_empty()
        && part.len() <= LONGEST
        && !part.starts_with('.')
        && !part.contains("..")
        && part.bytes().all(allowed)
}

/// A malformed name of a model on the hub.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("model.path = {given:?} names no model on the hub: {reason}; write org/name or org/name@revision")]
pub struct HubModelError {
    given: String,
    reason: &'static str,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_split_into_repository_and_revision() {
        for (text, repo, revision, name) in [
            ("org/name", "org/name", "main", "name"),
            ("org/na_me-1.5@v1.0", "org/na_me-1.5", "v1.0", "na_me-1.5"),
            ("gpt2", "gpt2", "main", "gpt2"),
            ("o/n@refs/pr/1", "o/n", "refs/pr/1", "n"),
        ] {
            let model: HubModel = text.parse().unwrap();
            assert_eq!((model.repo(), model.revision(), model.name()), (repo, revision, name));
            assert_eq!(model.to_string().parse(), Ok(model));
        }
    }

    #[test]
    fn malformed_names_and_paths_out_of_the_cache_are_refused() {
        let long = format!("org/{}", "x".repeat(97));
        for wrong in [
            "",
            "/",
            "org/",
            "/name",
            "a/b/c",
            "org/na me",
            "org/-name",
            "org/name.",
            "org/na--me",
            "../name",
            "org/..",
            "org/näme",
            "org/name@",
            "org/name@../x",
            "org/name@a//b",
            "org/name@/x",
            "org/name@a b",
            "org/name@.x",
            "org/name@x@y",
            &long,
        ] {
            let error = wrong.parse::<HubModel>().unwrap_err().to_string();
            assert!(error.contains("org/name@revision"), "{error}");
        }
    }

    #[test]
    fn forty_hexadecimal_digits_are_a_commit() {
        assert!(is_commit(&"0123456789abcdef0123".repeat(2)));
        assert!(!is_commit("main") && !is_commit(&"x".repeat(40)));
    }
}
