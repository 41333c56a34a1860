use std::num::NonZeroU64;
use std::slice;
use std::sync::Arc;
use std::time::Duration;

use application::dtos::{
    Actor, IssueKeyRequest, IssueKeyResponse, ListKeysRequest, Replacement, RevokeKeyRequest,
};
use application::errors::ApplicationError;
use application::ports::{AuditReadModel, Clock, UnitOfWork, WriteStore};
use application::use_cases::{IssueKeyUseCase, ListKeysUseCase, RevokeKeyUseCase};
use domain::entities::{ApiKey, KeyState, Tenant, TenantStatus};
use domain::value_objects::{KeyId, Limits, Scope, Scopes, TenantId, Timestamp};

use crate::world::{World, failure, refusal};

/// A request for a key of the tenant `default`, from the command line.
pub(crate) fn key_request(scopes: &[&str]) -> IssueKeyRequest {
    IssueKeyRequest {
        limits: None,
        issuer_limits: Limits::default(),
        tenant: TenantId::default(),
        scopes: Some(scopes.iter().map(|&scope| scope.to_owned()).collect()),
        name: None,
        expires_at: None,
        replaces: None,
        grantable: None,
        actor: Actor::command_line("ann"),
    }
}

pub(crate) async fn issue(
    world: &World,
    request: IssueKeyRequest,
) -> Result<IssueKeyResponse, ApplicationError> {
    let store = Arc::new(world.store.clone());
    let secrets = world.secrets.clone();
    IssueKeyUseCase::new(store.clone(), store.clone(), store, secrets, world.clock.clone())
        .execute(request)
        .await
}

pub(crate) async fn revoke(world: &World, id: KeyId) -> Result<(), ApplicationError> {
    revoke_of(world, None, id).await
}

async fn revoke_of(world: &World, tenant: Option<TenantId>, id: KeyId) -> Result<(), ApplicationError> {
    let store = Arc::new(world.store.clone());
    let request = RevokeKeyRequest { tenant, id, actor: Actor::command_line("ann") };
    RevokeKeyUseCase::new(store.clone(), store, world.clock.clone()).execute(request).await
}

async fn list(world: &World) -> (Vec<ApiKey>, Timestamp) {
    let use_case = ListKeysUseCase::new(Arc::new(world.store.clone()), world.clock.clone());
    let list = use_case.execute(ListKeysRequest { tenant: TenantId::default() }).await.unwrap();
    (list.keys, list.now)
}

async fn states(world: &World) -> Vec<KeyState> {
    let (keys, now) = list(world).await;
    keys.iter().map(|key| key.state(now)).collect()
}

/// The lines of the audit as action, target and detail, the oldest first.
async fn audited(world: &World) -> Vec<(String, String, Option<String>)> {
    let lines = AuditReadModel::walk(&world.store, 0, 100).await.unwrap();
    lines.into_iter().map(|line| (line.entry.action, line.entry.target, line.entry.detail)).collect()
}

#[tokio::test]
async fn an_issued_key_is_stored_without_its_secret_and_reported_to_the_audit() {
    let world = World::new();
    let request =
        IssueKeyRequest { name: Some("checkout".into()), ..key_request(&["keys:admin", "metrics:read"]) };
    let issued = issue(&world, request).await.unwrap();
    let scopes: Scopes = [Scope::KeysAdmin, Scope::MetricsRead].into_iter().collect();
    assert_eq!((issued.key.scopes, issued.key.created_at), (scopes, world.clock.now()));
    assert_eq!(list(&world).await.0, slice::from_ref(&issued.key));
    let detail = Some("keys:admin metrics:read".to_owned());
    assert_eq!(audited(&world).await, [("key.issued".into(), issued.key.id.to_string(), detail)]);
    let shown = format!("{issued:?}");
    assert!(!shown.contains(issued.secret.expose()), "{shown}");
}

#[tokio::test]
async fn a_key_can_be_granted_only_what_its_issuer_has() {
    let world = World::new();
    let grantable = Some([Scope::KeysAdmin, Scope::ModelsRead].into_iter().collect());
    let request = IssueKeyRequest { grantable, ..key_request(&["models:read", "models:write"]) };
    let refused = issue(&world, request).await;
    assert!(matches!(refused, Err(ApplicationError::Forbidden { scope: Scope::ModelsWrite })), "{refused:?}");
    let request = IssueKeyRequest { grantable, ..key_request(&["models:read"]) };
    assert!(issue(&world, request).await.is_ok());
}

#[tokio::test]
async fn a_request_that_breaks_a_rule_issues_nothing() {
    let world = World::new();
    let now = world.clock.now();
    let valid = || key_request(&["models:read"]);
    for (request, expected) in [
        (key_request(&[]), ("scopes", "blank")),
        (key_request(&["models:all"]), ("scopes", "not_one_of")),
        (IssueKeyRequest { scopes: None, ..valid() }, ("scopes", "blank")),
        (IssueKeyRequest { name: Some(" ".into()), ..valid() }, ("name", "blank")),
        (IssueKeyRequest { name: Some("a\nb".into()), ..valid() }, ("name", "not_printable")),
        (IssueKeyRequest { expires_at: Some(now), ..valid() }, ("expires_at", "out_of_range")),
        (IssueKeyRequest { replaces: Some(replacement("x", 0)), ..valid() }, ("replaces", "malformed")),
    ] {
        assert_eq!(refusal(&issue(&world, request).await), expected);
    }
    let unknown = IssueKeyRequest { tenant: TenantId::parse("nobody").unwrap(), ..valid() };
    assert_eq!(failure(&issue(&world, unknown).await), ("not_found", ""));
    assert_eq!(world.store.commits(), 0);
}

