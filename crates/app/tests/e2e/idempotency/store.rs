use std::fs;
use std::path::{Path, PathBuf};

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection, Executor};
use tempfile::TempDir;

use crate::database::{Database, run};
use crate::undertone::{Undertone, wait_for};

const SQLITE: &str = "sqlite:undertone.db";

/// The store of a test.
pub(super) struct Store {
    folder: TempDir,
    /// None for SQLite.
    database: Option<Database>,
}

impl Store {
    pub(super) fn sqlite() -> Self {
        Self { folder: TempDir::new().unwrap(), database: None }
    }

    pub(super) fn postgres() -> Self {
        Self { database: Some(Database::create()), ..Self::sqlite() }
    }

    /// Starts the program on the store.
    pub(super) fn start(&self, settings: &[&str]) -> Undertone {
        let url = self.database.as_ref().map_or_else(|| SQLITE.to_owned(), Database::url);
        Undertone::start(self.folder.path(), &url, settings)
    }

    /// Starts the program, which ends at `step` as by `kill -9`.
    pub(super) fn start_and_abort_at(&self, step: &str) -> Undertone {
        self.start(&[&format!("faults.at={step}"), "faults.action=abort"])
    }

    /// Starts the program, whose first request with a key stalls at `step` until [`Self::resume`].
    pub(super) fn start_and_stall_at(&self, step: &str, settings: &[&str]) -> Undertone {
        let stalls = self.stalls();
        drop(fs::remove_file(&stalls));
        let (at, until) = (format!("faults.at={step}"), format!("faults.stall_until={}", stalls.display()));
        self.start(&[&[at.as_str(), "faults.action=stall", until.as_str()], settings].concat())
    }

    /// Ends the stalls.
    pub(super) fn resume(&self) {
        fs::write(self.stalls(), "").unwrap();
    }

    /// The file whose existence ends the stalls.
    fn stalls(&self) -> PathBuf {
        self.folder.path().join("resume")
    }

    /// Waits until a request is being answered.
    pub(super) fn wait_for_claim(&self) {
        const UNANSWERED: &str = "SELECT count(*) FROM idempotency_keys WHERE answer IS NULL";
        let unanswered = || match &self.database {
            None => {
                let options = sqlite(self.folder.path());
                run(async move {
                    let mut connection = options.connect().await.unwrap();
                    sqlx::query_scalar(UNANSWERED).fetch_one(&mut connection).await.unwrap()
                })
            }
            Some(database) => database.fetch_one::<(i64,)>(UNANSWERED).0,
        };
        wait_for("the claim", || (unanswered() == 1).then_some(()));
    }

    /// Ends the leases of all requests that are being answered.
    pub(super) fn end_leases(&self) {
        match &self.database {
            None => {
                let options = sqlite(self.folder.path());
                run(async move {
                    let mut connection = options.connect().await.unwrap();
                    let end = "UPDATE idempotency_keys SET lease_ends_at = 0 WHERE answer IS NULL";
                    connection.execute(end).await.unwrap();
                    connection.close().await.unwrap();
                });
            }
            Some(database) => {
                let end =
                    "UPDATE idempotency_keys SET lease_ends_at = clock_timestamp() WHERE answer IS NULL";
                database.execute_inside(end.to_owned());
            }
        }
    }
}

fn sqlite(folder: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new().filename(folder.join("undertone.db"))
}
