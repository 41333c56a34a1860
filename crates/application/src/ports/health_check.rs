use async_trait::async_trait;

use crate::errors::BoxError;

/// Looks whether one component works.
#[async_trait]
pub trait HealthCheck: Send + Sync {
    /// The component's name in the health report.
    fn name(&self) -> &'static str;

    /// Whether the service is of no use without it; else its failure only degrades the service. Asked after each
    /// check, so that the answer may depend on what that found.
    fn is_vital(&self) -> bool {
        true
    }

    /// Tries the component. Implementations must come back within two seconds.
    ///
    /// # Errors
    /// Why it does not work; for the log, and never shown to a caller.
    async fn check(&self) -> Result<(), BoxError>;
}
