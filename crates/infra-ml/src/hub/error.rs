use std::io;
use std::path::PathBuf;
use std::time::Duration;

use application::errors::BoxError;

/// Why a model does not come from the hub. Each message names what is missing and says what to do.
#[derive(Debug, thiserror::Error)]
pub enum HubError {
    /// There is no such repository, as far as the caller may know.
    #[error(
        "the hub has no model {repo} that may be seen with this token; see that its name is right (a folder would be \
         found by its path), and for a private one set hub.token or HF_TOKEN"
    )]
    RepoNotFound {
        /// The repository.
        repo: String,
    },
    /// The repository's files are for those only who were let in.
    #[error(
        "the model {repo} is gated; ask for access on its page, then set hub.token or HF_TOKEN to a token of that account"
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
        /// The revision asked for.
        revision: String,
    },
    /// A file that a model needs is not in the repository.
    #[error(
        "the model {repo} at {commit} has no {file}; use a model with config.json, tokenizer.json and model.safetensors"
    )]
    FileMissing {
        /// The repository.
        repo: String,
        /// The commit.
        commit: String,
        /// The file.
        file: String,
    },
    /// The repository has weights, but in a format that is not read.
    #[error(
        "the model {repo} at {commit} has its weights as {found} only, which is not read, for it can carry code; use a \
         revision with model.safetensors, or convert it (transformers: save_pretrained writes safetensors)"
    )]
    NoSafetensors {
        /// The repository.
        repo: String,
        /// The commit.
        commit: String,
        /// The weights that are there.
        found: String,
    },
    /// The hub cannot be reached, or a connection broke.
    #[error(
        "the hub {endpoint} cannot be reached; see hub.endpoint, the network and its proxy (HTTPS_PROXY), or fetch the model \
         where there is a network and set hub.offline"
    )]
    Unreachable {
        /// The hub's address.
        endpoint: String,
        /// Why.
        #[source]
        source: BoxError,
    },
    /// The hub says nothing.
    #[error("the hub {endpoint} was silent for {seconds} s; try again, or raise hub.timeout")]
    Silent {
        /// The hub's address.
        endpoint: String,
        /// How long.
        seconds: f64,
    },
    /// The hub has trouble of its own.
    #[error("the hub {endpoint} answered {status}; try again later")]
    Failing {
        /// The hub's address.
        endpoint: String,
        /// The status.
        status: u16,
    },
    /// The hub was asked too often.
    #[error(
        "the hub {endpoint} was asked too often; try again later, or set hub.token, which is allowed more"
    )]
    RateLimited {
        /// The hub's address.
        endpoint: String,
        /// How long to wait, where it said so.
        retry_after: Option<Duration>,
    },
    /// The hub's answer is none that a hub gives.
    #[error("{endpoint} does not answer as a hub does; see hub.endpoint")]
    Unexpected {
        /// The hub's address.
        endpoint: String,
        /// What it answered.
        #[source]
        source: BoxError,
    },
    /// A file came with another length than the commit says.
    #[error(
        "{file} of the model {repo} came with {found} bytes where its commit says {expected}; a proxy or mirror may hold a damaged copy"
    )]
    WrongLength {
        /// The repository.
        repo: String,
        /// The file.
        file: String,
        /// What the commit says.
        expected: u64,
        /// What came.
        found: u64,
    },
    /// A file came with another content than the commit says.
    #[error(
        "{file} of the model {repo} came with another checksum than its commit says; a proxy or mirror may hold a damaged copy"
    )]
    Checksum {
        /// The repository.
        repo: String,
        /// The file.
        file: String,
    },
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
    #[error("{} cannot be used to keep the model; see hub.cache, the rights to it and the room on its disk", path.display())]
    Disk {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Nothing may be fetched, and the cache does not have it.
    #[error(
        "the model {model} is not whole in {}: {missing} is missing, and hub.offline (or HF_HUB_OFFLINE) forbids to fetch it; \
         start once with a network, or copy the cache of a machine that has it", cache.display()
    )]
    Offline {
        /// The model and revision.
        model: String,
        /// The cache.
        cache: PathBuf,
        /// What is missing first.
        missing: String,
    },
    /// The client cannot be made.
    #[error("no connection to the hub can be prepared; see hub.endpoint and this machine's certificates")]
    Client {
        /// Why.
        #[source]
        source: BoxError,
    },
}

impl HubError {
    /// Whether it may be otherwise in a while.
    pub(super) fn may_pass(&self) -> bool {
        self.is_absence() || matches!(self, Self::WrongLength { .. } | Self::Checksum { .. })
    }

    /// Whether the hub is not there, rather than there and saying no.
    pub(super) fn is_absence(&self) -> bool {
        matches!(
            self,
            Self::Unreachable { .. } | Self::Silent { .. } | Self::Failing { .. } | Self::RateLimited { .. }
        )
    }
}
