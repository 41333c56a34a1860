use std::sync::Arc;

use domain::value_objects::{AuditAction, KeyId, TenantId};

use crate::action::log_action;
use crate::dtos::RevokeKeyRequest;
use crate::errors::ApplicationError;
use crate::ports::{ApiKeyRepository, Clock, UnitOfWork, WriteStore};

/// Revokes an API key.
pub struct RevokeKeyUseCase {
    keys: Arc<dyn ApiKeyRepository>,
    store: Arc<dyn WriteStore>,
    clock: Arc<dyn Clock>,
}

impl RevokeKeyUseCase {
    /// The use case over its ports.
    pub fn new(keys: Arc<dyn ApiKeyRepository>, store: Arc<dyn WriteStore>, clock: Arc<dyn Clock>) -> Self {
        Self { keys, store, clock }
    }

    /// Revokes the key; every replica refuses it within five seconds.
    ///
    /// # Errors
    /// `NotFound`, also the second time; `Unavailable`.
    pub async fn execute(&self, request: RevokeKeyRequest) -> Result<(), ApplicationError> {
        log_action("RevokeKeyUseCase.execute", async {
            let tenant = match request.tenant {
                Some(tenant) => tenant,
                None => self.tenant_of(&request.id).await?,
            };
            let now = self.clock.now();
            let mut work = UnitOfWork::of(&tenant);
            let action = AuditAction::KeyRevoked;
            work.audit(request.actor.entry(now, Some(&tenant), action, request.id.as_str()));
            work.revoke_key(request.id, now);
            Ok(self.store.commit(work).await?)
        })
        .await
    }

    async fn tenant_of(&self, id: &KeyId) -> Result<TenantId, ApplicationError> {
        let missing = || ApplicationError::NotFound { entity: "key", id: id.to_string() };
        Ok(self.keys.find(id).await?.ok_or_else(missing)?.key.tenant)
    }
}
