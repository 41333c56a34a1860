use std::sync::Arc;

use application::ports::{
    OutboxRepository, PredictionRepository, StoreError, UnitOfWork, UnitOfWorkFactory, WriteSet,
};
use async_trait::async_trait;
use domain::value_objects::TenantId;

use crate::writer::{PreparedSet, Writer};

/// Begins units of work whose commits go to the one writer.
pub struct SqliteUnitOfWorkFactory {
    writer: Arc<Writer>,
}

impl SqliteUnitOfWorkFactory {
    pub(crate) fn new(writer: Arc<Writer>) -> Self {
        Self { writer }
    }
}

impl UnitOfWorkFactory for SqliteUnitOfWorkFactory {
    fn begin(&self, tenant: &TenantId) -> Box<dyn UnitOfWork> {
        Box::new(SqliteUnitOfWork { set: WriteSet::new(tenant.clone()), writer: Arc::clone(&self.writer) })
    }
}

struct SqliteUnitOfWork {
    set: WriteSet,
    writer: Arc<Writer>,
}

#[async_trait]
impl UnitOfWork for SqliteUnitOfWork {
    fn predictions(&mut self) -> &mut dyn PredictionRepository {
        &mut self.set
    }

    fn outbox(&mut self) -> &mut dyn OutboxRepository {
        &mut self.set
    }

    #[tracing::instrument(name = "db.commit", skip_all, fields(writes = self.set.writes.len()))]
    async fn commit(self: Box<Self>) -> Result<(), StoreError> {
        if self.set.writes.is_empty() {
            return Ok(());
        }
        // Serializing and cutting texts into terms happens here, in the caller's task, not in the writer's.
        let set = PreparedSet::prepare(self.set).await?;
        self.writer.write(set).await
    }
}
