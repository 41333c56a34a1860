use serde::{Deserialize, Serialize};

/// How wrong the host's clock is, for tests of several processes whose clocks differ.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ClockSettings {
    /// The seconds by which it is ahead; behind where negative.
    pub(crate) offset_s: i32,
}
