//! The outbox and leases beside other releases and other clocks.

use std::time::Duration;

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, Executor, SqliteConnection};
use store_contract::StoreHarness;

use crate::harness::SqliteHarness;
use crate::samples::{events, insert, prediction};

const TTL: Duration = Duration::from_secs(10);

async fn beside(harness: &SqliteHarness) -> SqliteConnection {
    SqliteConnectOptions::new().filename(harness.store.path()).connect().await.unwrap()
}

#[tokio::test]
async fn a_row_that_cannot_be_read_does_not_delay_the_feed() {
    let harness = SqliteHarness::start().await;
    for number in 0..10 {
        insert(&harness.store, &[prediction(number)]).await.unwrap();
    }
    let mut other = beside(&harness).await;
    for change in [
        "UPDATE outbox SET tenant = 'A tenant!' WHERE seq IN (1, 2, 3, 4)",
        "UPDATE outbox SET event_type = CAST(x'ff' AS TEXT) WHERE seq = 6",
    ] {
        other.execute(change).await.unwrap();
    }
    // Every event gets a position, also those that this release cannot read.
    assert_eq!(events(&harness.store).await.len(), 5);
    let bounds = harness.event_feed().bounds().await.unwrap();
    assert_eq!((bounds.purged, bounds.last), (0, 10));

    // A release that can read them finds them.
    other.execute("UPDATE outbox SET tenant = 'default', event_type = 'x'").await.unwrap();
    assert_eq!(harness.event_feed().read(None, 0, 10).await.unwrap().len(), 10);
}

#[tokio::test]
async fn a_lease_granted_by_a_clock_that_was_ahead_has_expired() {
    let harness = SqliteHarness::start().await;
    let leases = harness.leases();
    leases.acquire("outbox-relay", "dead", TTL).await.unwrap().unwrap();
    let mut other = beside(&harness).await;
    let minute: i64 = 60_000_000;
    for (ahead_us, is_free) in [(-1, true), (5_000_000, false), (minute, true), (60 * minute, true)] {
        let change = format!(
            "UPDATE leases SET holder = 'dead', \
             expires_at = CAST(unixepoch('subsec') * 1000000 AS INTEGER) + {ahead_us}"
        );
        other.execute(AssertSqlSafe(change)).await.unwrap();
        let taken = leases.acquire("outbox-relay", "alive", TTL).await.unwrap();
        assert_eq!(taken.is_some(), is_free, "an end {ahead_us} us ahead");
    }
}
