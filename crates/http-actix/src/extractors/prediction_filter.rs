use actix_web::HttpRequest;
use application::dtos::{ExportForm, ExportFormat, ExportPredictionsRequest, ListPredictionsRequest};
use application::ports::PredictionFilter;
use domain::errors::{DomainError, Rule};
use domain::policies::parse_query;
use domain::value_objects::{Confidence, Reference, Sentiment, TenantId, Timestamp};

use crate::extractors::QueryParameters;
use crate::problem::Problem;

/// The query parameters of the list.
const LIST: [&str; 10] =
    ["sentiment", "model", "ref", "from", "to", "min_confidence", "max_confidence", "q", "limit", "cursor"];

/// The query parameters of the export.
const EXPORT: [&str; 10] =
    ["sentiment", "model", "ref", "from", "to", "min_confidence", "max_confidence", "q", "format", "safe"];

/// Reads the query parameters of the list.
pub(crate) fn list_request(
    request: &HttpRequest,
    tenant: TenantId,
) -> Result<ListPredictionsRequest, Problem> {
    let query = QueryParameters::read(request, &LIST)?;
    let filter = filter(&query)?;
    let limit = query.get("limit").map(parse_limit).transpose()?;
    Ok(ListPredictionsRequest { tenant, filter, limit, cursor: query.get("cursor").map(str::to_owned) })
}

/// Reads the query parameters of the export.
pub(crate) fn export_request(
    request: &HttpRequest,
    tenant: TenantId,
) -> Result<(ExportPredictionsRequest, ExportForm), Problem> {
    let query = QueryParameters::read(request, &EXPORT)?;
    let form = ExportForm {
        format: query.get("format").map(parse_format).transpose()?.unwrap_or_default(),
        neutralize: query.get("safe").map(parse_safe).transpose()?.unwrap_or(true),
    };
    Ok((ExportPredictionsRequest { tenant, filter: filter(&query)? }, form))
}

/// Reads the conditions that the list and the export have in common.
fn filter(query: &QueryParameters) -> Result<PredictionFilter, DomainError> {
    Ok(PredictionFilter {
        sentiment: query.get("sentiment").map(|name| Sentiment::parse("sentiment", name)).transpose()?,
        model: query.get("model").map(parse_model).transpose()?,
        reference: query.get("ref").map(Reference::parse).transpose()?,
        from: query.get("from").map(|text| parse_timestamp("from", text)).transpose()?,
        to: query.get("to").map(|text| parse_timestamp("to", text)).transpose()?,
        min_confidence: confidence(query, "min_confidence")?,
        max_confidence: confidence(query, "max_confidence")?,
        terms: query.get("q").map(parse_query).transpose()?.unwrap_or_default(),
    })
}

fn parse_format(name: &str) -> Result<ExportFormat, DomainError> {
    let format = ExportFormat::ALL.into_iter().find(|format| format.as_str() == name);
    format.ok_or_else(|| DomainError::violation("format", Rule::NotOneOf { allowed: "csv, jsonl".into() }))
}

fn parse_safe(text: &str) -> Result<bool, DomainError> {
    text.parse().map_err(|_| DomainError::violation("safe", Rule::NotOneOf { allowed: "true, false".into() }))
}

/// Parses the name of a model, which need not be served any more.
pub(super) fn parse_model(name: &str) -> Result<String, DomainError> {
    if name.trim().is_empty() {
        return Err(DomainError::violation("model", Rule::Blank));
    }
    Ok(name.to_owned())
}

/// Parses a time in RFC 3339. Digits below the microsecond are rounded up: rows have whole microseconds, so a bound
/// between two of them selects the same rows as the later one, inclusive or exclusive.
pub(super) fn parse_timestamp(field: &'static str, text: &str) -> Result<Timestamp, DomainError> {
    let expected = "an RFC 3339 time such as 2026-01-31T12:00:00Z";
    let parsed: jiff::Timestamp =
        text.parse().map_err(|_| DomainError::violation(field, Rule::Malformed { expected }))?;
    let micros = -(-parsed.as_nanosecond()).div_euclid(1_000);
    Ok(Timestamp::from_micros(i64::try_from(micros).unwrap_or(i64::MAX)))
}

fn confidence(query: &QueryParameters, field: &'static str) -> Result<Option<Confidence>, DomainError> {
    let read = |text: &str| {
        let number: f32 = text
            .parse()
            .map_err(|_| DomainError::violation(field, Rule::Malformed { expected: "a number" }))?;
        Confidence::try_new(field, number)
    };
    query.get(field).map(read).transpose()
}

/// Parses the length of a page.
pub(super) fn parse_limit(text: &str) -> Result<u32, DomainError> {
    parse_number("limit", text)
}

/// Parses a whole number. The use case checks the range, so numbers that do not fit become 0 or the largest `u32`,
/// which are out of range too.
pub(super) fn parse_number(field: &'static str, text: &str) -> Result<u32, DomainError> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(DomainError::violation(field, Rule::Malformed { expected: "a whole number" }));
    }
    if digits.len() < text.len() {
        return Ok(0);
    }
    Ok(digits.parse().unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn micros(text: &str) -> Option<i64> {
        parse_timestamp("from", text).ok().map(Timestamp::as_micros)
    }

    #[test]
    fn times_are_parsed_in_any_offset_and_rounded_up_to_the_microsecond() {
        assert_eq!(micros("1970-01-01T00:00:01Z"), Some(1_000_000));
        assert_eq!(micros("1970-01-01T02:00:00.5+02:00"), Some(500_000));
        assert_eq!(micros("1970-01-01T00:00:00.0000001Z"), Some(1));
        assert_eq!(micros("1969-12-31T23:59:59.9999999Z"), Some(0));
        assert_eq!(micros("1969-12-31T23:59:59.9999990Z"), Some(-1));
    }

    #[test]
    fn other_forms_of_time_are_refused() {
        for bad in [
            "",
            "yesterday",
            "2026-01-31",
            "2026-01-31T12:00:00",
            "2026-02-30T00:00:00Z",
            "20000-01-01T00:00:00Z",
        ] {
            assert_eq!(micros(bad), None, "{bad}");
        }
    }

    #[test]
    fn limits_are_whole_numbers_of_any_size() {
        assert_eq!(parse_limit("20"), Ok(20));
        assert_eq!(parse_limit("-3"), Ok(0));
        assert_eq!(parse_limit("99999999999999999999"), Ok(u32::MAX));
        for bad in ["", "-", "+1", "1.5", "ten", "0x10"] {
            assert!(parse_limit(bad).is_err(), "{bad}");
        }
    }
}
