use std::time::Duration;

use crate::errors::BoxError;

/// Why a store did not do what was requested.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// What must be new exists already, or a lease is held by another holder.
    #[error("{entity} {id} already exists or has changed")]
    Conflict {
        /// The kind of thing.
        entity: &'static str,
        /// Its id.
        id: String,
    },
    /// What must exist does not.
    #[error("there is no {entity} {id}")]
    NotFound {
        /// The kind of thing.
        entity: &'static str,
        /// Its id.
        id: String,
    },
    /// The texts of the day are used up.
    #[error("the quota of the day is used up")]
    QuotaExceeded {
        /// How long until the day (UTC) ends, by the store's own clock.
        day_ends_in: Duration,
    },
    /// The write did not begin in time; nothing of it is written.
    #[error("the write did not begin in time")]
    DeadlineExceeded,
    /// The store is down, full, read-only or too slow, or a commit's outcome is not known.
    #[error("the store is unavailable")]
    Unavailable {
        /// Why.
        #[source]
        source: BoxError,
    },
    /// A row has a value that this release does not write.
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
    /// An [`Unavailable`](Self::Unavailable) with this cause.
    pub fn unavailable(source: impl Into<BoxError>) -> Self {
        Self::Unavailable { source: source.into() }
    }
}
