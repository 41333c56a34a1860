//! Applies and reverts steps of the schema while other connections read and write.
//!
//! Rules for every step, stated here because the files in `migrations/` never change:
//!
//! * The previous release must keep working on the new schema: new tables, new columns that may be null, wider checks.
//! * No step may hold an exclusive lock while it reads a large table. A column is added without a check and without a
//!   volatile default; its check is added `NOT VALID`, and validated in a transaction of its own. An index on a table
//!   that has rows is built `CONCURRENTLY`, outside a transaction. Such sequences are in `unlocked`.
//! * A sequence of several transactions must continue from where an earlier attempt ended.
//! * No step waits for a lock on a table for longer than [`LOCK_TIMEOUT`]: behind a step that waits for an
//!   exclusive lock every reader and writer of the table waits as well. The step gives up, lets them proceed, and
//!   tries again.

mod unlocked;

use std::sync::Arc;
use std::time::Duration;

use application::ports::{
    MigrationStep, RecordedStep, SchemaChange, SchemaError, SchemaMigrator, StoreError,
};
use async_trait::async_trait;
use sqlx::migrate::{Migrate, MigrateError, Migration, MigrationType};
use sqlx::{Executor, PgConnection, SqlStr};
use store_codec::{SchemaStep, schema_steps, timed};

use crate::database::Database;
use crate::error::{CallError, Failure, unavailable};
use crate::timing::within;

/// Applies and reverts the migrations that are embedded in the program.
pub struct PostgresMigrator {
    database: Database,
}

/// The steps of `migrations/postgres`, in order. Other ones belong to a newer release.
const STEPS: &[SchemaStep] = schema_steps!("postgres":
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

/// The longest that a step waits for a lock on a table, well below the time that a request waits for the store.
const LOCK_TIMEOUT: Duration = Duration::from_secs(1);

/// The pause before a step tries to get its locks again.
const PAUSE: Duration = Duration::from_secs(2);

/// How often a step tries to get its locks: two minutes in all.
const ATTEMPTS: u32 = 40;

impl PostgresMigrator {
    pub(crate) fn new(database: Database) -> Self {
        Self { database }
    }

    /// Changes the schema under sqlx's lock on the database: a second process waits for the first and then has
    /// nothing left to do. The connection serves nothing else and is closed at the end, which always releases the
    /// lock.
    async fn change(&self, change: SchemaChange) -> Result<usize, SchemaError> {
        let mut connection = self.database.connect_without_limit().await.map_err(unavailable)?;
        connection.lock().await.map_err(refused)?;
        // Set after the lock above, for which only other migrators wait.
        let limit = format!("SET lock_timeout = {}", LOCK_TIMEOUT.as_millis());
        connection.execute(sqlx::AssertSqlSafe(limit)).await.map_err(unavailable)?;
        let steps = steps(&mut connection).await.map_err(unavailable)?;
        let versions = change.versions(&steps)?;
        connection.ensure_migrations_table(TABLE).await.map_err(refused)?;
        if let Some(version) = connection.dirty_version(TABLE).await.map_err(refused)? {
            return Err(refused(MigrateError::Dirty(version)).into());
        }
        for version in &versions {
            execute(&mut connection, change, *version).await.map_err(refused)?;
        }
        Ok(versions.len())
    }

    async fn read_steps(&self) -> Result<Vec<MigrationStep>, CallError> {
        let mut connection = self.database.connect().await?;
        Ok(steps(&mut connection).await?)
    }
}

#[async_trait]
impl SchemaMigrator for PostgresMigrator {
    #[tracing::instrument(name = "db.migrate_up", skip_all)]
    async fn up(&self) -> Result<usize, SchemaError> {
        timed("migrate", self.change(SchemaChange::Up)).await
    }

    #[tracing::instrument(name = "db.migrate_down", skip_all, fields(count))]
    async fn down(&self, count: usize) -> Result<usize, SchemaError> {
        timed("migrate", self.change(SchemaChange::Down { count })).await
    }

    #[tracing::instrument(name = "db.migration_status", skip_all)]
    async fn status(&self) -> Result<Vec<MigrationStep>, StoreError> {
        within(self.database.timeout(), "migration_status", self.read_steps()).await
    }
}

/// Applies or reverts one step; tries again while other transactions hold the locks that it needs.
async fn execute(
    connection: &mut PgConnection,
    change: SchemaChange,
    version: i64,
) -> Result<(), MigrateError> {
    let mut attempt = 1;
    loop {
        let outcome = match change {
            SchemaChange::Up => unlocked::apply(connection, &find(version, true)?).await,
            SchemaChange::Down { .. } => connection.revert(TABLE, &find(version, false)?).await.map(drop),
        };
        match outcome {
            Err(error) if attempt < ATTEMPTS && is_lock_timeout(&error) => {
                tracing::warn!(
                    version,
                    attempt,
                    "a step of the schema waits for a transaction that locks its table"
                );
                tokio::time::sleep(PAUSE).await;
                attempt += 1;
            }
            outcome => return outcome,
        }
    }
}

/// Whether a lock was not available in time: `lock_not_available` of
/// <https://www.postgresql.org/docs/current/errcodes-appendix.html>, or `deadlock_detected`.
fn is_lock_timeout(error: &MigrateError) -> bool {
    let (MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _)) = error else {
        return false;
    };
    let code = error.as_database_error().and_then(sqlx::error::DatabaseError::code);
    matches!(code.as_deref(), Some("55P03" | "40P01"))
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
async fn steps(connection: &mut PgConnection) -> Result<Vec<MigrationStep>, sqlx::Error> {
    let known = STEPS.iter().map(|step| file(step, true));
    let known = known.map(|up| (up.version, up.description.to_string(), up.checksum.to_vec()).into());
    Ok(MigrationStep::compare(known, applied(connection).await?))
}

/// What the database records of each step that was applied to it.
async fn applied(connection: &mut PgConnection) -> Result<Vec<RecordedStep>, sqlx::Error> {
    let has_table: bool = sqlx::query_scalar("SELECT to_regclass($1) IS NOT NULL")
        .bind(TABLE)
        .fetch_one(&mut *connection)
        .await?;
    if !has_table {
        return Ok(Vec::new());
    }
    let rows: Vec<(i64, String, Vec<u8>)> =
        sqlx::query_as("SELECT version, description, checksum FROM _sqlx_migrations WHERE success")
            .fetch_all(connection)
            .await?;
    Ok(rows.into_iter().map(RecordedStep::from).collect())
}

fn refused(error: MigrateError) -> StoreError {
    unavailable(Failure::Migration(Arc::new(error)))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use sqlx::migrate::Migrator;

    use super::*;

    #[tokio::test]
    async fn the_embedded_steps_are_those_that_sqlx_reads_in_the_folder() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../migrations/postgres");
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
