//! Whole verifications, with tokens and key sets of every kind, and with an identity provider on a loopback address.

mod claims;
mod issued;
mod provider;
mod provider_faults;
mod signatures;

use std::sync::Arc;
use std::time::Duration;

use application::ports::{Clock, TokenError, TokenVerifier, VerifiedToken};
use domain::value_objects::Timestamp;
use serde_json::{Value, json};
use testkit::{FakeIdentityProvider, FixedClock};

use issued::{Issuer, claims};

use crate::claim_rules::ClaimRules;
use crate::key_fetcher::KeyFetcher;
use crate::{JwtSecret, JwtSettings, JwtVerifier};

const SECRET: &str = "a secret of at least thirty-two bytes";

/// A verifier whose time stands still until a test advances it.
struct World {
    provider: FakeIdentityProvider,
    clock: Arc<FixedClock>,
    verifier: JwtVerifier,
}

impl World {
    /// With the shared secret.
    fn with_secret() -> Self {
        Self::with_settings(|settings| settings.secret = Some(JwtSecret::new(SECRET)))
    }

    /// With the settings that `change` makes.
    fn with_settings(change: impl Fn(&mut JwtSettings)) -> Self {
        let (provider, clock) = (FakeIdentityProvider::start(), Arc::new(FixedClock::default()));
        let mut settings = settings();
        change(&mut settings);
        let verifier = JwtVerifier::new(&settings, Arc::<FixedClock>::clone(&clock)).unwrap();
        Self { provider, clock, verifier }
    }

    /// With an identity provider that publishes the keys of `issuers`.
    fn with_keys(issuers: &[&Issuer]) -> Self {
        let provider = FakeIdentityProvider::start();
        provider.publish(&issuers.iter().map(|issuer| issuer.jwk()).collect::<Vec<_>>());
        let url = provider.url().parse().unwrap();
        Self::fetching_with(provider, KeyFetcher::new(url).unwrap())
    }

    /// With an identity provider that is not waited for for long.
    fn impatient() -> Self {
        let provider = FakeIdentityProvider::start();
        let fetcher = KeyFetcher::new(provider.url().parse().unwrap()).unwrap();
        Self::fetching_with(provider, KeyFetcher { limit: Duration::from_millis(200), ..fetcher })
    }

    fn fetching_with(provider: FakeIdentityProvider, fetcher: KeyFetcher) -> Self {
        let clock = Arc::new(FixedClock::default());
        let settings = JwtSettings { jwks_url: Some(provider.url()), ..settings() };
        let rules = ClaimRules::new(&settings).unwrap();
        let verifier = JwtVerifier::with_fetcher(rules, fetcher, Arc::<FixedClock>::clone(&clock));
        Self { provider, clock, verifier }
    }

    async fn verify(&self, token: &str) -> Result<VerifiedToken, TokenError> {
        self.verifier.verify(token, true).await
    }

    /// Returns why `token` is invalid.
    async fn refusal(&self, token: &str) -> String {
        refusal_of(self.verify(token).await)
    }
}

fn refusal_of(verified: Result<VerifiedToken, TokenError>) -> String {
    match verified {
        Err(TokenError::Invalid { why }) => why,
        other => panic!("{other:?}"),
    }
}

fn is_unavailable(verified: &Result<VerifiedToken, TokenError>) -> bool {
    matches!(verified, Err(TokenError::Unavailable { .. }))
}

fn settings() -> JwtSettings {
    JwtSettings {
        issuer: Some("https://idp.example".to_owned()),
        audience: vec!["undertone".to_owned(), "undertone-batch".to_owned()],
        ..JwtSettings::default()
    }
}

/// The seconds of the fixed clock.
fn now() -> i64 {
    FixedClock::default().now().as_micros() / 1_000_000
}
