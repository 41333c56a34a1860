use std::future::ready;
use std::sync::Arc;

use application::dtos::{Actor, ChangeTenantRequest, EraseTenantRequest, TenantChange};
use application::errors::ApplicationError;
use application::ports::{AuditReadModel, TenantRepository, UnitOfWork, WriteStore};
use application::use_cases::{ChangeTenantUseCase, EraseTenantUseCase, ListTenantsUseCase};
use domain::entities::TenantStatus;
use domain::value_objects::TenantId;

use crate::keys::{issue, key_request};
use crate::world::{World, failure, refusal};

async fn change(world: &World, name: &str, change: TenantChange) -> Result<(), ApplicationError> {
    let store = Arc::new(world.store.clone());
    let request = ChangeTenantRequest { tenant: tenant(name), change, actor: Actor::command_line("ann") };
    ChangeTenantUseCase::new(store.clone(), store, world.clock.clone()).execute(request).await
}

/// Erases the tenant; returns the number of rows and what was reported meanwhile.
async fn erase(world: &World, name: &str) -> Result<(u64, Vec<u64>), ApplicationError> {
    let store = Arc::new(world.store.clone());
    let use_case = EraseTenantUseCase::new(store.clone(), store, world.clock.clone());
    let request = EraseTenantRequest { tenant: tenant(name), actor: Actor::command_line("ann") };
    let mut reported = Vec::new();
    let removed = use_case.execute(request, ready(()), |rows| reported.push(rows)).await?;
    Ok((removed, reported))
}

fn tenant(name: &str) -> TenantId {
    TenantId::parse(name).unwrap()
}

async fn statuses(world: &World) -> Vec<(String, TenantStatus)> {
    let tenants = ListTenantsUseCase::new(Arc::new(world.store.clone())).execute().await.unwrap();
    tenants.into_iter().map(|tenant| (tenant.id.to_string(), tenant.status)).collect()
}

#[tokio::test]
async fn a_tenant_is_added_disabled_and_enabled() {
    let world = World::new();
    change(&world, "acme", TenantChange::Add).await.unwrap();
    assert_eq!(refusal(&change(&world, "acme", TenantChange::Add).await), ("tenant", "wrong_state"));
    assert_eq!(refusal(&change(&world, "acme", TenantChange::Enable).await), ("tenant", "wrong_state"));
    change(&world, "acme", TenantChange::Disable).await.unwrap();
    let disabled =
        [("acme".to_owned(), TenantStatus::Disabled), ("default".to_owned(), TenantStatus::Active)];
    assert_eq!(statuses(&world).await, disabled);
    assert_eq!(refusal(&change(&world, "acme", TenantChange::Disable).await), ("tenant", "wrong_state"));
    change(&world, "acme", TenantChange::Enable).await.unwrap();
    assert_eq!(failure(&change(&world, "nobody", TenantChange::Disable).await), ("not_found", ""));
    let lines = AuditReadModel::list(&world.store, Some(&tenant("acme")), None, 100).await.unwrap();
    let actions: Vec<_> = lines.iter().map(|line| line.entry.action.as_str()).collect();
    assert_eq!(actions, ["tenant.enabled", "tenant.disabled", "tenant.added"]);
}

#[tokio::test]
async fn an_erased_tenant_has_no_rows_and_its_name_is_not_given_again() {
    let world = World::new();
    change(&world, "acme", TenantChange::Add).await.unwrap();
    let request =
        application::dtos::IssueKeyRequest { tenant: tenant("acme"), ..key_request(&["models:read"]) };
    issue(&world, request).await.unwrap();
    issue(&world, key_request(&["models:read"])).await.unwrap();
    let (removed, reported) = erase(&world, "acme").await.unwrap();
    assert_eq!((removed, reported), (1, vec![1]));
    assert_eq!(statuses(&world).await[0].1, TenantStatus::Erased);
    assert_eq!(refusal(&change(&world, "acme", TenantChange::Add).await), ("tenant", "wrong_state"));
    assert_eq!(TenantRepository::erase_rows(&world.store, &tenant("acme"), 10).await.unwrap(), 0);
    let lines = AuditReadModel::list(&world.store, Some(&tenant("acme")), None, 100).await.unwrap();
    assert_eq!(
        (lines[0].entry.action.as_str(), lines[0].entry.detail.as_deref()),
        ("tenant.erased", Some("1 rows"))
    );
    assert_eq!(erase(&world, "acme").await.unwrap().0, 0, "an erasure can be repeated");
}

#[tokio::test]
async fn an_interrupted_erasure_is_continued() {
    let world = World::new();
    change(&world, "acme", TenantChange::Add).await.unwrap();
    let mut work = UnitOfWork::of(&tenant("acme"));
    work.set_tenant_status(TenantStatus::Active, TenantStatus::Erasing);
    world.store.commit(work).await.unwrap();
    assert_eq!(refusal(&change(&world, "acme", TenantChange::Enable).await), ("tenant", "wrong_state"));
    erase(&world, "acme").await.unwrap();
    assert_eq!(statuses(&world).await[0].1, TenantStatus::Erased);
}

#[tokio::test]
async fn the_default_tenant_is_never_erased() {
    let world = World::new();
    assert_eq!(refusal(&erase(&world, "default").await), ("tenant", "contradictory"));
    assert_eq!(failure(&erase(&world, "nobody").await), ("not_found", ""));
    assert_eq!(world.store.commits(), 0);
}
