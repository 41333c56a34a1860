use super::*;

/// Submits a text of one word while the engine is occupied, and waits until `depth` texts are in the queue.
async fn submit(
    gateway: &Arc<LocalMlGateway>,
    word: &str,
    depth: usize,
) -> tokio::task::JoinHandle<Result<ModelOutput, MlError>> {
    let (called, word) = (Arc::clone(gateway), text(word));
    let calling = tokio::spawn(async move { called.classify_one(&tenant(), &word, PLAIN).await });
    until_waiting(gateway, depth).await;
    calling
}

#[tokio::test]
async fn a_full_queue_is_saturated_and_recovers() {
    let (engine, _seen, mut gate) = FakeEngine::gated();
    let gateway = start_fake(engine, QueueLimits { items: 1, ..ROOMY }).await;
    let (_queued, in_engine) = occupy(&gateway, &mut gate).await;
    let waiting = submit(&gateway, "bad", 1).await;

    let texts = [text("word"), text("word")];
    let refused = gateway.classify_one(&tenant(), &texts[0], PLAIN).await;
    assert!(matches!(refused, Err(MlError::Saturated)));

    drop(gate);
    assert_eq!(in_engine.await.unwrap().unwrap(), [[7.0, 3.0, 1.0]]);
    assert_eq!(only_window(waiting.await.unwrap()), [8.0, 3.0, 1.0]);
    assert!(gateway.classify_one(&tenant(), &texts[0], PLAIN).await.is_ok());
}

#[tokio::test]
async fn a_batch_that_has_started_is_computed_to_its_end_in_a_small_queue() {
    let gateway = start_fake(FakeEngine::new().0, QueueLimits { items: 2, tokens: 9, batch_tokens: 8 }).await;
    let texts: Vec<InputText> = (0..1_000).map(|length| text("good ".repeat(1 + length % 20))).collect();
    let texts: Vec<&InputText> = texts.iter().collect();
    for admission in [Admission::BulkNext, Admission::BulkStart] {
        let outputs = gateway.classify(&tenant(), &texts, PLAIN, admission.into()).await.unwrap();
        assert_eq!(outputs.len(), 1_000);
        for (number, output) in outputs.into_iter().enumerate() {
            assert_eq!(output.unwrap().usage.tokens as usize, 1 + number % 20);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_batches_share_a_small_queue() {
    let gateway =
        start_fake(FakeEngine::new().0, QueueLimits { items: 3, tokens: 20, batch_tokens: 8 }).await;
    let batches: Vec<_> = (0..8)
        .map(|_| {
            let gateway = Arc::clone(&gateway);
            tokio::spawn(async move {
                let texts: Vec<InputText> =
                    (1..=100).map(|length| text("bad ".repeat(length % 30 + 1))).collect();
                let texts: Vec<&InputText> = texts.iter().collect();
                gateway.classify(&tenant(), &texts, PLAIN, Admission::BulkNext.into()).await.unwrap()
            })
        })
        .collect();
    for batch in batches {
        assert!(batch.await.unwrap().iter().all(Result::is_ok));
    }
}

#[tokio::test]
async fn cancelled_texts_are_not_computed_and_free_their_space() {
    let (engine, seen, mut gate) = FakeEngine::gated();
    let gateway = start_fake(engine, QueueLimits { items: 1, ..ROOMY }).await;
    let (_queued, in_engine) = occupy(&gateway, &mut gate).await;
    for _ in 0..5 {
        submit(&gateway, "bad", 1).await.abort();
        until_waiting(&gateway, 0).await;
    }
    let last = submit(&gateway, "word", 1).await;
    drop(gate);
    assert!(in_engine.await.unwrap().is_ok());
    assert_eq!(only_window(last.await.unwrap()), [12.0, 3.0, 1.0]);
    assert_eq!(seen.batches(), [vec![vec![1, 4, 2]], vec![vec![1, 9, 2]]]);
}

#[tokio::test]
async fn stopping_fails_what_waits_and_ends_the_worker() {
    let (engine, seen, mut gate) = FakeEngine::gated();
    let gateway = start_fake(engine, ROOMY).await;
    let (_queued, in_engine) = occupy(&gateway, &mut gate).await;
    let waiting = submit(&gateway, "bad", 1).await;
    let (stopping, (in_engine, waiting)) = tokio::join!(gateway.stop(), async {
        let waiting = waiting.await.unwrap();
        drop(gate);
        (in_engine.await.unwrap(), waiting)
    });
    let () = stopping;
    assert!(in_engine.is_ok(), "the batch in the engine is finished");
    assert!(matches!(waiting, Err(MlError::Unavailable { .. })));
    assert_eq!(seen.batches(), [vec![vec![1, 4, 2]]]);
    assert!(matches!(
        gateway.classify_one(&tenant(), &text("good"), PLAIN).await,
        Err(MlError::Unavailable { .. })
    ));
    assert!(gateway.info().is_none() && gateway.check().await.is_err());
    gateway.stop().await;
}

#[tokio::test]
async fn a_bulk_backlog_refuses_no_single_text_and_refuses_a_batch_only_at_its_limit() {
    let (engine, _seen, mut gate) = FakeEngine::gated();
    let gateway = start_fake(engine, QueueLimits { items: 4, ..ROOMY }).await;
    let (_queued, _in_engine) = occupy(&gateway, &mut gate).await;
    let lines: Vec<_> = (0..3)
        .map(|_| {
            let gateway = Arc::clone(&gateway);
            tokio::spawn(async move {
                gateway.classify(&tenant(), &[&text("bad")], PLAIN, Admission::BulkNext.into()).await
            })
        })
        .collect();
    until_waiting(&gateway, 2).await;
    let single = submit(&gateway, "word", 3).await;
    let batch = {
        let gateway = Arc::clone(&gateway);
        let texts = [text("good"), text("good bad")];
        tokio::spawn(async move {
            gateway.classify(&tenant(), &[&texts[0], &texts[1]], PLAIN, Admission::BulkStart.into()).await
        })
    };
    let too_many = async {
        while !gateway.queue.is_full(Admission::BulkStart.into()) {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_mins(1), too_many).await.unwrap();
    let refused = gateway.classify(&tenant(), &[&text("good")], PLAIN, Admission::BulkStart.into()).await;
    assert!(matches!(refused, Err(MlError::Saturated)));
    drop(gate);
    assert!(single.await.unwrap().is_ok() && batch.await.unwrap().unwrap().iter().all(Result::is_ok));
    for line in lines {
        assert!(line.await.unwrap().unwrap()[0].is_ok());
    }
}
