//! Reads requests from the wire into the use cases' requests. Unreadable input is refused with 400, readable input that
//! is not allowed with 422 and the field at fault.

mod audit_filter;
mod batch_request;
mod body;
mod client_timeout;
mod client_wait;
mod feed_request;
mod idempotency_key;
mod json;
mod key_request;
mod line_memory;
mod lines;
mod media_type;
mod model_name;
mod model_spec;
mod object;
mod options;
mod path_id;
mod predict_item;
mod prediction_filter;
mod prediction_request;
mod query;
mod shape;
mod terms_request;
mod trace_parent;
mod trend_filter;

pub(crate) use audit_filter::audit_request;
pub(crate) use batch_request::{BatchEntry, batch_schema, parse_batch};
use body::read_body;
pub(crate) use client_timeout::{
    ClientTimeout, MAX_TIMEOUT_MS, X_REQUEST_TIMEOUT_MS, X_REQUEST_TIMEOUT_MS_FIELD,
};
pub(crate) use feed_request::{LAST_EVENT_ID, LAST_EVENT_ID_FIELD, follow_request};
pub(crate) use idempotency_key::{IDEMPOTENCY_KEY, IDEMPOTENCY_KEY_FIELD, KeyedRequest, refuse_key};
pub(crate) use json::{ArrivedBody, read_json};
pub(crate) use key_request::{key_id, key_schema, parse_key};
pub(crate) use line_memory::LineMemory;
pub(crate) use lines::{Line, LineFeed, LineLimits, Unfinished, line_feed};
use media_type::JSON;
pub(crate) use media_type::{NDJSON, require_media_type};
pub(crate) use model_name::model_name;
pub(crate) use model_spec::{model_spec_schema, parse_model_spec};
use object::{ObjectReader, wrong_type};
pub(crate) use options::options_schema;
pub(crate) use path_id::prediction_id;
pub(crate) use predict_item::item_schema;
pub(crate) use prediction_filter::{export_request, list_request};
pub(crate) use prediction_request::{parse_prediction, prediction_schema};
use query::QueryParameters;
pub(crate) use query::refuse_parameters;
use shape::{Elements, Members, Shape, Shaped};
pub(crate) use terms_request::{AGAINST, NGRAMS, terms_request};
pub(crate) use trace_parent::trace_parent;
pub(crate) use trend_filter::{breakdown_request, trends_request};

#[cfg(test)]
mod tests;
