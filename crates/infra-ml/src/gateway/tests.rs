mod bundled_model;
mod deadlines;
mod failures;
mod fairness;
mod health;
mod loading;
mod waiting;

use std::sync::Arc;
use std::time::Duration;

use application::ports::{LabelMappingOrigin, ModelInfo, ModelOrigin, PrecisionReason, SelfTest};
use domain::value_objects::{LabelSet, ModelLabel, ModelRef, Overflow, ProblemType};
use testkit::ClassifyOne;
use tokio::sync::oneshot::Receiver;

use super::*;
use crate::job::{Class, Reply};
use crate::load_error::LoadError;
use crate::loader::Engines;
use crate::model_folder::ModelFolder;
use crate::queue::{QueueLimits, QueuedText};
use crate::testing::fake_engine::{FakeEngine, Gate};
use crate::testing::{small_model, tenant, text};
use crate::windowing::Windowing;

const ROOMY: QueueLimits = QueueLimits { items: 100, tokens: 10_000, batch_tokens: 100 };
/// The whole text, in the windows of the model.
const PLAIN: ReadOptions = ReadOptions { max_tokens: None, overflow: Overflow::Window };

/// A model of the small vocabulary with windows of eight tokens that share two, on a fake engine.
fn fake_model(engine: FakeEngine) -> Result<(Engines, ModelFrontEnd), LoadError> {
    let folder = small_model::folder();
    let tokenizer = TextTokenizer::read(&ModelFolder::open(folder.path())?, small_model::VOCABULARY)?;
    let windowing = Windowing::try_new(Some(8), Some(2), 16)?;
    let label = |name: &str| ModelLabel { name: name.to_owned(), sentiment: None };
    let labels = ["sum", "tokens", "one"].map(label).into();
    let info = ModelInfo {
        model: Arc::new(ModelRef::new("fake", "1")),
        labels: Arc::new(LabelSet::new(ProblemType::Regression, labels)),
        label_mapping: LabelMappingOrigin::Raw,
        window: windowing.info(),
        device: "cpu".to_owned(),
        precision: "f32".to_owned(),
        precision_reason: PrecisionReason::Configured,
        kernel: "fake".to_owned(),
        calibration: None,
        sha256: String::new(),
        source: ModelOrigin::Folder,
        self_test: SelfTest::Absent,
    };
    Ok((
        vec![Box::new(engine)],
        ModelFrontEnd { tokenizer: Arc::new(tokenizer), windowing, info: Arc::new(info) },
    ))
}

async fn start_fake(engine: FakeEngine, limits: QueueLimits) -> Arc<LocalMlGateway> {
    let (gateway, loading) = start(limits, |_| fake_model(engine));
    loading.await.unwrap();
    gateway
}

/// Adds a text of the one token `id` to the queue, without a deadline.
fn enter(gateway: &LocalMlGateway, id: u32) -> (QueuedText, Receiver<Reply>) {
    let (job, answer) = Job::new(vec![id], std::iter::once(0..1).collect(), 2, Class::Single);
    (gateway.queue.enter(Arc::new(job), Admission::Single.into()).unwrap(), answer)
}

/// Occupies the engine with the text `good`, which waits at the gate, so that later texts wait in the queue.
async fn occupy(gateway: &LocalMlGateway, gate: &mut Gate) -> (QueuedText, Receiver<Reply>) {
    let answer = enter(gateway, 4);
    gate.arrival().await;
    answer
}

