use application::dtos::{IssueKeyResponse, ListKeysResponse};
use domain::entities::ApiKey;
use domain::value_objects::{KeyName, Scope, Timestamp};
use serde::Serialize;
use utoipa::ToSchema;

use crate::openapi::schemas;
use crate::presenters::{LimitsView, present_limits, present_timestamp};

/// The keys of a tenant.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct KeyList {
    /// The keys, the newest first, with those that have ended.
    items: Vec<KeyView>,
}

/// An API key, without its secret.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Key)]
pub(crate) struct KeyView {
    /// Its id, the part of the key between the underscores.
    #[schema(schema_with = schemas::key_id)]
    id: String,
    /// Its display name.
    #[schema(required = true)]
    name: Option<String>,
    /// What its callers may do.
    #[schema(schema_with = schemas::scopes)]
    scopes: Vec<&'static str>,
    /// What its callers may use, beside the limits of the tenant; null if nothing is limited.
    #[schema(required = true)]
    limits: Option<LimitsView>,
    #[schema(schema_with = schemas::key_state)]
    status: &'static str,
    /// When it was issued.
    #[schema(format = DateTime)]
    created_at: String,
    /// When it ends; null for one without an end.
    #[schema(required = true, format = DateTime)]
    expires_at: Option<String>,
    /// When it was revoked.
    #[schema(required = true, format = DateTime)]
    revoked_at: Option<String>,
    /// When it was last used, to about a minute; null if it was not used yet.
    #[schema(required = true, format = DateTime)]
    last_used_at: Option<String>,
}

/// A key that was just issued.
#[derive(Serialize, ToSchema)]
#[schema(as = IssuedKey)]
pub(crate) struct IssuedKeyView {
    #[serde(flatten)]
    about: KeyView,
    /// The whole key. It is shown only once: the service stores its hash alone.
    #[schema(pattern = "^ut_[0-9A-Za-z]{12}_[0-9A-Za-z]{49}$")]
    key: String,
}

/// The bytes that a key takes in a list, at most as an estimate.
pub(crate) const KEY_BYTES: usize = 1_280;

/// Presents the keys of a tenant.
pub(crate) fn present_keys(list: &ListKeysResponse) -> KeyList {
    KeyList { items: list.keys.iter().map(|key| present_key(key, list.now)).collect() }
}

/// Presents a new key with its secret.
pub(crate) fn present_issued_key(issued: &IssueKeyResponse) -> IssuedKeyView {
    let about = present_key(&issued.key, issued.key.created_at);
    IssuedKeyView { about, key: issued.secret.expose().to_owned() }
}

/// Presents a key.
pub(crate) fn present_key(key: &ApiKey, now: Timestamp) -> KeyView {
    KeyView {
        id: key.id.to_string(),
        name: key.name.as_ref().map(KeyName::to_string),
        scopes: key.scopes.iter().map(Scope::as_str).collect(),
        limits: present_limits(&key.limits),
        status: key.state(now).as_str(),
        created_at: present_timestamp(key.created_at),
        expires_at: key.expires_at.map(present_timestamp),
        revoked_at: key.revoked_at.map(present_timestamp),
        last_used_at: key.last_used_at.map(present_timestamp),
    }
}
