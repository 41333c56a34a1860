use std::sync::Arc;

use domain::entities::{ApiKey, KeyState, Tenant};
use domain::errors::{DomainError, Rule};
use domain::value_objects::{AuditAction, KeyId, KeyName, Limits, Scopes, TenantId, Timestamp};

use crate::action::log_action;
use crate::dtos::{IssueKeyRequest, IssueKeyResponse};
use crate::errors::ApplicationError;
use crate::ports::{ApiKeyRepository, Clock, KeySecrets, TenantRepository, UnitOfWork, WriteStore};
use crate::use_cases::change_tenant::existing;

/// The most keys of a tenant: a rotation each day for thirteen years.
const MAX_KEYS: usize = 5_000;

/// Issues an API key, possibly in place of another.
pub struct IssueKeyUseCase {
    keys: Arc<dyn ApiKeyRepository>,
    tenants: Arc<dyn TenantRepository>,
    store: Arc<dyn WriteStore>,
    secrets: Arc<dyn KeySecrets>,
    clock: Arc<dyn Clock>,
}

impl IssueKeyUseCase {
    /// The use case over its ports.
    pub fn new(
        keys: Arc<dyn ApiKeyRepository>,
        tenants: Arc<dyn TenantRepository>,
        store: Arc<dyn WriteStore>,
        secrets: Arc<dyn KeySecrets>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self { keys, tenants, store, secrets, clock }
    }

    /// Returns the key once it is stored. A replaced key ends after the overlap, unless it ends earlier.
    ///
    /// # Errors
    /// `Invalid`; `NotFound` for an unknown tenant, and for a replaced key that is unknown or not active; `Forbidden`
    /// for a scope that may not be granted; `Conflict` where the tenant is changed meanwhile; `Unavailable`.
    pub async fn execute(&self, request: IssueKeyRequest) -> Result<IssueKeyResponse, ApplicationError> {
        log_action("IssueKeyUseCase.execute", async {
            let now = self.clock.now();
            let replaced = self.replaced(&request, now).await?;
            let scopes = scopes(&request, replaced.as_ref())?;
            let name = match &request.name {
                Some(name) => Some(KeyName::parse(name.as_str())?),
                None => replaced.as_ref().and_then(|key| key.name.clone()),
            };
            if request.expires_at.is_some_and(|end| end <= now) {
                let allowed = "in the future".into();
                return Err(DomainError::violation("expires_at", Rule::OutOfRange { allowed }).into());
            }
            let tenant = self.tenant(&request.tenant).await?;
            self.require_room(&request.tenant).await?;
            let new = self.secrets.generate();
            let key = ApiKey {
                id: new.id,
                tenant: request.tenant.clone(),
                name,
                scopes,
                limits: limits(&request, replaced.as_ref(), &tenant)?,
                secret: new.hash,
                created_at: now,
                expires_at: request.expires_at,
                revoked_at: None,
                last_used_at: None,
            };
            let mut work = work(&request, &key, replaced.as_ref());
            // The tenant must not be erased meanwhile: its keys may have been removed already.
            work.set_tenant_status(tenant.status, tenant.status);
            self.store.commit(work).await?;
            Ok(IssueKeyResponse { key, secret: new.secret })
        })
        .await
    }

    async fn replaced(
        &self,
        request: &IssueKeyRequest,
        now: Timestamp,
    ) -> Result<Option<ApiKey>, ApplicationError> {
        let Some(replacement) = &request.replaces else { return Ok(None) };
        let id = KeyId::parse("replaces", replacement.id.as_str())?;
        let record = self.keys.find(&id).await?;
        let active = |key: &ApiKey| key.tenant == request.tenant && key.state(now) == KeyState::Active;
        let key = record.map(|record| record.key).filter(active);
        key.map(Some).ok_or_else(|| ApplicationError::NotFound { entity: "key", id: id.to_string() })
    }

    /// Checks that the tenant may have another key: its keys are listed together, those that have ended included.
    async fn require_room(&self, id: &TenantId) -> Result<(), ApplicationError> {
        let actual = self.keys.list(id).await?.len() + 1;
        let rule = Rule::TooMany { max: MAX_KEYS, actual };
        if actual > MAX_KEYS { Err(DomainError::violation("tenant", rule).into()) } else { Ok(()) }
    }

    /// Returns a tenant for which keys may be issued.
    async fn tenant(&self, id: &TenantId) -> Result<Tenant, ApplicationError> {
        let tenant = existing(self.tenants.find(id).await?, id)?;
        tenant.status.allow_keys()?;
        Ok(tenant)
    }
}

fn scopes(request: &IssueKeyRequest, replaced: Option<&ApiKey>) -> Result<Scopes, ApplicationError> {
    let scopes = match (&request.scopes, replaced) {
        (Some(names), _) => Scopes::parse(names.iter().map(String::as_str))?,
        (None, Some(key)) => key.scopes,
        (None, None) => return Err(DomainError::violation("scopes", Rule::Blank).into()),
    };
    let refused = request.grantable.and_then(|grantable| scopes.without(grantable).iter().next());
    refused.map_or(Ok(scopes), |scope| Err(ApplicationError::Forbidden { scope }))
}

/// Returns the limits of the new key, which are never wider than those of its tenant and of its issuer.
fn limits(
    request: &IssueKeyRequest,
    replaced: Option<&ApiKey>,
    tenant: &Tenant,
) -> Result<Limits, DomainError> {
    let Some(own) = request.limits else {
        // What the request did not send is narrowed and not refused: the issuer may have got narrower limits since.
        let inherited = replaced.map(|key| key.limits).unwrap_or_default();
        return Ok(inherited.clamped_to(&request.issuer_limits));
    };
    own.narrowed_by(&tenant.limits)?;
    own.narrowed_by(&request.issuer_limits)
}

fn work(request: &IssueKeyRequest, key: &ApiKey, replaced: Option<&ApiKey>) -> UnitOfWork {
    let (now, tenant, actor) = (key.created_at, &request.tenant, &request.actor);
    let mut work = UnitOfWork::of(tenant);
    let mut issued = actor.entry(now, Some(tenant), AuditAction::KeyIssued, key.id.as_str());
    issued.detail = Some(key.scopes.to_string());
    work.insert_key(key.clone());
    work.audit(issued);
    if let (Some(old), Some(replacement)) = (replaced, &request.replaces) {
        let mut ended = actor.entry(now, Some(tenant), AuditAction::KeyReplaced, old.id.as_str());
        ended.detail = Some(key.id.to_string());
        work.end_key(old.id.clone(), now.plus(replacement.overlap));
        work.audit(ended);
    }
    work
}
