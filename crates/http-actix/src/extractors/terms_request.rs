use std::ops::RangeInclusive;

use actix_web::HttpRequest;
use application::dtos::{Against, RankTermsRequest};
use domain::errors::{DomainError, Rule};
use domain::value_objects::{Sentiment, TenantId};

use crate::extractors::QueryParameters;
use crate::extractors::prediction_filter::{parse_model, parse_number, parse_timestamp};
use crate::problem::{Problem, ProblemCode};

/// The query parameters of the distinguishing terms.
const PARAMETERS: [&str; 8] = ["sentiment", "against", "ngrams", "from", "to", "model", "limit", "min_texts"];

/// The names of what a sentiment is compared with.
pub(crate) const AGAINST: [(&str, Against); 2] = [("rest", Against::Rest), ("previous", Against::Previous)];

/// The names of the lengths of terms.
pub(crate) const NGRAMS: [(&str, RangeInclusive<usize>); 3] = [("1,2", 1..=2), ("1", 1..=1), ("2", 2..=2)];

/// Reads the query parameters of the distinguishing terms.
pub(crate) fn terms_request(request: &HttpRequest, tenant: TenantId) -> Result<RankTermsRequest, Problem> {
    let query = QueryParameters::read(request, &PARAMETERS)?;
    let missing = || Problem::new(ProblemCode::MissingField).about("sentiment", "is missing");
    let sentiment = Sentiment::parse("sentiment", query.get("sentiment").ok_or_else(missing)?)?;
    Ok(RankTermsRequest {
        tenant,
        sentiment,
        against: named(&query, "against", &AGAINST)?,
        ngrams: named(&query, "ngrams", &NGRAMS)?,
        from: query.get("from").map(|text| parse_timestamp("from", text)).transpose()?,
        to: query.get("to").map(|text| parse_timestamp("to", text)).transpose()?,
        model: query.get("model").map(parse_model).transpose()?,
        limit: query.get("limit").map(|text| parse_number("limit", text)).transpose()?,
        min_texts: query.get("min_texts").map(|text| parse_number("min_texts", text)).transpose()?,
    })
}

/// The value of the parameter `field` by its name; the first where the query does not have it.
fn named<T: Clone>(
    query: &QueryParameters,
    field: &'static str,
    values: &[(&'static str, T)],
) -> Result<T, DomainError> {
    let name = query.get(field).unwrap_or(values[0].0);
    let found = values.iter().find(|(known, _)| *known == name).map(|(_, value)| value.clone());
    found.ok_or_else(|| {
        let allowed = values.iter().map(|(known, _)| *known).collect::<Vec<_>>().join(" or ").into();
        DomainError::violation(field, Rule::NotOneOf { allowed })
    })
}
