use application::ports::{AuditReadModel, StoreError};
use async_trait::async_trait;
use domain::value_objects::{AuditLine, TenantId};

use super::MemoryStore;

#[async_trait]
impl AuditReadModel for MemoryStore {
    async fn list(
        &self,
        tenant: Option<&TenantId>,
        before: Option<i64>,
        limit: u32,
    ) -> Result<Vec<AuditLine>, StoreError> {
        let mut state = self.working()?;
        state.reads += 1;
        let is_listed = |line: &&AuditLine| {
            before.is_none_or(|before| line.seq < before)
                && tenant.is_none_or(|tenant| line.entry.tenant.as_ref() == Some(tenant))
        };
        Ok(state.audit.iter().rev().filter(is_listed).take(limit as usize).cloned().collect())
    }

    async fn walk(&self, after: i64, limit: u32) -> Result<Vec<AuditLine>, StoreError> {
        let mut state = self.working()?;
        state.reads += 1;
        let above = state.audit.iter().filter(|line| line.seq > after);
        Ok(above.take(limit as usize).cloned().collect())
    }

    async fn appended(&self) -> Result<i64, StoreError> {
        Ok(self.working()?.audit.last().map_or(0, |line| line.seq))
    }
}
