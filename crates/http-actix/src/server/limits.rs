use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How large a request may be. The section `[limits]` of the configuration has this form.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct LimitsSettings {
    /// The longest text, in characters.
    // The terms of a longer one may not fit into a PostgreSQL `tsvector` (1 MiB).
    #[schemars(range(min = 1, max = 200_000))]
    pub max_chars: usize,
    /// The largest body of a single prediction, and the longest line of a stream.
    #[schemars(range(min = 1_024, max = 1_073_741_824), extend("values" = "bytes"))]
    pub max_body_bytes: usize,
    /// The largest body of a batch.
    #[schemars(range(min = 1_024, max = 1_073_741_824), extend("values" = "bytes"))]
    pub max_batch_body_bytes: usize,
}

impl Default for LimitsSettings {
    fn default() -> Self {
        Self { max_chars: 10_000, max_body_bytes: 1 << 20, max_batch_body_bytes: 8 << 20 }
    }
}
