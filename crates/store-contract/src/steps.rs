//! Steps that many cases share: insert, delete, read.

use application::dtos::PredictionRecord;
use std::time::Duration;

use application::ports::{
    EventFeedRepository, FeedEvent, Lease, LeaseRepository, OutboxRepository, PredictionFilter, StoreError,
    UnitOfWork,
};
use domain::entities::{ApiKey, Prediction, Tenant, TenantStatus};
use domain::events::DomainEvent;
use domain::policies::parse_query;
use domain::value_objects::{AuditEntry, Limits, PredictionId, TenantId, Timestamp};
use tokio::task::JoinHandle;

use crate::StoreHarness;
use crate::samples::FIRST;

/// More rows than any case inserts.
pub(crate) const ALL: u32 = 20_000;

/// Commits `predictions` and their events as one write set.
pub(crate) async fn try_insert(
    store: &impl StoreHarness,
    tenant: &TenantId,
    predictions: &[Prediction],
) -> Result<(), StoreError> {
    let mut work = UnitOfWork::of(tenant);
    for prediction in predictions {
        work.insert(prediction);
        work.append(prediction.events());
    }
    store.writes().commit(work).await
}

/// Inserts `predictions` and their events, for the default tenant.
pub(crate) async fn insert(store: &impl StoreHarness, predictions: &[Prediction]) {
    try_insert(store, &TenantId::default(), predictions).await.expect("the write set is committed");
}

/// Deletes the predictions `ids` of the default tenant as one write set.
pub(crate) async fn try_delete(store: &impl StoreHarness, ids: &[PredictionId]) -> Result<(), StoreError> {
    let mut work = UnitOfWork::of(&TenantId::default());
    for id in ids {
        work.delete(*id);
    }
    store.writes().commit(work).await
}

/// Commits `work` in a task of its own.
pub(crate) fn spawn_commit(
    store: &impl StoreHarness,
    work: UnitOfWork,
) -> JoinHandle<Result<(), StoreError>> {
    let writes = store.writes();
    tokio::spawn(async move { writes.commit(work).await })
}

/// Commits `events` alone as one write set.
pub(crate) async fn append(store: &impl StoreHarness, events: &[DomainEvent]) {
    let mut work = UnitOfWork::of(&TenantId::default());
    work.append(events);
    store.writes().commit(work).await.expect("the write set is committed");
}

/// Commits what `record` records for `tenant` as one write set.
pub(crate) async fn change(
    store: &impl StoreHarness,
    tenant: &TenantId,
    record: impl FnOnce(&mut UnitOfWork),
) -> Result<(), StoreError> {
    let mut work = UnitOfWork::of(tenant);
    record(&mut work);
    store.writes().commit(work).await
}

/// Adds an active tenant.
pub(crate) async fn add_tenant(store: &impl StoreHarness, id: &TenantId) {
    let created_at = Timestamp::from_micros(FIRST);
    let limits = Limits::default();
    let new = Tenant { id: id.clone(), status: TenantStatus::Active, limits, created_at };
    change(store, id, |work| work.insert_tenant(new)).await.expect("the tenant is added");
}

/// Changes the status of a tenant.
pub(crate) async fn set_status(
    store: &impl StoreHarness,
    id: &TenantId,
    from: TenantStatus,
    to: TenantStatus,
) -> Result<(), StoreError> {
    change(store, id, |work| work.set_tenant_status(from, to)).await
}

/// Stores `key`.
pub(crate) async fn issue(store: &impl StoreHarness, key: &ApiKey) -> Result<(), StoreError> {
    change(store, &key.tenant, |work| work.insert_key(key.clone())).await
}

/// Appends `entries` to the audit as one write set.
pub(crate) async fn append_lines(store: &impl StoreHarness, entries: &[AuditEntry]) {
    let record = |work: &mut UnitOfWork| {
        for entry in entries {
            work.audit(entry.clone());
        }
    };
    change(store, &TenantId::default(), record).await.expect("the lines are appended");
}

/// The entries of the audit of `tenant`, the newest first.
pub(crate) async fn audit_of(store: &impl StoreHarness, tenant: &TenantId) -> Vec<AuditEntry> {
    let lines = store.audit().list(Some(tenant), None, ALL).await.expect("the lines can be read");
    lines.into_iter().map(|line| line.entry).collect()
}

/// The default tenant's prediction `id`.
pub(crate) async fn find(store: &impl StoreHarness, id: PredictionId) -> Option<PredictionRecord> {
    store.predictions().find(&TenantId::default(), id).await.expect("the row can be read")
}

/// The default tenant's predictions that match `filter`, on one long page.
pub(crate) async fn list(store: &impl StoreHarness, filter: &PredictionFilter) -> Vec<PredictionRecord> {
    let tenant = TenantId::default();
    store.predictions().list(&tenant, filter, None, ALL).await.expect("the rows can be read").items
}

/// The ids of [`list`].
pub(crate) async fn list_ids(store: &impl StoreHarness, filter: &PredictionFilter) -> Vec<PredictionId> {
    list(store, filter).await.iter().map(|record| record.prediction.id).collect()
}

/// Every event that was committed and not purged, in the order of the feed.
pub(crate) async fn events(store: &impl StoreHarness) -> Vec<FeedEvent> {
    events_of(&*store.leases(), &*store.outbox(), &*store.event_feed()).await
}

/// Gives every committed event of a store a position; returns all that were not purged, in the order of the feed.
pub async fn events_of(
    leases: &dyn LeaseRepository,
    outbox: &dyn OutboxRepository,
    feed: &dyn EventFeedRepository,
) -> Vec<FeedEvent> {
    let lease = lead(leases).await;
    while outbox.sequence(&lease, ALL).await.expect("the events get positions") > 0 {}
    leases.release(&lease).await.expect("the lease is released");
    let bounds = feed.bounds().await.expect("the bounds can be read");
    feed.read(None, bounds.purged, bounds.last).await.expect("the events can be read")
}

/// The lease of the replica that leads, for longer than any case takes.
pub(crate) async fn lead(leases: &dyn LeaseRepository) -> Lease {
    let lease = leases.acquire("outbox-relay", "the cases", Duration::from_mins(30)).await;
    lease.expect("the store works").expect("the lease is free")
}

/// The filter for texts that contain every term of `q`.
pub(crate) fn query(q: &str) -> PredictionFilter {
    PredictionFilter { terms: parse_query(q).expect("a query"), ..PredictionFilter::default() }
}

/// The ids of `predictions`, in the order of pages.
pub(crate) fn ids_descending<'a>(predictions: impl IntoIterator<Item = &'a Prediction>) -> Vec<PredictionId> {
    let mut ids: Vec<_> = predictions.into_iter().map(Prediction::id).collect();
    ids.sort_unstable_by(|a, b| b.cmp(a));
    ids
}

/// Asserts that `result` is a conflict.
#[track_caller]
pub(crate) fn assert_conflict<T: std::fmt::Debug>(result: &Result<T, StoreError>) {
    assert!(matches!(result, Err(StoreError::Conflict { .. })), "not a conflict: {result:?}");
}

/// Asserts that `result` reports a missing row.
#[track_caller]
pub(crate) fn assert_not_found(result: &Result<(), StoreError>) {
    assert!(matches!(result, Err(StoreError::NotFound { .. })), "not a missing row: {result:?}");
}
