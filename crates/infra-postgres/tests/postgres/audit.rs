//! The audit: forged lines, and lines beside other processes.

use std::sync::Arc;

use application::ports::{UnitOfWork, WriteStore};
use domain::value_objects::{AuditLine, TenantId, Timestamp};
use infra_postgres::PostgresStore;
use sqlx::Executor;
use store_contract::StoreHarness;
use store_contract::chain::{FORGERIES, TestSealer, check_chain};
use store_contract::samples::{FIRST, Samples, entry, key, tenant};

use crate::harness::PostgresHarness;

async fn append(harness: &PostgresHarness, target: &str) {
    let ann = tenant("ann");
    let mut work = UnitOfWork::of(&ann);
    work.audit(entry(Some(&ann), target));
    harness.writes().commit(work).await.unwrap();
}

async fn walk(harness: &PostgresHarness) -> Vec<AuditLine> {
    harness.audit().walk(0, 10_000).await.unwrap()
}

#[tokio::test]
async fn changed_removed_and_reordered_lines_break_the_chain() {
    let harness = PostgresHarness::start().await;
    for number in 1..=6 {
        append(&harness, &format!("number {number}")).await;
    }
    assert_eq!(check_chain(&walk(&harness).await), Ok(()));
    let mut beside = harness.database.connect().await;
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
    let mut harness = PostgresHarness::start_with(|settings| settings.audit_sealer = None).await;
    append(&harness, "unsealed").await;
    append(&harness, "unsealed").await;
    harness.store = sealing(&harness).await;
    append(&harness, "sealed").await;
    append(&harness, "sealed").await;
    let lines = walk(&harness).await;
    assert_eq!(lines.iter().map(|line| line.seal.is_some()).collect::<Vec<_>>(), [false, false, true, true]);
    assert_eq!(check_chain(&lines), Ok(()));
}

async fn sealing(harness: &PostgresHarness) -> PostgresStore {
    let mut settings = harness.database.settings();
    settings.audit_sealer = Some(Arc::new(TestSealer));
    PostgresStore::open(&settings).await.unwrap()
}

/// A unit of work with a change of every kind, and two lines.
fn work(samples: &mut Samples, number: u32) -> UnitOfWork {
    let default = TenantId::default();
    let (stored, now) = (samples.one(), Timestamp::from_micros(FIRST));
    let mut work = UnitOfWork::of(&default);
    work.audit(entry(Some(&default), &format!("{number} first")));
    work.insert(&stored);
    work.append(stored.events());
    let key = key(&default, number);
    work.insert_key(key.clone());
    work.revoke_key(key.id, now);
    work.audit(entry(None, &format!("{number} second")));
    work
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lines_of_two_processes_are_numbered_without_gaps() {
    let harness = PostgresHarness::start().await;
    let other = sealing(&harness).await;
    let mut samples = Samples::new();
    for round in 0..5_u32 {
        let commits: Vec<_> = (0..20)
            .map(|number| {
                let writes: Arc<dyn WriteStore> =
                    if number % 2 == 0 { harness.writes() } else { other.writes() };
                let work = work(&mut samples, round * 20 + number);
                tokio::spawn(async move { writes.commit(work).await })
            })
            .collect();
        for commit in commits {
            commit.await.unwrap().unwrap();
        }
    }
    let lines = walk(&harness).await;
    assert_eq!(lines.len(), 200);
    assert_eq!(check_chain(&lines), Ok(()));
    for two in lines.chunks(2) {
        let number = two[0].entry.target.strip_suffix(" first").unwrap();
        assert_eq!(two[1].entry.target, format!("{number} second"));
    }
    assert_eq!(harness.audit().appended().await.unwrap(), 200);
}

/// One set of a group fails, so that the sets are applied one by one, while another process appends as well.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sets_that_fail_beside_another_process_leave_no_gap() {
    let harness = PostgresHarness::start().await;
    let other = sealing(&harness).await;
    let mut samples = Samples::new();
    let commits: Vec<_> = (0..40_u32)
        .map(|number| {
            let writes: Arc<dyn WriteStore> = if number % 2 == 0 { harness.writes() } else { other.writes() };
            let mut work = work(&mut samples, number);
            if number % 5 == 0 {
                work.delete(samples.one().id());
            }
            (number, tokio::spawn(async move { writes.commit(work).await }))
        })
        .collect();
    for (number, commit) in commits {
        assert_eq!(commit.await.unwrap().is_ok(), number % 5 != 0);
    }
    let lines = walk(&harness).await;
    assert_eq!((lines.len(), check_chain(&lines)), (64, Ok(())));
}

#[tokio::test]
async fn an_entry_that_postgresql_cannot_store_fails_alone() {
    let harness = PostgresHarness::start().await;
    let default = TenantId::default();
    for (target, at) in [("a\0b", FIRST), ("too early", i64::MIN)] {
        let mut bad = UnitOfWork::of(&default);
        bad.audit(domain::value_objects::AuditEntry {
            at: Timestamp::from_micros(at),
            ..entry(Some(&default), target)
        });
        let mut good = UnitOfWork::of(&default);
        good.audit(entry(Some(&default), "good"));
        let writes = harness.writes();
        let (bad, good) = tokio::join!(writes.commit(bad), writes.commit(good));
        assert!(bad.is_err());
        good.unwrap();
    }
    assert_eq!(walk(&harness).await.len(), 2);
}
