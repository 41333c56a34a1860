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
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval, timeout};

use crate::config::Settings;
use crate::container::Container;

/// What runs beside the requests: health checks, the relay of events, the upkeep of metrics and cache.
pub(super) struct Background {
    tasks: JoinSet<()>,
    ending: watch::Sender<bool>,
}

const HEALTH_EVERY: Duration = Duration::from_secs(1);
const UPKEEP_EVERY: Duration = Duration::from_secs(5);
/// The longest that ending the tasks may take.
const END_WITHIN: Duration = Duration::from_millis(1_500);
/// The longest that giving the relay's lease back may take.
const STEP_DOWN_WITHIN: Duration = Duration::from_millis(500);
/// The pause before a task that panicked starts again.
const RESTART_AFTER: Duration = Duration::from_secs(1);

const RESTARTS: &str = "undertone_task_restarts_total";

impl Background {
    pub(super) fn start(container: &Container, settings: &Settings, metrics: PrometheusHandle) -> Self {
        describe_counter!(RESTARTS, "Background tasks that panicked and were started again, by task.");
        let (ending, ended) = watch::channel(false);
        let mut background = Self { tasks: JoinSet::new(), ending };
        let health = Arc::clone(&container.use_cases.health);
        background.run("health", &ended, move |ended| check_health(Arc::clone(&health), ended));
        let (outbox, holder) = (Arc::clone(&container.relay), container.process.clone());
        let pause = settings.store.relay_interval.duration();
        background
            .run("relay", &ended, move |ended| relay(Arc::clone(&outbox), holder.clone(), pause, ended));
        let cache = container.cache.clone();
        background.run("upkeep", &ended, move |ended| keep_up(metrics.clone(), cache.clone(), ended));
        background
    }

    /// Runs a task, which is to go on until it is `ended`.
    fn run<F>(
        &mut self,
        name: &'static str,
        ended: &watch::Receiver<bool>,
        task: impl Fn(watch::Receiver<bool>) -> F + Send + 'static,
    ) where
        F: Future<Output = ()> + Send + 'static,
    {
        self.tasks.spawn(supervise(name, ended.clone(), task));
    }

    /// Ends the tasks after what they are at, publishes what waits, and gives the relay's lease back.
    pub(super) async fn stop(mut self, container: &Container) {
        self.ending.send_replace(true);
        let ended = timeout(END_WITHIN, async { while self.tasks.join_next().await.is_some() {} }).await;
        if ended.is_err() {
            tracing::warn!("a background task did not end in time");
            self.tasks.abort_all();
        }
        match timeout(STEP_DOWN_WITHIN, container.relay.step_down()).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(error = chain(&error), "the relay's lease was not given back"),
            Err(_elapsed) => tracing::warn!("the relay's lease was not given back in time"),
        }
    }
}

/// Runs `task` until it returns, which it does when `ended` says so. One that panics starts again: these tasks have no
/// state but what the use cases hold, and each of their passes begins afresh, so that the service need not end with
/// them.
async fn supervise<F>(
    name: &'static str,
    mut ended: watch::Receiver<bool>,
    task: impl Fn(watch::Receiver<bool>) -> F,
) where
    F: Future<Output = ()>,
{
    let restarts = counter!(RESTARTS, "task" => name);
    restarts.increment(0);
    // What the task held is dropped with it.
    while let Err(panic) = AssertUnwindSafe(task(ended.clone())).catch_unwind().await {
        let message = panic_message(panic.as_ref());
        tracing::error!(task = name, panic = message, "a background task panicked; starting it again");
        restarts.increment(1);
        if timeout(RESTART_AFTER, ended.wait_for(|ended| *ended)).await.is_ok() {
            return;
        }
    }
}

async fn check_health(health: Arc<CheckHealthUseCase>, mut ended: watch::Receiver<bool>) {
    let mut tick = interval(HEALTH_EVERY);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while tokio::select! { _ = tick.tick() => true, _ = ended.wait_for(|ended| *ended) => false } {
        // A failure is in the report; the use case has no other.
        drop(health.execute().await);
    }
}

async fn relay(
    relay: Arc<RelayOutboxUseCase>,
    holder: String,
    pause: Duration,
    mut ended: watch::Receiver<bool>,
) {
    let request = RelayOutboxRequest { holder };
    let mut tick = interval(pause);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let ending = tokio::select! { _ = tick.tick() => false, _ = ended.wait_for(|ended| *ended) => true };
        // The use case has logged what failed; the next tick tries again.
        while relay.execute(request.clone()).await.is_ok_and(|pass| pass.more) {}
        if ending {
            return;
        }
    }
}

async fn keep_up(
    metrics: PrometheusHandle,
    cache: Option<Arc<MokaCacheGateway>>,
    mut ended: watch::Receiver<bool>,
) {
    let mut tick = interval(UPKEEP_EVERY);
    while tokio::select! { _ = tick.tick() => true, _ = ended.wait_for(|ended| *ended) => false } {
        if let Some(cache) = &cache {
            cache.run_maintenance().await;
        }
        metrics.run_upkeep();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use application::errors::{ApplicationError, BoxError};
    use application::ports::HealthCheck;
    use async_trait::async_trait;
    use infra_local::SystemClock;

    use super::*;

    /// A component whose first check has a bug.
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
    async fn a_task_that_panics_starts_again() -> Result<(), ApplicationError> {
        let check = Arc::new(PanicsOnce(AtomicU32::new(0)));
        let health = Arc::new(CheckHealthUseCase::new(vec![Arc::clone(&check) as _], Arc::new(SystemClock)));
        let (ending, ended) = watch::channel(false);
        let checked = Arc::clone(&health);
        let task =
            tokio::spawn(supervise("health", ended, move |ended| check_health(Arc::clone(&checked), ended)));
        while !health.is_ready() {
            tokio::time::sleep(HEALTH_EVERY).await;
        }
        assert!(check.0.load(Ordering::SeqCst) >= 2);
        ending.send_replace(true);
        task.await.expect("the supervisor ends");
        Ok(())
    }

    #[tokio::test(start_paused = true)]
    async fn a_task_that_panics_while_it_is_ended_does_not_start_again() {
        let started = Arc::new(AtomicU32::new(0));
        let (ending, ended) = watch::channel(false);
        let starts = Arc::clone(&started);
        let task = supervise("relay", ended, move |mut ended| {
            starts.fetch_add(1, Ordering::SeqCst);
            async move {
                let _ = ended.wait_for(|ended| *ended).await;
                panic!("a bug of the last pass");
            }
        });
        ending.send_replace(true);
        task.await;
        assert_eq!(started.load(Ordering::SeqCst), 1);
    }
}
