use application::dtos::{
    BreakDownResponse, BreakdownRow, ShowTrendsResponse, TrendBucket, TrendCounts, TrendGroup,
};
use domain::policies::{two_share_z, wilson_interval};
use domain::value_objects::Sentiment;
use serde::Serialize;
use utoipa::ToSchema;

use crate::presenters::present_timestamp;

/// How predictions develop over time.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Trends)]
pub(crate) struct TrendsView {
    /// The buckets in the order of time, without gaps.
    buckets: Vec<TrendBucketView>,
    /// The width of the buckets.
    #[schema(example = "1h")]
    bucket: &'static str,
    /// Everything that happened before this time is counted. Null where that is not known: before predictions are
    /// counted for the first time, and while all must be counted again.
    #[schema(required = true, format = DateTime, example = "2026-02-01T00:00:00.000000Z")]
    complete_until: Option<String>,
    /// Whether a part of the range is being counted again, as after an upgrade.
    recounting: bool,
    /// The time zone of the buckets.
    #[schema(example = "Europe/Berlin")]
    tz: String,
}

/// The predictions of a range of time.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = TrendBucket)]
struct TrendBucketView {
    /// The first instant, in UTC.
    #[schema(format = DateTime, example = "2026-01-31T23:00:00.000000Z")]
    start: String,
    /// The first instant after it.
    #[schema(format = DateTime, example = "2026-02-01T00:00:00.000000Z")]
    end: String,
    #[serde(flatten)]
    counts: TrendCountsView,
    /// The groups that have predictions in the bucket, those with the most in the whole range first: at most 20, and
    /// `(other)` for all others together. Absent where predictions are counted by sentiment alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    groups: Option<Vec<TrendGroupView>>,
}

/// The predictions of a group.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = TrendGroup)]
struct TrendGroupView {
    /// The model's name, the value, or `(other)`.
    #[schema(example = "app")]
    key: String,
    #[serde(flatten)]
    counts: TrendCountsView,
}

/// Counts of predictions.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[schema(as = TrendCounts)]
struct TrendCountsView {
    /// All predictions.
    total: u64,
    /// Those of each sentiment.
    counts: SentimentCountsView,
    /// The share of positive predictions less that of negative ones, from -1 to 1, among those with a sentiment; null
    /// where there are none.
    #[schema(required = true, minimum = -1, maximum = 1)]
    net: Option<f64>,
    /// The mean of the confidences; null where there are none.
    #[schema(required = true, minimum = 0, maximum = 1)]
    mean_confidence: Option<f64>,
    /// Those whose text was cut at the model's window.
    truncated: u64,
}

/// Counts of predictions by sentiment.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[schema(as = SentimentCounts)]
struct SentimentCountsView {
    negative: u64,
    neutral: u64,
    positive: u64,
    mixed: u64,
    /// Those of models whose labels have no sentiment.
    unmapped: u64,
}

/// Groups of predictions beside each other.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Breakdown)]
pub(crate) struct BreakdownView {
    /// The groups, those with the most predictions first, `(other)` last.
    rows: Vec<BreakdownRowView>,
    /// The beginning of the range: that of the request, rounded down to a quarter of an hour.
    #[schema(format = DateTime, example = "2026-01-25T00:00:00.000000Z")]
    from: String,
    /// The first instant after the range: that of the request, rounded up to a quarter of an hour.
    #[schema(format = DateTime, example = "2026-02-01T00:00:00.000000Z")]
    to: String,
    /// Everything that happened before this time is counted; null where that is not known.
    #[schema(required = true, format = DateTime, example = "2026-02-01T00:00:00.000000Z")]
    complete_until: Option<String>,
    /// Whether a part of the range is being counted again, as after an upgrade.
    recounting: bool,
}

