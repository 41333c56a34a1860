use std::sync::Arc;

use application::ports::{
    AccessChange, ApiKeyRepository, AuditReadModel, LeaseRepository, OutboxRelayRepository,
    PredictionReadModel, StoreError, TenantRepository, UnitOfWork, Write, WriteStore,
};
use async_trait::async_trait;
use domain::entities::{ApiKey, NewPrediction, Prediction};
use domain::value_objects::{AuditEntry, EventId, KeyId, MetadataValue, PredictionId, TenantId};

use crate::StoreHarness;
use crate::samples::{Samples, entry, key, metadata, tenant};

/// A store in which another tenant has a look-alike of everything that a case stores: predictions with the same id,
/// text, reference, result and times, keys with the same name, and lines of the audit. They stay when a case deletes
/// its own rows. A case that passes over this store sees none of them.
pub struct WithSecondTenant<H>(H);

#[async_trait]
impl<H: StoreHarness> StoreHarness for WithSecondTenant<H> {
    /// The other tenant has rows before the first of a case as well.
    async fn start() -> Self {
        let (store, other) = (H::start().await, tenant("look-alike"));
        let mut work = UnitOfWork::of(&other);
        for prediction in Samples::starting_at(1_000_000).many(3) {
            work.insert(&prediction);
        }
        work.insert_key(key(&other, 1_000_000));
        work.audit(entry(Some(&other), "what another tenant did"));
        store.writes().commit(work).await.expect("the rows of the other tenant are stored");
        Self(store)
    }

    fn writes(&self) -> Arc<dyn WriteStore> {
        Arc::new(WithLookAlikes { inner: self.0.writes(), tenant: tenant("look-alike") })
    }

    fn predictions(&self) -> Arc<dyn PredictionReadModel> {
        self.0.predictions()
    }

    fn outbox(&self) -> Arc<dyn OutboxRelayRepository> {
        self.0.outbox()
    }

    fn leases(&self) -> Arc<dyn LeaseRepository> {
        self.0.leases()
    }

    fn keys(&self) -> Arc<dyn ApiKeyRepository> {
        self.0.keys()
    }

    fn tenants(&self) -> Arc<dyn TenantRepository> {
        self.0.tenants()
    }

    fn audit(&self) -> Arc<dyn AuditReadModel> {
        self.0.audit()
    }

    async fn spoil(&self, id: PredictionId) {
        self.0.spoil(id).await;
    }
}

/// Commits the look-alikes of a unit of work before the unit itself.
struct WithLookAlikes {
    inner: Arc<dyn WriteStore>,
    tenant: TenantId,
}

#[async_trait]
impl WriteStore for WithLookAlikes {
    async fn commit(&self, work: UnitOfWork) -> Result<(), StoreError> {
        match self.inner.commit(self.look_alike(&work)).await {
            // A case that stores an id again has its look-alike already.
            Ok(()) | Err(StoreError::Conflict { .. }) => self.inner.commit(work).await,
            Err(error) => Err(error),
        }
    }
}

impl WithLookAlikes {
    fn look_alike(&self, work: &UnitOfWork) -> UnitOfWork {
        let mut other = UnitOfWork::of(&self.tenant);
        for write in work.writes() {
            match write {
                Write::InsertPrediction(prediction) => other.insert(&prediction_like(prediction)),
                Write::Change(AccessChange::InsertKey(key)) => other.insert_key(self.key_like(key)),
                Write::AppendAudit(entry) if entry.tenant.is_some() => {
                    other.audit(AuditEntry { tenant: Some(self.tenant.clone()), ..(**entry).clone() });
                }
                _ => {}
            }
        }
        other
    }

    /// A key of the other tenant, whose id differs in its first character.
    fn key_like(&self, key: &ApiKey) -> ApiKey {
        let id = format!("X{}", &key.id.as_str()[1..]);
        let id = KeyId::parse("id", id).expect("letters and digits");
        ApiKey { id, tenant: self.tenant.clone(), ..key.clone() }
    }
}

/// The same prediction with other metadata, by which a case notices it.
fn prediction_like(prediction: &Prediction) -> Prediction {
    Prediction::create(NewPrediction {
        id: prediction.id(),
        event_id: EventId::from_u128(0),
        text: prediction.text().clone(),
        reference: prediction.reference().cloned(),
        metadata: metadata([("of", MetadataValue::Text("another tenant".to_owned()))]),
        result: prediction.result().clone(),
        model: prediction.model().clone(),
        usage: prediction.usage(),
        cached: prediction.cached(),
        now: prediction.created_at(),
    })
}
