//! Requests that are sent again.

use std::num::NonZeroU64;
use std::sync::Arc;
use std::time::Duration;

use application::dtos::{PredictSentimentBatchRequest, PredictSentimentRequest};
use application::errors::ApplicationError;
use application::ports::{IdempotencyRepository, ItemFailure, LimitError, LimitPolicy, ModelCatalog};
use application::use_cases::time_limits::SINGLE;
use application::use_cases::{
    PredictSentimentBatchUseCase, PredictSentimentUseCase, PurgeIdempotencyKeysUseCase,
};
use domain::value_objects::{IdempotencyKey, Limits, ModelName, RequestDigest, TenantId};
use futures_util::FutureExt;
use testkit::{CapturedLog, FakeMlGateway, FakeModelCatalog, MlFailure};

use crate::keyed_requests::{PanickingGateway, batch, delete, keyed, of_route, rows, single};
use crate::world::{World, failure, item, refusal};

#[tokio::test]
async fn a_request_that_is_sent_again_gets_the_first_answer() {
    let world = World::new();
    let first = single(&world, "I love it", keyed("a", 1)).await.unwrap();
    let again = single(&world, "I love it", keyed("a", 1)).await.unwrap();
    assert!(!first.replayed && again.replayed);
    assert_eq!(again.response, first.response);
    assert_eq!((rows(&world), world.ml.calls().len(), world.store.commits()), (1, 1, 1));
    assert_eq!(world.metrics.recorded().len(), 1);
    assert_eq!(world.limiter.texts().len(), 1, "a repetition is not counted");
    let other = single(&world, "I love it", keyed("b", 1)).await.unwrap();
    assert!(!other.replayed && other.response.id != first.response.id);
}

#[tokio::test]
async fn a_key_belongs_to_one_request_of_one_tenant() {
    let world = World::new();
    single(&world, "good", keyed("a", 1)).await.unwrap();
    assert_eq!(failure(&single(&world, "bad", keyed("a", 2)).await), ("idempotency_key_reused", ""));
    let request = PredictSentimentRequest {
        tenant: TenantId::parse("ann").unwrap(),
        item: item("bad"),
        idempotency: Some(keyed("a", 2)),
        ..PredictSentimentRequest::default()
    };
    assert!(PredictSentimentUseCase::new(world.ports()).execute(request).await.is_ok());
}

#[tokio::test]
async fn a_second_request_does_not_wait_for_the_first() {
    let world = World::new();
    world.ml.hold("good");
    let mut first = Box::pin(single(&world, "good", keyed("a", 1)));
    assert!(first.as_mut().now_or_never().is_none());
    let in_progress = ("idempotency_in_progress", "");
    assert_eq!(failure(&single(&world, "good", keyed("a", 1)).await), in_progress);
    assert_eq!(failure(&single(&world, "good", keyed("a", 2)).await), ("idempotency_key_reused", ""));
    world.ml.release("good");
    let first = first.await.unwrap();
    assert_eq!(single(&world, "good", keyed("a", 1)).await.unwrap().response, first.response);
}

#[tokio::test]
async fn after_its_lease_a_key_is_claimed_again_and_the_late_first_request_stores_nothing() {
    let world = World::new();
    world.ml.hold("good");
    let mut late = Box::pin(single(&world, "good", keyed("a", 1)));
    assert!(late.as_mut().now_or_never().is_none());
    world.clock.advance(SINGLE);
    let mut second = Box::pin(single(&world, "good", keyed("a", 1)));
    assert!(second.as_mut().now_or_never().is_none());
    world.ml.release("good");
    assert_eq!(failure(&late.await), ("conflict", ""));
    let second = second.await.unwrap();
    assert_eq!((second.replayed, rows(&world)), (false, 1));
    assert!(single(&world, "good", keyed("a", 1)).await.unwrap().replayed);
}

#[tokio::test]
async fn a_request_that_failed_may_be_sent_again_at_once() {
    let world = World::new();
    let exceeded = LimitError::Exceeded { policy: LimitPolicy::Texts, retry_after: Duration::from_secs(1) };
    world.ml.refuse_all(MlFailure::Saturated);
    assert_eq!(failure(&single(&world, "good", keyed("a", 1)).await), ("saturated", ""));
    world.ml.admit_all();
    world.limiter.refuse_texts(exceeded);
    assert_eq!(failure(&single(&world, "good", keyed("a", 1)).await), ("limit_exceeded", ""));
    assert_eq!(failure(&batch(&world, &["good"], keyed("a", 1)).await), ("limit_exceeded", ""));
    world.limiter.allow_all();
    assert_eq!(refusal(&single(&world, " ", keyed("a", 1)).await), ("text", "blank"));
    assert!(
        !single(&world, "good", keyed("a", 2)).await.unwrap().replayed,
        "the key is free for any request"
    );
}

