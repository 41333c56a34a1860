use std::fmt;
use std::str::FromStr;

/// A model on the hub, and the state of it that is asked for: `org/name`, or `org/name@revision`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HubModel {
    repo: String,
    revision: String,
}

/// The revision that is meant where none is given.
const DEFAULT_REVISION: &str = "main";

/// The longest owner, name, or part of a revision.
const LONGEST: usize = 96;

impl HubModel {
    /// The repository: `org/name`, or `name` alone for the few that have no owner.
    pub fn repo(&self) -> &str {
        &self.repo
    }

    /// The branch, tag or commit that is asked for.
    pub fn revision(&self) -> &str {
        &self.revision
    }

    /// The repository's own name, without its owner.
    pub fn name(&self) -> &str {
        self.owner_and_name().1
    }

    /// The owner, empty where there is none, and the name.
    pub(super) fn owner_and_name(&self) -> (&str, &str) {
        hf_hub::split_id(&self.repo)
    }
}

/// Whether a revision is a commit in the form that the hub writes it, whose files never change.
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
            return refused("after '@' stands a branch, a tag or a commit");
        }
        Ok(Self { repo: repo.to_owned(), revision: revision.to_owned() })
    }
}

/// The hub's own rule. It also keeps names inside the folder of the cache that is made of them.
fn is_repo_part(part: &str) -> bool {
    let edge = |byte: Option<u8>| byte.is_none_or(|byte| matches!(byte, b'-' | b'.'));
    part.len() <= LONGEST
        && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'))
        && !edge(part.bytes().next())
        && !edge(part.bytes().last())
        && !part.contains("--")
        && !part.contains("..")
}

/// A revision becomes a path of the cache, so no part of it may lead out of it.
fn is_revision_part(part: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'+' | b'#');
    !part.is_empty()
        && part.len() <= LONGEST
        && !part.starts_with('.')
        && !part.contains("..")
        && part.bytes().all(allowed)
}

/// A text that names no model on the hub.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{given:?} names no model on the hub: {reason}; write org/name or org/name@revision")]
pub struct HubModelError {
    given: String,
    reason: &'static str,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repository_and_a_revision_are_told_apart() {
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
    fn what_names_no_model_or_leads_out_of_the_cache_is_refused() {
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
