use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use application::ports::FailureLimiter;

/// Refuses an address after a number of failures, for good.
#[derive(Debug)]
pub struct CountingFailureLimiter {
    limit: usize,
    failures: Mutex<HashMap<IpAddr, usize>>,
}

impl CountingFailureLimiter {
    /// Refuses after `limit` failures.
    pub fn after(limit: usize) -> Self {
        Self { limit, failures: Mutex::default() }
    }

    /// The failures of an address.
    pub fn failures(&self, address: IpAddr) -> usize {
        let failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        failures.get(&address).copied().unwrap_or_default()
    }
}

impl FailureLimiter for CountingFailureLimiter {
    fn blocked_for(&self, address: IpAddr) -> Option<Duration> {
        (self.failures(address) >= self.limit).then_some(Duration::from_millis(5_500))
    }

    fn count(&self, address: IpAddr) {
        *self.failures.lock().unwrap_or_else(PoisonError::into_inner).entry(address).or_default() += 1;
    }
}
