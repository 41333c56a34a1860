use domain::value_objects::Timestamp;
use sqlx::sqlite::SqliteRow;
use sqlx::{Decode, Row, Sqlite, Type};
use store_codec::{Columns, Unreadable};

/// A row of SQLite: ids are 16 bytes, instants microseconds since the epoch, numbers of 32 bits the f64 of the same
/// value.
pub(crate) struct SqliteColumns<'r>(pub(crate) &'r SqliteRow);

impl<'r> SqliteColumns<'r> {
    fn get<T: Decode<'r, Sqlite> + Type<Sqlite>>(&self, column: &'static str) -> Result<T, Unreadable> {
        self.0.try_get(column).map_err(|_| Unreadable(column))
    }
}

impl Columns for SqliteColumns<'_> {
    fn text(&self, column: &'static str) -> Result<Option<String>, Unreadable> {
        self.get(column)
    }

    fn integer(&self, column: &'static str) -> Result<Option<i64>, Unreadable> {
        self.get(column)
    }

    fn real(&self, column: &'static str) -> Result<Option<f32>, Unreadable> {
        Ok(self.get::<Option<f64>>(column)?.map(|number| number as f32))
    }

    fn boolean(&self, column: &'static str) -> Result<bool, Unreadable> {
        self.get(column)
    }

    fn id(&self, column: &'static str) -> Result<u128, Unreadable> {
        let bytes: &[u8] = self.get(column)?;
        bytes.try_into().map(u128::from_be_bytes).map_err(|_| Unreadable(column))
    }

    fn optional_time(&self, column: &'static str) -> Result<Option<Timestamp>, Unreadable> {
        Ok(self.get::<Option<i64>>(column)?.map(Timestamp::from_micros))
    }

    fn digest(&self, column: &'static str) -> Result<Option<[u8; 32]>, Unreadable> {
        let bytes = self.get::<Option<&[u8]>>(column)?.map(<[u8; 32]>::try_from);
        bytes.transpose().map_err(|_| Unreadable(column))
    }
}

/// The stored form of an id: 16 bytes, the most significant first, so that rows sort as ids do.
pub(crate) fn stored_id(bits: u128) -> Vec<u8> {
    bits.to_be_bytes().to_vec()
}
