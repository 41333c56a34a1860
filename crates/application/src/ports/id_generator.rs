use domain::value_objects::{EventId, PredictionId, Timestamp};

/// Makes ids.
///
/// Implementations must never return the same id twice, and must make UUIDs of version 7 whose time is `now`, so that
/// ids sort by the time they were made.
pub trait IdGenerator: Send + Sync {
    /// A new prediction's id.
    fn prediction_id(&self, now: Timestamp) -> PredictionId;

    /// A new event's id.
    fn event_id(&self, now: Timestamp) -> EventId;
}
