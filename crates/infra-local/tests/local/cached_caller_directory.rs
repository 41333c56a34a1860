use std::sync::Arc;
use std::time::Duration;

use application::ports::{CallerDirectory, SentKey, StoreError};
use domain::entities::TenantStatus;
use domain::value_objects::{KeyId, SecretHash, TenantId, Timestamp};
use futures_util::FutureExt;
use infra_local::CachedCallerDirectory;
use testkit::CapturedLog;
use tokio::task::yield_now;
use tokio::time::advance;

use crate::counted_callers::CountedCallers;

mod known_tenants;

const KNOWN: &str = "KnownKnown12";

fn id(text: &str) -> KeyId {
    KeyId::parse("key", text).expect("an id")
}

fn sent(text: &str) -> SentKey {
    SentKey { id: id(text), hash: SecretHash::from_bytes([7; 32]) }
}

/// A directory over a store with the key `KNOWN`.
fn directory() -> (Arc<CachedCallerDirectory>, Arc<CountedCallers>) {
    let store = Arc::new(CountedCallers::default());
    store.add(&id(KNOWN));
    (Arc::new(CachedCallerDirectory::new(store.clone(), store.clone())), store)
}

async fn is_known(directory: &CachedCallerDirectory, key: &str) -> bool {
    directory.key(&id(key)).await.expect("the store responds").is_some()
}

async fn pass(millis: u64) {
    advance(Duration::from_millis(millis)).await;
}

