use actix_web::http::header::{
    Accept, AcceptEncoding, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY,
    CROSS_ORIGIN_OPENER_POLICY, ContentEncoding, ETag, Encoding, EntityTag, Header, HeaderName, HeaderValue,
    IfNoneMatch, LOCATION, PERMISSIONS_POLICY, Quality, VARY,
};
use actix_web::web::Bytes;
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder};
use application::action::{chain, log_action};

use crate::console::{self, ConsoleFile, VERSION};
use crate::controllers::respond;
use crate::problem::{Problem, ProblemCode};

/// The headers of every response, beside those that all responses of the service have: the page runs scripts of this
/// service only, which make HTML through lit-html alone, and sends requests to this service only.
const POLICIES: [(HeaderName, HeaderValue); 3] = [
    (
        CONTENT_SECURITY_POLICY,
        HeaderValue::from_static(
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
             connect-src 'self'; font-src 'self'; base-uri 'none'; form-action 'none'; \
             frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types lit-html",
        ),
    ),
    (CROSS_ORIGIN_OPENER_POLICY, HeaderValue::from_static("same-origin")),
    (PERMISSIONS_POLICY, HeaderValue::from_static("camera=(), microphone=(), geolocation=()")),
];

/// The page is the same address in every release: browsers ask each time whether it has changed.
const REVALIDATED: &str = "no-cache";

/// A file never changes, since its address contains the version: browsers do not ask again for a year.
const IMMUTABLE: &str = "public, max-age=31536000, immutable";

/// Redirects a browser from `/` to the console. Other clients get 404, as at every unknown path.
pub(crate) async fn root(request: HttpRequest) -> HttpResponse {
    let action = log_action("ConsoleController.root", async {
        if !accepts_html(&request) {
            return Err(Problem::new(ProblemCode::UnknownRoute));
        }
        Ok(redirect_to_page(HttpResponse::SeeOther()))
    });
    respond(&request, action).await
}

/// Redirects a browser from `/console` to `/console/`, to which the page's links are relative.
pub(crate) async fn redirect(request: HttpRequest) -> HttpResponse {
    let action = log_action("ConsoleController.redirect", async {
        Ok(redirect_to_page(HttpResponse::PermanentRedirect()))
    });
    respond(&request, action).await
}

/// Returns the page.
pub(crate) async fn page(request: HttpRequest) -> HttpResponse {
    let action = log_action("ConsoleController.page", async {
        let body = Body {
            // The version is a digest of the page and of everything it refers to.
            tag: VERSION,
            content_type: "text/html; charset=utf-8",
            cache_control: REVALIDATED,
            content: Content::Plain(console::page()),
        };
        Ok(body.present(&request))
    });
    respond(&request, action).await
}

/// Returns a file that the page refers to.
///
/// A replica of another release answers 404, which is not cached: its files would be those of another page, and modules
/// of two releases do not fit together.
pub(crate) async fn file(request: HttpRequest) -> HttpResponse {
    let action = log_action("ConsoleController.file", async {
        let parameter = |name| request.match_info().get(name).unwrap_or_default();
        let file = console::find_file(parameter("version"), parameter("path"))
            .ok_or_else(|| Problem::new(ProblemCode::UnknownRoute))?;
        let body = Body {
            tag: file.sha256,
            content_type: file.content_type,
            cache_control: IMMUTABLE,
            content: Content::of(file, &request)?,
        };
        Ok(body.present(&request))
    });
    respond(&request, action).await
}

/// What a response has as its body.
struct Body {
    /// Identifies the content.
    tag: &'static str,
    content_type: &'static str,
    cache_control: &'static str,
    content: Content,
}

enum Content {
    /// To be compressed by the middleware, as the client accepts it.
    Plain(Bytes),
    Brotli(Bytes),
}

impl Content {
    /// Returns the content of `file` as it is in the binary, where the client accepts that.
    fn of(file: &ConsoleFile, request: &HttpRequest) -> Result<Self, Problem> {
        if accepts_brotli(request) {
            return Ok(Self::Brotli(file.compressed()));
        }
        let plain = file.plain().map_err(|error| {
            tracing::error!(path = file.path, error = chain(&error), "the binary has a damaged file");
            Problem::new(ProblemCode::Internal)
        })?;
        Ok(Self::Plain(plain))
    }
}

impl Body {
    /// Returns the content, or 304 if the client has it.
    fn present(self, request: &HttpRequest) -> HttpResponse {
        // Weak: the middleware that compresses sends other bytes under the same tag (RFC 9110, section 8.8.1).
        let tag = EntityTag::new_weak(self.tag.to_owned());
        let is_current = has_content(request, &tag);
        let mut response = if is_current { HttpResponse::NotModified() } else { HttpResponse::Ok() };
        with_policies(&mut response)
            .insert_header(ETag(tag))
            .insert_header((CACHE_CONTROL, HeaderValue::from_static(self.cache_control)));
        if is_current {
            return response.finish();
        }
        response.content_type(self.content_type);
        match self.content {
            Content::Plain(bytes) => response.body(bytes),
            Content::Brotli(bytes) => response
                .insert_header((CONTENT_ENCODING, ContentEncoding::Brotli))
                .insert_header((VARY, HeaderValue::from_static("accept-encoding")))
                .body(bytes),
        }
    }
}

/// The address is relative, so that it holds behind a proxy that adds a prefix to the paths.
fn redirect_to_page(mut response: HttpResponseBuilder) -> HttpResponse {
    with_policies(&mut response).insert_header((LOCATION, "console/")).finish()
}

fn with_policies(response: &mut HttpResponseBuilder) -> &mut HttpResponseBuilder {
    for policy in POLICIES {
        response.insert_header(policy);
    }
    response
}

/// Whether the request accepts HTML by name, as that of a browser for a page does, and not only `*/*`.
fn accepts_html(request: &HttpRequest) -> bool {
    Accept::parse(request).is_ok_and(|accepted| {
        let is_html = |range: &str| range.eq_ignore_ascii_case("text/html");
        accepted.iter().any(|range| is_html(range.item.essence_str()) && range.quality > Quality::ZERO)
    })
}

fn accepts_brotli(request: &HttpRequest) -> bool {
    AcceptEncoding::parse(request).is_ok_and(|accepted| {
        accepted.negotiate([Encoding::brotli(), Encoding::identity()].iter()) == Some(Encoding::brotli())
    })
}

/// Whether the client has the content with this tag, and would take it again only if it had changed.
fn has_content(request: &HttpRequest, tag: &EntityTag) -> bool {
    match IfNoneMatch::parse(request) {
        Ok(IfNoneMatch::Any) => true,
        Ok(IfNoneMatch::Items(tags)) => tags.iter().any(|known| known.weak_eq(tag)),
        Err(_) => false,
    }
}
