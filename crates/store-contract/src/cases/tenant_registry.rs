//! The tenants themselves, and the removal of their rows.

use application::ports::{PredictionFilter, StoreError, UnitOfWork};
use domain::entities::{Tenant, TenantStatus};
use domain::value_objects::{TenantId, Timestamp};

use crate::StoreHarness;
use crate::samples::{FIRST, Samples, entry, key, tenant};
use crate::steps::{
    ALL, add_tenant, assert_conflict, assert_not_found, change, ids_descending, issue, query, set_status,
    spawn_commit, try_insert, unpublished,
};

async fn find(store: &impl StoreHarness, id: &TenantId) -> Option<Tenant> {
    store.tenants().find(id).await.expect("the tenant can be read")
}

async fn status(store: &impl StoreHarness, id: &TenantId) -> Option<TenantStatus> {
    find(store, id).await.map(|tenant| tenant.status)
}

/// A fresh store has the tenant `default`, active, and no other.
pub async fn the_default_tenant_exists(store: &impl StoreHarness) {
    let default = TenantId::default();
    assert_eq!(status(store, &default).await, Some(TenantStatus::Active));
    assert_eq!(find(store, &tenant("ann")).await, None);
    let all = store.tenants().list().await.expect("the tenants can be read");
    assert_eq!(all.iter().map(|tenant| &tenant.id).collect::<Vec<_>>(), [&default]);
    assert!(all[0].created_at > Timestamp::from_micros(FIRST - 1), "{:?}", all[0].created_at);
}

/// Every read that begins after a change sees it.
pub async fn a_changed_tenant_is_seen_at_once(store: &impl StoreHarness) {
    let created_at = Timestamp::from_micros(FIRST + 1);
    for name in ["bob", "ann", "carl-2_x"] {
        let new = Tenant { id: tenant(name), status: TenantStatus::Active, created_at };
        let added = change(store, &new.id, |work| work.insert_tenant(new.clone())).await;
        added.expect("the tenant is added");
        assert_eq!(find(store, &new.id).await, Some(new.clone()));
        for (from, to) in [
            (TenantStatus::Active, TenantStatus::Disabled),
            (TenantStatus::Disabled, TenantStatus::Erasing),
            (TenantStatus::Erasing, TenantStatus::Erased),
        ] {
            set_status(store, &new.id, from, to).await.expect("the status is changed");
            assert_eq!(find(store, &new.id).await, Some(Tenant { status: to, ..new.clone() }));
        }
    }
    let all = store.tenants().list().await.expect("the tenants can be read");
    let names: Vec<_> = all.iter().map(|tenant| tenant.id.as_str()).collect();
    assert_eq!(names, ["ann", "bob", "carl-2_x", "default"]);
    assert_eq!(status(store, &TenantId::default()).await, Some(TenantStatus::Active));
}

/// A name is given once, whatever became of its tenant.
pub async fn an_existing_name_is_a_conflict(store: &impl StoreHarness) {
    let ann = tenant("ann");
    add_tenant(store, &ann).await;
    set_status(store, &ann, TenantStatus::Active, TenantStatus::Erased).await.expect("the status is changed");
    let created_at = Timestamp::from_micros(FIRST + 99);
    for id in [ann.clone(), TenantId::default()] {
        let before = find(store, &id).await;
        let again = Tenant { id: id.clone(), status: TenantStatus::Active, created_at };
        assert_conflict(&change(store, &id, |work| work.insert_tenant(again)).await);
        assert_eq!(find(store, &id).await, before);
    }
}

/// A status changes from the expected one only; of many concurrent changes one succeeds.
pub async fn a_status_changes_from_the_expected_one_only(store: &impl StoreHarness) {
    let ann = tenant("ann");
    let (active, disabled) = (TenantStatus::Active, TenantStatus::Disabled);
    assert_not_found(&set_status(store, &ann, active, disabled).await);
    add_tenant(store, &ann).await;
    assert_conflict(&set_status(store, &ann, disabled, active).await);
    assert_eq!(status(store, &ann).await, Some(active));
    let changes: Vec<_> = (0..8)
        .map(|_| {
            let mut work = UnitOfWork::of(&ann);
            work.set_tenant_status(active, disabled);
            spawn_commit(store, work)
        })
        .collect();
    let mut succeeded = 0;
    for change in changes {
        match change.await.expect("the commit does not panic") {
            Ok(()) => succeeded += 1,
            Err(error) => assert!(matches!(error, StoreError::Conflict { .. }), "{error:?}"),
        }
    }
    assert_eq!((succeeded, status(store, &ann).await), (1, Some(disabled)));
}

/// All rows of the tenant go, at most `limit` rows of one table at a time; its name and its lines of the audit stay,
/// and so does everything of others.
pub async fn erasing_a_tenant_removes_its_rows_and_no_others(store: &impl StoreHarness) {
    const LIMIT: u32 = 4;
    let (ann, bob) = (tenant("ann"), tenant("bob"));
    let mut samples = Samples::new();
    let predictions = samples.many(11);
    let bobs = samples.many(3);
    for (id, rows, first_key) in [(&ann, &predictions, 10), (&bob, &bobs, 20)] {
        add_tenant(store, id).await;
        try_insert(store, id, rows).await.expect("the rows are inserted");
        for number in 0..5 {
            issue(store, &key(id, first_key + number)).await.expect("the key is issued");
        }
        change(store, id, |work| work.audit(entry(Some(id), "a change")))
            .await
            .expect("the line is appended");
    }
    let everything = PredictionFilter::default();
    let read = store.predictions();

    let mut batches = Vec::new();
    loop {
        match store.tenants().erase_rows(&ann, LIMIT).await.expect("the rows are removed") {
            0 => break,
            rows => batches.push(rows),
        }
    }
    let (of_predictions, of_events, of_keys) = ([4, 4, 3], [4, 4, 3], [4, 1]);
    assert_eq!(batches, [&of_predictions[..], &of_events, &of_keys].concat());
    for filter in [&everything, &query("sample")] {
        assert!(read.list(&ann, filter, None, ALL).await.expect("the rows can be read").items.is_empty());
        let listed = read.list(&bob, filter, None, ALL).await.expect("the rows can be read").items;
        let ids: Vec<_> = listed.iter().map(|record| record.prediction.id).collect();
        assert_eq!(ids, ids_descending(&bobs));
    }
    let events = unpublished(store).await;
    assert_eq!(events.iter().map(|event| &event.tenant).collect::<Vec<_>>(), [&bob; 3]);
    assert_eq!(store.keys().list(&ann).await.expect("the keys can be read"), []);
    assert_eq!(store.keys().list(&bob).await.expect("the keys can be read").len(), 5);
    for id in [&ann, &bob] {
        assert_eq!(status(store, id).await, Some(TenantStatus::Active));
        let lines = store.audit().list(Some(id), None, ALL).await.expect("the lines can be read");
        assert_eq!(lines.len(), 1);
    }
    assert_eq!(store.tenants().erase_rows(&tenant("carl"), LIMIT).await.expect("there are none"), 0);

    // No term is left that would find a new row.
    let again = samples.one_with(|new| new.text = crate::samples::text("something else"));
    try_insert(store, &ann, std::slice::from_ref(&again)).await.expect("the row is inserted");
    let found = read.list(&ann, &query("sample"), None, ALL).await.expect("the rows can be read");
    assert!(found.items.is_empty());
}
