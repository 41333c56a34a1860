//! Fills a store with made-up predictions, for tests and measurements at size; `cargo xtask seed` builds and runs it.
//!
//! ```text
//! cargo run --release -p app --example seed -- --rows 1000000 --store sqlite:data/undertone.db
//! ```
//!
//! The schema is migrated as `undertone migrate up` does, and the rows are written by the store's own writer, as those
//! of the service are. They are added to existing rows.

#![cfg_attr(test, expect(clippy::unwrap_used, clippy::expect_used, reason = "tests"))]

use std::error::Error;
use std::sync::Arc;
use std::time::{Duration, Instant};

use application::ports::{Clock, SchemaMigrator, WriteStore};
use clap::Parser;
use infra_local::SystemClock;
use infra_postgres::{PostgresSettings, PostgresStore};
use infra_sqlite::{SqliteSettings, SqliteStore};
use sqlx::{ConnectOptions, Connection, Executor, postgres::PgConnectOptions};
use store_contract::seed::{Seed, fill};

/// Fills a store with made-up predictions.
#[derive(Debug, Parser)]
struct Arguments {
    /// Number of predictions to add
    #[arg(long)]
    rows: u64,
    /// Database: sqlite:FILE or postgres://…
    #[arg(long, value_name = "URL")]
    store: String,
    /// Number of days before now that their times span
    #[arg(long, default_value_t = 90)]
    days: u32,
    /// Seed of the random numbers: the same seed gives the same rows, except for their times
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

type Failure = Box<dyn Error + Send + Sync>;

/// The longest that one commit may take: the index of terms is slow on a busy machine.
const TIMEOUT: Duration = Duration::from_mins(5);

#[tokio::main]
async fn main() -> Result<(), Failure> {
    run(&Arguments::parse()).await
}

async fn run(arguments: &Arguments) -> Result<(), Failure> {
    if arguments.store.starts_with("sqlite:") {
        let settings = SqliteSettings { timeout: TIMEOUT, ..SqliteSettings::new(&arguments.store) };
        let store = SqliteStore::open(&settings).await?;
        let filled = seed(&store.migrator(), &store.writes(), arguments).await;
        store.close().await;
        filled
    } else {
        // A server that may lose the made-up rows is good enough.
        let settings = PostgresSettings::new(&arguments.store);
        let settings = PostgresSettings { timeout: TIMEOUT, allow_unsafe: true, ..settings };
        let store = PostgresStore::open(&settings).await?;
        let filled = seed(&store.migrator(), &store.writes(), arguments).await;
        store.close().await;
        filled?;
        settle(&arguments.store).await
    }
}

async fn seed(
    migrator: &Arc<dyn SchemaMigrator>,
    writes: &Arc<dyn WriteStore>,
    arguments: &Arguments,
) -> Result<(), Failure> {
    migrator.up().await?;
    let (rows, days, start) = (arguments.rows, arguments.days, arguments.seed);
    let begun = Instant::now();
    let report = |stored: u64| {
        if stored.is_multiple_of(100_000) || stored == rows {
            eprintln!("seed: {stored} of {rows} rows after {:.1} s", begun.elapsed().as_secs_f64());
        }
    };
    fill(writes, &Seed { rows, days, until: SystemClock.now(), start }, report).await?;
    Ok(())
}

/// Does now what PostgreSQL's autovacuum would do within minutes, so that it does not run during a measurement.
async fn settle(url: &str) -> Result<(), Failure> {
    let mut connection = url.parse::<PgConnectOptions>()?.connect().await?;
    connection.execute("VACUUM (ANALYZE) predictions").await?;
    connection.close().await?;
    Ok(())
}

#[cfg(test)]
#[path = "../tests/e2e/database.rs"]
#[expect(dead_code, reason = "the end-to-end tests use more of it")]
mod database;

#[cfg(test)]
mod tests {
    use application::ports::{PredictionFilter, PredictionReadModel};
    use domain::value_objects::TenantId;

    use super::*;

    async fn filled(store: &str) {
        let arguments = ["seed", "--rows", "1000", "--store", store];
        run(&Arguments::parse_from(arguments)).await.unwrap();
        run(&Arguments::parse_from([&arguments[..], &["--seed", "2"]].concat())).await.unwrap();
    }

    async fn has_two_thousand_rows(predictions: Arc<dyn PredictionReadModel>) {
        let everything = PredictionFilter::default();
        let page = predictions.list(&TenantId::default(), &everything, None, 3_000).await.unwrap();
        assert_eq!(page.items.len(), 2_000);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_sqlite_file_is_created_filled_and_filled_again() {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}", folder.path().join("data/undertone.db").display());
        filled(&url).await;
        let store = SqliteStore::open(&SqliteSettings::new(url)).await.unwrap();
        has_two_thousand_rows(store.predictions()).await;
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_postgresql_database_is_filled_and_filled_again() {
        let database = database::Database::create();
        filled(&database.url()).await;
        let store = PostgresStore::open(&PostgresSettings::new(database.url())).await.unwrap();
        has_two_thousand_rows(store.predictions()).await;
        store.close().await;
    }
}
