use application::use_cases::{
    DEFAULT_BREAKDOWN_LIMIT, DEFAULT_PAGE_LIMIT, MAX_BREAKDOWN_LIMIT, MAX_PAGE_LIMIT,
};
use domain::policies::MAX_QUERY_TERMS;
use domain::value_objects::{BucketWidth, Dimensions};
use serde_json::json;
use utoipa::IntoParams;
use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn, ParameterStyle};
use utoipa::openapi::schema::{AdditionalProperties, Object, ObjectBuilder, Type};
use utoipa::openapi::{KnownFormat, RefOr, Required, SchemaFormat};

use crate::extractors::{AGAINST, NGRAMS};
use crate::openapi::schemas;
use crate::presenters::EventType;

/// The `{id}` in a path.
pub(crate) struct PathId;

/// The model's `{name}` in a path.
pub(crate) struct PathModelName;

/// The `{id}` of a key in a path.
pub(crate) struct PathKeyId;

/// The query parameters of the list.
pub(crate) struct ListParameters;

/// The query parameters of the feed.
pub(crate) struct EventParameters;

/// The query parameters of the export.
pub(crate) struct ExportParameters;

/// The query parameters of the distinguishing terms.
pub(crate) struct TermsParameters;

/// The query parameters of the audit.
pub(crate) struct AuditParameters;

/// The query parameters of the trends.
pub(crate) struct TrendsParameters;

/// The query parameters of the breakdown.
pub(crate) struct BreakdownParameters;

impl IntoParams for PathId {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        vec![in_path("id", "The id of the stored prediction", schemas::uuid())]
    }
}

impl IntoParams for PathModelName {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        vec![in_path("name", "The name under which the model is served", schemas::served_name())]
    }
}

impl IntoParams for PathKeyId {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        vec![in_path("id", "The id of the key", schemas::key_id())]
    }
}

impl IntoParams for EventParameters {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let position = string().pattern(Some("^[0-9]{1,19}$")).build();
        let names = EventType::ALL.map(EventType::as_str).join("|").replace('.', r"\.");
        let types = string().pattern(Some(format!("^({names})(,({names}))*$"))).build();
        vec![
            query(
                "last_event_id",
                "As the header `Last-Event-ID`, which comes first where both are sent",
                position,
            ),
            query("types", "Only events of these types, separated by commas", types),
        ]
    }
}

impl IntoParams for AuditParameters {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        vec![
            query("limit", "The most lines on the page", limit()),
            query("cursor", "`next_cursor` of the previous page", cursor(16)),
        ]
    }
}

impl IntoParams for TermsParameters {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let mut sentiment = query("sentiment", "The sentiment whose terms to find", schemas::sentiment());
        sentiment.required = Required::True;
        vec![
            sentiment,
            query(
                "against",
                "`rest` compares with texts of the other sentiments in the same range, `previous` with those of the \
                 same sentiment in the range of the same length before it",
                one_of(&AGAINST.map(|(name, _)| name)),
            ),
            query("ngrams", "The lengths of terms, in words", one_of(&NGRAMS.map(|(name, _)| name))),
            query(
                "from",
                "Only texts of this time or later, to the millisecond; by default 7 days before `to`",
                time(),
            ),
            query("to", "Only texts before this time, to the millisecond; by default now", time()),
            query(
                "model",
                "Only texts that the model of this name classified, in any revision",
                model_name(),
            ),
            query("limit", "The most terms", limit()),
            query("min_texts", "Only terms that at least so many of the texts have", min_texts()),
        ]
    }
}

impl IntoParams for TrendsParameters {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        vec![
            query(
                "bucket",
                "The width of the buckets: unless given `1h` for up to 2 days, `1d` for up to 90 days, `1w` for more",
                bucket(),
            ),
            query("tz", "The time zone of the buckets, by its name in the IANA database", zone()),
            query("from", "The first instant; 7 days before `to` unless given", time()),
            query("to", "The first instant after the range; now unless given", time()),
            query("by", BY, by()),
            query("sentiment", "Only predictions of this sentiment", schemas::sentiment()),
            query("model", "Only predictions by the model of this name, in any revision", model_name()),
            metadata_filter(),
        ]
    }
}

impl IntoParams for BreakdownParameters {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        vec![
            query("by", BY, by()),
            query("from", "The first instant; 7 days before `to` unless given", time()),
            query("to", "The first instant after the range; now unless given", time()),
            query("limit", "The most groups that are named", breakdown_limit()),
        ]
    }
}

/// What the parameter `by` means.
const BY: &str = "By what predictions are counted: `sentiment`, `model`, or `metadata.KEY` for a key of \
                  `analytics.dimensions`";

fn bucket() -> Object {
    string().enum_values(Some(BucketWidth::ALL.map(BucketWidth::as_str))).build()
}

fn zone() -> Object {
    string().default(Some(json!("UTC"))).examples(["Europe/Berlin"]).build()
}

fn by() -> Object {
    string()
        .pattern(Some(r"^(sentiment|model|metadata\.[^\u0000]+)$"))
        .default(Some(json!("sentiment")))
        .examples(["model"])
        .build()
}

