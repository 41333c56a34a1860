use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::config::Seconds;

/// How many of the model's outputs are cached, and for how long.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CacheSettings {
    /// Whether a text that was classified recently, or is being classified, is not classified again. Every prediction
    /// is stored as a new one all the same.
    pub(crate) enabled: bool,
    /// The most outputs that are cached, most of them some 600 bytes each.
    #[schemars(range(min = 1, max = 10_000_000))]
    pub(crate) max_entries: u64,
    /// The most memory that the cached outputs take. An output of more than 128 windows is not cached.
    #[schemars(range(min = 65_536, max = 68_719_476_736_u64), extend("values" = "bytes"))]
    pub(crate) max_bytes: u64,
    /// How long an output is cached.
    #[schemars(range(min = 1, max = 86_400))]
    pub(crate) ttl: Seconds,
}

impl Default for CacheSettings {
    fn default() -> Self {
        Self { enabled: true, max_entries: 20_000, max_bytes: 32 << 20, ttl: Seconds(300.0) }
    }
}
