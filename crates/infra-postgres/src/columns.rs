use domain::value_objects::Timestamp;
use sqlx::postgres::PgRow;
use sqlx::{Decode, Postgres, Row, Type};
use store_codec::{Columns, Unreadable};
use uuid::Uuid;

use crate::timestamp::PgTimestamp;

/// A row of PostgreSQL.
pub(crate) struct PostgresColumns<'r>(pub(crate) &'r PgRow);

impl<'r> PostgresColumns<'r> {
    fn get<T: Decode<'r, Postgres> + Type<Postgres>>(&self, column: &'static str) -> Result<T, Unreadable> {
        self.0.try_get(column).map_err(|_| Unreadable(column))
    }
}

impl Columns for PostgresColumns<'_> {
    fn text(&self, column: &'static str) -> Result<Option<String>, Unreadable> {
        self.get(column)
    }

    fn integer(&self, column: &'static str) -> Result<Option<i64>, Unreadable> {
        self.get(column)
    }

    fn real(&self, column: &'static str) -> Result<Option<f32>, Unreadable> {
        self.get(column)
    }

    fn boolean(&self, column: &'static str) -> Result<bool, Unreadable> {
        self.get(column)
    }

    fn id(&self, column: &'static str) -> Result<u128, Unreadable> {
        self.get::<Uuid>(column).map(|id| id.as_u128())
    }

    fn optional_time(&self, column: &'static str) -> Result<Option<Timestamp>, Unreadable> {
        Ok(self.get::<Option<PgTimestamp>>(column)?.map(Timestamp::from))
    }

    fn digest(&self, column: &'static str) -> Result<Option<[u8; 32]>, Unreadable> {
        let bytes = self.get::<Option<&[u8]>>(column)?.map(<[u8; 32]>::try_from);
        bytes.transpose().map_err(|_| Unreadable(column))
    }
}

/// The stored form of an id.
pub(crate) fn stored_id(bits: u128) -> Uuid {
    Uuid::from_u128(bits)
}
