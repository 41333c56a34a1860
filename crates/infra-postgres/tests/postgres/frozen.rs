//! Databases that earlier releases wrote.

use std::fs;

use infra_postgres::PostgresStore;
use sqlx::{AssertSqlSafe, Executor};
use store_contract::frozen::{SCHEMAS, assert_works_on, path};

use crate::database::TestDatabase;
use crate::harness::PostgresHarness;

#[tokio::test]
async fn databases_of_every_earlier_schema_are_migrated_and_read() {
    for schema in SCHEMAS {
        let database = TestDatabase::create().await;
        let dump = fs::read_to_string(path(&format!("postgres-{schema:04}.sql"))).unwrap();
        database.connect().await.execute(AssertSqlSafe(dump)).await.unwrap();
        let store = PostgresStore::open(&database.settings()).await.unwrap();
        assert_eq!(store.migrator().up().await.unwrap(), 8 - schema as usize);
        assert_works_on(&PostgresHarness { store, database }, schema).await;
    }
}
