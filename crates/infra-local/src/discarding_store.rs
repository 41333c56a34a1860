use application::ports::{StoreError, UnitOfWork, WriteStore};
use async_trait::async_trait;

/// A write side that stores nothing: `undertone predict` without `--keep`.
#[derive(Debug, Clone, Copy, Default)]
pub struct DiscardingWriteStore;

#[async_trait]
impl WriteStore for DiscardingWriteStore {
    async fn commit(&self, _work: UnitOfWork) -> Result<(), StoreError> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use domain::value_objects::{PredictionId, TenantId};

    use super::*;

    #[tokio::test]
    async fn every_commit_succeeds_and_none_is_remembered() {
        for _ in 0..2 {
            let mut work = UnitOfWork::of(&TenantId::default());
            work.delete(PredictionId::from_u128(1));
            work.append(&[]);
            assert!(DiscardingWriteStore.commit(work).await.is_ok());
        }
    }
}
