//! The quota of the day is refused by the sums of the store.

use std::sync::Mutex;

use application::ports::{DayUsage, StoreError, UsageCount, UsageReadModel};
use async_trait::async_trait;

use super::*;

const DAY_ENDS_IN: Duration = Duration::from_hours(5);

/// Sums that a test sets, and the tenants that were read.
struct Sums {
    day_ends_at: Instant,
    counts: Mutex<Vec<UsageCount>>,
    read: Mutex<Vec<Vec<TenantId>>>,
    is_down: Mutex<bool>,
}

impl Default for Sums {
    fn default() -> Self {
        Self {
            day_ends_at: Instant::now() + DAY_ENDS_IN,
            counts: Mutex::default(),
            read: Mutex::default(),
            is_down: Mutex::default(),
        }
    }
}

impl Sums {
    fn set(&self, principal: Option<&str>, texts: u64) {
        let (tenant, principal) = (TenantId::default(), principal.map(str::to_owned));
        self.counts.lock().unwrap().push(UsageCount { tenant, principal, texts });
    }
}

#[async_trait]
impl UsageReadModel for Sums {
    async fn today(&self, tenants: &[TenantId]) -> Result<DayUsage, StoreError> {
        if *self.is_down.lock().unwrap() {
            return Err(StoreError::unavailable("it is down"));
        }
        self.read.lock().unwrap().push(tenants.to_vec());
        let mut counts = self.counts.lock().unwrap().clone();
        counts.retain(|count| tenants.contains(&count.tenant));
        Ok(DayUsage { ends_in: self.day_ends_at.saturating_duration_since(Instant::now()), counts })
    }
}

fn per_day(texts: u64) -> Limits {
    Limits { texts_per_day: NonZeroU64::new(texts), ..Limits::default() }
}

#[tokio::test(start_paused = true)]
async fn texts_beyond_the_quota_are_refused_until_the_day_ends() {
    let (limiter, sums) = (LocalUsageLimiter::new(), Sums::default());
    let principal = of_tenant("default", per_day(100));
    assert_eq!(take(&limiter, &principal, 101).await, Ok(()), "the sums are not known");
    let standing = limiter.standing(&principal).tenant.texts_today.unwrap();
    assert_eq!((standing.quota, standing.used), (100, 0));
    assert!(!standing.ends_in.is_zero() && standing.ends_in <= Duration::from_hours(24));
    sums.set(None, 90);
    limiter.refresh(&sums).await.unwrap();
    advance(SECOND).await;
    let left = DAY_ENDS_IN.saturating_sub(SECOND);
    assert_eq!(take(&limiter, &principal, 11).await, exceeded(TextsPerDay, left));
    assert_eq!(take(&limiter, &principal, 10).await, Ok(()), "the store counts it");
    let standing = limiter.standing(&principal).tenant.texts_today;
    assert_eq!(standing, Some(QuotaStanding { quota: 100, used: 90, ends_in: left }));
    advance(left).await;
    assert_eq!(take(&limiter, &principal, 100).await, Ok(()), "another day");
}

#[tokio::test(start_paused = true)]
async fn a_stream_ends_at_the_quota() {
    let (limiter, sums) = (LocalUsageLimiter::new(), Sums::default());
    let principal = of_key("one", texts(1, 1), per_day(10));
    assert_eq!(limiter.wait_for_text(&principal).await, Ok(()));
    sums.set(Some("key:one"), 10);
    limiter.refresh(&sums).await.unwrap();
    assert_eq!(limiter.wait_for_text(&principal).await, exceeded(TextsPerDay, DAY_ENDS_IN));
    let other = of_key("other", Limits::default(), per_day(10));
    assert_eq!(limiter.wait_for_text(&other).await, Ok(()), "each key has its own");
}

#[tokio::test(start_paused = true)]
async fn only_tenants_with_a_quota_that_were_seen_lately_are_read() {
    let (limiter, sums) = (LocalUsageLimiter::new(), Sums::default());
    begin(&limiter, &of_tenant("limited", requests(1, 1))).await.unwrap();
    limiter.refresh(&sums).await.unwrap();
    assert!(sums.read.lock().unwrap().is_empty());
    begin(&limiter, &of_tenant("other", per_day(1))).await.unwrap();
    begin(&limiter, &of_key("one", Limits::default(), per_day(1))).await.unwrap();
    limiter.refresh(&sums).await.unwrap();
    let mut read = sums.read.lock().unwrap().pop().unwrap();
    read.sort();
    assert_eq!(read, ["default", "other"].map(|name| TenantId::parse(name).unwrap()));
    advance(Duration::from_mins(1)).await;
    limiter.refresh(&sums).await.unwrap();
    assert!(sums.read.lock().unwrap().is_empty());
}

#[tokio::test(start_paused = true)]
async fn while_the_store_is_down_the_last_sums_hold() {
    let (limiter, sums) = (LocalUsageLimiter::new(), Sums::default());
    let principal = of_tenant("default", per_day(5));
    begin(&limiter, &principal).await.unwrap();
    sums.set(None, 5);
    limiter.refresh(&sums).await.unwrap();
    *sums.is_down.lock().unwrap() = true;
    assert!(limiter.refresh(&sums).await.is_err());
    assert_eq!(take(&limiter, &principal, 1).await, exceeded(TextsPerDay, DAY_ENDS_IN));
}

#[tokio::test(start_paused = true)]
async fn a_used_up_quota_is_refused_at_once_after_hours_without_requests() {
    let (limiter, mut sums) = (LocalUsageLimiter::new(), Sums::default());
    let (idle, busy) = (of_tenant("default", per_day(5)), of_tenant("busy", per_day(5)));
    begin(&limiter, &idle).await.unwrap();
    sums.set(None, 5);
    limiter.refresh(&sums).await.unwrap();
    for _ in 0..2 {
        advance(2 * Duration::from_hours(1)).await;
        begin(&limiter, &busy).await.unwrap();
        limiter.refresh(&sums).await.unwrap();
    }
    assert_eq!(sums.read.lock().unwrap().last(), Some(&vec![busy.tenant.clone()]));
    assert_eq!(take(&limiter, &idle, 1).await, exceeded(TextsPerDay, Duration::from_hours(1)));
    // The next day begins a moment before the last one ends by the sums of that day.
    sums.day_ends_at += Duration::from_hours(24);
    advance(Duration::from_mins(59)).await;
    begin(&limiter, &busy).await.unwrap();
    limiter.refresh(&sums).await.unwrap();
    assert_eq!(take(&limiter, &idle, 5).await, Ok(()), "another day");
}

#[tokio::test(start_paused = true)]
async fn sums_that_the_store_no_longer_has_are_forgotten() {
    let (limiter, sums) = (LocalUsageLimiter::new(), Sums::default());
    let principal = of_tenant("default", per_day(5));
    begin(&limiter, &principal).await.unwrap();
    sums.set(None, 5);
    limiter.refresh(&sums).await.unwrap();
    sums.counts.lock().unwrap().clear();
    limiter.refresh(&sums).await.unwrap();
    assert_eq!(take(&limiter, &principal, 5).await, Ok(()));
}
