use std::sync::{Mutex, PoisonError};

use application::errors::BoxError;
use application::ports::HealthCheck;
use async_trait::async_trait;

/// A component that works until it is told otherwise.
#[derive(Debug)]
pub struct FakeHealthCheck {
    name: &'static str,
    vital: bool,
    failure: Mutex<Option<&'static str>>,
}

impl FakeHealthCheck {
    /// A component without which the service is of no use.
    pub fn vital(name: &'static str) -> Self {
        Self { name, vital: true, failure: Mutex::default() }
    }

    /// A component without which the service works, but not as well.
    pub fn non_vital(name: &'static str) -> Self {
        Self { name, vital: false, failure: Mutex::default() }
    }

    /// From now on it does not work, because of `reason`.
    pub fn fail_with(&self, reason: &'static str) {
        *self.failure.lock().unwrap_or_else(PoisonError::into_inner) = Some(reason);
    }

    /// From now on it works again.
    pub fn recover(&self) {
        *self.failure.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

#[async_trait]
impl HealthCheck for FakeHealthCheck {
    fn name(&self) -> &'static str {
        self.name
    }

    fn is_vital(&self) -> bool {
        self.vital
    }

    async fn check(&self) -> Result<(), BoxError> {
        let failure = *self.failure.lock().unwrap_or_else(PoisonError::into_inner);
        failure.map_or(Ok(()), |reason| Err(reason.into()))
    }
}
