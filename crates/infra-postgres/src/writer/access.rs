use application::ports::{AccessChange, StoreError};
use domain::entities::{ApiKey, Tenant, TenantStatus};
use domain::value_objects::{KeyId, KeyName, Limits, TenantId, Timestamp};
use sqlx::PgConnection;
use store_codec::write_limits;

use crate::error::CallError;
use crate::timestamp::PgTimestamp;

/// Makes a change of `tenants` or `api_keys` in the open transaction.
pub(super) async fn change_access(
    connection: &mut PgConnection,
    tenant: &TenantId,
    change: &AccessChange,
) -> Result<(), CallError> {
    match change {
        AccessChange::InsertTenant(new) => insert_tenant(connection, new).await,
        AccessChange::SetTenantStatus { from, to } => set_tenant_status(connection, tenant, *from, *to).await,
        AccessChange::SetTenantLimits(limits) => set_tenant_limits(connection, tenant, limits).await,
        AccessChange::InsertKey(key) => insert_key(connection, tenant, key).await,
        AccessChange::RevokeKey { id, at } => change_key(connection, REVOKE_KEY, tenant, id, *at).await,
        AccessChange::EndKey { id, at } => change_key(connection, END_KEY, tenant, id, *at).await,
    }
}

async fn insert_tenant(connection: &mut PgConnection, new: &Tenant) -> Result<(), CallError> {
    let inserted = sqlx::query(
        "INSERT INTO tenants (name, status, limits, created_at) VALUES ($1, $2, $3, $4) \
         ON CONFLICT (name) DO NOTHING",
    )
    .bind(new.id.as_str())
    .bind(new.status.as_str())
    .bind(write_limits(&new.limits))
    .bind(PgTimestamp::bound(new.created_at))
    .execute(connection)
    .await?;
    expect_row(inserted.rows_affected(), || conflict("tenant", new.id.as_str()))
}

async fn set_tenant_status(
    connection: &mut PgConnection,
    tenant: &TenantId,
    from: TenantStatus,
    to: TenantStatus,
) -> Result<(), CallError> {
    let changed = sqlx::query("UPDATE tenants SET status = $3 WHERE name = $1 AND status = $2")
        .bind(tenant.as_str())
        .bind(from.as_str())
        .bind(to.as_str())
        .execute(&mut *connection)
        .await?;
    if changed.rows_affected() > 0 {
        return Ok(());
    }
    let exists = sqlx::query("SELECT true FROM tenants WHERE name = $1")
        .bind(tenant.as_str())
        .fetch_optional(connection)
        .await?
        .is_some();
    Err(if exists { conflict("tenant", tenant.as_str()) } else { no_tenant(tenant) }.into())
}

async fn set_tenant_limits(
    connection: &mut PgConnection,
    tenant: &TenantId,
    limits: &Limits,
) -> Result<(), CallError> {
    let changed = sqlx::query("UPDATE tenants SET limits = $2 WHERE name = $1")
        .bind(tenant.as_str())
        .bind(write_limits(limits))
        .execute(connection)
        .await?;
    expect_row(changed.rows_affected(), || no_tenant(tenant))
}

async fn insert_key(connection: &mut PgConnection, tenant: &TenantId, key: &ApiKey) -> Result<(), CallError> {
    let inserted = sqlx::query(
        "INSERT INTO api_keys (id, tenant, name, scopes, limits, secret_hash, created_at, expires_at, revoked_at, \
         last_used_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT (id) DO NOTHING",
    )
    .bind(key.id.as_str())
    .bind(tenant.as_str())
    .bind(key.name.as_ref().map(KeyName::as_str))
    .bind(key.scopes.to_string())
    .bind(write_limits(&key.limits))
    .bind(&key.secret.as_bytes()[..])
    .bind(PgTimestamp::bound(key.created_at))
    .bind(key.expires_at.map(PgTimestamp::bound))
    .bind(key.revoked_at.map(PgTimestamp::bound))
    .bind(key.last_used_at.map(PgTimestamp::bound))
    .execute(connection)
    .await?;
    expect_row(inserted.rows_affected(), || conflict("key", key.id.as_str()))
}

const REVOKE_KEY: &str =
    "UPDATE api_keys SET revoked_at = $3 WHERE id = $1 AND tenant = $2 AND revoked_at IS NULL";

const END_KEY: &str = "UPDATE api_keys SET expires_at = least(expires_at, $3) \
     WHERE id = $1 AND tenant = $2 AND revoked_at IS NULL";

/// Changes the key by `statement`, which takes the key, its tenant and an instant.
async fn change_key(
    connection: &mut PgConnection,
    statement: &'static str,
    tenant: &TenantId,
    id: &KeyId,
    at: Timestamp,
) -> Result<(), CallError> {
    let changed = sqlx::query(statement)
        .bind(id.as_str())
        .bind(tenant.as_str())
        .bind(PgTimestamp::bound(at))
        .execute(connection)
        .await?;
    let missing = || StoreError::NotFound { entity: "key", id: id.to_string() };
    expect_row(changed.rows_affected(), missing)
}

fn expect_row(rows: u64, error: impl FnOnce() -> StoreError) -> Result<(), CallError> {
    if rows == 0 { Err(error().into()) } else { Ok(()) }
}

fn no_tenant(tenant: &TenantId) -> StoreError {
    StoreError::NotFound { entity: "tenant", id: tenant.to_string() }
}

fn conflict(entity: &'static str, id: &str) -> StoreError {
    StoreError::Conflict { entity, id: id.to_owned() }
}
