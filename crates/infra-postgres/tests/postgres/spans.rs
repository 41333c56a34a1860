//! The spans that a group commit follows from.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use store_contract::StoreHarness;
use store_contract::samples::Samples;
use testkit::CapturedLog;
use tracing::span::{Attributes, Id};
use tracing::{Instrument, Subscriber, info_span};
use tracing_subscriber::layer::{Context, SubscriberExt};
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::{Layer, Registry};

use crate::harness::{PostgresHarness, insert, wait_until_blocked};

/// The spans, and which followed from which.
#[derive(Clone, Default)]
struct Recorded {
    spans: Arc<Mutex<HashMap<u64, &'static str>>>,
    parents: Arc<Mutex<HashMap<u64, u64>>>,
    links: Arc<Mutex<Vec<(u64, u64)>>>,
}

impl<S: Subscriber + for<'s> LookupSpan<'s>> Layer<S> for Recorded {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        self.spans.lock().unwrap().insert(id.into_u64(), attributes.metadata().name());
        if let Some(parent) = context.span(id).and_then(|span| span.parent()) {
            self.parents.lock().unwrap().insert(id.into_u64(), parent.id().into_u64());
        }
    }

    fn on_follows_from(&self, span: &Id, follows: &Id, _: Context<'_, S>) {
        self.links.lock().unwrap().push((span.into_u64(), follows.into_u64()));
    }
}

impl Recorded {
    /// The names of the spans in which the commits were made that each group follows from.
    fn groups(&self) -> Vec<Vec<&'static str>> {
        let (spans, parents) = (self.spans.lock().unwrap(), self.parents.lock().unwrap());
        let mut groups: HashMap<u64, Vec<&'static str>> = HashMap::new();
        for (group, commit) in self.links.lock().unwrap().iter() {
            assert_eq!((spans[group], spans[commit]), ("db.write_group", "db.commit"));
            groups.entry(*group).or_default().push(spans[&parents[commit]]);
        }
        let mut groups: Vec<_> = groups.into_iter().collect();
        groups.sort_unstable();
        groups.into_iter().map(|(_, names)| names).collect()
    }
}

/// On one thread, so that the writer's task has the test's subscriber.
#[tokio::test]
async fn a_group_follows_from_the_spans_of_the_sets_that_it_writes() {
    // Enables every call site, whichever test reaches it first.
    drop(CapturedLog::start());
    let recorded = Recorded::default();
    let _guard = tracing::subscriber::set_default(Registry::default().with(recorded.clone()));
    let store = PostgresHarness::start().await;
    let mut beside = store.database.connect().await;
    sqlx::raw_sql("BEGIN; LOCK TABLE outbox IN SHARE MODE").execute(&mut beside).await.unwrap();
    let mut samples = Samples::new();
    let mut commits = tokio::task::JoinSet::new();
    let mut commit = |span: tracing::Span| {
        let (writes, prediction) = (store.writes(), samples.one());
        commits.spawn(async move { insert(&writes, &[prediction]).await }.instrument(span));
    };
    commit(info_span!("first"));
    wait_until_blocked(&store).await;
    commit(info_span!("second"));
    commit(info_span!("third"));
    tokio::task::yield_now().await;
    sqlx::raw_sql("COMMIT").execute(&mut beside).await.unwrap();
    for outcome in commits.join_all().await {
        outcome.unwrap();
    }
    assert_eq!(recorded.groups(), [vec!["first"], vec!["second", "third"]]);
}
