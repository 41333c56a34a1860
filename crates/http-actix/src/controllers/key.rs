use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse};
use application::action::log_action;
use application::dtos::{IssueKeyRequest, ListKeysRequest, RevokeKeyRequest};

use crate::access::{Authorized, KeysAdmin};
use crate::controllers::{respond, respond_in_time};
use crate::extractors::{key_id, parse_key, read_json, refuse_parameters};
use crate::openapi::PathKeyId;
use crate::presenters::{IssuedKeyView, KEY_BYTES, KeyList, present_issued_key, present_keys};
use crate::render::render_json;
use crate::state::ApiState;

/// Issue an API key
///
/// The key belongs to the caller's tenant, can have the scopes that the caller has, and is limited at least as the
/// caller is. The response is the only one with the whole key. To rotate a key without downtime, issue one that
/// `replaces` it with an `overlap`, in which both are valid.
#[utoipa::path(
    post,
    path = "/api/v1/keys",
    operation_id = "issue_key",
    tag = "access",
    request_body(
        content = ref("#/components/schemas/KeyInput"),
        content_type = "application/json",
        example = json!({"name": "checkout service", "scopes": ["predictions:write", "predictions:read"]})
    ),
    responses((status = 201, description = "The key and its secret", body = IssuedKeyView))
)]
pub(crate) async fn issue(
    authorized: Authorized<KeysAdmin>,
    request: HttpRequest,
    payload: Payload,
    state: Data<ApiState>,
) -> HttpResponse {
    let action = log_action("KeyController.issue", async {
        refuse_parameters(&request)?;
        let limit = state.settings.max_body_bytes;
        let (input, _reservation) =
            read_json(&request, payload, &state, limit, |body| parse_key(&body.json)).await?;
        let command = IssueKeyRequest {
            tenant: authorized.tenant(),
            scopes: input.scopes,
            name: input.name,
            expires_at: input.expires_at,
            limits: input.limits,
            issuer_limits: authorized.caller().limits,
            replaces: input.replaces,
            grantable: Some(authorized.caller().scopes),
            actor: authorized.actor(&request),
        };
        let issued = state.use_cases.issue_key.execute(command).await?;
        Ok(HttpResponse::Created().json(present_issued_key(&issued)))
    });
    respond(&request, Box::pin(action)).await
}

/// List the API keys
///
/// The keys of the caller's tenant, without their secrets.
#[utoipa::path(
    get,
    path = "/api/v1/keys",
    operation_id = "list_keys",
    tag = "access",
    responses((status = 200, description = "The keys", body = KeyList))
)]
pub(crate) async fn list(
    authorized: Authorized<KeysAdmin>,
    request: HttpRequest,
    state: Data<ApiState>,
) -> HttpResponse {
    let action = log_action("KeyController.list", async {
        refuse_parameters(&request)?;
        let query = ListKeysRequest { tenant: authorized.tenant() };
        let keys = state.use_cases.list_keys.execute(query).await?;
        let mut reservation = state.body_memory.reserve();
        reservation.grow_to(keys.keys.len() * KEY_BYTES)?;
        render_json(&state, reservation, HttpResponse::Ok(), move || present_keys(&keys)).await
    });
    respond_in_time(&request, action).await
}

/// Revoke an API key
///
/// Every replica refuses the key within five seconds, and ends its open streams. A second revocation of the same id
/// returns 404.
#[utoipa::path(
    delete,
    path = "/api/v1/keys/{id}",
    operation_id = "revoke_key",
    tag = "access",
    params(PathKeyId),
    responses((status = 204, description = "The key is revoked"))
)]
pub(crate) async fn revoke(
    authorized: Authorized<KeysAdmin>,
    request: HttpRequest,
    state: Data<ApiState>,
) -> HttpResponse {
    let action = log_action("KeyController.revoke", async {
        refuse_parameters(&request)?;
        let (tenant, actor) = (Some(authorized.tenant()), authorized.actor(&request));
        let command = RevokeKeyRequest { tenant, id: key_id(&request)?, actor };
        state.use_cases.revoke_key.execute(command).await?;
        Ok(HttpResponse::NoContent().finish())
    });
    respond(&request, action).await
}
