#![expect(clippy::unwrap_used, reason = "tests")]

use super::*;
use crate::settings::SqliteSettings;

async fn session(file: &tempfile::TempDir, max_size_bytes: Option<u64>) -> Session {
    let url = format!("sqlite:{}", file.path().join("undertone.db").display());
    let database = Database::from_settings(&SqliteSettings::new(url)).unwrap();
    let connection = database.first_writing().await.unwrap();
    Session::new(database, connection, max_size_bytes)
}

async fn pragma(session: &mut Session, pragma: &'static str) -> String {
    let connection = session.begin(Room::Normal, Flush::AtCommit).await.unwrap();
    let sql = format!("SELECT CAST({pragma} AS TEXT) FROM pragma_{pragma}");
    let value = sqlx::query_scalar(AssertSqlSafe(sql)).fetch_one(connection).await.unwrap();
    session.end(Ok::<_, sqlx::Error>(value)).await.unwrap()
}

#[tokio::test]
async fn the_writer_logs_ahead_and_flushes_every_commit_to_the_disk() {
    let folder = tempfile::tempdir().unwrap();
    let mut session = session(&folder, None).await;
    // Once on the first connection, once on its replacement.
    for _ in 0..2 {
        assert_eq!(pragma(&mut session, "journal_mode").await, "wal");
        assert_eq!(pragma(&mut session, "synchronous").await, "2");
        assert_eq!(pragma(&mut session, "foreign_keys").await, "1");
        session.connection = None;
    }
}

#[tokio::test]
async fn a_transaction_is_flushed_at_its_commit_unless_it_asks_otherwise() {
    let folder = tempfile::tempdir().unwrap();
    let mut session = session(&folder, None).await;
    let level = async |session: &mut Session, flush| {
        let script = QueryBuilder::new("BEGIN; SELECT synchronous FROM pragma_synchronous; COMMIT");
        let rows = session.run(Room::Normal, flush, script).await.unwrap();
        sqlx::Row::get::<i64, _>(&rows[0], 0)
    };
    for _ in 0..3 {
        assert_eq!(level(&mut session, Flush::WithLaterCommit).await, 1);
        assert_eq!(level(&mut session, Flush::AtCommit).await, 2);
        assert_eq!(level(&mut session, Flush::WithLaterCommit).await, 1);
        assert_eq!(pragma(&mut session, "synchronous").await, "2");
        level(&mut session, Flush::WithLaterCommit).await;
        session.connection = None;
        assert_eq!(pragma(&mut session, "synchronous").await, "2");
    }
}

#[tokio::test]
async fn a_replacement_connection_has_the_size_limit_as_well() {
    let folder = tempfile::tempdir().unwrap();
    let mut session = session(&folder, Some(1 << 20)).await;
    session.begin(Room::Normal, Flush::AtCommit).await.unwrap();
    // A second transaction inside the first is refused, and the session discards its connection.
    assert!(session.begin(Room::Normal, Flush::AtCommit).await.is_err());
    let connection = session.begin(Room::Normal, Flush::AtCommit).await.unwrap();
    let pages: i64 = sqlx::query_scalar("PRAGMA max_page_count").fetch_one(connection).await.unwrap();
    assert_eq!(pages, 256 - 16);
    session.end(Ok::<_, sqlx::Error>(())).await.unwrap();
    let connection = session.begin(Room::WithReserve, Flush::AtCommit).await.unwrap();
    let pages: i64 = sqlx::query_scalar("PRAGMA max_page_count").fetch_one(connection).await.unwrap();
    assert_eq!(pages, 256);
}

#[tokio::test]
async fn after_a_failed_transaction_the_session_works() {
    let folder = tempfile::tempdir().unwrap();
    let mut session = session(&folder, None).await;
    let connection = session.begin(Room::Normal, Flush::AtCommit).await.unwrap();
    connection.execute("CREATE TABLE gone (a)").await.unwrap();
    let failed: Result<(), _> = session.end(Err(sqlx::Error::WorkerCrashed)).await;
    assert!(failed.is_err());
    // As after an error upon which SQLite rolls back by itself: there is nothing left to roll back.
    let connection = session.begin(Room::Normal, Flush::AtCommit).await.unwrap();
    connection.execute("ROLLBACK").await.unwrap();
    assert!(session.end(Ok::<_, sqlx::Error>(())).await.is_err());
    let connection = session.begin(Room::Normal, Flush::AtCommit).await.unwrap();
    assert!(connection.execute("SELECT a FROM gone").await.is_err());
    connection.execute("CREATE TABLE there (a)").await.unwrap();
    session.end(Ok::<_, sqlx::Error>(())).await.unwrap();
}
