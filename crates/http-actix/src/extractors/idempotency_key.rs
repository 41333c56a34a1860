use actix_web::HttpRequest;
use actix_web::http::header::HeaderName;
use application::dtos::IdempotentRequest;
use domain::errors::{DomainError, Rule};
use domain::value_objects::{IdempotencyKey, RequestDigest};
use sha2::{Digest, Sha256};

use crate::problem::Problem;

/// The header with the client's own id of a request that it may send again.
pub(crate) const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// The header's name as problems and documents show it.
pub(crate) const IDEMPOTENCY_KEY_FIELD: &str = "Idempotency-Key";

/// The head of a request that may be sent again; with its body it can be recognized.
#[derive(Debug)]
pub(crate) struct KeyedRequest {
    key: IdempotencyKey,
    method: String,
    route: String,
}

impl KeyedRequest {
    /// Reads the key of `request`, if it has one: the header's value as it is, or as a quoted string (RFC 9651, section
    /// 3.3.3), which stands for the same key.
    ///
    /// # Errors
    /// `malformed` for a header that is sent twice or is a quoted string with an error; `blank`, `not_printable`,
    /// `too_long`.
    pub(crate) fn read(request: &HttpRequest) -> Result<Option<Self>, Problem> {
        let mut sent = request.headers().get_all(&IDEMPOTENCY_KEY);
        let text = match (sent.next(), sent.next()) {
            (None, _) => return Ok(None),
            (Some(only), None) => std::str::from_utf8(only.as_bytes()).map_err(|_| malformed("in UTF-8"))?,
            (Some(_), Some(_)) => return Err(malformed("sent once").into()),
        };
        let key = match text.trim().strip_prefix('"') {
            Some(rest) => unquote(rest).ok_or_else(|| malformed("a key, or a key in quotes"))?,
            None => text.trim().to_owned(),
        };
        let key = IdempotencyKey::parse(key)?;
        let route = request.match_pattern().unwrap_or_default();
        Ok(Some(Self { key, method: request.method().as_str().to_owned(), route }))
    }

    /// Returns the request with this body.
    pub(crate) fn with_body(self, body: &[u8]) -> IdempotentRequest {
        let digest = digest([self.method.as_bytes(), self.route.as_bytes(), body]);
        IdempotentRequest { key: self.key, digest }
    }
}

/// Refuses the key of a request that cannot have one.
///
/// # Errors
/// `contradictory` where it has one.
pub(crate) fn refuse_key(request: &HttpRequest, why: &'static str) -> Result<(), Problem> {
    if request.headers().contains_key(&IDEMPOTENCY_KEY) {
        return Err(DomainError::violation(IDEMPOTENCY_KEY_FIELD, Rule::Contradictory { why }).into());
    }
    Ok(())
}

fn malformed(expected: &'static str) -> DomainError {
    DomainError::violation(IDEMPOTENCY_KEY_FIELD, Rule::Malformed { expected })
}

/// Returns the string whose opening quote `rest` follows; none where the quotes or an escape are wrong.
fn unquote(rest: &str) -> Option<String> {
    let mut rest = rest.chars();
    let mut text = String::new();
    loop {
        match rest.next()? {
            '"' => return rest.as_str().is_empty().then_some(text),
            '\\' => text.push(rest.next().filter(|escaped| ['"', '\\'].contains(escaped))?),
            other => text.push(other),
        }
    }
}

/// Returns the SHA-256 of `parts`, each after its length, so that no two lists of parts have the same bytes. Stored
/// digests are compared with those of later releases.
fn digest(parts: [&[u8]; 3]) -> RequestDigest {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    RequestDigest::from_bytes(hash.finalize().into())
}

#[cfg(test)]
#[expect(clippy::expect_used, reason = "a test may panic")]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    fn read(values: &[&str]) -> Result<Option<String>, String> {
        let request = values
            .iter()
            .fold(TestRequest::default(), |request, value| request.append_header((IDEMPOTENCY_KEY, *value)));
        let read = KeyedRequest::read(&request.to_http_request());
        let key = read.map(|keyed| keyed.map(|keyed| keyed.key.to_string()));
        key.map_err(|problem| {
            let view = problem.view("r");
            assert_eq!(view.field.as_deref(), Some(IDEMPOTENCY_KEY_FIELD));
            view.code.to_owned()
        })
    }

    #[test]
    fn a_key_is_the_same_with_and_without_quotes() {
        assert_eq!(read(&[]), Ok(None));
        for (sent, key) in [
            ("8e03978e-40d5", "8e03978e-40d5"),
            ("\"8e03978e-40d5\"", "8e03978e-40d5"),
            (r#""a \"b\" \\c""#, r#"a "b" \c"#),
            (r"a\b", r"a\b"),
        ] {
            assert_eq!(read(&[sent]), Ok(Some(key.to_owned())), "{sent}");
        }
    }

    #[test]
    fn a_key_that_is_repeated_or_not_well_formed_is_refused() {
        assert_eq!(read(&["a", "a"]), Err("malformed".to_owned()));
        for bad in ["\"", "\"a", "\"a\"b", "\"a\";b=1", r#""a\b""#, r#""a\""#] {
            assert_eq!(read(&[bad]), Err("malformed".to_owned()), "{bad}");
        }
        let long = "x".repeat(256);
        for (bad, code) in [("", "blank"), ("\"\"", "blank"), ("a\tb", "not_printable"), (&*long, "too_long")]
        {
            assert_eq!(read(&[bad]), Err(code.to_owned()), "{bad}");
        }
    }

    #[test]
    fn the_digest_is_that_of_the_parts_and_their_lengths() {
        let digest_of_request = digest([b"POST", b"/api/v1/predictions", b"{\"text\":\"a\"}"]);
        let hex = format!("{:02x?}", digest_of_request.as_bytes()).replace(", ", "");
        assert_eq!(hex, "[c7bf7216b340524034a9e89bfa8053c251d9bc746e0252e49b8eb24ca644c18b]");
        assert_ne!(digest([b"a", b"bc", b""]), digest([b"ab", b"c", b""]));
    }

    #[test]
    fn the_route_and_the_body_are_part_of_the_digest() {
        let keyed = |route: &str| KeyedRequest {
            key: IdempotencyKey::parse("k").expect("a key"),
            method: "POST".to_owned(),
            route: route.to_owned(),
        };
        let first = keyed("/a").with_body(b"{}");
        assert_eq!(first, keyed("/a").with_body(b"{}"));
        assert_ne!(first.digest, keyed("/b").with_body(b"{}").digest);
        assert_ne!(first.digest, keyed("/a").with_body(b"{ }").digest);
    }
}
