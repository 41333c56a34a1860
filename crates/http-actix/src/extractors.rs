//! Reads requests from the wire into the use cases' requests. Unreadable input is refused with 400, readable input that
//! is not allowed with 422 and the field at fault.

mod body;
mod client_wait;
mod json;
mod line_memory;
mod lines;
mod media_type;
mod model_input;
mod model_name;
mod object;
mod options_input;
mod path_id;
mod prediction_filter;
mod prediction_input;
mod query;
mod shape;
mod tenant;

pub(crate) use body::read_body;
pub(crate) use json::{FromJson, read_json};
pub(crate) use line_memory::LineMemory;
pub(crate) use lines::{Line, LineFeed, LineLimits, Unfinished, line_feed};
pub(crate) use media_type::{JSON, NDJSON, require_media_type};
pub(crate) use model_input::ModelInput;
pub(crate) use model_name::model_name;
pub(crate) use object::{ObjectReader, wrong_type};
pub(crate) use options_input::OptionsInput;
pub(crate) use path_id::prediction_id;
pub(crate) use prediction_filter::list_request;
pub(crate) use prediction_input::{BatchInput, BatchItemInput, PredictionInput};
pub(crate) use query::{QueryParameters, refuse_parameters};
pub(crate) use shape::{Elements, Members, Shape, Shaped};
pub(crate) use tenant::tenant;
