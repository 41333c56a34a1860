use std::sync::Arc;

use domain::value_objects::TextLimits;

use crate::ports::{Clock, IdGenerator, ModelCatalog, PredictionMetrics, SentenceSplitter, WriteStore};

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
    /// Counts stored predictions.
    pub metrics: Arc<dyn PredictionMetrics>,
    /// Splits texts into sentences.
    pub sentences: Arc<dyn SentenceSplitter>,
    /// How long a text may be.
    pub limits: TextLimits,
}
