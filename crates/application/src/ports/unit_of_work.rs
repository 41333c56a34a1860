use domain::entities::{ApiKey, Prediction, Tenant, TenantStatus};
use domain::events::DomainEvent;
use domain::value_objects::{AuditEntry, KeyId, PredictionId, TenantId, Timestamp};

/// The writes of one tenant that are committed together or not at all: plain data, which a
/// [`WriteStore`](crate::ports::WriteStore) consumes. Dropping it writes nothing.
///
/// What the source texts call `PredictionRepository.insert` and `.delete` is [`insert`](Self::insert) and
/// [`delete`](Self::delete) here; `OutboxRepository.append` is [`append`](Self::append).
#[derive(Debug, Clone)]
pub struct UnitOfWork {
    tenant: TenantId,
    writes: Vec<Write>,
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
    /// Appends this entry to the audit.
    AppendAudit(Box<AuditEntry>),
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
        Self { tenant: tenant.clone(), writes: Vec::new() }
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
