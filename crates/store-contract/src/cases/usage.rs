//! The texts of a day, and its quota.

use std::num::NonZeroU64;
use std::slice;
use std::sync::Arc;
use std::time::Duration;

use application::ports::{DayUsage, StoreError, TextCount, UnitOfWork, WriteStore};
use domain::value_objects::TenantId;

use crate::StoreHarness;
use crate::samples::{Samples, tenant};
use crate::steps::{find, list_ids};

fn count(principal: Option<&str>, texts: u32, quota: u64) -> TextCount {
    TextCount { principal: principal.map(str::to_owned), texts, quota: NonZeroU64::new(quota) }
}

async fn add(
    writes: &Arc<dyn WriteStore>,
    tenant: &TenantId,
    counts: &[TextCount],
) -> Result<(), StoreError> {
    let mut work = UnitOfWork::of(tenant);
    for count in counts {
        work.count_texts(count.clone());
    }
    writes.commit(work).await
}

async fn today(store: &impl StoreHarness, tenants: &[TenantId]) -> DayUsage {
    store.usage().today(tenants).await.expect("the counts can be read")
}

#[track_caller]
fn assert_exceeded(outcome: &Result<(), StoreError>) {
    let Err(StoreError::QuotaExceeded { day_ends_in }) = outcome else {
        panic!("the quota is not exceeded: {outcome:?}");
    };
    assert!(!day_ends_in.is_zero() && *day_ends_in <= Duration::from_hours(24), "{day_ends_in:?}");
}

/// The texts of every replica are added up, of each principal and of the tenant; those of a set that fails are not.
pub async fn the_texts_of_all_replicas_are_summed(store: &impl StoreHarness) {
    let default = TenantId::default();
    let other = store.replica().await;
    let none = today(store, slice::from_ref(&default)).await;
    assert_eq!(none.counts, []);
    assert!(!none.ends_in.is_zero() && none.ends_in <= Duration::from_hours(24), "{:?}", none.ends_in);
    for writes in [&store.writes(), &other.writes] {
        for texts in [1, 1_000, u32::MAX] {
            let counts = [count(None, texts, 0), count(Some("key:a"), texts, 0), count(Some("key:b"), 1, 0)];
            add(writes, &default, &counts).await.expect("the texts are counted");
        }
        add(writes, &default, &[count(Some("key:c"), 0, 0)]).await.expect("nothing is counted");
    }
    let mut work = UnitOfWork::of(&default);
    work.count_texts(count(None, 7, 0));
    work.delete(Samples::new().one().id());
    assert!(store.writes().commit(work).await.is_err());

    let all = 2 * (u64::from(u32::MAX) + 1_001);
    for usage in [store.usage(), other.usage] {
        let today = usage.today(slice::from_ref(&default)).await.expect("the counts can be read");
        assert_eq!(today.texts(&default, None), all);
        assert_eq!(today.texts(&default, Some("key:a")), all);
        assert_eq!(today.texts(&default, Some("key:b")), 6);
        assert_eq!(today.counts.len(), 3);
    }
}

/// The counts and quotas of a tenant concern no other, and only the requested tenants are read.
pub async fn tenants_are_counted_apart(store: &impl StoreHarness) {
    let (ann, bob, carl) = (tenant("ann"), tenant("bob"), tenant("carl"));
    let writes = store.writes();
    let counts = [count(None, 5, 5), count(Some("key:a"), 3, 3)];
    for id in [&ann, &bob] {
        add(&writes, id, &counts).await.expect("the texts are counted");
        assert_exceeded(&add(&writes, id, &[count(Some("key:a"), 1, 3)]).await);
    }
    add(&writes, &bob, &[count(None, 1, 6)]).await.expect("the quota is not used up");
    let both = today(store, &[bob.clone(), ann.clone(), carl.clone()]).await;
    assert_eq!(both.counts.len(), 4);
    assert_eq!([&ann, &bob, &carl].map(|id| both.texts(id, None)), [5, 6, 0]);
    let anns = today(store, slice::from_ref(&ann)).await;
    assert_eq!(anns.counts.len(), 2);
    assert!(anns.counts.iter().all(|count| count.tenant == ann));
    assert_eq!(anns.texts(&ann, Some("key:a")), 3);
    assert_eq!(today(store, &[]).await.counts, []);
}

