use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use application::action::chain;
use application::ports::{Clock, TokenError};
use metrics::counter;
use tokio::sync::watch;
use tokio::time::timeout;
use tracing::Instrument;

use crate::key_fetcher::{FetchError, KeyFetcher};
use crate::key_set::{KeySet, NoKey};
use crate::metric::JWKS_FETCHES;
use crate::signed_token::{Refusal, SignedToken};
use crate::verification_key::VerificationKey;

/// The keys that an identity provider publishes, as last fetched.
///
/// They are fetched when a token needs them, again in the background where they are old, and again, at most every 30
/// seconds, where a token names a key that is not among them. There is one request at a time, and it continues when the
/// requests that wait for it are cancelled. While the provider fails, the last keys are used for a day.
pub(crate) struct PublishedKeys {
    fetcher: KeyFetcher,
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    fetched: Option<Fetched>,
    /// When the last attempt to fetch keys began or, once it is over, ended.
    attempted_at: Option<Instant>,
    /// Why the last attempt failed, if it did.
    failure: Option<Arc<FetchError>>,
    /// Its sender exists while an attempt is in progress.
    attempt: Option<watch::Receiver<()>>,
}

#[derive(Clone)]
struct Fetched {
    keys: Arc<KeySet>,
    at: Instant,
}

/// The age at which keys are fetched again.
const REFRESH_AGE: Duration = Duration::from_mins(5);

/// The age beyond which keys are used only while the provider fails. A service in use refreshes its keys before; one
/// that was idle must not accept a key that was withdrawn meanwhile.
const STALE_AGE: Duration = Duration::from_mins(10);

/// The age at which keys are used no more.
const MAX_AGE: Duration = Duration::from_hours(24);

/// The least time between two attempts while there are keys.
const PAUSE: Duration = Duration::from_secs(30);

/// The least time between two attempts while there are no keys, so that no token can be verified.
const PAUSE_WITHOUT_KEYS: Duration = Duration::from_secs(5);

impl PublishedKeys {
    pub(crate) fn new(fetcher: KeyFetcher, clock: Arc<dyn Clock>) -> Self {
        Self { fetcher, clock, state: Mutex::default() }
    }

    /// Returns the key of `token`, which is fetched where it is not known and `may_fetch`.
    pub(crate) async fn find(
        self: &Arc<Self>,
        token: &SignedToken<'_>,
        may_fetch: bool,
    ) -> Result<VerificationKey, TokenError> {
        match self.known(token) {
            Err(NoKey::Unknown) if may_fetch => {}
            known => return known.map_err(|no_key| invalid(&no_key)),
        }
        if let Some(mut attempt) = self.fetch() {
            let ended = async { while attempt.changed().await.is_ok() {} };
            // The attempt has the same limit; this one holds even where nothing runs it any more.
            let _ = timeout(self.fetcher.limit, ended).await;
        }
        self.known(token).map_err(|no_key| match (no_key, self.missing()) {
            (NoKey::Unknown, Some(source)) => TokenError::Unavailable { source: source.into() },
            (no_key, _) => invalid(&no_key),
        })
    }

    /// Returns the key of `token` among the keys that are there, and has old ones refreshed.
    fn known(self: &Arc<Self>, token: &SignedToken<'_>) -> Result<VerificationKey, NoKey> {
        let now = self.clock.monotonic();
        let (fetched, fails) = {
            let state = self.state();
            (state.fetched.clone(), state.failure.is_some())
        };
        let Some(Fetched { keys, at }) = fetched else { return Err(NoKey::Unknown) };
        let age = now.duration_since(at);
        if age >= REFRESH_AGE {
            self.fetch();
        }
        if age >= if fails { MAX_AGE } else { STALE_AGE } { Err(NoKey::Unknown) } else { keys.find(token) }
    }

    /// Returns why a key that is not known may exist all the same: keys cannot be fetched.
    fn missing(&self) -> Option<Arc<FetchError>> {
        let state = self.state();
        let has_none = || state.fetched.is_none().then(|| Arc::new(FetchError::Timeout));
        state.failure.clone().or_else(has_none)
    }

    /// Returns the attempt in progress; starts one unless the last is too recent.
    fn fetch(self: &Arc<Self>) -> Option<watch::Receiver<()>> {
        let mut state = self.state();
        if let Some(attempt) = state.attempt.as_ref().filter(|attempt| attempt.has_changed().is_ok()) {
            return Some(attempt.clone());
        }
        let now = self.clock.monotonic();
        let pause = if state.fetched.is_some() { PAUSE } else { PAUSE_WITHOUT_KEYS };
        if state.attempted_at.is_some_and(|at| now.duration_since(at) < pause) {
            return None;
        }
        let (in_progress, attempt) = watch::channel(());
        state.attempted_at = Some(now);
        state.attempt = Some(attempt.clone());
        let keys = Arc::clone(self);
        let run = async move {
            keys.attempt().await;
            drop(in_progress);
        };
        tokio::spawn(run.instrument(tracing::info_span!(parent: None, "http.fetch_jwks")));
        Some(attempt)
    }

    async fn attempt(&self) {
        let fetched = self.fetcher.fetch().await;
        let outcome = fetched.as_ref().map_or_else(FetchError::outcome, |_| "success");
        counter!(JWKS_FETCHES, "outcome" => outcome).increment(1);
        let now = self.clock.monotonic();
        let mut state = self.state();
        state.attempted_at = Some(now);
        match fetched {
            Ok(keys) => {
                tracing::debug!(keys = keys.len(), "fetched the keys of the identity provider");
                if keys.len() == 0 {
                    tracing::warn!(
                        "the identity provider publishes no key that can be used; no token is accepted"
                    );
                }
                state.fetched = Some(Fetched { keys: Arc::new(keys), at: now });
                state.failure = None;
            }
            Err(error) => {
                let reason = chain(&error);
                tracing::warn!(
                    reason,
                    "cannot fetch the keys of the identity provider; the last ones stay in use"
                );
                state.failure = Some(Arc::new(error));
            }
        }
    }

    /// The state is valid at every moment, so a panic elsewhere does not matter.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn invalid(no_key: &NoKey) -> TokenError {
    let why: Refusal = match no_key {
        NoKey::Unknown => "its key is not known",
        NoKey::Refused(why) => why,
    };
    TokenError::Invalid { why: why.to_owned() }
}
