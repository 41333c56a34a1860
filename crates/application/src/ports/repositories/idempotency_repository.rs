use std::time::Duration;

use async_trait::async_trait;
use domain::value_objects::{IdempotencyKey, PredictionId, RequestDigest, TenantId};

use crate::ports::StoreError;

/// The right to answer a request for the first time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdempotencyClaim {
    /// The key of the request.
    pub key: IdempotencyKey,
    /// Grows with every claim of the key: a lower one belongs to a holder whose lease has ended.
    pub fence: i64,
}

/// The state of a key for a request that asks for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClaimOutcome {
    /// The request is to be answered, under this claim.
    Claimed(IdempotencyClaim),
    /// The request was answered before.
    Answered(StoredAnswer),
    /// Another request with this key and the same digest is being answered.
    InProgress,
    /// Another request with another digest has this key.
    Reused,
}

/// What is needed to answer a request again: for each item, in their order, where its prediction is or why there is
/// none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredAnswer {
    /// The items.
    pub items: Vec<StoredItem>,
}

/// The result of one item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StoredItem {
    /// Its prediction is stored under this id.
    Prediction(PredictionId),
    /// It failed.
    Failure(ItemFailure),
}

/// Why an item failed, as its client learned it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ItemFailure {
    /// The code of the problem.
    pub code: String,
    /// The field at fault.
    pub field: Option<String>,
    /// What is wrong, where the code does not say all; safe to show to the client.
    pub detail: Option<String>,
}

/// Claims idempotency keys. A [`UnitOfWork`](crate::ports::UnitOfWork) completes a claim together with what it stores.
///
/// Times are those of the store's own clock. Implementations must grant a free key to exactly one of several requests
/// (`one_of_two_requests_claims_a_key`); must refuse another digest even after the lease has ended
/// (`a_key_is_not_given_to_another_request`); must grant an unanswered key again once its lease has ended, with a
/// higher fence (`a_key_is_claimed_again_after_its_lease`), or once it was released, whatever the digest
/// (`a_released_key_is_free_for_any_request`); must refuse the unit of work of an earlier fence
/// (`a_late_holder_stores_nothing`); must return the stored answer from the commit on
/// (`an_answered_key_returns_its_answer`); must count the age of a key from its last claim
/// (`a_key_that_is_claimed_again_is_young`); and must separate tenants (`tenants_do_not_share_keys`). A claim itself
/// need not survive a crash of the store: its request has then failed as well.
#[async_trait]
pub trait IdempotencyRepository: Send + Sync {
    /// Claims `key` for the request of this digest, for `lease` from now. Waits no longer than the lease.
    ///
    /// # Errors
    /// `Unavailable`; `DeadlineExceeded` after the lease; `Corrupt` for an answer that cannot be read.
    async fn claim(
        &self,
        tenant: &TenantId,
        key: &IdempotencyKey,
        digest: &RequestDigest,
        lease: Duration,
    ) -> Result<ClaimOutcome, StoreError>;

    /// Gives an unanswered key back; does nothing where the claim was lost or its request is answered.
    ///
    /// # Errors
    /// `Unavailable`.
    async fn release(&self, tenant: &TenantId, claim: &IdempotencyClaim) -> Result<(), StoreError>;

    /// Deletes keys, answered or not, that were last claimed at least `age` ago, at most `limit`; returns how many.
    ///
    /// # Errors
    /// `Unavailable`.
    async fn purge(&self, age: Duration, limit: u32) -> Result<u64, StoreError>;
}