#[tokio::test]
async fn a_tenant_that_is_erased_gets_no_keys() {
    let world = World::new();
    let id = TenantId::parse("gone").unwrap();
    let mut work = UnitOfWork::of(&id);
    let created_at = world.clock.now();
    work.insert_tenant(Tenant {
        id: id.clone(),
        status: TenantStatus::Erased,
        limits: Limits::default(),
        created_at,
    });
    world.store.commit(work).await.unwrap();
    let request = IssueKeyRequest { tenant: id, ..key_request(&["models:read"]) };
    assert_eq!(refusal(&issue(&world, request).await), ("tenant", "wrong_state"));
}

fn replacement(id: &str, overlap_s: u64) -> Replacement {
    Replacement { id: id.to_owned(), overlap: Duration::from_secs(overlap_s) }
}

#[tokio::test]
async fn a_rotation_keeps_name_and_scopes_and_ends_the_old_key_after_the_overlap() {
    let world = World::new();
    let request = IssueKeyRequest { name: Some("checkout".into()), ..key_request(&["models:read"]) };
    let old = issue(&world, request).await.unwrap().key;
    let rotation = IssueKeyRequest {
        scopes: None,
        replaces: Some(replacement(old.id.as_str(), 60)),
        ..key_request(&[])
    };
    let new = issue(&world, rotation).await.unwrap().key;
    assert_eq!((&new.name, new.scopes), (&old.name, old.scopes));
    assert_eq!(states(&world).await, [KeyState::Active, KeyState::Active]);
    world.clock.advance(Duration::from_mins(1));
    assert_eq!(states(&world).await, [KeyState::Active, KeyState::Expired]);
    let replaced = ("key.replaced".to_owned(), old.id.to_string(), Some(new.id.to_string()));
    assert_eq!(audited(&world).await.last(), Some(&replaced));
}

#[tokio::test]
async fn only_an_active_key_of_the_same_tenant_can_be_replaced() {
    let world = World::new();
    let old = issue(&world, key_request(&["models:read"])).await.unwrap().key;
    let other = TenantId::parse("ann").unwrap();
    let mut work = UnitOfWork::of(&other);
    work.insert_tenant(Tenant {
        id: other.clone(),
        status: TenantStatus::Active,
        limits: Limits::default(),
        created_at: world.clock.now(),
    });
    world.store.commit(work).await.unwrap();
    let replace = |tenant: &TenantId| IssueKeyRequest {
        tenant: tenant.clone(),
        replaces: Some(replacement(old.id.as_str(), 0)),
        ..key_request(&["models:read"])
    };
    assert_eq!(failure(&issue(&world, replace(&other)).await), ("not_found", ""));
    revoke(&world, old.id.clone()).await.unwrap();
    assert_eq!(failure(&issue(&world, replace(&TenantId::default())).await), ("not_found", ""));
}

#[tokio::test]
async fn a_revoked_key_stays_in_the_list_and_cannot_be_revoked_again() {
    let world = World::new();
    let key = issue(&world, key_request(&["models:read"])).await.unwrap().key;
    let other = Some(TenantId::parse("ann").unwrap());
    assert_eq!(failure(&revoke_of(&world, other, key.id.clone()).await), ("not_found", ""));
    assert_eq!(states(&world).await, [KeyState::Active]);
    revoke_of(&world, Some(TenantId::default()), key.id.clone()).await.unwrap();
    assert_eq!(states(&world).await, [KeyState::Revoked]);
    assert_eq!(failure(&revoke(&world, key.id.clone()).await), ("not_found", ""));
    let unknown = KeyId::parse("id", "000000000000").unwrap();
    assert_eq!(failure(&revoke(&world, unknown).await), ("not_found", ""));
    let actions: Vec<_> = audited(&world).await.into_iter().map(|(action, ..)| action).collect();
    assert_eq!(actions, ["key.issued", "key.revoked"]);
}

#[tokio::test]
async fn a_key_is_never_wider_than_its_tenant_or_its_issuer() {
    let world = World::new();
    let limit = |texts| Limits { texts_per_day: NonZeroU64::new(texts), ..Limits::default() };
    let mut work = UnitOfWork::of(&TenantId::default());
    work.set_tenant_limits(limit(100));
    world.store.commit(work).await.unwrap();
    let issue_limited = |own: Option<u64>, issuer: Option<u64>| {
        let request = IssueKeyRequest {
            limits: own.map(limit),
            issuer_limits: issuer.map(limit).unwrap_or_default(),
            ..key_request(&["models:read"])
        };
        issue(&world, request)
    };
    let limits = |issued: Result<IssueKeyResponse, ApplicationError>| issued.unwrap().key.limits;
    assert_eq!(limits(issue_limited(None, None).await), Limits::default(), "the tenant's apply anyway");
    assert_eq!(limits(issue_limited(Some(100), None).await), limit(100));
    assert_eq!(limits(issue_limited(None, Some(7)).await), limit(7), "a limited key issues no unlimited one");
    assert_eq!(limits(issue_limited(Some(5), Some(7)).await), limit(5));
    let replaced = issue_limited(Some(9), None).await.unwrap().key.id;
    let rotation = |texts| IssueKeyRequest {
        replaces: Some(replacement(replaced.as_str(), 60)),
        issuer_limits: limit(texts),
        ..key_request(&["models:read"])
    };
    for (issuer, expected) in [(20, 9), (3, 3)] {
        assert_eq!(limits(issue(&world, rotation(issuer)).await), limit(expected), "inherited and narrowed");
    }
    let too_wide = ("limits.texts_per_day", "out_of_range");
    assert_eq!(refusal(&issue_limited(Some(101), None).await), too_wide);
    assert_eq!(refusal(&issue_limited(Some(8), Some(7)).await), too_wide);
}
