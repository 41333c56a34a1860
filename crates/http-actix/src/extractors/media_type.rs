use actix_web::HttpRequest;
use actix_web::http::header::{CONTENT_ENCODING, CONTENT_TYPE};

use crate::problem::{Problem, ProblemCode};

/// The media type of a JSON body.
pub(crate) const JSON: &str = "application/json";
/// The media type of a stream: one JSON value on each line.
pub(crate) const NDJSON: &str = "application/x-ndjson";

/// Refuses a body that is not of the type `expected`, not in UTF-8, or compressed: decompression could make it a
/// thousand times larger than its limit.
///
/// # Errors
/// `unsupported_media_type`.
pub(crate) fn require_media_type(request: &HttpRequest, expected: &'static str) -> Result<(), Problem> {
    let header = |name| request.headers().get(name).and_then(|value| value.to_str().ok());
    let refuse = |detail: String| Err(Problem::new(ProblemCode::UnsupportedMediaType).detail(detail));
    if !header(CONTENT_TYPE).is_some_and(|value| is_of_type(value, expected)) {
        return refuse(format!("Content-Type must be {expected}, in UTF-8"));
    }
    let plain = request.headers().get(CONTENT_ENCODING).is_none_or(|value| value == "identity");
    if plain { Ok(()) } else { refuse("Content-Encoding must be identity".to_owned()) }
}

/// Whether `value` names the type `expected` and no other charset than UTF-8.
///
/// Not by the crate `mime` (actix's `mime_type()`): it refuses white space before a semicolon and empty parameters,
/// which RFC 9110 (section 5.6.6) allows.
fn is_of_type(value: &str, expected: &str) -> bool {
    let mut parts = value.split(';').map(str::trim);
    let named = parts.next().is_some_and(|essence| essence.eq_ignore_ascii_case(expected));
    named
        && parts.filter_map(|parameter| parameter.split_once('=')).all(|(name, value)| {
            !name.trim().eq_ignore_ascii_case("charset")
                || value.trim().trim_matches('"').eq_ignore_ascii_case("utf-8")
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_allowed_unless_they_name_another_charset() {
        for good in [
            "application/json",
            "Application/JSON",
            "application/json; charset=UTF-8",
            "application/json;a=b",
            "application/json ; charset=\"utf-8\"",
            "application/json;; charset=utf-8;",
        ] {
            assert!(is_of_type(good, JSON), "{good}");
        }
        for bad in [
            "",
            "text/plain",
            "application/jsonx",
            "application/json; charset=latin1",
            "application/x-ndjson",
        ] {
            assert!(!is_of_type(bad, JSON), "{bad}");
        }
    }
}
