//! The composition root: the only place where concrete adapters are named.

mod access;
mod models;
mod predictions;
mod store;

use std::sync::Arc;

use application::ports::{CacheGateway, Clock, DownloadProgress, EventFeed, ModelCatalog, UsageLimiter};
use application::use_cases::{
    AdmitRequestUseCase, BreakDownUseCase, CheckHealthUseCase, DeletePredictionUseCase, DeliverEventsUseCase,
    ExportPredictionsUseCase, FollowEventsUseCase, GetPredictionUseCase, GetUsageUseCase, Leadership,
    ListAuditUseCase, ListKeysUseCase, ListModelsUseCase, ListPredictionsUseCase, LoadModelUseCase,
    ModelChanges, PredictSentimentBatchUseCase, PredictSentimentUseCase, ProjectAnalyticsUseCase,
    ProjectionPorts, PurgeIdempotencyKeysUseCase, PurgeUsageUseCase, RankTermsUseCase, RevokeKeyUseCase,
    SequenceEventsUseCase, SequencingPorts, ShowTrendsUseCase, StreamPredictionsUseCase, UnloadModelUseCase,
};
use http_actix::UseCases;
use infra_local::{
    BlockingComputePool, CacheLimits, CachedCallerDirectory, FeedLimits, LocalEventFeed, LocalModelCatalog,
    LocalUsageLimiter, LogPublisher, LogQueue, MetricsRecorder, MokaCacheGateway, SystemClock, UuidV7Ids,
    ZonedCalendar,
};

use crate::config::{CacheSettings, Settings};
use crate::container::access::Access;
use crate::container::predictions::prediction_ports;

pub(crate) use access::administration;
pub(crate) use models::{ConfiguredModels, Starting};
pub(crate) use predictions::predict_batch;
pub(crate) use store::Store;

/// The parts of the service, wired together.
pub(crate) struct Container {
    /// The use cases of the API.
    pub(crate) use_cases: Arc<UseCases>,
    /// Whether this replica leads.
    pub(crate) leadership: Arc<Leadership>,
    /// Gives events their positions in the feed.
    pub(crate) sequence: Arc<SequenceEventsUseCase>,
    /// The sink of the feed that writes events to the log.
    pub(crate) log_events: Arc<DeliverEventsUseCase>,
    /// The sink of the feed that counts events.
    pub(crate) project: Arc<ProjectAnalyticsUseCase>,
    /// The feed of events for those who follow it.
    pub(crate) feed: Arc<LocalEventFeed>,
    pub(crate) models: Arc<LocalModelCatalog>,
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
        let (models, starting) = configured.start(cache.clone().map(|cache| cache as Arc<dyn CacheGateway>));
        let (directory, limiter) = (access.directory.clone(), Arc::new(LocalUsageLimiter::new()));
        let (events, wake_up) = (store.event_feed.clone(), store.feed_wake_up.clone());
        let feed = Arc::new(LocalEventFeed::new(events, wake_up, FeedLimits::default()));
        let use_cases = use_cases(settings, &store, &models, access, limiter.clone(), feed.clone());
        let leadership =
            Arc::new(Leadership::new(store.leases.clone(), clock.clone(), store.process.clone()));
        let sequence = SequenceEventsUseCase::new(
            leadership.clone(),
            SequencingPorts {
                outbox: store.outbox.clone(),
                sinks: store.sinks.clone(),
                clock: clock.clone(),
                metrics: Arc::new(MetricsRecorder),
            },
            settings.outbox.keep.duration(),
        );
        let log_events = DeliverEventsUseCase::new(
            leadership.clone(),
            store.event_feed.clone(),
            store.sinks.clone(),
            Arc::new(LogPublisher::new(Arc::clone(log))),
        );
        let project = ProjectAnalyticsUseCase::new(
            ProjectionPorts {
                leadership: leadership.clone(),
                feed: store.event_feed.clone(),
                sinks: store.sinks.clone(),
                rollups: store.rollups.clone(),
                clock,
            },
            settings.analytics.dimensions(),
        );
        let purge_keys = PurgeIdempotencyKeysUseCase::new(store.claims.clone());
        let purge_usage = PurgeUsageUseCase::new(store.usage_purge.clone());
        let container = Self {
            use_cases: Arc::new(use_cases),
            leadership,
            sequence: Arc::new(sequence),
            log_events: Arc::new(log_events),
            project: Arc::new(project),
            feed,
            models,
            cache,
            store,
            directory,
            limiter,
            purge_keys: Arc::new(purge_keys),
            purge_usage: Arc::new(purge_usage),
        };
        Ok((container, starting))
    }

    /// Closes everything in the reverse of the order in which it was opened.
    pub(crate) async fn close(&self) {
        self.models.stop().await;
        self.store.close().await;
    }
}

/// The use cases of the API; callers are authenticated by `access`, if that is required, and limited by `limiter`.
fn use_cases(
    settings: &Settings,
    store: &Store,
    models: &Arc<LocalModelCatalog>,
    access: Access,
    limiter: Arc<dyn UsageLimiter>,
    feed: Arc<dyn EventFeed>,
) -> UseCases {
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
    let checks = vec![store.health.clone(), models.health()];
    let Access { directory, authenticate, revalidate } = access;
    UseCases {
        predict: PredictSentimentUseCase::new(ports.clone()),
        predict_batch: PredictSentimentBatchUseCase::new(ports.clone()),
        stream: StreamPredictionsUseCase::new(ports),
        get: GetPredictionUseCase::new(store.predictions.clone()),
        list: ListPredictionsUseCase::new(store.predictions.clone()),
        export: ExportPredictionsUseCase::new(store.predictions.clone(), clock.clone()),
        rank_terms: RankTermsUseCase::new(
            store.analytics.clone(),
            Arc::new(BlockingComputePool),
            clock.clone(),
        ),
        delete: DeletePredictionUseCase::new(
            store.predictions.clone(),
            store.writes.clone(),
            settings.analytics.dimensions(),
            clock.clone(),
            Arc::new(UuidV7Ids),
        ),
        follow_events: FollowEventsUseCase::new(feed),
        models: ListModelsUseCase::new(catalog),
        load_model: LoadModelUseCase::new(changes.clone()),
        unload_model: UnloadModelUseCase::new(changes),
        authenticate,
        admit: AdmitRequestUseCase::new(directory, limiter.clone()),
        trends: ShowTrendsUseCase::new(
            store.trends.clone(),
            Arc::new(ZonedCalendar::new()),
            settings.analytics.dimensions(),
            clock.clone(),
        ),
        breakdown: BreakDownUseCase::new(
            store.trends.clone(),
            settings.analytics.dimensions(),
            clock.clone(),
        ),
        usage: GetUsageUseCase::new(limiter, store.usage.clone(), clock.clone()),
        revalidate,
        issue_key: access::issue_key(store, &clock),
        list_keys: ListKeysUseCase::new(store.keys.clone(), clock.clone()),
        revoke_key: RevokeKeyUseCase::new(store.keys.clone(), store.writes.clone(), clock.clone()),
        audit: ListAuditUseCase::new(store.audit.clone()),
        health: Arc::new(CheckHealthUseCase::new(checks, clock)),
    }
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
