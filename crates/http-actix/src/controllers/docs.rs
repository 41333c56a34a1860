use std::borrow::Cow;
use std::sync::Arc;

use actix_web::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, LOCATION};
use actix_web::web::{Bytes, Data};
use actix_web::{HttpRequest, HttpResponse};
use application::action::log_action;
use utoipa_swagger_ui::{Config, serve};

use crate::controllers::respond;
use crate::problem::{Problem, ProblemCode};

/// The OpenAPI document as this process serves it; all responses share its bytes.
pub(crate) struct OpenApiDocument(pub(crate) Bytes);

/// What the page may do: its own scripts, the styles that it writes into itself, icons that it carries as data,
/// and requests to this service.
const PAGE_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; \
     img-src 'self' data:; font-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; \
     frame-ancestors 'none'";

/// Give this document
#[utoipa::path(
    get,
    path = "/openapi.json",
    operation_id = "openapi",
    tag = "operations",
    responses((status = 200, description = "The API in OpenAPI 3.1", body = Object))
)]
pub(crate) async fn document(request: HttpRequest, document: Data<OpenApiDocument>) -> HttpResponse {
    let action = log_action("DocsController.document", async {
        Ok(HttpResponse::Ok().content_type("application/json").body(document.0.clone()))
    });
    respond(&request, action).await
}

/// Sends a browser from `/docs` to `/docs/`, below which the page finds its parts.
pub(crate) async fn redirect(request: HttpRequest) -> HttpResponse {
    let action = log_action("DocsController.redirect", async {
        Ok(HttpResponse::PermanentRedirect().insert_header((LOCATION, "/docs/")).finish())
    });
    respond(&request, action).await
}

/// The page over the document, and its parts, all out of this binary.
pub(crate) async fn page(request: HttpRequest) -> HttpResponse {
    let action = log_action("DocsController.page", async {
        let unknown = || Problem::new(ProblemCode::UnknownRoute);
        let config = Config::from("/openapi.json").validator_url("none");
        let name = request.match_info().get("file").unwrap_or_default();
        let part = serve(name, Arc::new(config)).map_err(|_| unknown())?.ok_or_else(unknown)?;
        Ok(HttpResponse::Ok()
            .content_type(part.content_type)
            .insert_header((CONTENT_SECURITY_POLICY, PAGE_POLICY))
            .insert_header((CACHE_CONTROL, "no-cache"))
            .body(match part.bytes {
                // Out of the binary, so that a response takes no memory, whether it is read or not.
                Cow::Borrowed(bytes) => Bytes::from_static(bytes),
                Cow::Owned(bytes) => bytes.into(),
            }))
    });
    respond(&request, action).await
}
