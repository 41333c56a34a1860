//! Buckets of time zones whose clocks change: trends over a store equal sums over its rows, each of which is assigned
//! to a bucket by its local time.

use std::collections::BTreeMap;
use std::sync::Arc;

use application::dtos::{ShowTrendsRequest, TrendBy, TrendFilter};
use application::ports::TrendReadModel;
use application::use_cases::ShowTrendsUseCase;
use domain::value_objects::{BucketWidth, Dimensions, TenantId, Timestamp};
use infra_local::ZonedCalendar;
use infra_postgres::{PostgresSettings, PostgresStore};
use infra_sqlite::{SqliteSettings, SqliteStore};
use jiff::tz::TimeZone;
use jiff::{ToSpan, Zoned};
use sqlx::postgres::PgConnectOptions;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, Executor};
use testkit::FixedClock;

use crate::database::Database;

/// 2026-02-10T00:00:00Z, in quarters of an hour since the epoch.
const FIRST: i64 = 1_770_681_600 / 900;
/// To 2026-12-07.
const QUARTERS: i64 = 300 * 96;
const QUARTER_US: i64 = 900_000_000;

/// The predictions of a quarter of an hour.
fn predictions(quarter: i64) -> u64 {
    (quarter * 7_919 % 13).unsigned_abs()
}

/// The statement that fills `rollups`, with the store's expression for the bucket that begins a quarter `n`.
fn fill(bucket: &str) -> String {
    let columns =
        (0..20).map(|n| format!("confidence_{n:02}")).chain((0..16).map(|n| format!("length_{n:02}")));
    let zeros = columns.clone().map(|_| "0").collect::<Vec<_>>().join(", ");
    let columns = columns.collect::<Vec<_>>().join(", ");
    let last = FIRST + QUARTERS - 1;
    format!(
        "WITH RECURSIVE quarter (n) AS (SELECT CAST({FIRST} AS BIGINT) UNION ALL SELECT n + 1 FROM quarter WHERE n < {last}) \
         INSERT INTO rollups (tenant, dimension, value, sentiment, bucket, model, predictions, truncated, cached, \
         tokens, confident, confidence_sum, {columns}) SELECT 'default', '', '', 'neutral', {bucket}, 1, \
         n * 7919 % 13, 0, 0, 0, 0, 0, {zeros} FROM quarter"
    )
}

/// The bucket of an instant by its local time: the hour and its offset from UTC, or the first date.
fn label(zone: &TimeZone, width: BucketWidth, instant: Timestamp) -> String {
    let instant = jiff::Timestamp::from_microsecond(instant.as_micros()).unwrap();
    let local: Zoned = instant.to_zoned(zone.clone());
    let date = local.date();
    let (minute, offset) = (local.minute() / 15 * 15, local.offset());
    match width {
        BucketWidth::QuarterHour => format!("{date} {}:{minute} {offset}", local.hour()),
        BucketWidth::Hour => format!("{date} {} {offset}", local.hour()),
        BucketWidth::Day => date.to_string(),
        BucketWidth::Week => (date - i64::from(date.weekday().to_monday_zero_offset()).days()).to_string(),
        BucketWidth::Month => date.first_of_month().to_string(),
    }
}

/// Sums the rows from the first edge on, before the last one.
fn by_hand(zone: &TimeZone, width: BucketWidth, start: Timestamp, end: Timestamp) -> BTreeMap<String, u64> {
    let mut sums = BTreeMap::new();
    for quarter in FIRST..FIRST + QUARTERS {
        let instant = Timestamp::from_micros(quarter * QUARTER_US);
        if start <= instant && instant < end {
            *sums.entry(label(zone, width, instant)).or_default() += predictions(quarter);
        }
    }
    sums.retain(|_, sum| *sum > 0);
    sums
}

async fn trends_equal_sums_by_hand(trends: Arc<dyn TrendReadModel>) {
    let clock = Arc::new(FixedClock::default());
    let show = ShowTrendsUseCase::new(trends, Arc::new(ZonedCalendar::new()), Dimensions::default(), clock);
    let at = |days: i64| Timestamp::from_micros((FIRST + days * 96) * QUARTER_US + 61_000_000);
    for name in ["Australia/Lord_Howe", "Asia/Kathmandu", "America/New_York", "Europe/Berlin", "UTC"] {
        let zone = TimeZone::get(name).unwrap();
        for (width, from, to) in [
            // Around the changes in March, April, October and November.
            (BucketWidth::QuarterHour, at(20), at(80)),
            (BucketWidth::QuarterHour, at(225), at(275)),
            (BucketWidth::Hour, at(1), at(290)),
            (BucketWidth::Day, at(1), at(290)),
            (BucketWidth::Week, at(8), at(290)),
            (BucketWidth::Month, at(8), at(290)),
        ] {
            let request = ShowTrendsRequest {
                tenant: TenantId::default(),
                bucket: Some(width),
                tz: Some(name.to_owned()),
                from: Some(from),
                to: Some(to),
                by: TrendBy::Sentiment,
                filter: TrendFilter::default(),
            };
            let shown = show.execute(request).await.unwrap();
            let (start, end) = (shown.buckets[0].start, shown.buckets.last().unwrap().end);
            assert!(start <= from && end >= to, "{name} {width}");
            assert!(shown.buckets.windows(2).all(|pair| pair[0].end == pair[1].start), "{name} {width}");
            let mut actual = BTreeMap::new();
            for bucket in &shown.buckets {
                let seen = actual.insert(label(&zone, width, bucket.start), bucket.counts.total());
                assert_eq!(seen, None, "{name} {width}: two buckets of the same local time");
            }
            actual.retain(|_, sum| *sum > 0);
            assert_eq!(actual, by_hand(&zone, width, start, end), "{name} {width}");
        }
    }
}

fn block_on(test: impl Future<Output = ()>) {
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    runtime.worker_threads(2).enable_all().build().unwrap().block_on(test);
}

const MODEL: &str = "INSERT INTO rollup_models (name, revision) VALUES ('m', '1')";

#[test]
fn buckets_of_zones_equal_sums_over_rows_in_sqlite() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("undertone.db");
    block_on(async {
        let store =
            SqliteStore::open(&SqliteSettings::new(format!("sqlite:{}", file.display()))).await.unwrap();
        store.migrator().up().await.unwrap();
        let mut connection = SqliteConnectOptions::new().filename(&file).connect().await.unwrap();
        connection.execute(MODEL).await.unwrap();
        connection.execute(AssertSqlSafe(fill("n * 900000000"))).await.unwrap();
        trends_equal_sums_by_hand(store.trends()).await;
        store.close().await;
    });
}

#[test]
fn buckets_of_zones_equal_sums_over_rows_in_postgres() {
    let database = Database::create();
    block_on(async {
        let store = PostgresStore::open(&PostgresSettings::new(database.url())).await.unwrap();
        store.migrator().up().await.unwrap();
        let mut connection = database.url().parse::<PgConnectOptions>().unwrap().connect().await.unwrap();
        connection.execute(MODEL).await.unwrap();
        let bucket = "timestamptz 'epoch' + n * interval '15 minutes'";
        connection.execute(AssertSqlSafe(fill(bucket))).await.unwrap();
        trends_equal_sums_by_hand(store.trends()).await;
        store.close().await;
    });
}
