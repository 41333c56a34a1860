use std::collections::BTreeSet;

use super::*;

const TEXTS: usize = 64;

#[tokio::test(flavor = "current_thread")]
async fn other_tasks_of_the_thread_run_while_a_batch_is_tokenized() {
    let (engine, _seen, mut gate) = FakeEngine::gated();
    let limits = QueueLimits { items: 1_000, tokens: 1_000_000, batch_tokens: 100 };
    let gateway = start_fake(engine, limits).await;
    let (_queued, _in_engine) = occupy(&gateway, &mut gate).await;
    let called = Arc::clone(&gateway);
    let calling = tokio::spawn(async move {
        let texts: Vec<InputText> = (0..TEXTS).map(|_| text("good ".repeat(INLINE_BYTES / 5))).collect();
        let texts: Vec<&InputText> = texts.iter().collect();
        called.classify(&tenant(), &texts, PLAIN, Admission::BulkStart.into()).await
    });
    let mut depths = BTreeSet::new();
    while gateway.queue.depth() < TEXTS {
        depths.insert(gateway.queue.depth());
        tokio::task::yield_now().await;
    }
    calling.abort();
    assert!(depths.len() >= TEXTS / 2, "turns between the texts, seen by the texts that waited: {depths:?}");
}
