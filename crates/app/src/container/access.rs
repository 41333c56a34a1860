//! Who may call the API: the use cases of authentication, and those of the commands `tenants`, `keys`, `audit`,
//! `export` and `analytics`.

use std::sync::Arc;

use application::ports::{CallerDirectory, Clock, TokenVerifier};
use application::use_cases::{
    AuthenticateUseCase, AuthenticationPorts, ChangeTenantUseCase, EraseTenantUseCase,
    ExportPredictionsUseCase, IssueKeyUseCase, ListAuditUseCase, ListKeysUseCase, ListTenantsUseCase,
    RebuildAnalyticsUseCase, RevalidateCallerUseCase, RevokeKeyUseCase, VerifyAuditUseCase,
};
use cli::Administration;
use infra_http::JwtVerifier;
use infra_local::{AddressFailureLimiter, CachedCallerDirectory, RandomKeySecrets};

use crate::config::{AuthSettings, Settings};
use crate::container::{Store, clock};

/// The keys and tenants of callers, and what authenticates callers where that is required.
pub(super) struct Access {
    pub(super) directory: Arc<CachedCallerDirectory>,
    pub(super) authenticate: Option<AuthenticateUseCase>,
    pub(super) revalidate: Option<RevalidateCallerUseCase>,
}

impl Access {
    /// Wires it.
    ///
    /// # Errors
    /// A verifier of tokens that cannot be made, or invalid limits of tokens.
    pub(super) fn new(
        settings: &AuthSettings,
        store: &Store,
        clock: &Arc<dyn Clock>,
    ) -> anyhow::Result<Self> {
        let cached = Arc::new(CachedCallerDirectory::new(store.keys.clone(), store.tenants.clone()));
        if !settings.is_required() {
            return Ok(Self { directory: cached, authenticate: None, revalidate: None });
        }
        let directory: Arc<dyn CallerDirectory> = cached.clone();
        let ports = AuthenticationPorts {
            secrets: Arc::new(RandomKeySecrets),
            directory: directory.clone(),
            tokens: tokens(settings, clock)?,
            token_limits: settings.jwt.limits.limits().map_err(anyhow::Error::msg)?,
            failures: Arc::new(AddressFailureLimiter::new(settings.failures_per_minute)),
            clock: clock.clone(),
        };
        let authenticate = Some(AuthenticateUseCase::new(ports));
        let revalidate = Some(RevalidateCallerUseCase::new(directory, clock.clone()));
        Ok(Self { directory: cached, authenticate, revalidate })
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

/// The use cases of the commands `tenants`, `keys`, `audit`, `export` and `analytics`, over `store`.
pub(crate) fn administration(settings: &Settings, store: &Store) -> Administration {
    let clock = clock(settings);
    let Store { keys, tenants, audit, writes, predictions, .. } = store;
    Administration {
        change_tenant: ChangeTenantUseCase::new(tenants.clone(), writes.clone(), clock.clone()),
        list_tenants: ListTenantsUseCase::new(tenants.clone()),
        erase_tenant: EraseTenantUseCase::new(tenants.clone(), writes.clone(), clock.clone()),
        issue_key: issue_key(store, &clock),
        list_keys: ListKeysUseCase::new(keys.clone(), clock.clone()),
        revoke_key: RevokeKeyUseCase::new(keys.clone(), writes.clone(), clock.clone()),
        list_audit: ListAuditUseCase::new(audit.clone()),
        verify_audit: VerifyAuditUseCase::new(audit.clone(), store.sealer.clone()),
        rebuild_analytics: RebuildAnalyticsUseCase::new(store.rollups.clone(), tenants.clone()),
        export: ExportPredictionsUseCase::new(predictions.clone(), clock.clone()),
        clock,
        sleep: |time| Box::pin(tokio::time::sleep(time)),
    }
}
