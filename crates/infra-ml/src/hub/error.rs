use std::io;
use std::path::PathBuf;
use std::time::Duration;

use application::errors::BoxError;

use crate::model_folder::{REQUIRED_FILES, TooLarge};

/// Why a model was not fetched from the hub. Each message names what is missing and says what to do.
#[derive(Debug, thiserror::Error)]
pub enum HubError {
    /// There is no such repository, or the token gives no access to it: the hub does not say which.
    #[error(
        "the hub has no model {repo} that this token gives access to; check its name (a folder is given by its path), and for \
         a private one set hub.token or HF_TOKEN, which is used for the models that the configuration or \
         server.model_sources names"
    )]
    RepoNotFound {
        /// The repository.
        repo: String,
    },
    /// The repository's files need its owner's permission.
    #[error(
        "the model {repo} is gated; ask for access on its page, then set hub.token or HF_TOKEN to a token of that account, which is used for \
         the models that the configuration or server.model_sources names"
    )]
    Gated {
        /// The repository.
        repo: String,
    },
    /// The repository has no such branch, tag or commit.
    #[error("the model {repo} has no revision {revision}; name a branch, a tag or a commit after the @")]
    RevisionNotFound {
        /// The repository.
        repo: String,
        /// The revision.
        revision: String,
    },
    /// A file that a model needs is not in the repository.
    #[error("the model {repo} at {commit} has no {file}; use a model with {}", REQUIRED_FILES)]
    FileMissing {
        /// The repository.
        repo: String,
        /// The commit.
        commit: String,
        /// The file.
        file: String,
    },
    /// The repository has weights, but only in formats that are not read.
    #[error(
        "the model {repo} at {commit} has its weights as {found} only, which is not read; use a revision with \
         model.safetensors or pytorch_model.bin, or save it so (transformers: save_pretrained)"
    )]
    ForeignWeights {
        /// The repository.
        repo: String,
        /// The commit.
        commit: String,
        /// The weights that are there.
        found: String,
    },
    /// The hub cannot be reached, or a connection broke.
    #[error(
        "the hub {endpoint} cannot be reached; check hub.endpoint, the network and its proxy (HTTPS_PROXY), or fetch the \
         model where there is a network and set hub.offline"
    )]
    Unreachable {
        /// The hub's address.
        endpoint: String,
        /// Why.
        #[source]
        source: BoxError,
    },
    /// The hub did not answer in time.
    #[error("the hub {endpoint} was silent for {seconds} s; try again, or raise hub.timeout")]
    Silent {
        /// The hub's address.
        endpoint: String,
        /// The time-out.
        seconds: f64,
    },
    /// The hub returned a server error.
    #[error("the hub {endpoint} answered {status}; try again later")]
    Failing {
        /// The hub's address.
        endpoint: String,
        /// The status.
        status: u16,
    },
    /// The hub refused the request by its rate limit.
    #[error(
        "the hub {endpoint} refuses further requests (its rate limit); try again later, or set hub.token for a higher limit"
    )]
    RateLimited {
        /// The hub's address.
        endpoint: String,
        /// How long to wait, where the hub says so.
        retry_after: Option<Duration>,
    },
    /// The response is none of a hub.
    #[error("{endpoint} does not answer as a hub does; check hub.endpoint")]
    Unexpected {
        /// The hub's address.
        endpoint: String,
        /// What is wrong with it.
        #[source]
        source: BoxError,
    },
    /// A file came with another length than the commit says.
    #[error(
        "{file} of the model {repo} came with {found} bytes instead of the {expected} of its commit; a proxy or mirror may have a damaged copy"
    )]
    WrongLength {
        /// The repository.
        repo: String,
        /// The file.
        file: String,
        /// The length by the commit.
        expected: u64,
        /// The received length.
        found: u64,
    },
    /// A file came with another content than the commit says.
    #[error(
        "{file} of the model {repo} came with another checksum than its commit has; a proxy or mirror may have a damaged copy"
    )]
    Checksum {
        /// The repository.
        repo: String,
        /// The file.
        file: String,
    },
    /// Another part of a file was sent than requested.
    #[error(
        "{file} of the model {repo} was requested from byte {from} on, but {found} came; a proxy or mirror may be faulty"
    )]
    WrongRange {
        /// The repository.
        repo: String,
        /// The file.
        file: String,
        /// The first byte that was requested.
        from: u64,
        /// The status and, where there is one, the `Content-Range` of the response.
        found: String,
    },
    /// The files have more bytes than the settings allow.
    #[error(transparent)]
    TooLarge(#[from] TooLarge),
    /// The index of the weights names files that cannot be used.
    #[error("{} does not say which files the weights are in; the repository is damaged", path.display())]
    Index {
        /// The index.
        path: PathBuf,
        /// Why.
        #[source]
        source: BoxError,
    },
    /// The cache cannot be used.
    #[error("cannot store the model at {}; check hub.cache, its permissions and the free space of its disk", path.display())]
    Disk {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The cache lacks a part of the model, and no connection may be made.
    #[error(
        "the model {model} is incomplete in {}: {missing} is missing, and hub.offline (or HF_HUB_OFFLINE) forbids fetching it; \
         start once with a network, or copy the cache of a machine that has it", cache.display()
    )]
    Offline {
        /// The model and revision.
        model: String,
        /// The cache.
        cache: PathBuf,
        /// The first part that is missing.
        missing: String,
    },
    /// The HTTP client cannot be built.
    #[error("cannot prepare a connection to the hub; check hub.endpoint and this machine's certificates")]
    Client {
        /// Why.
        #[source]
        source: BoxError,
    },
    /// The operating system starts no runtime for the download.
    #[error("cannot start the runtime of the download")]
    Runtime {
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The download was cancelled.
    #[error("the download was cancelled")]
    Cancelled,
}

/// What an error means for retries, for the cached copy and for clients.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HubErrorKind {
    /// The model cannot be had as it was named: the hub, the repository or the cache says no.
    Refused,
    /// The hub gives no answer for now: worth a retry, and a cached copy may be served.
    Absent,
    /// A file was damaged on its way: worth a retry.
    Damaged,
    /// Something around this process must be repaired first: the address, the disk, the certificates.
    Environment,
    /// The download was cancelled.
    Cancelled,
}

impl HubError {
    /// The one classification of hub errors. A new variant must be given its kind.
    pub fn kind(&self) -> HubErrorKind {
        match self {
            Self::RepoNotFound { .. }
            | Self::Gated { .. }
            | Self::RevisionNotFound { .. }
            | Self::FileMissing { .. }
            | Self::ForeignWeights { .. }
            | Self::TooLarge(_)
            | Self::Index { .. }
            | Self::Offline { .. } => HubErrorKind::Refused,
            Self::Unreachable { .. }
            | Self::Silent { .. }
            | Self::Failing { .. }
            | Self::RateLimited { .. } => HubErrorKind::Absent,
            Self::WrongLength { .. } | Self::Checksum { .. } | Self::WrongRange { .. } => {
                HubErrorKind::Damaged
            }
            Self::Unexpected { .. } | Self::Disk { .. } | Self::Client { .. } | Self::Runtime { .. } => {
                HubErrorKind::Environment
            }
            Self::Cancelled => HubErrorKind::Cancelled,
        }
    }
}
