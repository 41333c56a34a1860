use std::collections::HashMap;
use std::time::{Duration, Instant};

use domain::value_objects::{Bucket, TenantId, Timestamp};

use crate::ports::OutdatedRange;

/// How much of which range is counted again at a time.
#[derive(Debug)]
pub(super) struct Pace {
    /// The buckets of a part.
    buckets: u32,
    /// When a bucket of a tenant that was not over was counted last.
    open: HashMap<TenantId, Instant>,
    /// When the next part may be counted.
    resume_at: Option<Instant>,
}

/// The most buckets of a part: those of a day.
const MOST_BUCKETS: u32 = 96;
/// A part that took less, and had fewer rollups, could have been longer.
const SHORT: (Duration, usize) = (Duration::from_secs(1), 5_000);
/// A part that took more, or had more rollups, was too long: meanwhile no event is counted.
const LONG: (Duration, usize) = (Duration::from_secs(3), 20_000);
/// How long a bucket that is not over waits to be counted again: while a replica of an older release predicts, it is
/// outdated again at once.
const OPEN_BUCKET_WAITS: Duration = Duration::from_secs(30);

impl Default for Pace {
    fn default() -> Self {
        Self { buckets: 1, open: HashMap::new(), resume_at: None }
    }
}

impl Pace {
    /// Returns whether a part may be counted at `monotonic`: counting takes at most half of the time.
    pub(super) fn is_due(&self, monotonic: Instant) -> bool {
        self.resume_at.is_none_or(|resume_at| monotonic >= resume_at)
    }

    /// Returns the first of `ranges` that may be counted at `now`, without the buckets that have to wait.
    pub(super) fn choose(
        &mut self,
        ranges: Vec<OutdatedRange>,
        now: Timestamp,
        monotonic: Instant,
    ) -> Option<OutdatedRange> {
        self.open.retain(|_, counted| monotonic.saturating_duration_since(*counted) < OPEN_BUCKET_WAITS);
        let open = Bucket::containing(now);
        ranges.into_iter().find_map(|mut range| {
            if range.last >= open && self.open.contains_key(&range.tenant) {
                range.last = open.earlier(1);
            }
            (range.first <= range.last).then_some(range)
        })
    }

    /// Returns the end of `range` that is counted next, of which `last` is the last bucket with predictions: as many
    /// buckets before it as the pace allows, and all without predictions behind it.
    pub(super) fn part(&self, range: OutdatedRange, last: Option<Bucket>) -> OutdatedRange {
        let first = last.map_or(range.first, |last| last.min(range.last).earlier(self.buckets - 1));
        OutdatedRange { first: first.max(range.first), ..range }
    }

    /// Makes a bucket of `tenant` that is not over, counted at `monotonic`, wait.
    pub(super) fn counted_open(&mut self, tenant: TenantId, monotonic: Instant) {
        self.open.insert(tenant, monotonic);
    }

    /// Adapts the pace to a part that was counted from `started` on.
    pub(super) fn counted(&mut self, started: Instant, took: Duration, rollups: usize) {
        self.resume_at = Some(started + 2 * took);
        if took > LONG.0 || rollups > LONG.1 {
            self.failed();
        } else if took < SHORT.0 && rollups < SHORT.1 {
            self.buckets = (self.buckets * 2).min(MOST_BUCKETS);
        }
    }

    /// Shortens the next part, as after one that could not be counted.
    pub(super) fn failed(&mut self) {
        self.buckets = (self.buckets / 2).max(1);
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::expect_used, reason = "tests")]

    use super::*;

    fn bucket(number: u32) -> Bucket {
        Bucket::containing(Timestamp::from_micros(0)).later(number)
    }

    fn range(tenant: &str, first: u32, last: u32) -> OutdatedRange {
        let tenant = TenantId::parse(tenant).expect("a tenant");
        OutdatedRange { tenant, first: bucket(first), last: bucket(last) }
    }

    #[test]
    fn parts_grow_while_they_are_fast_and_shrink_when_they_are_slow() {
        let (mut pace, started) = (Pace::default(), Instant::now());
        let mut lengths = Vec::new();
        for seconds in [0, 0, 2, 4, 0, 0, 0, 0, 0, 0, 0] {
            let part = pace.part(range("a", 0, 500), Some(bucket(400)));
            assert_eq!(part.last, bucket(500));
            lengths.push((0..=500).find(|length| part.first.later(*length) > bucket(400)).expect("a length"));
            pace.counted(started, Duration::from_secs(seconds), 1);
            assert!(pace.is_due(started + Duration::from_secs(2 * seconds)));
            assert_eq!(pace.is_due(started + Duration::from_secs(seconds)), seconds == 0);
        }
        assert_eq!(lengths, [1, 2, 4, 4, 2, 4, 8, 16, 32, 64, 96]);
        pace.failed();
        assert_eq!(pace.part(range("a", 399, 500), Some(bucket(400))).first, bucket(399));
    }

    #[test]
    fn a_range_without_predictions_is_one_part() {
        assert_eq!(Pace::default().part(range("a", 3, 50_000), None), range("a", 3, 50_000));
    }

    #[test]
    fn a_bucket_that_is_not_over_waits_and_delays_no_other() {
        let (mut pace, now, started) = (Pace::default(), bucket(10).start(), Instant::now());
        let ranges = || vec![range("a", 10, 10), range("a", 7, 10), range("b", 1, 2)];
        assert_eq!(pace.choose(ranges(), now, started), Some(range("a", 10, 10)));
        pace.counted_open(range("a", 10, 10).tenant, started);
        assert_eq!(pace.choose(ranges(), now, started), Some(range("a", 7, 9)));
        let soon = started + Duration::from_secs(29);
        assert_eq!(
            pace.choose(vec![range("a", 10, 11), range("b", 1, 2)], now, soon),
            Some(range("b", 1, 2))
        );
        assert_eq!(pace.choose(vec![range("a", 10, 10)], bucket(11).start(), soon), Some(range("a", 10, 10)));
        let later = started + Duration::from_secs(30);
        assert_eq!(pace.choose(ranges(), now, later), Some(range("a", 10, 10)));
    }
}
