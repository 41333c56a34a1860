use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use application::ports::DownloadProgress;
use figment::providers::Env;
use infra_ml::{HubSettings, HubToken};
use serde::{Deserialize, Serialize};

use crate::config::Seconds;

/// How models come from the Hugging Face hub.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct HubSection {
    pub(crate) endpoint: Option<String>,
    pub(crate) token: Option<Token>,
    pub(crate) cache: Option<PathBuf>,
    pub(crate) offline: Option<bool>,
    pub(crate) retries: u32,
    pub(crate) timeout: Seconds,
}

/// A secret: blind in `Debug`.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Token(String);

/// What stands in the place of a secret.
pub(super) const BLIND: &str = "***";

/// The most retries that can be asked for.
const MOST_RETRIES: u32 = 100;

impl Default for HubSection {
    fn default() -> Self {
        Self { endpoint: None, token: None, cache: None, offline: None, retries: 5, timeout: Seconds(30.0) }
    }
}

impl HubSection {
    pub(super) fn validate(&self) -> Result<(), String> {
        self.timeout.validate("hub.timeout", 0.1)?;
        if self.retries > MOST_RETRIES {
            return Err(format!("hub.retries must be at most {MOST_RETRIES}, not {}", self.retries));
        }
        match &self.endpoint {
            Some(url) if !url.starts_with("https://") && !url.starts_with("http://") => {
                Err(format!("hub.endpoint must begin with https:// or http://, not {url:?}"))
            }
            _ => Ok(()),
        }
    }

    /// What the model's adapter is told, with who is told of downloads.
    pub(crate) fn to_adapter(&self, progress: Arc<dyn DownloadProgress>) -> HubSettings {
        HubSettings {
            endpoint: self.endpoint.clone(),
            token: self.token.as_ref().map(|token| HubToken::new(token.0.as_str())),
            cache: self.cache.clone(),
            offline: self.offline.unwrap_or_else(is_offline_by_environment),
            retries: self.retries,
            timeout: self.timeout.duration(),
            backoff: Duration::from_millis(500),
            progress,
        }
    }
}

/// `HF_HUB_OFFLINE`, in the words that Hugging Face's tools take for a yes.
fn is_offline_by_environment() -> bool {
    Env::var("HF_HUB_OFFLINE")
        .is_some_and(|word| ["1", "on", "yes", "true"].iter().any(|yes| word.eq_ignore_ascii_case(yes)))
}

impl fmt::Debug for Token {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(BLIND)
    }
}

#[cfg(test)]
mod tests {
    use figment::Jail;
    use infra_ml::LoggedProgress;

    use super::*;

    fn is_offline(section: &HubSection) -> bool {
        section.to_adapter(Arc::new(LoggedProgress::default())).offline
    }

    #[test]
    fn a_token_is_never_shown() {
        let section = HubSection { token: Some(Token("s3cret".to_owned())), ..HubSection::default() };
        assert!(!format!("{section:?}").contains("s3cret"));
        assert!(!format!("{:?}", section.to_adapter(Arc::new(LoggedProgress::default()))).contains("s3cret"));
    }

    #[test]
    fn the_environment_says_offline_where_the_configuration_says_nothing() {
        Jail::expect_with(|jail| {
            for (word, offline) in [("1", true), ("True", true), ("0", false), ("", false)] {
                jail.set_env("HF_HUB_OFFLINE", word);
                assert_eq!(is_offline(&HubSection::default()), offline, "{word}");
            }
            jail.set_env("HF_HUB_OFFLINE", "1");
            assert!(!is_offline(&HubSection { offline: Some(false), ..HubSection::default() }));
            Ok(())
        });
    }
}