/// Lets tasks in the background run.
async fn settle() {
    for _ in 0..10 {
        yield_now().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_key_is_read_once_a_second_while_it_is_used() {
    let (directory, store) = directory();
    for millis in [0, 999] {
        pass(millis).await;
        assert!(is_known(&directory, KNOWN).await);
        settle().await;
        assert_eq!(store.reads(), 1);
    }
    pass(1).await;
    assert!(is_known(&directory, KNOWN).await && is_known(&directory, KNOWN).await);
    settle().await;
    assert_eq!(store.reads(), 2);
}

#[tokio::test(start_paused = true)]
async fn an_old_entry_is_returned_at_once_and_read_again_by_one_task() {
    let (directory, store) = directory();
    assert!(is_known(&directory, KNOWN).await);
    pass(3_000).await;
    store.stall();
    for _ in 0..10 {
        assert!(is_known(&directory, KNOWN).await);
        settle().await;
    }
    assert_eq!(store.reads(), 2);
    store.resume();
    settle().await;
    pass(3_900).await;
    store.fail();
    assert!(is_known(&directory, KNOWN).await);
}

#[tokio::test(start_paused = true)]
async fn a_key_was_valid_for_an_hour_after_it_was_last_accepted() {
    let (directory, _) = directory();
    let other_secret = SentKey { hash: SecretHash::from_bytes([8; 32]), ..sent(KNOWN) };
    assert!(!directory.was_valid(&sent(KNOWN)));
    directory.used(&sent(KNOWN), at(1));
    assert!(directory.was_valid(&sent(KNOWN)) && !directory.was_valid(&other_secret));
    pass(3_599_000).await;
    assert!(directory.was_valid(&sent(KNOWN)));
    directory.used(&sent(KNOWN), at(3_600));
    pass(3_599_000).await;
    assert!(directory.was_valid(&sent(KNOWN)));
    pass(1_000).await;
    assert!(!directory.was_valid(&sent(KNOWN)));
}

#[tokio::test(start_paused = true)]
async fn a_revoked_key_is_refused_within_four_seconds() {
    let (directory, store) = directory();
    assert!(is_known(&directory, KNOWN).await);
    store.remove(&id(KNOWN));
    pass(4_001).await;
    assert!(!is_known(&directory, KNOWN).await);
}

#[tokio::test(start_paused = true)]
async fn the_age_of_an_entry_counts_from_before_it_was_read() {
    let (directory, store) = directory();
    store.stall();
    let reader = tokio::spawn({
        let directory = Arc::clone(&directory);
        async move { is_known(&directory, KNOWN).await }
    });
    settle().await;
    pass(3_000).await;
    store.resume();
    assert!(reader.await.expect("ended"));
    store.fail();
    assert!(is_known(&directory, KNOWN).await);
    pass(1_001).await;
    assert!(directory.key(&id(KNOWN)).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn callers_of_one_key_share_one_read() {
    let (directory, store) = directory();
    store.stall();
    let calls: Vec<_> = (0..50)
        .map(|_| {
            let directory = Arc::clone(&directory);
            tokio::spawn(async move { is_known(&directory, KNOWN).await })
        })
        .collect();
    settle().await;
    store.resume();
    for call in calls {
        assert!(call.await.expect("ended"));
    }
    assert_eq!(store.reads(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_read_continues_after_the_call_that_began_it_is_dropped() {
    let (directory, store) = directory();
    store.stall();
    let call = |directory: &Arc<CachedCallerDirectory>| {
        let directory = Arc::clone(directory);
        tokio::spawn(async move { is_known(&directory, KNOWN).await })
    };
    let (first, second) = (call(&directory), call(&directory));
    settle().await;
    first.abort();
    settle().await;
    store.resume();
    assert!(second.await.expect("ended"));
    assert_eq!(store.reads(), 1);
    // All calls of this one are dropped; the next begins another.
    pass(4_001).await;
    store.stall();
    let dropped = call(&directory);
    settle().await;
    dropped.abort();
    settle().await;
    store.resume();
    assert!(is_known(&directory, KNOWN).await);
    assert_eq!(store.reads(), 3);
}

#[tokio::test(start_paused = true)]
async fn while_the_store_is_down_entries_are_served_for_four_seconds() {
    let (directory, store) = directory();
    let tenant = TenantId::default();
    assert!(is_known(&directory, KNOWN).await);
    let found = directory.tenant(&tenant).await.expect("the store responds");
    assert_eq!(found.map(|found| found.status), Some(TenantStatus::Active));
    store.fail();
    pass(4_000).await;
    assert!(is_known(&directory, KNOWN).await);
    assert!(directory.tenant(&tenant).await.is_ok());
    settle().await;
    pass(1).await;
    for error in [directory.key(&id(KNOWN)).await.err(), directory.tenant(&tenant).await.err()] {
        assert!(matches!(error, Some(StoreError::Unavailable { .. })), "{error:?}");
    }
    store.recover();
    assert!(is_known(&directory, KNOWN).await);
}

#[tokio::test(start_paused = true)]
async fn a_store_that_does_not_respond_is_an_error_after_four_seconds() {
    let (directory, store) = directory();
    store.stall();
    let error = directory.key(&id(KNOWN)).await.expect_err("no response");
    assert!(application::action::chain(&error).ends_with("did not respond within 4 s"), "{error:?}");
}

#[tokio::test(start_paused = true)]
async fn unknown_keys_are_cached_for_four_seconds_and_not_read_again_meanwhile() {
    let (directory, store) = directory();
    for _ in 0..4 {
        assert!(!is_known(&directory, "UnknownXXX12").await);
        settle().await;
        pass(1_000).await;
    }
    assert_eq!(store.reads(), 1);
    store.add(&id("UnknownXXX12"));
    pass(1).await;
    assert!(is_known(&directory, "UnknownXXX12").await);
}

#[tokio::test(start_paused = true)]
async fn a_burst_of_unknown_keys_causes_at_most_four_reads_at_once() {
    let (directory, store) = directory();
    assert!(is_known(&directory, KNOWN).await);
    pass(1_000).await;
    store.stall();
    let burst: Vec<_> = (0..100)
        .map(|n| {
            let directory = Arc::clone(&directory);
            tokio::spawn(async move { is_known(&directory, &format!("{n:012}")).await })
        })
        .collect();
    settle().await;
    assert_eq!(store.reads_in_progress(), (4, 4));
    // The key in use is read again without waiting for them.
    assert!(is_known(&directory, KNOWN).await);
    settle().await;
    assert_eq!(store.reads_in_progress(), (5, 5));
    store.resume();
    for call in burst {
        assert!(!call.await.expect("ended"));
    }
    assert_eq!((store.reads(), store.reads_in_progress()), (102, (0, 5)));
}

#[tokio::test(start_paused = true)]
async fn unknown_keys_do_not_displace_known_ones() {
    let (directory, store) = directory();
    assert!(is_known(&directory, KNOWN).await);
    for n in 0..25_000 {
        assert!(!is_known(&directory, &format!("{n:012}")).await);
    }
    let reads = store.reads();
    assert!(is_known(&directory, KNOWN).await);
    assert_eq!(store.reads(), reads);
}

#[test]
fn without_a_runtime_an_old_entry_is_returned_and_not_read_again() {
    let (directory, store) = directory();
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    let runtime = runtime().expect("a runtime");
    assert!(runtime.block_on(is_known(&directory, KNOWN)));
    runtime.block_on(pass(2_000));
    // Outside of the runtime its time stands still, too.
    let polled = {
        let guard = runtime.enter();
        let call = Box::pin(is_known(&directory, KNOWN));
        drop(guard);
        call.now_or_never()
    };
    assert_eq!((polled, store.reads()), (Some(true), 1));
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_micros(seconds * 1_000_000)
}

#[tokio::test(start_paused = true)]
async fn the_last_use_of_a_key_is_stored_once_a_minute() {
    let (directory, store) = directory();
    let key = id(KNOWN);
    directory.used(&sent(KNOWN), at(2));
    directory.used(&sent(KNOWN), at(1));
    directory.flush().await;
    assert_eq!(store.uses(), [(key.clone(), at(2))]);
    directory.used(&sent(KNOWN), at(3));
    pass(59_000).await;
    directory.flush().await;
    assert_eq!(store.uses().len(), 1);
    directory.used(&sent(KNOWN), at(60));
    pass(1_000).await;
    directory.flush().await;
    assert_eq!(store.uses(), [(key.clone(), at(2)), (key.clone(), at(60))]);
    // A key that is not used any more is not written, and one that is used again is.
    pass(120_000).await;
    directory.flush().await;
    assert_eq!(store.uses().len(), 2);
    directory.used(&sent(KNOWN), at(200));
    directory.flush().await;
    assert_eq!(store.uses().last(), Some(&(key, at(200))));
}

#[tokio::test(start_paused = true)]
async fn a_use_that_cannot_be_stored_is_stored_later_and_logged_once() {
    let log = CapturedLog::start();
    let (directory, store) = directory();
    directory.used(&sent(KNOWN), at(1));
    directory.used(&sent("Other1Other1"), at(1));
    store.fail();
    directory.flush().await;
    directory.flush().await;
    let warnings = || log.lines().iter().filter(|line| line.level == tracing::Level::WARN).count();
    assert_eq!((store.uses().len(), warnings()), (0, 1));
    store.recover();
    directory.flush().await;
    assert_eq!(store.uses().len(), 2);
    store.fail();
    directory.used(&sent("Third1Third1"), at(1));
    directory.flush().await;
    assert_eq!(warnings(), 2);
}

#[tokio::test(start_paused = true)]
async fn the_memory_of_uses_is_bounded() {
    let (directory, store) = directory();
    for n in 0..10_500 {
        directory.used(&sent(&format!("{n:012}")), at(1));
    }
    directory.flush().await;
    assert_eq!(store.uses().len(), 10_000);
}
