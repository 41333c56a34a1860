use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What is logged, and how.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct LogSettings {
    /// What is logged, in the syntax of `tracing-subscriber`'s `EnvFilter`. With the default, commands other than
    /// `serve` log warnings only, and `-v` logs more.
    #[schemars(extend("values" = "filter"))]
    pub(crate) filter: String,
    /// The format of log lines; `auto` is `pretty` on a terminal and JSON otherwise. `pretty` has a line per request
    /// and a banner at start, and no events.
    pub(crate) format: LogFormat,
}

/// The format of a log line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum LogFormat {
    /// Pretty on a terminal, JSON otherwise.
    Auto,
    /// One JSON object per line.
    Json,
    /// For reading on a terminal.
    Pretty,
}

impl LogSettings {
    /// Whether the filter is another than the default.
    pub(crate) fn has_own_filter(&self) -> bool {
        self.filter != Self::default().filter
    }
}

impl LogFormat {
    /// Whether lines are for a person, where the output is a terminal or not.
    pub(crate) fn is_for_people(self, is_terminal: bool) -> bool {
        match self {
            Self::Auto => is_terminal,
            Self::Json => false,
            Self::Pretty => true,
        }
    }
}

impl Default for LogSettings {
    fn default() -> Self {
        // One line per request. The hub's client is silent, since its callers log its errors.
        let filter = "info,undertone::action=warn,actix_server=warn,hf_hub=off".to_owned();
        Self { filter, format: LogFormat::Auto }
    }
}
