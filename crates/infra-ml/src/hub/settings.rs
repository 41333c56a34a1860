use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use application::ports::DownloadProgress;

use crate::hub::progress::LoggedProgress;

/// How the hub is asked, and where its models are kept.
#[derive(Debug, Clone)]
pub struct HubSettings {
    /// The hub's address; where there is none, that of `HF_ENDPOINT`, else `https://huggingface.co`.
    pub endpoint: Option<String>,
    /// The token; where there is none, that of `HF_TOKEN` or of the file that Hugging Face's tools write.
    pub token: Option<HubToken>,
    /// The folder that models are kept in; where there is none, the one that all Hugging Face tools share.
    pub cache: Option<PathBuf>,
    /// Whether the network is left alone, so that only the cache serves.
    pub offline: bool,
    /// How often a request is sent again that failed without having got any further.
    pub retries: u32,
    /// The longest that the hub may be silent.
    pub timeout: Duration,
    /// The pause before the first retry; each further one is twice as long.
    pub backoff: Duration,
    /// Who is told how a download goes.
    pub progress: Arc<dyn DownloadProgress>,
}

impl Default for HubSettings {
    fn default() -> Self {
        Self {
            endpoint: None,
            token: None,
            cache: None,
            offline: false,
            retries: 5,
            timeout: Duration::from_secs(30),
            backoff: Duration::from_millis(500),
            progress: Arc::new(LoggedProgress::default()),
        }
    }
}

/// A secret that opens private and gated repositories: blind in `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub struct HubToken(String);

impl HubToken {
    /// The token as the hub gave it.
    pub fn new(token: impl Into<String>) -> Self {
        Self(token.into())
    }

    pub(super) fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for HubToken {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("***")
    }
}
