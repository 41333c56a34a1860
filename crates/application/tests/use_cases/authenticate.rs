use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use application::dtos::{AuthenticateRequest, Caller, Credential, Identity};
use application::errors::ApplicationError;
use application::ports::{
    OwnLimits, Principal, SecretText, TenantRepository, TokenError, TokenVerifier, UnitOfWork, VerifiedToken,
    WriteStore,
};
use application::use_cases::{AuthenticateUseCase, AuthenticationPorts, RevalidateCallerUseCase};
use async_trait::async_trait;
use domain::entities::TenantStatus;
use domain::value_objects::{KeyId, Limits, Scope, Scopes, TenantId, Timestamp};
use futures_util::future::join_all;
use testkit::{CountingFailureLimiter, DirectCallerDirectory, PlainKeySecrets};

use crate::keys::{issue, key_request};
use crate::world::{World, failure};

const ADDRESS: &str = "192.0.2.1";

/// Limits of so many requests at the same time.
fn at_once(requests: u32) -> Limits {
    Limits { concurrent: NonZeroU32::new(requests), ..Limits::default() }
}

/// Accepts the token `a.valid.token`; `an.unknown.key` needs a fetch, which fails.
struct OneToken(Timestamp);

#[async_trait]
impl TokenVerifier for OneToken {
    async fn verify(&self, token: &str, may_fetch: bool) -> Result<VerifiedToken, TokenError> {
        match token {
            "a.valid.token" => Ok(VerifiedToken {
                issuer: Some("https://id.example".to_owned()),
                tenant: TenantId::default(),
                scopes: [Scope::PredictionsRead].into_iter().collect(),
                subject: Some("ann".to_owned()),
                expires_at: self.0.plus(Duration::from_mins(1)),
                accepted_until: self.0.plus(Duration::from_secs(90)),
            }),
            "an.unknown.key" if may_fetch => Err(TokenError::Unavailable { source: "no connection".into() }),
            _ => Err(TokenError::Invalid { why: "a bad signature".to_owned() }),
        }
    }
}

struct Door {
    use_case: AuthenticateUseCase,
    revalidate: RevalidateCallerUseCase,
    directory: Arc<DirectCallerDirectory>,
    failures: Arc<CountingFailureLimiter>,
}

impl Door {
    /// Authentication that refuses an address after three failures.
    fn of(world: &World) -> Self {
        let directory = Arc::new(DirectCallerDirectory::of(&world.store));
        let failures = Arc::new(CountingFailureLimiter::after(3));
        let use_case = AuthenticateUseCase::new(AuthenticationPorts {
            token_limits: at_once(2),
            secrets: Arc::new(PlainKeySecrets::new()),
            directory: directory.clone(),
            tokens: Some(Arc::new(OneToken(application::ports::Clock::now(&*world.clock)))),
            failures: failures.clone(),
            clock: world.clock.clone(),
        });
        let revalidate = RevalidateCallerUseCase::new(directory.clone(), world.clock.clone());
        Self { use_case, revalidate, directory, failures }
    }

    async fn send(&self, credential: Credential) -> Result<Caller, ApplicationError> {
        let address = Some(ADDRESS.parse().unwrap());
        self.use_case.execute(AuthenticateRequest { credential, address }).await
    }

    async fn key(&self, key: &str) -> Result<Caller, ApplicationError> {
        self.send(Credential::Key(SecretText::new(key))).await
    }

    async fn token(&self, token: &str) -> Result<Caller, ApplicationError> {
        self.send(Credential::Token(SecretText::new(token))).await
    }

    fn failed(&self) -> usize {
        self.failures.failures(ADDRESS.parse::<IpAddr>().unwrap())
    }
}

#[tokio::test]
async fn a_key_names_its_tenant_and_scopes_and_its_use_is_noted() {
    let world = World::new();
    let door = Door::of(&world);
    let issued = issue(&world, key_request(&["predictions:write", "models:read"])).await.unwrap();
    let caller = door.key(issued.secret.expose()).await.unwrap();
    assert_eq!((caller.tenant, caller.scopes), (TenantId::default(), issued.key.scopes));
    let identity = Identity::Key { id: issued.key.id.clone(), name: issued.key.name, expires_at: None };
    assert_eq!(caller.identity, identity);
    let used: Vec<KeyId> = door.directory.used_keys().into_iter().map(|(id, _)| id).collect();
    assert_eq!((used, door.failed()), (vec![issued.key.id], 0));
}

