//! The composition root: the only place where concrete adapters are named.

mod access;
mod models;
mod store;

use std::sync::Arc;

use application::ports::{CacheGateway, Clock, DownloadProgress, IdGenerator, ModelCatalog, WriteStore};
use application::use_cases::{
    CheckHealthUseCase, DeletePredictionUseCase, GetPredictionUseCase, ListAuditUseCase, ListKeysUseCase,
    ListModelsUseCase, ListPredictionsUseCase, LoadModelUseCase, ModelChanges, PredictSentimentBatchUseCase,
    PredictSentimentUseCase, PredictionPorts, RelayOutboxUseCase, RevokeKeyUseCase, StreamPredictionsUseCase,
    UnloadModelUseCase,
};
use domain::value_objects::TextLimits;
use http_actix::UseCases;
use infra_local::{
    CacheLimits, CachedCallerDirectory, DiscardingWriteStore, LocalModelCatalog, LogPublisher, LogQueue,
    MetricsRecorder, MokaCacheGateway, SystemClock, UnicodeSentenceSplitter, UuidV7Ids,
};

use crate::config::{CacheSettings, Settings};
use crate::container::access::Access;

pub(crate) use access::administration;
pub(crate) use models::{ConfiguredModels, Starting};
pub(crate) use store::Store;

/// The parts of the service, wired together.
pub(crate) struct Container {
    /// The use cases of the API.
    pub(crate) use_cases: Arc<UseCases>,
    /// The relay of events.
    pub(crate) relay: Arc<RelayOutboxUseCase>,
    pub(crate) models: Arc<LocalModelCatalog>,
    /// The cache in front of the models, if it is enabled.
    pub(crate) cache: Option<Arc<MokaCacheGateway>>,
    pub(crate) store: Store,
    /// The keys and tenants of callers, if authentication is required.
    pub(crate) directory: Option<Arc<CachedCallerDirectory>>,
    /// The name of this process among the replicas.
    pub(crate) process: String,
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
        let process = UuidV7Ids.event_id(clock.now()).to_string();
        let directory = access.as_ref().map(|access| access.directory.clone());
        let use_cases = use_cases(settings, &store, &models, access);
        let publisher = Arc::new(LogPublisher::new(Arc::clone(log)));
        let metrics = Arc::new(MetricsRecorder);
        let relay =
            RelayOutboxUseCase::new(store.leases.clone(), store.outbox.clone(), publisher, clock, metrics);
        let (use_cases, relay) = (Arc::new(use_cases), Arc::new(relay));
        let container = Self { use_cases, relay, models, cache, store, directory, process };
        Ok((container, starting))
    }

    /// Closes everything in the reverse of the order in which it was opened.
    pub(crate) async fn close(&self) {
        self.models.stop().await;
        self.store.close().await;
    }
}

/// The use cases of the API; callers are authenticated by `access`, if that is required.
fn use_cases(
    settings: &Settings,
    store: &Store,
    models: &Arc<LocalModelCatalog>,
    access: Option<Access>,
) -> UseCases {
    let clock = clock(settings);
    let catalog: Arc<dyn ModelCatalog> = models.clone();
    let ports = predict_ports(settings, catalog.clone(), store.writes.clone());
    let changes = ModelChanges {
        models: catalog.clone(),
        // Where callers are authenticated, their scopes decide.
        allowed: settings.auth.is_required() || settings.server.model_changes,
        store: store.writes.clone(),
        clock: clock.clone(),
    };
    let checks = vec![store.health.clone(), models.health()];
    let (authenticate, revalidate) = access.map(|access| (access.authenticate, access.revalidate)).unzip();
    UseCases {
        predict: PredictSentimentUseCase::new(ports.clone()),
        predict_batch: PredictSentimentBatchUseCase::new(ports.clone()),
        stream: StreamPredictionsUseCase::new(ports),
        get: GetPredictionUseCase::new(store.predictions.clone()),
        list: ListPredictionsUseCase::new(store.predictions.clone()),
        delete: DeletePredictionUseCase::new(store.writes.clone(), clock.clone(), Arc::new(UuidV7Ids)),
        models: ListModelsUseCase::new(catalog),
        load_model: LoadModelUseCase::new(changes.clone()),
        unload_model: UnloadModelUseCase::new(changes),
        authenticate,
        revalidate,
        issue_key: access::issue_key(store, &clock),
        list_keys: ListKeysUseCase::new(store.keys.clone(), clock.clone()),
        revoke_key: RevokeKeyUseCase::new(store.keys.clone(), store.writes.clone(), clock.clone()),
        audit: ListAuditUseCase::new(store.audit.clone()),
        health: Arc::new(CheckHealthUseCase::new(checks, clock)),
    }
}

/// The batch use case for the command line, over `models`; predictions are stored in `store` if there is one.
pub(crate) fn predict_batch(
    settings: &Settings,
    models: &Arc<LocalModelCatalog>,
    store: Option<&Store>,
) -> PredictSentimentBatchUseCase {
    let writes: Arc<dyn WriteStore> =
        store.map_or_else(|| Arc::new(DiscardingWriteStore) as _, |store| store.writes.clone());
    PredictSentimentBatchUseCase::new(predict_ports(settings, models.clone(), writes))
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

fn predict_ports(
    settings: &Settings,
    models: Arc<dyn ModelCatalog>,
    store: Arc<dyn WriteStore>,
) -> PredictionPorts {
    PredictionPorts {
        models,
        store,
        clock: clock(settings),
        ids: Arc::new(UuidV7Ids),
        metrics: Arc::new(MetricsRecorder),
        sentences: Arc::new(UnicodeSentenceSplitter),
        limits: TextLimits { max_chars: settings.limits.max_chars },
    }
}
