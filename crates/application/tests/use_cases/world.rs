//! One set of fakes, and what can be observed of it.

use std::sync::{Arc, OnceLock};

use application::dtos::{PredictItem, PredictSentimentRequest, PredictSentimentResponse};
use application::errors::ApplicationError;
use application::use_cases::{IdempotencyPorts, PredictSentimentUseCase, PredictionPorts};
use domain::value_objects::{Dimensions, TenantId, TextLimits};
use testkit::{
    CountingUsageLimiter, FakeMlGateway, FakeModelCatalog, FixedClock, FullStopSplitter, MemoryStore,
    PlainKeySecrets, RecordingMetrics, SequenceIds,
};

#[derive(Default)]
pub(crate) struct World {
    pub(crate) store: MemoryStore,
    pub(crate) ml: Arc<FakeMlGateway>,
    pub(crate) clock: Arc<FixedClock>,
    pub(crate) ids: Arc<SequenceIds>,
    pub(crate) metrics: Arc<RecordingMetrics>,
    pub(crate) limiter: Arc<CountingUsageLimiter>,
    pub(crate) secrets: Arc<PlainKeySecrets>,
    pub(crate) catalog: OnceLock<Arc<FakeModelCatalog>>,
}

impl World {
    pub(crate) fn new() -> Self {
        let clock = Arc::new(FixedClock::default());
        Self { store: MemoryStore::with_clock(clock.clone()), clock, ..Self::default() }
    }

    /// The catalog, in which `ml` is the default.
    pub(crate) fn catalog(&self) -> Arc<FakeModelCatalog> {
        Arc::clone(self.catalog.get_or_init(|| Arc::new(FakeModelCatalog::of(self.ml.clone()))))
    }

    /// The ports, with texts of at most 100 characters.
    pub(crate) fn ports(&self) -> PredictionPorts {
        PredictionPorts {
            models: self.catalog(),
            store: Arc::new(self.store.clone()),
            clock: self.clock.clone(),
            ids: self.ids.clone(),
            limiter: self.limiter.clone(),
            idempotency: Some(IdempotencyPorts { claims: self.read(), predictions: self.read() }),
            metrics: self.metrics.clone(),
            sentences: Arc::new(FullStopSplitter),
            limits: TextLimits { max_chars: 100 },
            dimensions: Dimensions::default(),
        }
    }

    pub(crate) fn read(&self) -> Arc<MemoryStore> {
        Arc::new(self.store.clone())
    }

    /// Predicts `text`.
    pub(crate) async fn predict(&self, text: &str) -> PredictSentimentResponse {
        let request = PredictSentimentRequest { item: item(text), ..PredictSentimentRequest::default() };
        PredictSentimentUseCase::new(self.ports()).execute(request).await.expect("an answer").response
    }

    /// Asserts that there is no row, event or count.
    #[track_caller]
    pub(crate) fn assert_untouched(&self) {
        assert_eq!(self.store.commits(), 0);
        assert!(self.store.stored(&TenantId::default()).is_empty());
        assert!(self.store.events().is_empty());
        assert!(self.metrics.recorded().is_empty());
    }
}

pub(crate) fn item(text: &str) -> PredictItem {
    PredictItem { text: text.to_owned(), ..PredictItem::default() }
}

/// The field and the rule's code of a refusal.
#[track_caller]
pub(crate) fn refusal<T: std::fmt::Debug>(outcome: &Result<T, ApplicationError>) -> (&str, &'static str) {
    match outcome {
        Err(ApplicationError::Invalid { field, rule }) => (field, rule.code()),
        other => panic!("not refused: {other:?}"),
    }
}

/// The error's name and, where something is not available, what.
#[track_caller]
pub(crate) fn failure<T: std::fmt::Debug>(
    outcome: &Result<T, ApplicationError>,
) -> (&'static str, &'static str) {
    use application::action::ActionFailure;
    let error = outcome.as_ref().expect_err("a failure");
    let what = if let ApplicationError::Unavailable { what, .. } = error { what } else { "" };
    (error.code(), what)
}
