//! The tenant of callers without authentication delays none of them.

use std::num::NonZeroU32;

use domain::value_objects::Limits;
use tokio::time::Instant;

use super::*;

/// The limits of the tenant `default`; none where it is not known. Panics if the call waits.
fn known_limits(directory: &CachedCallerDirectory) -> Option<Limits> {
    let tenant = TenantId::default();
    let known = directory.known_tenant(&tenant).now_or_never();
    known.expect("it does not wait").map(|tenant| tenant.limits)
}

#[tokio::test(start_paused = true)]
async fn a_known_tenant_is_returned_at_once_however_old_and_read_again_once_a_second() {
    let (directory, store) = directory();
    let (old, new) = (Limits::default(), Limits { concurrent: NonZeroU32::new(2), ..Limits::default() });
    assert_eq!(known_limits(&directory), Some(old));
    for _ in 0..3 {
        assert_eq!(known_limits(&directory), Some(old));
        settle().await;
    }
    assert_eq!(store.reads(), 1);
    store.limit_tenant(new);
    store.stall();
    pass(3_600_000).await;
    for _ in 0..3 {
        assert_eq!(known_limits(&directory), Some(old));
        settle().await;
    }
    assert_eq!(store.reads(), 2);
    store.resume();
    settle().await;
    assert_eq!(known_limits(&directory), Some(new));
    store.fail();
    for _ in 0..10 {
        pass(1_000).await;
        assert_eq!(known_limits(&directory), Some(new));
        settle().await;
    }
}

#[tokio::test(start_paused = true)]
async fn the_first_read_of_a_known_tenant_is_awaited_for_100_ms_and_continues() {
    let (directory, store) = directory();
    let tenant = TenantId::default();
    store.stall();
    let started = Instant::now();
    assert_eq!(directory.known_tenant(&tenant).await, None);
    assert_eq!(started.elapsed(), Duration::from_millis(100));
    store.resume();
    settle().await;
    assert_eq!((known_limits(&directory), store.reads()), (Some(Limits::default()), 1));
}
