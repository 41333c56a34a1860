use std::num::NonZeroU32;
use std::sync::{Mutex, MutexGuard, PoisonError};

use application::ports::{LimitError, Principal, PrincipalStanding, RequestPermit, UsageLimiter};
use async_trait::async_trait;

/// Allows everything and counts it, until it is set to refuse.
#[derive(Debug, Default)]
pub struct CountingUsageLimiter(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    requests: Vec<Principal>,
    texts: Vec<(Principal, u32)>,
    standing: PrincipalStanding,
    refuses_requests: Option<LimitError>,
    refuses_texts: Option<LimitError>,
}

impl CountingUsageLimiter {
    /// Makes every later request fail.
    pub fn refuse_requests(&self, error: LimitError) {
        self.state().refuses_requests = Some(error);
    }

    /// Makes all later texts fail.
    pub fn refuse_texts(&self, error: LimitError) {
        self.state().refuses_texts = Some(error);
    }

    /// Allows requests and texts again.
    pub fn allow_all(&self) {
        let mut state = self.state();
        (state.refuses_requests, state.refuses_texts) = (None, None);
    }

    /// Sets what is left of every principal's limits.
    pub fn set_standing(&self, standing: PrincipalStanding) {
        self.state().standing = standing;
    }

    /// The principals of the requests that were allowed, in their order.
    pub fn requests(&self) -> Vec<Principal> {
        self.state().requests.clone()
    }

    /// The texts that were allowed, in their order.
    pub fn texts(&self) -> Vec<(Principal, u32)> {
        self.state().texts.clone()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl UsageLimiter for CountingUsageLimiter {
    async fn begin_request(&self, principal: &Principal) -> Result<RequestPermit, LimitError> {
        let mut state = self.state();
        state.refuses_requests.map_or(Ok(()), Err)?;
        state.requests.push(principal.clone());
        Ok(RequestPermit::uncounted())
    }

    async fn take_texts(&self, principal: &Principal, texts: NonZeroU32) -> Result<(), LimitError> {
        let mut state = self.state();
        state.refuses_texts.map_or(Ok(()), Err)?;
        state.texts.push((principal.clone(), texts.get()));
        Ok(())
    }

    async fn wait_for_text(&self, principal: &Principal) -> Result<(), LimitError> {
        self.take_texts(principal, NonZeroU32::MIN).await
    }

    fn standing(&self, _: &Principal) -> PrincipalStanding {
        self.state().standing.clone()
    }
}