fn breakdown_limit() -> Object {
    ObjectBuilder::new()
        .schema_type(Type::Integer)
        .minimum(Some(1))
        .maximum(Some(MAX_BREAKDOWN_LIMIT))
        .default(Some(json!(DEFAULT_BREAKDOWN_LIMIT)))
        .build()
}

/// `metadata.KEY=VALUE`: an object whose properties are parameters of their own.
fn metadata_filter() -> Parameter {
    let value = string().max_length(Some(Dimensions::MAX_VALUE_CHARS)).build();
    let values = ObjectBuilder::new()
        .schema_type(Type::Object)
        .max_properties(Some(1))
        .property_names(Some(string().pattern(Some(r"^metadata\.[^\u0000]+$"))))
        .additional_properties(Some(AdditionalProperties::RefOr(RefOr::T(value.into()))))
        .build();
    ParameterBuilder::new()
        .name("metadata")
        .parameter_in(ParameterIn::Query)
        .required(Required::False)
        .style(Some(ParameterStyle::Form))
        .explode(Some(true))
        .description(Some(
            "`metadata.KEY=VALUE`: only predictions with this value of a key of `analytics.dimensions`; \
             `(none)` for those without the key, `(other)` for those whose value is not counted apart",
        ))
        .schema(Some(values))
        .build()
}

impl IntoParams for ListParameters {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let page = [
            query("limit", "The most predictions on the page", limit()),
            query("cursor", "`next_cursor` of the previous page, with the same filters", cursor(48)),
        ];
        filters().into_iter().chain(page).collect()
    }
}

impl IntoParams for ExportParameters {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let form = [
            query(
                "format",
                "The file format",
                string().enum_values(Some(["csv", "jsonl"])).default(Some(json!("csv"))).build(),
            ),
            query(
                "safe",
                "Whether CSV cells that a spreadsheet would execute as formulas get a leading apostrophe",
                boolean(),
            ),
        ];
        filters().into_iter().chain(form).collect()
    }
}

/// The conditions that the list and the export have in common.
fn filters() -> [Parameter; 8] {
    [
        query("sentiment", "Only predictions of this sentiment", schemas::sentiment()),
        query("model", "Only predictions by the model of this name, in any revision", model_name()),
        query("ref", "Only predictions with exactly this `ref`", schemas::reference()),
        query(
            "from",
            "Only predictions created at this time or later; if it is after `to`, the page is empty",
            time(),
        ),
        query("to", "Only predictions created before this time", time()),
        query("min_confidence", "Only predictions with at least this confidence", probability()),
        query("max_confidence", "Only predictions with at most this confidence", probability()),
        query("q", &terms_description(), search()),
    ]
}

fn in_path(name: &str, description: &str, schema: Object) -> Parameter {
    ParameterBuilder::new()
        .name(name)
        .parameter_in(ParameterIn::Path)
        .required(Required::True)
        .description(Some(description))
        .schema(Some(schema))
        .build()
}

fn query(name: &str, description: &str, schema: Object) -> Parameter {
    ParameterBuilder::new()
        .name(name)
        .parameter_in(ParameterIn::Query)
        .required(Required::False)
        .description(Some(description))
        .schema(Some(schema))
        .build()
}

fn terms_description() -> String {
    format!(
        "Only predictions whose text contains every one of these terms as a whole term. A term is a run of letters \
         and digits, in any case; at most {MAX_QUERY_TERMS}"
    )
}

fn string() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String)
}

fn boolean() -> Object {
    ObjectBuilder::new().schema_type(Type::Boolean).default(Some(json!(true))).build()
}

fn model_name() -> Object {
    string().min_length(Some(1)).pattern(Some(r"^[^\u0000]*[^\s\u0000][^\u0000]*$")).build()
}

fn time() -> Object {
    string()
        .format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime)))
        .examples(["2026-01-31T12:00:00Z"])
        .build()
}

fn probability() -> Object {
    ObjectBuilder::new().schema_type(Type::Number).minimum(Some(0.0)).maximum(Some(1.0)).build()
}

/// A search query. It must have a letter or digit of any script, which no portable pattern can express.
fn search() -> Object {
    string().min_length(Some(1)).pattern(Some(r"^[^\u0000]+$")).examples(["refund parcel"]).build()
}

fn limit() -> Object {
    ObjectBuilder::new()
        .schema_type(Type::Integer)
        .minimum(Some(1))
        .maximum(Some(MAX_PAGE_LIMIT))
        .default(Some(json!(DEFAULT_PAGE_LIMIT)))
        .build()
}

/// One of these words, by default the first.
fn one_of(words: &[&str]) -> Object {
    string().enum_values(Some(words.iter().copied())).default(words.first().map(|word| json!(word))).build()
}

fn min_texts() -> Object {
    ObjectBuilder::new()
        .schema_type(Type::Integer)
        .minimum(Some(1))
        .maximum(Some(u32::MAX))
        .default(Some(json!(5)))
        .build()
}

fn cursor(digits: usize) -> Object {
    string().pattern(Some(format!("^[0-9a-f]{{{digits}}}$"))).build()
}
