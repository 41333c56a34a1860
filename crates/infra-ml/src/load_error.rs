//! Why a model cannot be served, by the stage of loading that failed.

mod config;
mod setting;
mod tokenizer;
mod trial;
mod unmapped_labels;
mod weights;

use std::io;

use application::action::chain;
use application::ports::ModelLoadError;

use crate::hub::{HubError, HubErrorKind};
use crate::model_folder::FolderError;

pub use config::ConfigError;
pub use setting::UnfitSetting;
pub use tokenizer::TokenizerError;
pub use trial::TrialError;
pub use unmapped_labels::UnmappedLabels;
pub use weights::WeightsError;

/// Why a model cannot be served. Each message names the file or the key and says what to do.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The model was not fetched from the hub.
    #[error(transparent)]
    Hub(#[from] HubError),
    /// The folder contains no model, or one of its files cannot be read.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// The configuration is of no served model.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The tokenizer cannot be used.
    #[error(transparent)]
    Tokenizer(#[from] TokenizerError),
    /// A setting does not fit the model or this machine.
    #[error(transparent)]
    Setting(#[from] UnfitSetting),
    /// The weights cannot be used.
    #[error(transparent)]
    Weights(#[from] WeightsError),
    /// The model fails when it is tried.
    #[error(transparent)]
    Trial(#[from] TrialError),
    /// A library panicked.
    #[error("loading the model panicked: {reason}; please report it")]
    Panicked {
        /// The panic's message.
        reason: String,
    },
    /// The gateway was stopped while it loaded.
    #[error("the gateway was stopped before the model was loaded")]
    Stopped,
    /// The operating system starts no thread.
    #[error("cannot start a thread for the model")]
    Thread {
        /// Why.
        #[source]
        source: io::Error,
    },
}

/// What an error means for the client that requested the model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LoadErrorKind {
    /// The model, or the setting `key`, cannot be used.
    NotLoadable {
        /// The key within the model's section.
        key: &'static str,
    },
    /// Something that any loading needs failed: the network, the disk, the process. Nothing is known against the
    /// model, which may be loaded later.
    Unavailable,
    /// The loading was stopped.
    Stopped,
}

impl LoadError {
    /// The one classification of loading errors. A new variant, here or of the hub, must be given its kind.
    pub fn kind(&self) -> LoadErrorKind {
        match self {
            Self::Hub(error) => match error.kind() {
                HubErrorKind::Refused => LoadErrorKind::NotLoadable { key: "path" },
                HubErrorKind::Absent | HubErrorKind::Damaged | HubErrorKind::Environment => {
                    LoadErrorKind::Unavailable
                }
                HubErrorKind::Cancelled => LoadErrorKind::Stopped,
            },
            Self::Setting(unfit) => LoadErrorKind::NotLoadable { key: unfit.key() },
            Self::Folder(_)
            | Self::Config(_)
            | Self::Tokenizer(_)
            | Self::Weights(_)
            | Self::Trial(_)
            | Self::Panicked { .. } => LoadErrorKind::NotLoadable { key: "path" },
            Self::Thread { .. } => LoadErrorKind::Unavailable,
            Self::Stopped => LoadErrorKind::Stopped,
        }
    }
}

impl From<LoadError> for ModelLoadError {
    fn from(error: LoadError) -> Self {
        let why = chain(&error);
        match error.kind() {
            LoadErrorKind::NotLoadable { key } => Self::NotLoadable { field: key, why },
            LoadErrorKind::Unavailable | LoadErrorKind::Stopped => Self::Unavailable { why },
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn endpoint() -> String {
        "http://hub".to_owned()
    }

    fn repo() -> String {
        "org/name".to_owned()
    }

    #[test]
    fn failures_of_the_network_the_disk_and_the_process_are_unavailable() {
        let broken = || io::Error::other("broken");
        let retry_after = Some(Duration::from_mins(10));
        let hub = [
            HubError::Unreachable { endpoint: endpoint(), source: broken().into() },
            HubError::Silent { endpoint: endpoint(), seconds: 10.0 },
            HubError::Failing { endpoint: endpoint(), status: 503 },
            HubError::RateLimited { endpoint: endpoint(), retry_after },
            HubError::Unexpected { endpoint: endpoint(), source: broken().into() },
            HubError::Checksum { repo: repo(), file: "config.json".to_owned() },
            HubError::Disk { path: "cache".into(), source: broken() },
            HubError::Client { source: broken().into() },
            HubError::Runtime { source: broken() },
            HubError::Cancelled,
        ];
        let process = [LoadError::Stopped, LoadError::Thread { source: broken() }];
        for error in hub.into_iter().map(LoadError::from).chain(process) {
            let message = error.to_string();
            assert!(matches!(error.into(), ModelLoadError::Unavailable { .. }), "{message}");
        }
    }

    #[test]
    fn a_wrong_model_or_setting_is_not_loadable_and_its_key_named() {
        let hub = [
            HubError::RepoNotFound { repo: repo() },
            HubError::Gated { repo: repo() },
            HubError::RevisionNotFound { repo: repo(), revision: "v1".to_owned() },
            HubError::Offline { model: repo(), cache: "cache".into(), missing: "config.json".to_owned() },
        ];
        let others = [
            FolderError::FolderMissing { path: "folder".into() }.into(),
            TrialError::NotUsable { path: "folder".into(), reason: "NaN".to_owned() }.into(),
        ];
        for error in hub.into_iter().map(LoadError::from).chain(others) {
            assert_eq!(error.kind(), LoadErrorKind::NotLoadable { key: "path" }, "{error}");
        }
        let window = LoadError::from(UnfitSetting::Window { window: 600, most: 512 });
        assert_eq!(window.kind(), LoadErrorKind::NotLoadable { key: "window" });
    }
}
