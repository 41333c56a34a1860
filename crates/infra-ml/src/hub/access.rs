use std::sync::Arc;
use std::time::Duration;

use application::ports::DownloadProgress;

use crate::hub::settings::HubSettings;

/// Access to the hub.
pub(crate) struct Hub {
    pub(super) settings: HubSettings,
    /// The pause before the first retry.
    pub(super) first_pause: Duration,
    /// The longest that the hub may take to say which commit a revision stands for, connection included, where the
    /// cache has a copy to serve instead.
    pub(super) timeout_with_copy: Duration,
    pub(super) progress: Arc<dyn DownloadProgress>,
    /// Whether requests have the token.
    pub(super) sends_token: bool,
}

impl Hub {
    /// The hub of `settings`; downloads are reported to `progress`.
    pub(crate) fn new(settings: HubSettings, progress: Arc<dyn DownloadProgress>) -> Self {
        let (first_pause, timeout_with_copy) = (Duration::from_millis(500), Duration::from_secs(4));
        Self { settings, first_pause, timeout_with_copy, progress, sends_token: true }
    }

    /// The same hub, whose requests have no token.
    pub(crate) fn without_token(&self) -> Self {
        let (settings, progress) = (self.settings.clone(), Arc::clone(&self.progress));
        Self { settings, progress, sends_token: false, ..*self }
    }
}
