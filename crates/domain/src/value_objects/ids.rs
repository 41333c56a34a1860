use std::fmt;

use crate::errors::{DomainError, Rule};
use crate::value_objects::Timestamp;

/// A prediction's id: a UUID of version 7, so that ids sort by creation time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PredictionId(u128);

/// An event's id: a UUID of version 7.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EventId(u128);

impl PredictionId {
    /// Makes the id of these 128 bits.
    pub fn from_u128(bits: u128) -> Self {
        Self(bits)
    }

    /// Returns the 128 bits; the first octet of the UUID is the most significant.
    pub fn as_u128(self) -> u128 {
        self.0
    }

    /// Parses the hyphenated form of RFC 9562, in upper or lower case.
    ///
    /// # Errors
    /// [`Rule::Malformed`] for `field` if `text` has another form.
    pub fn parse(field: &'static str, text: &str) -> Result<Self, DomainError> {
        parse_hyphenated(text)
            .map(Self)
            .ok_or_else(|| DomainError::violation(field, Rule::Malformed { expected: "a UUID" }))
    }

    /// Returns the lowest id that can have been made at or after `instant`: its milliseconds in the UUIDv7 layout of
    /// RFC 9562, every other bit zero. Ids and creation times are made from the same instant, so a bound on the time is
    /// also a bound on the id.
    pub fn lowest_at(instant: Timestamp) -> Self {
        Self::first_of(millis_of(instant))
    }

    /// Returns the first id of the millisecond after that of `end`, which is above every id made before `end`. None if
    /// the milliseconds of ids, which end at 2^48, have no later one.
    pub fn lowest_after(end: Timestamp) -> Option<Self> {
        let millis = millis_of(end);
        (millis < LAST_MILLI).then(|| Self::first_of(millis + 1))
    }

    /// Returns when the id was made: its milliseconds in the UUIDv7 layout.
    pub fn made_at(self) -> Timestamp {
        let millis = i64::try_from(self.0 >> 80).unwrap_or(LAST_MILLI);
        Timestamp::from_micros(millis * 1_000)
    }

    /// Returns the last 32 bits, which are random in a UUIDv7: the ids whose bits are below a bound are a uniform
    /// sample.
    pub fn random_bits(self) -> u32 {
        self.0 as u32
    }

    fn first_of(millis: i64) -> Self {
        Self(u128::from(millis.unsigned_abs()) << 80)
    }
}

/// The last millisecond that an id can hold.
const LAST_MILLI: i64 = (1 << 48) - 1;

/// Returns the millisecond in the ids of `instant`; 0 for instants before the epoch.
fn millis_of(instant: Timestamp) -> i64 {
    instant.as_micros().div_euclid(1_000).clamp(0, LAST_MILLI)
}

impl EventId {
    /// Makes the id of these 128 bits.
    pub fn from_u128(bits: u128) -> Self {
        Self(bits)
    }

    /// Returns the 128 bits; the first octet of the UUID is the most significant.
    pub fn as_u128(self) -> u128 {
        self.0
    }
}

impl fmt::Display for PredictionId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_hyphenated(self.0, out)
    }
}

impl fmt::Display for EventId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_hyphenated(self.0, out)
    }
}

const HYPHENS: [usize; 4] = [8, 13, 18, 23];

fn write_hyphenated(bits: u128, out: &mut fmt::Formatter<'_>) -> fmt::Result {
    let part = |from: u32, digits: u32| bits >> (128 - 4 * (from + digits)) & ((1 << (4 * digits)) - 1);
    write!(
        out,
        "{:08x}-{:04x}-{:04x}-{:04x}-{:012x}",
        part(0, 8),
        part(8, 4),
        part(12, 4),
        part(16, 4),
        part(20, 12)
    )
}

fn parse_hyphenated(text: &str) -> Option<u128> {
    let bytes = text.as_bytes();
    if bytes.len() != 36 {
        return None;
    }
    let mut bits = 0_u128;
    for (index, byte) in bytes.iter().enumerate() {
        if HYPHENS.contains(&index) {
            if *byte != b'-' {
                return None;
            }
        } else {
            bits = bits << 4 | u128::from(char::from(*byte).to_digit(16)?);
        }
    }
    Some(bits)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_id_is_written_in_the_hyphenated_form() {
        let id = PredictionId::from_u128(0x0192_f3a4_b5c6_7d8e_9fa0_b1c2_d3e4_f506);
        assert_eq!(id.to_string(), "0192f3a4-b5c6-7d8e-9fa0-b1c2d3e4f506");
    }

    #[test]
    fn no_id_made_before_an_instant_is_as_high_as_the_lowest_after_it() {
        let after =
            |micros| PredictionId::lowest_after(Timestamp::from_micros(micros)).map(PredictionId::as_u128);
        assert_eq!(after(0), Some(1 << 80));
        assert_eq!(after(1_000), Some(2 << 80));
        assert_eq!(after(1_001), Some(2 << 80));
        assert_eq!(after(1_999), Some(2 << 80));
        assert_eq!(after(2_000), Some(3 << 80));
        for before_the_epoch in [i64::MIN, -1_000_000, -1] {
            assert_eq!(after(before_the_epoch), Some(1 << 80));
        }
        assert_eq!(after((LAST_MILLI - 1) * 1_000), Some(u128::from(LAST_MILLI.unsigned_abs()) << 80));
        for after_the_last_milli in [LAST_MILLI * 1_000, i64::MAX] {
            assert_eq!(after(after_the_last_milli), None);
        }
    }

    #[test]
    fn other_forms_are_refused() {
        for bad in [
            "",
            "0192f3a4",
            "0192f3a4b5c67d8e9fa0b1c2d3e4f506",
            "0192f3a4-b5c6-7d8e-9fa0-b1c2d3e4f50",
            "0192f3a4-b5c6-7d8e-9fa0-b1c2d3e4f50g",
            "0192f3a4-b5c67-d8e-9fa0-b1c2d3e4f506",
            "+192f3a4-b5c6-7d8e-9fa0-b1c2d3e4f506",
        ] {
            assert!(PredictionId::parse("id", bad).is_err(), "{bad} was accepted");
        }
    }

    proptest! {
        #[test]
        fn every_id_is_parsed_from_its_display(bits: u128) {
            let id = PredictionId::from_u128(bits);
            prop_assert_eq!(PredictionId::parse("id", &id.to_string()), Ok(id));
            prop_assert_eq!(PredictionId::parse("id", &id.to_string().to_uppercase()), Ok(id));
        }

        #[test]
        fn lowest_ids_are_ordered_by_time(a in 0_i64..1 << 47, b in 0_i64..1 << 47) {
            let (low, high) = (a.min(b), a.max(b));
            prop_assert_eq!(
                PredictionId::lowest_at(Timestamp::from_micros(low)).made_at().as_micros(),
                low - low % 1_000
            );
            prop_assert!(
                PredictionId::lowest_at(Timestamp::from_micros(low))
                    <= PredictionId::lowest_at(Timestamp::from_micros(high))
            );
        }
    }
}
