use application::ports::{KeyRecord, StoreError};
use domain::entities::{ApiKey, Tenant, TenantStatus};
use domain::value_objects::{KeyId, KeyName, Limits, Scope, Scopes, SecretHash, TenantId};

use crate::columns::{Columns, Unreadable, text};
use crate::limits::read_limits;

/// Reads a row of `tenants`.
///
/// # Errors
/// `Corrupt` for the first column that cannot be read.
pub fn read_tenant(row: &impl Columns) -> Result<Tenant, StoreError> {
    let read = || {
        Ok(Tenant {
            id: tenant_id(row, "name")?,
            status: status(row, "status")?,
            limits: limits(row, "limits")?,
            created_at: row.time("created_at")?,
        })
    };
    read().map_err(|error: Unreadable| error.corrupt("tenants", shown(row, "name")))
}

/// Reads a row of `api_keys`. Scopes that this release does not know, which a newer one has granted, are left out.
///
/// # Errors
/// `Corrupt` for the first column that cannot be read.
pub fn read_key(row: &impl Columns) -> Result<ApiKey, StoreError> {
    key(row).map_err(|error| error.corrupt("api_keys", shown(row, "id")))
}

/// Reads a row of `api_keys` with the status and the limits of its tenant in the columns `tenant_status` and
/// `tenant_limits`.
///
/// # Errors
/// `Corrupt` for the first column that cannot be read.
pub fn read_key_record(row: &impl Columns) -> Result<KeyRecord, StoreError> {
    let read = || {
        Ok(KeyRecord {
            key: key(row)?,
            tenant_status: status(row, "tenant_status")?,
            tenant_limits: limits(row, "tenant_limits")?,
        })
    };
    read().map_err(|error: Unreadable| error.corrupt("api_keys", shown(row, "id")))
}

fn key(row: &impl Columns) -> Result<ApiKey, Unreadable> {
    let scopes = text(row, "scopes")?;
    let scopes: Scopes = scopes.split(' ').filter_map(Scope::from_name).collect();
    let name = row.text("name")?.map(KeyName::parse).transpose();
    Ok(ApiKey {
        id: KeyId::parse("id", text(row, "id")?).map_err(|_| Unreadable("id"))?,
        tenant: tenant_id(row, "tenant")?,
        name: name.map_err(|_| Unreadable("name"))?,
        scopes,
        limits: limits(row, "limits")?,
        secret: SecretHash::from_bytes(row.digest("secret_hash")?.ok_or(Unreadable("secret_hash"))?),
        created_at: row.time("created_at")?,
        expires_at: row.optional_time("expires_at")?,
        revoked_at: row.optional_time("revoked_at")?,
        last_used_at: row.optional_time("last_used_at")?,
    })
}

fn tenant_id(row: &impl Columns, column: &'static str) -> Result<TenantId, Unreadable> {
    TenantId::parse(text(row, column)?).map_err(|_| Unreadable(column))
}

fn limits(row: &impl Columns, column: &'static str) -> Result<Limits, Unreadable> {
    read_limits(row.text(column)?.as_deref()).ok_or(Unreadable(column))
}

fn status(row: &impl Columns, column: &'static str) -> Result<TenantStatus, Unreadable> {
    TenantStatus::from_name(&text(row, column)?).ok_or(Unreadable(column))
}

/// The primary key of a row that cannot be read, for its error.
fn shown(row: &impl Columns, column: &'static str) -> String {
    text(row, column).unwrap_or_else(|_| "?".to_owned())
}
