use application::dtos::{Caller, Identity};
use application::ports::Principal;
use domain::value_objects::{KeyName, Scope};
use serde::Serialize;
use utoipa::ToSchema;

use crate::openapi::schemas;
use crate::presenters::{LimitsView, present_limits, present_timestamp};

/// Who the request was sent by.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Caller)]
pub(crate) struct CallerView {
    /// The tenant that the caller acts for.
    #[schema(example = "default")]
    tenant: String,
    /// How the caller was authenticated: `key`, `token`, or `none` where the service requires no authentication.
    #[schema(schema_with = schemas::authentication)]
    authentication: &'static str,
    /// The API key; null for other callers.
    #[schema(required = true)]
    key: Option<CallerKeyView>,
    /// The subject of the token; null for other callers.
    #[schema(required = true)]
    subject: Option<String>,
    /// What the caller may do.
    #[schema(schema_with = schemas::scopes)]
    scopes: Vec<&'static str>,
    limits: CallerLimitsView,
    /// When the key or token ends; null for one without an end.
    #[schema(required = true, format = DateTime)]
    expires_at: Option<String>,
}

/// What the caller may use.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CallerLimits)]
struct CallerLimitsView {
    /// What all callers of the tenant may use together; null if nothing is limited.
    #[schema(required = true)]
    tenant: Option<LimitsView>,
    /// What the caller may use, beside the limits of the tenant; null if nothing is limited.
    #[schema(required = true)]
    caller: Option<LimitsView>,
}

/// The API key of a caller.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CallerKey)]
struct CallerKeyView {
    /// Its id.
    #[schema(schema_with = schemas::key_id)]
    id: String,
    /// Its display name.
    #[schema(required = true)]
    name: Option<String>,
}

/// Presents the caller of a request, which is counted as the use of `principal`.
pub(crate) fn present_caller(caller: &Caller, principal: Option<&Principal>) -> CallerView {
    let (authentication, key, subject, expires_at) = match &caller.identity {
        Identity::Anonymous => ("none", None, None, None),
        Identity::Key { id, name, expires_at } => {
            let name = name.as_ref().map(KeyName::to_string);
            ("key", Some(CallerKeyView { id: id.to_string(), name }), None, *expires_at)
        }
        Identity::Token { subject, expires_at, .. } => ("token", None, subject.clone(), Some(*expires_at)),
    };
    CallerView {
        tenant: caller.tenant.to_string(),
        authentication,
        key,
        subject,
        scopes: caller.scopes.iter().map(Scope::as_str).collect(),
        limits: CallerLimitsView {
            tenant: principal.and_then(|principal| present_limits(&principal.limits)),
            caller: present_limits(&caller.limits),
        },
        expires_at: expires_at.map(present_timestamp),
    }
}
