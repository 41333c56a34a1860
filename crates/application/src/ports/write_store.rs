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
/// `a_missing_row_fails_alone_inside_a_group`). They must write nothing of a unit of work whose commit has not begun
/// at its deadline (`a_unit_of_work_past_its_deadline_is_not_written`), and must wait for a commit that has begun.
/// They must not exceed the quota of a text count, even where other replicas count at the same time, by more than what
/// one transaction of each replica counts (`texts_above_the_quota_are_not_stored`).
#[async_trait]
pub trait WriteStore: Send + Sync {
    /// Applies the writes of `work`, in their order.
    ///
    /// # Errors
    /// `Conflict`, `NotFound` or `QuotaExceeded` where an expectation was wrong, and `DeadlineExceeded`: then nothing
    /// of it is written. `Unavailable` where the store does not work, is too slow, or the commit's outcome is not
    /// known.
    async fn commit(&self, work: UnitOfWork) -> Result<(), StoreError>;
}
