use std::borrow::Cow;

use actix_web::HttpRequest;
use domain::errors::{DomainError, Rule};
use percent_encoding::percent_decode_str;

use crate::problem::{Problem, ProblemCode};

/// The parameters of a query string: each at most once, none unknown, none with U+0000.
#[derive(Debug)]
pub(crate) struct QueryParameters {
    values: Vec<(Cow<'static, str>, String)>,
}

/// What the name of a parameter for a metadata key begins with.
pub(super) const METADATA: &str = "metadata.";

impl QueryParameters {
    /// Reads the request's query string, which may have the parameters `known`.
    ///
    /// # Errors
    /// `malformed_query`; `unknown_parameter`, `repeated_parameter` and `contains_nul` with the parameter's name.
    pub(crate) fn read(request: &HttpRequest, known: &[&'static str]) -> Result<Self, Problem> {
        Self::parse(request.query_string(), known, false)
    }

    /// Reads the request's query string, which may have the parameters `known` and any `metadata.KEY`.
    ///
    /// # Errors
    /// Those of [`read`](Self::read).
    pub(crate) fn read_with_metadata(request: &HttpRequest, known: &[&'static str]) -> Result<Self, Problem> {
        Self::parse(request.query_string(), known, true)
    }

    fn parse(query: &str, known: &[&'static str], with_metadata: bool) -> Result<Self, Problem> {
        let mut values: Vec<(Cow<'static, str>, String)> = Vec::new();
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let (name, value) = (decode(name)?, decode(value)?);
            let name = match known.iter().find(|known| **known == name) {
                Some(known) => Cow::Borrowed(*known),
                None if with_metadata && is_metadata(&name) => Cow::Owned(name),
                None => return Err(Problem::new(ProblemCode::UnknownParameter).field(&name)),
            };
            if values.iter().any(|(seen, _)| *seen == name) {
                return Err(Problem::new(ProblemCode::RepeatedParameter).field(&name));
            }
            if value.contains('\0') {
                return Err(DomainError::violation(name, Rule::ContainsNul).into());
            }
            values.push((name, value));
        }
        Ok(Self { values })
    }

    /// Returns the value of `name`, if the query has it.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.values.iter().find(|(known, _)| *known == name).map(|(_, value)| value.as_str())
    }

    /// Returns the metadata keys of the query with their values.
    pub(crate) fn metadata(&self) -> impl Iterator<Item = (&str, &str)> {
        self.values.iter().filter_map(|(name, value)| Some((name.strip_prefix(METADATA)?, value.as_str())))
    }
}

/// Whether this is the name of a parameter for a metadata key.
fn is_metadata(name: &str) -> bool {
    name.strip_prefix(METADATA).is_some_and(|key| !key.is_empty() && !key.contains('\0'))
}

/// Refuses every query parameter, for a route without any.
pub(crate) fn refuse_parameters(request: &HttpRequest) -> Result<(), Problem> {
    QueryParameters::read(request, &[]).map(drop)
}

/// Decodes the encoding of HTML forms: `+` is a space, `%` and two hexadecimal digits are a byte; the result is UTF-8.
fn decode(part: &str) -> Result<String, Problem> {
    let malformed = || Problem::new(ProblemCode::MalformedQuery);
    let bytes = part.as_bytes();
    let is_digit = |place: usize| bytes.get(place).is_some_and(u8::is_ascii_hexdigit);
    let is_invalid =
        |(place, byte): (usize, &u8)| *byte == b'%' && !(is_digit(place + 1) && is_digit(place + 2));
    if bytes.iter().enumerate().any(is_invalid) {
        return Err(malformed());
    }
    let spaced = part.replace('+', " ");
    let decoded = percent_decode_str(&spaced).decode_utf8().map_err(|_| malformed())?;
    Ok(Cow::into_owned(decoded))
}

#[cfg(test)]
#[expect(clippy::expect_used, reason = "a test that cannot go on should stop")]
mod tests {
    use super::*;

    fn refusal(query: &str) -> (ProblemCode, String) {
        let problem = QueryParameters::parse(query, &["q", "limit"], false).expect_err("refused");
        let view = problem.view("r");
        (problem.code(), view.field.unwrap_or_default())
    }

    #[test]
    fn plus_is_a_space_and_percent_a_byte() {
        let query =
            QueryParameters::parse("q=a+b%2Bc%C3%A9&&limit", &["q", "limit"], false).expect("readable");
        assert_eq!((query.get("q"), query.get("limit")), (Some("a b+cé"), Some("")));
        assert_eq!(query.get("other"), None);
    }

    #[test]
    fn invalid_percent_encoding_is_malformed() {
        for bad in ["q=%", "q=%4", "q=%zz", "%ff=1", "q=%C3", "q=%C3%28"] {
            assert_eq!(refusal(bad).0, ProblemCode::MalformedQuery, "{bad}");
        }
    }

    #[test]
    fn problems_name_the_unknown_the_repeated_and_the_nul_parameter() {
        assert_eq!(refusal("colour=red"), (ProblemCode::UnknownParameter, "colour".into()));
        assert_eq!(refusal("q=a&q=b"), (ProblemCode::RepeatedParameter, "q".into()));
        assert_eq!(refusal("q=a%00b"), (ProblemCode::ContainsNul, "q".into()));
    }
}
