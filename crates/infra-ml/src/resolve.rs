//! From `model.path` to a place: a folder of this machine, or a repository of the Hugging Face hub.

use std::path::{Path, PathBuf};
use std::{env, io};

use crate::hub::{HubModel, HubModelError};
use crate::model_folder::FolderError;
use crate::model_sources::ModelSources;

/// Where a model is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ModelSource {
    /// A folder of this machine.
    Folder(PathBuf),
    /// A repository on the hub.
    Hub(HubModel),
}

/// Why `model.path` stands for no place.
#[derive(Debug, thiserror::Error)]
pub enum ResolveError {
    /// A folder that does not exist.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// A malformed name of a model on the hub.
    #[error(transparent)]
    HubModel(#[from] HubModelError),
    /// No folder of this name under any `models/`.
    #[error(
        "there is no model folder models/{name} in {places}; run inside a clone, put the folder beside the program, or \
         set model.path"
    )]
    NotFound {
        /// The folder's name.
        name: String,
        /// Where it was looked for.
        places: String,
    },
    /// A path that clients may not load, or that stands for nothing: which of the two is not said.
    #[error(
        "no model may be loaded from {path:?}: server.model_sources does not allow it, or there is none; use an allowed \
         folder or repository, or ask the operator of this service"
    )]
    NotAllowed {
        /// The path as the client sent it.
        path: String,
    },
    /// This process has no place to look for models.
    #[error("cannot determine the {what}; set model.path to an absolute path")]
    NoPlace {
        /// `working directory` or `path of the program`.
        what: &'static str,
        /// Why.
        #[source]
        source: io::Error,
    },
}

/// The prefix that stands for the hub, even where there is such a folder.
pub(crate) const HUB_PREFIX: &str = "hf:";

/// The model that comes with Undertone.
const BUNDLED: &str = "sentiment-minilm-l6";

impl ModelSource {
    /// Resolves a configured path; without one, the bundled model.
    ///
    /// `hf:org/name[@revision]` is on the hub. So is `org/name[@revision]` where there is no such file or folder.
    /// Everything else is a folder: the path itself, or a name under `models/`, which is looked for in the working
    /// directory and those above it, then beside the program and in the folders above that, then in
    /// `../share/undertone/` from the program.
    pub(crate) fn resolve(path: Option<&Path>) -> Result<Self, ResolveError> {
        if let Some(model) = path.and_then(hub_name) {
            return Ok(Self::Hub(model.parse()?));
        }
        let name = match path {
            Some(path) if path.is_dir() => return Ok(Self::Folder(path.to_owned())),
            Some(path) if path.components().count() > 1 => {
                return Err(FolderError::FolderMissing { path: path.to_owned() }.into());
            }
            Some(path) => path,
            None => Path::new(BUNDLED),
        };
        let places = places()?;
        let candidates = places.iter().map(|place| place.join("models").join(name));
        candidates.into_iter().find(|folder| folder.is_dir()).map(Self::Folder).ok_or_else(|| {
            let places: Vec<String> = places.iter().map(|place| place.display().to_string()).collect();
            ResolveError::NotFound { name: name.display().to_string(), places: places.join(", ") }
        })
    }

    /// Resolves the path that a client sent, to nothing but what `sources` allow.
    ///
    /// Forms and places are those of [`resolve`](Self::resolve), but a folder that is not allowed is treated as one
    /// that does not exist, and the folder of the result has no symbolic link in its path.
    pub(crate) fn resolve_within(path: &Path, sources: &ModelSources) -> Result<Self, ResolveError> {
        let text = path.to_string_lossy();
        let mut candidates = Vec::new();
        if !text.starts_with(HUB_PREFIX) {
            candidates.push(path.to_owned());
            if path.components().count() == 1 {
                candidates.extend(places()?.iter().map(|place| place.join("models").join(path)));
            }
        }
        if let Some(folder) = candidates.iter().find_map(|folder| sources.folder(folder)) {
            return Ok(Self::Folder(folder));
        }
        let model = repo_name(path).map(str::parse::<HubModel>).transpose()?;
        let allowed = model.filter(|model| sources.allows_repo(model.repo()));
        allowed.map(Self::Hub).ok_or_else(|| ResolveError::NotAllowed { path: text.into_owned() })
    }

    /// The folder's own name, or the repository's without its owner.
    pub(crate) fn name(&self) -> String {
        match self {
            Self::Folder(folder) => {
                let whole = folder.canonicalize().unwrap_or_else(|_| folder.clone());
                whole
                    .file_name()
                    .map_or_else(|| "model".to_owned(), |name| name.to_string_lossy().into_owned())
            }
            Self::Hub(model) => model.name().to_owned(),
        }
    }
}

/// The name on the hub, where `path` is one rather than a folder.
fn hub_name(path: &Path) -> Option<&str> {
    repo_name(path).filter(|name| path.to_str() != Some(name) || !path.exists())
}