#[tokio::test]
async fn an_answer_is_returned_where_its_request_could_not_be_served_any_more() {
    let world = World::new();
    let fast = Arc::new(FakeMlGateway::named("fast", "r7"));
    world.catalog().add(fast);
    let named = |model: &str, key: &str, body| PredictSentimentRequest {
        item: item("good"),
        model: Some(model.to_owned()),
        time_limit: of_route(),
        idempotency: Some(keyed(key, body)),
        ..PredictSentimentRequest::default()
    };
    let batch_of = |model: &str, key: &str| PredictSentimentBatchRequest {
        items: vec![item("good")],
        model: Some(model.to_owned()),
        time_limit: of_route(),
        idempotency: Some(keyed(key, 1)),
        ..PredictSentimentBatchRequest::default()
    };
    let predict = PredictSentimentUseCase::new(world.ports());
    let batches = PredictSentimentBatchUseCase::new(world.ports());
    let first = predict.execute(named("fast", "a", 1)).await.unwrap();
    batches.execute(batch_of("fast", "b")).await.unwrap();
    world.catalog().unload(&ModelName::parse("name", "fast").unwrap()).unwrap();
    let again = predict.execute(named("fast", "a", 1)).await.unwrap();
    assert!(again.replayed && again.response == first.response);
    assert!(batches.execute(batch_of("fast", "b")).await.unwrap().replayed);
    let unknown = ("model", "unknown_model");
    assert_eq!(refusal(&predict.execute(named("fast", "c", 1)).await), unknown);
    assert_eq!(refusal(&batches.execute(batch_of("fast", "c")).await), unknown, "the key is free again");
    assert_eq!(rows(&world), 2);
}

#[tokio::test]
async fn a_request_that_panics_gives_its_key_back() {
    let world = World::new();
    let mut ports = world.ports();
    ports.models = Arc::new(FakeModelCatalog::of(Arc::new(PanickingGateway)));
    let request = || PredictSentimentRequest {
        item: item("good"),
        time_limit: of_route(),
        idempotency: Some(keyed("a", 1)),
        ..PredictSentimentRequest::default()
    };
    let panicking = PredictSentimentUseCase::new(ports);
    let outcome = std::panic::AssertUnwindSafe(panicking.execute(request())).catch_unwind().await;
    assert!(outcome.is_err());
    assert!(!PredictSentimentUseCase::new(world.ports()).execute(request()).await.unwrap().replayed);
}

#[tokio::test]
async fn a_deleted_prediction_is_gone_from_the_answer() {
    let world = World::new();
    let first = single(&world, "good", keyed("a", 1)).await.unwrap().response;
    let texts = ["good", "bad"];
    let items = batch(&world, &texts, keyed("b", 1)).await.unwrap().items;
    delete(&world, first.id).await;
    delete(&world, items[0].as_ref().unwrap().id).await;
    assert_eq!(failure(&single(&world, "good", keyed("a", 1)).await), ("gone", ""));
    let again = batch(&world, &texts, keyed("b", 1)).await.unwrap();
    assert_eq!((again.replayed, failure(&again.items[0])), (true, ("gone", "")));
    assert_eq!(again.items[1].as_ref().unwrap(), items[1].as_ref().unwrap());
}

#[tokio::test]
async fn an_unreadable_row_fails_its_item_alone() {
    let world = World::new();
    let first = single(&world, "good", keyed("a", 1)).await.unwrap().response;
    let texts = ["good", "bad", "love"];
    let items = batch(&world, &texts, keyed("b", 1)).await.unwrap().items;
    let unreadable = items[1].as_ref().unwrap().id;
    for id in [first.id, unreadable] {
        world.store.corrupt(&TenantId::default(), id);
    }
    assert_eq!(failure(&single(&world, "good", keyed("a", 1)).await), ("corrupt", ""));
    let log = CapturedLog::start();
    let again = batch(&world, &texts, keyed("b", 1)).await.unwrap();
    assert!(again.replayed);
    let errors = log.lines().into_iter().filter(|line| line.level == tracing::Level::ERROR);
    assert_eq!(errors.map(|line| line.field("items").to_owned()).collect::<Vec<_>>(), ["1"]);
    let Err(ApplicationError::Corrupt { table: "predictions", id, .. }) = &again.items[1] else {
        panic!("{:?}", again.items[1]);
    };
    assert_eq!(*id, unreadable.to_string());
    for at in [0, 2] {
        assert_eq!(again.items[at].as_ref().unwrap(), items[at].as_ref().unwrap());
    }
}

