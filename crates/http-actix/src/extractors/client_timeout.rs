use std::time::{Duration, Instant};

use actix_web::HttpRequest;
use actix_web::http::header::HeaderName;
use application::dtos::TimeLimit;
use domain::errors::{DomainError, Rule};

use crate::problem::Problem;

/// The header by which a client shortens the time that its request may take, in milliseconds.
pub(crate) const X_REQUEST_TIMEOUT_MS: HeaderName = HeaderName::from_static("x-request-timeout-ms");

/// The header's name as problems and documents show it.
pub(crate) const X_REQUEST_TIMEOUT_MS_FIELD: &str = "X-Request-Timeout-Ms";

/// The most milliseconds that a client may ask for. No route allows more than the longest batch.
pub(crate) const MAX_TIMEOUT_MS: u64 = 120_000;

/// The time that the client of a request gives it, if it does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ClientTimeout(Option<Duration>);

impl ClientTimeout {
    /// Reads the header of `request`.
    ///
    /// # Errors
    /// `malformed` where it is sent twice or is not a whole number; `out_of_range` unless it is 1 to 120,000.
    pub(crate) fn read(request: &HttpRequest) -> Result<Self, Problem> {
        let mut sent = request.headers().get_all(&X_REQUEST_TIMEOUT_MS);
        match (sent.next(), sent.next()) {
            (None, _) => Ok(Self(None)),
            (Some(only), None) => {
                let text = only.to_str().map_err(|_| malformed("a whole number"))?;
                Ok(Self(Some(parse(text.trim())?)))
            }
            (Some(_), Some(_)) => Err(malformed("sent once").into()),
        }
    }

    /// Returns how long a request may take on a route that allows `route`.
    pub(crate) fn within(self, route: Duration) -> Duration {
        self.0.map_or(route, |most| most.min(route))
    }

    /// Returns the time limit of a request that had arrived at `arrived`.
    pub(crate) fn since(self, arrived: Instant) -> TimeLimit {
        TimeLimit::OfRoute { arrived, at_most: self.0 }
    }
}

fn malformed(expected: &'static str) -> DomainError {
    DomainError::violation(X_REQUEST_TIMEOUT_MS_FIELD, Rule::Malformed { expected })
}

fn parse(text: &str) -> Result<Duration, DomainError> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(malformed("a whole number"));
    }
    // A negative number does not parse either.
    let millis = text.parse().ok().filter(|millis| (1..=MAX_TIMEOUT_MS).contains(millis));
    millis.map(Duration::from_millis).ok_or_else(|| {
        let allowed = format!("between 1 and {MAX_TIMEOUT_MS}").into();
        DomainError::violation(X_REQUEST_TIMEOUT_MS_FIELD, Rule::OutOfRange { allowed })
    })
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    fn read(values: &[&str]) -> Result<ClientTimeout, &'static str> {
        let request = values.iter().fold(TestRequest::default(), |request, value| {
            request.append_header((X_REQUEST_TIMEOUT_MS, *value))
        });
        ClientTimeout::read(&request.to_http_request()).map_err(|problem| {
            assert_eq!(problem.view("r").field.as_deref(), Some(X_REQUEST_TIMEOUT_MS_FIELD));
            problem.code().code()
        })
    }

    #[test]
    fn a_client_may_only_shorten_the_time_of_a_route() {
        let route = Duration::from_secs(10);
        for (sent, expected) in [
            (&[][..], route),
            (&["1"], Duration::from_millis(1)),
            (&["0250"], Duration::from_millis(250)),
            (&["120000"], route),
        ] {
            assert_eq!(read(sent).map(|timeout| timeout.within(route)), Ok(expected), "{sent:?}");
        }
    }

    #[test]
    fn a_time_that_is_no_whole_number_or_out_of_range_is_refused() {
        for bad in ["", " ", "ten", "1.5", "+5", "1e3", "-", "5ms", "1, 2"] {
            assert_eq!(read(&[bad]), Err("malformed"), "{bad}");
        }
        assert_eq!(read(&["5", "5"]), Err("malformed"));
        for bad in ["0", "-5", "120001", "99999999999999999999"] {
            assert_eq!(read(&[bad]), Err("out_of_range"), "{bad}");
        }
    }
}
