use std::sync::Arc;
use std::time::Duration;

use application::action::chain;
use application::dtos::RelayOutboxRequest;
use application::use_cases::{CheckHealthUseCase, RelayOutboxUseCase};
use infra_local::MokaCacheGateway;
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
const END_WITHIN: Duration = Duration::from_secs(3);

impl Background {
    pub(super) fn start(container: &Container, settings: &Settings, metrics: PrometheusHandle) -> Self {
        let (ending, ended) = watch::channel(false);
        let mut tasks = JoinSet::new();
        tasks.spawn(check_health(Arc::clone(&container.use_cases.health), ended.clone()));
        let pause = settings.store.relay_interval.duration();
        tasks.spawn(relay(Arc::clone(&container.relay), container.process.clone(), pause, ended.clone()));
        tasks.spawn(keep_up(metrics, container.cache.clone(), ended));
        Self { tasks, ending }
    }

    /// Ends the tasks after what they are at, publishes what waits, and gives the relay's lease back.
    pub(super) async fn stop(mut self, container: &Container) {
        self.ending.send_replace(true);
        let ended = timeout(END_WITHIN, async { while self.tasks.join_next().await.is_some() {} }).await;
        if ended.is_err() {
            tracing::warn!("a background task did not end in time");
            self.tasks.abort_all();
        }
        if let Ok(Err(error)) = timeout(END_WITHIN, container.relay.step_down()).await {
            tracing::warn!(error = chain(&error), "the relay's lease was not given back");
        }
    }
}

async fn check_health(health: Arc<CheckHealthUseCase>, mut ended: watch::Receiver<bool>) {
    let mut tick = interval(HEALTH_EVERY);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while tokio::select! { _ = tick.tick() => true, _ = ended.changed() => false } {
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
        let ending = tokio::select! { _ = tick.tick() => false, _ = ended.changed() => true };
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
    while tokio::select! { _ = tick.tick() => true, _ = ended.changed() => false } {
        if let Some(cache) = &cache {
            cache.keep_up().await;
        }
        metrics.run_upkeep();
    }
}
