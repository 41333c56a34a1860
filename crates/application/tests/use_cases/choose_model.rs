//! The choice among several models, and that one model answers a whole request.

use std::sync::Arc;

use application::dtos::{PredictSentimentBatchRequest, PredictSentimentRequest, PredictSentimentResponse};
use application::errors::ApplicationError;
use application::ports::ModelCatalog;
use application::use_cases::{
    PredictSentimentBatchUseCase, PredictSentimentUseCase, StreamPredictionsUseCase,
};
use domain::value_objects::{ModelName, RawOptions, TenantId};
use futures_util::{FutureExt, StreamExt, stream};
use testkit::FakeMlGateway;

use crate::world::{World, item, refusal};

/// A world that serves `fast` beside the default model.
fn world() -> (World, Arc<FakeMlGateway>) {
    let (world, fast) = (World::new(), Arc::new(FakeMlGateway::named("fast", "r7")));
    world.catalog().add(fast.clone());
    (world, fast)
}

fn request(model: Option<&str>) -> PredictSentimentRequest {
    line("good", model)
}

fn line(text: &str, model: Option<&str>) -> PredictSentimentRequest {
    PredictSentimentRequest {
        item: item(text),
        model: model.map(str::to_owned),
        ..PredictSentimentRequest::default()
    }
}

async fn stream(
    world: &World,
    lines: Vec<PredictSentimentRequest>,
) -> Vec<Result<PredictSentimentResponse, ApplicationError>> {
    let lines = stream::iter(lines.into_iter().map(Ok));
    StreamPredictionsUseCase::new(world.ports()).execute(lines).await.unwrap().collect().await
}

fn fast_name() -> ModelName {
    ModelName::parse("name", "fast").unwrap()
}

#[tokio::test]
async fn the_named_model_classifies_and_the_default_one_without_a_name() {
    let (world, fast) = world();
    let predict = PredictSentimentUseCase::new(world.ports());
    for (asked, expected) in [
        (None, ("fake-model", "r1")),
        (Some("fake-model"), ("fake-model", "r1")),
        (Some("fast"), ("fast", "r7")),
    ] {
        let answer = predict.execute(request(asked)).await.unwrap().response;
        assert_eq!((answer.model.name(), answer.model.revision()), expected);
    }
    assert_eq!((world.ml.calls().len(), fast.calls().len()), (2, 1));
    let stored = world.store.stored(&TenantId::default());
    assert_eq!(stored.iter().filter(|record| record.prediction.model.name() == "fast").count(), 1);
}

#[tokio::test]
async fn an_unknown_model_is_refused_before_any_model_sees_the_text() {
    let (world, fast) = world();
    let unknown = ("model", "unknown_model");
    for name in ["slow", "", "FAST", "fast "] {
        let single = PredictSentimentUseCase::new(world.ports()).execute(request(Some(name))).await;
        assert_eq!(refusal(&single), unknown);
        let batch = PredictSentimentBatchRequest {
            items: vec![item("good")],
            model: Some(name.to_owned()),
            ..PredictSentimentBatchRequest::default()
        };
        assert_eq!(refusal(&PredictSentimentBatchUseCase::new(world.ports()).execute(batch).await), unknown);
        let answers = stream(&world, vec![line("good", Some(name))]).await;
        assert_eq!(refusal(&answers[0]), unknown);
    }
    assert!(world.ml.calls().is_empty() && fast.calls().is_empty());
    world.assert_untouched();
}

#[tokio::test]
async fn a_batch_is_classified_by_the_model_it_names() {
    let (world, fast) = world();
    let options = RawOptions { granularity: Some("sentence".to_owned()), ..RawOptions::default() };
    let batch = PredictSentimentBatchRequest {
        items: vec![item("good. bad."), item("love")],
        model: Some("fast".to_owned()),
        options,
        ..PredictSentimentBatchRequest::default()
    };
    let answers = PredictSentimentBatchUseCase::new(world.ports()).execute(batch).await.unwrap().items;
    assert!(answers.iter().all(|answer| answer.as_ref().unwrap().model.name() == "fast"));
    assert!(world.ml.calls().is_empty(), "sentences are read by the same model");
    assert_eq!(fast.calls().len(), 2);
}

#[tokio::test]
async fn each_line_of_a_stream_names_its_own_model() {
    let (world, _) = world();
    let lines = [None, Some("fast"), Some("slow"), Some("fake-model")];
    let answers = stream(&world, lines.map(|model| line("good", model)).into()).await;
    let names: Vec<_> =
        answers.iter().map(|answer| answer.as_ref().map_or("none", |answer| answer.model.name())).collect();
    assert_eq!(names, ["fake-model", "fast", "none", "fake-model"]);
}

#[tokio::test]
async fn a_request_in_flight_is_classified_by_the_model_it_began_with() {
    let (world, fast) = world();
    fast.hold("good");
    let predict = PredictSentimentUseCase::new(world.ports());
    let mut asked = Box::pin(predict.execute(request(Some("fast"))));
    assert!(asked.as_mut().now_or_never().is_none());
    world.catalog().add(Arc::new(FakeMlGateway::named("fast", "r8")));
    let after = predict.execute(request(Some("fast"))).await.unwrap().response;
    world.catalog().unload(&fast_name()).unwrap();
    assert_eq!(refusal(&predict.execute(request(Some("fast"))).await), ("model", "unknown_model"));
    fast.release("good");
    let before = asked.await.unwrap().response;
    assert_eq!((before.model.revision(), after.model.revision()), ("r7", "r8"));
}

#[tokio::test]
async fn a_stream_holds_a_model_to_its_end_and_then_releases_it() {
    let (world, fast) = world();
    let (sender, lines) = tokio::sync::mpsc::unbounded_channel();
    let lines = stream::unfold(lines, |mut lines| async move {
        lines.recv().await.map(|line| (Ok::<_, ApplicationError>(line), lines))
    });
    let use_case = StreamPredictionsUseCase::new(world.ports());
    let mut answers = use_case.execute(lines).await.unwrap();
    sender.send(line("good", Some("fast"))).unwrap();
    assert_eq!(answers.next().await.unwrap().unwrap().model.revision(), "r7");
    world.catalog().unload(&fast_name()).unwrap();
    let left = Arc::downgrade(&fast);
    drop(fast);
    sender.send(line("bad", Some("fast"))).unwrap();
    assert_eq!(answers.next().await.unwrap().unwrap().model.revision(), "r7");
    assert_eq!(left.strong_count(), 1);
    drop(answers);
    assert_eq!(left.strong_count(), 0);
}
