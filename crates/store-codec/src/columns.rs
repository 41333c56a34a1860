use application::ports::StoreError;
use domain::value_objects::Timestamp;

/// One row that a store has read, column by column.
pub trait Columns {
    /// A text; none where the column is null.
    ///
    /// # Errors
    /// [`Unreadable`] where the column holds something else; so for the other methods.
    fn text(&self, column: &'static str) -> Result<Option<String>, Unreadable>;

    /// A whole number; none where the column is null.
    ///
    /// # Errors
    /// [`Unreadable`].
    fn integer(&self, column: &'static str) -> Result<Option<i64>, Unreadable>;

    /// A number of 32 bits, in whatever form the store has it; none where the column is null.
    ///
    /// # Errors
    /// [`Unreadable`].
    fn real(&self, column: &'static str) -> Result<Option<f32>, Unreadable>;

    /// A truth value, never null.
    ///
    /// # Errors
    /// [`Unreadable`].
    fn boolean(&self, column: &'static str) -> Result<bool, Unreadable>;

    /// The 128 bits of an id, never null.
    ///
    /// # Errors
    /// [`Unreadable`].
    fn id(&self, column: &'static str) -> Result<u128, Unreadable>;

    /// An instant, never null.
    ///
    /// # Errors
    /// [`Unreadable`].
    fn time(&self, column: &'static str) -> Result<Timestamp, Unreadable> {
        self.optional_time(column)?.ok_or(Unreadable(column))
    }

    /// An instant; none where the column is null.
    ///
    /// # Errors
    /// [`Unreadable`].
    fn optional_time(&self, column: &'static str) -> Result<Option<Timestamp>, Unreadable>;

    /// The 32 bytes of a hash or a seal; none where the column is null.
    ///
    /// # Errors
    /// [`Unreadable`].
    fn digest(&self, column: &'static str) -> Result<Option<[u8; 32]>, Unreadable>;
}

/// The column whose value this release cannot read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unreadable(pub &'static str);

impl Unreadable {
    /// The error for the row `id` of `table`.
    pub(crate) fn corrupt(self, table: &'static str, id: String) -> StoreError {
        StoreError::Corrupt { table, column: self.0, id }
    }
}

/// The text of a column that is never null.
pub(crate) fn text(row: &impl Columns, column: &'static str) -> Result<String, Unreadable> {
    row.text(column)?.ok_or(Unreadable(column))
}

/// The count in a column that is never null.
pub(crate) fn count(row: &impl Columns, column: &'static str) -> Result<u32, Unreadable> {
    let count = row.integer(column)?.and_then(|count| u32::try_from(count).ok());
    count.ok_or(Unreadable(column))
}
