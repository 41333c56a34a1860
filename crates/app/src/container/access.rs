//! Who may call the API: the use cases of authentication, and those of the commands `tenants`, `keys` and `audit`.

use std::sync::Arc;

use application::ports::{CallerDirectory, Clock, TokenVerifier};
use application::use_cases::{
    AuthenticateUseCase, AuthenticationPorts, ChangeTenantUseCase, EraseTenantUseCase, IssueKeyUseCase,
    ListAuditUseCase, ListKeysUseCase, ListTenantsUseCase, RevalidateCallerUseCase, RevokeKeyUseCase,
    VerifyAuditUseCase,
};
use cli::Administration;
use infra_http::JwtVerifier;
use infra_local::{AddressFailureLimiter, CachedCallerDirectory, RandomKeySecrets};

use crate::config::{AuthSettings, Settings};
use crate::container::{Store, clock};

/// What authenticates callers, where that is required.
pub(super) struct Access {
    pub(super) directory: Arc<CachedCallerDirectory>,
    pub(super) authenticate: AuthenticateUseCase,
    pub(super) revalidate: RevalidateCallerUseCase,
}

impl Access {
    /// Wires it, if authentication is required.
    ///
    /// # Errors
    /// A verifier of tokens that cannot be made.
    pub(super) fn new(
        settings: &AuthSettings,
        store: &Store,
        clock: &Arc<dyn Clock>,
    ) -> anyhow::Result<Option<Self>> {
        if !settings.is_required() {
            return Ok(None);
        }
        let cached = Arc::new(CachedCallerDirectory::new(store.keys.clone(), store.tenants.clone()));
        let directory: Arc<dyn CallerDirectory> = cached.clone();
        let ports = AuthenticationPorts {
            secrets: Arc::new(RandomKeySecrets),
            directory: directory.clone(),
            tokens: tokens(settings, clock)?,
            failures: Arc::new(AddressFailureLimiter::new(settings.failures_per_minute)),
            clock: clock.clone(),
        };
        let authenticate = AuthenticateUseCase::new(ports);
        let revalidate = RevalidateCallerUseCase::new(directory, clock.clone());
        Ok(Some(Self { directory: cached, authenticate, revalidate }))
    }
}

fn tokens(settings: &AuthSettings, clock: &Arc<dyn Clock>) -> anyhow::Result<Option<Arc<dyn TokenVerifier>>> {
    if !settings.jwt.is_enabled() {
        return Ok(None);
    }
    Ok(Some(Arc::new(JwtVerifier::new(&settings.jwt, clock.clone())?)))
}

/// The use case of `POST /api/v1/keys` and of the command line.
pub(super) fn issue_key(store: &Store, clock: &Arc<dyn Clock>) -> IssueKeyUseCase {
    IssueKeyUseCase::new(
        store.keys.clone(),
        store.tenants.clone(),
        store.writes.clone(),
        Arc::new(RandomKeySecrets),
        clock.clone(),
    )
}

/// The use cases of the commands `tenants`, `keys` and `audit`, over `store`.
pub(crate) fn administration(settings: &Settings, store: &Store) -> Administration {
    let clock = clock(settings);
    let Store { keys, tenants, audit, writes, .. } = store;
    Administration {
        change_tenant: ChangeTenantUseCase::new(tenants.clone(), writes.clone(), clock.clone()),
        list_tenants: ListTenantsUseCase::new(tenants.clone()),
        erase_tenant: EraseTenantUseCase::new(tenants.clone(), writes.clone(), clock.clone()),
        issue_key: issue_key(store, &clock),
        list_keys: ListKeysUseCase::new(keys.clone(), clock.clone()),
        revoke_key: RevokeKeyUseCase::new(keys.clone(), writes.clone(), clock.clone()),
        list_audit: ListAuditUseCase::new(audit.clone()),
        verify_audit: VerifyAuditUseCase::new(audit.clone(), store.sealer.clone()),
        clock,
        sleep: |time| Box::pin(tokio::time::sleep(time)),
    }
}
