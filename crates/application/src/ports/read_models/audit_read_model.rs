use async_trait::async_trait;
use domain::value_objects::{AuditLine, TenantId};

use crate::ports::StoreError;

/// Reads the audit. Lines are appended by a [`UnitOfWork`](crate::ports::UnitOfWork) together with the change that they
/// report; nothing changes or removes one.
///
/// Implementations must number the lines of all tenants together without gaps in the order of their commits
/// (`lines_of_the_audit_are_numbered_without_gaps`), must write a line only with its change
/// (`a_change_that_fails_leaves_no_line`), must return it as it was stored (`a_line_comes_back_as_it_was_written`), and
/// must list one tenant's lines to it alone (`tenants_do_not_see_each_others_lines`).
#[async_trait]
pub trait AuditReadModel: Send + Sync {
    /// The first `limit` lines below the number `before`, the newest first: those of `tenant`, or all without one.
    ///
    /// # Errors
    /// `Unavailable`, `Corrupt`.
    async fn list(
        &self,
        tenant: Option<&TenantId>,
        before: Option<i64>,
        limit: u32,
    ) -> Result<Vec<AuditLine>, StoreError>;

    /// The first `limit` lines above the number `after`, the oldest first, of all tenants.
    ///
    /// # Errors
    /// `Unavailable`, `Corrupt`.
    async fn walk(&self, after: i64, limit: u32) -> Result<Vec<AuditLine>, StoreError>;

    /// The number of lines that were ever appended, which is the number of the last one.
    ///
    /// # Errors
    /// `Unavailable`.
    async fn appended(&self) -> Result<i64, StoreError>;
}
