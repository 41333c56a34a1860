//! The ports of the predicting use cases.

use std::sync::Arc;

use application::ports::{IdempotencyRepository, ModelCatalog, UsageLimiter, WriteStore};
use application::use_cases::{IdempotencyPorts, PredictSentimentBatchUseCase, PredictionPorts};
use domain::value_objects::TextLimits;
use infra_local::{
    DiscardingWriteStore, LocalModelCatalog, LocalUsageLimiter, MetricsRecorder, UnicodeSentenceSplitter,
    UuidV7Ids,
};

use crate::config::Settings;
use crate::container::{Store, clock};

/// The ports over `models` and `store`, for requests that `limiter` limits and that may be sent again.
pub(super) fn prediction_ports(
    settings: &Settings,
    models: Arc<dyn ModelCatalog>,
    store: &Store,
    limiter: Arc<dyn UsageLimiter>,
) -> PredictionPorts {
    let (writes, claims) = with_faults(settings, store.writes.clone(), store.claims.clone());
    let idempotency = IdempotencyPorts { claims, predictions: store.predictions.clone() };
    PredictionPorts { idempotency: Some(idempotency), limiter, ..unlimited(settings, models, writes) }
}

/// The batch use case for the command line, over `models`; predictions are stored in `store` if there is one.
pub(crate) fn predict_batch(
    settings: &Settings,
    models: &Arc<LocalModelCatalog>,
    store: Option<&Store>,
) -> PredictSentimentBatchUseCase {
    let writes: Arc<dyn WriteStore> =
        store.map_or_else(|| Arc::new(DiscardingWriteStore) as _, |store| store.writes.clone());
    PredictSentimentBatchUseCase::new(unlimited(settings, models.clone(), writes))
}

/// The ports of requests without limits and without idempotency keys.
fn unlimited(
    settings: &Settings,
    models: Arc<dyn ModelCatalog>,
    store: Arc<dyn WriteStore>,
) -> PredictionPorts {
    PredictionPorts {
        models,
        store,
        clock: clock(settings),
        ids: Arc::new(UuidV7Ids),
        limiter: Arc::new(LocalUsageLimiter::new()),
        idempotency: None,
        metrics: Arc::new(MetricsRecorder),
        sentences: Arc::new(UnicodeSentenceSplitter),
        limits: TextLimits { max_chars: settings.limits.max_chars },
        dimensions: settings.analytics.dimensions(),
    }
}

/// The ports without faults.
#[cfg(not(debug_assertions))]
fn with_faults(
    _: &Settings,
    writes: Arc<dyn WriteStore>,
    claims: Arc<dyn IdempotencyRepository>,
) -> (Arc<dyn WriteStore>, Arc<dyn IdempotencyRepository>) {
    (writes, claims)
}

/// The ports with the fault that a test configures.
#[cfg(debug_assertions)]
fn with_faults(
    settings: &Settings,
    writes: Arc<dyn WriteStore>,
    claims: Arc<dyn IdempotencyRepository>,
) -> (Arc<dyn WriteStore>, Arc<dyn IdempotencyRepository>) {
    match settings.faults.injector() {
        Ok(Some(faults)) => (faults.writes(writes), faults.claims(claims)),
        // An invalid one was refused with the settings.
        Ok(None) | Err(_) => (writes, claims),
    }
}
