use std::collections::HashSet;

use application::dtos::{PredictItem, PredictSentimentBatchRequest, PredictSentimentBatchResponse};
use application::errors::ApplicationError;
use application::ports::Admission;
use application::use_cases::PredictSentimentBatchUseCase;
use domain::value_objects::Sentiment::{Negative, Neutral, Positive};
use domain::value_objects::TenantId;
use testkit::{CapturedLog, MlFailure};
use tracing::Level;

use crate::world::{World, failure, item, refusal};

async fn predict(
    world: &World,
    items: Vec<PredictItem>,
) -> Result<PredictSentimentBatchResponse, ApplicationError> {
    let request = PredictSentimentBatchRequest { items, ..PredictSentimentBatchRequest::default() };
    PredictSentimentBatchUseCase::new(world.ports()).execute(request).await
}

fn numbered(count: usize) -> Vec<PredictItem> {
    (0..count).map(|n| PredictItem { reference: Some(n.to_string()), ..item("some text") }).collect()
}

#[tokio::test]
async fn the_responses_are_in_the_order_of_the_items() {
    let world = World::new();
    let texts = ["I love it", "I hate it", "so so", "good", "bad"];
    let answers = predict(&world, texts.map(item).to_vec()).await.unwrap().items;
    let sentiments: Vec<_> = answers.iter().map(|it| it.as_ref().unwrap().sentiment.unwrap()).collect();
    assert_eq!(sentiments, [Positive, Negative, Neutral, Positive, Negative]);
}

#[tokio::test]
async fn the_valid_items_are_one_unit_of_work() {
    let world = World::new();
    let answers = predict(&world, numbered(150)).await.unwrap().items;
    assert_eq!(world.store.commits(), 1);
    let ids: Vec<_> = answers.iter().map(|it| it.as_ref().unwrap().id).collect();
    assert_eq!(ids.iter().collect::<HashSet<_>>().len(), 150);
    assert_eq!(world.store.stored(&TenantId::default()).len(), 150);
    let events = world.store.events();
    assert!(events.iter().filter_map(|(event, _)| event.prediction_id).eq(ids.iter().copied()));
    assert_eq!(world.metrics.recorded(), ids);
}

#[tokio::test]
async fn an_invalid_item_fails_alone() {
    let world = World::new();
    world.ml.fail("poison", MlFailure::InferenceFailed);
    let mut items = ["good", "", "bad", "poison", "a\0b", "love"].map(item).to_vec();
    items.push(PredictItem { reference: Some("a\nb".into()), ..item("good") });
    let mut answers = predict(&world, items).await.unwrap().items;
    assert_eq!(answers.len(), 7);
    assert_eq!(refusal(&answers[1]), ("text", "blank"));
    assert_eq!(failure(&answers[3]), ("inference_failed", ""));
    assert_eq!(refusal(&answers[4]), ("text", "contains_nul"));
    assert_eq!(refusal(&answers[6]), ("ref", "not_printable"));
    answers.retain(Result::is_ok);
    let sentiments: Vec<_> = answers.iter().map(|it| it.as_ref().unwrap().sentiment.unwrap()).collect();
    assert_eq!(sentiments, [Positive, Negative, Positive]);
    assert_eq!((world.store.commits(), world.store.stored(&TenantId::default()).len()), (1, 3));
    assert_eq!(world.metrics.recorded().len(), 3);
}

#[tokio::test]
async fn server_failures_of_items_are_logged_once_a_code_with_their_number_and_first_cause() {
    let world = World::new();
    for (text, failure) in [
        ("poison", MlFailure::InferenceFailed),
        ("venom", MlFailure::InferenceFailed),
        ("absent", MlFailure::Unavailable),
    ] {
        world.ml.fail(text, failure);
    }
    let items = ["poison", "good", "", "absent", "venom", "poison"].map(item).to_vec();
    let log = CapturedLog::start();
    assert_eq!(predict(&world, items).await.unwrap().items.iter().filter(|item| item.is_err()).count(), 5);
    let errors: Vec<_> = log.lines().into_iter().filter(|line| line.level == Level::ERROR).collect();
    let fields: Vec<_> =
        errors.iter().map(|line| ["code", "items", "error"].map(|name| line.field(name))).collect();
    let chain = "the model failed on this text: the engine failed: a logit is not a number";
    assert_eq!(
        fields,
        [
            ["inference_failed", "3", chain],
            ["unavailable", "1", "the model is not available: the model is not there"]
        ]
    );
    assert!(errors.iter().all(|line| line.field("action") == "PredictSentimentBatchUseCase.execute"));
    assert!(!format!("{errors:?}").contains("poison"));
}

