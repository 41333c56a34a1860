use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::config::Seconds;

/// The events that wait in the store.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct OutboxSettings {
    /// How long an event stays in the store after it got its position in the feed. A reader or a sink that is further
    /// behind misses events.
    #[schemars(range(min = 1, max = 31_536_000))]
    pub(crate) keep: Seconds,
}

impl Default for OutboxSettings {
    fn default() -> Self {
        Self { keep: Seconds(86_400.0) }
    }
}
