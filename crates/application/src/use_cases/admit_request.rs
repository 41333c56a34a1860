use std::sync::Arc;

use crate::action::log_action;
use crate::dtos::Caller;
use crate::errors::ApplicationError;
use crate::ports::{CallerDirectory, Principal, PrincipalStanding, RequestPermit, UsageLimiter};

/// Counts a request of a caller against its limits, before anything of it is read.
pub struct AdmitRequestUseCase {
    directory: Arc<dyn CallerDirectory>,
    limiter: Arc<dyn UsageLimiter>,
}

impl AdmitRequestUseCase {
    /// The use case over its ports.
    pub fn new(directory: Arc<dyn CallerDirectory>, limiter: Arc<dyn UsageLimiter>) -> Self {
        Self { directory, limiter }
    }

    /// Returns whose use is counted for `caller`. The limits of a caller without authentication are those of its
    /// tenant, as they were last read; before that there are none. A store that does not respond delays no request.
    pub async fn principal_of(&self, caller: &Caller) -> Principal {
        let mut principal = caller.principal();
        if caller.is_anonymous() {
            let tenant = self.directory.known_tenant(&caller.tenant).await;
            principal.limits = tenant.map(|tenant| tenant.limits).unwrap_or_default();
        }
        principal
    }

    /// Returns the permit to hold until the response is sent.
    ///
    /// # Errors
    /// `LimitExceeded`.
    pub async fn execute(&self, principal: &Principal) -> Result<RequestPermit, ApplicationError> {
        log_action("AdmitRequestUseCase.execute", async {
            let permit = self.limiter.begin_request(principal).await;
            permit.map_err(|error| ApplicationError::of_limit(error, 1))
        })
        .await
    }

    /// Returns what is left of the limits of `principal`; none where nothing is limited.
    pub fn standing(&self, principal: &Principal) -> Option<PrincipalStanding> {
        let is_limited = !principal.limits.is_unlimited() || principal.own.is_some();
        is_limited.then(|| self.limiter.standing(principal))
    }
}
