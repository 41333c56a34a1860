//! The tenants themselves, and the removal of their rows.

use std::num::NonZeroU64;
use std::time::Duration;

use application::ports::{
    AdmittedValue, ClaimOutcome, OutdatedRange, PredictionFilter, ProjectionStep, StoreError, TextCount,
    UnitOfWork,
};
use domain::entities::{Tenant, TenantStatus};
use domain::value_objects::{
    Bucket, DimensionValue, Limits, RequestDigest, Rollup, RollupKey, TenantId, Timestamp,
};

use crate::StoreHarness;
use crate::samples::{FIRST, Samples, entry, idempotency_key, key, limits, tenant};
use crate::steps::{
    ALL, add_tenant, assert_conflict, assert_not_found, change, events, ids_descending, issue, lead, query,
    set_status, spawn_commit, try_insert,
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
        let limits = Limits::default();
        let new = Tenant { id: tenant(name), status: TenantStatus::Active, limits, created_at };
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
        let again = Tenant { id: id.clone(), status: TenantStatus::Active, limits: limits(), created_at };
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

/// The limits of a tenant are those that were set last, also for its keys; those of a key stay apart.
pub async fn the_limits_of_a_tenant_are_changed_at_once(store: &impl StoreHarness) {
    let ann = tenant("ann");
    let set = async |limits| change(store, &ann, |work| work.set_tenant_limits(limits)).await;
    assert_not_found(&set(limits()).await);
    let (status, created_at) = (TenantStatus::Active, Timestamp::from_micros(FIRST));
    let new = Tenant { id: ann.clone(), status, limits: limits(), created_at };
    change(store, &ann, |work| work.insert_tenant(new.clone())).await.expect("the tenant is added");
    let key = key(&ann, 1);
    issue(store, &key).await.expect("the key is issued");
    let per_day = Limits { texts_per_day: NonZeroU64::new(1), ..Limits::default() };
    assert_eq!(find(store, &ann).await, Some(new.clone()));
    for limits in [Limits::default(), per_day, limits(), per_day] {
        set(limits).await.expect("the limits are set");
        assert_eq!(find(store, &ann).await, Some(Tenant { limits, ..new.clone() }));
        let record = store.keys().find(&key.id).await.expect("the key can be read").expect("the key");
        assert_eq!((record.tenant_limits, record.key.limits), (limits, Limits::default()));
    }
    let default = find(store, &TenantId::default()).await.expect("the default tenant");
    assert_eq!(default.limits, Limits::default());
    assert_eq!(store.tenants().list().await.expect("the tenants can be read")[0].limits, per_day);
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
            add_one_of_each(store, id, first_key, number).await;
        }
    }
    add_rollups(store, [&ann, &bob]).await;
    let everything = PredictionFilter::default();
    let read = store.predictions();

    let mut batches = Vec::new();
    loop {
        match store.tenants().erase_rows(&ann, LIMIT).await.expect("the rows are removed") {
            0 => break,
            rows => batches.push(rows),
        }
    }
    // Rollups, their values and their marks; idempotency keys, counts of texts and API keys.
    let (of_predictions, of_events, of_others) = ([4, 4, 3], [4, 4, 3], [4, 1].repeat(6));
    assert_eq!(batches, [&of_predictions[..], &of_events, &of_others[..]].concat());
    for filter in [&everything, &query("sample")] {
        assert!(read.list(&ann, filter, None, ALL).await.expect("the rows can be read").items.is_empty());
        let listed = read.list(&bob, filter, None, ALL).await.expect("the rows can be read").items;
        let ids: Vec<_> = listed.iter().map(|record| record.prediction.id).collect();
        assert_eq!(ids, ids_descending(&bobs));
    }
    assert_eq!(events(store).await.iter().map(|event| &event.tenant).collect::<Vec<_>>(), [&bob; 3]);
    assert_only_rollups_of(store, &ann, &bob).await;
    assert_eq!(store.keys().list(&ann).await.expect("the keys can be read"), []);
    assert_eq!(store.keys().list(&bob).await.expect("the keys can be read").len(), 5);
    for id in [&ann, &bob] {
        assert_eq!(status(store, id).await, Some(TenantStatus::Active));
        let lines = store.audit().list(Some(id), None, ALL).await.expect("the lines can be read");
        assert_eq!(lines.len(), 5);
    }
    let today = store.usage().today(&[ann.clone(), bob.clone()]).await.expect("the counts can be read");
    assert_eq!(today.counts.iter().map(|count| &count.tenant).collect::<Vec<_>>(), [&bob; 5]);
    assert!(matches!(claim_one(store, &ann, 0).await, ClaimOutcome::Claimed(_)));
    assert_eq!(claim_one(store, &bob, 0).await, ClaimOutcome::InProgress);
    assert_eq!(store.tenants().erase_rows(&tenant("carl"), LIMIT).await.expect("there are none"), 0);

    // No term is left that would find a new row.
    let again = samples.one_with(|new| new.text = crate::samples::text("something else"));
    try_insert(store, &ann, std::slice::from_ref(&again)).await.expect("the row is inserted");
    let found = read.list(&ann, &query("sample"), None, ALL).await.expect("the rows can be read");
    assert!(found.items.is_empty());
}

