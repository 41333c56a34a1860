//! Schemas of values that the domain checks; the document repeats the rules so that clients can check them first.

use application::ports::{LabelMappingOrigin, PrecisionReason};
use domain::entities::KeyState;
use domain::value_objects::{
    Granularity, Metadata, ModelName, Overflow, Reference, Scope, ScoreFunction, Sentiment,
};
use serde_json::{Value, json};
use utoipa::openapi::schema::{
    AdditionalProperties, AnyOfBuilder, Array, ArrayBuilder, Object, ObjectBuilder, OneOfBuilder, Schema,
    SchemaType, Type,
};
use utoipa::openapi::{KnownFormat, Ref, RefOr, SchemaFormat};

use crate::problem::ProblemCode;

/// A printable character of a `Reference`, other than the space.
const PRINTABLE: &str =
    r"[^\s\u0000-\u001f\u007f-\u009f\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000\ufeff]";

/// The schema of a request's JSON object, which has no other members than its properties.
pub(crate) fn request_object(description: &str) -> ObjectBuilder {
    ObjectBuilder::new()
        .schema_type(Type::Object)
        .description(Some(description))
        .additional_properties(Some(AdditionalProperties::FreeForm(false)))
}

/// A string.
pub(crate) fn string(description: &str) -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String).description(Some(description))
}

/// A string, or null.
pub(crate) fn nullable_string(description: &str) -> ObjectBuilder {
    nullable(Type::String).description(Some(description))
}

/// A whole number, or null.
pub(crate) fn nullable_integer(description: &str) -> ObjectBuilder {
    let format = SchemaFormat::KnownFormat(KnownFormat::Int64);
    nullable(Type::Integer).format(Some(format)).description(Some(description))
}

/// A whole number of a range.
pub(crate) fn integer(description: &str, least: u32, most: u32) -> ObjectBuilder {
    ObjectBuilder::new()
        .schema_type(Type::Integer)
        .description(Some(description))
        .minimum(Some(least))
        .maximum(Some(most))
}

/// An object of a request without other members than its properties, or null.
pub(crate) fn nullable_object(description: &str) -> ObjectBuilder {
    request_object(description).schema_type(or_null(Type::Object))
}

/// A number, or null.
pub(crate) fn nullable_number(description: &str) -> ObjectBuilder {
    let format = SchemaFormat::KnownFormat(KnownFormat::Double);
    nullable(Type::Number).format(Some(format)).description(Some(description))
}

/// A value of this type, or null.
pub(crate) fn nullable(kind: Type) -> ObjectBuilder {
    ObjectBuilder::new().schema_type(or_null(kind))
}

/// Adds an example.
#[expect(deprecated, reason = "`example` is what the derived schemas of the responses have too")]
pub(crate) fn with_example(schema: ObjectBuilder, example: impl Into<Value>) -> ObjectBuilder {
    schema.example(Some(example.into()))
}

/// A model's name, or null.
pub(crate) fn nullable_model_name(description: &str) -> ObjectBuilder {
    with_example(nullable_string(description), "sentiment-minilm-l6")
}

/// The options of a prediction, or null.
pub(crate) fn nullable_options(description: &str) -> OneOfBuilder {
    let mut options = Ref::from_schema_name("PredictionOptions");
    description.clone_into(&mut options.description);
    OneOfBuilder::new().item(options).item(ObjectBuilder::new().schema_type(Type::Null))
}

fn or_null(kind: Type) -> SchemaType {
    SchemaType::from_iter([kind, Type::Null])
}

fn words(words: impl IntoIterator<Item = &'static str>) -> Object {
    ObjectBuilder::new().schema_type(Type::String).enum_values(Some(words)).build()
}

/// A text of at most `max_chars` characters.
pub(crate) fn text(max_chars: usize) -> Object {
    ObjectBuilder::new()
        .schema_type(Type::String)
        .description(Some(
            "The text: 1 to 10,000 characters unless the service is configured otherwise, not blank, without \
             U+0000. It is stored unchanged.",
        ))
        .min_length(Some(1))
        .max_length(Some(max_chars))
        .pattern(Some(r"^[^\u0000]*[^\s\u0000][^\u0000]*$"))
        .examples(["I love it"])
        .build()
}

