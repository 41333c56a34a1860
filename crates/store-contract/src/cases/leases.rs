//! Leases: one holder at a time, and another when that one is gone.

use std::time::Duration;

use application::ports::Lease;
use domain::value_objects::Timestamp;

use crate::StoreHarness;
use crate::samples::FIRST;

const TTL: Duration = Duration::from_secs(10);

/// `seconds` after some instant.
fn at(seconds: u64) -> Timestamp {
    Timestamp::from_micros(FIRST).plus(Duration::from_secs(seconds))
}

async fn acquire(store: &impl StoreHarness, name: &str, holder: &str, now: Timestamp) -> Option<Lease> {
    store.leases().acquire(name, holder, now, TTL).await.expect("the store answers")
}

/// While one holds the lease, another does not get it, up to its very last moment.
pub async fn one_of_two_relays_holds_the_lease(store: &impl StoreHarness) {
    let held = acquire(store, "relay", "a", at(0)).await.expect("a free lease");
    assert_eq!((held.name.as_str(), held.holder.as_str()), ("relay", "a"));
    assert_eq!(acquire(store, "relay", "b", at(0)).await, None);
    assert_eq!(acquire(store, "relay", "b", at(5)).await, None);
    let last = Timestamp::from_micros(at(10).as_micros() - 1);
    assert_eq!(acquire(store, "relay", "b", last).await, None);
}

/// The holder renews as often as it likes, under the same fence, and holds on past the first end.
pub async fn a_holder_renews_its_lease(store: &impl StoreHarness) {
    let held = acquire(store, "relay", "a", at(0)).await;
    assert!(held.is_some());
    for second in [3, 9, 15, 24] {
        assert_eq!(acquire(store, "relay", "a", at(second)).await, held);
        assert_eq!(acquire(store, "relay", "b", at(second + 1)).await, None);
    }
}

/// A lease that ran out goes to whoever asks, under the next fence, and the dead one does not get it back.
pub async fn a_dead_relays_lease_passes_on(store: &impl StoreHarness) {
    let dead = acquire(store, "relay", "a", at(0)).await.expect("a free lease");
    let heir = acquire(store, "relay", "b", at(10)).await.expect("a lease that ran out");
    assert_eq!((heir.holder.as_str(), heir.fence), ("b", dead.fence + 1));
    assert_eq!(acquire(store, "relay", "a", at(11)).await, None);
    assert_eq!(acquire(store, "relay", "b", at(11)).await, Some(heir));
}

/// A lease that was given back is free for all, at once.
pub async fn a_released_lease_is_free_at_once(store: &impl StoreHarness) {
    let held = acquire(store, "relay", "a", at(0)).await.expect("a free lease");
    store.leases().release(&held).await.expect("the store answers");
    let next = acquire(store, "relay", "b", at(0)).await.expect("a released lease");
    assert!(next.fence > held.fence);
}

/// A lease that was lost already is not given back: its new holder keeps it.
pub async fn releasing_a_lost_lease_changes_nothing(store: &impl StoreHarness) {
    let lost = acquire(store, "relay", "a", at(0)).await.expect("a free lease");
    let held = acquire(store, "relay", "b", at(10)).await;
    store.leases().release(&lost).await.expect("the store answers");
    assert_eq!(acquire(store, "relay", "c", at(11)).await, None);
    assert_eq!(acquire(store, "relay", "b", at(11)).await, held);

    let unknown = Lease { name: "nothing".into(), holder: "a".into(), fence: 1 };
    store.leases().release(&unknown).await.expect("the store answers");
    assert!(acquire(store, "nothing", "b", at(0)).await.is_some());
}

/// However often a lease passes on, each holder comes with a higher fence than all before it.
pub async fn the_fence_grows_with_every_holder(store: &impl StoreHarness) {
    let mut last = 0;
    for turn in 0..12 {
        let holder = ["a", "b", "c"][turn as usize % 3];
        let held = acquire(store, "relay", holder, at(turn * 20)).await.expect("a free lease");
        assert!(held.fence > last, "{} after {last}", held.fence);
        last = held.fence;
        if turn % 2 == 0 {
            store.leases().release(&held).await.expect("the store answers");
        }
    }
}

/// Of many who ask at the same time exactly one gets the lease, a new one as well as one that ran out.
pub async fn one_of_many_who_ask_at_once_gets_the_lease(store: &impl StoreHarness) {
    for round in 0..5 {
        let asked: Vec<_> = (0..16)
            .map(|n| {
                let leases = store.leases();
                let holder = format!("holder-{round}-{n}");
                tokio::spawn(async move { leases.acquire("relay", &holder, at(round * 20), TTL).await })
            })
            .collect();
        let mut holders = Vec::new();
        for answer in asked {
            holders.extend(answer.await.expect("nothing panics").expect("the store answers"));
        }
        assert_eq!(holders.len(), 1, "{holders:?}");
    }
}

/// Leases of different names do not know each other.
pub async fn leases_of_different_names_are_apart(store: &impl StoreHarness) {
    let relay = acquire(store, "relay", "a", at(0)).await.expect("a free lease");
    let other = acquire(store, "it's another", "b", at(0)).await.expect("a free lease");
    store.leases().release(&relay).await.expect("the store answers");
    assert_eq!(acquire(store, "it's another", "a", at(1)).await, None);
    assert_eq!(acquire(store, "it's another", "b", at(1)).await, Some(other));
}
