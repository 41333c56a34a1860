//! The audit: forged lines, and lines beside other processes.

use std::sync::Arc;

use application::ports::UnitOfWork;
use domain::value_objects::AuditLine;
use infra_sqlite::{SqliteSettings, SqliteStore};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, Executor, SqliteConnection};
use store_contract::StoreHarness;
use store_contract::chain::{FORGERIES, TestSealer, check_chain};
use store_contract::samples::{entry, tenant};

use crate::harness::{SqliteHarness, url};

async fn beside(harness: &SqliteHarness) -> SqliteConnection {
    SqliteConnectOptions::new().filename(harness.store.path()).connect().await.unwrap()
}

async fn append(harness: &SqliteHarness, target: &str) {
    let ann = tenant("ann");
    let mut work = UnitOfWork::of(&ann);
    work.audit(entry(Some(&ann), target));
    harness.writes().commit(work).await.unwrap();
}

async fn walk(harness: &SqliteHarness) -> Vec<AuditLine> {
    harness.audit().walk(0, 10_000).await.unwrap()
}

#[tokio::test]
async fn changed_removed_and_reordered_lines_break_the_chain() {
    let harness = SqliteHarness::start().await;
    for number in 1..=6 {
        append(&harness, &format!("number {number}")).await;
    }
    assert_eq!(check_chain(&walk(&harness).await), Ok(()));
    let mut beside = beside(&harness).await;
    beside.execute("CREATE TABLE original AS SELECT * FROM audit").await.unwrap();
    for (forgery, first_wrong) in FORGERIES {
        beside.execute(forgery).await.unwrap();
        assert_eq!(check_chain(&walk(&harness).await), Err(first_wrong), "{forgery}");
        beside.execute("DELETE FROM audit; INSERT INTO audit SELECT * FROM original").await.unwrap();
        assert_eq!(check_chain(&walk(&harness).await), Ok(()));
    }
    // The number of appended lines shows what the remaining lines cannot.
    beside.execute("DELETE FROM audit WHERE seq > 4").await.unwrap();
    assert_eq!(check_chain(&walk(&harness).await), Ok(()));
    assert_eq!(harness.audit().appended().await.unwrap(), 6);
}

#[tokio::test]
async fn sealing_may_begin_after_the_first_lines() {
    let mut harness = SqliteHarness::start_with(|settings| settings.audit_sealer = None).await;
    append(&harness, "unsealed").await;
    append(&harness, "unsealed").await;
    harness.store = sealing(&harness).await;
    append(&harness, "sealed").await;
    append(&harness, "sealed").await;
    let lines = walk(&harness).await;
    assert_eq!(lines.iter().map(|line| line.seal.is_some()).collect::<Vec<_>>(), [false, false, true, true]);
    assert_eq!(check_chain(&lines), Ok(()));
}

async fn sealing(harness: &SqliteHarness) -> SqliteStore {
    let mut settings = SqliteSettings::new(url(harness.store.path()));
    settings.audit_sealer = Some(Arc::new(TestSealer));
    SqliteStore::open(&settings).await.unwrap()
}

/// The plan of `query`, as EXPLAIN reports it.
async fn plan(beside: &mut SqliteConnection, query: &str) -> String {
    let explain = AssertSqlSafe(format!("EXPLAIN QUERY PLAN {query}"));
    let steps: Vec<(i64, i64, i64, String)> = sqlx::query_as(explain).fetch_all(beside).await.unwrap();
    steps.into_iter().map(|step| step.3).collect::<Vec<_>>().join("\n")
}

#[tokio::test]
async fn reads_and_purges_use_their_indexes() {
    let harness = SqliteHarness::start().await;
    let mut beside = beside(&harness).await;
    for (query, index) in [
        ("SELECT * FROM audit WHERE tenant = 'a' AND seq < 9 ORDER BY seq DESC LIMIT 20", "audit_by_tenant"),
        ("SELECT * FROM audit WHERE seq > 9 ORDER BY seq LIMIT 20", "INTEGER PRIMARY KEY"),
        ("SELECT * FROM api_keys WHERE id = 'k'", "sqlite_autoindex_api_keys_1"),
        ("SELECT * FROM api_keys WHERE tenant = 'a' ORDER BY created_at DESC, id DESC", "api_keys_by_tenant"),
        (
            "SELECT tenant, key FROM idempotency_keys WHERE created_at <= 9 ORDER BY created_at LIMIT 9",
            "idempotency_keys_by_age",
        ),
        ("SELECT answer FROM idempotency_keys WHERE tenant = 'a' AND key = 'k'", "PRIMARY KEY"),
        ("SELECT sum(texts) FROM usage WHERE tenant = 'a' AND day = 9 AND principal = 'k'", "PRIMARY KEY"),
    ] {
        let plan = plan(&mut beside, query).await;
        assert!(plan.contains(index) && !plan.contains("SCAN") && !plan.contains("TEMP"), "{plan}");
    }
}