/// A group of predictions.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = BreakdownRow)]
struct BreakdownRowView {
    /// The sentiment, the model's name, the value, or `(other)` for all others together.
    #[schema(example = "app")]
    key: String,
    #[serde(flatten)]
    counts: TrendCountsView,
    /// The share of negative predictions among those with a sentiment; null where there are none.
    #[schema(required = true)]
    negative: Option<ShareView>,
    /// The z-score of the difference between this share and that of all other predictions; null where one of the sides
    /// has no predictions with a sentiment, or all of them have the same.
    #[schema(required = true)]
    z: Option<f64>,
}

/// A share with the range that the number of predictions supports.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Share)]
struct ShareView {
    /// The share.
    #[schema(minimum = 0, maximum = 1)]
    value: f64,
    /// The lower end of its Wilson interval (95%).
    #[schema(minimum = 0, maximum = 1)]
    low: f64,
    /// The upper end.
    #[schema(minimum = 0, maximum = 1)]
    high: f64,
}

/// About the bytes of counts in JSON, with their bucket or key.
const COUNTS_BYTES: usize = 320;

/// Returns about the bytes of the trends in JSON.
pub(crate) fn estimate_trends_bytes(trends: &ShowTrendsResponse) -> usize {
    let groups = |bucket: &TrendBucket| {
        let bytes = |group: &TrendGroup| COUNTS_BYTES + group.key.len();
        bucket.groups.iter().flatten().map(bytes).sum::<usize>()
    };
    trends.buckets.iter().map(|bucket| COUNTS_BYTES + groups(bucket)).sum()
}

/// Presents how predictions develop over time.
pub(crate) fn present_trends(trends: ShowTrendsResponse) -> TrendsView {
    let group = |TrendGroup { key, counts }: TrendGroup| TrendGroupView { key, counts: present(&counts) };
    let bucket = |TrendBucket { start, end, counts, groups }: TrendBucket| TrendBucketView {
        start: present_timestamp(start),
        end: present_timestamp(end),
        counts: present(&counts),
        groups: groups.map(|groups| groups.into_iter().map(group).collect()),
    };
    TrendsView {
        buckets: trends.buckets.into_iter().map(bucket).collect(),
        bucket: trends.bucket.as_str(),
        complete_until: trends.complete_until.map(present_timestamp),
        recounting: trends.recounting,
        tz: trends.tz,
    }
}

/// Presents groups of predictions beside each other.
pub(crate) fn present_breakdown(breakdown: BreakDownResponse) -> BreakdownView {
    BreakdownView {
        rows: breakdown.rows.into_iter().map(present_row).collect(),
        from: present_timestamp(breakdown.from),
        to: present_timestamp(breakdown.to),
        complete_until: breakdown.complete_until.map(present_timestamp),
        recounting: breakdown.recounting,
    }
}

fn present_row(BreakdownRow { key, counts, rest }: BreakdownRow) -> BreakdownRowView {
    let negative = |counts: &TrendCounts| (counts.of(Some(Sentiment::Negative)), counts.with_sentiment());
    let ((k, n), (k_rest, n_rest)) = (negative(&counts), negative(&rest));
    let interval = wilson_interval(k, n);
    let share = || ShareView { value: k as f64 / n as f64, low: interval.low, high: interval.high };
    BreakdownRowView {
        key,
        counts: present(&counts),
        negative: (n > 0).then(share),
        z: two_share_z(k, n, k_rest, n_rest),
    }
}

fn present(counts: &TrendCounts) -> TrendCountsView {
    let of = |sentiment| counts.of(Some(sentiment));
    TrendCountsView {
        total: counts.total(),
        counts: SentimentCountsView {
            negative: of(Sentiment::Negative),
            neutral: of(Sentiment::Neutral),
            positive: of(Sentiment::Positive),
            mixed: of(Sentiment::Mixed),
            unmapped: counts.of(None),
        },
        net: counts.net(),
        mean_confidence: counts.mean_confidence(),
        truncated: counts.truncated(),
    }
}
