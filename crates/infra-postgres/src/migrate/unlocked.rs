//! Sequences for steps whose file would read a large table under an exclusive lock.

use sqlx::migrate::{Migrate, MigrateError, Migration};
use sqlx::{Connection, Executor, PgConnection};

use super::TABLE;

/// Applies `step` by its file, or by the sequence with the same result where there is one.
pub(super) async fn apply(connection: &mut PgConnection, step: &Migration) -> Result<(), MigrateError> {
    match step.version {
        4 => add_options(connection, step).await,
        _ => connection.apply(TABLE, step).await.map(drop),
    }
}

/// The columns and checks of `0004_options.up.sql`, under the names that the file gives them.
const ADD_OPTIONS: &str = "ALTER TABLE predictions \
     ADD COLUMN top_k bigint, \
     ADD COLUMN sentences jsonb, \
     ADD CONSTRAINT predictions_top_k_check CHECK (top_k BETWEEN 1 AND 4294967295) NOT VALID, \
     ADD CONSTRAINT predictions_sentences_check CHECK (jsonb_typeof(sentences) = 'array') NOT VALID";

/// Reads the table without blocking readers and writers.
const VALIDATE_OPTIONS: &str = "ALTER TABLE predictions \
     VALIDATE CONSTRAINT predictions_top_k_check, \
     VALIDATE CONSTRAINT predictions_sentences_check";

/// The file adds its columns together with their checks, and PostgreSQL reads every row for such a check, although no
/// row can have a value yet. Here the exclusive lock lasts only for the change of the catalog.
async fn add_options(connection: &mut PgConnection, step: &Migration) -> Result<(), MigrateError> {
    let is_begun: bool = sqlx::query_scalar(
        "SELECT EXISTS (SELECT FROM pg_attribute WHERE attrelid = 'predictions'::regclass \
         AND attname = 'top_k' AND NOT attisdropped)",
    )
    .fetch_one(&mut *connection)
    .await?;
    if !is_begun {
        connection.execute(ADD_OPTIONS).await?;
    }
    let mut transaction = connection.begin().await?;
    transaction.execute(VALIDATE_OPTIONS).await?;
    // Records the step, with the checksum of its file.
    transaction.skip(TABLE, step).await?;
    transaction.commit().await?;
    Ok(())
}
