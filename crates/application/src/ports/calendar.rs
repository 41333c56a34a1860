use domain::errors::Rule;
use domain::value_objects::{BucketWidth, Timestamp};

use crate::errors::ApplicationError;

/// The largest number of edges that [`Calendar::edges`] returns.
pub const MAX_EDGES: usize = 10_000;

/// Divides time by the clocks and calendars of time zones.
///
/// Implementations must follow every change of a zone's clocks, and must need nothing outside the process.
pub trait Calendar: Send + Sync {
    /// The edges of the buckets of `bucket` that cover the instants from `from` on, before `to`, in `zone` (a name of
    /// the IANA time zone database, such as `Europe/Berlin`, in any case).
    ///
    /// A bucket begins at an edge and ends before the next one. The first edge is `from` or earlier, the last one is
    /// `to` or later, and only the first and the last bucket may reach beyond the range. The edges increase strictly,
    /// so that each instant belongs to exactly one bucket. There is none where `from` is not before `to`.
    ///
    /// * `15m`, `1h`: an edge is where the local clock shows a whole quarter or a whole hour, and where it jumps. The
    ///   hour that a clock shows twice is two buckets; no bucket is longer than its name says, but for the rounding
    ///   below, and the hour in which clocks jump may be divided or short (Lord Howe jumps by 30 minutes).
    /// * `1d`, `1w`, `1mo`: an edge is the first instant of a date, of a Monday or of the first of a month. A date that
    ///   a zone skipped has no bucket. A date that begins twice begins with its first instant.
    ///
    /// Every edge is a whole quarter of an hour in UTC, as the offsets of all zones are today. Where an offset of the
    /// past was not, its edges are rounded down to the quarter.
    ///
    /// # Errors
    /// `UnknownZone`; `TooManyEdges`, before the work where the range alone says so; `OutOfRange`.
    fn edges(
        &self,
        zone: &str,
        bucket: BucketWidth,
        from: Timestamp,
        to: Timestamp,
    ) -> Result<Vec<Timestamp>, CalendarError>;
}

/// Why a range of time was not divided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CalendarError {
    /// No time zone has this name.
    #[error("there is no time zone of this name")]
    UnknownZone,
    /// The range has more edges than [`MAX_EDGES`].
    #[error("the range has more than {MAX_EDGES} edges of buckets")]
    TooManyEdges,
    /// An instant is before the year -9999 or after 9999.
    #[error("the range is outside of the calendar")]
    OutOfRange,
}

impl From<CalendarError> for ApplicationError {
    /// The error for the fields `tz`, `bucket` and `from` of a request.
    fn from(error: CalendarError) -> Self {
        let (field, rule) = match error {
            CalendarError::UnknownZone => {
                let expected = "a time zone of the IANA database, such as Europe/Berlin";
                ("tz", Rule::Malformed { expected })
            }
            CalendarError::TooManyEdges => {
                ("bucket", Rule::OutOfRange { allowed: "wide enough for at most 9,999 buckets".into() })
            }
            CalendarError::OutOfRange => {
                ("from", Rule::OutOfRange { allowed: "between the years -9999 and 9999".into() })
            }
        };
        Self::Invalid { field: field.into(), rule }
    }
}
