use std::sync::Arc;

use domain::entities::Tenant;

use crate::action::log_action;
use crate::errors::ApplicationError;
use crate::ports::TenantRepository;

/// Lists the tenants.
pub struct ListTenantsUseCase {
    tenants: Arc<dyn TenantRepository>,
}

impl ListTenantsUseCase {
    /// The use case over the repository.
    pub fn new(tenants: Arc<dyn TenantRepository>) -> Self {
        Self { tenants }
    }

    /// Returns the tenants by name, those that were erased included.
    ///
    /// # Errors
    /// `Unavailable`, `Corrupt`.
    pub async fn execute(&self) -> Result<Vec<Tenant>, ApplicationError> {
        log_action("ListTenantsUseCase.execute", async { Ok(self.tenants.list().await?) }).await
    }
}
