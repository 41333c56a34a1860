use actix_web::HttpRequest;
use application::dtos::{BreakDownRequest, ShowTrendsRequest, TrendBy, TrendFilter};
use domain::errors::{DomainError, Rule};
use domain::value_objects::{BucketWidth, DimensionValue, Sentiment, TenantId, Timestamp};

use crate::extractors::prediction_filter::{parse_limit, parse_model, parse_timestamp};
use crate::extractors::query::{METADATA, QueryParameters};
use crate::problem::Problem;

/// Reads the query parameters of the trends.
pub(crate) fn trends_request(request: &HttpRequest, tenant: TenantId) -> Result<ShowTrendsRequest, Problem> {
    let known = ["bucket", "tz", "from", "to", "by", "sentiment", "model"];
    let query = QueryParameters::read_with_metadata(request, &known)?;
    let filter = TrendFilter {
        sentiment: query.get("sentiment").map(|name| Sentiment::parse("sentiment", name)).transpose()?,
        model: query.get("model").map(parse_model).transpose()?,
        value: metadata_value(&query)?,
    };
    Ok(ShowTrendsRequest {
        tenant,
        bucket: query.get("bucket").map(|name| BucketWidth::parse("bucket", name)).transpose()?,
        tz: query.get("tz").map(str::to_owned),
        from: time(&query, "from")?,
        to: time(&query, "to")?,
        by: by(&query)?,
        filter,
    })
}

/// Reads the query parameters of the breakdown.
pub(crate) fn breakdown_request(
    request: &HttpRequest,
    tenant: TenantId,
) -> Result<BreakDownRequest, Problem> {
    let query = QueryParameters::read(request, &["by", "from", "to", "limit"])?;
    Ok(BreakDownRequest {
        tenant,
        by: by(&query)?,
        from: time(&query, "from")?,
        to: time(&query, "to")?,
        limit: query.get("limit").map(parse_limit).transpose()?,
    })
}

fn by(query: &QueryParameters) -> Result<TrendBy, DomainError> {
    Ok(query.get("by").map(TrendBy::parse).transpose()?.unwrap_or_default())
}

fn time(query: &QueryParameters, field: &'static str) -> Result<Option<Timestamp>, DomainError> {
    query.get(field).map(|text| parse_timestamp(field, text)).transpose()
}

/// The value of the one metadata key, if the query has one.
fn metadata_value(query: &QueryParameters) -> Result<Option<DimensionValue>, DomainError> {
    let mut values = query.metadata();
    let Some((dimension, value)) = values.next() else { return Ok(None) };
    if let Some((second, _)) = values.next() {
        let why = "cannot be combined with a value of another metadata key";
        return Err(DomainError::violation(format!("{METADATA}{second}"), Rule::Contradictory { why }));
    }
    Ok(Some(DimensionValue { dimension: dimension.to_owned(), value: value.to_owned() }))
}
