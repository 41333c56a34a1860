use std::time::Duration;

use application::ports::RelayMetrics;
use metrics::gauge;

use crate::metric::OLDEST_UNPUBLISHED;

/// Records how far the relay of events is behind through the `metrics` facade.
#[derive(Debug, Clone, Copy, Default)]
pub struct FacadeRelayMetrics;

impl RelayMetrics for FacadeRelayMetrics {
    fn record_oldest_unpublished(&self, age: Duration) {
        gauge!(OLDEST_UNPUBLISHED).set(age.as_secs_f64());
    }
}