/// The name on the hub, where `path` has the form of one.
fn repo_name(path: &Path) -> Option<&str> {
    let text = path.to_str()?;
    if let Some(name) = text.strip_prefix(HUB_PREFIX) {
        return Some(name);
    }
    let repo = text.split('@').next().unwrap_or(text);
    let looks_like_a_path =
        text.starts_with(['/', '.', '~']) || repo.ends_with('/') || repo.split('/').count() != 2;
    (!looks_like_a_path).then_some(text)
}

/// Where a folder `models/` is looked for.
fn places() -> Result<Vec<PathBuf>, ResolveError> {
    let no_place = |what| move |source| ResolveError::NoPlace { what, source };
    let working = env::current_dir().map_err(no_place("working directory"))?;
    let program = env::current_exe().map_err(no_place("path of the program"))?;
    let mut places: Vec<PathBuf> = working.ancestors().map(Path::to_owned).collect();
    let beside = program.parent().unwrap_or(&program);
    places.extend(beside.ancestors().map(Path::to_owned));
    places.extend(beside.parent().map(|prefix| prefix.join("share").join("undertone")));
    Ok(places)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolve(path: &str) -> Result<ModelSource, ResolveError> {
        ModelSource::resolve(Some(Path::new(path)))
    }

    #[test]
    fn an_owner_and_a_name_are_on_the_hub_unless_there_is_such_a_folder() {
        // Tests run in the folder of their crate, which has a folder src/hub.
        for (path, model) in [
            ("org/name", "org/name@main"),
            ("org/name@v1", "org/name@v1"),
            ("org/name@refs/pr/1", "org/name@refs/pr/1"),
            ("hf:src/hub", "src/hub@main"),
            ("hf:gpt2", "gpt2@main"),
        ] {
            assert_eq!(resolve(path).unwrap(), ModelSource::Hub(model.parse().unwrap()));
        }
        assert_eq!(resolve("src/hub").unwrap(), ModelSource::Folder("src/hub".into()));
    }

    #[test]
    fn what_looks_like_a_path_is_a_folder() {
        for path in ["./name", "../org/name", "/org/name", "~/name", "a/b/c", "name", "org/", "."] {
            assert_eq!(hub_name(Path::new(path)), None, "{path}");
        }
    }

    #[test]
    fn a_client_reaches_nothing_but_what_the_sources_allow() {
        let sources = ["src/hub", "../../models/*", "hf:org/*"].map(str::to_owned);
        let sources = ModelSources::parse(&sources).unwrap();
        let resolve = |path: &str| ModelSource::resolve_within(Path::new(path), &sources);
        for (path, end) in [
            ("src/hub", "src/hub"),
            ("./src/../src/hub", "src/hub"),
            (BUNDLED, BUNDLED),
            ("src/hub/tests/..", "src/hub"),
        ] {
            let ModelSource::Folder(folder) = resolve(path).unwrap() else { panic!("{path} is a folder") };
            assert!(folder.ends_with(end) && folder.is_absolute(), "{}", folder.display());
        }
        for path in ["org/name", "hf:org/name@v1"] {
            assert!(matches!(resolve(path).unwrap(), ModelSource::Hub(model) if model.repo() == "org/name"));
        }
        let refusal = |path: &str| resolve(path).unwrap_err().to_string().replace(path, "PATH");
        // The first exists, the others do not.
        for path in [
            "src/settings",
            "src/absent",
            "src/hub/absent",
            "absent",
            "hf:other/name",
            "other/name",
            "/etc",
            "..",
        ] {
            assert_eq!(refusal(path), refusal("no/such/folder"), "{path}");
        }
        assert!(refusal("src/settings").contains("server.model_sources"));
        let malformed = resolve("hf:org/name@").unwrap_err();
        assert!(matches!(malformed, ResolveError::HubModel(_)), "{malformed}");
    }

    #[test]
    fn a_malformed_name_is_an_error_that_names_the_key() {
        for wrong in ["org/na me", "org/name@", "hf:", "hf:a/b/c", "org/name@.."] {
            let error = resolve(wrong).unwrap_err().to_string();
            assert!(error.contains("model.path") && error.contains("org/name@revision"), "{error}");
        }
    }

    #[test]
    fn the_bundled_model_is_found_from_inside_the_clone() {
        let source = ModelSource::resolve(None).unwrap();
        assert_eq!(source.name(), "sentiment-minilm-l6");
        let ModelSource::Folder(folder) = source else { panic!("it is a folder") };
        assert!(folder.ends_with("models/sentiment-minilm-l6") && folder.join("config.json").is_file());
    }

    #[test]
    fn a_folder_that_is_not_there_is_an_error_that_says_what_to_do() {
        for wrong in ["no/such/folder", "no-such-name"] {
            let error = resolve(wrong).unwrap_err().to_string();
            assert!(error.contains(wrong) && error.contains("model.path"), "{error}");
        }
    }
}
