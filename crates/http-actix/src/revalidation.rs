//! Checks the callers of requests that last.

use std::sync::Arc;
use std::time::Duration;

use application::dtos::Caller;
use application::errors::ApplicationError;
use application::ports::Principal;
use tokio::sync::watch;
use tokio::time::sleep;

use crate::extractors::Unfinished;
use crate::state::ApiState;

/// Whose use the lines of a stream are counted as; none where they are not limited.
pub(crate) type StreamPrincipal = Option<Arc<Principal>>;

/// How often it is checked whether the caller of a stream may continue, and with which limits. With the greatest age of
/// a cached key or tenant (4 s) a stream follows within five seconds of a change.
const REVALIDATE_EVERY: Duration = Duration::from_millis(500);

/// Publishes the caller's current limits, and returns once the caller would no longer be accepted.
pub(crate) async fn caller_refused(
    state: &ApiState,
    caller: &Caller,
    principal: &watch::Sender<StreamPrincipal>,
) -> Unfinished {
    loop {
        sleep(REVALIDATE_EVERY).await;
        let revalidated = match &state.use_cases.revalidate {
            Some(revalidate) => revalidate.execute(caller).await,
            None => Ok(caller.clone()),
        };
        match revalidated {
            Ok(caller) => {
                let current = state.use_cases.admit.principal_of(&caller).await;
                principal.send_replace(Some(Arc::new(current)));
            }
            Err(ApplicationError::Unauthenticated { .. } | ApplicationError::TenantDisabled) => {
                return Unfinished::CallerRefused;
            }
            Err(_) => return Unfinished::Unavailable,
        }
    }
}
