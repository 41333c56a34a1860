use std::path::{Path, PathBuf};
use std::sync::Arc;

use application::ports::{
    LeaseRepository, OutboxRelayRepository, PredictionReadModel, SchemaMigrator, UnitOfWorkFactory,
};
use async_trait::async_trait;
use infra_sqlite::{SqliteSettings, SqliteStore};
use store_contract::StoreHarness;
use tempfile::TempDir;

/// A store in a folder of its own.
pub(crate) struct SqliteHarness {
    pub(crate) store: SqliteStore,
    folder: TempDir,
}

impl SqliteHarness {
    /// A store with its schema, opened as `change` says.
    pub(crate) async fn start_with(change: impl FnOnce(&mut SqliteSettings)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut settings = SqliteSettings::new(url(&folder.path().join("data/undertone.db")));
        change(&mut settings);
        let store = SqliteStore::open(&settings).await.unwrap();
        store.migrator().up().await.unwrap();
        Self { store, folder }
    }

    /// A file beside the database.
    pub(crate) fn beside(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The same file, opened again.
    pub(crate) async fn open_again(&self, parameters: &str) -> SqliteStore {
        let url = format!("{}{parameters}", url(self.store.path()));
        SqliteStore::open(&SqliteSettings::new(url)).await.unwrap()
    }
}

/// The address of the database in `file`.
pub(crate) fn url(file: &Path) -> String {
    format!("sqlite:{}", file.display())
}

#[async_trait]
impl StoreHarness for SqliteHarness {
    async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    fn units(&self) -> Arc<dyn UnitOfWorkFactory> {
        self.store.units()
    }

    fn predictions(&self) -> Arc<dyn PredictionReadModel> {
        self.store.predictions()
    }

    fn outbox(&self) -> Arc<dyn OutboxRelayRepository> {
        self.store.outbox()
    }

    fn leases(&self) -> Arc<dyn LeaseRepository> {
        self.store.leases()
    }

    fn migrator(&self) -> Option<Arc<dyn SchemaMigrator>> {
        Some(self.store.migrator())
    }
}