/// A reference.
pub(crate) fn reference() -> Object {
    ObjectBuilder::new()
        .schema_type(Type::String)
        .description(Some("Your own id for the text: 1 to 128 printable characters, not necessarily unique."))
        .min_length(Some(1))
        .max_length(Some(Reference::MAX_CHARS))
        .pattern(Some(format!("^ *{PRINTABLE}( *{PRINTABLE})* *$")))
        .examples(["review-17"])
        .build()
}

/// A reference, or null.
pub(crate) fn nullable_reference() -> Object {
    let mut schema = reference();
    schema.schema_type = or_null(Type::String);
    schema
}

/// The metadata of a text.
pub(crate) fn metadata() -> Object {
    let value = AnyOfBuilder::new()
        .item(ObjectBuilder::new().schema_type(Type::String).pattern(Some(r"^[^\u0000]*$")))
        .item(
            ObjectBuilder::new()
                .schema_type(Type::Number)
                .minimum(Some(-9_223_372_036_854_774_784.0))
                .maximum(Some(9_223_372_036_854_774_784.0)),
        )
        .item(ObjectBuilder::new().schema_type(Type::Boolean));
    ObjectBuilder::new()
        .schema_type(Type::Object)
        .description(Some("Your own data about the text: a flat object of at most 4 KiB in all."))
        .max_properties(Some(Metadata::MAX_KEYS))
        .property_names(Some(
            ObjectBuilder::new()
                .schema_type(Type::String)
                .min_length(Some(1))
                .max_length(Some(Metadata::MAX_KEY_CHARS))
                .pattern(Some(r"^[^\u0000]+$")),
        ))
        .additional_properties(Some(AdditionalProperties::RefOr(RefOr::T(Schema::from(value)))))
        .examples([json!({"source": "app", "stars": 5})])
        .build()
}

/// The metadata of a text, or null.
pub(crate) fn nullable_metadata() -> Object {
    let mut schema = metadata();
    schema.schema_type = or_null(Type::Object);
    schema
}

/// A sentiment's name.
pub(crate) fn sentiment() -> Object {
    words(Sentiment::ALL.map(Sentiment::as_str))
}

/// A sentiment's name, or null.
pub(crate) fn nullable_sentiment() -> Object {
    nullable(Type::String)
        .enum_values(Some(
            Sentiment::ALL
                .map(|sentiment| Some(sentiment.as_str()))
                .into_iter()
                .chain([None])
                .map(|word| json!(word)),
        ))
        .description(Some("The sentiment; null where there is no mapping to one."))
        .examples(["positive"])
        .build()
}

