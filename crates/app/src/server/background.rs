use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use application::action::{chain, panic_message};
use application::dtos::RelayOutboxRequest;
use application::use_cases::{CheckHealthUseCase, RelayOutboxUseCase};
use futures_util::FutureExt;
use infra_local::MokaCacheGateway;
use metrics::{counter, describe_counter};
use metrics_exporter_prometheus::PrometheusHandle;
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval, timeout};
use tokio_util::sync::CancellationToken;

use crate::config::Settings;
use crate::container::Container;

/// The tasks that run beside the requests: health checks, the relay of events, the upkeep of metrics and cache.
pub(super) struct Background {
    tasks: JoinSet<()>,
    cancel: CancellationToken,
}

const HEALTH_EVERY: Duration = Duration::from_secs(1);
const UPKEEP_EVERY: Duration = Duration::from_secs(5);
/// The longest that the tasks may take to end.
const END_WITHIN: Duration = Duration::from_millis(1_500);
/// The longest that releasing the relay's lease may take.
const STEP_DOWN_WITHIN: Duration = Duration::from_millis(500);
/// The pause before a task that panicked starts again.
const RESTART_AFTER: Duration = Duration::from_secs(1);

const RESTARTS: &str = "undertone_task_restarts_total";

impl Background {
    pub(super) fn start(container: &Container, settings: &Settings, metrics: PrometheusHandle) -> Self {
        describe_counter!(RESTARTS, "Background tasks that panicked and were started again, by task.");
        let mut background = Self { tasks: JoinSet::new(), cancel: CancellationToken::new() };
        let health = Arc::clone(&container.use_cases.health);
        background.run("health", move |cancel| check_health(Arc::clone(&health), cancel));
        let (outbox, holder) = (Arc::clone(&container.relay), container.process.clone());
        let pause = settings.store.relay_interval.duration();
        background.run("relay", move |cancel| relay(Arc::clone(&outbox), holder.clone(), pause, cancel));
        let cache = container.cache.clone();
        background.run("upkeep", move |cancel| run_upkeep(metrics.clone(), cache.clone(), cancel));
        background
    }

    fn run<F>(&mut self, name: &'static str, task: impl Fn(CancellationToken) -> F + Send + 'static)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        self.tasks.spawn(supervise(name, self.cancel.clone(), task));
    }

    /// Ends the tasks after their current pass, publishes what is waiting, and releases the relay's lease.
    pub(super) async fn stop(mut self, container: &Container) {
        self.cancel.cancel();
        let ended = timeout(END_WITHIN, async { while self.tasks.join_next().await.is_some() {} }).await;
        if ended.is_err() {
            tracing::warn!("a background task did not end in time");
            self.tasks.abort_all();
        }
        match timeout(STEP_DOWN_WITHIN, container.relay.step_down()).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(error = chain(&error), "the relay's lease was not released"),
            Err(_elapsed) => tracing::warn!("the relay's lease was not released in time"),
        }
    }
}

/// Runs `task` until it returns, which it does when it is cancelled. A task that panics starts again: its state is in the
/// use cases, and each of its passes is independent of the one before.
async fn supervise<F>(name: &'static str, cancel: CancellationToken, task: impl Fn(CancellationToken) -> F)
where
    F: Future<Output = ()>,
{
    let restarts = counter!(RESTARTS, "task" => name);
    restarts.increment(0);
    // The state of the task is dropped with its future.
    while let Err(panic) = AssertUnwindSafe(task(cancel.clone())).catch_unwind().await {
        let message = panic_message(panic.as_ref());
        tracing::error!(task = name, panic = message, "a background task panicked; starting it again");
        restarts.increment(1);
        if timeout(RESTART_AFTER, cancel.cancelled()).await.is_ok() {
            return;
        }
    }
}

async fn check_health(health: Arc<CheckHealthUseCase>, cancel: CancellationToken) {
    let mut tick = interval(HEALTH_EVERY);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while cancel.run_until_cancelled(tick.tick()).await.is_some() {
        // A failure is in the report; the use case has no other.
        drop(health.execute().await);
    }
}

async fn relay(relay: Arc<RelayOutboxUseCase>, holder: String, pause: Duration, cancel: CancellationToken) {
    let request = RelayOutboxRequest { holder };
    let mut tick = interval(pause);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let is_last = cancel.run_until_cancelled(tick.tick()).await.is_none();
        // The use case has logged what failed; the next pass tries again.
        while relay.execute(request.clone()).await.is_ok_and(|pass| pass.more) {}
        if is_last {
            return;
        }
    }
}

async fn run_upkeep(
    metrics: PrometheusHandle,
    cache: Option<Arc<MokaCacheGateway>>,
    cancel: CancellationToken,
) {
    let mut tick = interval(UPKEEP_EVERY);
    while cancel.run_until_cancelled(tick.tick()).await.is_some() {
        if let Some(cache) = &cache {
            cache.run_maintenance().await;
        }
        metrics.run_upkeep();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use application::errors::BoxError;
    use application::ports::HealthCheck;
    use async_trait::async_trait;
    use infra_local::SystemClock;

    use super::*;

    struct PanicsOnce(AtomicU32);

    #[async_trait]
    impl HealthCheck for PanicsOnce {
        fn name(&self) -> &'static str {
            "fragile"
        }

        async fn check(&self) -> Result<(), BoxError> {
            assert!(self.0.fetch_add(1, Ordering::SeqCst) > 0, "a bug");
            Ok(())
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_task_that_panics_starts_again() {
        let check = Arc::new(PanicsOnce(AtomicU32::new(0)));
        let health = Arc::new(CheckHealthUseCase::new(vec![Arc::clone(&check) as _], Arc::new(SystemClock)));
        let (cancel, checked) = (CancellationToken::new(), Arc::clone(&health));
        let run = move |cancel| check_health(Arc::clone(&checked), cancel);
        let task = tokio::spawn(supervise("health", cancel.clone(), run));
        while !health.is_ready() {
            tokio::time::sleep(HEALTH_EVERY).await;
        }
        assert!(check.0.load(Ordering::SeqCst) >= 2);
        cancel.cancel();
        task.await.expect("the supervisor ends");
    }

    #[tokio::test(start_paused = true)]
    async fn a_task_that_panics_while_it_is_cancelled_does_not_start_again() {
        let (cancel, starts) = (CancellationToken::new(), Arc::new(AtomicU32::new(0)));
        let started = Arc::clone(&starts);
        let task = supervise("relay", cancel.clone(), move |cancel| {
            started.fetch_add(1, Ordering::SeqCst);
            async move {
                cancel.cancelled().await;
                panic!("a bug of the last pass");
            }
        });
        cancel.cancel();
        task.await;
        assert_eq!(starts.load(Ordering::SeqCst), 1);
    }
}
