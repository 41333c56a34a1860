use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use application::dtos::PredictSentimentRequest;
use application::errors::ApplicationError;
use application::use_cases::{PredictionStream, StreamPredictionsUseCase};
use domain::value_objects::TenantId;
use futures_util::{FutureExt, Stream, StreamExt, stream};
use testkit::MlFailure;

use crate::world::{World, item, refusal};

/// The error of a line.
#[derive(Debug)]
enum LineError {
    Unreadable(usize),
    Failed(ApplicationError),
}

impl From<ApplicationError> for LineError {
    fn from(error: ApplicationError) -> Self {
        Self::Failed(error)
    }
}

type Line = Result<PredictSentimentRequest, LineError>;

async fn answers(
    world: &World,
    lines: impl Stream<Item = Line> + Send + 'static,
) -> PredictionStream<LineError> {
    StreamPredictionsUseCase::new(world.ports()).execute(lines).await.expect("a stream")
}

fn line(text: &str) -> PredictSentimentRequest {
    PredictSentimentRequest { item: item(text), ..PredictSentimentRequest::default() }
}

fn lines(texts: impl IntoIterator<Item = String>) -> impl Stream<Item = Line> + Send + 'static {
    stream::iter(texts.into_iter().map(|text| Ok(line(&text))).collect::<Vec<_>>())
}

/// `count` lines, and the number of lines read so far.
fn counted(count: usize) -> (impl Stream<Item = Line> + Send + 'static, Arc<AtomicUsize>) {
    let read = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&read);
    let lines = lines((0..count).map(|n| n.to_string())).inspect(move |_| {
        counter.fetch_add(1, Ordering::SeqCst);
    });
    (lines, read)
}

fn stored_texts(world: &World) -> Vec<String> {
    let stored = world.store.stored(&TenantId::default());
    stored.into_iter().rev().filter_map(|record| record.text).collect()
}

/// The stored text of a prediction.
fn text_of(world: &World, answer: Result<application::dtos::PredictSentimentResponse, LineError>) -> String {
    let id = answer.expect("an answer").id;
    let stored = world.store.stored(&TenantId::default());
    stored.into_iter().find(|record| record.prediction.id == id).and_then(|record| record.text).unwrap()
}

#[tokio::test]
async fn responses_are_in_the_order_of_the_lines_whichever_is_ready_first() {
    let world = World::new();
    let texts: Vec<String> = (0..30).map(|n| n.to_string()).collect();
    for text in &texts {
        world.ml.hold(text);
    }
    let stream = answers(&world, lines(texts.clone())).await;
    let reversed = async {
        world.ml.until_in_work(30).await;
        for (released, text) in texts.iter().rev().enumerate() {
            world.ml.release(text);
            world.ml.until_in_work(29 - released).await;
        }
    };
    let (given, ()) = tokio::join!(stream.collect::<Vec<_>>(), reversed);
    let given: Vec<_> = given.into_iter().map(|answer| text_of(&world, answer)).collect();
    assert_eq!(given, texts);
    // They were stored in the order in which they were ready, the last line first: the fake's ids count up.
    let finished: Vec<_> = texts.into_iter().rev().collect();
    assert_eq!(stored_texts(&world), finished);
}

#[tokio::test]
async fn every_prediction_is_stored_before_it_is_returned() {
    let world = World::new();
    let mut stream = answers(&world, lines((0..200).map(|n| n.to_string()))).await;
    let mut given = 0;
    while let Some(answer) = stream.next().await {
        assert_eq!(text_of(&world, answer), given.to_string());
        given += 1;
        assert!(world.store.commits() >= given);
    }
    assert_eq!((given, world.store.commits(), world.metrics.recorded().len()), (200, 200, 200));
    assert_eq!(world.store.events().len(), 200);
}

#[tokio::test]
async fn at_most_sixty_four_lines_are_in_work() {
    let world = World::new();
    world.ml.hold_all();
    let (lines, read) = counted(200);
    let stream = answers(&world, lines).await;
    let look = async {
        world.ml.until_in_work(64).await;
        // Any line that can still be read is read now.
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
        assert_eq!((world.ml.in_work(), read.load(Ordering::SeqCst)), (64, 64));
        world.ml.release_all();
    };
    let (given, ()) = tokio::join!(stream.collect::<Vec<_>>(), look);
    assert_eq!((given.len(), world.ml.most_in_work()), (200, 64));
}

