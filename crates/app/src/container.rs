//! The composition root: the only place where concrete adapters are named.

mod store;

use std::sync::Arc;

use anyhow::Context;
use application::ports::{Clock, IdGenerator, MlGateway, UnitOfWorkFactory};
use application::use_cases::{
    CheckHealthUseCase, DeletePredictionUseCase, GetPredictionUseCase, ListModelsUseCase,
    ListPredictionsUseCase, PredictPorts, PredictSentimentBatchUseCase, PredictSentimentUseCase,
    RelayOutboxUseCase, StreamPredictionsUseCase,
};
use domain::value_objects::TextLimits;
use http_actix::UseCases;
use infra_local::{
    CachedMlGateway, DiscardingStore, FacadeAnswerMetrics, LogPublisher, MokaCacheGateway, SystemClock,
    UnicodeSentenceSplitter, UuidV7Ids,
};
use infra_ml::{DownloadProgress, Loading, LocalMlGateway, LoggedProgress, ModelSettings};

use crate::config::{CacheSettings, Settings};
use crate::{download_bar, model_source};

pub(crate) use store::Store;

/// Everything that serves, put together.
pub(crate) struct Container {
    /// What the API calls.
    pub(crate) use_cases: Arc<UseCases>,
    /// The relay of events.
    pub(crate) relay: Arc<RelayOutboxUseCase>,
    /// The model.
    pub(crate) gateway: Arc<LocalMlGateway>,
    /// The cache before the model, where there is to be one.
    pub(crate) cache: Option<Arc<MokaCacheGateway>>,
    /// The store.
    pub(crate) store: Store,
    /// This process's name among those who share the store.
    pub(crate) process: String,
}

impl Container {
    /// Opens the store, brings its schema up, starts to load the model, and wires the use cases.
    ///
    /// # Errors
    /// A store that cannot be opened within `store.start_timeout`, or a model folder that cannot be found. What
    /// is wrong inside the folder, or on the hub, comes from the returned [`Loading`].
    pub(crate) async fn build(settings: &Settings) -> anyhow::Result<(Self, Loading)> {
        let model = model_settings(settings, Arc::new(LoggedProgress::default()))?;
        let store = Store::open_migrated(&settings.store).await?;
        let (gateway, loading) = LocalMlGateway::start(model);
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let ids: Arc<dyn IdGenerator> = Arc::new(UuidV7Ids);
        let process = ids.event_id(clock.now()).to_string();
        let (ml, cache) = behind_cache(gateway.clone(), &settings.cache);
        let ports = predict_ports(settings, ml, store.units(), &clock, &ids);
        let checks = vec![store.health(), gateway.health()];
        let use_cases = UseCases {
            predict: PredictSentimentUseCase::new(ports.clone()),
            predict_batch: PredictSentimentBatchUseCase::new(ports.clone()),
            stream: StreamPredictionsUseCase::new(ports),
            get: GetPredictionUseCase::new(store.predictions()),
            list: ListPredictionsUseCase::new(store.predictions()),
            delete: DeletePredictionUseCase::new(store.units(), clock.clone(), ids),
            models: ListModelsUseCase::new(gateway.clone()),
            health: Arc::new(CheckHealthUseCase::new(checks, clock.clone())),
        };
        let relay = RelayOutboxUseCase::new(store.leases(), store.outbox(), Arc::new(LogPublisher), clock);
        let (use_cases, relay) = (Arc::new(use_cases), Arc::new(relay));
        let container = Self { use_cases, relay, gateway, cache, store, process };
        Ok((container, loading))
    }

    /// Lets go of everything, in the reverse of the order in which it was made.
    pub(crate) async fn close(&self) {
        self.gateway.stop().await;
        self.store.close().await;
    }
}

/// The batch use case over the model alone, without a cache, for the command line: answers are kept in `kept`, or
/// nowhere.
pub(crate) fn predict_batch(
    settings: &Settings,
    gateway: Arc<LocalMlGateway>,
    kept: Option<&Store>,
) -> PredictSentimentBatchUseCase {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let ids: Arc<dyn IdGenerator> = Arc::new(UuidV7Ids);
    let units = kept.map_or_else(|| Arc::new(DiscardingStore) as Arc<dyn UnitOfWorkFactory>, Store::units);
    PredictSentimentBatchUseCase::new(predict_ports(settings, gateway, units, &clock, &ids))
}

/// Loads the model and waits until it is there.
///
/// # Errors
/// A model folder that cannot be found, or that holds no model that can be served.
pub(crate) async fn load_model(settings: &Settings) -> anyhow::Result<Arc<LocalMlGateway>> {
    let (gateway, loading) = LocalMlGateway::start(model_settings(settings, download_bar::for_terminal())?);
    loading.await?;
    Ok(gateway)
}

/// The model, behind a cache where there is to be one.
fn behind_cache(
    model: Arc<LocalMlGateway>,
    settings: &CacheSettings,
) -> (Arc<dyn MlGateway>, Option<Arc<MokaCacheGateway>>) {
    if !settings.enabled {
        return (model, None);
    }
    let cache = Arc::new(MokaCacheGateway::new(settings.max_entries, settings.ttl.duration()));
    (Arc::new(CachedMlGateway::new(model, cache.clone())), Some(cache))
}

fn predict_ports(
    settings: &Settings,
    ml: Arc<dyn MlGateway>,
    store: Arc<dyn UnitOfWorkFactory>,
    clock: &Arc<dyn Clock>,
    ids: &Arc<dyn IdGenerator>,
) -> PredictPorts {
    PredictPorts {
        ml,
        store,
        clock: Arc::clone(clock),
        ids: Arc::clone(ids),
        metrics: Arc::new(FacadeAnswerMetrics),
        sentences: Arc::new(UnicodeSentenceSplitter),
        limits: TextLimits { max_chars: settings.limits.max_chars },
    }
}

fn model_settings(settings: &Settings, progress: Arc<dyn DownloadProgress>) -> anyhow::Result<ModelSettings> {
    let section = &settings.model;
    let source = model_source::find(section.path.as_deref(), settings.hub.to_adapter(progress))?;
    section.to_adapter(source).context("configuration")
}
