//! The sinks of the feed: how far each has read it.

use std::time::Duration;

use application::ports::{SinkProgress, SinkStep};

use crate::StoreHarness;
use crate::cases::leases::take_over;
use crate::cases::outbox::{ANY, MARGIN, insert_events, sequence};
use crate::samples::Samples;
use crate::steps::{assert_conflict, events, lead};

fn step(from: i64, to: i64, lost: u64) -> SinkStep {
    SinkStep { from, to, lost }
}

async fn sink(store: &impl StoreHarness, name: &str) -> SinkProgress {
    let sinks = store.sinks().list().await.expect("the sinks can be read");
    sinks.into_iter().find(|sink| sink.name == name).expect("the sink exists")
}

/// A new sink begins at the end of the feed; those of the release begin before everything.
pub async fn a_new_sink_begins_at_the_last_position(store: &impl StoreHarness) {
    let mut samples = Samples::new();
    insert_events(store, &mut samples, 3).await;
    events(store).await;
    let lease = lead(&*store.leases()).await;
    let mut opened = Vec::new();
    for name in ["analytics", "log", "new", "new"] {
        opened.push(store.sinks().open(&lease, name).await.expect("the sink is opened"));
    }
    assert_eq!(opened, [-1, 0, 3, 3]);
}

/// A lease that another has succeeded neither opens nor moves the sink.
pub async fn a_sink_is_moved_by_the_last_who_opened_it(store: &impl StoreHarness) {
    let (sinks, ttl) = (store.sinks(), Duration::from_millis(100));
    let lost = store.leases().acquire("outbox-relay", "a", ttl).await.expect("the store works");
    let lost = lost.expect("the lease is free");
    sinks.open(&lost, "log").await.expect("the sink is opened");
    let won = take_over(store, "outbox-relay", "b").await;
    // The old leader may go on until the new one opens the sink.
    sinks.advance(&lost, "log", step(0, 1, 0)).await.expect("the sink is moved");
    assert_eq!(sinks.open(&won, "log").await.expect("the sink is opened"), 1);
    assert_conflict(&sinks.advance(&lost, "log", step(1, 2, 0)).await);
    assert_conflict(&sinks.open(&lost, "log").await);
    sinks.advance(&won, "log", step(1, 2, 0)).await.expect("the sink is moved");
    assert_eq!(sink(store, "log").await.position, 2);
}

/// A sink is moved from the position that it has, and from no other.
pub async fn a_sink_is_moved_from_where_it_is(store: &impl StoreHarness) {
    let lease = lead(&*store.leases()).await;
    let sinks = store.sinks();
    assert_eq!(sinks.open(&lease, "log").await.expect("the sink is opened"), 0);
    sinks.advance(&lease, "log", step(0, 5, 2)).await.expect("the sink is moved");
    assert_conflict(&sinks.advance(&lease, "log", step(0, 7, 0)).await);
    assert_conflict(&sinks.advance(&lease, "unknown", step(0, 7, 0)).await);
    sinks.advance(&lease, "log", step(5, 6, 1)).await.expect("the sink is moved");
    let log = sink(store, "log").await;
    assert_eq!((log.position, log.lost), (6, 3));
    assert_eq!(sink(store, "analytics").await.position, -1);
}

/// The progress says how many events a sink has not passed, since when they wait, and whether some are gone.
pub async fn the_progress_of_a_sink_is_reported(store: &impl StoreHarness) {
    let mut samples = Samples::new();
    let lease = lead(&*store.leases()).await;
    store.sinks().open(&lease, "log").await.expect("the sink is opened");
    let progress = |log: SinkProgress| (log.position, log.behind, log.gap, log.lag.is_zero());
    assert_eq!(progress(sink(store, "log").await), (0, 0, false, true));
    insert_events(store, &mut samples, 4).await;
    sequence(store, &lease, ANY).await;
    tokio::time::sleep(MARGIN).await;
    let waiting = sink(store, "log").await;
    assert!(waiting.lag >= MARGIN / 2 && waiting.lag < Duration::from_mins(10), "{waiting:?}");
    assert_eq!(progress(waiting), (0, 4, false, false));
    let analytics = sink(store, "analytics").await;
    assert_eq!((analytics.position, analytics.behind, analytics.gap), (-1, 4, false));
    store.outbox().purge(Duration::ZERO, 2).await.expect("the store works");
    let log = sink(store, "log").await;
    assert_eq!((log.behind, log.gap), (4, true));
    store.sinks().advance(&lease, "log", step(0, 2, 2)).await.expect("the sink is moved");
    let log = sink(store, "log").await;
    assert_eq!((log.behind, log.gap, log.lost), (2, false, 2));
    store.sinks().advance(&lease, "log", step(2, 4, 0)).await.expect("the sink is moved");
    assert_eq!(progress(sink(store, "log").await), (4, 0, false, true));
}
