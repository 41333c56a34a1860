//! The outbox and leases beside other releases and other clocks.

use std::time::Duration;

use application::ports::Lease;
use sqlx::{AssertSqlSafe, Executor};
use store_contract::StoreHarness;
use store_contract::samples::Samples;

use crate::harness::{PostgresHarness, events, insert};

const TTL: Duration = Duration::from_secs(10);

async fn acquire(store: &PostgresHarness, holder: &str) -> Option<Lease> {
    store.leases().acquire("outbox-relay", holder, TTL).await.unwrap()
}

#[tokio::test]
async fn a_row_that_cannot_be_read_does_not_delay_the_feed() {
    let store = PostgresHarness::start().await;
    for prediction in Samples::new().many(10) {
        insert(&store.writes(), &[prediction]).await.unwrap();
    }
    let mut other = store.database.connect().await;
    let spoil =
        "UPDATE outbox SET tenant = 'A tenant!' WHERE seq IN (SELECT seq FROM outbox ORDER BY seq LIMIT 5)";
    other.execute(spoil).await.unwrap();
    // Every event gets a position, also those that this release cannot read.
    assert_eq!(events(&store.store).await.len(), 5);
    let bounds = store.event_feed().bounds().await.unwrap();
    assert_eq!((bounds.purged, bounds.last), (0, 10));

    // A release that can read them finds them.
    other.execute("UPDATE outbox SET tenant = 'default'").await.unwrap();
    assert_eq!(store.event_feed().read(None, 0, 10).await.unwrap().len(), 10);
}

/// A release that grants leases by its host's clock shares the table during a rolling upgrade.
#[tokio::test]
async fn a_lease_expires_by_the_servers_clock_whatever_clock_granted_it() {
    let store = PostgresHarness::start().await;
    acquire(&store, "old").await.unwrap();
    let mut other = store.database.connect().await;
    for (ahead, is_free) in [
        ("-1 hour", true),
        ("-1 second", true),
        ("5 seconds", false),
        ("15 seconds", false),
        ("1 minute", true),
        ("1 hour", true),
    ] {
        let change =
            format!("UPDATE leases SET holder = 'old', expires_at = clock_timestamp() + interval '{ahead}'");
        other.execute(AssertSqlSafe(change)).await.unwrap();
        assert_eq!(acquire(&store, "new").await.is_some(), is_free, "an end that is {ahead} ahead");
    }
}

/// Events get positions at the server's time, and age by it, whatever a host's clock says.
#[tokio::test]
async fn events_are_purged_by_the_servers_clock() {
    let store = PostgresHarness::start().await;
    insert(&store.writes(), &Samples::new().many(3)).await.unwrap();
    assert_eq!(events(&store.store).await.len(), 3);
    let mut other = store.database.connect().await;
    let recent: bool = sqlx::query_scalar(
        "SELECT bool_and(clock_timestamp() - published_at BETWEEN interval '0' AND interval '10 minutes') FROM outbox",
    )
    .fetch_one(&mut other)
    .await
    .unwrap();
    assert!(recent);
    let day = Duration::from_hours(24);
    assert_eq!(store.outbox().purge(day, 100).await.unwrap(), 0);
    let age = "UPDATE outbox SET published_at = clock_timestamp() - interval '24 hours' WHERE position <= 2";
    other.execute(age).await.unwrap();
    assert_eq!(store.outbox().purge(day, 100).await.unwrap(), 2);
}
