//! What the use cases over rollups share: their range of time, how far it is counted, and the limits of what they read.

use std::time::Duration;

use domain::errors::{DomainError, Rule};
use domain::value_objects::{Bucket, Timestamp};

use crate::errors::ApplicationError;
use crate::ports::{Counted, TrendProgress};

/// The length of a range whose request names no beginning.
const DEFAULT_RANGE: Duration = Duration::from_hours(7 * 24);

/// The most rollups that are read to find the largest groups: about half a second of work for a store.
pub(super) const MAX_GROUPED_ROWS: u32 = 500_000;

/// A range of time that is not empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct RollupRange {
    /// The first instant.
    pub(super) from: Timestamp,
    /// The first instant after it.
    pub(super) to: Timestamp,
}

impl RollupRange {
    /// The range of a request at `now`.
    ///
    /// # Errors
    /// A violation for `from` where it is not before `to`.
    pub(super) fn of(
        from: Option<Timestamp>,
        to: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<Self, DomainError> {
        let to = to.unwrap_or(now);
        let from = from.unwrap_or(to.minus(DEFAULT_RANGE));
        if from >= to {
            return Err(DomainError::violation("from", Rule::OutOfRange { allowed: "before to".into() }));
        }
        Ok(Self { from, to })
    }

    /// The length.
    pub(super) fn length(&self) -> Duration {
        self.to.since(self.from)
    }

    /// The first bucket of the range, and the first one after it.
    pub(super) fn buckets(&self) -> (Bucket, Bucket) {
        let last = Bucket::containing(Timestamp::from_micros(self.to.as_micros().saturating_sub(1)));
        (Bucket::containing(self.from), Bucket::containing(last.end()))
    }
}

/// Returns until when everything is counted, where `now` was read before `progress`.
pub(super) fn complete_until(progress: &TrendProgress, now: Timestamp) -> Option<Timestamp> {
    let counted = match progress.counted {
        Counted::Nothing => return None,
        Counted::Until(time) => time.min(now),
        Counted::Everything => now,
    };
    Some(progress.recounting_from.map_or(counted, |first| counted.min(first.start())))
}

/// The error where more than [`MAX_GROUPED_ROWS`] would be read.
pub(super) fn too_much() -> ApplicationError {
    DomainError::violation("from", Rule::TooMuch { max: MAX_GROUPED_ROWS as usize }).into()
}
