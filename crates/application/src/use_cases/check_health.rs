use std::collections::HashSet;
use std::error::Error;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use futures_util::future::join_all;

use crate::action::{chain, log_action};
use crate::dtos::{ComponentHealth, HealthReport, HealthStatus};
use crate::errors::ApplicationError;
use crate::ports::{Clock, HealthCheck};

/// Checks every component in the background and returns the last result to probes.
pub struct CheckHealthUseCase {
    checks: Vec<Arc<dyn HealthCheck>>,
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    last: Option<HealthReport>,
    /// Since when a vital component has failed without interruption.
    failing_since: Option<Instant>,
    /// The components that have worked at least once; the others are still starting.
    worked: HashSet<&'static str>,
    /// Whether the service was ready at least once; otherwise it is still loading.
    was_ready: bool,
    draining: bool,
}

/// How long a vital component may fail before the service stops being ready.
const GRACE: Duration = Duration::from_secs(2);

impl CheckHealthUseCase {
    /// The use case over `checks`, which run concurrently.
    pub fn new(checks: Vec<Arc<dyn HealthCheck>>, clock: Arc<dyn Clock>) -> Self {
        Self { checks, clock, state: Mutex::default() }
    }

    /// Checks every component and remembers the report.
    ///
    /// # Errors
    /// None: failures are in the report.
    pub async fn execute(&self) -> Result<HealthReport, ApplicationError> {
        log_action("CheckHealthUseCase.execute", async {
            let components = join_all(self.checks.iter().map(|check| self.check(check.as_ref()))).await;
            let worst = components.iter().map(|component| component.status).max();
            let report = HealthReport { status: worst.unwrap_or(HealthStatus::Healthy), components };
            self.remember(&report);
            Ok(report)
        })
        .await
    }

    async fn check(&self, check: &dyn HealthCheck) -> ComponentHealth {
        let started = Instant::now();
        let outcome = check.check().await;
        let latency_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        let failing = if check.is_vital() { HealthStatus::Unhealthy } else { HealthStatus::Degraded };
        let (status, message) = match &outcome {
            Ok(()) => (HealthStatus::Healthy, None),
            Err(_) => (failing, Some("not available")),
        };
        if self.status_of(check.name()) != Some(status) {
            let is_starting = !self.state().worked.contains(check.name());
            log_change(check.name(), status, outcome.err().as_deref(), is_starting);
        }
        ComponentHealth { name: check.name(), status, message, latency_ms }
    }

    /// The component's status in the last report.
    fn status_of(&self, component: &str) -> Option<HealthStatus> {
        let state = self.state();
        let components = state.last.iter().flat_map(|report| &report.components);
        components.filter(|last| last.name == component).map(|last| last.status).next()
    }

    fn remember(&self, report: &HealthReport) {
        let mut state = self.state();
        if report.status == HealthStatus::Unhealthy {
            let now = self.clock.monotonic();
            state.failing_since.get_or_insert(now);
        } else {
            state.failing_since = None;
            state.was_ready = true;
        }
        let working = report.components.iter().filter(|it| it.status == HealthStatus::Healthy);
        state.worked.extend(working.map(|component| component.name));
        state.last = Some(report.clone());
    }

    /// The last report; unhealthy before the first check.
    pub fn last(&self) -> HealthReport {
        let state = self.state();
        state.last.clone().unwrap_or(HealthReport { status: HealthStatus::Unhealthy, components: Vec::new() })
    }

    /// Whether a load balancer should send requests here: not while loading or draining, and not when a vital component
    /// has failed for two seconds.
    pub fn is_ready(&self) -> bool {
        let state = self.state();
        let now = self.clock.monotonic();
        let failing = state.failing_since.is_some_and(|since| now.saturating_duration_since(since) >= GRACE);
        state.was_ready && !state.draining && !failing
    }

    /// Whether the service is draining.
    pub fn is_draining(&self) -> bool {
        self.state().draining
    }

    /// Starts draining: the service is never ready again.
    pub fn drain(&self) {
        self.state().draining = true;
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Logs a component whose status changed. One that does not work yet, after the start of the service, is no warning.
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
