use async_trait::async_trait;

use crate::ports::{StoreError, UnitOfWork};

/// Commits units of work.
///
/// Implementations must write nothing for a unit of work that was never committed
/// (`dropping_a_unit_of_work_writes_nothing`) and must apply its writes in their order, all or none
/// (`a_conflict_inside_one_set_writes_nothing`, `a_missing_row_inside_one_set_writes_nothing`), even where the caller
/// drops the future (`an_abandoned_commit_is_whole_or_absent`). They must have made every write durable and visible
/// when `commit` returns `Ok` (`a_committed_write_is_seen_at_once`). They may apply many units of work in one
/// transaction, but one that fails must fail alone (`a_conflict_fails_alone_inside_a_group`,
/// `a_missing_row_fails_alone_inside_a_group`).
#[async_trait]
pub trait WriteStore: Send + Sync {
    /// Applies the writes of `work`, in their order.
    ///
    /// # Errors
    /// `Conflict` or `NotFound` where an expectation was wrong, and then nothing of it is written; `Unavailable` where
    /// the store does not work, is too slow, or the commit's outcome is not known.
    async fn commit(&self, work: UnitOfWork) -> Result<(), StoreError>;
}
