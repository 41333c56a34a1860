use application::ports::{
    MigrationStep, RecordedStep, SchemaChange, SchemaError, SchemaMigrator, StoreError,
};
use async_trait::async_trait;
use sqlx::migrate::{Migrate, MigrateError, Migration, Migrator};
use sqlx::{Connection, SqliteConnection};
use store_codec::timed;

use crate::error::{Failure, unavailable};
use crate::pool::Database;

/// Applies and reverts the migrations that are embedded in the program.
pub struct SqliteMigrator {
    database: Database,
}

/// The migrations of `migrations/sqlite`, in order.
static MIGRATIONS: Migrator = sqlx::migrate!("../../migrations/sqlite");

/// Where sqlx, here and in its command-line tool, records the applied migrations.
pub(crate) const TABLE: &str = "_sqlx_migrations";

impl SqliteMigrator {
    pub(crate) fn new(database: Database) -> Self {
        Self { database }
    }

    /// Changes the schema in one transaction, which holds the write lock from the start: a second process waits for the
    /// first and then has nothing left to do.
    async fn change(&self, change: SchemaChange) -> Result<usize, SchemaError> {
        let mut connection = self.database.writing().await.map_err(unavailable)?;
        let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await.map_err(unavailable)?;
        let steps = steps(&mut transaction).await.map_err(unavailable)?;
        let versions = change.versions(&steps)?;
        execute(&mut transaction, change, &versions).await.map_err(refused)?;
        transaction.commit().await.map_err(unavailable)?;
        connection.close().await.map_err(unavailable)?;
        Ok(versions.len())
    }

    async fn read_steps(&self) -> Result<Vec<MigrationStep>, sqlx::Error> {
        let mut connection = self.database.writing().await?;
        let steps = steps(&mut connection).await?;
        connection.close().await?;
        Ok(steps)
    }
}

#[async_trait]
impl SchemaMigrator for SqliteMigrator {
    #[tracing::instrument(name = "db.migrate_up", skip_all)]
    async fn up(&self) -> Result<usize, SchemaError> {
        // Nothing is written to an up-to-date database, which may be open for reading only.
        if MigrationStep::to_apply(&self.status().await?)?.is_empty() {
            return Ok(0);
        }
        timed("migrate", self.change(SchemaChange::Up)).await
    }

    #[tracing::instrument(name = "db.migrate_down", skip_all, fields(count))]
    async fn down(&self, count: usize) -> Result<usize, SchemaError> {
        timed("migrate", self.change(SchemaChange::Down { count })).await
    }

    #[tracing::instrument(name = "db.migration_status", skip_all)]
    async fn status(&self) -> Result<Vec<MigrationStep>, StoreError> {
        self.read_steps().await.map_err(unavailable)
    }
}

/// Applies or reverts the steps `versions`, in their order.
async fn execute(
    connection: &mut SqliteConnection,
    change: SchemaChange,
    versions: &[i64],
) -> Result<(), MigrateError> {
    connection.ensure_migrations_table(TABLE).await?;
    if let Some(version) = connection.dirty_version(TABLE).await? {
        return Err(MigrateError::Dirty(version));
    }
    for version in versions {
        match change {
            SchemaChange::Up => _ = connection.apply(TABLE, find(*version, true)?).await?,
            SchemaChange::Down { .. } => _ = connection.revert(TABLE, find(*version, false)?).await?,
        }
    }
    Ok(())
}

/// The file of a step, up or down.
fn find(version: i64, up: bool) -> Result<&'static Migration, MigrateError> {
    let is_it = |step: &&Migration| step.version == version && step.migration_type.is_up_migration() == up;
    MIGRATIONS.iter().find(is_it).ok_or(MigrateError::VersionMissing(version))
}

/// The steps of this release and those of the database, in order.
async fn steps(connection: &mut SqliteConnection) -> Result<Vec<MigrationStep>, sqlx::Error> {
    let known = MIGRATIONS.iter().filter(|step| step.migration_type.is_up_migration());
    let known = known.map(|step| (step.version, step.description.to_string(), step.checksum.to_vec()).into());
    Ok(MigrationStep::compare(known, applied(connection).await?))
}

/// What the database records of each step that was applied to it.
async fn applied(connection: &mut SqliteConnection) -> Result<Vec<RecordedStep>, sqlx::Error> {
    let has_table: Option<i64> =
        sqlx::query_scalar("SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = ?1")
            .bind(TABLE)
            .fetch_optional(&mut *connection)
            .await?;
    if has_table.is_none() {
        return Ok(Vec::new());
    }
    let rows: Vec<(i64, String, Vec<u8>)> =
        sqlx::query_as("SELECT version, description, checksum FROM _sqlx_migrations WHERE success")
            .fetch_all(connection)
            .await?;
    Ok(rows.into_iter().map(RecordedStep::from).collect())
}

fn refused(error: MigrateError) -> StoreError {
    unavailable(Failure::Migration(error.into()))
}
