use std::time::Duration;

use application::action::chain;

use crate::hub::error::HubError;
use crate::hub::settings::HubSettings;

/// The longest pause of our own choice.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// The longest pause that the hub may ask for; its limits are counted over five minutes.
const LONGEST_ASKED: Duration = Duration::from_mins(5);

/// How often something is tried again: the one policy of retries for everything that is asked of the hub.
pub(super) struct Patience<'a> {
    settings: &'a HubSettings,
    failures: u32,
}

impl<'a> Patience<'a> {
    pub(super) fn new(settings: &'a HubSettings) -> Self {
        Self { settings, failures: 0 }
    }

    /// Something was got: what fails from now on fails anew.
    pub(super) fn renew(&mut self) {
        self.failures = 0;
    }

    /// Waits before the next try, or gives `error` back where there is to be none.
    pub(super) async fn outlast(&mut self, error: HubError) -> Result<(), HubError> {
        let pause = pause(self.settings.backoff, self.failures, &error);
        let (true, Some(pause)) = (self.failures < self.settings.retries, pause) else { return Err(error) };
        self.failures += 1;
        tracing::warn!(
            reason = chain(&error),
            failures = self.failures,
            pause_ms = pause.as_millis() as u64,
            "the hub is asked again"
        );
        tokio::time::sleep(pause).await;
        Ok(())
    }
}

/// How long to wait after this many failures and then `error`; nothing where waiting does not help.
fn pause(backoff: Duration, failures: u32, error: &HubError) -> Option<Duration> {
    let own = backoff.saturating_mul(2_u32.saturating_pow(failures)).min(LONGEST_PAUSE);
    match error {
        HubError::RateLimited { retry_after: Some(asked), .. } if *asked > LONGEST_ASKED => None,
        HubError::RateLimited { retry_after: Some(asked), .. } => Some(own.max(*asked)),
        error => error.may_pass().then_some(own),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BACKOFF: Duration = Duration::from_secs(1);

    fn limited(seconds: u64) -> HubError {
        HubError::RateLimited { endpoint: String::new(), retry_after: Some(Duration::from_secs(seconds)) }
    }

    #[test]
    fn pauses_double_up_to_half_a_minute() {
        let error = HubError::Failing { endpoint: String::new(), status: 500 };
        let pauses = [0, 1, 2, 10, 100].map(|failures| pause(BACKOFF, failures, &error).unwrap().as_secs());
        assert_eq!(pauses, [1, 2, 4, 30, 30]);
    }

    #[test]
    fn what_the_hub_asks_for_is_waited_for_unless_it_is_too_long() {
        assert_eq!(pause(BACKOFF, 0, &limited(40)), Some(Duration::from_secs(40)));
        assert_eq!(pause(BACKOFF, 3, &limited(1)), Some(Duration::from_secs(8)));
        assert_eq!(pause(BACKOFF, 0, &limited(301)), None);
    }

    #[test]
    fn what_does_not_pass_is_not_waited_for() {
        assert_eq!(pause(BACKOFF, 0, &HubError::Gated { repo: String::new() }), None);
    }
}
