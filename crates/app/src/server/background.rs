use std::sync::Arc;
use std::time::Duration;

use application::action::chain;
use application::dtos::Caller;
use application::ports::{CallerDirectory, UsageReadModel};
use application::use_cases::{CheckHealthUseCase, PurgeIdempotencyKeysUseCase, PurgeUsageUseCase};
use infra_local::{
    BackgroundTasks, CachedCallerDirectory, LocalEventFeed, LocalUsageLimiter, MokaCacheGateway,
};
use metrics_exporter_prometheus::PrometheusHandle;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use crate::config::Settings;
use crate::container::Container;
use crate::server::relay;

const HEALTH_EVERY: Duration = Duration::from_secs(1);
/// How often the sums of the texts of the day are read.
const READ_USAGE_EVERY: Duration = Duration::from_secs(1);
/// How often the limits of callers without authentication are read, so that a change also takes effect on a service
/// that was idle.
const READ_LIMITS_EVERY: Duration = Duration::from_secs(1);
const UPKEEP_EVERY: Duration = Duration::from_secs(5);
/// How often the last uses of keys are stored.
const STORE_USES_EVERY: Duration = Duration::from_secs(15);
/// How often old idempotency keys are removed.
const PURGE_KEYS_EVERY: Duration = Duration::from_mins(1);
/// How often the counts of old days are removed, for which all counts are read.
const PURGE_USAGE_EVERY: Duration = Duration::from_hours(1);
/// The longest that the tasks may take to end.
const END_WITHIN: Duration = Duration::from_millis(1_500);

/// Starts what runs beside the requests: health checks, the relay of events, the upkeep of metrics and cache, storing
/// when keys were used, reading what of quotas is used and the limits of callers without authentication, and removing
/// old idempotency keys and counts.
pub(super) fn start(
    container: &Container,
    settings: &Settings,
    metrics: PrometheusHandle,
) -> BackgroundTasks {
    let mut tasks = BackgroundTasks::new();
    let health = Arc::clone(&container.use_cases.health);
    tasks.spawn("health", move |cancel| check_health(Arc::clone(&health), cancel));
    relay::start(&mut tasks, container, settings.store.relay_interval.duration());
    let feed = Arc::clone(&container.events.feed);
    tasks.spawn("feed", move |cancel| run_feed(Arc::clone(&feed), cancel));
    let cache = container.cache.clone();
    tasks.spawn("upkeep", move |cancel| run_upkeep(metrics.clone(), cache.clone(), cancel));
    let directory = Arc::clone(&container.directory);
    tasks.spawn("key_uses", move |cancel| store_uses(Arc::clone(&directory), cancel));
    if container.use_cases.authenticate.is_none() {
        let directory = Arc::clone(&container.directory);
        tasks.spawn("limits", move |cancel| read_limits(Arc::clone(&directory), cancel));
    }
    let (limiter, usage) = (Arc::clone(&container.limiter), Arc::clone(&container.store.usage));
    tasks.spawn("usage", move |cancel| read_usage(Arc::clone(&limiter), Arc::clone(&usage), cancel));
    let purge = Arc::clone(&container.purge_keys);
    tasks.spawn("idempotency_keys", move |cancel| purge_keys(Arc::clone(&purge), cancel));
    let purge = Arc::clone(&container.purge_usage);
    tasks.spawn("old_usage", move |cancel| purge_usage(Arc::clone(&purge), cancel));
    tasks
}

/// Ends the tasks after their current pass, publishes what is waiting, and releases the relay's lease.
pub(super) async fn stop(tasks: BackgroundTasks, container: &Container) {
    tasks.stop(END_WITHIN).await;
    relay::stop(container).await;
}

async fn check_health(health: Arc<CheckHealthUseCase>, cancel: CancellationToken) {
    let mut tick = interval(HEALTH_EVERY);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while cancel.run_until_cancelled(tick.tick()).await.is_some() {
        // A failure is in the report; the use case has no other.
        drop(health.execute().await);
    }
}

async fn run_feed(feed: Arc<LocalEventFeed>, cancel: CancellationToken) {
    feed.run(cancel).await;
}

async fn store_uses(directory: Arc<CachedCallerDirectory>, cancel: CancellationToken) {
    let mut tick = interval(STORE_USES_EVERY);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while cancel.run_until_cancelled(tick.tick()).await.is_some() {
        directory.flush().await;
    }
    directory.flush().await;
}

async fn read_limits(directory: Arc<CachedCallerDirectory>, cancel: CancellationToken) {
    let tenant = Caller::anonymous().tenant;
    let mut tick = interval(READ_LIMITS_EVERY);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while cancel.run_until_cancelled(tick.tick()).await.is_some() {
        directory.known_tenant(&tenant).await;
    }
}

async fn read_usage(
    limiter: Arc<LocalUsageLimiter>,
    usage: Arc<dyn UsageReadModel>,
    cancel: CancellationToken,
) {
    let mut tick = interval(READ_USAGE_EVERY);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while cancel.run_until_cancelled(tick.tick()).await.is_some() {
        if let Err(error) = limiter.refresh(usage.as_ref()).await {
            // The health check reports a store that does not respond; meanwhile quotas are enforced by commits alone.
            tracing::debug!(error = chain(&error), "the texts of the day were not read");
        }
    }
}

async fn purge_keys(purge: Arc<PurgeIdempotencyKeysUseCase>, cancel: CancellationToken) {
    let mut tick = interval(PURGE_KEYS_EVERY);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while cancel.run_until_cancelled(tick.tick()).await.is_some() {
        // The use case has logged what failed; the next pass tries again.
        let _ = cancel.run_until_cancelled(purge.execute()).await;
    }
}

async fn purge_usage(purge: Arc<PurgeUsageUseCase>, cancel: CancellationToken) {
    let mut tick = interval(PURGE_USAGE_EVERY);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while cancel.run_until_cancelled(tick.tick()).await.is_some() {
        // The use case has logged what failed; the next pass tries again.
        let _ = cancel.run_until_cancelled(purge.execute()).await;
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
            cache.run_maintenance();
        }
        metrics.run_upkeep();
    }
}
