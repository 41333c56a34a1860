use serde::{Deserialize, Serialize};

/// What is logged, and how.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct LogSettings {
    pub(crate) filter: String,
    pub(crate) format: LogFormat,
}

/// The form of a log line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum LogFormat {
    /// Pretty on a terminal, JSON otherwise.
    Auto,
    /// One JSON object a line.
    Json,
    /// For eyes.
    Pretty,
}

/// One line a request. What the hub's client has to say is said by those who call it.
const FILTER: &str = "info,undertone::action=warn,actix_server=warn,hf_hub=off";

impl Default for LogSettings {
    fn default() -> Self {
        Self { filter: FILTER.to_owned(), format: LogFormat::Auto }
    }
}