/// What would exceed the quota, of the tenant or of the caller, is refused as a whole; what just fits is stored.
pub async fn texts_above_the_quota_are_not_stored(store: &impl StoreHarness) {
    let default = TenantId::default();
    let mut samples = Samples::new();
    let mut store_with = async |counts: &[TextCount]| {
        let prediction = samples.one();
        let mut work = UnitOfWork::of(&default);
        work.insert(&prediction);
        work.append(prediction.events());
        counts.iter().cloned().for_each(|count| work.count_texts(count));
        let outcome = store.writes().commit(work).await;
        assert_eq!(find(store, prediction.id()).await.is_some(), outcome.is_ok());
        outcome
    };
    store_with(&[count(None, 3, 5)]).await.expect("the quota is not used up");
    assert_exceeded(&store_with(&[count(None, 3, 5)]).await);
    store_with(&[count(None, 2, 5), count(Some("key:a"), 2, 3)]).await.expect("it just fits");
    assert_exceeded(&store_with(&[count(None, 1, 5)]).await);
    assert_exceeded(&store_with(&[count(None, 1, 0), count(Some("key:a"), 2, 3)]).await);
    assert_exceeded(&store_with(&[count(None, 1, 5), count(Some("key:a"), 1, 0)]).await);
    store_with(&[count(None, 1, 0), count(Some("key:b"), 1, 1)])
        .await
        .expect("another caller has its own quota");
    store_with(&[count(None, 1, u64::MAX)]).await.expect("the quota was raised");
    let today = today(store, slice::from_ref(&default)).await;
    assert_eq!(today.texts(&default, None), 7);
    assert_eq!(["key:a", "key:b"].map(|id| today.texts(&default, Some(id))), [2, 1]);
}

/// Of many sets at the same time as many are stored as fit; a tenant at its quota fails no set of another.
pub async fn a_quota_is_exact_inside_a_group(store: &impl StoreHarness) {
    let (ann, default) = (tenant("ann"), TenantId::default());
    let mut samples = Samples::new();
    let commits: Vec<_> = (0..64)
        .map(|number| {
            let (id, quota) = if number % 2 == 0 { (&default, 10) } else { (&ann, 0) };
            let mut work = UnitOfWork::of(id);
            let prediction = samples.one();
            work.insert(&prediction);
            work.append(prediction.events());
            work.count_texts(count(None, 1, quota));
            crate::steps::spawn_commit(store, work)
        })
        .collect();
    let mut stored = [0, 0];
    for (number, commit) in commits.into_iter().enumerate() {
        match commit.await.expect("the commit does not panic") {
            Ok(()) => stored[number % 2] += 1,
            outcome => assert_exceeded(&outcome),
        }
    }
    assert_eq!(stored, [10, 32]);
    assert_eq!(list_ids(store, &application::ports::PredictionFilter::default()).await.len(), 10);
    let today = today(store, &[default.clone(), ann.clone()]).await;
    assert_eq!([today.texts(&default, None), today.texts(&ann, None)], [10, 32]);
}

/// Two replicas that count at the same time exceed the quota by no more than what one transaction of each counts: here
/// together they count less than twice the quota, and nothing once it is used up.
pub async fn two_replicas_exceed_a_quota_by_one_group_each(store: &impl StoreHarness) {
    const QUOTA: u64 = 20;
    let default = TenantId::default();
    let other = store.replica().await;
    let add_one = |writes: Arc<dyn WriteStore>| {
        let tenant = default.clone();
        tokio::spawn(async move { add(&writes, &tenant, &[count(None, 1, QUOTA)]).await })
    };
    let commits: Vec<_> =
        (0..40).flat_map(|_| [add_one(store.writes()), add_one(Arc::clone(&other.writes))]).collect();
    let mut counted = 0;
    for commit in commits {
        match commit.await.expect("the commit does not panic") {
            Ok(()) => counted += 1,
            outcome => assert_exceeded(&outcome),
        }
    }
    assert!((QUOTA..=2 * QUOTA).contains(&counted), "{counted}");
    for writes in [&store.writes(), &other.writes] {
        assert_exceeded(&add(writes, &default, &[count(None, 1, QUOTA)]).await);
    }
    assert_eq!(today(store, slice::from_ref(&default)).await.texts(&default, None), counted);
}

/// What another replica has committed counts against the quota, of the tenant and of a caller.
pub async fn texts_of_another_replica_use_up_the_quota(store: &impl StoreHarness) {
    let default = TenantId::default();
    let other = store.replica().await;
    for (principal, writes, later) in
        [(None, &other.writes, &store.writes()), (Some("key:a"), &store.writes(), &other.writes)]
    {
        add(writes, &default, &[count(principal, 20, 20)]).await.expect("the quota is not used up");
        assert_exceeded(&add(later, &default, &[count(principal, 1, 20)]).await);
        add(later, &default, &[count(principal, 1, 21)]).await.expect("the quota was raised");
    }
}

/// A purge deletes the counts of old days, at most its limit; those of later days stay.
pub async fn a_purge_removes_only_the_counts_of_old_days(store: &impl StoreHarness) {
    let default = TenantId::default();
    for older in [1, 34, 0] {
        let counts = [count(None, 5, 0), count(Some("key:a"), 3, 0)];
        add(&store.writes(), &default, &counts).await.expect("the texts are counted");
        store.age_rows(older).await;
    }
    let purge = async |days, limit| store.usage_purge().purge(days, limit).await.expect("the store works");
    assert_eq!(purge(u32::MAX, 10).await, 0);
    assert_eq!([purge(35, 1).await, purge(35, 10).await, purge(35, 10).await], [1, 1, 0]);
    assert_eq!([purge(34, 10).await, purge(1, 10).await], [2, 0]);
    let today = today(store, slice::from_ref(&default)).await;
    assert_eq!((today.texts(&default, None), today.texts(&default, Some("key:a"))), (5, 3));
}
