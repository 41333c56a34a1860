use std::time::Duration;

use domain::entities::ApiKey;
use domain::value_objects::{KeyId, Limits, Scopes, TenantId, Timestamp};

use crate::dtos::Actor;
use crate::ports::SecretText;

/// Issue an API key.
#[derive(Debug, Clone)]
pub struct IssueKeyRequest {
    /// The tenant of the key.
    pub tenant: TenantId,
    /// The names of its scopes; without them those of the replaced key.
    pub scopes: Option<Vec<String>>,
    /// Its display name; without it that of the replaced key.
    pub name: Option<String>,
    /// When it ends.
    pub expires_at: Option<Timestamp>,
    /// Its limits; without them those of the replaced key. What they leave open is limited as for the issuer.
    pub limits: Option<Limits>,
    /// The limits of the issuer; none for the command line.
    pub issuer_limits: Limits,
    /// The key that it replaces, if it is a rotation.
    pub replaces: Option<Replacement>,
    /// The scopes that may be granted; none for the command line, which may grant all.
    pub grantable: Option<Scopes>,
    /// Who issues it.
    pub actor: Actor,
}

/// A key that another replaces.
#[derive(Debug, Clone)]
pub struct Replacement {
    /// Its id.
    pub id: String,
    /// How long both are valid.
    pub overlap: Duration,
}

/// A key at the only moment at which its secret is known.
#[derive(Debug, Clone)]
pub struct IssueKeyResponse {
    /// The key.
    pub key: ApiKey,
    /// The whole key, to be shown once.
    pub secret: SecretText,
}

/// List the keys of a tenant.
#[derive(Debug, Clone)]
pub struct ListKeysRequest {
    /// The tenant.
    pub tenant: TenantId,
}

/// The keys of a tenant, the newest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListKeysResponse {
    /// The keys.
    pub keys: Vec<ApiKey>,
    /// When the list was made, which decides whether a key has expired.
    pub now: Timestamp,
}

/// Revoke a key.
#[derive(Debug, Clone)]
pub struct RevokeKeyRequest {
    /// The tenant of the key; none on the command line, which names a key of any tenant.
    pub tenant: Option<TenantId>,
    /// The key.
    pub id: KeyId,
    /// Who revokes it.
    pub actor: Actor,
}
