use std::sync::Arc;

use application::dtos::{
    BreakDownRequest, BreakDownResponse, ShowTrendsRequest, ShowTrendsResponse, TrendBy, TrendFilter,
};
use application::errors::ApplicationError;
use application::ports::{Clock, Counted, TrendProgress};
use application::use_cases::{BreakDownUseCase, ShowTrendsUseCase};
use domain::value_objects::{
    Bucket, BucketWidth, DimensionValue, Dimensions, Rollup, RollupKey, Sentiment, TenantId, Timestamp,
};
use testkit::{FixedClock, MemoryRollups, UtcCalendar};

use crate::world::{failure, refusal};

/// 2026-01-02T03:04:05.678901Z, the time of the clock.
fn now() -> Timestamp {
    FixedClock::default().now()
}

/// The time `quarters` after 2026-01-02T00:00:00Z.
fn at(quarters: i64) -> Timestamp {
    Timestamp::from_micros(1_767_312_000_000_000 + quarters * 900_000_000)
}

fn value(value: &str) -> DimensionValue {
    DimensionValue { dimension: "channel".to_owned(), value: value.to_owned() }
}

/// A rollup of all predictions, or of those with a value.
fn add(rollups: &MemoryRollups, quarter: i64, dimension: Option<&str>, sentiment: Option<Sentiment>, n: i64) {
    let key = RollupKey {
        tenant: TenantId::default(),
        dimension: dimension.map(value),
        sentiment,
        bucket: Bucket::containing(at(quarter)),
        model_name: if n % 2 == 0 { "even" } else { "odd" }.to_owned(),
        model_revision: "1".to_owned(),
    };
    let (confident, confidence_sum) = if sentiment.is_some() { (n, n * 750_000_000) } else { (0, 0) };
    rollups.add(key, Rollup { predictions: n, truncated: 1, confident, confidence_sum, ..Rollup::default() });
}

fn dimensions() -> Dimensions {
    Dimensions::try_new(vec!["channel".to_owned(), "product".to_owned()]).unwrap()
}

fn everything() -> ShowTrendsRequest {
    ShowTrendsRequest {
        tenant: TenantId::default(),
        bucket: Some(BucketWidth::Hour),
        tz: None,
        from: Some(at(0)),
        to: Some(at(12)),
        by: TrendBy::Sentiment,
        filter: TrendFilter::default(),
    }
}

async fn show(
    rollups: &Arc<MemoryRollups>,
    request: ShowTrendsRequest,
) -> Result<ShowTrendsResponse, ApplicationError> {
    let clock = Arc::new(FixedClock::default());
    let trends = Arc::clone(rollups) as _;
    ShowTrendsUseCase::new(trends, Arc::new(UtcCalendar), dimensions(), clock).execute(request).await
}

async fn break_down(
    rollups: &Arc<MemoryRollups>,
    by: TrendBy,
    limit: Option<u32>,
) -> Result<BreakDownResponse, ApplicationError> {
    let (from, to) = (Some(at(0).plus(std::time::Duration::from_secs(1))), Some(at(12)));
    let request = BreakDownRequest { tenant: TenantId::default(), by, from, to, limit };
    let clock = Arc::new(FixedClock::default());
    BreakDownUseCase::new(Arc::clone(rollups) as _, dimensions(), clock).execute(request).await
}

