use std::collections::BTreeMap;
use std::sync::Arc;

use application::dtos::{PredictItem, PredictSentimentRequest, PredictSentimentResponse};
use application::errors::ApplicationError;
use application::use_cases::PredictSentimentUseCase;
use domain::value_objects::{
    Confidence, LabelSet, MetadataValue, ModelLabel, ProblemType, Sentiment, TenantId,
};
use futures_util::FutureExt;
use testkit::{FakeMlGateway, MlFailure};

use crate::world::{World, failure, item, refusal};

async fn predict(world: &World, item: PredictItem) -> Result<PredictSentimentResponse, ApplicationError> {
    let request = PredictSentimentRequest { item, ..PredictSentimentRequest::default() };
    Ok(PredictSentimentUseCase::new(world.ports()).execute(request).await?.response)
}

#[tokio::test]
async fn a_prediction_is_stored_published_and_counted_once() {
    let world = World::new();
    let answer = predict(&world, item("I love it")).await.unwrap();
    assert_eq!(answer.sentiment, Some(Sentiment::Positive));
    assert_eq!(answer.confidence.map(Confidence::value), answer.scores.positive);
    assert_eq!(answer.labels[0].label, "POSITIVE");

    assert_eq!(world.store.commits(), 1);
    let stored = world.store.stored(&TenantId::default());
    assert_eq!(stored.len(), 1);
    assert_eq!((&stored[0].prediction, stored[0].text.as_deref()), (&answer, Some("I love it")));
    let events = world.store.events();
    assert_eq!(events.len(), 1);
    assert_eq!(
        (events[0].0.event_type.as_str(), events[0].0.prediction_id),
        ("SentimentPredicted", Some(answer.id))
    );
    assert_eq!(world.metrics.recorded(), [answer.id]);
}

#[tokio::test]
async fn the_response_carries_reference_and_metadata() {
    let world = World::new();
    let metadata = BTreeMap::from([("stars".to_owned(), MetadataValue::Integer(5))]);
    let sent = PredictItem {
        text: "  good \u{200b}\n".to_owned(),
        reference: Some("order 17".to_owned()),
        metadata: metadata.clone(),
    };
    let answer = predict(&world, sent).await.unwrap();
    assert_eq!(answer.reference.unwrap().as_str(), "order 17");
    assert_eq!(answer.metadata.entries(), &metadata);
    let stored = world.store.stored(&TenantId::default());
    assert_eq!(stored[0].text.as_deref(), Some("  good \u{200b}\n"), "the text is never altered");
}

#[tokio::test]
async fn the_id_is_made_from_the_time_of_the_prediction() {
    let world = World::new();
    let answer = predict(&world, item("good")).await.unwrap();
    let micros = answer.created_at.as_micros();
    assert_eq!(micros, 1_767_323_045_678_901);
    assert_eq!(answer.id.as_u128() >> 80, 1_767_323_045_678);
    assert_eq!(world.store.events()[0].0.occurred_at, answer.created_at);
}

#[tokio::test]
async fn a_prediction_belongs_to_the_tenant_of_the_request() {
    let world = World::new();
    let ann = TenantId::parse("ann").unwrap();
    let request = PredictSentimentRequest {
        tenant: ann.clone(),
        item: item("good"),
        ..PredictSentimentRequest::default()
    };
    PredictSentimentUseCase::new(world.ports()).execute(request).await.unwrap();
    assert_eq!(world.store.stored(&ann).len(), 1);
    assert!(world.store.stored(&TenantId::default()).is_empty());
    assert_eq!(world.store.events()[0].0.tenant, ann);
    assert_eq!(world.ml.calls()[0].tenant, ann);
}

#[tokio::test]
async fn a_model_without_a_mapping_returns_its_own_labels() {
    let labels = ["a", "b"].map(|name| ModelLabel { name: name.to_owned(), sentiment: None });
    let ml = FakeMlGateway::with_labels(LabelSet::new(ProblemType::SingleLabel, labels.to_vec()));
    ml.set_logits("text", &[0.0, 3.0]);
    let world = World { ml: Arc::new(ml), ..World::default() };
    let answer = predict(&world, item("text")).await.unwrap();
    assert_eq!((answer.sentiment, answer.labels[0].label.as_str()), (None, "b"));
    assert!(answer.confidence.is_some());
}

