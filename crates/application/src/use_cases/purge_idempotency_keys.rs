use std::sync::Arc;
use std::time::Duration;

use crate::action::log_action;
use crate::errors::ApplicationError;
use crate::ports::IdempotencyRepository;

/// Deletes idempotency keys after a day. A request that is sent again later is a new one.
pub struct PurgeIdempotencyKeysUseCase {
    claims: Arc<dyn IdempotencyRepository>,
}

/// How long a key is valid.
const VALID: Duration = Duration::from_hours(24);
/// The most keys that one statement deletes.
const BATCH: u32 = 1_000;

impl PurgeIdempotencyKeysUseCase {
    /// The use case over the repository.
    pub fn new(claims: Arc<dyn IdempotencyRepository>) -> Self {
        Self { claims }
    }

    /// Deletes the keys in batches; returns how many.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn execute(&self) -> Result<u64, ApplicationError> {
        log_action("PurgeIdempotencyKeysUseCase.execute", async {
            let mut purged = 0;
            loop {
                let batch = self.claims.purge(VALID, BATCH).await?;
                purged += batch;
                if batch < BATCH.into() {
                    return Ok(purged);
                }
            }
        })
        .await
    }
}
