//! How the controllers of the console and of the API's page respond with files of the binary.

use actix_web::http::header::{
    AcceptEncoding, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, CROSS_ORIGIN_OPENER_POLICY,
    ContentEncoding, ETag, Encoding, EntityTag, Header, HeaderName, HeaderValue, IfNoneMatch, LOCATION,
    PERMISSIONS_POLICY, VARY,
};
use actix_web::web::Bytes;
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder};
use application::action::chain;

use crate::problem::{Problem, ProblemCode};
use crate::static_site::{StaticFile, StaticSite};

/// The headers that every response of a site has, beside its content security policy and those that all responses of
/// the service have.
const POLICIES: [(HeaderName, HeaderValue); 2] = [
    (CROSS_ORIGIN_OPENER_POLICY, HeaderValue::from_static("same-origin")),
    (PERMISSIONS_POLICY, HeaderValue::from_static("camera=(), microphone=(), geolocation=()")),
];

/// The page is the same address in every release: browsers ask each time whether it has changed.
const REVALIDATED: &str = "no-cache";

/// A file never changes, since its address contains the version: browsers do not ask again for a year.
const IMMUTABLE: &str = "public, max-age=31536000, immutable";

/// Makes the responses of a site.
pub(super) struct SitePresenter {
    pub(super) site: &'static StaticSite,
    pub(super) content_security_policy: &'static str,
}

/// What a response describes, without its content.
struct Description {
    /// Identifies the content.
    tag: &'static str,
    content_type: &'static str,
    cache_control: &'static str,
}

enum Content {
    /// To be compressed by the middleware, as the client accepts it.
    Plain(Bytes),
    Brotli(Bytes),
}

impl SitePresenter {
    /// Returns the page.
    pub(super) fn page(&self, request: &HttpRequest) -> Result<HttpResponse, Problem> {
        let description = Description {
            // The version is a digest of the page and of everything it refers to.
            tag: self.site.version,
            content_type: "text/html; charset=utf-8",
            cache_control: REVALIDATED,
        };
        self.present(request, &description, || Ok(Content::Plain(self.site.page())))
    }

    /// Returns the file that the path names by its `version` and `path`.
    ///
    /// A replica of another release answers 404, which is not cached: its files would be those of another page, and
    /// files of two releases do not fit together.
    pub(super) fn file(&self, request: &HttpRequest) -> Result<HttpResponse, Problem> {
        let parameter = |name| request.match_info().get(name).unwrap_or_default();
        let file = self.site.find_file(parameter("version"), parameter("path"));
        let file = file.ok_or_else(|| Problem::new(ProblemCode::UnknownRoute))?;
        let description =
            Description { tag: file.sha256, content_type: file.content_type, cache_control: IMMUTABLE };
        self.present(request, &description, || self.content(file, request))
    }

    /// Redirects to the page. `location` is relative, so that it holds behind a proxy that adds a prefix to the paths.
    pub(super) fn redirect(&self, response: HttpResponseBuilder, location: &'static str) -> HttpResponse {
        self.with_policies(response).insert_header((LOCATION, location)).finish()
    }

    /// Returns the content of `file` as it is in the binary, where the client accepts that.
    fn content(&self, file: &StaticFile, request: &HttpRequest) -> Result<Content, Problem> {
        if accepts_brotli(request) {
            return Ok(Content::Brotli(self.site.compressed(file)));
        }
        let plain = self.site.plain(file).map_err(|error| {
            tracing::error!(path = file.path, error = chain(&error), "the binary has a damaged file");
            Problem::new(ProblemCode::Internal)
        })?;
        Ok(Content::Plain(plain))
    }

    /// Returns the content, or 304 if the client has it.
    fn present(
        &self,
        request: &HttpRequest,
        description: &Description,
        content: impl FnOnce() -> Result<Content, Problem>,
    ) -> Result<HttpResponse, Problem> {
        // Weak: the middleware that compresses sends other bytes under the same tag (RFC 9110, section 8.8.1).
        let tag = EntityTag::new_weak(description.tag.to_owned());
        let is_current = has_content(request, &tag);
        let response = if is_current { HttpResponse::NotModified() } else { HttpResponse::Ok() };
        let mut response = self.with_policies(response);
        response
            .insert_header(ETag(tag))
            .insert_header((CACHE_CONTROL, HeaderValue::from_static(description.cache_control)));
        if is_current {
            return Ok(response.finish());
        }
        response.content_type(description.content_type);
        Ok(match content()? {
            Content::Plain(bytes) => response.body(bytes),
            Content::Brotli(bytes) => response
                .insert_header((CONTENT_ENCODING, ContentEncoding::Brotli))
                .insert_header((VARY, HeaderValue::from_static("accept-encoding")))
                .body(bytes),
        })
    }

    fn with_policies(&self, mut response: HttpResponseBuilder) -> HttpResponseBuilder {
        response.insert_header((CONTENT_SECURITY_POLICY, self.content_security_policy));
        for policy in POLICIES {
            response.insert_header(policy);
        }
        response
    }
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