/// Waits until `texts` texts are in the queue.
async fn until_waiting(gateway: &LocalMlGateway, texts: usize) {
    let waiting = async {
        while gateway.queue.depth() != texts {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_mins(1), waiting).await.unwrap();
}

/// The logits of a text of one window.
fn only_window(output: Result<ModelOutput, MlError>) -> Vec<f32> {
    let mut windows = output.unwrap().windows;
    assert_eq!(windows.len(), 1);
    windows.remove(0).logits
}

#[tokio::test]
async fn a_long_text_has_the_logits_of_all_its_windows() {
    let (engine, seen) = FakeEngine::new();
    let gateway = start_fake(engine, QueueLimits { batch_tokens: 25, ..ROOMY }).await;
    let words = ["good", "bad", "word"].repeat(7).join(" ");
    let output = gateway.classify_one(&tenant(), &text(words), PLAIN).await.unwrap();
    assert_eq!((output.usage.tokens, output.usage.windows, output.usage.truncated), (21, 4, false));
    assert_eq!(output.windows.iter().map(|window| window.tokens).collect::<Vec<_>>(), [8, 8, 8, 3]);
    let ids = [4, 5, 9].repeat(7);
    for (window, span) in output.windows.iter().zip([0..8, 6..14, 12..20, 18..21]) {
        let ids = [&[1], &ids[span], &[2]].concat();
        assert_eq!(window.logits, FakeEngine::logits(&ids));
    }
    assert_eq!(seen.batches().iter().map(Vec::len).collect::<Vec<_>>(), [2, 2], "in two batches");
}

#[tokio::test]
async fn the_texts_of_a_batch_run_together_sorted_by_length_and_are_returned_in_order() {
    let (engine, seen) = FakeEngine::new();
    let gateway = start_fake(engine, ROOMY).await;
    let (mut engine_texts, ids) = (Vec::new(), [vec![4, 5, 9], vec![5], vec![4, 4]]);
    for words in ["good bad word", "bad", "good good"] {
        engine_texts.push(text(words));
    }
    let texts: Vec<&InputText> = engine_texts.iter().collect();
    let outputs = gateway.classify(&tenant(), &texts, PLAIN, Admission::BulkNext.into()).await.unwrap();
    for (output, ids) in outputs.into_iter().zip(ids) {
        assert_eq!(only_window(output), FakeEngine::logits(&[&[1], &ids[..], &[2]].concat()));
    }
    for batch in seen.batches() {
        assert!(batch.is_sorted_by_key(Vec::len));
    }
}

#[tokio::test]
async fn an_empty_batch_has_no_outputs() {
    let gateway = start_fake(FakeEngine::new().0, ROOMY).await;
    assert!(gateway.classify(&tenant(), &[], PLAIN, Admission::BulkStart.into()).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_text_without_tokens_is_one_empty_window() {
    let gateway = start_fake(FakeEngine::new().0, ROOMY).await;
    let served = gateway.served().unwrap();
    let (job, answer) = Job::new(Vec::new(), served.windowing.spans(0), 2, Class::Single);
    let _queued = gateway.queue.enter(Arc::new(job), Admission::Single.into()).unwrap();
    assert_eq!(answer.await.unwrap().unwrap(), [FakeEngine::logits(&[1, 2])]);
}

#[tokio::test]
async fn the_options_limit_the_tokens_and_windows_and_usage_reports_it() {
    let (engine, seen) = FakeEngine::new();
    let gateway = start_fake(engine, ROOMY).await;
    let words = text(["good", "bad", "word"].repeat(4).join(" "));
    let ids = [4, 5, 9].repeat(4);
    let read = |max_tokens: u32, overflow| ReadOptions { max_tokens: max_tokens.try_into().ok(), overflow };
    for (options, usage, spans) in [
        (read(5, Overflow::Truncate), (5, true), std::iter::once(0..5).collect::<Vec<_>>()),
        (read(10, Overflow::Truncate), (10, true), vec![0..8, 6..10]),
        (read(12, Overflow::Truncate), (12, false), vec![0..8, 6..12]),
        (read(12, Overflow::Reject), (12, false), vec![0..8, 6..12]),
        (read(6, Overflow::Window), (12, false), vec![0..6, 4..10, 8..12]),
        (read(99, Overflow::Window), (12, false), vec![0..8, 6..12]),
    ] {
        let output = gateway.classify_one(&tenant(), &words, options).await.unwrap();
        assert_eq!((output.usage.tokens, output.usage.truncated), usage, "{options:?}");
        assert_eq!(output.usage.windows as usize, spans.len(), "{options:?}");
        for (window, span) in output.windows.iter().zip(spans) {
            assert_eq!(window.logits, FakeEngine::logits(&[&[1], &ids[span], &[2]].concat()), "{options:?}");
        }
    }
    let before = seen.batches().len();
    let refused = gateway.classify_one(&tenant(), &words, read(11, Overflow::Reject)).await;
    assert!(matches!(refused, Err(MlError::TooManyTokens { max: 11, actual: 12 })), "{refused:?}");
    let short = text("good");
    let options = read(11, Overflow::Reject);
    let both =
        gateway.classify(&tenant(), &[&words, &short], options, Admission::BulkStart.into()).await.unwrap();
    assert!(matches!(both[0], Err(MlError::TooManyTokens { .. })) && both[1].is_ok());
    assert_eq!(seen.batches().len(), before + 1, "the refused text is not computed");
}
