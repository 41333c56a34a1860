//! The composition root: the only place where concrete adapters are named.

mod access;
mod events;
mod models;
mod predictions;
mod store;

use std::sync::Arc;

use application::ports::{CacheGateway, Clock, DownloadProgress, EventFeed, ModelCatalog, UsageLimiter};
use application::use_cases::{
    AdmitRequestUseCase, BreakDownUseCase, CheckHealthUseCase, DeletePredictionUseCase,
    ExportPredictionsUseCase, FollowEventsUseCase, GetPredictionUseCase, GetUsageUseCase, ListAuditUseCase,
    ListKeysUseCase, ListModelsUseCase, ListPredictionsUseCase, LoadModelUseCase, ModelChanges,
    PredictSentimentBatchUseCase, PredictSentimentUseCase, PurgeIdempotencyKeysUseCase, PurgeUsageUseCase,
    RankTermsUseCase, RevokeKeyUseCase, ShowTrendsUseCase, StreamPredictionsUseCase, UnloadModelUseCase,
};
use http_actix::UseCases;
use infra_local::{
    BlockingComputePool, CacheLimits, CachedCallerDirectory, EventsHealthCheck, LocalModelCatalog,
    LocalUsageLimiter, LogQueue, MokaCacheGateway, SystemClock, UuidV7Ids, ZonedCalendar,
};

use crate::config::{CacheSettings, Settings};
use crate::container::access::Access;
use crate::container::events::Events;
use crate::container::predictions::prediction_ports;

pub(crate) use access::administration;
pub(crate) use models::{ConfiguredModels, Starting};
pub(crate) use predictions::predict_batch;
pub(crate) use store::Store;

/// The parts of the service, wired together.
pub(crate) struct Container {
    /// The use cases of the API.
    pub(crate) use_cases: Arc<UseCases>,
    /// What gives events their positions, and what follows them.
    pub(crate) events: Events,
    pub(crate) models: Arc<LocalModelCatalog>,
    /// The names of the models of the configuration.
    model_names: Vec<String>,
    /// The cache in front of the models, if it is enabled.
    pub(crate) cache: Option<Arc<MokaCacheGateway>>,
    pub(crate) store: Store,
    /// The keys and tenants of callers.
    pub(crate) directory: Arc<CachedCallerDirectory>,
    /// What limits the use of the service.
    pub(crate) limiter: Arc<LocalUsageLimiter>,
    /// The removal of old idempotency keys.
    pub(crate) purge_keys: Arc<PurgeIdempotencyKeysUseCase>,
    /// The removal of the counts of old days.
    pub(crate) purge_usage: Arc<PurgeUsageUseCase>,
}

impl Container {
    /// Opens the store, migrates its schema, starts to load the models, and wires the use cases. Events go to `log`,
    /// and downloads are reported to `progress`, or else to the log.
    ///
    /// # Errors
    /// A store that cannot be opened within `store.start_timeout`, or a model folder that does not exist. Errors inside
    /// a folder, or of the hub, come from the returned [`Starting`].
    pub(crate) async fn build(
        settings: &Settings,
        log: &Arc<LogQueue>,
        progress: Option<Arc<dyn DownloadProgress>>,
    ) -> anyhow::Result<(Self, Starting)> {
        let configured = ConfiguredModels::resolve(settings, progress)?;
        let store = Store::open_migrated(settings).await?;
        store.log_place();
        let cache = cache(&settings.cache);
        let clock = clock(settings);
        let access = Access::new(&settings.auth, &store, &clock)?;
        let model_names = configured.names();
        let (models, starting) = configured.start(cache.clone().map(|cache| cache as Arc<dyn CacheGateway>));
        let (directory, limiter) = (access.directory.clone(), Arc::new(LocalUsageLimiter::new()));
        let events = Events::new(settings, &store, &clock, log);
        let shared =
            Shared { store: &store, models: &models, limiter: limiter.clone(), feed: events.feed.clone() };
        let use_cases = use_cases(settings, shared, access);
        let purge_keys = PurgeIdempotencyKeysUseCase::new(store.claims.clone());
        let purge_usage = PurgeUsageUseCase::new(store.usage_purge.clone());
        let container = Self {
            use_cases: Arc::new(use_cases),
            events,
            models,
            model_names,
            cache,
            store,
            directory,
            limiter,
            purge_keys: Arc::new(purge_keys),
            purge_usage: Arc::new(purge_usage),
        };
        Ok((container, starting))
    }

    /// The names of the models of the configuration, the default's first.
    pub(crate) fn model_names(&self) -> &[String] {
        &self.model_names
    }

