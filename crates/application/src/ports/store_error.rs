use crate::errors::BoxError;

/// Why a store did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// What was to be new exists already, or what was to be held is held by somebody else.
    #[error("{entity} {id} already exists or has changed")]
    Conflict {
        /// The kind of thing.
        entity: &'static str,
        /// Its id.
        id: String,
    },
    /// What was to exist does not.
    #[error("there is no {entity} {id}")]
    NotFound {
        /// The kind of thing.
        entity: &'static str,
        /// Its id.
        id: String,
    },
    /// The store is down, full, read-only or too slow; or nobody knows whether a commit came through.
    #[error("the store did not answer")]
    Unavailable {
        /// Why.
        #[source]
        source: BoxError,
    },
    /// A row holds what nothing should have written.
    #[error("row {id} of {table} cannot be read: {column}")]
    Corrupt {
        /// The table.
        table: &'static str,
        /// The column.
        column: &'static str,
        /// The row's id.
        id: String,
    },
}

impl StoreError {
    /// The store did not answer, because of `source`.
    pub fn unavailable(source: impl Into<BoxError>) -> Self {
        Self::Unavailable { source: source.into() }
    }
}
