use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use domain::value_objects::Timestamp;
use futures_util::future::join_all;

use crate::action::{chain, log_action};
use crate::dtos::{ComponentHealth, HealthReport, HealthStatus};
use crate::errors::ApplicationError;
use crate::ports::{Clock, HealthCheck};

/// Looks at every component in the background, and tells probes what it last saw.
pub struct CheckHealthUseCase {
    checks: Vec<Arc<dyn HealthCheck>>,
    clock: Arc<dyn Clock>,
    seen: Mutex<Seen>,
}

#[derive(Default)]
struct Seen {
    last: Option<HealthReport>,
    /// Since when a vital component has failed without a break.
    failing_since: Option<Timestamp>,
    /// Whether the service was ready at any time: a service that never was is loading, not ailing.
    was_ready: bool,
    draining: bool,
}

/// How long a vital component may fail before the service stops being ready.
const GRACE: Duration = Duration::from_secs(2);

impl CheckHealthUseCase {
    /// The use case over `checks`, which run at the same time.
    pub fn new(checks: Vec<Arc<dyn HealthCheck>>, clock: Arc<dyn Clock>) -> Self {
        Self { checks, clock, seen: Mutex::default() }
    }

    /// Looks at every component and remembers what it saw.
    ///
    /// # Errors
    /// None today: what fails is in the report.
    pub async fn execute(&self) -> Result<HealthReport, ApplicationError> {
        log_action("CheckHealthUseCase.execute", async {
            let components = join_all(self.checks.iter().map(|check| look(check.as_ref()))).await;
            let worst = components.iter().map(|component| component.status).max();
            let report = HealthReport { status: worst.unwrap_or(HealthStatus::Healthy), components };
            self.remember(&report);
            Ok(report)
        })
        .await
    }

    fn remember(&self, report: &HealthReport) {
        let mut seen = self.seen();
        if report.status == HealthStatus::Unhealthy {
            let now = self.clock.now();
            seen.failing_since.get_or_insert(now);
        } else {
            seen.failing_since = None;
            seen.was_ready = true;
        }
        if seen.last.as_ref().map(|last| last.status) != Some(report.status) {
            tracing::info!(status = ?report.status, "health changed");
        }
        seen.last = Some(report.clone());
    }

    /// What was last seen; unhealthy before the first look.
    pub fn last(&self) -> HealthReport {
        let seen = self.seen();
        seen.last.clone().unwrap_or(HealthReport { status: HealthStatus::Unhealthy, components: Vec::new() })
    }

    /// Whether requests should be sent here: not while loading or draining, nor when a vital component has
    /// failed for two seconds.
    pub fn is_ready(&self) -> bool {
        let seen = self.seen();
        let ailing = seen.failing_since.is_some_and(|since| since.plus(GRACE) <= self.clock.now());
        seen.was_ready && !seen.draining && !ailing
    }

    /// Whether the service is on its way out.
    pub fn is_draining(&self) -> bool {
        self.seen().draining
    }

    /// From now on the service is on its way out, and never ready again.
    pub fn drain(&self) {
        self.seen().draining = true;
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn look(check: &dyn HealthCheck) -> ComponentHealth {
    let started = Instant::now();
    let outcome = check.check().await;
    let latency_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
    let (status, message) = match outcome {
        Ok(()) => (HealthStatus::Healthy, None),
        Err(error) => {
            tracing::warn!(component = check.name(), error = chain(error.as_ref()), "health check failed");
            let status = if check.is_vital() { HealthStatus::Unhealthy } else { HealthStatus::Degraded };
            (status, Some("not available"))
        }
    };
    ComponentHealth { name: check.name(), status, message, latency_ms }
}
