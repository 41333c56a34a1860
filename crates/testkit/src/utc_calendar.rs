use application::ports::{Calendar, CalendarError, MAX_EDGES};
use domain::value_objects::{BucketWidth, Timestamp};

/// Knows UTC alone, with months of 30 days.
#[derive(Debug, Clone, Copy, Default)]
pub struct UtcCalendar;

/// The microseconds of a quarter of an hour.
const QUARTER: i64 = 15 * 60 * 1_000_000;
const DAY: i64 = 96 * QUARTER;

impl Calendar for UtcCalendar {
    fn edges(
        &self,
        zone: &str,
        bucket: BucketWidth,
        from: Timestamp,
        to: Timestamp,
    ) -> Result<Vec<Timestamp>, CalendarError> {
        if zone != "UTC" {
            return Err(CalendarError::UnknownZone);
        }
        let (width, first) = match bucket {
            BucketWidth::QuarterHour => (QUARTER, 0),
            BucketWidth::Hour => (4 * QUARTER, 0),
            BucketWidth::Day => (DAY, 0),
            // 1970-01-05 was a Monday.
            BucketWidth::Week => (7 * DAY, 4 * DAY),
            BucketWidth::Month => (30 * DAY, 0),
        };
        let (from, to) = (from.as_micros() - first, to.as_micros() - first);
        let (first_edge, last_edge) = (from.div_euclid(width), -(-to).div_euclid(width));
        if usize::try_from(last_edge - first_edge).unwrap_or_default() >= MAX_EDGES {
            return Err(CalendarError::TooManyEdges);
        }
        Ok((first_edge..=last_edge).map(|edge| Timestamp::from_micros(first + edge * width)).collect())
    }
}
