use application::ports::IdGenerator;
use domain::value_objects::{EventId, PredictionId, Timestamp};
use uuid::{Builder, Uuid};

/// Makes UUIDs of version 7 (RFC 9562): the instant's milliseconds, its fraction of a millisecond in the twelve bits of
/// `rand_a` (method 3), then 62 random bits.
#[derive(Debug, Clone, Copy, Default)]
pub struct UuidV7Ids;

impl IdGenerator for UuidV7Ids {
    fn prediction_id(&self, now: Timestamp) -> PredictionId {
        PredictionId::from_u128(make(now))
    }

    fn event_id(&self, now: Timestamp) -> EventId {
        EventId::from_u128(make(now))
    }
}

fn make(now: Timestamp) -> u128 {
    let micros = now.as_micros().max(0).unsigned_abs();
    let fraction = (micros % 1_000 * 4_096 / 1_000).to_be_bytes();
    let random = Uuid::new_v4().into_bytes();
    let mut bits = [0; 10];
    bits[..2].copy_from_slice(&fraction[6..]);
    // The last eight bytes of a version 4 UUID are random except for two bits, which the builder overwrites.
    bits[2..].copy_from_slice(&random[8..]);
    Builder::from_unix_timestamp_millis(micros / 1_000, &bits).into_uuid().as_u128()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    fn at(micros: i64) -> Uuid {
        Uuid::from_u128(UuidV7Ids.prediction_id(Timestamp::from_micros(micros)).as_u128())
    }

    #[test]
    fn an_id_is_a_version_7_uuid_of_its_instant() {
        let id = at(1_700_000_000_123_456);
        assert_eq!((id.get_version_num(), id.get_variant()), (7, uuid::Variant::RFC4122));
        assert_eq!(id.as_u128() >> 80, 1_700_000_000_123);
    }

    #[test]
    fn ids_sort_by_the_microsecond_of_their_creation() {
        let ids: Vec<_> = (0..3_000).map(|micro| at(1_700_000_000_000_000 + micro)).collect();
        assert!(ids.is_sorted());
    }

    #[test]
    fn ids_of_one_instant_are_unique() {
        let ids: HashSet<_> = (0..100_000).map(|_| at(1_700_000_000_000_000)).collect();
        assert_eq!(ids.len(), 100_000);
    }

    #[test]
    fn the_lowest_id_of_an_instant_is_a_lower_bound() {
        for micros in [0, 1, 999, 1_000, 1_700_000_000_123_456] {
            let now = Timestamp::from_micros(micros);
            assert!(UuidV7Ids.prediction_id(now) >= PredictionId::lowest_at(now));
        }
    }
}
