use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A length of time in seconds, fractions allowed.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Seconds(pub f64);

impl Seconds {
    /// The same length as a [`Duration`]; zero where [`check`](Self::check) would have refused it.
    pub fn duration(self) -> Duration {
        Duration::try_from_secs_f64(self.0).unwrap_or_default()
    }

    /// Refuses a value that is not between `least` and a day.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn check(self, least: f64) -> Result<(), String> {
        const DAY: f64 = 86_400.0;
        if (least..=DAY).contains(&self.0) {
            return Ok(());
        }
        Err(format!("must be a number of seconds from {least} to {DAY}, not {}", self.0))
    }
}
