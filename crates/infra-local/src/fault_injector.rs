use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use application::ports::{
    ClaimOutcome, IdempotencyClaim, IdempotencyRepository, StoreError, UnitOfWork, Write, WriteStore,
};
use async_trait::async_trait;
use domain::value_objects::{IdempotencyKey, RequestDigest, TenantId};
use tokio::time::sleep;

/// Ends or stalls the process once, when a request with an idempotency key is at a certain step: a test observes what
/// the other replicas and the retries of the client see. No release build has it.
pub struct FaultInjector {
    step: FaultStep,
    fault: Fault,
    happened: AtomicBool,
}

/// A step of a request with an idempotency key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FaultStep {
    /// Before the key is claimed.
    Claiming,
    /// After the key was claimed, before the text is classified.
    Claimed,
    /// Before the predictions and the answer are committed.
    Committing,
    /// After they were committed, before the response is sent.
    Committed,
    /// Before the key of a request that failed is released.
    Releasing,
}

/// What happens at the step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// The process ends at once, without any cleanup, as by `kill -9`.
    Abort,
    /// The request waits until this file exists, and then continues.
    Stall(PathBuf),
}

/// How often a stalled request looks for its file.
const LOOK_EVERY: Duration = Duration::from_millis(20);

impl FaultStep {
    /// Every step, in the order of a request.
    pub const ALL: [Self; 5] =
        [Self::Claiming, Self::Claimed, Self::Committing, Self::Committed, Self::Releasing];

    /// Returns the name in the configuration, such as `claiming`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Claiming => "claiming",
            Self::Claimed => "claimed",
            Self::Committing => "committing",
            Self::Committed => "committed",
            Self::Releasing => "releasing",
        }
    }
}

impl FromStr for FaultStep {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let step = Self::ALL.into_iter().find(|step| step.as_str() == name);
        step.ok_or_else(|| format!("must be one of {}, not {name:?}", Self::ALL.map(Self::as_str).join(", ")))
    }
}

impl FaultInjector {
    /// Makes an injector of `fault`, which happens when the first request is at `step`.
    pub fn new(step: FaultStep, fault: Fault) -> Arc<Self> {
        Arc::new(Self { step, fault, happened: AtomicBool::new(false) })
    }

    /// Returns `claims` with the steps `Claiming`, `Claimed` and `Releasing`.
    pub fn claims(
        self: &Arc<Self>,
        claims: Arc<dyn IdempotencyRepository>,
    ) -> Arc<dyn IdempotencyRepository> {
        Arc::new(FaultyClaims { claims, faults: Arc::clone(self) })
    }

    /// Returns `writes` with the steps `Committing` and `Committed`, for units of work that complete a claim.
    pub fn writes(self: &Arc<Self>, writes: Arc<dyn WriteStore>) -> Arc<dyn WriteStore> {
        Arc::new(FaultyWrites { writes, faults: Arc::clone(self) })
    }

    async fn reach(&self, step: FaultStep) {
        if step != self.step || self.happened.swap(true, Ordering::SeqCst) {
            return;
        }
        match &self.fault {
            Fault::Abort => std::process::abort(),
            Fault::Stall(until) => {
                while !until.exists() {
                    sleep(LOOK_EVERY).await;
                }
            }
        }
    }
}

struct FaultyClaims {
    claims: Arc<dyn IdempotencyRepository>,
    faults: Arc<FaultInjector>,
}

#[async_trait]
impl IdempotencyRepository for FaultyClaims {
    async fn claim(
        &self,
        tenant: &TenantId,
        key: &IdempotencyKey,
        digest: &RequestDigest,
        lease: Duration,
    ) -> Result<ClaimOutcome, StoreError> {
        self.faults.reach(FaultStep::Claiming).await;
        let outcome = self.claims.claim(tenant, key, digest, lease).await?;
        if matches!(outcome, ClaimOutcome::Claimed(_)) {
            self.faults.reach(FaultStep::Claimed).await;
        }
        Ok(outcome)
    }

    async fn release(&self, tenant: &TenantId, claim: &IdempotencyClaim) -> Result<(), StoreError> {
        self.faults.reach(FaultStep::Releasing).await;
        self.claims.release(tenant, claim).await
    }

    async fn purge(&self, age: Duration, limit: u32) -> Result<u64, StoreError> {
        self.claims.purge(age, limit).await
    }
}

struct FaultyWrites {
    writes: Arc<dyn WriteStore>,
    faults: Arc<FaultInjector>,
}

#[async_trait]
impl WriteStore for FaultyWrites {
    async fn commit(&self, work: UnitOfWork) -> Result<(), StoreError> {
        if !work.writes().iter().any(|write| matches!(write, Write::CompleteClaim { .. })) {
            return self.writes.commit(work).await;
        }
        self.faults.reach(FaultStep::Committing).await;
        self.writes.commit(work).await?;
        self.faults.reach(FaultStep::Committed).await;
        Ok(())
    }
}
