use application::ports::FeedEvent;
use application::ports::{PredictionFilter, StoreError, UnitOfWork};
use domain::entities::{NewPrediction, Prediction};
use domain::value_objects::{
    Confidence, Dimensions, EventId, InputText, LabelScore, Metadata, ModelRef, PredictionId,
    PredictionResult, Sentiment, SentimentScores, TenantId, TextLimits, Timestamp, Usage,
};
use infra_sqlite::SqliteStore;
use store_contract::events_of;

/// The prediction number `number`, of a text of `chars` characters.
pub(crate) fn prediction_of(number: u32, chars: usize) -> Prediction {
    prediction_of_text(number, &format!("Sample {number} is not bad. {}", "z".repeat(chars)))
}

/// The prediction number `number`, of `text`.
pub(crate) fn prediction_of_text(number: u32, text: &str) -> Prediction {
    let now = Timestamp::from_micros(1_767_323_045_000_000 + i64::from(number) * 1_000);
    let id = PredictionId::lowest_at(now).as_u128() | u128::from(number);
    let scores = SentimentScores { negative: Some(0.1), neutral: Some(0.2), positive: Some(0.7) };
    let labels = vec![LabelScore { label: "POSITIVE".to_owned(), score: 0.7, logit: None }];
    let confidence = Confidence::try_new("confidence", 0.7).ok();
    Prediction::create(
        NewPrediction {
            id: PredictionId::from_u128(id),
            event_id: EventId::from_u128(id | 1 << 63),
            text: InputText::parse(text.to_owned(), TextLimits { max_chars: usize::MAX }).unwrap(),
            reference: None,
            metadata: Metadata::default(),
            result: PredictionResult::restore(Some(Sentiment::Positive), confidence, scores, labels),
            model: ModelRef::new("m", "r"),
            usage: Usage { tokens: 5, windows: 1, truncated: false },
            cached: false,
            now,
        },
        &Dimensions::default(),
    )
}

/// The short prediction number `number`.
pub(crate) fn prediction(number: u32) -> Prediction {
    prediction_of(number, 0)
}

/// Inserts `predictions` and their events in one write set.
pub(crate) async fn insert(store: &SqliteStore, predictions: &[Prediction]) -> Result<(), StoreError> {
    let mut work = UnitOfWork::of(&TenantId::default());
    for prediction in predictions {
        work.insert(prediction);
        work.append(prediction.events());
    }
    store.writes().commit(work).await
}

/// Deletes the prediction, with its event.
pub(crate) async fn delete(store: &SqliteStore, prediction: &Prediction) -> Result<(), StoreError> {
    let event_id = EventId::from_u128(prediction.id().as_u128() | 1 << 62);
    let mut work = UnitOfWork::of(&TenantId::default());
    work.delete(prediction.id());
    work.append(&[Prediction::deleted(prediction.id(), None, event_id, prediction.created_at())]);
    store.writes().commit(work).await
}

/// Whether the store has the prediction with its text.
pub(crate) async fn has(store: &SqliteStore, prediction: &Prediction) -> bool {
    let found = store.predictions().find(&TenantId::default(), prediction.id()).await.unwrap();
    found.is_some_and(|record| record.text.as_deref() == Some(prediction.text().as_str()))
}

/// The ids of the newest `limit` predictions with all of `terms`.
pub(crate) async fn search(store: &SqliteStore, terms: &[&str], limit: u32) -> Vec<PredictionId> {
    let terms = terms.iter().map(|term| (*term).to_owned()).collect();
    let filter = PredictionFilter { terms, ..PredictionFilter::default() };
    let page = store.predictions().list(&TenantId::default(), &filter, None, limit).await.unwrap();
    page.items.into_iter().map(|record| record.prediction.id).collect()
}

/// Every event that was committed and not purged, in the order of the feed.
pub(crate) async fn events(store: &SqliteStore) -> Vec<FeedEvent> {
    events_of(&*store.leases(), &*store.outbox(), &*store.event_feed()).await
}