#[tokio::test]
async fn every_bucket_is_present_with_its_counts() {
    let rollups = Arc::new(MemoryRollups::default());
    add(&rollups, 0, None, Some(Sentiment::Positive), 6);
    add(&rollups, 3, None, Some(Sentiment::Negative), 2);
    add(&rollups, 4, None, None, 5);
    add(&rollups, 12, None, Some(Sentiment::Negative), 9);
    let trends = show(&rollups, everything()).await.unwrap();
    let starts: Vec<_> = trends.buckets.iter().map(|bucket| (bucket.start, bucket.end)).collect();
    assert_eq!(starts, [(at(0), at(4)), (at(4), at(8)), (at(8), at(12))]);
    let [first, second, third] = [0, 1, 2].map(|n| trends.buckets[n].counts);
    assert_eq!((first.total(), first.of(Some(Sentiment::Positive)), first.truncated()), (8, 6, 2));
    assert_eq!((first.net(), first.mean_confidence()), (Some(0.5), Some(0.75)));
    assert_eq!((second.total(), second.of(None), second.net(), second.mean_confidence()), (5, 5, None, None));
    assert_eq!((third.total(), third.net()), (0, None));
    assert_eq!((trends.tz.as_str(), trends.complete_until, trends.recounting), ("UTC", Some(now()), false));
    assert!(trends.buckets.iter().all(|bucket| bucket.groups.is_none()));
}

#[tokio::test]
async fn the_last_seven_days_are_shown_by_days_unless_the_request_says_otherwise() {
    let rollups = Arc::new(MemoryRollups::default());
    let day = |days: i64| at(days * 96);
    for (from, bucket, buckets) in [
        (None, BucketWidth::Day, 8),
        (Some(now().minus(std::time::Duration::from_hours(48))), BucketWidth::Hour, 49),
        (Some(day(-89)), BucketWidth::Day, 90),
        (Some(day(-91)), BucketWidth::Week, 14),
    ] {
        let request = ShowTrendsRequest { bucket: None, from, to: None, ..everything() };
        let trends = show(&rollups, request).await.unwrap();
        assert_eq!((trends.bucket, trends.buckets.len()), (bucket, buckets), "{from:?}");
    }
}

#[tokio::test]
async fn unusable_requests_are_refused_with_the_field_at_fault() {
    let rollups = Arc::new(MemoryRollups::default());
    let filter = |dimension: &str| TrendFilter {
        value: Some(DimensionValue { dimension: dimension.to_owned(), value: "v".to_owned() }),
        ..TrendFilter::default()
    };
    let by = |key: &str| TrendBy::Metadata(key.to_owned());
    let cases = [
        (ShowTrendsRequest { from: Some(at(12)), ..everything() }, ("from", "out_of_range")),
        (ShowTrendsRequest { by: by("other"), ..everything() }, ("by", "not_one_of")),
        (ShowTrendsRequest { filter: filter("x"), ..everything() }, ("metadata.x", "not_one_of")),
        (
            ShowTrendsRequest { by: by("channel"), filter: filter("product"), ..everything() },
            ("by", "contradictory"),
        ),
        (ShowTrendsRequest { tz: Some("Mars/Phobos".to_owned()), ..everything() }, ("tz", "malformed")),
        (ShowTrendsRequest { from: Some(at(-96 * 600)), ..everything() }, ("bucket", "out_of_range")),
    ];
    for (request, expected) in cases {
        assert_eq!(refusal(&show(&rollups, request.clone()).await), expected, "{request:?}");
    }
    for limit in [0, 101] {
        let refused = break_down(&rollups, TrendBy::Model, Some(limit)).await;
        assert_eq!(refusal(&refused), ("limit", "out_of_range"));
    }
    assert_eq!(refusal(&break_down(&rollups, by("other"), None).await), ("by", "not_one_of"));
}

#[tokio::test]
async fn the_largest_groups_are_named_and_the_others_are_summed() {
    let rollups = Arc::new(MemoryRollups::default());
    for n in 1..=25 {
        add(&rollups, n % 8, Some(&format!("value {n:02}")), Some(Sentiment::Positive), n);
    }
    add(&rollups, 0, Some("(other)"), Some(Sentiment::Negative), 100);
    let request = ShowTrendsRequest { by: TrendBy::Metadata("channel".to_owned()), ..everything() };
    let trends = show(&rollups, request).await.unwrap();
    let groups = trends.buckets[0].groups.clone().unwrap();
    let keys: Vec<&str> = groups.iter().map(|group| group.key.as_str()).collect();
    let named = ["value 25", "value 24", "value 19", "value 18", "value 17", "value 16"];
    assert_eq!((&keys[..6], keys.last()), (&named[..], Some(&"(other)")));
    // Of values 1 to 5, those in the first hour are 1, 2 and 3.
    assert_eq!(groups.last().map(|group| group.counts.total()), Some(100 + 6));
    let sum: u64 = groups.iter().map(|group| group.counts.total()).sum();
    assert_eq!(trends.buckets[0].counts.total(), sum);
    assert_eq!(trends.buckets[2].groups, Some(Vec::new()));
}

