use std::num::NonZeroU64;

use domain::entities::{ApiKey, Prediction, Tenant, TenantStatus};
use domain::events::DomainEvent;
use domain::value_objects::{AuditEntry, KeyId, Limits, PredictionId, TenantId, Timestamp, TraceParent};

use crate::ports::{Deadline, IdempotencyClaim, StoredAnswer};

/// The writes of one tenant that are committed together or not at all: plain data, which a
/// [`WriteStore`](crate::ports::WriteStore) consumes. Dropping it writes nothing.
///
/// What the source texts call `PredictionRepository.insert` and `.delete` is [`insert`](Self::insert) and
/// [`delete`](Self::delete) here; `OutboxRepository.append` is [`append`](Self::append).
#[derive(Debug, Clone)]
pub struct UnitOfWork {
    tenant: TenantId,
    writes: Vec<Write>,
    begin_by: Deadline,
    traceparent: Option<TraceParent>,
}

/// One recorded write and its expectation.
#[derive(Debug, Clone)]
pub enum Write {
    /// Stores this prediction, which must be new.
    InsertPrediction(Box<Prediction>),
    /// Removes this prediction, which must exist.
    DeletePrediction(PredictionId),
    /// Stores this event until it is published.
    AppendEvent(DomainEvent),
    /// Changes a tenant or an API key.
    Change(AccessChange),
    /// Counts the texts that the unit stores.
    CountTexts(TextCount),
    /// Stores the answer to the request of this claim, whose fence must be the highest of the key, and which must not
    /// be answered yet.
    CompleteClaim {
        /// The claim.
        claim: IdempotencyClaim,
        /// The answer.
        answer: StoredAnswer,
    },
    /// Appends this entry to the audit.
    AppendAudit(Box<AuditEntry>),
}

/// Texts that are added to the count of this day (UTC), by the store's own clock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TextCount {
    /// The caller within the unit's tenant; none for all callers of the tenant.
    pub principal: Option<String>,
    /// The texts.
    pub texts: u32,
    /// The largest count of the day, these texts included, of all replicas together.
    pub quota: Option<NonZeroU64>,
}

/// A change of a tenant or of an API key, and its expectation.
#[derive(Debug, Clone)]
pub enum AccessChange {
    /// Stores this tenant, whose name must be new.
    InsertTenant(Tenant),
    /// Changes the status of the unit's tenant, which must be `from`.
    SetTenantStatus {
        /// The status before.
        from: TenantStatus,
        /// The status after.
        to: TenantStatus,
    },
    /// Sets the limits of the unit's tenant, which must exist.
    SetTenantLimits(Limits),
    /// Stores this key of the unit's tenant, whose id must be new.
    InsertKey(Box<ApiKey>),
    /// Revokes this key of the unit's tenant, which must exist and not be revoked.
    RevokeKey {
        /// The key.
        id: KeyId,
        /// When.
        at: Timestamp,
    },
    /// Ends this key of the unit's tenant at an instant, unless it ends earlier; it must exist and not be revoked.
    EndKey {
        /// The key.
        id: KeyId,
        /// When it ends.
        at: Timestamp,
    },
}

impl UnitOfWork {
    /// An empty unit of work on the tenant's rows.
    pub fn of(tenant: &TenantId) -> Self {
        Self { tenant: tenant.clone(), writes: Vec::new(), begin_by: Deadline::Never, traceparent: None }
    }

    /// Gives the unit up if its commit has not begun at `deadline`. The commit then fails with `DeadlineExceeded`.
    pub fn begin_by(&mut self, deadline: Deadline) {
        self.begin_by = deadline;
    }

    /// When the commit must have begun.
    pub fn deadline(&self) -> Deadline {
        self.begin_by
    }

    /// Gives the unit's events the trace of the request that causes them.
    pub fn trace(&mut self, traceparent: Option<TraceParent>) {
        self.traceparent = traceparent;
    }

    /// The trace of the request that causes the unit's events.
    pub fn traceparent(&self) -> Option<&TraceParent> {
        self.traceparent.as_ref()
    }

    /// Stores `prediction`. The commit fails with `Conflict` if its id exists already.
    pub fn insert(&mut self, prediction: &Prediction) {
        self.writes.push(Write::InsertPrediction(Box::new(prediction.clone())));
    }

    /// Removes the prediction `id`. The commit fails with `NotFound` if the tenant has none of that id.
    pub fn delete(&mut self, id: PredictionId) {
        self.writes.push(Write::DeletePrediction(id));
    }

    /// Stores `events`, in this order, to be published once they are committed.
    pub fn append(&mut self, events: &[DomainEvent]) {
        self.writes.extend(events.iter().cloned().map(Write::AppendEvent));
    }

    /// Stores `tenant`. The commit fails with `Conflict` if its name exists already.
    pub fn insert_tenant(&mut self, tenant: Tenant) {
        self.writes.push(Write::Change(AccessChange::InsertTenant(tenant)));
    }

    /// Changes the status of the tenant. The commit fails with `NotFound` if the tenant does not exist, with `Conflict`
    /// if its status is not `from`.
    pub fn set_tenant_status(&mut self, from: TenantStatus, to: TenantStatus) {
        self.writes.push(Write::Change(AccessChange::SetTenantStatus { from, to }));
    }

    /// Sets the limits of the tenant. The commit fails with `NotFound` if the tenant does not exist.
    pub fn set_tenant_limits(&mut self, limits: Limits) {
        self.writes.push(Write::Change(AccessChange::SetTenantLimits(limits)));
    }

    /// Stores `key`. The commit fails with `Conflict` if its id exists already.
    pub fn insert_key(&mut self, key: ApiKey) {
        self.writes.push(Write::Change(AccessChange::InsertKey(Box::new(key))));
    }

    /// Revokes the key `id`. The commit fails with `NotFound` if the tenant has none of that id, or it is revoked.
    pub fn revoke_key(&mut self, id: KeyId, at: Timestamp) {
        self.writes.push(Write::Change(AccessChange::RevokeKey { id, at }));
    }

    /// Ends the key `id` at `at`, unless it ends earlier. The commit fails with `NotFound` if the tenant has none of
    /// that id, or it is revoked.
    pub fn end_key(&mut self, id: KeyId, at: Timestamp) {
        self.writes.push(Write::Change(AccessChange::EndKey { id, at }));
    }

    /// Adds `count` to the texts of this day. The commit fails with `QuotaExceeded` if they then are more than its
    /// quota.
    pub fn count_texts(&mut self, count: TextCount) {
        self.writes.push(Write::CountTexts(count));
    }

    /// Stores `answer` as that to the request of `claim`. The commit fails with `Conflict` if the claim is lost or its
    /// request is answered.
    pub fn complete(&mut self, claim: IdempotencyClaim, answer: StoredAnswer) {
        self.writes.push(Write::CompleteClaim { claim, answer });
    }

    /// Appends `entry` to the audit. The lines of a unit follow all its other writes.
    pub fn audit(&mut self, entry: AuditEntry) {
        self.writes.push(Write::AppendAudit(Box::new(entry)));
    }

    /// The owner of the rows.
    pub fn tenant(&self) -> &TenantId {
        &self.tenant
    }

    /// The writes, in the order in which they were recorded.
    pub fn writes(&self) -> &[Write] {
        &self.writes
    }

    /// The bytes of all texts in it.
    pub fn text_bytes(&self) -> usize {
        let texts = self.writes.iter().map(|write| match write {
            Write::InsertPrediction(prediction) => prediction.text().as_str().len(),
            _ => 0,
        });
        texts.sum()
    }
}
