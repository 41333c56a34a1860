//! Which models clients may load at run time.

use std::path::{Path, PathBuf};

use glob::{MatchOptions, Pattern};

use crate::hub::HubModel;
use crate::resolve::HUB_PREFIX;

/// The folders and the repositories of the hub that clients may load models from: the setting `server.model_sources`.
#[derive(Debug)]
pub struct ModelSources {
    folders: Vec<FolderRule>,
    repos: Vec<RepoRule>,
}

/// An invalid entry of `server.model_sources`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("server.model_sources: {entry:?} {reason}")]
pub struct ModelSourcesError {
    entry: String,
    reason: String,
}

/// Folders by a glob.
#[derive(Debug)]
struct FolderRule {
    /// The part of the glob before its first wildcard.
    base: PathBuf,
    /// The rest of it, which a folder's path below the base must match; without it, the base itself is the folder.
    below: Option<Pattern>,
}

#[derive(Debug, PartialEq, Eq)]
enum RepoRule {
    /// All repositories of this owner.
    Owner(String),
    Repo(String),
}

/// A wildcard matches neither a slash nor a dot at the beginning of a name.
const MATCHING: MatchOptions =
    MatchOptions { case_sensitive: true, require_literal_separator: true, require_literal_leading_dot: true };

impl ModelSources {
    /// Parses globs of folders, such as `models/*` or `/srv/models/**`, and repositories, `hf:org/name` or `hf:org/*`.
    ///
    /// # Errors
    /// The first entry that is neither.
    pub fn parse(entries: &[String]) -> Result<Self, ModelSourcesError> {
        let mut sources = Self { folders: Vec::new(), repos: Vec::new() };
        for entry in entries {
            let refuse = |reason| ModelSourcesError { entry: entry.clone(), reason };
            match entry.strip_prefix(HUB_PREFIX) {
                Some(repo) => sources.repos.push(RepoRule::parse(repo).map_err(refuse)?),
                None => sources.folders.push(FolderRule::parse(entry).map_err(refuse)?),
            }
        }
        Ok(sources)
    }

    /// Returns the folder that `path` stands for after symbolic links, if it exists and is allowed.
    pub(crate) fn folder(&self, path: &Path) -> Option<PathBuf> {
        let folder = path.canonicalize().ok()?;
        let is_allowed = self.folders.iter().any(|rule| rule.allows(&folder));
        (is_allowed && folder.is_dir()).then_some(folder)
    }

    /// Returns whether models of the repository are allowed.
    pub(crate) fn allows_repo(&self, repo: &str) -> bool {
        let owner = repo.split_once('/').map(|(owner, _)| owner);
        self.repos.iter().any(|rule| match rule {
            RepoRule::Owner(allowed) => owner == Some(allowed),
            RepoRule::Repo(allowed) => repo == allowed,
        })
    }
}

impl FolderRule {
    fn parse(glob: &str) -> Result<Self, String> {
        let trimmed = if glob.len() > 1 { glob.trim_end_matches('/') } else { glob };
        let parts: Vec<&str> = trimmed.split('/').collect();
        let wildcard = parts.iter().position(|part| part.contains(['*', '?', '[']));
        let (base, below) = parts.split_at(wildcard.unwrap_or(parts.len()));
        if below.iter().any(|part| matches!(*part, "" | "." | "..")) {
            return Err("must not have `.`, `..` or an empty part after a wildcard".to_owned());
        }
        let base = match base {
            [] => ".".to_owned(),
            [""] => "/".to_owned(),
            base => base.join("/"),
        };
        if trimmed.is_empty() {
            return Err("is empty; remove it, or name a folder".to_owned());
        }
        let base = std::path::absolute(&base).map_err(|error| format!("is not a folder: {error}"))?;
        let below = (!below.is_empty()).then(|| Pattern::new(&below.join("/"))).transpose();
        Ok(Self { base, below: below.map_err(|error| format!("is not a glob: {error}"))? })
    }

    /// Whether it allows `folder`, a canonical path.
    fn allows(&self, folder: &Path) -> bool {
        // The base is resolved each time, because it may have changed since the start.
        let Ok(base) = self.base.canonicalize() else { return false };
        match (folder.strip_prefix(base), &self.below) {
            (Ok(rest), None) => rest.as_os_str().is_empty(),
            (Ok(rest), Some(below)) => {
                !rest.as_os_str().is_empty() && below.matches_path_with(rest, MATCHING)
            }
            (Err(_), _) => false,
        }
    }
}