#[tokio::test]
async fn what_is_complete_depends_on_the_events_that_wait_and_the_ranges_to_recount() {
    let rollups = Arc::new(MemoryRollups::default());
    let outdated = Some(Bucket::containing(at(8)));
    for (counted, recounting_from, expected) in [
        (Counted::Nothing, None, None),
        (Counted::Nothing, outdated, None),
        (Counted::Everything, None, Some(now())),
        (Counted::Everything, outdated, Some(at(8))),
        (Counted::Until(at(3)), outdated, Some(at(3))),
        (Counted::Until(at(9)), outdated, Some(at(8))),
        (Counted::Until(at(9)), None, Some(at(9))),
        (Counted::Until(at(99)), None, Some(now())),
    ] {
        rollups.set_progress(TrendProgress { counted, recounting_from });
        let trends = show(&rollups, everything()).await.unwrap();
        let broken_down = break_down(&rollups, TrendBy::Sentiment, None).await.unwrap();
        let expected = (expected, recounting_from.is_some());
        assert_eq!((trends.complete_until, trends.recounting), expected, "{counted:?}");
        assert_eq!((broken_down.complete_until, broken_down.recounting), expected, "{counted:?}");
    }
}

#[tokio::test]
async fn groups_are_compared_with_all_others() {
    let rollups = Arc::new(MemoryRollups::default());
    for (key, negative, positive) in [("app", 30, 10), ("mail", 5, 20), ("web", 1, 2), ("(other)", 1, 1)] {
        add(&rollups, 1, Some(key), Some(Sentiment::Negative), negative);
        add(&rollups, 2, Some(key), Some(Sentiment::Positive), positive);
    }
    let by = TrendBy::Metadata("channel".to_owned());
    let response = break_down(&rollups, by, Some(2)).await.unwrap();
    let row = |n: usize| {
        let row = &response.rows[n];
        let negative = |counts: &application::dtos::TrendCounts| counts.of(Some(Sentiment::Negative));
        (row.key.as_str(), row.counts.total(), negative(&row.counts), row.rest.total(), negative(&row.rest))
    };
    assert_eq!(response.rows.len(), 3);
    assert_eq!(row(0), ("app", 40, 30, 30, 7));
    assert_eq!(row(1), ("mail", 25, 5, 45, 32));
    assert_eq!(row(2), ("(other)", 5, 2, 65, 35));
    assert_eq!((response.from, response.to), (at(0), at(12)), "the range is rounded outwards");
}

#[tokio::test]
async fn predictions_are_broken_down_by_sentiment() {
    let rollups = Arc::new(MemoryRollups::default());
    add(&rollups, 1, None, Some(Sentiment::Negative), 3);
    add(&rollups, 1, None, Some(Sentiment::Positive), 4);
    add(&rollups, 1, None, None, 5);
    let response = break_down(&rollups, TrendBy::Sentiment, None).await.unwrap();
    let rows: Vec<_> = response.rows.iter().map(|row| (row.key.as_str(), row.counts.total())).collect();
    assert_eq!(rows, [("unmapped", 5), ("positive", 4), ("negative", 3)]);
}

#[tokio::test]
async fn a_store_that_fails_is_unavailable() {
    let rollups = Arc::new(MemoryRollups::default());
    rollups.fail_with("down");
    assert_eq!(failure(&show(&rollups, everything()).await), ("unavailable", "store"));
}