#[tokio::test]
async fn items_that_failed_stay_failed() {
    let world = World::new();
    world.ml.fail("poison", MlFailure::InferenceFailed);
    let texts = ["good", "", "poison", "love"];
    let first = batch(&world, &texts, keyed("a", 1)).await.unwrap();
    world.ml.recover("poison");
    let again = batch(&world, &texts, keyed("a", 1)).await.unwrap();
    assert_eq!((first.replayed, again.replayed, rows(&world)), (false, true, 2));
    let failures: Vec<_> = again.items.iter().map(|item| item.as_ref().err()).collect();
    let Some(ApplicationError::FailedBefore(blank)) = failures[1] else { panic!("{failures:?}") };
    let expected = ItemFailure {
        code: "blank".to_owned(),
        field: Some("text".to_owned()),
        detail: first.items[1].as_ref().err().map(ToString::to_string),
    };
    assert_eq!(*blank, expected);
    let Some(ApplicationError::FailedBefore(poison)) = failures[2] else { panic!("{failures:?}") };
    assert_eq!((poison.code.as_str(), &poison.detail), ("inference_failed", &None));
    for at in [0, 3] {
        assert_eq!(again.items[at].as_ref().unwrap(), first.items[at].as_ref().unwrap());
    }
}

#[tokio::test]
async fn a_batch_without_a_valid_item_is_answered_once_as_well() {
    let world = World::new();
    batch(&world, &["", " "], keyed("a", 1)).await.unwrap();
    let again = batch(&world, &["", " "], keyed("a", 1)).await.unwrap();
    assert!(again.replayed && again.items.iter().all(Result::is_err));
    assert_eq!((again.items.len(), rows(&world), world.ml.calls().len()), (2, 0, 0));
}

#[tokio::test]
async fn while_the_store_is_down_nothing_is_classified() {
    let world = World::new();
    world.store.fail_with("the disk is full");
    assert_eq!(failure(&single(&world, "good", keyed("a", 1)).await), ("unavailable", "store"));
    assert!(world.ml.calls().is_empty());
}

#[tokio::test]
async fn keys_are_deleted_after_a_day() {
    let world = World::new();
    let purge = PurgeIdempotencyKeysUseCase::new(world.read());
    single(&world, "good", keyed("a", 1)).await.unwrap();
    world.clock.advance(Duration::from_hours(23));
    single(&world, "good", keyed("b", 1)).await.unwrap();
    assert_eq!(purge.execute().await.unwrap(), 0);
    world.clock.advance(Duration::from_hours(1));
    assert_eq!(purge.execute().await.unwrap(), 1);
    assert!(!single(&world, "good", keyed("a", 1)).await.unwrap().replayed);
    assert!(single(&world, "good", keyed("b", 1)).await.unwrap().replayed);
}

#[tokio::test]
async fn more_keys_than_a_statement_deletes_are_deleted_as_well() {
    let world = World::new();
    let (digest, tenant) = (RequestDigest::from_bytes([1; 32]), TenantId::default());
    for n in 0..2_500 {
        let key = IdempotencyKey::parse(n.to_string()).unwrap();
        world.store.claim(&tenant, &key, &digest, SINGLE).await.unwrap();
    }
    world.clock.advance(Duration::from_hours(24));
    assert_eq!(PurgeIdempotencyKeysUseCase::new(world.read()).execute().await.unwrap(), 2_500);
}

#[tokio::test]
async fn a_request_above_the_quota_gives_its_key_back() {
    let world = World::new();
    let limits = Limits { texts_per_day: NonZeroU64::new(1), ..Limits::default() };
    let principal = Arc::new(application::ports::Principal { limits, ..Default::default() });
    let request = |text: &str, key| PredictSentimentRequest {
        item: item(text),
        principal: Some(principal.clone()),
        idempotency: Some(keyed(key, 1)),
        ..PredictSentimentRequest::default()
    };
    let predict = PredictSentimentUseCase::new(world.ports());
    predict.execute(request("good", "a")).await.unwrap();
    for _ in 0..2 {
        let refused = predict.execute(request("bad", "b")).await;
        let Err(ApplicationError::LimitExceeded { policy, retry_after }) = refused else {
            panic!("{refused:?}");
        };
        assert_eq!(policy, LimitPolicy::TextsPerDay);
        assert!(retry_after <= Duration::from_hours(24));
    }
    assert!(predict.execute(request("good", "a")).await.unwrap().replayed, "a repetition needs no quota");
    world.clock.advance(Duration::from_hours(23));
    assert_eq!(rows(&world), 1);
}
