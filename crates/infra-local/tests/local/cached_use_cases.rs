//! A cached output becomes a prediction like any other: new, stored, with its event, and counted.

use std::sync::Arc;

use application::dtos::{PredictItem, PredictSentimentBatchRequest, PredictSentimentRequest};
use application::errors::ApplicationError;
use application::use_cases::{
    PredictSentimentBatchUseCase, PredictSentimentUseCase, PredictionPorts, StreamPredictionsUseCase,
};
use domain::value_objects::{Dimensions, TenantId, TextLimits};
use futures_util::{StreamExt, stream};
use testkit::{
    CountingUsageLimiter, FakeModelCatalog, FixedClock, FullStopSplitter, MemoryStore, RecordingMetrics,
    SequenceIds,
};

use crate::gate::World;

fn ports(world: &World, store: &MemoryStore) -> (PredictionPorts, Arc<RecordingMetrics>) {
    let metrics = Arc::new(RecordingMetrics::new());
    let ports = PredictionPorts {
        models: Arc::new(FakeModelCatalog::of(world.gateway.clone())),
        store: Arc::new(store.clone()),
        clock: Arc::new(FixedClock::default()),
        ids: Arc::new(SequenceIds::new()),
        limiter: Arc::new(CountingUsageLimiter::default()),
        idempotency: None,
        metrics: metrics.clone(),
        sentences: Arc::new(FullStopSplitter),
        limits: TextLimits::default(),
        dimensions: Dimensions::default(),
    };
    (ports, metrics)
}

fn item(text: &str) -> PredictItem {
    PredictItem { text: text.to_owned(), ..PredictItem::default() }
}

#[tokio::test]
async fn a_cached_output_becomes_a_new_prediction() {
    let (world, store) = (World::new(), MemoryStore::new());
    let (ports, metrics) = ports(&world, &store);
    let predict = PredictSentimentUseCase::new(ports);
    let request = PredictSentimentRequest { item: item("I love it"), ..PredictSentimentRequest::default() };
    let first = predict.execute(request.clone()).await.unwrap().response;
    let second = predict.execute(request).await.unwrap().response;
    assert_ne!(first.id, second.id);
    assert_eq!((first.cached, second.cached), (false, true));
    assert_eq!((first.sentiment, &first.labels), (second.sentiment, &second.labels));

    let mut stored = store.stored(&TenantId::default());
    stored.sort_by_key(|record| record.prediction.id);
    let stored: Vec<_> = stored.into_iter().map(|record| record.prediction).collect();
    assert_eq!(stored, [first.clone(), second.clone()]);
    assert_eq!(store.events().len(), 2);
    assert_eq!(metrics.recorded(), [first.id, second.id]);
    assert_eq!(world.calls().len(), 1);
}

#[tokio::test]
async fn identical_items_of_a_batch_are_computed_once_and_each_is_stored() {
    let (world, store) = (World::new(), MemoryStore::new());
    let predict = PredictSentimentBatchUseCase::new(ports(&world, &store).0);
    let items: Vec<_> = (0..300).map(|n| item(["good", "bad", "so so"][n % 3])).collect();
    let request = PredictSentimentBatchRequest { items, ..PredictSentimentBatchRequest::default() };
    let answers = predict.execute(request).await.unwrap().items;
    let answers: Vec<_> = answers.into_iter().map(Result::unwrap).collect();
    assert_eq!(world.calls(), [["good", "bad", "so so"]]);
    assert!(answers.iter().enumerate().all(|(n, answer)| answer.cached == (n >= 3)));
    assert!((3..300).all(|n| answers[n].sentiment == answers[n % 3].sentiment));
    assert_eq!(store.stored(&TenantId::default()).len(), 300);
}

#[tokio::test]
async fn identical_lines_of_a_stream_are_computed_once() {
    let (world, store) = (World::new(), MemoryStore::new());
    let predict = StreamPredictionsUseCase::new(ports(&world, &store).0);
    let line = PredictSentimentRequest { item: item("good"), ..PredictSentimentRequest::default() };
    let lines = stream::iter((0..1_000).map(move |_| Ok::<_, ApplicationError>(line.clone())));
    let answers: Vec<_> = predict.execute(lines).await.unwrap().collect().await;
    assert_eq!(answers.iter().filter(|answer| answer.as_ref().is_ok_and(|it| it.cached)).count(), 999);
    assert_eq!(world.calls().len(), 1);
    assert_eq!(store.stored(&TenantId::default()).len(), 1_000);
}
