use actix_web::http::header::{Accept, Header, Quality};
use actix_web::{HttpRequest, HttpResponse};
use application::action::log_action;

use crate::controllers::respond;
use crate::controllers::static_site::SitePresenter;
use crate::problem::{Problem, ProblemCode};
use crate::static_site;

/// The page runs scripts of this service only, which make HTML through lit-html alone, and sends requests to this
/// service only.
const CONSOLE: SitePresenter = SitePresenter {
    site: static_site::CONSOLE,
    content_security_policy: "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
         connect-src 'self'; font-src 'self'; base-uri 'none'; form-action 'none'; \
         frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types lit-html",
};

/// To the page, from its parent.
const PAGE: &str = "console/";

/// Redirects a browser from `/` to the console. Other clients get 404, as at every unknown path.
pub(crate) async fn root(request: HttpRequest) -> HttpResponse {
    let action = log_action("ConsoleController.root", async {
        if !accepts_html(&request) {
            return Err(Problem::new(ProblemCode::UnknownRoute));
        }
        Ok(CONSOLE.redirect(HttpResponse::SeeOther(), PAGE))
    });
    respond(&request, action).await
}

/// Redirects a browser from `/console` to `/console/`, to which the page's links are relative.
pub(crate) async fn redirect(request: HttpRequest) -> HttpResponse {
    let action = log_action("ConsoleController.redirect", async {
        Ok(CONSOLE.redirect(HttpResponse::PermanentRedirect(), PAGE))
    });
    respond(&request, action).await
}

/// Returns the page.
pub(crate) async fn page(request: HttpRequest) -> HttpResponse {
    let action = log_action("ConsoleController.page", async { CONSOLE.page(&request) });
    respond(&request, action).await
}

/// Returns a file that the page refers to.
pub(crate) async fn file(request: HttpRequest) -> HttpResponse {
    let action = log_action("ConsoleController.file", async { CONSOLE.file(&request) });
    respond(&request, action).await
}

/// Whether the request accepts HTML by name, as that of a browser for a page does, and not only `*/*`.
fn accepts_html(request: &HttpRequest) -> bool {
    Accept::parse(request).is_ok_and(|accepted| {
        let is_html = |range: &str| range.eq_ignore_ascii_case("text/html");
        accepted.iter().any(|range| is_html(range.item.essence_str()) && range.quality > Quality::ZERO)
    })
}