#[tokio::test]
async fn every_refused_credential_has_the_same_error_and_is_counted() {
    let world = World::new();
    let issued = issue(&world, key_request(&["models:read"])).await.unwrap();
    let other_secret = format!("ut_{}_{:049}", issued.key.id, 0);
    for credential in [
        Credential::Malformed,
        Credential::Key(SecretText::new("ut_nonsense")),
        Credential::Key(SecretText::new(PlainKeySecrets::key(99))),
        Credential::Key(SecretText::new(other_secret)),
        Credential::Token(SecretText::new("a.bad.token")),
    ] {
        let door = Door::of(&world);
        assert_eq!(failure(&door.send(credential.clone()).await), ("unauthenticated", ""), "{credential:?}");
        assert_eq!(door.failed(), 1, "{credential:?}");
    }
    let door = Door::of(&world);
    assert_eq!(failure(&door.send(Credential::Missing).await), ("unauthenticated", ""));
    assert_eq!(door.failed(), 0, "a request without a credential guesses nothing");
}

#[tokio::test]
async fn a_key_ends_at_its_expiry_and_by_its_revocation() {
    let world = World::new();
    let door = Door::of(&world);
    let expires_at = Some(application::ports::Clock::now(&*world.clock).plus(Duration::from_secs(10)));
    let request = application::dtos::IssueKeyRequest { expires_at, ..key_request(&["models:read"]) };
    let ending = issue(&world, request).await.unwrap();
    let revoked = issue(&world, key_request(&["models:read"])).await.unwrap();
    let caller = door.key(ending.secret.expose()).await.unwrap();
    door.key(revoked.secret.expose()).await.unwrap();
    crate::keys::revoke(&world, revoked.key.id.clone()).await.unwrap();
    world.clock.advance(Duration::from_secs(10));
    for key in [&ending, &revoked] {
        assert_eq!(failure(&door.key(key.secret.expose()).await), ("unauthenticated", ""));
    }
    assert_eq!(failure(&door.revalidate.execute(&caller).await), ("unauthenticated", ""));
}

#[tokio::test]
async fn the_callers_of_a_tenant_that_is_not_active_are_refused_without_being_counted() {
    let world = World::new();
    let door = Door::of(&world);
    let issued = issue(&world, key_request(&["models:read"])).await.unwrap();
    let caller = door.key(issued.secret.expose()).await.unwrap();
    let mut work = UnitOfWork::of(&TenantId::default());
    work.set_tenant_status(TenantStatus::Active, TenantStatus::Disabled);
    world.store.commit(work).await.unwrap();
    assert_eq!(failure(&door.key(issued.secret.expose()).await), ("tenant_disabled", ""));
    assert_eq!(failure(&door.token("a.valid.token").await), ("tenant_disabled", ""));
    assert_eq!(failure(&door.revalidate.execute(&caller).await), ("tenant_disabled", ""));
    assert_eq!(door.failed(), 0);
    assert!(TenantRepository::find(&world.store, &TenantId::default()).await.unwrap().is_some());
}

#[tokio::test]
async fn after_too_many_failures_only_valid_credentials_are_accepted_from_the_address() {
    let world = World::new();
    let door = Door::of(&world);
    let new = async || issue(&world, key_request(&["models:read"])).await.unwrap();
    let (issued, unused, revoked) = (new().await, new().await, new().await);
    for key in [&issued, &revoked] {
        door.key(key.secret.expose()).await.unwrap();
    }
    crate::keys::revoke(&world, revoked.key.id.clone()).await.unwrap();
    for _ in 0..3 {
        assert_eq!(failure(&door.send(Credential::Malformed).await), ("unauthenticated", ""));
    }
    let other_secret = format!("ut_{}_{:049}", issued.key.id, 0);
    for refused in [
        door.key(unused.secret.expose()).await,
        door.key(revoked.secret.expose()).await,
        door.key(&other_secret).await,
        door.send(Credential::Malformed).await,
        door.key("ut_nonsense").await,
        door.key(&PlainKeySecrets::key(99)).await,
        door.token("a.bad.token").await,
        door.token("an.unknown.key").await,
    ] {
        assert_eq!(failure(&refused), ("rate_limited", ""));
    }
    assert_eq!(door.failed(), 3, "refused requests are not counted again");
    assert!(door.key(issued.secret.expose()).await.is_ok());
    assert!(door.token("a.valid.token").await.is_ok());
    assert_eq!(failure(&door.send(Credential::Missing).await), ("unauthenticated", ""));
}