impl RepoRule {
    fn parse(repo: &str) -> Result<Self, String> {
        let is_repo = |repo: &str| !repo.contains('@') && repo.parse::<HubModel>().is_ok();
        match repo.strip_suffix("/*") {
            Some(owner) if !owner.contains('/') && is_repo(owner) => Ok(Self::Owner(owner.to_owned())),
            None if is_repo(repo) => Ok(Self::Repo(repo.to_owned())),
            Some(_) | None => {
                Err("names no repository of the hub; write hf:org/name or hf:org/*, without a revision"
                    .to_owned())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    fn parse(entries: &[&str]) -> Result<ModelSources, ModelSourcesError> {
        ModelSources::parse(&entries.iter().map(|entry| (*entry).to_owned()).collect::<Vec<_>>())
    }

    /// A folder with `models/a`, `models/b/c`, `models/.hidden`, `models-private/a` and `other`.
    fn place() -> tempfile::TempDir {
        let place = tempfile::tempdir().unwrap();
        for folder in ["models/a", "models/b/c", "models/.hidden", "models-private/a", "other"] {
            fs::create_dir_all(place.path().join(folder)).unwrap();
        }
        place
    }

    #[test]
    fn folders_are_allowed_by_globs() {
        let place = place();
        for (glob, allowed) in [
            ("models/*", &["models/a", "models/b"][..]),
            ("models/**", &["models/a", "models/b", "models/b/c"]),
            ("models/?/c", &["models/b/c"]),
            ("models/[a]", &["models/a"]),
            ("models/a", &["models/a"]),
            ("models/a/", &["models/a"]),
            ("models", &["models"]),
            ("models/.*", &["models/.hidden"]),
            ("*/a", &["models/a", "models-private/a"]),
            ("absent/*", &[]),
            ("other/../models/a", &["models/a"]),
        ] {
            let sources = parse(&[&format!("{}/{glob}", place.path().display())]).unwrap();
            let all = [
                ".",
                "models",
                "models/a",
                "models/b",
                "models/b/c",
                "models/.hidden",
                "models-private/a",
                "other",
                "absent",
                "models/absent",
                "absent/a",
            ];
            let is_allowed = |folder: &&str| sources.folder(&place.path().join(folder)).is_some();
            let found: Vec<&str> = all.into_iter().filter(is_allowed).collect();
            assert_eq!(found, allowed, "{glob}");
        }
    }

    #[test]
    fn a_folder_is_resolved_before_it_is_matched() {
        let place = place();
        let root = place.path().canonicalize().unwrap();
        let sources = parse(&[&format!("{}/models/*", root.display())]).unwrap();
        assert_eq!(sources.folder(&root.join("other/../models/a")), Some(root.join("models/a")));
        assert_eq!(sources.folder(&root.join("models/a/../../other")), None);
        assert_eq!(sources.folder(&root.join("models/..")), None);
        symlink(root.join("other"), root.join("models/link")).unwrap();
        symlink(root.join("models/a"), root.join("inward")).unwrap();
        assert_eq!(sources.folder(&root.join("models/link")), None, "a link out of the allowed folder");
        assert_eq!(sources.folder(&root.join("inward")), Some(root.join("models/a")), "a link into it");
        fs::write(root.join("models/file"), "no folder").unwrap();
        assert_eq!(sources.folder(&root.join("models/file")), None);
        symlink(root.join("models"), root.join("alias")).unwrap();
        let sources = parse(&[&format!("{}/alias/*", root.display())]).unwrap();
        assert_eq!(
            sources.folder(&root.join("models/a")),
            Some(root.join("models/a")),
            "a glob below a link"
        );
    }

    #[test]
    fn relative_globs_begin_at_the_working_directory() {
        // Tests run in the folder of their crate, which has a folder src/hub.
        let sources = parse(&["src/*", "*"]).unwrap();
        for folder in ["src", "src/hub", "./src/../src/hub"] {
            assert!(sources.folder(Path::new(folder)).is_some(), "{folder}");
        }
        for folder in ["src/hub/tests", "..", "/", ""] {
            assert_eq!(sources.folder(Path::new(folder)), None, "{folder}");
        }
    }

    #[test]
    fn repositories_are_allowed_by_name_or_owner() {
        let sources = parse(&["hf:org/*", "hf:other/one", "hf:gpt2"]).unwrap();
        for repo in ["org/a", "org/b", "other/one", "gpt2"] {
            assert!(sources.allows_repo(repo), "{repo}");
        }
        for repo in ["other/two", "organization/a", "org", "Org/a", "other", "gpt2/a", "other/one2"] {
            assert!(!sources.allows_repo(repo), "{repo}");
        }
        assert!(!parse(&[]).unwrap().allows_repo("org/a"));
        assert!(!parse(&["org/*"]).unwrap().allows_repo("org/a"), "without hf: it is a folder");
    }

    #[test]
    fn an_invalid_entry_is_an_error_that_names_it() {
        for wrong in [
            "",
            "models/a**",
            "models/***",
            "models/[a",
            "models/*/../x",
            "models/*/./x",
            "models/*//x",
            "hf:",
            "hf:*",
            "hf:*/*",
            "hf:org/",
            "hf:/*",
            "hf:org/name@main",
            "hf:org/na*",
            "hf:a/b/*",
            "hf:../*",
        ] {
            let error = parse(&["models/*", wrong]).unwrap_err().to_string();
            assert!(error.starts_with(&format!("server.model_sources: {wrong:?} ")), "{error}");
        }
    }
}
