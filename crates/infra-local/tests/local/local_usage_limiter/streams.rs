//! The texts of streams wait.

use std::sync::Arc;

use futures_util::future::join_all;

use super::*;

/// Waits for `count` texts and returns how long that took.
async fn wait_for(limiter: &LocalUsageLimiter, principal: &Principal, count: u32) -> Duration {
    let started = Instant::now();
    for _ in 0..count {
        limiter.wait_for_text(principal).await.unwrap();
    }
    started.elapsed()
}

#[tokio::test(start_paused = true)]
async fn texts_that_wait_get_the_product_of_rate_and_time_and_the_burst() {
    for (per_second, burst) in [(1, 1), (7, 7), (10, 1), (100, 10), (1_000, 50)] {
        let limiter = LocalUsageLimiter::new();
        let principal = of_key("one", texts(per_second, burst), texts(2_000, 2_000));
        let took = wait_for(&limiter, &principal, per_second * 60 + burst).await;
        assert_eq!(took.as_secs(), 60, "{per_second} texts in a second took {took:?}");
        assert!(limiter.wait_for_text(&principal).now_or_never().is_none());
    }
}

#[tokio::test(start_paused = true)]
async fn many_streams_share_the_rate() {
    let limiter = Arc::new(LocalUsageLimiter::new());
    let streams = (0..64).map(|number| {
        let key = ["first", "second", "third"][number % 3];
        let (limiter, principal) = (limiter.clone(), of_key(key, texts(64, 64), texts(1_000, 1_000)));
        tokio::spawn(async move { wait_for(&limiter, &principal, 61).await })
    });
    let longest = join_all(streams).await.into_iter().map(Result::unwrap).max().unwrap();
    // The burst of 64 is allowed at once.
    assert_eq!(longest.as_secs(), 60, "{longest:?}");
}

#[tokio::test(start_paused = true)]
async fn texts_of_one_caller_wait_in_their_order_and_delay_no_other_caller() {
    let limiter = LocalUsageLimiter::new();
    let slow = of_key("slow", texts(100, 100), texts(1, 1));
    assert_eq!(wait_for(&limiter, &slow, 1).await, Duration::ZERO);
    let mut first = Box::pin(limiter.wait_for_text(&slow));
    let mut second = Box::pin(limiter.wait_for_text(&slow));
    assert!(first.as_mut().now_or_never().is_none() && second.as_mut().now_or_never().is_none());
    let other = of_key("other", texts(100, 100), texts(50, 50));
    assert_eq!(wait_for(&limiter, &other, 50).await, Duration::ZERO);
    advance(SECOND).await;
    assert!(second.as_mut().now_or_never().is_none(), "it is the turn of the first");
    first.await.unwrap();
    let started = Instant::now();
    second.await.unwrap();
    assert_eq!(started.elapsed(), SECOND);
}

#[tokio::test(start_paused = true)]
async fn a_dropped_call_gives_its_turn_away_and_takes_nothing() {
    let limiter = LocalUsageLimiter::new();
    let principal = of_tenant("default", texts(1, 1));
    assert_eq!(wait_for(&limiter, &principal, 1).await, Duration::ZERO);
    let mut dropped = Box::pin(limiter.wait_for_text(&principal));
    assert!(dropped.as_mut().now_or_never().is_none());
    drop(dropped);
    assert_eq!(wait_for(&limiter, &principal, 1).await, SECOND);
}

#[tokio::test(start_paused = true)]
async fn texts_without_a_rate_do_not_wait() {
    let limiter = LocalUsageLimiter::new();
    for principal in [of_tenant("default", Limits::default()), of_key("one", concurrent(1), requests(1, 1))] {
        assert_eq!(wait_for(&limiter, &principal, 1_000).await, Duration::ZERO);
    }
}