#[tokio::test]
async fn attempts_at_the_same_time_are_refused_as_too_many_once_the_limit_is_reached() {
    let world = World::new();
    let door = Door::of(&world);
    let keys: Vec<String> = (90..100).map(PlainKeySecrets::key).collect();
    let answers = join_all(keys.iter().map(|key| door.key(key))).await;
    let of = |kind: &str| answers.iter().filter(|answer| failure(answer).0 == kind).count();
    assert_eq!((of("unauthenticated"), of("rate_limited"), door.failed()), (3, 7, 3));
}

#[tokio::test]
async fn a_token_names_its_tenant_and_scopes_and_ends() {
    let world = World::new();
    let door = Door::of(&world);
    let caller = door.token("a.valid.token").await.unwrap();
    assert_eq!(caller.scopes, [Scope::PredictionsRead].into_iter().collect::<Scopes>());
    assert!(matches!(&caller.identity, Identity::Token { subject: Some(subject), .. } if subject == "ann"));
    let own = OwnLimits { id: "token:https://id.example ann".to_owned(), limits: at_once(2) };
    assert_eq!(caller.principal(), Principal { own: Some(own), ..Principal::default() });
    assert!(door.revalidate.execute(&caller).await.is_ok());
    world.clock.advance(Duration::from_mins(1));
    assert!(door.revalidate.execute(&caller).await.is_ok(), "clocks may differ");
    world.clock.advance(Duration::from_secs(30));
    assert_eq!(failure(&door.revalidate.execute(&caller).await), ("unauthenticated", ""));
}

#[tokio::test]
async fn what_is_needed_and_does_not_respond_is_unavailable() {
    let world = World::new();
    let door = Door::of(&world);
    assert_eq!(failure(&door.token("an.unknown.key").await), ("unavailable", "identity provider"));
    let issued = issue(&world, key_request(&["models:read"])).await.unwrap();
    world.store.fail_with("the connection broke");
    assert_eq!(failure(&door.key(issued.secret.expose()).await), ("unavailable", "store"));
    assert_eq!(failure(&door.token("a.valid.token").await), ("unavailable", "store"));
    assert_eq!(door.failed(), 0);
}

#[tokio::test]
async fn an_anonymous_caller_stays_accepted() {
    let world = World::new();
    world.store.fail_with("the connection broke");
    let caller = Door::of(&world).revalidate.execute(&Caller::anonymous()).await.unwrap();
    assert_eq!(caller, Caller::anonymous());
}

#[tokio::test]
async fn a_caller_who_is_checked_again_has_the_current_limits_of_its_tenant() {
    let world = World::new();
    let door = Door::of(&world);
    let limits = Some(at_once(3));
    let request = application::dtos::IssueKeyRequest { limits, ..key_request(&["models:read"]) };
    let issued = issue(&world, request).await.unwrap();
    let callers =
        [door.key(issued.secret.expose()).await.unwrap(), door.token("a.valid.token").await.unwrap()];
    for caller in &callers {
        assert_eq!(door.revalidate.execute(caller).await.unwrap(), *caller);
    }
    let mut work = UnitOfWork::of(&TenantId::default());
    work.set_tenant_limits(at_once(4));
    world.store.commit(work).await.unwrap();
    for caller in callers {
        let changed = door.revalidate.execute(&caller).await.unwrap();
        assert_eq!(changed, Caller { tenant_limits: at_once(4), ..caller });
    }
}
