use std::sync::Arc;

use domain::value_objects::{Dimensions, TextLimits};

use crate::ports::{
    Clock, IdGenerator, IdempotencyRepository, ModelCatalog, PredictionMetrics, PredictionReadModel,
    SentenceSplitter, UsageLimiter, WriteStore,
};

/// The ports of the predicting use cases.
#[derive(Clone)]
pub struct PredictionPorts {
    /// The served models.
    pub models: Arc<dyn ModelCatalog>,
    /// The store.
    pub store: Arc<dyn WriteStore>,
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// Makes ids.
    pub ids: Arc<dyn IdGenerator>,
    /// Limits what principals use.
    pub limiter: Arc<dyn UsageLimiter>,
    /// What requests with idempotency keys need; none where no request has one.
    pub idempotency: Option<IdempotencyPorts>,
    /// Counts stored predictions.
    pub metrics: Arc<dyn PredictionMetrics>,
    /// Splits texts into sentences.
    pub sentences: Arc<dyn SentenceSplitter>,
    /// How long a text may be.
    pub limits: TextLimits,
    /// The metadata keys by which predictions are counted.
    pub dimensions: Dimensions,
}

/// The ports of requests that may be sent again.
#[derive(Clone)]
pub struct IdempotencyPorts {
    /// The keys.
    pub claims: Arc<dyn IdempotencyRepository>,
    /// Reads the predictions of answers.
    pub predictions: Arc<dyn PredictionReadModel>,
}