#[tokio::test]
async fn when_responses_are_not_read_lines_are_not_read() {
    let world = World::new();
    let (lines, read) = counted(1_000);
    let mut stream = answers(&world, lines).await;
    tokio::task::yield_now().await;
    assert_eq!(read.load(Ordering::SeqCst), 0, "nothing is read before somebody wants an answer");

    stream.next().await.expect("an answer").expect("a good one");
    let ahead = read.load(Ordering::SeqCst);
    assert!(ahead <= 65, "{ahead} lines were read for one answer");
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    assert_eq!(read.load(Ordering::SeqCst), ahead);
    assert_eq!(stream.count().await, 999);
}

#[tokio::test]
async fn a_line_that_is_an_error_already_passes_in_its_place() {
    let world = World::new();
    let lines: Vec<Line> = vec![
        Ok(line("good")),
        Err(LineError::Unreadable(2)),
        Ok(line("")),
        Ok(line("bad")),
        Err(LineError::Unreadable(5)),
    ];
    let given: Vec<_> = answers(&world, stream::iter(lines)).await.collect().await;
    assert_eq!(given.len(), 5);
    let mut given = given.into_iter();
    assert!(given.next().unwrap().is_ok());
    assert!(matches!(given.next(), Some(Err(LineError::Unreadable(2)))));
    let Some(Err(LineError::Failed(blank))) = given.next() else { panic!("a blank text was taken") };
    assert_eq!(refusal::<()>(&Err(blank)), ("text", "blank"));
    assert!(given.next().unwrap().is_ok());
    assert!(matches!(given.next(), Some(Err(LineError::Unreadable(5)))));
    assert_eq!(stored_texts(&world), ["good", "bad"]);
}

#[tokio::test]
async fn a_line_that_the_model_fails_on_fails_alone() {
    let world = World::new();
    world.ml.fail("poison", MlFailure::InferenceFailed);
    let lines = lines(["good", "poison", "bad"].map(str::to_owned));
    let given: Vec<_> = answers(&world, lines).await.map(|answer| answer.is_ok()).collect().await;
    assert_eq!(given, [true, false, true]);
    assert_eq!(stored_texts(&world), ["good", "bad"]);
}

#[tokio::test]
async fn a_full_queue_makes_lines_wait_and_refuses_none() {
    let world = World::new();
    world.ml.refuse_all(MlFailure::Saturated);
    let lines = lines((0..100).map(|n| n.to_string()));
    let given: Vec<_> = answers(&world, lines).await.map(|answer| answer.is_ok()).collect().await;
    assert_eq!(given, [true; 100]);
}

#[tokio::test]
async fn lines_that_cannot_be_stored_fail_one_by_one_and_later_ones_succeed() {
    let world = World::new();
    let (sender, receiver) = tokio::sync::mpsc::unbounded_channel();
    let lines = stream::unfold(receiver, |mut receiver: tokio::sync::mpsc::UnboundedReceiver<_>| async {
        let text: String = receiver.recv().await?;
        Some((Ok(line(&text)), receiver))
    });
    let mut stream = answers(&world, lines).await;
    let mut given = Vec::new();
    for (text, works) in [("1", true), ("2", false), ("3", false), ("4", true)] {
        if works {
            world.store.recover();
        } else {
            world.store.fail_with("the disk is full");
        }
        sender.send(text.to_owned()).unwrap();
        let answer = stream.next().await.expect("an answer to every line");
        if let Err(error) = &answer {
            assert!(matches!(error, LineError::Failed(ApplicationError::Unavailable { what: "store", .. })));
        }
        given.push(answer.is_ok());
    }
    drop(sender);
    assert!(stream.next().await.is_none());
    assert_eq!(given, [true, false, false, true]);
    assert_eq!(stored_texts(&world), ["1", "4"]);
}

#[tokio::test]
async fn a_stream_that_is_dropped_stops_its_work() {
    let world = World::new();
    world.ml.hold_all();
    let (lines, read) = counted(100);
    let mut stream = answers(&world, lines).await;
    assert!(stream.next().now_or_never().is_none());
    assert_eq!((world.ml.in_work(), read.load(Ordering::SeqCst)), (64, 64));
    drop(stream);
    assert_eq!(world.ml.in_work(), 0);
    world.assert_untouched();
}
