//! Which servers are accepted, and with which settings.

use std::error::Error;
use std::time::{Duration, Instant};

use infra_postgres::{OpenError, PostgresSettings, PostgresStore, UnfitServer};
use store_contract::StoreHarness;
use store_contract::samples::Samples;

use crate::database::TestDatabase;
use crate::harness::{PostgresHarness, insert};

/// A setting of the writer's connection.
async fn setting_of_the_writer(setting: &str) -> String {
    value_and_source(setting).await.0
}

/// A setting of the writer's connection, and its source.
async fn value_and_source(setting: &str) -> (String, String) {
    let url_option = |settings: &mut PostgresSettings| settings.timeout = Duration::from_millis(4_500);
    let store = PostgresHarness::start_with(url_option).await;
    // The value is read by a trigger within the store's own transaction.
    let mut beside = store.database.connect().await;
    sqlx::raw_sql(
        "CREATE TABLE seen (name text, value text, source text); \
         CREATE FUNCTION see() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
         INSERT INTO seen SELECT name, setting, source FROM pg_settings; RETURN NULL; END $$; \
         CREATE TRIGGER see AFTER INSERT ON predictions FOR EACH STATEMENT EXECUTE FUNCTION see()",
    )
    .execute(&mut beside)
    .await
    .unwrap();
    insert(&store.writes(), &[Samples::new().one()]).await.unwrap();
    sqlx::query_as("SELECT value, source FROM seen WHERE name = $1")
        .bind(setting)
        .fetch_one(&mut beside)
        .await
        .unwrap()
}

#[tokio::test]
async fn write_sets_are_committed_synchronously() {
    assert_eq!(setting_of_the_writer("synchronous_commit").await, "on");
    assert_eq!(setting_of_the_writer("fsync").await, "on");
}

#[tokio::test]
async fn plans_are_not_compiled() {
    assert_eq!(setting_of_the_writer("jit").await, "off");
}

#[tokio::test]
async fn the_server_ends_abandoned_statements_and_transactions() {
    for setting in ["statement_timeout", "idle_in_transaction_session_timeout"] {
        // Not `client`: start-up parameters do not pass PgBouncer.
        assert_eq!(value_and_source(setting).await, ("4500".into(), "session".into()), "{setting}");
    }
}

#[tokio::test]
async fn the_store_sets_its_application_name() {
    assert_eq!(setting_of_the_writer("application_name").await, "undertone");
}

#[tokio::test]
async fn a_server_that_does_not_wait_for_the_disk_is_refused() {
    let database = TestDatabase::create().await;
    database.set("synchronous_commit = off").await;
    let refused = PostgresStore::open(&database.settings()).await.err().unwrap();
    assert!(
        matches!(&refused, OpenError::Unfit(UnfitServer::Unsafe { setting: "synchronous_commit" })),
        "{refused}"
    );
}

#[tokio::test]
async fn a_server_that_does_not_wait_for_the_disk_is_accepted_if_that_is_allowed() {
    let database = TestDatabase::create().await;
    database.set("synchronous_commit = off").await;
    let settings = PostgresSettings { allow_unsafe: true, ..database.settings() };
    let store = PostgresStore::open(&settings).await.unwrap();
    assert!(store.migrator().up().await.unwrap() > 0);
}

#[tokio::test]
async fn an_option_of_the_url_cannot_turn_durability_off_unseen() {
    let database = TestDatabase::create().await;
    let mut settings = database.settings();
    let separator = if settings.url.contains('?') { '&' } else { '?' };
    settings.url = format!("{}{separator}options=-c%20synchronous_commit%3Doff", settings.url);
    assert!(matches!(
        PostgresStore::open(&settings).await,
        Err(OpenError::Unfit(UnfitServer::Unsafe { .. }))
    ));
}

#[tokio::test]
async fn a_database_that_cannot_store_every_text_is_refused() {
    let latin = "ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0";
    let database = TestDatabase::create_with(latin).await;
    let refused = PostgresStore::open(&database.settings()).await.err().unwrap();
    assert!(
        matches!(&refused, OpenError::Unfit(UnfitServer::Encoding(encoding)) if encoding == "LATIN1"),
        "{refused}"
    );
}

#[tokio::test]
async fn a_missing_server_is_reported_at_once() {
    let settings = PostgresSettings::new("postgres://somebody:s3cret@127.0.0.1:1/x");
    let started = Instant::now();
    let refused = PostgresStore::open(&settings).await.err().unwrap();
    assert!(matches!(refused, OpenError::Connect { .. }), "{refused}");
    assert!(started.elapsed() < settings.timeout);
    let chain = format!("{refused} {:?} {refused:?}", refused.source().map(ToString::to_string));
    assert!(!chain.contains("s3cret"), "{chain}");
}

#[tokio::test]
async fn a_url_of_another_kind_is_refused() {
    let settings = PostgresSettings::new("postgres://[nowhere");
    assert!(matches!(PostgresStore::open(&settings).await, Err(OpenError::Url(_))));
}
