use async_trait::async_trait;

use crate::ports::StoreError;

/// Removes the counts of texts of days that have passed. A [`UnitOfWork`](crate::ports::UnitOfWork) adds to the counts,
/// and a [`UsageReadModel`](crate::ports::UsageReadModel) reads them.
///
/// Days are those of the store's own clock (UTC). Implementations must leave the counts of later days
/// (`a_purge_removes_only_the_counts_of_old_days`).
#[async_trait]
pub trait UsageRepository: Send + Sync {
    /// Deletes counts of days that began at least `days` days before this one, at most `limit` rows; returns how many.
    ///
    /// # Errors
    /// `Unavailable`.
    async fn purge(&self, days: u32, limit: u32) -> Result<u64, StoreError>;
}
