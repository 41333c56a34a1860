use application::ports::{
    OutboxRepository, PredictionRepository, StoreError, UnitOfWork, UnitOfWorkFactory, WriteSet,
};
use async_trait::async_trait;
use domain::value_objects::TenantId;

/// A write side that keeps nothing, for answers that nobody wants kept: `undertone predict` without `--keep`.
#[derive(Debug, Clone, Copy, Default)]
pub struct DiscardingStore;

struct DiscardedWork(WriteSet);

impl UnitOfWorkFactory for DiscardingStore {
    fn begin(&self, tenant: &TenantId) -> Box<dyn UnitOfWork> {
        Box::new(DiscardedWork(WriteSet::new(tenant.clone())))
    }
}

#[async_trait]
impl UnitOfWork for DiscardedWork {
    fn predictions(&mut self) -> &mut dyn PredictionRepository {
        &mut self.0
    }

    fn outbox(&mut self) -> &mut dyn OutboxRepository {
        &mut self.0
    }

    async fn commit(self: Box<Self>) -> Result<(), StoreError> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use domain::value_objects::PredictionId;

    use super::*;

    #[tokio::test]
    async fn whatever_is_committed_is_taken_and_forgotten() {
        for _ in 0..2 {
            let mut work = DiscardingStore.begin(&TenantId::default());
            work.predictions().delete(PredictionId::from_u128(1));
            work.outbox().append(&[]);
            assert!(work.commit().await.is_ok());
        }
    }
}
