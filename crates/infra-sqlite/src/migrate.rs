use application::ports::{
    MigrationStep, RecordedStep, SchemaChange, SchemaError, SchemaMigrator, StoreError,
};
use async_trait::async_trait;
use sqlx::migrate::{Migrate, MigrateError, Migration, MigrationType};
use sqlx::{Connection, SqlStr, SqliteConnection};
use store_codec::{SchemaStep, schema_steps, timed};

use crate::error::{Failure, unavailable};
use crate::pool::Database;

/// Applies and reverts the migrations that are embedded in the program.
pub struct SqliteMigrator {
    database: Database,
}

/// The steps of `migrations/sqlite`, in order.
const STEPS: &[SchemaStep] = schema_steps!("sqlite":
    "0001" "predictions",
    "0002" "outbox",
    "0003" "leases",
    "0004" "options",
    "0005" "tenants_keys_audit",
    "0006" "limits_and_idempotency",
    "0007" "event_feed",
    "0008" "rollups",
);

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
            SchemaChange::Up => _ = connection.apply(TABLE, &find(*version, true)?).await?,
            SchemaChange::Down { .. } => _ = connection.revert(TABLE, &find(*version, false)?).await?,
        }
    }
    Ok(())
}

/// The file of the step `version`, up or down.
fn find(version: i64, up: bool) -> Result<Migration, MigrateError> {
    let step = STEPS.iter().find(|step| step.version == version);
    step.map(|step| file(step, up)).ok_or(MigrateError::VersionMissing(version))
}

fn file(step: &SchemaStep, up: bool) -> Migration {
    let (kind, statements) =
        if up { (MigrationType::ReversibleUp, step.up) } else { (MigrationType::ReversibleDown, step.down) };
    let statements = SqlStr::from_static(statements);
    Migration::new(step.version, step.description().into(), kind, statements, false)
}

/// The steps of this release and those of the database, in order.
async fn steps(connection: &mut SqliteConnection) -> Result<Vec<MigrationStep>, sqlx::Error> {
    let known = STEPS.iter().map(|step| file(step, true));
    let known = known.map(|up| (up.version, up.description.to_string(), up.checksum.to_vec()).into());
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

#[cfg(test)]
mod tests {
    #![expect(clippy::expect_used, reason = "tests")]

    use std::path::Path;

    use sqlx::migrate::Migrator;

    use super::*;

    #[tokio::test]
    async fn the_embedded_steps_are_those_that_sqlx_reads_in_the_folder() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../migrations/sqlite");
        let read = Migrator::new(folder).await.expect("sqlx reads the folder");
        let files = |steps: &[Migration]| -> Vec<_> {
            let file = |step: &Migration| {
                let is_up = step.migration_type.is_up_migration();
                (step.version, step.description.to_string(), is_up, step.checksum.to_vec(), step.no_tx)
            };
            steps.iter().map(file).collect()
        };
        let embedded: Vec<Migration> =
            STEPS.iter().flat_map(|step| [file(step, true), file(step, false)]).collect();
        assert_eq!(files(&embedded), files(&read.migrations));
    }
}
