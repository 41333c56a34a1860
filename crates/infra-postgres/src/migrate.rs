use std::sync::{Arc, LazyLock};

use application::ports::{MigrationStep, SchemaMigrator, StoreError};
use async_trait::async_trait;
use sqlx::PgConnection;
use sqlx::migrate::{Migrate, MigrateError, Migration, Migrator};

use crate::database::Database;
use crate::error::{CallError, Failure, unavailable};
use crate::timing::{timed, within};

/// Brings the tables up and down by the migrations that are embedded in the program.
pub struct PostgresMigrator {
    database: Database,
}

/// The migrations of `migrations/postgres`, in order. Steps that are not among them are a newer release's.
static MIGRATIONS: LazyLock<Migrator> = LazyLock::new(|| {
    let mut migrations = sqlx::migrate!("../../migrations/postgres");
    migrations.set_ignore_missing(true);
    migrations
});

/// Where sqlx, here and in its command-line tool, notes what was applied.
const TABLE: &str = "_sqlx_migrations";

impl PostgresMigrator {
    pub(crate) fn new(database: Database) -> Self {
        Self { database }
    }

    /// Changes the schema under sqlx's lock on the database: a second process waits for the first and then finds
    /// nothing left to do. The connection serves nothing else and is closed at the end, which gives up the lock
    /// whatever happened.
    async fn change(&self, change: Change) -> Result<usize, MigrateError> {
        let mut connection = self.database.connect_without_limit().await?;
        // The lock counts how often its holder took it; sqlx takes it once more.
        connection.lock().await?;
        let before = applied(&mut connection).await?;
        match change {
            Change::Up => MIGRATIONS.run_direct(None, &mut connection, false).await?,
            Change::Down { steps } => {
                for version in before.iter().rev().take(steps) {
                    connection.revert(TABLE, down_step(*version)?).await?;
                }
            }
        }
        let after = applied(&mut connection).await?;
        Ok(before.len().abs_diff(after.len()))
    }

    async fn steps(&self) -> Result<Vec<MigrationStep>, CallError> {
        let mut connection = self.database.connect().await?;
        let applied = applied(&mut connection).await?;
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
impl SchemaMigrator for PostgresMigrator {
    #[tracing::instrument(name = "db.migrate_up", skip_all)]
    async fn up(&self) -> Result<usize, StoreError> {
        timed("migrate", self.change(Change::Up)).await.map_err(refused)
    }

    #[tracing::instrument(name = "db.migrate_down", skip_all, fields(steps))]
    async fn down(&self, steps: usize) -> Result<usize, StoreError> {
        timed("migrate", self.change(Change::Down { steps })).await.map_err(refused)
    }

    #[tracing::instrument(name = "db.migration_status", skip_all)]
    async fn status(&self) -> Result<Vec<MigrationStep>, StoreError> {
        within(self.database.timeout(), "migration_status", self.steps()).await
    }
}

fn down_step(version: i64) -> Result<&'static Migration, MigrateError> {
    let is_it = |step: &&Migration| step.version == version && step.migration_type.is_down_migration();
    MIGRATIONS.iter().find(is_it).ok_or(MigrateError::VersionMissing(version))
}

/// The versions of those known steps that the database has, in order.
async fn applied(connection: &mut PgConnection) -> Result<Vec<i64>, sqlx::Error> {
    let has_table: bool = sqlx::query_scalar("SELECT to_regclass('_sqlx_migrations') IS NOT NULL")
        .fetch_one(&mut *connection)
        .await?;
    if !has_table {
        return Ok(Vec::new());
    }
    let versions: Vec<i64> =
        sqlx::query_scalar("SELECT version FROM _sqlx_migrations WHERE success ORDER BY version")
            .fetch_all(connection)
            .await?;
    Ok(versions.into_iter().filter(|version| MIGRATIONS.version_exists(*version)).collect())
}

fn refused(error: MigrateError) -> StoreError {
    unavailable(Failure::Migration(Arc::new(error)))
}
