use std::sync::Arc;

use domain::entities::KeyState;

use crate::action::log_action;
use crate::dtos::{Caller, Identity};
use crate::errors::ApplicationError;
use crate::ports::{CallerDirectory, Clock};
use crate::use_cases::authenticate::{caller_of, require_active};

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

    /// Checks the caller, and returns it with its current limits.
    ///
    /// # Errors
    /// `Unauthenticated` where the key or token has ended or was revoked; `TenantDisabled`; `Unavailable`.
    pub async fn execute(&self, caller: &Caller) -> Result<Caller, ApplicationError> {
        log_action("RevalidateCallerUseCase.execute", async {
            let now = self.clock.now();
            let ended = || ApplicationError::Unauthenticated { why: "the credential has ended" };
            match &caller.identity {
                Identity::Anonymous => Ok(caller.clone()),
                Identity::Key { id, .. } => {
                    let record = self.directory.key(id).await?.ok_or_else(ended)?;
                    if record.key.state(now) != KeyState::Active {
                        return Err(ended());
                    }
                    require_active(Some(record.tenant_status))?;
                    Ok(caller_of(&record))
                }
                Identity::Token { accepted_until, .. } if *accepted_until <= now => Err(ended()),
                Identity::Token { .. } => {
                    let tenant = self.directory.tenant(&caller.tenant).await?;
                    require_active(tenant.as_ref().map(|tenant| tenant.status))?;
                    let tenant_limits = tenant.map(|tenant| tenant.limits).unwrap_or_default();
                    Ok(Caller { tenant_limits, ..caller.clone() })
                }
            }
        })
        .await
    }
}