#[tokio::test]
async fn client_failures_of_items_are_not_logged() {
    let log = CapturedLog::start();
    predict(&World::new(), ["", "good", " "].map(item).to_vec()).await.unwrap();
    assert!(log.lines().iter().all(|line| line.level == Level::INFO));
}

#[tokio::test]
async fn the_model_gets_sixty_four_texts_at_a_time() {
    let world = World::new();
    predict(&world, numbered(1_000)).await.unwrap();
    let calls = world.ml.calls();
    let lengths: Vec<_> = calls.iter().map(|call| call.texts.len()).collect();
    assert_eq!(lengths, [[64; 15].as_slice(), &[40]].concat());
    let first = calls[0].admission;
    assert_eq!(first, Admission::BulkStart);
    assert!(calls[1..].iter().all(|call| call.admission == Admission::BulkNext));
}

#[tokio::test]
async fn invalid_items_do_not_reach_the_model() {
    let world = World::new();
    predict(&world, ["", "good", " "].map(item).to_vec()).await.unwrap();
    let texts: Vec<_> = world.ml.calls().into_iter().flat_map(|call| call.texts).collect();
    assert_eq!(texts, ["good"]);
}

#[tokio::test]
async fn a_full_queue_refuses_a_batch_before_its_first_item() {
    let world = World::new();
    world.ml.refuse_all(MlFailure::Saturated);
    assert_eq!(failure(&predict(&world, numbered(200)).await), ("saturated", ""));
    assert_eq!(world.ml.calls().len(), 1);
    world.assert_untouched();
}

#[tokio::test]
async fn a_batch_that_was_admitted_is_not_refused_half_way() {
    let world = World::new();
    world.ml.hold_all();
    let fills_up = async {
        world.ml.until_in_work(64).await;
        world.ml.refuse_all(MlFailure::Saturated);
        world.ml.release_all();
    };
    let (answers, ()) = tokio::join!(predict(&world, numbered(200)), fills_up);
    assert!(answers.unwrap().items.iter().all(Result::is_ok));
}

#[tokio::test]
async fn more_than_a_thousand_items_are_refused() {
    let world = World::new();
    assert_eq!(refusal(&predict(&world, numbered(1_001)).await), ("items", "too_many"));
    assert!(world.ml.calls().is_empty());
    world.assert_untouched();
}

#[tokio::test]
async fn with_only_invalid_items_nothing_is_committed() {
    let world = World::new();
    let answers = predict(&world, vec![item(""); 3]).await.unwrap().items;
    assert!(answers.iter().all(Result::is_err));
    assert!(world.ml.calls().is_empty());
    world.assert_untouched();
}

#[tokio::test]
async fn a_model_that_becomes_unavailable_half_way_fails_the_whole_batch() {
    let world = World::new();
    world.ml.hold_all();
    let goes_away = async {
        world.ml.until_in_work(64).await;
        world.ml.refuse_all(MlFailure::Unavailable);
        world.ml.release_all();
    };
    let (answers, ()) = tokio::join!(predict(&world, numbered(65)), goes_away);
    assert_eq!(failure(&answers), ("unavailable", "model"));
    world.assert_untouched();
}

#[tokio::test]
async fn predictions_that_cannot_be_stored_are_not_returned() {
    let world = World::new();
    world.store.fail_with("the disk is full");
    assert_eq!(failure(&predict(&world, numbered(3)).await), ("unavailable", "store"));
    world.assert_untouched();
}
