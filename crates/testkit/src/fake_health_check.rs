use std::sync::{Mutex, PoisonError};

use application::errors::BoxError;
use application::ports::HealthCheck;
use async_trait::async_trait;

/// A component that works until [`FakeHealthCheck::fail_with`].
#[derive(Debug)]
pub struct FakeHealthCheck {
    name: &'static str,
    vital: bool,
    failure: Mutex<Option<&'static str>>,
}

impl FakeHealthCheck {
    /// Makes a component whose failure makes the service unhealthy.
    pub fn vital(name: &'static str) -> Self {
        Self { name, vital: true, failure: Mutex::default() }
    }

    /// Makes a component whose failure only degrades the service.
    pub fn non_vital(name: &'static str) -> Self {
        Self { name, vital: false, failure: Mutex::default() }
    }

    /// Makes the checks fail with `reason`.
    pub fn fail_with(&self, reason: &'static str) {
        *self.failure.lock().unwrap_or_else(PoisonError::into_inner) = Some(reason);
    }

    /// Makes the checks succeed again.
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
