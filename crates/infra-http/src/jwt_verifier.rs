use std::sync::Arc;

use application::ports::{Clock, TokenError, TokenVerifier, VerifiedToken};
use async_trait::async_trait;

use crate::claim_rules::ClaimRules;
use crate::jwt_settings::{JwtSettings, parse_jwks_url};
use crate::key_fetcher::KeyFetcher;
use crate::published_keys::PublishedKeys;
use crate::signed_token::{Refusal, SignedToken};
use crate::verification_key::{Algorithm, VerificationKey};

/// Verifies tokens that are signed with a shared secret or with a key that an identity provider publishes.
pub struct JwtVerifier {
    keys: Keys,
    rules: ClaimRules,
    clock: Arc<dyn Clock>,
}

/// Why no verifier was made.
#[derive(Debug, thiserror::Error)]
pub enum JwtVerifierError {
    /// The settings are invalid, or accept no token.
    #[error("auth.jwt.{reason}")]
    Settings {
        /// The key, and what is wrong with its value.
        reason: String,
    },
    /// The HTTP client cannot be made.
    #[error(
        "cannot prepare requests to auth.jwt.jwks_url; check the certificates and the proxies of this system"
    )]
    Client {
        /// Why.
        #[source]
        source: reqwest::Error,
    },
}

enum Keys {
    Secret(VerificationKey),
    Published(Arc<PublishedKeys>),
}

impl JwtVerifier {
    /// A verifier by `settings`, which must accept tokens. Keys are fetched when the first token needs them.
    ///
    /// # Errors
    /// Invalid settings, or a system whose certificates cannot be read.
    pub fn new(settings: &JwtSettings, clock: Arc<dyn Clock>) -> Result<Self, JwtVerifierError> {
        let refuse = |reason| JwtVerifierError::Settings { reason };
        let rules = ClaimRules::new(settings).map_err(refuse)?;
        let keys = match (&settings.secret, &settings.jwks_url) {
            (Some(secret), _) => Keys::Secret(VerificationKey::of_secret(secret.expose().as_bytes())),
            (None, Some(url)) => {
                let fetcher = KeyFetcher::new(parse_jwks_url(url).map_err(refuse)?);
                let fetcher = fetcher.map_err(|source| JwtVerifierError::Client { source })?;
                Keys::Published(Arc::new(PublishedKeys::new(fetcher, Arc::clone(&clock))))
            }
            (None, None) => return Err(refuse("secret or auth.jwt.jwks_url must be set".to_owned())),
        };
        Ok(Self { keys, rules, clock })
    }

    #[cfg(test)]
    pub(crate) fn with_fetcher(rules: ClaimRules, fetcher: KeyFetcher, clock: Arc<dyn Clock>) -> Self {
        let keys = Keys::Published(Arc::new(PublishedKeys::new(fetcher, Arc::clone(&clock))));
        Self { keys, rules, clock }
    }
}

#[async_trait]
impl TokenVerifier for JwtVerifier {
    async fn verify(&self, token: &str, may_fetch: bool) -> Result<VerifiedToken, TokenError> {
        let token = SignedToken::parse(token).map_err(invalid)?;
        let key = match (&self.keys, token.algorithm()) {
            (Keys::Secret(secret), Algorithm::Hs256) => secret.clone(),
            (Keys::Published(keys), algorithm) if algorithm != Algorithm::Hs256 => {
                keys.find(&token, may_fetch).await?
            }
            (Keys::Secret(_) | Keys::Published(_), _) => {
                return Err(invalid("its algorithm is not that of the configured keys"));
            }
        };
        let claims = token.claims_signed_with(&key).map_err(invalid)?;
        self.rules.check(&claims, self.clock.now()).map_err(invalid)
    }
}

fn invalid(why: Refusal) -> TokenError {
    TokenError::Invalid { why: why.to_owned() }
}
