use std::sync::Arc;

use crate::action::log_action;
use crate::dtos::{ListKeysRequest, ListKeysResponse};
use crate::errors::ApplicationError;
use crate::ports::{ApiKeyRepository, Clock};

/// Lists the keys of a tenant, those that have ended included.
pub struct ListKeysUseCase {
    keys: Arc<dyn ApiKeyRepository>,
    clock: Arc<dyn Clock>,
}

impl ListKeysUseCase {
    /// The use case over its ports.
    pub fn new(keys: Arc<dyn ApiKeyRepository>, clock: Arc<dyn Clock>) -> Self {
        Self { keys, clock }
    }

    /// Returns the keys, the newest first.
    ///
    /// # Errors
    /// `Unavailable`, `Corrupt`.
    pub async fn execute(&self, request: ListKeysRequest) -> Result<ListKeysResponse, ApplicationError> {
        log_action("ListKeysUseCase.execute", async {
            Ok(ListKeysResponse { keys: self.keys.list(&request.tenant).await?, now: self.clock.now() })
        })
        .await
    }
}
