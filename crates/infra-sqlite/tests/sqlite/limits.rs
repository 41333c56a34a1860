use std::time::{Duration, Instant};

use crate::samples::events;
use application::ports::{ClaimOutcome, StoreError, StoredAnswer, UnitOfWork};
use domain::entities::{Tenant, TenantStatus};
use domain::value_objects::{Limits, RequestDigest, TenantId, Timestamp};
use infra_sqlite::{OpenError, SqliteSettings, SqliteStore};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Executor};
use store_contract::StoreHarness;
use store_contract::samples::{entry, idempotency_key, key, key_id, tenant};

use crate::harness::{SqliteHarness, url};
use crate::samples::{delete, has, insert, prediction, prediction_of};

fn is_unavailable(outcome: &Result<(), StoreError>) -> bool {
    matches!(outcome, Err(StoreError::Unavailable { .. }))
}

/// Inserts predictions until the store is full; returns the number of the first that did not fit.
async fn fill(store: &SqliteStore, chars: usize) -> u32 {
    for number in 0.. {
        let outcome = insert(store, &[prediction_of(number, chars)]).await;
        if outcome.is_err() {
            assert!(is_unavailable(&outcome));
            return number;
        }
    }
    unreachable!()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_store_can_be_read_and_accepts_new_rows_once_some_are_deleted() {
    let harness = SqliteHarness::start_with(|settings| settings.max_size_bytes = Some(1 << 20)).await;
    let store = &harness.store;
    for chars in [2_000, 10] {
        let full_at = fill(store, chars).await;
        assert!(full_at > 10);
        assert!(is_unavailable(&insert(store, &[prediction_of(full_at, chars)]).await));
        assert!(has(store, &prediction_of(0, chars)).await);
        assert!(!has(store, &prediction_of(full_at, chars)).await);
        let health = store.health();
        assert!(health.check().await.is_err() && health.is_vital());

        for number in 0..full_at {
            delete(store, &prediction_of(number, chars)).await.unwrap();
        }
        publish_and_purge(store).await;
        insert(store, &[prediction_of(full_at, chars)]).await.unwrap();
        assert!(has(store, &prediction_of(full_at, chars)).await);
        health.check().await.unwrap();
        delete(store, &prediction_of(full_at, chars)).await.unwrap();
        publish_and_purge(store).await;
    }
}

/// Does the relay's work: otherwise the events would fill the store.
async fn publish_and_purge(store: &SqliteStore) {
    let waiting = events(store).await;
    let purged = store.outbox().purge(Duration::ZERO, 1_000_000).await.unwrap();
    assert_eq!(purged, waiting.len() as u64);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_delete_succeeds_beside_inserts_that_do_not_fit() {
    let harness = SqliteHarness::start_with(|settings| settings.max_size_bytes = Some(1 << 20)).await;
    let store = &harness.store;
    let full_at = fill(store, 10).await;
    let big = prediction_of(full_at, 100_000);
    for number in 0..20 {
        let gone = prediction_of(number, 10);
        let (too_much, deleted) =
            tokio::join!(insert(store, std::slice::from_ref(&big)), delete(store, &gone));
        assert!(is_unavailable(&too_much));
        deleted.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_store_refuses_callers_and_deletes_with_lines_of_the_audit() {
    let harness = SqliteHarness::start_with(|settings| settings.max_size_bytes = Some(1 << 20)).await;
    let (store, ann, now) = (&harness.store, tenant("ann"), Timestamp::from_micros(0));
    let commit = async |record: &dyn Fn(&mut UnitOfWork)| {
        let mut work = UnitOfWork::of(&ann);
        record(&mut work);
        work.audit(entry(Some(&ann), "a change"));
        store.writes().commit(work).await
    };
    let (active, disabled) = (TenantStatus::Active, TenantStatus::Disabled);
    let limits = Limits::default();
    let added = Tenant { id: ann.clone(), status: active, limits, created_at: now };
    commit(&|work| work.insert_tenant(added.clone())).await.unwrap();
    commit(&|work| work.insert_key(key(&ann, 0))).await.unwrap();
    let full_at = fill(store, 10).await;
    let mut keys = 1;
    while commit(&|work| work.insert_key(key(&ann, keys))).await.is_ok() {
        keys += 1;
    }
    assert!(is_unavailable(&commit(&|work| work.insert_key(key(&ann, keys))).await));
    // Lines about nothing that the set itself changes do not use the reserve either.
    while commit(&|_| ()).await.is_ok() {}

    commit(&|work| work.revoke_key(key_id(0), now)).await.unwrap();
    commit(&|work| work.set_tenant_status(active, disabled)).await.unwrap();
    let mut deletion = UnitOfWork::of(&TenantId::default());
    deletion.delete(prediction_of(0, 10).id());
    deletion.audit(entry(None, "a deletion"));
    store.writes().commit(deletion).await.unwrap();
    while store.tenants().erase_rows(&TenantId::default(), 100).await.unwrap() > 0 {}
    insert(store, &[prediction_of(full_at + 1, 10)]).await.unwrap();
    commit(&|work| work.insert_key(key(&ann, keys))).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_store_grants_no_claims_but_returns_answers_and_releases_keys() {
    let harness = SqliteHarness::start_with(|settings| settings.max_size_bytes = Some(1 << 20)).await;
    let (store, default) = (&harness.store, TenantId::default());
    let claim = async |number: u32| {
        let (key, digest) = (idempotency_key(&format!("key {number}")), RequestDigest::from_bytes([1; 32]));
        store.idempotency().claim(&default, &key, &digest, Duration::from_hours(1)).await
    };
    let complete = async |number: u32| {
        let ClaimOutcome::Claimed(claim) = claim(number).await? else { panic!("the key is free") };
        let mut work = UnitOfWork::of(&default);
        work.complete(claim, StoredAnswer { items: Vec::new() });
        store.writes().commit(work).await
    };
    complete(0).await.unwrap();
    let ClaimOutcome::Claimed(released) = claim(1).await.unwrap() else { panic!("the key is free") };
    fill(store, 10).await;
    let mut number = 2;
    while complete(number).await.is_ok() {
        number += 1;
    }
    while claim(number + 1).await.is_ok() {
        number += 1;
    }
    store.idempotency().release(&default, &released).await.unwrap();
    assert!(matches!(claim(0).await, Ok(ClaimOutcome::Answered(_))));
    assert!(store.idempotency().purge(Duration::ZERO, 10_000).await.unwrap() > 0);
    complete(0).await.unwrap();
}

#[tokio::test]
async fn a_read_only_store_reads_and_refuses_to_write() {
    let harness = SqliteHarness::start().await;
    insert(&harness.store, &[prediction(1)]).await.unwrap();
    let store = harness.open_again("?mode=ro").await;
    for _ in 0..2 {
        assert!(is_unavailable(&insert(&store, &[prediction(2)]).await));
        assert!(is_unavailable(&delete(&store, &prediction(1)).await));
        assert!(has(&store, &prediction(1)).await);
    }
    assert!(store.leases().acquire("relay", "me", Duration::from_secs(1)).await.is_err());
    assert_eq!(store.migrator().up().await.unwrap(), 0);
    assert!(store.migrator().down(1).await.is_err());
}

#[tokio::test]
async fn a_store_for_reading_only_degrades_the_service_and_one_that_cannot_be_read_fails_it() {
    let harness = SqliteHarness::start().await;
    let store = harness.open_again("?mode=ro").await;
    let health = store.health();
    assert!(health.check().await.is_err());
    assert!(!health.is_vital());

    let mut other = SqliteConnectOptions::new().filename(harness.store.path()).connect().await.unwrap();
    other.execute("ALTER TABLE predictions RENAME TO elsewhere").await.unwrap();
    assert!(health.check().await.is_err());
    assert!(health.is_vital());
}

#[tokio::test]
async fn a_store_that_cannot_be_written_is_unhealthy_until_it_can() {
    let harness = SqliteHarness::start_with(|settings| settings.timeout = Duration::from_millis(300)).await;
    let health = harness.store.health();
    health.check().await.unwrap();
    let mut other = SqliteConnectOptions::new().filename(harness.store.path()).connect().await.unwrap();
    other.execute("BEGIN IMMEDIATE").await.unwrap();
    assert!(is_unavailable(&insert(&harness.store, &[prediction(1)]).await));
    let start = Instant::now();
    // The caller and the writer time out at the same moment.
    while health.check().await.is_ok() {
        assert!(start.elapsed() < Duration::from_mins(1));
    }
    assert!(health.is_vital());
    other.execute("ROLLBACK").await.unwrap();
    while health.check().await.is_err() {
        assert!(start.elapsed() < Duration::from_mins(1));
    }
}

#[tokio::test]
async fn health_checks_of_a_healthy_store_leave_nothing_and_write_rarely() {
    let harness = SqliteHarness::start().await;
    let store = &harness.store;
    let mut other = SqliteConnectOptions::new().filename(store.path()).connect().await.unwrap();
    // Changes with every commit of another connection.
    let mut version =
        async || -> i64 { sqlx::query_scalar("PRAGMA data_version").fetch_one(&mut other).await.unwrap() };
    insert(store, &[prediction(1)]).await.unwrap();
    let before = version().await;
    for _ in 0..20 {
        store.health().check().await.unwrap();
    }
    // A probe is due a few seconds after a committed write; twenty checks take far less.
    assert!(version().await - before <= 1);
    let leases: i64 = {
        let mut other = SqliteConnectOptions::new().filename(store.path()).connect().await.unwrap();
        sqlx::query_scalar("SELECT count(*) FROM leases").fetch_one(&mut other).await.unwrap()
    };
    assert_eq!(leases, 0);
}

#[tokio::test]
async fn a_missing_file_is_not_created_where_nothing_may_be_written() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("none/undertone.db");
    let settings = SqliteSettings::new(format!("{}?mode=ro", url(&file)));
    let error = SqliteStore::open(&settings).await.err().unwrap();
    assert!(matches!(&error, OpenError::Open { path, .. } if *path == file), "{error}");
    assert!(!file.parent().unwrap().exists());
}

#[tokio::test]
async fn a_url_of_another_kind_is_refused() {
    for bad in ["postgres://localhost/db", "sqlite:file.db?mode=sometimes", "sqlite:file.db?what=1"] {
        let error = SqliteStore::open(&SqliteSettings::new(bad)).await.err().unwrap();
        assert!(matches!(error, OpenError::Url(_)), "{bad}: {error}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_locked_database_is_unavailable_within_the_timeout_and_then_works_again() {
    let timeout = Duration::from_millis(300);
    let harness = SqliteHarness::start_with(|settings| settings.timeout = timeout).await;
    let store = &harness.store;
    let options = SqliteConnectOptions::new().filename(store.path());
    let mut other = options.connect().await.unwrap();
    other.execute("BEGIN IMMEDIATE").await.unwrap();

    let start = Instant::now();
    assert!(is_unavailable(&insert(store, &[prediction(1)]).await));
    assert!(start.elapsed() < timeout * 3);
    assert!(!has(store, &prediction(1)).await);

    other.execute("ROLLBACK").await.unwrap();
    let mut outcome = insert(store, &[prediction(2)]).await;
    while is_unavailable(&outcome) && start.elapsed() < timeout * 20 {
        outcome = insert(store, &[prediction(2)]).await;
    }
    assert!(has(store, &prediction(2)).await);
}

#[tokio::test]
async fn an_unreadable_row_is_corrupt_and_names_its_column() {
    let harness = SqliteHarness::start().await;
    insert(&harness.store, &[prediction(1)]).await.unwrap();
    let options = SqliteConnectOptions::new().filename(harness.store.path());
    let mut other = options.connect().await.unwrap();
    for (change, expected) in [
        ("UPDATE predictions SET metadata = '[1]'", "metadata"),
        ("UPDATE predictions SET metadata = '{}', labels = '{}'", "labels"),
        ("UPDATE predictions SET labels = '[]', tokens = 5000000000", "tokens"),
        ("UPDATE predictions SET tokens = 1, ref = char(10)", "ref"),
    ] {
        other.execute(change).await.unwrap();
        let (tenant, predictions) = (TenantId::default(), harness.predictions());
        let found = predictions.find(&tenant, prediction(1).id()).await;
        let Err(StoreError::Corrupt { table, column, id }) = found else { panic!("{expected} was read") };
        assert_eq!((table, column, id), ("predictions", expected, prediction(1).id().to_string()));
    }
}
