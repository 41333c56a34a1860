use std::sync::Mutex;

use application::ports::Admission;
use tokio::sync::oneshot::Receiver;
use tracing::span::Id;
use tracing::subscriber::set_default;
use tracing::{Subscriber, info_span};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use tracing_subscriber::registry::{LookupSpan, Registry};

use super::*;
use crate::job::{Class, Job, Reply};
use crate::queue::{QueueLimits, QueuedText};
use crate::testing::fake_engine::FakeEngine;

/// The names of spans that follow from others, each with the name of the span that it follows from.
#[derive(Clone, Default)]
struct Links(Arc<Mutex<Vec<(&'static str, &'static str)>>>);

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Links {
    fn on_follows_from(&self, span: &Id, follows: &Id, context: Context<'_, S>) {
        let name = |id| context.metadata(id).unwrap().name();
        self.0.lock().unwrap().push((name(span), name(follows)));
    }
}

fn submit(queue: &Arc<Queue>, windows: usize) -> (QueuedText, Receiver<Reply>) {
    let spans = (0..windows).map(|window| window..window + 1).collect();
    let (job, answer) = Job::new(vec![4; windows], spans, 2, Class::Bulk);
    (queue.enter(Arc::new(job), Admission::BulkNext.into()).unwrap(), answer)
}

#[test]
fn a_batch_follows_once_from_each_span_that_submitted_its_texts() {
    let links = Links::default();
    let _guard = set_default(Registry::default().with(links.clone()));
    let queue = Arc::new(Queue::new(QueueLimits { items: 100, tokens: 1_000, batch_tokens: 1_000 }));
    let specials = SpecialTokens { before: vec![1], after: vec![2] };
    let engine = Box::new(FakeEngine::new().0);
    let mut worker =
        Worker { engine, queue: Arc::clone(&queue), health: Arc::default(), specials, labels: 3 };

    let mut waiting = vec![info_span!("first").in_scope(|| submit(&queue, 1))];
    // The job holds the span: its caller has exited it when the batch runs.
    info_span!("second").in_scope(|| waiting.extend([submit(&queue, 3), submit(&queue, 1)]));
    waiting.push(submit(&queue, 1));
    worker.run_batch(queue.take(usize::MAX).unwrap());

    let mut linked = links.0.lock().unwrap().clone();
    linked.sort_unstable();
    assert_eq!(linked, [("ml.run_batch", "first"), ("ml.run_batch", "second")]);
}
