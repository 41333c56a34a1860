use std::sync::Arc;

use crate::action::log_action;
use crate::errors::ApplicationError;
use crate::ports::UsageRepository;

/// Deletes the counts of texts of old days, which no quota needs.
pub struct PurgeUsageUseCase {
    usage: Arc<dyn UsageRepository>,
}

/// The days whose counts stay, this one included.
const DAYS: u32 = 35;
/// The most rows that one statement deletes.
const BATCH: u32 = 1_000;

impl PurgeUsageUseCase {
    /// The use case over the repository.
    pub fn new(usage: Arc<dyn UsageRepository>) -> Self {
        Self { usage }
    }

    /// Deletes the counts in batches; returns the number of rows.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn execute(&self) -> Result<u64, ApplicationError> {
        log_action("PurgeUsageUseCase.execute", async {
            let mut purged = 0;
            loop {
                let batch = self.usage.purge(DAYS, BATCH).await?;
                purged += batch;
                if batch < BATCH.into() {
                    return Ok(purged);
                }
            }
        })
        .await
    }
}
