use domain::value_objects::Timestamp;
use sqlx::encode::IsNull;
use sqlx::error::BoxDynError;
use sqlx::postgres::types::Oid;
use sqlx::postgres::{PgArgumentBuffer, PgHasArrayType, PgTypeInfo, PgValueFormat, PgValueRef};
use sqlx::{Decode, Encode, Postgres, Type};

use crate::error::Failure;

/// A `timestamptz` as sent over the wire: whole microseconds since 2000-01-01T00:00:00Z. Times are stored exactly to
/// the microsecond, without arithmetic in SQL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct PgTimestamp(i64);

/// 2000-01-01T00:00:00Z in microseconds since 1970.
const PG_EPOCH: i64 = 946_684_800_000_000;

/// The first `timestamptz`, 4713 BC, in microseconds since 2000 (`MIN_TIMESTAMP` in PostgreSQL's
/// `datatype/timestamp.h`). The last one is later than any [`Timestamp`].
const FIRST: i64 = -211_813_488_000_000_000;

// `timestamptz` and its array in `pg_type.dat`; the numbers of built-in types never change.
const TIMESTAMPTZ: Oid = Oid(1184);
const TIMESTAMPTZ_ARRAY: Oid = Oid(1185);

impl PgTimestamp {
    /// The time itself, or the earliest `timestamptz`: for bounds, where the difference does not matter.
    pub(crate) fn bound(time: Timestamp) -> Self {
        Self(time.as_micros().saturating_sub(PG_EPOCH).max(FIRST))
    }
}

impl TryFrom<Timestamp> for PgTimestamp {
    type Error = Failure;

    fn try_from(time: Timestamp) -> Result<Self, Failure> {
        let bound = Self::bound(time);
        if Timestamp::from(bound) == time { Ok(bound) } else { Err(Failure::TooEarly(time.as_micros())) }
    }
}

impl From<PgTimestamp> for Timestamp {
    fn from(PgTimestamp(micros): PgTimestamp) -> Self {
        Self::from_micros(micros.saturating_add(PG_EPOCH))
    }
}

impl Type<Postgres> for PgTimestamp {
    fn type_info() -> PgTypeInfo {
        PgTypeInfo::with_oid(TIMESTAMPTZ)
    }

    fn compatible(info: &PgTypeInfo) -> bool {
        info.oid() == Some(TIMESTAMPTZ)
    }
}

impl PgHasArrayType for PgTimestamp {
    fn array_type_info() -> PgTypeInfo {
        PgTypeInfo::with_oid(TIMESTAMPTZ_ARRAY)
    }
}

impl Encode<'_, Postgres> for PgTimestamp {
    fn encode_by_ref(&self, buffer: &mut PgArgumentBuffer) -> Result<IsNull, BoxDynError> {
        <i64 as Encode<'_, Postgres>>::encode_by_ref(&self.0, buffer)
    }
}

impl Decode<'_, Postgres> for PgTimestamp {
    fn decode(value: PgValueRef<'_>) -> Result<Self, BoxDynError> {
        match value.format() {
            PgValueFormat::Binary => Ok(Self(i64::from_be_bytes(value.as_bytes()?.try_into()?))),
            PgValueFormat::Text => Err("a time in the text format".into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(micros: i64) -> Timestamp {
        Timestamp::from_micros(micros)
    }

    #[test]
    fn every_time_from_4713_bc_on_comes_back() {
        let first = FIRST + PG_EPOCH;
        for micros in [first, first + 1, -1, 0, 1, PG_EPOCH, i64::MAX - 1, i64::MAX] {
            let stored = PgTimestamp::try_from(at(micros)).expect("a time that can be stored");
            assert_eq!(Timestamp::from(stored), at(micros));
        }
    }

    #[test]
    fn earlier_times_are_refused_but_bound_as_the_first() {
        for micros in [FIRST + PG_EPOCH - 1, i64::MIN] {
            assert!(PgTimestamp::try_from(at(micros)).is_err());
            assert_eq!(PgTimestamp::bound(at(micros)), PgTimestamp(FIRST));
        }
    }
}
