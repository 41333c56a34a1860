//! A PostgreSQL database for one test.

use std::str::FromStr;
use std::sync::atomic::{AtomicU32, Ordering};

use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Executor, SqlSafeStr};

/// An empty database, dropped at the end of the test.
pub(crate) struct Database {
    name: String,
    admin: PgConnectOptions,
}

static COUNTER: AtomicU32 = AtomicU32::new(0);

impl Database {
    pub(crate) fn create() -> Self {
        #[expect(clippy::disallowed_methods, reason = "the test runner names the server in this variable")]
        let url = std::env::var("TEST_DATABASE_URL")
            .expect("TEST_DATABASE_URL names a PostgreSQL for tests; `cargo xtask test` brings one");
        let admin = PgConnectOptions::from_str(&url).expect("TEST_DATABASE_URL is a PostgreSQL URL");
        let name = format!("e2e_{}_{}", std::process::id(), COUNTER.fetch_add(1, Ordering::Relaxed));
        let database = Self { name, admin };
        database.execute(format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", database.name));
        database.execute(format!("CREATE DATABASE {}", database.name));
        database
    }

    /// The database's address.
    pub(crate) fn url(&self) -> String {
        self.url_through(&format!("{}:{}", self.admin.get_host(), self.admin.get_port()))
    }

    /// The database's address through a proxy.
    pub(crate) fn url_through(&self, proxy: &str) -> String {
        self.admin.clone().database(&self.name).to_url_lossy().to_string().replacen(
            &format!("{}:{}", self.admin.get_host(), self.admin.get_port()),
            proxy,
            1,
        )
    }

    /// Returns the one row of `statement`.
    pub(crate) fn fetch_one<T>(&self, statement: &'static str) -> T
    where
        T: for<'r> sqlx::FromRow<'r, sqlx::postgres::PgRow> + Send + Unpin + 'static,
    {
        self.fetch_one_of(statement)
    }

    /// Returns the one row of `statement`, which the test has composed.
    pub(crate) fn fetch_one_of<T>(&self, statement: impl SqlSafeStr + Send + 'static) -> T
    where
        T: for<'r> sqlx::FromRow<'r, sqlx::postgres::PgRow> + Send + Unpin + 'static,
    {
        let options = self.admin.clone().database(&self.name);
        run(async move {
            let mut connection = options.connect().await.expect("the test PostgreSQL answers");
            let row = sqlx::query_as(statement).fetch_one(&mut connection).await.expect("a row");
            connection.close().await.expect("closed");
            row
        })
    }

    /// The address of the server.
    pub(crate) fn server(&self) -> String {
        format!("{}:{}", self.admin.get_host(), self.admin.get_port())
    }

    /// Executes statements in the database.
    pub(crate) fn execute_inside(&self, statements: String) {
        execute(self.admin.clone().database(&self.name), statements);
    }

    fn execute(&self, statement: String) {
        execute(self.admin.clone(), statement);
    }
}

fn execute(options: PgConnectOptions, statements: String) {
    run(async move {
        let mut connection = options.connect().await.expect("the test PostgreSQL answers");
        connection.execute(AssertSqlSafe(statements)).await.expect("the statement is done");
        connection.close().await.expect("closed");
    });
}

impl Drop for Database {
    fn drop(&mut self) {
        self.execute(format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name));
    }
}

/// Runs a future on a new thread, because the caller may be in a runtime.
pub(crate) fn run<T: Send + 'static>(future: impl Future<Output = T> + Send + 'static) -> T {
    let work = move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(future)
    };
    std::thread::spawn(work).join().expect("done")
}
