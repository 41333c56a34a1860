use actix_web::web::{Bytes, Data};
use actix_web::{HttpRequest, HttpResponse};
use application::action::log_action;

use crate::controllers::respond;
use crate::controllers::static_site::SitePresenter;
use crate::static_site;

/// The OpenAPI document as this process serves it; all responses share its bytes.
pub(crate) struct OpenApiDocument(pub(crate) Bytes);

/// The page has scripts, styles and requests of this service, and, as Swagger UI needs them, inline styles and icons as
/// data URLs.
const API_DOCS: SitePresenter = SitePresenter {
    site: static_site::API_DOCS,
    content_security_policy: "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; \
         img-src 'self' data:; font-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; \
         frame-ancestors 'none'",
};

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
        Ok(API_DOCS.redirect(HttpResponse::PermanentRedirect(), "docs/"))
    });
    respond(&request, action).await
}

/// Returns the page that shows the document.
pub(crate) async fn page(request: HttpRequest) -> HttpResponse {
    let action = log_action("DocsController.page", async { API_DOCS.page(&request) });
    respond(&request, action).await
}

/// Returns a file that the page refers to.
pub(crate) async fn file(request: HttpRequest) -> HttpResponse {
    let action = log_action("DocsController.file", async { API_DOCS.file(&request) });
    respond(&request, action).await
}
