use std::sync::Arc;

use domain::value_objects::{AuditAction, ModelName, TenantId};

use crate::action::chain;
use crate::dtos::Actor;
use crate::errors::ApplicationError;
use crate::ports::{CatalogError, Clock, ModelCatalog, ModelLoadError, UnitOfWork, WriteStore};

/// The setting that allows clients to change the catalog.
const SETTING: &str = "server.model_changes";

/// The catalog, which clients may change if the configuration allows it, and the audit of the changes.
#[derive(Clone)]
pub struct ModelChanges {
    /// The models.
    pub models: Arc<dyn ModelCatalog>,
    /// Whether clients may change them.
    pub allowed: bool,
    /// Where the audit is.
    pub store: Arc<dyn WriteStore>,
    /// The time of the audit's lines.
    pub clock: Arc<dyn Clock>,
}

/// A change of the model of a name, as the audit reports it.
pub(super) struct ModelChange<'a> {
    pub(super) name: &'a ModelName,
    pub(super) tenant: &'a TenantId,
    pub(super) actor: &'a Actor,
    /// The action of the line before the change, and that of the line about its failure.
    pub(super) actions: [AuditAction; 2],
    pub(super) detail: Option<String>,
}

impl ModelChanges {
    /// Makes a change of the catalog. Its line of the audit is committed first: a change that cannot be reported does
    /// not happen.
    pub(super) async fn make<T>(
        &self,
        change: ModelChange<'_>,
        making: impl Future<Output = Result<T, CatalogError>>,
    ) -> Result<T, ApplicationError> {
        let [begun, failed] = change.actions;
        self.report(&change, begun).await?;
        let made = making.await;
        if made.is_err()
            && let Err(error) = self.report(&change, failed).await
        {
            tracing::error!(error = chain(&error), "the audit lacks the failure of a change of the models");
        }
        made.map_err(|error| Self::convert(change.name, error))
    }

    async fn report(&self, change: &ModelChange<'_>, action: AuditAction) -> Result<(), ApplicationError> {
        let mut entry = change.actor.entry(self.clock.now(), None, action, change.name.as_str());
        entry.detail.clone_from(&change.detail);
        let mut work = UnitOfWork::of(change.tenant);
        work.audit(entry);
        Ok(self.store.commit(work).await?)
    }

    pub(super) fn catalog(&self) -> Result<&dyn ModelCatalog, ApplicationError> {
        if self.allowed {
            Ok(self.models.as_ref())
        } else {
            Err(ApplicationError::TurnedOff { what: "changing models", setting: SETTING })
        }
    }

    /// Converts the error of a change of the model `name`.
    fn convert(name: &ModelName, error: CatalogError) -> ApplicationError {
        let id = name.to_string();
        match error {
            CatalogError::NotFound => ApplicationError::NotFound { entity: "model", id },
            CatalogError::Busy => ApplicationError::Conflict { entity: "model", id },
            CatalogError::IsDefault => ApplicationError::DefaultModel { name: id },
            CatalogError::NotLoaded(ModelLoadError::NotLoadable { field, why }) => {
                ApplicationError::ModelNotLoadable { field, why }
            }
            CatalogError::NotLoaded(error @ ModelLoadError::Unavailable { .. }) => {
                ApplicationError::Unavailable { what: "model", source: error.into() }
            }
        }
    }
}
