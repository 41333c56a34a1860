use std::sync::Arc;
use std::time::Duration;

use application::ports::DownloadProgress;

use crate::hub::settings::HubSettings;

/// Access to the hub.
pub(crate) struct Hub {
    pub(super) settings: HubSettings,
    /// The pause before the first retry.
    pub(super) first_pause: Duration,
    pub(super) progress: Arc<dyn DownloadProgress>,
}

impl Hub {
    /// The hub of `settings`; downloads are reported to `progress`.
    pub(crate) fn new(settings: HubSettings, progress: Arc<dyn DownloadProgress>) -> Self {
        Self { settings, first_pause: Duration::from_millis(500), progress }
    }
}
