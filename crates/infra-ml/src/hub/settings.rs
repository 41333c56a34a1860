use std::fmt;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize, Serializer};

use crate::hub::redaction::redact_urls;
use crate::settings::{Seconds, SettingsError};

/// How models are fetched from the Hugging Face hub, and where they are stored. The section `[hub]` of the
/// configuration has this form. Its token and the secrets in its address are redacted when it is serialized.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct HubSettings {
    /// The hub; by default `HF_ENDPOINT`, else `https://huggingface.co`.
    #[serde(serialize_with = "redact_endpoint")]
    #[schemars(extend("values" = "URL"))]
    pub endpoint: Option<String>,
    /// Gives access to private and gated models; by default `HF_TOKEN`, else the file that `hf auth login` writes.
    #[schemars(extend("values" = "secret"))]
    pub token: Option<HubToken>,
    /// Where models of the hub are stored; by default `HF_HUB_CACHE`, else `$HF_HOME/hub`, else
    /// `~/.cache/huggingface/hub`, which other Hugging Face tools share.
    #[schemars(extend("values" = "folder"))]
    pub cache: Option<PathBuf>,
    /// Whether models are taken only from `hub.cache`, without a connection; by default what `HF_HUB_OFFLINE` says.
    pub offline: Option<bool>,
    /// How often a request is repeated that failed without getting any further.
    #[schemars(extend("values" = "0–100"))]
    pub retries: u32,
    /// The longest that the hub may be silent.
    pub timeout: Seconds,
}

/// The most retries that can be set.
const MAX_RETRIES: u32 = 100;

/// In seconds.
const MIN_TIMEOUT: f64 = 0.1;

impl Default for HubSettings {
    fn default() -> Self {
        Self { endpoint: None, token: None, cache: None, offline: None, retries: 5, timeout: Seconds(30.0) }
    }
}

impl HubSettings {
    /// Checks the values that their types do not check.
    ///
    /// # Errors
    /// The first key whose value is invalid.
    pub fn validate(&self) -> Result<(), SettingsError> {
        self.timeout.check(MIN_TIMEOUT).map_err(|reason| SettingsError::new("timeout", reason))?;
        if self.retries > MAX_RETRIES {
            let given = self.retries;
            return Err(SettingsError::new(
                "retries",
                format_args!("must be at most {MAX_RETRIES}, not {given}"),
            ));
        }
        match &self.endpoint {
            Some(url) if !url.starts_with("https://") && !url.starts_with("http://") => {
                Err(SettingsError::new(
                    "endpoint",
                    format_args!("must begin with https:// or http://, not {url:?}"),
                ))
            }
            _ => Ok(()),
        }
    }
}

#[expect(clippy::ref_option, reason = "the form that serde calls")]
fn redact_endpoint<S: Serializer>(endpoint: &Option<String>, serializer: S) -> Result<S::Ok, S::Error> {
    endpoint.as_deref().map(redact_urls).serialize(serializer)
}

/// A secret for private and gated repositories: `***` in `Debug` and when it is serialized.
#[derive(Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct HubToken(String);

impl HubToken {
    /// The token as the hub issued it.
    pub fn new(token: impl Into<String>) -> Self {
        Self(token.into())
    }

    pub(super) fn expose(&self) -> &str {
        &self.0
    }
}

const REDACTED: &str = "***";

impl fmt::Debug for HubToken {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(REDACTED)
    }
}

impl Serialize for HubToken {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(REDACTED)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_redacted_in_debug_and_when_serialized() {
        let settings = HubSettings {
            token: Some(HubToken::new("s3cret")),
            endpoint: Some("https://me:s3cret@hub.example".to_owned()),
            ..HubSettings::default()
        };
        let json = serde_json::to_value(&settings).unwrap();
        assert_eq!((&json["token"], &json["endpoint"]), (&"***".into(), &"https://hub.example".into()));
        assert_eq!(format!("{:?}", settings.token), "Some(***)");
    }
}
