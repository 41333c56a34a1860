//! A database for one test.

use std::str::FromStr;
use std::sync::atomic::{AtomicU32, Ordering};

use infra_postgres::PostgresSettings;
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Executor};
use uuid::Uuid;

/// An empty database of its own, dropped with this value.
pub(crate) struct TestDatabase {
    name: String,
    server: PgConnectOptions,
}

impl TestDatabase {
    pub(crate) async fn create() -> Self {
        Self::create_with("").await
    }

    /// One created with `options` of `CREATE DATABASE`.
    pub(crate) async fn create_with(options: &str) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let server = server();
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let id = Uuid::now_v7().simple();
        let name = format!("undertone_test_{}_{count}_{id}", std::process::id());
        let mut connection = server.connect().await.expect("the server of TEST_DATABASE_URL answers");
        connection.execute(AssertSqlSafe(format!("CREATE DATABASE {name} {options}"))).await.unwrap();
        connection.close().await.unwrap();
        Self { name, server }
    }

    pub(crate) fn settings(&self) -> PostgresSettings {
        PostgresSettings::new(self.options().to_url_lossy())
    }

    /// The settings for the database through another port of the loopback address.
    pub(crate) fn settings_through(&self, port: u16) -> PostgresSettings {
        PostgresSettings::new(self.options().host("127.0.0.1").port(port).to_url_lossy())
    }

    /// Host and port of the server.
    pub(crate) fn address(&self) -> (String, u16) {
        (self.server.get_host().to_owned(), self.server.get_port())
    }

    /// A connection beside the store.
    pub(crate) async fn connect(&self) -> PgConnection {
        self.options().connect().await.unwrap()
    }

    /// Changes a setting of the database for later connections.
    pub(crate) async fn set(&self, setting: &str) {
        self.set_over(&mut self.connect().await, setting).await;
    }

    /// The same over an open connection.
    pub(crate) async fn set_over(&self, connection: &mut PgConnection, setting: &str) {
        let sql = format!("ALTER DATABASE {} SET {setting}", self.name);
        connection.execute(AssertSqlSafe(sql)).await.unwrap();
    }

    fn options(&self) -> PgConnectOptions {
        self.server.clone().database(&self.name)
    }
}

impl Drop for TestDatabase {
    /// On a thread with a runtime of its own, as that of the test may be busy or gone.
    fn drop(&mut self) {
        let (server, name) = (self.server.clone(), self.name.clone());
        let drop_database = move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                if let Ok(mut connection) = server.connect().await {
                    let sql = format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)");
                    // A database that remains is no failure of the test.
                    let _ = connection.execute(AssertSqlSafe(sql)).await;
                }
            });
        };
        let _ = std::thread::spawn(drop_database).join();
    }
}

#[expect(clippy::disallowed_methods, reason = "the address of the tests' server is a variable")]
fn server() -> PgConnectOptions {
    let url = std::env::var("TEST_DATABASE_URL").expect(
        "TEST_DATABASE_URL names no PostgreSQL for the tests: run `cargo xtask test`, which starts one",
    );
    PgConnectOptions::from_str(&url).expect("TEST_DATABASE_URL is the URL of a PostgreSQL database")
}
