use std::time::Duration;

use application::action::chain;

use crate::hub::error::{HubError, HubErrorKind};

/// The longest pause of the policy's own.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// The longest pause that the hub may request; its rate limits are counted over five minutes.
const LONGEST_RETRY_AFTER: Duration = Duration::from_mins(5);

/// The one retry policy of all requests to the hub.
pub(super) struct RetryPolicy {
    retries: u32,
    first_pause: Duration,
    failures: u32,
}

impl RetryPolicy {
    /// A policy of `retries` after failures in a row, with pauses that double from `first_pause`.
    pub(super) fn new(retries: u32, first_pause: Duration) -> Self {
        Self { retries, first_pause, failures: 0 }
    }

    /// Forgets earlier failures, since there was progress.
    pub(super) fn reset(&mut self) {
        self.failures = 0;
    }

    /// Waits before the next try, or returns `error` where there is to be none.
    pub(super) async fn wait(&mut self, error: HubError) -> Result<(), HubError> {
        let pause = pause(self.first_pause, self.failures, &error);
        let (true, Some(pause)) = (self.failures < self.retries, pause) else { return Err(error) };
        self.failures += 1;
        tracing::warn!(
            reason = chain(&error),
            failures = self.failures,
            pause_ms = pause.as_millis() as u64,
            "retrying a request to the hub"
        );
        tokio::time::sleep(pause).await;
        Ok(())
    }
}

/// How long to wait after this many failures and then `error`; none where waiting does not help.
fn pause(first: Duration, failures: u32, error: &HubError) -> Option<Duration> {
    let own = first.saturating_mul(2_u32.saturating_pow(failures)).min(LONGEST_PAUSE);
    match error {
        HubError::RateLimited { retry_after: Some(after), .. } if *after > LONGEST_RETRY_AFTER => None,
        HubError::RateLimited { retry_after: Some(after), .. } => Some(own.max(*after)),
        error => match error.kind() {
            HubErrorKind::Absent | HubErrorKind::Damaged => Some(own),
            HubErrorKind::Refused | HubErrorKind::Environment | HubErrorKind::Cancelled => None,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIRST_PAUSE: Duration = Duration::from_secs(1);

    fn limited(seconds: u64) -> HubError {
        HubError::RateLimited { endpoint: String::new(), retry_after: Some(Duration::from_secs(seconds)) }
    }

    #[test]
    fn pauses_double_up_to_half_a_minute() {
        let error = HubError::Failing { endpoint: String::new(), status: 500 };
        let pauses =
            [0, 1, 2, 10, 100].map(|failures| pause(FIRST_PAUSE, failures, &error).unwrap().as_secs());
        assert_eq!(pauses, [1, 2, 4, 30, 30]);
    }

    #[test]
    fn retry_after_is_obeyed_unless_it_is_too_long() {
        assert_eq!(pause(FIRST_PAUSE, 0, &limited(40)), Some(Duration::from_secs(40)));
        assert_eq!(pause(FIRST_PAUSE, 3, &limited(1)), Some(Duration::from_secs(8)));
        assert_eq!(pause(FIRST_PAUSE, 0, &limited(301)), None);
    }

    #[test]
    fn a_refusal_is_not_retried() {
        assert_eq!(pause(FIRST_PAUSE, 0, &HubError::Gated { repo: String::new() }), None);
    }
}
