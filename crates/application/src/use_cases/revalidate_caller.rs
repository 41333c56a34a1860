use std::sync::Arc;

use domain::entities::KeyState;

use crate::action::log_action;
use crate::dtos::{Caller, Identity};
use crate::errors::ApplicationError;
use crate::ports::{CallerDirectory, Clock};
use crate::use_cases::authenticate::require_active;

/// Checks that a caller who was authenticated before would still be: for requests that last.
pub struct RevalidateCallerUseCase {
    directory: Arc<dyn CallerDirectory>,
    clock: Arc<dyn Clock>,
}

impl RevalidateCallerUseCase {
    /// The use case over its ports.
    pub fn new(directory: Arc<dyn CallerDirectory>, clock: Arc<dyn Clock>) -> Self {
        Self { directory, clock }
    }

    /// Checks the caller.
    ///
    /// # Errors
    /// `Unauthenticated` where the key or token has ended or was revoked; `TenantDisabled`; `Unavailable`.
    pub async fn execute(&self, caller: &Caller) -> Result<(), ApplicationError> {
        log_action("RevalidateCallerUseCase.execute", async {
            let now = self.clock.now();
            let ended = || ApplicationError::Unauthenticated { why: "the credential has ended" };
            let status = match &caller.identity {
                Identity::Anonymous => return Ok(()),
                Identity::Key { id, .. } => {
                    let record = self.directory.key(id).await?.ok_or_else(ended)?;
                    if record.key.state(now) != KeyState::Active {
                        return Err(ended());
                    }
                    Some(record.tenant_status)
                }
                Identity::Token { accepted_until, .. } if *accepted_until <= now => return Err(ended()),
                Identity::Token { .. } => {
                    self.directory.tenant(&caller.tenant).await?.map(|tenant| tenant.status)
                }
            };
            require_active(status)
        })
        .await
    }
}
