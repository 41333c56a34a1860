use async_trait::async_trait;

use crate::errors::BoxError;

/// Checks one component.
#[async_trait]
pub trait HealthCheck: Send + Sync {
    /// The component's name in the health report.
    fn name(&self) -> &'static str;

    /// Whether the service is unhealthy without the component; otherwise it is degraded. Called after each check, so
    /// that it may depend on the result.
    fn is_vital(&self) -> bool {
        true
    }

    /// Checks the component. Implementations must return within two seconds.
    ///
    /// # Errors
    /// Why it does not work; for the log, never shown to a client.
    async fn check(&self) -> Result<(), BoxError>;
}
