use std::collections::HashSet;
use std::error::Error;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

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
    failing_since: Option<Instant>,
    /// The components that have worked at any time: one that never has is starting, and not at fault.
    worked: HashSet<&'static str>,
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
            let components = join_all(self.checks.iter().map(|check| self.look(check.as_ref()))).await;
            let worst = components.iter().map(|component| component.status).max();
            let report = HealthReport { status: worst.unwrap_or(HealthStatus::Healthy), components };
            self.remember(&report);
            Ok(report)
        })
        .await
    }

    async fn look(&self, check: &dyn HealthCheck) -> ComponentHealth {
        let started = Instant::now();
        let outcome = check.check().await;
        let latency_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        let failing = if check.is_vital() { HealthStatus::Unhealthy } else { HealthStatus::Degraded };
        let (status, message) = match &outcome {
            Ok(()) => (HealthStatus::Healthy, None),
            Err(_) => (failing, Some("not available")),
        };
        if self.status_of(check.name()) != Some(status) {
            let is_starting = !self.seen().worked.contains(check.name());
            log_change(check.name(), status, outcome.err().as_deref(), is_starting);
        }
        ComponentHealth { name: check.name(), status, message, latency_ms }
    }

    /// The component's state when it was last looked at.
    fn status_of(&self, component: &str) -> Option<HealthStatus> {
        let seen = self.seen();
        let components = seen.last.iter().flat_map(|report| &report.components);
        components.filter(|last| last.name == component).map(|last| last.status).next()
    }

    fn remember(&self, report: &HealthReport) {
        let mut seen = self.seen();
        if report.status == HealthStatus::Unhealthy {
            let now = self.clock.monotonic();
            seen.failing_since.get_or_insert(now);
        } else {
            seen.failing_since = None;
            seen.was_ready = true;
        }
        let working = report.components.iter().filter(|it| it.status == HealthStatus::Healthy);
        seen.worked.extend(working.map(|component| component.name));
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
        let now = self.clock.monotonic();
        let ailing = seen.failing_since.is_some_and(|since| now.saturating_duration_since(since) >= GRACE);
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

/// A component's state is logged when it changes, not at every look. A component that does not work yet because the
/// service has just started is no cause for a warning.
fn log_change(
    component: &str,
    status: HealthStatus,
    cause: Option<&(dyn Error + Send + Sync)>,
    is_starting: bool,
) {
    match cause {
        None => tracing::info!(component, ?status, "health changed"),
        Some(error) if is_starting => {
            tracing::info!(component, ?status, reason = chain(error), "a component is not available yet");
        }
        Some(error) => tracing::warn!(component, ?status, error = chain(error), "health changed"),
    }
}
