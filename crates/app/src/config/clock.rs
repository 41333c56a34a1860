use serde::{Deserialize, Serialize};

/// The error of the host's clock, for tests of several processes whose clocks differ.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ClockSettings {
    /// The seconds by which the clock is ahead; behind if negative.
    pub(crate) offset_s: i32,
}