/// Asserts that `bob` has all rollups that are left, their values and marks, and `ann` none.
async fn assert_only_rollups_of(store: &impl StoreHarness, ann: &TenantId, bob: &TenantId) {
    let rollups = store.all_rollups().await;
    assert_eq!(rollups.iter().map(|(key, _)| &key.tenant).collect::<Vec<_>>(), [bob; 5]);
    let outdated = store.rollups().outdated(ALL).await.expect("the ranges can be read");
    assert_eq!(outdated.iter().map(|range| &range.tenant).collect::<Vec<_>>(), [bob; 5]);
    let values = store.rollups().admitted(&[(ann.clone(), 7), (bob.clone(), 7)]).await;
    assert!(values.expect("the values can be read").iter().all(|value| value.tenant == *bob));
}

/// Adds five rollups, five values and five outdated buckets of each tenant.
async fn add_rollups(store: &impl StoreHarness, tenants: [&TenantId; 2]) {
    let mut step = ProjectionStep { from: -1, to: 1, ..ProjectionStep::default() };
    for tenant in tenants {
        for number in 0..5 {
            let bucket = Bucket::containing(Timestamp::from_micros(FIRST)).later(2 * number);
            let key = RollupKey {
                tenant: tenant.clone(),
                dimension: None,
                sentiment: None,
                bucket,
                model_name: "m".to_owned(),
                model_revision: "r".to_owned(),
            };
            step.changes.push((key, Rollup { predictions: 1, ..Rollup::default() }));
            let value = DimensionValue { dimension: "source".to_owned(), value: number.to_string() };
            step.admitted.push(AdmittedValue { tenant: tenant.clone(), day: 7, value });
            step.outdated.push(OutdatedRange { tenant: tenant.clone(), first: bucket, last: bucket });
        }
    }
    let lease = lead(&*store.leases()).await;
    store.sinks().open(&lease, "analytics").await.expect("the sink is opened");
    store.rollups().apply(&lease, &step).await.expect("the step is applied");
}

/// Adds an API key, a line of the audit, a count of texts and an idempotency key.
async fn add_one_of_each(store: &impl StoreHarness, id: &TenantId, first_key: u32, number: u32) {
    issue(store, &key(id, first_key + number)).await.expect("the key is issued");
    let counted = change(store, id, |work| {
        work.audit(entry(Some(id), "a change"));
        work.count_texts(TextCount { principal: Some(format!("key:{number}")), texts: 1, quota: None });
    });
    counted.await.expect("the line is appended");
    claim_one(store, id, number).await;
}

async fn claim_one(store: &impl StoreHarness, id: &TenantId, number: u32) -> ClaimOutcome {
    let (key, digest) = (idempotency_key(&format!("key-{number}")), RequestDigest::from_bytes([7; 32]));
    let claim = store.idempotency().claim(id, &key, &digest, Duration::from_hours(1)).await;
    claim.expect("the store works")
}