/// One of a list of words, or null.
fn nullable_words<T>(names: &[(&'static str, T)], description: &str) -> Object {
    let words = names.iter().map(|(name, _)| json!(name)).chain([json!(null)]);
    nullable(Type::String).enum_values(Some(words)).description(Some(description)).build()
}

/// A score function, or null.
pub(crate) fn score_function() -> Object {
    nullable_words(
        ScoreFunction::NAMES,
        "The function that turns logits into scores, instead of the model's own. With `none` the labels' scores are \
         the logits: `confidence` is null, `scores` is empty, and the sentiment is that of the highest.",
    )
}

/// A granularity, or null.
pub(crate) fn granularity() -> Object {
    nullable_words(
        Granularity::NAMES,
        "With `sentence` every sentence is classified too: the prediction has `sentences`, and its sentiment is \
         `mixed` if strong sentences disagree. Not together with the function `none` or the overflow `truncate`.",
    )
}

/// What happens to a text of too many tokens, or null.
pub(crate) fn overflow() -> Object {
    nullable_words(
        Overflow::NAMES,
        "What happens to a text of more than `max_tokens` tokens: it is classified whole, in windows of at most \
         `max_tokens` tokens (`window`, the default), only its first tokens are classified (`truncate`), or it is \
         refused (`reject`). Only allowed together with `max_tokens`.",
    )
}

/// A problem's code.
pub(crate) fn problem_code() -> Object {
    ObjectBuilder::new()
        .schema_type(Type::String)
        .enum_values(Some(ProblemCode::ALL.map(ProblemCode::code)))
        .description(Some("The kind of problem, for programs: one of the problem catalog."))
        .examples(["blank"])
        .build()
}

/// What a model's outputs mean.
pub(crate) fn problem_type() -> Object {
    words(["single_label_classification", "multi_label_classification", "regression"])
}

/// Where a model comes from.
pub(crate) fn model_source() -> Object {
    words(["folder", "hub"])
}

/// What the sentiments of a model's labels are based on.
pub(crate) fn label_mapping() -> Object {
    ObjectBuilder::new()
        .schema_type(Type::String)
        .enum_values(Some(LabelMappingOrigin::NAMES))
        .description(Some(
            "`names`: the names of the labels; `stars`: their names, which are `1 star` to `5 stars`; \
             `known_repository`: the repository on the hub, whose model card states the order of the labels; \
             `known_weights`: the checksum of the weights, which such a repository publishes; `config`: a table in \
             the configuration or in the request that loaded the model; `raw`: nothing, the labels stand for no \
             sentiments.",
        ))
        .build()
}

/// Why a model runs in its precision.
pub(crate) fn precision_reason() -> Object {
    ObjectBuilder::new()
        .schema_type(Type::String)
        .enum_values(Some(PrecisionReason::NAMES))
        .description(Some(
            "Why the precision is used. `configured`: the settings demand it; `reference_passed`: int8 is within the \
             tolerance of the model's `reference.json`; `reference_failed`: int8 is not, so f32; \
             `calibration_passed`: int8 differs little from f32 on built-in texts; `calibration_failed`: int8 differs \
             too much, so f32; `no_fast_int8`: the CPU has no fast int8 dot products; `int8_unsupported`: the \
             architecture has no int8; `first_usable`: the first precision of the GPU that passed its trial.",
        ))
        .build()
}

/// The result of a self-test.
pub(crate) fn self_test() -> Object {
    words(["passed", "absent"])
}

/// The status of a component or of the service.
pub(crate) fn health_status() -> Object {
    words(["healthy", "degraded", "unhealthy"])
}

/// The status of a running process.
pub(crate) fn live_status() -> Object {
    words(["ok"])
}

/// Whether the service is ready for requests.
pub(crate) fn ready_status() -> Object {
    words(["ready", "not_ready"])
}

/// The name under which a model is loaded.
pub(crate) fn served_name() -> Object {
    ObjectBuilder::new()
        .schema_type(Type::String)
        .max_length(Some(ModelName::MAX_CHARS))
        .pattern(Some("^[A-Za-z0-9][A-Za-z0-9._-]*$"))
        .examples(["reviews-de"])
        .build()
}

/// How labels become sentiments: a word, a table, or null.
pub(crate) fn labels_mapping() -> AnyOfBuilder {
    let table = ObjectBuilder::new()
        .schema_type(Type::Object)
        .additional_properties(Some(AdditionalProperties::RefOr(RefOr::T(Schema::from(sentiment())))));
    AnyOfBuilder::new()
        .item(words(["auto", "raw"]))
        .item(table)
        .item(ObjectBuilder::new().schema_type(Type::Null))
        .description(Some(
            "How labels become sentiments: `auto` (by their names, or as known of a published model), `raw` (not at \
             all), or a table from labels to sentiments.",
        ))
}

/// The id of an API key.
pub(crate) fn key_id() -> Object {
    ObjectBuilder::new()
        .schema_type(Type::String)
        .pattern(Some("^[0-9A-Za-z]{12}$"))
        .examples(["4fT9aZ02kLmQ"])
        .build()
}

/// A list of scopes.
pub(crate) fn scopes() -> Array {
    ArrayBuilder::new().items(words(Scope::ALL.map(Scope::as_str))).build()
}

/// How a caller was authenticated.
pub(crate) fn authentication() -> Object {
    words(["key", "token", "none"])
}

/// The state of an API key.
pub(crate) fn key_state() -> Object {
    words([KeyState::Active, KeyState::Expired, KeyState::Revoked].map(KeyState::as_str))
}

/// An id in a path.
pub(crate) fn uuid() -> Object {
    ObjectBuilder::new()
        .schema_type(Type::String)
        .format(Some(SchemaFormat::Custom("uuid".to_owned())))
        .examples(["01997a3e-7c10-7d52-a1f0-5f0f6f3f9f11"])
        .build()
}
