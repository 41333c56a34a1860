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

/// The policy of the page: scripts, styles and requests of this service, inline styles, and icons as data URLs.
const PAGE_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; \
     img-src 'self' data:; font-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; \
     frame-ancestors 'none'";

/// The OpenAPI document
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

/// Redirects a browser from `/docs` to `/docs/`, to which the page's links are relative.
pub(crate) async fn redirect(request: HttpRequest) -> HttpResponse {
    let action = log_action("DocsController.redirect", async {
        Ok(HttpResponse::PermanentRedirect().insert_header((LOCATION, "/docs/")).finish())
    });
    respond(&request, action).await
}

/// Returns a file of the page that shows the document; all files are part of this binary.
pub(crate) async fn page(request: HttpRequest) -> HttpResponse {
    let action = log_action("DocsController.page", async {
        let unknown = || Problem::new(ProblemCode::UnknownRoute);
        let config = Config::from("/openapi.json").validator_url("none");
        let name = request.match_info().get("file").unwrap_or_default();
        let file = serve(name, Arc::new(config)).map_err(|_| unknown())?.ok_or_else(unknown)?;
        Ok(HttpResponse::Ok()
            .content_type(file.content_type)
            .insert_header((CONTENT_SECURITY_POLICY, PAGE_POLICY))
            .insert_header((CACHE_CONTROL, "no-cache"))
            .body(match file.bytes {
                // Borrowed from the binary, so that a response takes no memory.
                Cow::Borrowed(bytes) => Bytes::from_static(bytes),
                Cow::Owned(bytes) => bytes.into(),
            }))
    });
    respond(&request, action).await
}
