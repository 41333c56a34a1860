use super::*;

const NO_TIME: Deadline = Deadline::AfterQueueing(Duration::ZERO);

/// An instant that passes while a test waits for it, and not before the texts of the test are in the queue.
fn soon() -> Deadline {
    Deadline::At(Instant::now() + Duration::from_millis(200))
}

/// Classifies `words` as texts of a batch that has started.
async fn classify(
    gateway: &LocalMlGateway,
    words: &[&str],
    deadline: Deadline,
) -> Result<Vec<Result<ModelOutput, MlError>>, MlError> {
    let texts: Vec<InputText> = words.iter().map(|word| text(*word)).collect();
    let texts: Vec<&InputText> = texts.iter().collect();
    let queueing = Queueing { admission: Admission::BulkNext, deadline };
    gateway.classify(&tenant(), &texts, PLAIN, queueing).await
}

fn are_all_late(outputs: &[Result<ModelOutput, MlError>]) -> bool {
    outputs.iter().all(|output| matches!(output, Err(MlError::DeadlineExceeded)))
}

#[tokio::test]
async fn a_text_past_its_deadline_fails_and_is_not_computed() {
    for deadline in [NO_TIME, soon()] {
        let (engine, seen, mut gate) = FakeEngine::gated();
        let gateway = start_fake(engine, ROOMY).await;
        let (_queued, in_engine) = occupy(&gateway, &mut gate).await;
        let late = classify(&gateway, &["bad", "word"], deadline).await.unwrap();
        assert!(late.len() == 2 && are_all_late(&late), "{late:?}");
        assert_eq!(gateway.queue.depth(), 0);
        let (_behind, behind_them) = enter(&gateway, 9);
        drop(gate);
        assert!(in_engine.await.unwrap().is_ok() && behind_them.await.unwrap().is_ok());
        assert_eq!(seen.batches(), [vec![vec![1, 4, 2]], vec![vec![1, 9, 2]]]);
    }
}

#[tokio::test]
async fn a_deadline_that_has_passed_fails_the_whole_call_at_once() {
    let (engine, seen) = FakeEngine::new();
    let gateway = start_fake(engine, ROOMY).await;
    let late = classify(&gateway, &["good"], Deadline::At(Instant::now())).await;
    assert!(matches!(late, Err(MlError::DeadlineExceeded)), "{late:?}");
    assert!(seen.batches().is_empty());
}

/// A gateway whose queue has room for one bulk text, and the text that has it.
async fn full_of_bulk() -> (Arc<LocalMlGateway>, Gate, Vec<QueuedText>) {
    let (engine, _seen, mut gate) = FakeEngine::gated();
    let gateway = start_fake(engine, QueueLimits { items: 2, ..ROOMY }).await;
    let (in_engine, _reply) = occupy(&gateway, &mut gate).await;
    let (job, _reply) = Job::new(vec![4], std::iter::once(0..1).collect(), 2, Class::Bulk);
    let before = gateway.queue.enter(Arc::new(job), Admission::BulkNext.into()).unwrap();
    (gateway, gate, vec![in_engine, before])
}

#[tokio::test]
async fn the_instant_of_a_deadline_passes_in_the_backlog_too() {
    let (gateway, _gate, queued) = full_of_bulk().await;
    let late = classify(&gateway, &["bad", "word"], soon()).await.unwrap();
    assert!(late.len() == 2 && are_all_late(&late), "{late:?}");
    drop(queued);
    assert_eq!(gateway.queue.depth(), 0, "no text of the backlog has entered");
}

#[tokio::test]
async fn a_deadline_after_queueing_does_not_run_in_the_backlog() {
    let (gateway, _gate, mut queued) = full_of_bulk().await;
    let mut calling = Box::pin(classify(&gateway, &["bad"], NO_TIME));
    assert!(futures_util::poll!(&mut calling).is_pending());
    assert!(futures_util::poll!(&mut calling).is_pending(), "the deadline does not run yet");
    queued.pop();
    let outputs = calling.await.unwrap();
    assert!(outputs.len() == 1 && are_all_late(&outputs), "the deadline runs from the entry on");
}

#[tokio::test]
async fn texts_of_a_slow_model_are_refused_at_once() {
    let (engine, _seen, mut gate) = FakeEngine::gated();
    let gateway = start_fake(engine, ROOMY).await;
    let _in_engine = occupy(&gateway, &mut gate).await;
    let _waiting = enter(&gateway, 4);
    gateway.queue.record_batch(1, Duration::from_secs(1), 1);
    for admission in [Admission::Single, Admission::BulkStart] {
        let deadline = Deadline::AfterQueueing(Duration::from_secs(1));
        let words = text("good");
        let refused = gateway.classify(&tenant(), &[&words], PLAIN, Queueing { admission, deadline }).await;
        let is_refused = matches!(refused, Err(MlError::Saturated));
        assert_eq!(is_refused, admission == Admission::Single, "only a single text waits: {refused:?}");
        gateway.queue.record_batch(1, Duration::from_secs(1), 1);
    }
}

#[tokio::test]
async fn the_speed_of_a_model_is_known_after_its_first_batch() {
    let gateway = start_fake(FakeEngine::new().0, ROOMY).await;
    assert_eq!(gateway.tokens_per_second(), None);
    assert!(gateway.classify_one(&tenant(), &text("good"), PLAIN).await.is_ok());
    assert!(gateway.tokens_per_second().is_some_and(|speed| speed > 0.0 && speed.is_finite()));
}

#[tokio::test]
async fn failed_batches_do_not_count_for_the_speed() {
    let (engine, seen) = FakeEngine::new();
    let gateway = start_fake(engine, ROOMY).await;
    seen.set_broken(true);
    assert!(gateway.classify_one(&tenant(), &text("good"), PLAIN).await.is_err());
    assert_eq!(gateway.tokens_per_second(), None);
}
