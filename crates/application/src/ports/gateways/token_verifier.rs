use async_trait::async_trait;
use domain::value_objects::{Scopes, TenantId, Timestamp};

use crate::errors::BoxError;

/// Verifies signed tokens (JWT, RFC 7519) of an identity provider.
///
/// Implementations must accept a token only if its signature was made with a configured key and the algorithm that is
/// pinned to that key, its issuer and audience are the configured ones, and its times hold; and must grant an instance
/// scope only where the configuration lists it.
#[async_trait]
pub trait TokenVerifier: Send + Sync {
    /// Verifies `token`. Keys that are not known yet are fetched only where `may_fetch`.
    ///
    /// # Errors
    /// `Invalid`; `Unavailable` where a key that may be valid cannot be fetched.
    async fn verify(&self, token: &str, may_fetch: bool) -> Result<VerifiedToken, TokenError>;
}

/// What a valid token says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedToken {
    /// The tenant that its caller acts for; it may not exist.
    pub tenant: TenantId,
    /// What its caller may do.
    pub scopes: Scopes,
    /// Who made it, `iss`.
    pub issuer: Option<String>,
    /// Who the caller is, `sub`.
    pub subject: Option<String>,
    /// When it ends.
    pub expires_at: Timestamp,
    /// Until when it is accepted: later than its end by what clocks may differ.
    pub accepted_until: Timestamp,
}

/// Why a token was not accepted.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// The token is not valid.
    #[error("the token is not valid: {why}")]
    Invalid {
        /// Why; for the log, never for the client, and without the token.
        why: String,
    },
    /// The keys of the identity provider cannot be fetched.
    #[error("the keys of the identity provider are not available")]
    Unavailable {
        /// Why.
        #[source]
        source: BoxError,
    },
}