    /// Closes everything in the reverse of the order in which it was opened.
    pub(crate) async fn close(&self) {
        self.models.stop().await;
        self.store.close().await;
    }
}

/// What the use cases of the API share with the rest of the service.
struct Shared<'c> {
    store: &'c Store,
    models: &'c Arc<LocalModelCatalog>,
    limiter: Arc<dyn UsageLimiter>,
    feed: Arc<dyn EventFeed>,
}

/// The use cases of the API; callers are authenticated by `access`, if that is required.
fn use_cases(settings: &Settings, shared: Shared<'_>, access: Access) -> UseCases {
    let Shared { store, models, limiter, feed } = shared;
    let clock = clock(settings);
    let catalog: Arc<dyn ModelCatalog> = models.clone();
    let ports = prediction_ports(settings, catalog.clone(), store, limiter.clone());
    let changes = ModelChanges {
        models: catalog.clone(),
        // Where callers are authenticated, their scopes decide.
        allowed: settings.auth.is_required() || settings.server.model_changes,
        store: store.writes.clone(),
        clock: clock.clone(),
    };
    let (trends, breakdown) = trends(settings, store, &clock);
    let (dimensions, compute) = (settings.analytics.dimensions(), Arc::new(BlockingComputePool));
    let (predictions, writes, ids) = (store.predictions.clone(), store.writes.clone(), Arc::new(UuidV7Ids));
    let events = Arc::new(EventsHealthCheck::new(store.sinks.clone()));
    let checks = vec![store.health.clone(), models.health(), events];
    let Access { directory, authenticate, revalidate } = access;
    UseCases {
        predict: PredictSentimentUseCase::new(ports.clone()),
        predict_batch: PredictSentimentBatchUseCase::new(ports.clone()),
        stream: StreamPredictionsUseCase::new(ports),
        get: GetPredictionUseCase::new(store.predictions.clone()),
        list: ListPredictionsUseCase::new(store.predictions.clone()),
        export: ExportPredictionsUseCase::new(store.predictions.clone(), clock.clone()),
        rank_terms: RankTermsUseCase::new(store.analytics.clone(), compute, clock.clone()),
        delete: DeletePredictionUseCase::new(predictions, writes, dimensions, clock.clone(), ids),
        follow_events: FollowEventsUseCase::new(feed),
        models: ListModelsUseCase::new(catalog),
        load_model: LoadModelUseCase::new(changes.clone()),
        unload_model: UnloadModelUseCase::new(changes),
        authenticate,
        admit: AdmitRequestUseCase::new(directory, limiter.clone()),
        trends,
        breakdown,
        usage: GetUsageUseCase::new(limiter, store.usage.clone(), clock.clone()),
        revalidate,
        issue_key: access::issue_key(store, &clock),
        list_keys: ListKeysUseCase::new(store.keys.clone(), clock.clone()),
        revoke_key: RevokeKeyUseCase::new(store.keys.clone(), store.writes.clone(), clock.clone()),
        audit: ListAuditUseCase::new(store.audit.clone()),
        health: Arc::new(CheckHealthUseCase::new(checks, clock)),
    }
}

/// What shows the rollups.
fn trends(
    settings: &Settings,
    store: &Store,
    clock: &Arc<dyn Clock>,
) -> (ShowTrendsUseCase, BreakDownUseCase) {
    let (rollups, dimensions) = (store.trends.clone(), settings.analytics.dimensions());
    let calendar = Arc::new(ZonedCalendar::new());
    (
        ShowTrendsUseCase::new(rollups.clone(), calendar, dimensions.clone(), clock.clone()),
        BreakDownUseCase::new(rollups, dimensions, clock.clone()),
    )
}

/// The machine's clock.
#[cfg(not(debug_assertions))]
fn clock(_: &Settings) -> Arc<dyn Clock> {
    Arc::new(SystemClock)
}

/// The machine's clock with the error that a test configures.
#[cfg(debug_assertions)]
fn clock(settings: &Settings) -> Arc<dyn Clock> {
    Arc::new(infra_local::OffsetClock::new(SystemClock, settings.clock.offset_s))
}

/// The cache in front of the models, if it is enabled.
fn cache(settings: &CacheSettings) -> Option<Arc<MokaCacheGateway>> {
    let limits = CacheLimits { entries: settings.max_entries, bytes: settings.max_bytes };
    let cache = || Arc::new(MokaCacheGateway::new(limits, settings.ttl.duration()));
    settings.enabled.then(cache)
}
