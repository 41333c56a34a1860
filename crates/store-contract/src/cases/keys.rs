//! API keys: issued, found, listed, ended, revoked.

use std::slice;

use domain::entities::{ApiKey, TenantStatus};
use domain::value_objects::{KeyName, Scope, Scopes, TenantId, Timestamp};

use crate::StoreHarness;
use crate::samples::{FIRST, key, key_id, limits, tenant};
use crate::steps::{add_tenant, assert_conflict, assert_not_found, change, issue, set_status};

async fn find(store: &impl StoreHarness, key: &ApiKey) -> Option<ApiKey> {
    let record = store.keys().find(&key.id).await.expect("the key can be read");
    record.map(|record| record.key)
}

async fn list(store: &impl StoreHarness, tenant: &TenantId) -> Vec<ApiKey> {
    store.keys().list(tenant).await.expect("the keys can be read")
}

fn at(micros: i64) -> Timestamp {
    Timestamp::from_micros(FIRST + micros)
}

/// Every field comes back as it was stored.
pub async fn a_key_comes_back_as_it_was_issued(store: &impl StoreHarness) {
    let default = TenantId::default();
    let name = |text: &str| KeyName::parse(text).ok();
    let all: Scopes = Scope::ALL.into_iter().collect();
    let keys = [
        key(&default, 1),
        ApiKey { name: name("CI of the shop, \u{1F600} 'quoted'"), scopes: all, ..key(&default, 2) },
        ApiKey { expires_at: Some(at(1)), ..key(&default, 3) },
        ApiKey { revoked_at: Some(at(-1)), last_used_at: Some(at(999_999)), ..key(&default, 4) },
        ApiKey { limits: limits(), ..key(&default, 5) },
    ];
    for key in &keys {
        issue(store, key).await.expect("the key is issued");
        let record = store.keys().find(&key.id).await.expect("the key can be read").expect("the key");
        assert_eq!(record.key, *key);
        assert_eq!(record.key.secret.as_bytes(), key.secret.as_bytes());
        assert_eq!(record.tenant_status, TenantStatus::Active);
    }
    assert_eq!(find(store, &key(&default, 6)).await, None);
    assert_eq!(list(store, &default).await[0], keys[4]);
}

/// Keys are listed by the time of their issue, the newest first.
pub async fn keys_are_listed_newest_first(store: &impl StoreHarness) {
    let default = TenantId::default();
    assert_eq!(list(store, &default).await, []);
    for number in [3, 1, 4, 2] {
        issue(store, &key(&default, number)).await.expect("the key is issued");
    }
    assert_eq!(list(store, &default).await, [4, 3, 2, 1].map(|number| key(&default, number)));
}

/// A list has the keys of its tenant only, and an id belongs to one tenant.
pub async fn tenants_do_not_see_each_others_keys(store: &impl StoreHarness) {
    let (ann, bob) = (tenant("ann"), tenant("bob"));
    add_tenant(store, &ann).await;
    add_tenant(store, &bob).await;
    let (anns, bobs) = (key(&ann, 1), key(&bob, 2));
    issue(store, &anns).await.expect("the key is issued");
    issue(store, &bobs).await.expect("the key is issued");
    assert_eq!(list(store, &ann).await, slice::from_ref(&anns));
    assert_eq!(list(store, &bob).await, slice::from_ref(&bobs));
    assert_eq!(list(store, &TenantId::default()).await, []);
    assert_eq!(find(store, &anns).await, Some(anns.clone()), "a key is found without its tenant");
    assert_conflict(&issue(store, &key(&bob, 1)).await);
    assert_not_found(&change(store, &bob, |work| work.revoke_key(anns.id.clone(), at(0))).await);
    assert_not_found(&change(store, &bob, |work| work.end_key(anns.id.clone(), at(0))).await);
    assert_eq!(find(store, &anns).await, Some(anns));
}

/// The id of a key exists once.
pub async fn an_existing_key_id_is_a_conflict(store: &impl StoreHarness) {
    let default = TenantId::default();
    let first = key(&default, 1);
    issue(store, &first).await.expect("the key is issued");
    let again = ApiKey { name: KeyName::parse("again").ok(), ..first.clone() };
    assert_conflict(&issue(store, &again).await);
    assert_eq!(list(store, &default).await, [first]);
}

/// Every read that begins after a revocation sees it; a key is revoked once.
pub async fn a_revoked_key_is_revoked_at_once(store: &impl StoreHarness) {
    let default = TenantId::default();
    for number in 1..20 {
        let key = key(&default, number);
        issue(store, &key).await.expect("the key is issued");
        let revoked = change(store, &default, |work| work.revoke_key(key.id.clone(), at(7))).await;
        revoked.expect("the key is revoked");
        assert_eq!(find(store, &key).await, Some(ApiKey { revoked_at: Some(at(7)), ..key.clone() }));
        let again = change(store, &default, |work| work.revoke_key(key.id.clone(), at(8))).await;
        assert_not_found(&again);
        assert_eq!(find(store, &key).await.and_then(|key| key.revoked_at), Some(at(7)));
    }
    assert_not_found(&change(store, &default, |work| work.revoke_key(key_id(99), at(7))).await);
}

/// The end of a key comes no later by ending it; a revoked key has none.
pub async fn the_end_of_a_key_only_comes_closer(store: &impl StoreHarness) {
    let default = TenantId::default();
    let key = key(&default, 1);
    issue(store, &key).await.expect("the key is issued");
    for (end, expected) in [(50, 50), (90, 50), (20, 20), (20, 20), (21, 20)] {
        let ended = change(store, &default, |work| work.end_key(key.id.clone(), at(end))).await;
        ended.expect("the key is ended");
        assert_eq!(find(store, &key).await.and_then(|key| key.expires_at), Some(at(expected)));
    }
    let revoked = change(store, &default, |work| work.revoke_key(key.id.clone(), at(7))).await;
    revoked.expect("the key is revoked");
    assert_not_found(&change(store, &default, |work| work.end_key(key.id.clone(), at(1))).await);
    assert_not_found(&change(store, &default, |work| work.end_key(key_id(99), at(1))).await);
}

/// The last use that is stored is the latest that was recorded.
pub async fn the_last_use_of_a_key_only_moves_forward(store: &impl StoreHarness) {
    let default = TenantId::default();
    let key = key(&default, 1);
    let keys = store.keys();
    keys.record_use(&key.id, at(0)).await.expect("a key that is gone is ignored");
    issue(store, &key).await.expect("the key is issued");
    assert_eq!(find(store, &key).await, Some(key.clone()));
    for (used, expected) in [(5, 5), (4, 5), (6, 6), (-1, 6)] {
        keys.record_use(&key.id, at(used)).await.expect("the use is recorded");
        assert_eq!(find(store, &key).await.and_then(|key| key.last_used_at), Some(at(expected)));
    }
}

/// A key has the status of its tenant as it is now.
pub async fn a_key_has_the_status_of_its_tenant(store: &impl StoreHarness) {
    let ann = tenant("ann");
    add_tenant(store, &ann).await;
    let key = key(&ann, 1);
    issue(store, &key).await.expect("the key is issued");
    let mut status = TenantStatus::Active;
    for next in [TenantStatus::Disabled, TenantStatus::Active, TenantStatus::Erasing, TenantStatus::Erased] {
        set_status(store, &ann, status, next).await.expect("the status is changed");
        status = next;
        let record = store.keys().find(&key.id).await.expect("the key can be read").expect("the key");
        assert_eq!((record.key, record.tenant_status), (key.clone(), next));
    }
}
