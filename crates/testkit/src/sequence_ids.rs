use std::sync::atomic::{AtomicU64, Ordering};

use application::ports::IdGenerator;
use domain::value_objects::{EventId, PredictionId, Timestamp};

/// Makes ids in the layout of UUIDs of version 7 whose random part is a counter from 1.
#[derive(Debug, Default)]
pub struct SequenceIds(AtomicU64);

impl SequenceIds {
    /// Makes a generator whose first id has the counter 1.
    pub fn new() -> Self {
        Self::default()
    }

    fn next(&self, now: Timestamp) -> u128 {
        let number = self.0.fetch_add(1, Ordering::SeqCst) + 1;
        let millis = now.as_micros().div_euclid(1_000).unsigned_abs();
        u128::from(millis) << 80 | 7 << 76 | 2 << 62 | u128::from(number)
    }
}

impl IdGenerator for SequenceIds {
    fn prediction_id(&self, now: Timestamp) -> PredictionId {
        PredictionId::from_u128(self.next(now))
    }

    fn event_id(&self, now: Timestamp) -> EventId {
        EventId::from_u128(self.next(now))
    }
}
