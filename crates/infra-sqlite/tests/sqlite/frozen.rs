//! Databases that earlier releases wrote.

use std::fs;

use infra_sqlite::{SqliteSettings, SqliteStore};
use store_contract::frozen::{SCHEMAS, assert_cursors, assert_works_on, path};

use crate::harness::{SqliteHarness, url};

#[tokio::test]
async fn databases_of_every_earlier_schema_are_migrated_and_read() {
    for schema in SCHEMAS {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("undertone.db");
        fs::copy(path(&format!("sqlite-{schema:04}.db")), &file).unwrap();
        let store = SqliteStore::open(&SqliteSettings::new(url(&file))).await.unwrap();
        assert_eq!(store.migrator().up().await.unwrap(), 8 - schema as usize);
        assert_works_on(&SqliteHarness { store, folder }, schema).await;
    }
}

#[test]
fn cursors_of_earlier_releases_are_read() {
    assert_cursors();
}
