use actix_web::HttpRequest;
use actix_web::http::header::HeaderName;
use domain::errors::{DomainError, Rule};

use crate::extractors::QueryParameters;
use crate::presenters::EventType;
use crate::problem::Problem;

/// The header that names the last event that a client has received.
pub(crate) const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

/// The header's name as problems and documents show it.
pub(crate) const LAST_EVENT_ID_FIELD: &str = "Last-Event-ID";

/// Reads after which position to follow the feed, and the types of events to send, where the request names them. The
/// header comes before the parameter: a client that reconnects sends it with the same URL.
///
/// # Errors
/// `malformed` for a position; `not_one_of` for a type; those of query strings.
pub(crate) fn follow_request(
    request: &HttpRequest,
) -> Result<(Option<i64>, Option<Vec<EventType>>), Problem> {
    let query = QueryParameters::read(request, &["last_event_id", "types"])?;
    let mut sent = request.headers().get_all(&LAST_EVENT_ID);
    let header = match (sent.next(), sent.next()) {
        (None, _) => None,
        (Some(only), None) => Some(position(LAST_EVENT_ID_FIELD, only.to_str().unwrap_or_default())?),
        (Some(_), Some(_)) => return Err(malformed(LAST_EVENT_ID_FIELD).into()),
    };
    let parameter = query.get("last_event_id").map(|text| position("last_event_id", text)).transpose()?;
    let types = query.get("types").map(|names| names.split(',').map(event_type).collect()).transpose()?;
    Ok((header.or(parameter), types))
}

fn position(field: &'static str, text: &str) -> Result<i64, DomainError> {
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| text.parse().ok()).flatten().ok_or_else(|| malformed(field))
}

fn malformed(field: &'static str) -> DomainError {
    DomainError::violation(field, Rule::Malformed { expected: "the id of an event of the feed" })
}

fn event_type(name: &str) -> Result<EventType, DomainError> {
    EventType::ALL.into_iter().find(|known| known.as_str() == name).ok_or_else(|| {
        let allowed = EventType::ALL.map(EventType::as_str).join(", ").into();
        DomainError::violation("types", Rule::NotOneOf { allowed })
    })
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test that cannot go on should stop")]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    fn after(header: Option<&'static str>, query: &str) -> Result<Option<i64>, String> {
        let mut request = TestRequest::get().uri(&format!("/api/v1/events?{query}"));
        if let Some(header) = header {
            request = request.insert_header((LAST_EVENT_ID, header));
        }
        let read = follow_request(&request.to_http_request());
        read.map(|(after, _)| after).map_err(|problem| problem.view("r").field.unwrap_or_default())
    }

    #[test]
    fn the_header_comes_before_the_parameter() {
        assert_eq!(after(None, ""), Ok(None));
        assert_eq!(after(None, "last_event_id=7"), Ok(Some(7)));
        assert_eq!(after(Some("9"), "last_event_id=7"), Ok(Some(9)));
        assert_eq!(after(Some("0"), ""), Ok(Some(0)));
    }

    #[test]
    fn other_positions_are_malformed() {
        for bad in ["", "-1", "+1", "1.5", "x", "9223372036854775808", "é"] {
            assert_eq!(after(Some(bad), ""), Err(LAST_EVENT_ID_FIELD.to_owned()), "{bad}");
        }
        assert_eq!(after(None, "last_event_id="), Err("last_event_id".to_owned()));
    }

    #[test]
    fn types_are_named_as_on_the_wire() {
        let read = |types: &str| {
            let request = TestRequest::get().uri(&format!("/api/v1/events?types={types}"));
            follow_request(&request.to_http_request()).map(|(_, types)| types.unwrap())
        };
        let both = "undertone.prediction.deleted,undertone.prediction.created";
        assert_eq!(read(both).unwrap(), [EventType::PredictionDeleted, EventType::PredictionCreated]);
        for bad in ["", "SentimentPredicted", "undertone.prediction.created,"] {
            assert_eq!(read(bad).unwrap_err().view("r").field.as_deref(), Some("types"), "{bad}");
        }
    }
}
