//! Sums of rollups, and how far they count.

use application::ports::Counted;
use domain::value_objects::{Bucket, RollupKey, Sentiment, TenantId};
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};
use store_contract::StoreHarness;
use store_contract::samples::Samples;
use store_contract::trends::{QUARTER, START, bucket, groups_are_equal, rollups, series_are_equal};
use testkit::MemoryRollups;

use crate::harness::{PostgresHarness, insert};

/// A store with the rollups of the contract.
async fn filled() -> PostgresHarness {
    let harness = PostgresHarness::start().await;
    let mut other = beside(&harness).await;
    for statement in [
        "INSERT INTO rollup_models (name, revision) VALUES ('a', '1'), ('a', '2'), ('b', '1')",
        "INSERT INTO rollup_values SELECT t, date '2026-03-27' + d, 'channel', 'value-' || v FROM \
         unnest(ARRAY['default', 'other']) AS t, generate_series(0, 2) AS d, generate_series(2, 24) AS v",
    ] {
        other.execute(statement).await.unwrap();
    }
    let columns =
        (0..20).map(|n| format!("confidence_{n:02}")).chain((0..16).map(|n| format!("length_{n:02}")));
    let zeros = columns.clone().map(|_| "0").collect::<Vec<_>>().join(", ");
    let columns = columns.collect::<Vec<_>>().join(", ");
    let mut transaction = other.begin().await.unwrap();
    for (key, rollup) in rollups() {
        let (dimension, value) =
            key.dimension.as_ref().map(|value| (&*value.dimension, &*value.value)).unwrap_or_default();
        let statement = format!(
            "INSERT INTO rollups (tenant, dimension, value, sentiment, bucket, model, predictions, truncated, \
             cached, tokens, confident, confidence_sum, {columns}) VALUES ('{}', '{dimension}', '{value}', '{}', \
             timestamptz 'epoch' + {} * interval '1 microsecond', {}, {}, {}, 0, 0, {}, {}, {zeros})",
            key.tenant.as_str(),
            key.sentiment.map_or("", Sentiment::as_str),
            key.bucket.start().as_micros(),
            model(&key),
            rollup.predictions,
            rollup.truncated,
            rollup.confident,
            rollup.confidence_sum,
        );
        transaction.execute(AssertSqlSafe(statement)).await.unwrap();
    }
    transaction.commit().await.unwrap();
    harness
}

fn model(key: &RollupKey) -> u32 {
    match (&*key.model_name, &*key.model_revision) {
        ("a", "1") => 1,
        ("a", _) => 2,
        _ => 3,
    }
}

async fn beside(harness: &PostgresHarness) -> PgConnection {
    harness.database.connect().await
}

#[tokio::test]
async fn series_and_groups_equal_those_of_memory() {
    let (harness, memory) = (filled().await, MemoryRollups::of(rollups()));
    let trends = harness.store.trends();
    series_are_equal(trends.as_ref(), &memory).await;
    groups_are_equal(trends.as_ref(), &memory).await;
}

/// Rollups count nothing before the first run of the sink, everything when it has passed all events, and else what
/// happened before the oldest event that waits.
#[tokio::test]
async fn progress_is_that_of_the_oldest_event_that_waits() {
    let harness = PostgresHarness::start().await;
    let (trends, tenant) = (harness.store.trends(), TenantId::default());
    let (first, end) = (bucket(0), bucket(96));
    let counted = async || trends.progress(&tenant, first, end).await.unwrap().counted;
    assert_eq!(counted().await, Counted::Nothing);
    let mut other = beside(&harness).await;
    other.execute("UPDATE sinks SET position = 0 WHERE name = 'analytics'").await.unwrap();
    assert_eq!(counted().await, Counted::Everything);

    let some = Samples::new().many(2);
    insert(&harness.store.writes(), &some).await.unwrap();
    let oldest = some[0].created_at().min(some[1].created_at());
    assert_eq!(counted().await, Counted::Until(oldest), "events without a position wait");
    other.execute("UPDATE outbox SET position = seq, published_at = occurred_at").await.unwrap();
    other.execute("UPDATE outbox_feed SET last_position = 2").await.unwrap();
    assert_eq!(counted().await, Counted::Until(oldest), "events that the sink has not passed wait");
    other.execute("UPDATE sinks SET position = 2 WHERE name = 'analytics'").await.unwrap();
    assert_eq!(counted().await, Counted::Everything);
    other.execute("UPDATE outbox_feed SET last_position = 9, purged_position = 9").await.unwrap();
    assert_eq!(counted().await, Counted::Nothing, "events were purged before the sink passed them");
}

#[tokio::test]
async fn an_outdated_range_is_reported_where_it_overlaps() {
    let harness = PostgresHarness::start().await;
    let mut other = beside(&harness).await;
    for (tenant, quarters) in [("default", 10..12), ("default", 20..30), ("other", 0..100)] {
        let at = |quarters: i64| START + quarters * QUARTER;
        let statement = format!(
            "INSERT INTO rollup_outdated (tenant, first_bucket, last_bucket) VALUES ('{tenant}', timestamptz 'epoch' + {} * interval '1 microsecond', timestamptz 'epoch' + {} * interval '1 microsecond')",
            at(quarters.start),
            at(quarters.end - 1),
        );
        other.execute(AssertSqlSafe(statement)).await.unwrap();
    }
    let trends = harness.store.trends();
    let outdated = async |first, end| -> Option<Bucket> {
        let progress = trends.progress(&TenantId::default(), bucket(first), bucket(end)).await;
        progress.unwrap().recounting_from
    };
    assert_eq!(outdated(0, 96).await, Some(bucket(10)));
    assert_eq!(outdated(11, 96).await, Some(bucket(11)), "the part within the range");
    assert_eq!(outdated(12, 96).await, Some(bucket(20)));
    assert_eq!(outdated(0, 10).await, None);
    assert_eq!(outdated(12, 20).await, None);
    assert_eq!(outdated(30, 96).await, None);
}
