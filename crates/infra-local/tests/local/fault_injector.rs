//! Faults at the steps of a request with an idempotency key. What an abort leaves behind is tested end to end.

use std::fs;
use std::path::Path;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use application::ports::{
    ClaimOutcome, IdempotencyClaim, IdempotencyRepository, StoredAnswer, UnitOfWork, WriteStore,
};
use domain::value_objects::{IdempotencyKey, RequestDigest, TenantId};
use infra_local::{Fault, FaultInjector, FaultStep};
use tempfile::TempDir;
use testkit::MemoryStore;
use tokio::time::timeout;

const LEASE: Duration = Duration::from_mins(1);

/// A store that stalls at one step until a file exists.
struct World {
    store: MemoryStore,
    claims: Arc<dyn IdempotencyRepository>,
    writes: Arc<dyn WriteStore>,
    tenant: TenantId,
}

impl World {
    fn stalling_at(step: FaultStep, until: &Path) -> Self {
        let store = MemoryStore::new();
        let faults = FaultInjector::new(step, Fault::Stall(until.to_owned()));
        let claims = faults.claims(Arc::new(store.clone()));
        let writes = faults.writes(Arc::new(store.clone()));
        Self { store, claims, writes, tenant: TenantId::default() }
    }

    async fn claim(&self, key: &str) -> ClaimOutcome {
        let key = IdempotencyKey::parse(key).unwrap();
        let digest = RequestDigest::from_bytes([1; 32]);
        self.claims.claim(&self.tenant, &key, &digest, LEASE).await.unwrap()
    }

    async fn complete(&self, claim: IdempotencyClaim) {
        let mut work = UnitOfWork::of(&self.tenant);
        work.complete(claim, StoredAnswer { items: Vec::new() });
        self.writes.commit(work).await.unwrap();
    }

    /// Runs a request that succeeds and one that fails.
    async fn run_requests(&self) {
        self.writes.commit(UnitOfWork::of(&self.tenant)).await.unwrap();
        let ClaimOutcome::Claimed(claim) = self.claim("succeeds").await else { panic!("the key is free") };
        self.complete(claim).await;
        assert!(matches!(self.claim("succeeds").await, ClaimOutcome::Answered(_)));
        let ClaimOutcome::Claimed(claim) = self.claim("fails").await else { panic!("the key is free") };
        self.claims.release(&self.tenant, &claim).await.unwrap();
        let ClaimOutcome::Claimed(claim) = self.claim("fails").await else { panic!("it was released") };
        self.claims.release(&self.tenant, &claim).await.unwrap();
    }

    /// Repeats the request that was answered, and commits a unit of work without a claim.
    async fn run_requests_again(&self) {
        assert!(matches!(self.claim("succeeds").await, ClaimOutcome::Answered(_)));
        self.writes.commit(UnitOfWork::of(&self.tenant)).await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn each_step_stalls_once_and_then_continues() {
    for step in FaultStep::ALL {
        let folder = TempDir::new().unwrap();
        let until = folder.path().join("continue");
        let world = World::stalling_at(step, &until);
        let mut requests = pin!(world.run_requests());
        // The paused clock advances while the requests wait.
        assert!(timeout(Duration::from_secs(5), &mut requests).await.is_err(), "{step:?}");
        fs::write(&until, "").unwrap();
        requests.await;
        fs::remove_file(&until).unwrap();
        world.run_requests_again().await;
        assert_eq!(world.store.commits(), 3, "{step:?}");
    }
}

#[test]
fn a_step_is_parsed_by_its_name() {
    for step in FaultStep::ALL {
        assert_eq!(step.as_str().parse(), Ok(step));
    }
    let refused = "later".parse::<FaultStep>().unwrap_err();
    assert_eq!(refused, "must be one of claiming, claimed, committing, committed, releasing, not \"later\"");
}
