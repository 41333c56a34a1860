use std::sync::Arc;
use std::time::Duration;

use application::ports::{
    AccessChange, AnalyticsReadModel, ApiKeyRepository, AuditReadModel, ClaimOutcome, EventFeedRepository,
    IdempotencyClaim, IdempotencyRepository, LeaseRepository, OutboxRepository, PredictionReadModel,
    RollupRepository, SinkRepository, StoreError, TenantRepository, TextCount, TrendReadModel, UnitOfWork,
    UsageReadModel, UsageRepository, Write, WriteStore,
};
use async_trait::async_trait;
use domain::entities::{ApiKey, NewPrediction, Prediction};
use domain::value_objects::{
    AuditEntry, Dimensions, EventId, IdempotencyKey, KeyId, MetadataValue, PredictionId, RequestDigest,
    Rollup, RollupKey, TenantId,
};

use crate::samples::{Samples, entry, key, metadata, tenant};
use crate::{Replica, StoreHarness};

/// A store in which another tenant has a look-alike of everything that a case stores: predictions with the same id,
/// text, reference, result and times, API keys with the same name, idempotency keys with the same text, counts of
/// texts, and lines of the audit. They stay when a case deletes its own rows. A case that passes over this store sees
/// none of them.
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
        work.count_texts(TextCount { principal: None, texts: 1_000, quota: None });
        store.writes().commit(work).await.expect("the rows of the other tenant are stored");
        Self(store)
    }

    fn writes(&self) -> Arc<dyn WriteStore> {
        with_look_alikes(self.0.writes())
    }

    fn predictions(&self) -> Arc<dyn PredictionReadModel> {
        self.0.predictions()
    }

    fn analytics(&self) -> Arc<dyn AnalyticsReadModel> {
        self.0.analytics()
    }

    fn outbox(&self) -> Arc<dyn OutboxRepository> {
        self.0.outbox()
    }

    fn event_feed(&self) -> Arc<dyn EventFeedRepository> {
        self.0.event_feed()
    }

    fn sinks(&self) -> Arc<dyn SinkRepository> {
        self.0.sinks()
    }

    fn rollups(&self) -> Arc<dyn RollupRepository> {
        self.0.rollups()
    }

    fn trends(&self) -> Arc<dyn TrendReadModel> {
        self.0.trends()
    }

    async fn all_rollups(&self) -> Vec<(RollupKey, Rollup)> {
        self.0.all_rollups().await
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

    fn idempotency(&self) -> Arc<dyn IdempotencyRepository> {
        Arc::new(WithLookAlikes { inner: self.0.idempotency(), tenant: tenant("look-alike") })
    }

    fn usage(&self) -> Arc<dyn UsageReadModel> {
        self.0.usage()
    }

    fn usage_purge(&self) -> Arc<dyn UsageRepository> {
        self.0.usage_purge()
    }

    async fn replica(&self) -> Replica {
        let Replica { writes, idempotency, usage } = self.0.replica().await;
        let idempotency = Arc::new(WithLookAlikes { inner: idempotency, tenant: tenant("look-alike") });
        Replica { writes: with_look_alikes(writes), idempotency, usage }
    }

    async fn spoil(&self, id: PredictionId) {
        self.0.spoil(id).await;
    }

    async fn age_rows(&self, days: u32) {
        self.0.age_rows(days).await;
    }
}

fn with_look_alikes(inner: Arc<dyn WriteStore>) -> Arc<dyn WriteStore> {
    Arc::new(WithLookAlikes { inner, tenant: tenant("look-alike") })
}

/// Commits the look-alikes of a unit of work before the unit itself, and claims another tenant's key for another
/// request before the key of a case.
struct WithLookAlikes<P: ?Sized> {
    inner: Arc<P>,
    tenant: TenantId,
}

#[async_trait]
impl IdempotencyRepository for WithLookAlikes<dyn IdempotencyRepository> {
    async fn claim(
        &self,
        tenant: &TenantId,
        key: &IdempotencyKey,
        digest: &RequestDigest,
        lease: Duration,
    ) -> Result<ClaimOutcome, StoreError> {
        let other = digest.as_bytes().map(|byte| !byte);
        self.inner.claim(&self.tenant, key, &RequestDigest::from_bytes(other), lease).await?;
        self.inner.claim(tenant, key, digest, lease).await
    }

    async fn release(&self, tenant: &TenantId, claim: &IdempotencyClaim) -> Result<(), StoreError> {
        self.inner.release(tenant, claim).await
    }

    async fn purge(&self, age: Duration, limit: u32) -> Result<u64, StoreError> {
        self.inner.purge(age, limit).await
    }
}

#[async_trait]
impl WriteStore for WithLookAlikes<dyn WriteStore> {
    async fn commit(&self, work: UnitOfWork) -> Result<(), StoreError> {
        match self.inner.commit(self.look_alike(&work)).await {
            // A case that stores an id again has its look-alike already.
            Ok(()) | Err(StoreError::Conflict { .. }) => self.inner.commit(work).await,
            Err(error) => Err(error),
        }
    }
}

impl WithLookAlikes<dyn WriteStore> {
    fn look_alike(&self, work: &UnitOfWork) -> UnitOfWork {
        let mut other = UnitOfWork::of(&self.tenant);
        for write in work.writes() {
            match write {
                Write::InsertPrediction(prediction) => other.insert(&prediction_like(prediction)),
                Write::Change(AccessChange::InsertKey(key)) => other.insert_key(self.key_like(key)),
                Write::CountTexts(count) => other.count_texts(TextCount { quota: None, ..count.clone() }),
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
    Prediction::create(
        NewPrediction {
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
        },
        &Dimensions::default(),
    )
}
