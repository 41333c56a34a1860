use std::sync::Arc;

use application::errors::BoxError;
use application::ports::HealthCheck;
use async_trait::async_trait;

use crate::gateway::LocalMlGateway;

/// Whether the model is loaded and its worker takes work.
pub struct ModelHealthCheck {
    gateway: Arc<LocalMlGateway>,
}

impl ModelHealthCheck {
    /// The check of `gateway`.
    pub fn new(gateway: Arc<LocalMlGateway>) -> Self {
        Self { gateway }
    }
}

#[async_trait]
impl HealthCheck for ModelHealthCheck {
    fn name(&self) -> &'static str {
        "model"
    }

    async fn check(&self) -> Result<(), BoxError> {
        Ok(self.gateway.availability()?)
    }
}
