use application::ports::{MigrationStep, SchemaMigrator, StoreError};
use async_trait::async_trait;
use sqlx::migrate::{Migrate, MigrateError, Migration, Migrator};
use sqlx::{Connection, SqliteConnection};

use crate::error::{Failure, unavailable};
use crate::pool::Database;
use crate::timing::timed;

/// Brings the tables up and down by the migrations that are embedded in the program.
pub struct SqliteMigrator {
    database: Database,
}

/// The migrations of `migrations/sqlite`, in order.
static MIGRATIONS: Migrator = sqlx::migrate!("../../migrations/sqlite");

/// Where sqlx, here and in its command-line tool, notes what was applied.
const TABLE: &str = "_sqlx_migrations";

impl SqliteMigrator {
    pub(crate) fn new(database: Database) -> Self {
        Self { database }
    }

    /// Changes the schema in one transaction, which holds the write lock from the start: a second process waits
    /// for the first and then finds nothing left to do.
    async fn change(&self, change: Change) -> Result<usize, MigrateError> {
        let mut connection = self.database.writing().await?;
        let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
        let changed = match change {
            Change::Up => apply_missing(&mut transaction).await?,
            Change::Down { steps } => revert_last(&mut transaction, steps).await?,
        };
        transaction.commit().await?;
        connection.close().await?;
        Ok(changed)
    }

    async fn steps(&self) -> Result<Vec<MigrationStep>, sqlx::Error> {
        let mut connection = self.database.writing().await?;
        let applied = applied(&mut connection).await?;
        connection.close().await?;
        let steps = MIGRATIONS.iter().filter(|step| step.migration_type.is_up_migration());
        let steps = steps.map(|step| MigrationStep {
            version: step.version,
            description: step.description.to_string(),
            applied: applied.contains(&step.version),
        });
        Ok(steps.collect())
    }
}

enum Change {
    Up,
    Down { steps: usize },
}

#[async_trait]
impl SchemaMigrator for SqliteMigrator {
    #[tracing::instrument(name = "db.migrate_up", skip_all)]
    async fn up(&self) -> Result<usize, StoreError> {
        // A database that is complete is left alone: it may be open for reading only.
        if self.status().await?.iter().all(|step| step.applied) {
            return Ok(0);
        }
        timed("migrate", self.change(Change::Up)).await.map_err(refused)
    }

    #[tracing::instrument(name = "db.migrate_down", skip_all, fields(steps))]
    async fn down(&self, steps: usize) -> Result<usize, StoreError> {
        timed("migrate", self.change(Change::Down { steps })).await.map_err(refused)
    }

    #[tracing::instrument(name = "db.migration_status", skip_all)]
    async fn status(&self) -> Result<Vec<MigrationStep>, StoreError> {
        self.steps().await.map_err(unavailable)
    }
}

/// Applies the known steps that are missing; steps of a newer release are left alone.
async fn apply_missing(connection: &mut SqliteConnection) -> Result<usize, MigrateError> {
    connection.ensure_migrations_table(TABLE).await?;
    if let Some(version) = connection.dirty_version(TABLE).await? {
        return Err(MigrateError::Dirty(version));
    }
    let there = connection.list_applied_migrations(TABLE).await?;
    let mut changed = 0;
    for step in MIGRATIONS.iter().filter(|step| step.migration_type.is_up_migration()) {
        match there.iter().find(|applied| applied.version == step.version) {
            Some(applied) if applied.checksum == step.checksum => {}
            Some(_) => return Err(MigrateError::VersionMismatch(step.version)),
            None => {
                connection.apply(TABLE, step).await?;
                changed += 1;
            }
        }
    }
    Ok(changed)
}

/// Takes back the last `steps` of the known steps.
async fn revert_last(connection: &mut SqliteConnection, steps: usize) -> Result<usize, MigrateError> {
    let there = applied(connection).await?;
    let mut changed = 0;
    for version in there.into_iter().rev().take(steps) {
        let down = |step: &&Migration| step.version == version && step.migration_type.is_down_migration();
        let step = MIGRATIONS.iter().find(down).ok_or(MigrateError::VersionMissing(version))?;
        connection.revert(TABLE, step).await?;
        changed += 1;
    }
    Ok(changed)
}

/// The versions of those known steps that the database has, in order.
async fn applied(connection: &mut SqliteConnection) -> Result<Vec<i64>, sqlx::Error> {
    let has_table: Option<i64> =
        sqlx::query_scalar("SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = '_sqlx_migrations'")
            .fetch_optional(&mut *connection)
            .await?;
    if has_table.is_none() {
        return Ok(Vec::new());
    }
    let versions: Vec<i64> =
        sqlx::query_scalar("SELECT version FROM _sqlx_migrations WHERE success ORDER BY version")
            .fetch_all(connection)
            .await?;
    Ok(versions.into_iter().filter(|version| MIGRATIONS.version_exists(*version)).collect())
}

fn refused(error: MigrateError) -> StoreError {
    unavailable(Failure::Migration(error.into()))
}