#[tokio::test]
async fn an_invalid_item_is_refused_before_the_model_is_called() {
    let with_reference = |reference: &str| PredictItem { reference: Some(reference.into()), ..item("good") };
    let with_metadata = |key: &str, value: MetadataValue| PredictItem {
        metadata: BTreeMap::from([(key.to_owned(), value)]),
        ..item("good")
    };
    let many = (0..17).map(|n| (n.to_string(), MetadataValue::Bool(true))).collect();
    let bad = [
        (item(""), ("text", "blank")),
        (item(" \t\n\u{3000}"), ("text", "blank")),
        (item("a\0b"), ("text", "contains_nul")),
        (item(&"x".repeat(101)), ("text", "too_long")),
        (with_reference(""), ("ref", "blank")),
        (with_reference("a\0"), ("ref", "contains_nul")),
        (with_reference("a\nb"), ("ref", "not_printable")),
        (with_reference(&"x".repeat(129)), ("ref", "too_long")),
        (with_metadata("", MetadataValue::Bool(true)), ("metadata", "blank")),
        (with_metadata("a", MetadataValue::Text("\0".into())), ("metadata.a", "contains_nul")),
        (with_metadata("a", MetadataValue::Float(f64::NAN)), ("metadata.a", "out_of_range")),
        (with_metadata("a", MetadataValue::Text("x".repeat(4_096))), ("metadata", "too_large")),
        (PredictItem { metadata: many, ..item("good") }, ("metadata", "too_many")),
        // The text is validated first.
        (PredictItem { reference: Some(String::new()), ..item("") }, ("text", "blank")),
    ];
    let world = World::new();
    for (item, expected) in bad {
        assert_eq!(refusal(&predict(&world, item).await), expected);
    }
    assert!(world.ml.calls().is_empty());
    world.assert_untouched();
}

#[tokio::test]
async fn a_text_of_exactly_the_limit_is_accepted() {
    let world = World::new();
    assert!(predict(&world, item(&"é".repeat(100))).await.is_ok());
}

#[tokio::test]
async fn a_failure_of_the_model_stores_nothing() {
    let world = World::new();
    for (failing, expected) in [
        (MlFailure::Saturated, ("saturated", "")),
        (MlFailure::DeadlineExceeded, ("deadline_exceeded", "")),
        (MlFailure::InferenceFailed, ("inference_failed", "")),
        (MlFailure::Unavailable, ("unavailable", "model")),
    ] {
        world.ml.fail("bad luck", failing);
        assert_eq!(failure(&predict(&world, item("bad luck")).await), expected);
        world.ml.refuse_all(failing);
        assert_eq!(failure(&predict(&world, item("good")).await), expected);
        world.ml.admit_all();
    }
    world.assert_untouched();
    assert!(predict(&world, item("good")).await.is_ok());
}

#[tokio::test]
async fn a_prediction_that_cannot_be_stored_is_not_returned() {
    let world = World::new();
    world.store.fail_with("the disk is full");
    assert_eq!(failure(&predict(&world, item("good")).await), ("unavailable", "store"));
    world.assert_untouched();
    world.store.recover();
    assert!(predict(&world, item("good")).await.is_ok());
}

#[tokio::test]
async fn a_call_dropped_during_inference_stores_nothing() {
    let world = World::new();
    world.ml.hold_all();
    let mut call = Box::pin(predict(&world, item("good")));
    assert!(call.as_mut().now_or_never().is_none());
    assert_eq!(world.ml.in_work(), 1);
    drop(call);
    assert_eq!(world.ml.in_work(), 0);
    world.assert_untouched();
}

#[tokio::test]
async fn a_call_dropped_before_the_commit_stores_nothing() {
    let world = World::new();
    // The model answers at once, so the future first waits for the commit.
    let mut call = Box::pin(predict(&world, item("good")));
    assert!(call.as_mut().now_or_never().is_none());
    assert_eq!((world.ml.calls().len(), world.ml.in_work()), (1, 0));
    drop(call);
    world.assert_untouched();
}
