use sqlx::Connection;

use crate::error::OpenError;
use crate::migrate::TABLE;
use crate::pool::Database;

/// Refuses a database that does not exist, or that this program has never migrated. A file of another program is left
/// as it is, including its journal.
pub(crate) async fn check(database: &Database) -> Result<(), OpenError> {
    let path = database.path();
    if !path.exists() {
        return Err(OpenError::Missing(path.to_owned()));
    }
    match has_tables(database).await {
        Ok(true) => Ok(()),
        Ok(false) => Err(OpenError::NoTables(path.to_owned())),
        Err(reason) => Err(OpenError::Open { path: path.to_owned(), reason }),
    }
}

async fn has_tables(database: &Database) -> Result<bool, sqlx::Error> {
    let mut connection = database.inspecting().await?;
    let found: Option<i64> =
        sqlx::query_scalar("SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = ?1")
            .bind(TABLE)
            .fetch_optional(&mut connection)
            .await?;
    connection.close().await?;
    Ok(found.is_some())
}
