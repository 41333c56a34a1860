use std::net::IpAddr;
use std::sync::Arc;

use domain::entities::{KeyState, TenantStatus};
use domain::value_objects::{Limits, SecretHash};

use crate::action::log_action;
use crate::dtos::{AuthenticateRequest, Caller, Credential, Identity};
use crate::errors::ApplicationError;
use crate::ports::{
    CallerDirectory, Clock, FailureLimiter, KeyRecord, KeySecrets, SentKey, TokenError, TokenVerifier,
};

/// The ports of authentication.
#[derive(Clone)]
pub struct AuthenticationPorts {
    /// Parses and compares keys.
    pub secrets: Arc<dyn KeySecrets>,
    /// The keys and tenants.
    pub directory: Arc<dyn CallerDirectory>,
    /// Verifies tokens, if the service accepts them.
    pub tokens: Option<Arc<dyn TokenVerifier>>,
    /// What each subject of a token may use, beside the limits of its tenant.
    pub token_limits: Limits,
    /// Limits failures per address.
    pub failures: Arc<dyn FailureLimiter>,
    /// The time at which keys and tokens end.
    pub clock: Arc<dyn Clock>,
}

/// Authenticates the caller of a request.
///
/// An address with too many failures is refused before any look-up, except with a key that was accepted within the last
/// hour or a token that is valid: a client must not be locked out by another behind the same address.
pub struct AuthenticateUseCase {
    ports: AuthenticationPorts,
}

/// What an unknown key is compared with, so that it takes as long as a known one. No text has this hash.
const UNKNOWN: SecretHash = SecretHash::from_bytes([0; 32]);

impl AuthenticateUseCase {
    /// The use case over its ports.
    pub fn new(ports: AuthenticationPorts) -> Self {
        Self { ports }
    }

    /// Returns the caller.
    ///
    /// # Errors
    /// `Unauthenticated`, `TenantDisabled`, `RateLimited`; `Unavailable` where the store or the identity provider is
    /// needed and does not answer.
    pub async fn execute(&self, request: AuthenticateRequest) -> Result<Caller, ApplicationError> {
        log_action("AuthenticateUseCase.execute", async {
            let client = Client { failures: self.ports.failures.as_ref(), address: request.address };
            match request.credential {
                Credential::Missing => Err(unauthenticated("no credential")),
                Credential::Malformed => Err(client.refuse("malformed credential")),
                Credential::Key(key) => match self.ports.secrets.parse(key.expose()) {
                    Some(sent) => self.authenticate_key(&client, &sent).await,
                    None => Err(client.refuse("malformed key")),
                },
                Credential::Token(token) => self.authenticate_token(&client, token.expose()).await,
            }
        })
        .await
    }

    async fn authenticate_key(
        &self,
        client: &Client<'_>,
        sent: &SentKey,
    ) -> Result<Caller, ApplicationError> {
        if let Some(error) = client.blocked()
            && !self.ports.directory.was_valid(sent)
        {
            return Err(error);
        }
        let now = self.ports.clock.now();
        let Some(record) = self.ports.directory.key(&sent.id).await? else {
            self.ports.secrets.matches(&sent.hash, &UNKNOWN);
            return Err(client.refuse("unknown key"));
        };
        if !self.ports.secrets.matches(&sent.hash, &record.key.secret) {
            return Err(client.refuse("wrong secret"));
        }
        match record.key.state(now) {
            KeyState::Active => {}
            KeyState::Expired => return Err(client.refuse("expired key")),
            KeyState::Revoked => return Err(client.refuse("revoked key")),
        }
        require_active(Some(record.tenant_status))?;
        self.ports.directory.used(sent, now);
        Ok(caller_of(&record))
    }

    async fn authenticate_token(&self, client: &Client<'_>, token: &str) -> Result<Caller, ApplicationError> {
        let Some(tokens) = &self.ports.tokens else { return Err(client.refuse("tokens are not accepted")) };
        let blocked = client.blocked();
        let token = match tokens.verify(token, blocked.is_none()).await {
            Ok(token) => token,
            Err(TokenError::Invalid { why }) => {
                tracing::debug!(why, "a token was refused");
                return Err(blocked.unwrap_or_else(|| client.refuse("invalid token")));
            }
            Err(error @ TokenError::Unavailable { .. }) => {
                let what = "identity provider";
                return Err(ApplicationError::Unavailable { what, source: error.into() });
            }
        };
        let tenant = self.ports.directory.tenant(&token.tenant).await?;
        require_active(tenant.as_ref().map(|tenant| tenant.status))?;
        Ok(Caller {
            tenant: token.tenant,
            scopes: token.scopes,
            tenant_limits: tenant.map(|tenant| tenant.limits).unwrap_or_default(),
            limits: self.ports.token_limits,
            identity: Identity::Token {
                issuer: token.issuer,
                subject: token.subject,
                expires_at: token.expires_at,
                accepted_until: token.accepted_until,
            },
        })
    }
}

/// Returns the caller who has sent a key.
pub(super) fn caller_of(record: &KeyRecord) -> Caller {
    let key = &record.key;
    Caller {
        tenant: key.tenant.clone(),
        scopes: key.scopes,
        tenant_limits: record.tenant_limits,
        limits: key.limits,
        identity: Identity::Key { id: key.id.clone(), name: key.name.clone(), expires_at: key.expires_at },
    }
}

/// Checks that the callers of a tenant are accepted; a tenant that does not exist has no status.
pub(super) fn require_active(status: Option<TenantStatus>) -> Result<(), ApplicationError> {
    match status {
        Some(TenantStatus::Active) => Ok(()),
        Some(TenantStatus::Disabled | TenantStatus::Erasing | TenantStatus::Erased) | None => {
            Err(ApplicationError::TenantDisabled)
        }
    }
}

fn unauthenticated(why: &'static str) -> ApplicationError {
    ApplicationError::Unauthenticated { why }
}

/// The client of a request, whose failures are counted.
struct Client<'a> {
    failures: &'a dyn FailureLimiter,
    address: Option<IpAddr>,
}

impl Client<'_> {
    /// Returns the refusal of an address that has failed too often.
    fn blocked(&self) -> Option<ApplicationError> {
        let retry_after = self.failures.blocked_for(self.address?)?;
        Some(ApplicationError::RateLimited { retry_after })
    }

    /// Returns the refusal of a credential, and counts it. The address may have reached its limit by other requests
    /// since this one began.
    fn refuse(&self, why: &'static str) -> ApplicationError {
        if let Some(error) = self.blocked() {
            return error;
        }
        if let Some(address) = self.address {
            self.failures.count(address);
        }
        unauthenticated(why)
    }
}
