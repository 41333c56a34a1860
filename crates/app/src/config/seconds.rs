use std::time::Duration;

use serde::{Deserialize, Serialize};

/// A length of time in seconds, fractions allowed.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Seconds(pub(crate) f64);

impl Seconds {
    /// The same length as the standard library has it; zero where `validate` would have refused it.
    pub(crate) fn duration(self) -> Duration {
        Duration::try_from_secs_f64(self.0).unwrap_or_default()
    }

    /// Refuses what is no length of time between `least` and a day.
    pub(crate) fn validate(self, key: &str, least: f64) -> Result<(), String> {
        self.check(least).map_err(|wrong| format!("{key} {wrong}"))
    }

    /// The same without the key.
    pub(crate) fn check(self, least: f64) -> Result<(), String> {
        const DAY: f64 = 86_400.0;
        if (least..=DAY).contains(&self.0) {
            return Ok(());
        }
        Err(format!("must be a number of seconds from {least} to {DAY}, not {}", self.0))
    }
}
