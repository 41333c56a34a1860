//! Leases: one holder at a time, by the store's own clock.

use std::time::{Duration, Instant};

use application::ports::Lease;

use crate::StoreHarness;

/// Longer than any test takes.
const LONG: Duration = Duration::from_mins(30);
/// Short enough for a test to wait until it is over.
const SHORT: Duration = Duration::from_millis(100);
/// The longest that a test waits for a lease to expire.
const AT_MOST: Duration = Duration::from_mins(1);

async fn acquire(store: &impl StoreHarness, name: &str, holder: &str, ttl: Duration) -> Option<Lease> {
    store.leases().acquire(name, holder, ttl).await.expect("the store works")
}

/// Tries to acquire the lease `name` until that of its holder has expired.
pub(crate) async fn take_over(store: &impl StoreHarness, name: &str, holder: &str) -> Lease {
    let started = Instant::now();
    loop {
        if let Some(lease) = acquire(store, name, holder, LONG).await {
            return lease;
        }
        assert!(started.elapsed() < AT_MOST, "the lease {name} does not expire");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// Waits until every lease has expired that was granted for [`SHORT`] before.
async fn outlast_short_leases(store: &impl StoreHarness) {
    let clock = "a lease that measures time";
    acquire(store, clock, "a", SHORT).await.expect("a free lease");
    let last = take_over(store, clock, "b").await;
    store.leases().release(&last).await.expect("the store works");
}

/// While one holds the lease, another does not get it.
pub async fn one_of_two_relays_holds_the_lease(store: &impl StoreHarness) {
    let held = acquire(store, "relay", "a", LONG).await.expect("a free lease");
    assert_eq!((held.name.as_str(), held.holder.as_str()), ("relay", "a"));
    for _ in 0..3 {
        assert_eq!(acquire(store, "relay", "b", LONG).await, None);
    }
}

/// The holder renews its lease any number of times, under the same fence, beyond the first expiry.
pub async fn a_holder_renews_its_lease(store: &impl StoreHarness) {
    let held = acquire(store, "relay", "a", SHORT).await;
    assert!(held.is_some());
    for _ in 0..3 {
        assert_eq!(acquire(store, "relay", "a", LONG).await, held);
    }
    outlast_short_leases(store).await;
    assert_eq!(acquire(store, "relay", "b", LONG).await, None);
    assert_eq!(acquire(store, "relay", "a", LONG).await, held);
}

/// An expired lease is granted to another holder, under the next fence, and not to the dead one again.
pub async fn a_dead_relays_lease_is_granted_to_another(store: &impl StoreHarness) {
    let dead = acquire(store, "relay", "a", SHORT).await.expect("a free lease");
    let heir = take_over(store, "relay", "b").await;
    assert_eq!((heir.holder.as_str(), heir.fence), ("b", dead.fence + 1));
    assert_eq!(acquire(store, "relay", "a", LONG).await, None);
    assert_eq!(acquire(store, "relay", "b", LONG).await, Some(heir));
}

/// A lease that was released is free for all, at once.
pub async fn a_released_lease_is_free_at_once(store: &impl StoreHarness) {
    let held = acquire(store, "relay", "a", LONG).await.expect("a free lease");
    store.leases().release(&held).await.expect("the store works");
    let next = acquire(store, "relay", "b", LONG).await.expect("a released lease");
    assert!(next.fence > held.fence);
}

/// Releasing a lost lease does nothing: its new holder still holds it.
pub async fn releasing_a_lost_lease_changes_nothing(store: &impl StoreHarness) {
    let lost = acquire(store, "relay", "a", SHORT).await.expect("a free lease");
    let held = take_over(store, "relay", "b").await;
    store.leases().release(&lost).await.expect("the store works");
    assert_eq!(acquire(store, "relay", "c", LONG).await, None);
    assert_eq!(acquire(store, "relay", "b", LONG).await, Some(held));

    let unknown = Lease { name: "nothing".into(), holder: "a".into(), fence: 1 };
    store.leases().release(&unknown).await.expect("the store works");
    assert!(acquire(store, "nothing", "b", LONG).await.is_some());
}

/// However often the holder changes, each has a higher fence than all before it.
pub async fn the_fence_grows_with_every_holder(store: &impl StoreHarness) {
    let mut last = 0;
    for turn in 0..12 {
        let holder = ["a", "b", "c"][turn % 3];
        let held = acquire(store, "relay", holder, SHORT).await.expect("a free lease");
        assert!(held.fence > last, "{} after {last}", held.fence);
        last = held.fence;
        if turn % 2 == 0 {
            store.leases().release(&held).await.expect("the store works");
        } else {
            outlast_short_leases(store).await;
        }
    }
}

/// Of many concurrent callers exactly one gets the lease, whether it is new or expired.
pub async fn one_of_many_concurrent_callers_gets_the_lease(store: &impl StoreHarness) {
    for round in 0..6 {
        let name = format!("relay-{round}");
        if round % 2 == 1 {
            acquire(store, &name, "dead", SHORT).await.expect("a free lease");
            outlast_short_leases(store).await;
        }
        let callers: Vec<_> = (0..16)
            .map(|n| {
                let (leases, name, holder) = (store.leases(), name.clone(), format!("holder-{n}"));
                tokio::spawn(async move { leases.acquire(&name, &holder, LONG).await })
            })
            .collect();
        let mut holders = Vec::new();
        for caller in callers {
            holders.extend(caller.await.expect("nothing panics").expect("the store works"));
        }
        assert_eq!(holders.len(), 1, "{holders:?}");
    }
}

/// Leases of different names are independent.
pub async fn leases_of_different_names_are_apart(store: &impl StoreHarness) {
    let relay = acquire(store, "relay", "a", LONG).await.expect("a free lease");
    let other = acquire(store, "it's another", "b", LONG).await.expect("a free lease");
    store.leases().release(&relay).await.expect("the store works");
    assert_eq!(acquire(store, "it's another", "a", LONG).await, None);
    assert_eq!(acquire(store, "it's another", "b", LONG).await, Some(other));
}

/// A lease that ends so late that only a clock that was ahead can have granted it counts as expired.
pub async fn a_lease_that_ends_too_far_ahead_has_expired(store: &impl StoreHarness) {
    let minutes = Duration::from_mins;
    let held = acquire(store, "relay", "a", minutes(15)).await.expect("a free lease");
    assert_eq!(acquire(store, "relay", "b", minutes(10)).await, None, "a little ahead is within the limit");
    assert_eq!(acquire(store, "relay", "a", minutes(60)).await, Some(held.clone()));
    let next = acquire(store, "relay", "b", minutes(10)).await.expect("an expired lease");
    assert_eq!(next.fence, held.fence + 1);
    assert_eq!(acquire(store, "relay", "a", minutes(10)).await, None);
}
