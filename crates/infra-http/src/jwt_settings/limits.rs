use std::num::{NonZeroU32, NonZeroU64};

use domain::errors::DomainError;
use domain::value_objects::{Limits, Rate};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What each subject of a token may use, beside the limits of its tenant. The section `[auth.jwt.limits]` of the
/// configuration has this form; what is not set is not limited.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct TokenLimitSettings {
    /// The requests per second of each subject of a token, on each replica; not limited if it is not set.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub requests_per_second: Option<u32>,
    /// The most requests at once; by default as many as in a second.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub requests_burst: Option<u32>,
    /// The texts per second of each subject of a token, on each replica; not limited if it is not set.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub texts_per_second: Option<u32>,
    /// The most texts at once, which limits the size of a batch; by default as many as in a second, at least 1000.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub texts_burst: Option<u32>,
    /// The requests at the same time of each subject of a token, on each replica; not limited if it is not set.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub concurrent: Option<u32>,
    /// The texts of a day (UTC) of each subject of a token, on all replicas together; not limited if it is not set.
    #[schemars(range(min = 1, max = 1_000_000_000_000_u64))]
    pub texts_per_day: Option<u64>,
}

impl TokenLimitSettings {
    /// Returns the limits.
    ///
    /// # Errors
    /// The first key whose value is invalid, and why.
    pub fn limits(&self) -> Result<Limits, String> {
        let requests = rate(
            "limits.requests_per_second",
            (self.requests_per_second, self.requests_burst),
            Rate::of_requests,
        )?;
        let texts =
            rate("limits.texts_per_second", (self.texts_per_second, self.texts_burst), Rate::of_texts)?;
        let concurrent = self.concurrent.map(|most| {
            NonZeroU32::new(most).ok_or_else(|| "limits.concurrent must be at least 1".to_owned())
        });
        let day = self.texts_per_day.map(|most| {
            NonZeroU64::new(most).ok_or_else(|| "limits.texts_per_day must be at least 1".to_owned())
        });
        Ok(Limits { requests, texts, concurrent: concurrent.transpose()?, texts_per_day: day.transpose()? })
    }
}

/// Returns the rate that the two values describe, the second of them its burst.
fn rate(
    key: &'static str,
    values: (Option<u32>, Option<u32>),
    of: impl FnOnce(&'static str, u32, Option<u32>) -> Result<Rate, DomainError>,
) -> Result<Option<Rate>, String> {
    match values {
        (Some(per_second), burst) => of(key, per_second, burst).map(Some).map_err(|error| error.to_string()),
        (None, Some(_)) => Err(format!("{key} must be set where its burst is")),
        (None, None) => Ok(None),
    }
}
